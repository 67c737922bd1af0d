//! Moving coins: the only place that changes balances.

use store::{fault, Ctx};
use types::{Address, Coin};

use crate::msg::{MultiSend, Send};
use crate::state::{balance, is_module, set_balance, supply, SUPPLY};
use crate::{event, Error};

/// Run a user's `MsgSend`.
pub(crate) fn send(ctx: &mut Ctx<'_>, send: &Send) -> Result<(), Error> {
    refuse_module(ctx, send.to)?;
    transfer_coins(ctx, &send.from, &send.to, &send.coins)?;
    ctx.emit(event::message(send.from));
    Ok(())
}

/// Run a user's `MsgMultiSend`: every check first, then everything moves.
pub(crate) fn multi_send(ctx: &mut Ctx<'_>, multi: &MultiSend) -> Result<(), Error> {
    for output in &multi.outputs {
        refuse_module(ctx, output.to)?;
    }
    debit(ctx, multi.from, &multi.coins)?;
    for output in &multi.outputs {
        credit(ctx, output.to, &output.coins);
        ctx.emit(event::transfer(output.to, multi.from, &output.coins));
    }
    ctx.emit(event::message(multi.from));
    Ok(())
}

/// Move one coin. Modules may send from and to any account; an amount of zero moves nothing and tells nothing.
/// Refused when `from` has too little; then nothing has changed.
pub fn transfer(ctx: &mut Ctx<'_>, from: &Address, to: &Address, coin: &Coin) -> Result<(), Error> {
    if coin.amount == 0 {
        return Ok(());
    }
    transfer_coins(ctx, from, to, core::slice::from_ref(coin))
}

/// Move several coins, all or none. `coins` names no denomination twice.
pub fn transfer_coins(ctx: &mut Ctx<'_>, from: &Address, to: &Address, coins: &[Coin]) -> Result<(), Error> {
    debit(ctx, *from, coins)?;
    credit(ctx, *to, coins);
    ctx.emit(event::transfer(*to, *from, coins));
    Ok(())
}

/// Create coins. Only genesis does this. Refused when there would be more than can be counted.
pub fn mint(ctx: &mut Ctx<'_>, to: &Address, coin: &Coin) -> Result<(), Error> {
    let total = supply(ctx.state, &coin.denom).checked_add(coin.amount);
    let total = total.ok_or_else(|| {
        Error::InvalidCoins(alloc::format!("the supply of {} exceeds 2^128 - 1", coin.denom))
    })?;
    if coin.amount != 0 {
        SUPPLY.set(ctx.state, &coin.denom, &total);
        let held = balance(ctx.state, to, &coin.denom);
        set_balance(ctx.state, *to, &coin.denom, plus(held, coin.amount));
    }
    Ok(())
}

fn refuse_module(ctx: &Ctx<'_>, to: Address) -> Result<(), Error> {
    if is_module(ctx.state, &to) {
        return Err(Error::Blocked(to));
    }
    Ok(())
}

fn debit(ctx: &mut Ctx<'_>, from: Address, coins: &[Coin]) -> Result<(), Error> {
    let mut left = alloc::vec::Vec::with_capacity(coins.len());
    for coin in coins {
        let has = balance(ctx.state, &from, &coin.denom);
        let rest = has.checked_sub(coin.amount);
        left.push(rest.ok_or_else(|| Error::InsufficientFunds { has, needs: coin.clone() })?);
    }
    for (coin, rest) in coins.iter().zip(left) {
        set_balance(ctx.state, from, &coin.denom, rest);
    }
    ctx.emit(event::coin_spent(from, coins));
    Ok(())
}

fn credit(ctx: &mut Ctx<'_>, to: Address, coins: &[Coin]) {
    for coin in coins {
        let has = balance(ctx.state, &to, &coin.denom);
        set_balance(ctx.state, to, &coin.denom, plus(has, coin.amount));
    }
    ctx.emit(event::coin_received(to, coins));
}

/// **Invariant:** balances add up to the supply, which fits (I1), so no single balance can overflow.
fn plus(has: u128, more: u128) -> u128 {
    has.checked_add(more).unwrap_or_else(|| fault("a balance exceeds the supply"))
}
