//! F12: how far from the oracle price a taker trades.

use num::{Price, Ratio, Round, Subticks};
use store::{Ctx, Read};
use types::Block;

use crate::books::Books;
use crate::oracle::oracle_subticks;
use crate::order::Side;
use crate::state::Pair;

/// Bounds of a market and what they were made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    from: (Price, u32, u32),
    /// Lowest price at which a seller trades.
    low: Subticks,
    /// Highest price at which a buyer trades.
    high: Subticks,
}

/// One million: all of it, in ppm.
const WHOLE: u32 = 1_000_000;

/// F12: worst price at which a taker of `side` trades: `oracle * (1 + band)` for a buyer, rounded down to the
/// tick, `oracle * (1 - band)` for a seller, rounded up. Nothing when there is no band, or no price that may be
/// relied on.
pub(crate) fn bound(ctx: &Ctx<'_>, books: &mut Books, pair: &Pair, side: Side) -> Option<Subticks> {
    let ppm = books.budgets.params.taker_band;
    if ppm == 0 || !books.accounts.is_fresh(ctx.block, pair.market) {
        return None;
    }
    let price = books.accounts.oracle(pair.market)?.price;
    let from = (price, ppm, pair.subticks_per_tick);
    let known = books.band(pair.market).filter(|band| band.from == from);
    let band = match known {
        Some(band) => band,
        None => {
            let low = edge(ctx.state.as_read(), pair, (WHOLE.saturating_sub(ppm), Round::Ceil))?;
            let high = edge(ctx.state.as_read(), pair, (WHOLE.saturating_add(ppm), Round::Floor))?;
            let band = Band { from, low, high };
            books.set_band(pair.market, band);
            band
        }
    };
    Some(if side == Side::Buy { band.high } else { band.low })
}

/// F12 from the rows: for questions. `ppm` is the width of the band.
pub(crate) fn bound_of_rows(
    state: &dyn Read,
    block: &Block,
    pair: &Pair,
    (side, ppm): (Side, u32),
) -> Option<Subticks> {
    if ppm == 0 || !prices::is_fresh(state, block, pair.market) {
        return None;
    }
    match side {
        Side::Buy => edge(state, pair, (WHOLE.saturating_add(ppm), Round::Floor)),
        Side::Sell => edge(state, pair, (WHOLE.saturating_sub(ppm), Round::Ceil)),
    }
}

/// The oracle price times `ppm`, to a whole tick.
fn edge(state: &dyn Read, pair: &Pair, (ppm, round): (u32, Round)) -> Option<Subticks> {
    let part = Ratio::new(i128::from(ppm), i128::from(WHOLE))?;
    let ticks = Ratio::new(1_i128, i128::from(pair.subticks_per_tick))?;
    let exact = oracle_subticks(state, pair)?.mul(part)?.mul(ticks)?.to_integer(round)?;
    let subticks = exact.checked_mul(pair.subticks_per_tick.into())?;
    Some(Subticks::new(u64::try_from(subticks).unwrap_or(u64::MAX)))
}
