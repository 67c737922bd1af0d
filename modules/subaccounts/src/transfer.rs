//! Money in, out, and between accounts.

use num::QuoteQuantums;
use store::Ctx;
use types::{Address, Coin, SubaccountId};

use crate::msg::Msg;
use crate::state::POOL;
use crate::update::{update, Kind, Update};
use crate::{event, Accounts, Error};

/// Run one message. Its signer signed it; fees are paid. All or nothing.
pub fn execute(ctx: &mut Ctx<'_>, accounts: &mut Accounts, msg: &Msg) -> Result<(), Error> {
    store::attempt(ctx, accounts, |ctx, accounts| match msg {
        Msg::Deposit { sender, recipient, amount } => deposit(ctx, accounts, *sender, recipient, *amount),
        Msg::Withdraw { sender, recipient, amount } => withdraw(ctx, accounts, sender, *recipient, *amount),
        Msg::Transfer { sender, recipient, amount } => transfer(ctx, accounts, sender, recipient, *amount),
    })
}

fn deposit(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    sender: Address,
    to: &SubaccountId,
    amount: u64,
) -> Result<(), Error> {
    let quote = QuoteQuantums::new(amount.into());
    let coin = collateral(ctx, amount);
    let pool = accounts.collateral(to).address(POOL);
    bank::transfer(ctx, &sender, &pool, &coin)?;
    update(ctx, accounts, &[Update::money(*to, quote)], Kind::Deposit)?;
    ctx.emit(event::deposit(sender, to, quote));
    Ok(())
}

fn withdraw(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    from: &SubaccountId,
    recipient: Address,
    amount: u64,
) -> Result<(), Error> {
    if bank::is_module(ctx.state, &recipient) {
        return Err(bank::Error::Blocked(recipient).into());
    }
    let quote = QuoteQuantums::new(amount.into());
    update(ctx, accounts, &[Update::money(*from, -quote)], Kind::Withdrawal)?;
    let coin = collateral(ctx, amount);
    let pool = accounts.collateral(from).address(POOL);
    bank::transfer(ctx, &pool, &recipient, &coin)?;
    ctx.emit(event::withdraw(from, recipient, quote));
    Ok(())
}

fn transfer(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    from: &SubaccountId,
    to: &SubaccountId,
    amount: u64,
) -> Result<(), Error> {
    let quote = QuoteQuantums::new(amount.into());
    let (out, into) = (Update::money(*from, -quote), Update::money(*to, quote));
    update(ctx, accounts, &[out, into], Kind::Transfer)?;
    let (payer, payee) = (accounts.collateral(from), accounts.collateral(to));
    if payer != payee {
        let coin = collateral(ctx, amount);
        bank::transfer(ctx, &payer.address(POOL), &payee.address(POOL), &coin)?;
    }
    ctx.emit(event::transfer(from, to, quote));
    Ok(())
}

/// One smallest unit of the collateral is one quote quantum.
fn collateral(ctx: &Ctx<'_>, amount: u64) -> Coin {
    Coin { denom: ctx.chain.collateral.clone(), amount: amount.into() }
}
