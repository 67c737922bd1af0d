//! What the authority may change about a book, beside its status.

use store::{Ctx, Read};
use types::MarketId;

use crate::books::Books;
use crate::error::Error;
use crate::order::Size;
use crate::pairs;
use crate::params::Params;
use crate::state::{pair, Pair, PARAMS};

/// The pair `market` with a finer grid. Refused when there is no such pair, or when the new step or tick does not
/// divide the old one: resting orders stay multiples of both.
pub fn refined(
    state: &dyn Read,
    market: MarketId,
    (step, subticks_per_tick): (Size, u32),
) -> Result<Pair, Error> {
    let old = pair(state, market).ok_or(Error::NoPair(market))?;
    if old.step.raw().checked_rem(step.raw()) != Some(0) {
        return Err(Error::Pair { market, reason: "the new step must divide the old one" });
    }
    if old.subticks_per_tick.checked_rem(subticks_per_tick) != Some(0) {
        return Err(Error::Pair { market, reason: "the new tick must divide the old one" });
    }
    Ok(Pair { step, subticks_per_tick, ..old })
}

/// Give a market a finer grid, as [`refined`] allows; nothing happens when it is the one that it has. Only between
/// transactions: books do not take it back.
pub fn refine(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    market: MarketId,
    grid: (Size, u32),
) -> Result<(), Error> {
    let new = refined(ctx.state.as_read(), market, grid)?;
    if pair(ctx.state.as_read(), market) == Some(new) {
        return Ok(());
    }
    pairs::set(ctx, books, &new);
    pairs::note_refined(ctx, books, market);
    books.open(market, new.grid());
    Ok(())
}

/// Replace the bounds that apply to everybody. Refused with the codes of [`Params::check`].
pub fn set_params(ctx: &mut Ctx<'_>, params: &Params) -> Result<(), Error> {
    params.check()?;
    PARAMS.set(ctx.state, params);
    Ok(())
}
