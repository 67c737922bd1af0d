//! A sample: the premium of each market's book over its oracle price.

use clob::Books;
use num::SignedPpm;
use store::{attempt, Ctx};
use types::MarketId;

use crate::formulas::{clamped, in_subticks, premium};
use crate::state::{samples, Samples, SAMPLES};
use crate::{event, Error, Report};

/// Sample every market, each by itself: what fails in one is undone there, counts as zero and becomes an event.
pub(crate) fn all(ctx: &mut Ctx<'_>, books: &Books, report: &mut Report) {
    for perpetual in perpetuals::all(ctx.state.as_read()) {
        let market = perpetual.market;
        let sampled = attempt(ctx, &mut (), |ctx, ()| {
            let premium = measure(ctx, books, market)?;
            add(ctx, market, premium)
        });
        match sampled {
            Ok(()) => report.sampled = report.sampled.saturating_add(1),
            Err(reason) => {
                ctx.emit(event::skipped("sample", market, &reason));
                report.skipped = report.skipped.saturating_add(1);
            }
        }
    }
}

/// The premium now: zero where nobody may trade, or the oracle price is stale.
fn measure(ctx: &Ctx<'_>, books: &Books, market: MarketId) -> Result<SignedPpm, Error> {
    let state = ctx.state.as_read();
    let active = clob::pair(state, market).filter(|pair| pair.status.is_active());
    let fresh = prices::is_fresh(state, ctx.block, market);
    let (Some(pair), true) = (active, fresh) else { return Ok(SignedPpm::ZERO) };
    let Some(oracle) = prices::price(state, market) else { return Ok(SignedPpm::ZERO) };
    let terms = perpetuals::terms(state, market).map_err(|_| Error::NoTerms(market))?;
    let factor = perpetuals::module_params(state).premium_vote_clamp_factor;
    let impact = clob::impact(books, market, terms.tier.impact_notional);
    in_subticks(oracle.price, terms.exponent, pair.quantum_conversion_exponent)
        .and_then(|oracle| premium(impact.bid, impact.ask, oracle))
        .and_then(|ppm| clamped(ppm, terms.max_rate(factor)))
        .ok_or(Error::Overflow(market))
}

/// Add one premium to the running period.
fn add(ctx: &mut Ctx<'_>, market: MarketId, premium: SignedPpm) -> Result<(), Error> {
    let old = samples(ctx.state.as_read(), market);
    let sum = old.sum.checked_add(i64::from(premium.raw())).ok_or(Error::Overflow(market))?;
    let count = old.count.checked_add(1).ok_or(Error::Overflow(market))?;
    SAMPLES.set(ctx.state, &market, &Samples { sum, count });
    if !premium.is_zero() {
        ctx.emit(event::sampled(market, premium));
    }
    Ok(())
}
