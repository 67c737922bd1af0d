//! A rate on an amount, and the way of the money.

use num::{QuoteQuantums, Round, SignedPpm};
use store::Ctx;
use types::{Address, Coin};

use crate::Error;

/// F1: fee of a fill: `ceil(quote * rate / 1e6)`, against the payer for fees and for rebates alike. `quote` is
/// not negative; nothing when the result does not fit.
pub fn charge(quote: QuoteQuantums, rate: SignedPpm) -> Option<QuoteQuantums> {
    rate.of(quote, Round::Ceil)
}

/// The module account that fees are paid to.
pub fn collector() -> Address {
    Address::module(bank::FEE_COLLECTOR)
}

/// Move the fees of one match, taker's and maker's together, from `pool` to the collector. Refused when they
/// are below zero (I1 rules that out) or when the pool holds less.
pub fn collect(ctx: &mut Ctx<'_>, pool: &Address, amount: QuoteQuantums) -> Result<(), Error> {
    let fees = u128::try_from(amount.raw()).map_err(|_| Error::NegativeNetFee(amount))?;
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount: fees };
    bank::transfer(ctx, pool, &collector(), &coin)?;
    Ok(())
}
