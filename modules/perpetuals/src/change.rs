//! What moves: funding index, open interest, and which collateral a market stands on.

use num::{BaseQuantums, FundingIndex};
use store::{Ctx, State};
use types::MarketId;

use crate::state::{perpetual, Perpetual, ISOLATED, PERPETUALS};
use crate::Error;

/// Add `delta` to the funding index of `market`; above zero the long pay the short. Refused when the market is
/// missing (code 1) or the index would not fit (code 11); then nothing has changed.
pub fn advance_funding(ctx: &mut Ctx<'_>, market: MarketId, delta: FundingIndex) -> Result<(), Error> {
    let old = load(ctx, market)?;
    let index = old.funding_index.raw().checked_add(delta.raw()).ok_or(Error::Overflow(market))?;
    PERPETUALS.set(ctx.state, &market, &Perpetual { funding_index: FundingIndex::new(index), ..old });
    Ok(())
}

/// Add `delta` to the open interest of `market`. Refused (code 25) when it would become negative; then nothing
/// has changed.
pub fn change_open_interest(ctx: &mut Ctx<'_>, market: MarketId, delta: BaseQuantums) -> Result<(), Error> {
    let old = load(ctx, market)?;
    let open_interest = old.open_interest.checked_add(delta).ok_or(Error::Overflow(market))?;
    if open_interest.is_negative() {
        return Err(Error::NegativeOpenInterest { market, open_interest: old.open_interest, delta });
    }
    if !delta.is_zero() {
        PERPETUALS.set(ctx.state, &market, &Perpetual { open_interest, ..old });
    }
    Ok(())
}

/// Write the open interest of `market`, which its caller has counted; never negative. Refused when the market is
/// missing (code 1).
pub fn set_open_interest(
    state: &mut dyn State,
    market: MarketId,
    open_interest: BaseQuantums,
) -> Result<(), Error> {
    let old = perpetual(state.as_read(), market).ok_or(Error::NoPerpetual(market))?;
    if old.open_interest != open_interest {
        PERPETUALS.set(state, &market, &Perpetual { open_interest, ..old });
    }
    Ok(())
}

/// Let the positions of an isolated market stand on the collateral that all cross markets share. Who calls moves
/// the money. Refused when the market is missing (code 1) or is not isolated (code 23).
pub fn make_cross(ctx: &mut Ctx<'_>, market: MarketId) -> Result<(), Error> {
    load(ctx, market)?;
    if !ISOLATED.has(ctx.state, &market) {
        return Err(Error::NotIsolated(market));
    }
    ISOLATED.remove(ctx.state, &market);
    Ok(())
}

fn load(ctx: &Ctx<'_>, market: MarketId) -> Result<Perpetual, Error> {
    perpetual(ctx.state, market).ok_or(Error::NoPerpetual(market))
}
