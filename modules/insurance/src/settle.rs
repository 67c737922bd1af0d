//! The one way into the fund and out of it.

use num::QuoteQuantums;
use perpetuals::Collateral;
use store::Ctx;
use types::{Address, Coin, MarketId};

use crate::state::{held, moved, set_totals, Totals, FUND, ISOLATED, POOL};
use crate::{event, Error};

/// F1: whether a fund that holds `balance` can take `delta`: balance + delta is not negative.
pub fn can_pay(balance: QuoteQuantums, delta: QuoteQuantums) -> bool {
    balance.checked_add(delta).is_some_and(|after| !after.is_negative())
}

/// Move `delta` between the collateral of `market` and its fund: above zero into the fund, below zero out of it.
/// All or nothing; refused when the fund would go below zero, and then the caller deleverages.
///
/// Callers pay out of the fund *before* they book the loss: when the last positions of an isolated market close,
/// its pool is emptied in the same step, and must hold the payment by then.
pub fn settle(ctx: &mut Ctx<'_>, market: MarketId, delta: QuoteQuantums) -> Result<(), Error> {
    if delta.is_zero() {
        return Ok(());
    }
    let of = perpetuals::collateral(ctx.state.as_read(), market);
    let has = held(ctx.state.as_read(), of, &ctx.chain.collateral);
    if !can_pay(has, delta) {
        return Err(Error::Dry { has, delta });
    }
    let (pool, fund) = (of.address(POOL), of.address(FUND));
    let (from, to) = if delta.is_positive() { (pool, fund) } else { (fund, pool) };
    pay(ctx, (from, to), delta.raw().unsigned_abs())?;
    let old = moved(ctx.state.as_read(), of);
    set_totals(ctx.state, of, &old.after(delta));
    ctx.emit(event::insurance_payment(market, fund, delta, has + delta));
    Ok(())
}

/// Move `amount`, which is not negative, from the pool of `of` to its fund: what rounding of funding left there.
/// Refused when the pool holds less.
pub fn absorb(ctx: &mut Ctx<'_>, of: Collateral, amount: QuoteQuantums) -> Result<(), Error> {
    if !amount.is_positive() {
        return Ok(());
    }
    pay(ctx, (of.address(POOL), of.address(FUND)), amount.raw().unsigned_abs())?;
    let old = moved(ctx.state.as_read(), of);
    set_totals(ctx.state, of, &old.after(amount));
    let balance = held(ctx.state.as_read(), of, &ctx.chain.collateral);
    ctx.emit(event::insurance_dust(of.address(FUND), amount, balance));
    Ok(())
}

/// All that the fund of an isolated market holds goes to the fund of all cross markets, because the market joins
/// them. Its totals end at zero; the other fund counts a payment in.
pub fn merge(ctx: &mut Ctx<'_>, market: MarketId) -> Result<(), Error> {
    let (own, cross) = (Collateral::Isolated(market), Collateral::Cross);
    let amount = held(ctx.state.as_read(), own, &ctx.chain.collateral);
    ISOLATED.remove(ctx.state, &market);
    if amount.is_zero() {
        return Ok(());
    }
    let (from, to) = (own.address(FUND), cross.address(FUND));
    pay(ctx, (from, to), amount.raw().unsigned_abs())?;
    let old = moved(ctx.state.as_read(), cross);
    set_totals(ctx.state, cross, &old.after(amount));
    let balance = held(ctx.state.as_read(), cross, &ctx.chain.collateral);
    ctx.emit(event::insurance_payment(market, from, -amount, QuoteQuantums::ZERO));
    ctx.emit(event::insurance_payment(market, to, amount, balance));
    Ok(())
}

fn pay(ctx: &mut Ctx<'_>, (from, to): (Address, Address), amount: u128) -> Result<(), Error> {
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount };
    bank::transfer(ctx, &from, &to, &coin)?;
    Ok(())
}

impl Totals {
    /// The totals after the fund received (above zero) or paid `delta`.
    fn after(self, delta: QuoteQuantums) -> Self {
        if delta.is_positive() {
            let payments_in = self.payments_in.saturating_add(1);
            Self { paid_in: self.paid_in + delta, payments_in, ..self }
        } else {
            let payments_out = self.payments_out.saturating_add(1);
            Self { paid_out: self.paid_out - delta, payments_out, ..self }
        }
    }
}
