//! The one way into the fund and out of it.

use num::QuoteQuantums;
use store::Ctx;
use types::{Address, Coin};

use crate::state::{balance, fund, totals, Totals, POOL, TOTALS};
use crate::{event, Error};

/// F1: whether a fund that holds `balance` can take `delta`: balance + delta is not negative.
pub fn can_pay(balance: QuoteQuantums, delta: QuoteQuantums) -> bool {
    balance.checked_add(delta).is_some_and(|after| !after.is_negative())
}

/// Move `delta` between the collateral pool and the fund: above zero into the fund, below zero out of it.
/// All or nothing; refused when the fund would go below zero, and then the caller deleverages.
///
/// Callers pay out of the fund *before* they book the loss, so that no balance is below zero in between.
pub fn settle(ctx: &mut Ctx<'_>, delta: QuoteQuantums) -> Result<(), Error> {
    let has = balance(ctx.state, &ctx.chain.collateral);
    if !can_pay(has, delta) {
        return Err(Error::Dry { has, delta });
    }
    if delta.is_zero() {
        return Ok(());
    }
    let amount = delta.raw().unsigned_abs();
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount };
    let pool = Address::module(POOL);
    let (from, to) = if delta.is_positive() { (pool, fund()) } else { (fund(), pool) };
    bank::transfer(ctx, &from, &to, &coin)?;
    let old = totals(ctx.state);
    let new = if delta.is_positive() {
        Totals { paid_in: old.paid_in + delta, payments_in: old.payments_in.saturating_add(1), ..old }
    } else {
        Totals { paid_out: old.paid_out - delta, payments_out: old.payments_out.saturating_add(1), ..old }
    };
    TOTALS.set(ctx.state, &new);
    ctx.emit(event::insurance_payment(delta, has + delta));
    Ok(())
}
