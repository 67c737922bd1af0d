//! A measurement: the premium of each market's book over its oracle price.

use clob::{Books, Impact};
use num::{Price, Ratio, Round, SignedPpm, Subticks};
use perpetuals::Perpetual;
use store::{attempt, Ctx, Scheduled};
use types::MarketId;

use crate::formulas::{clamped, in_subticks, premium};
use crate::params::Params;
use crate::state::{measures, Measured, MEASURED, MEASURES};
use crate::{event, Error, Report};

/// Measure every market, each by itself: what fails in one is undone there, counts as zero and becomes an
/// event.
pub(crate) fn all(ctx: &mut Ctx<'_>, books: &Books, params: &Params, report: &mut Report) {
    for perpetual in perpetuals::all(ctx.state.as_read()) {
        let market = perpetual.market;
        let done = attempt(ctx, &mut (), |ctx, ()| {
            match look(ctx, books, &perpetual)? {
                Some(measured) => keep(ctx, market, &measured, params)?,
                None => MEASURED.remove(ctx.state, &market),
            }
            if ctx.stumbles(Scheduled::Measure) {
                return Err(Error::Overflow(market));
            }
            Ok(())
        });
        if let Err(reason) = done {
            ctx.emit(event::skipped("measure", market, &reason));
            report.skipped = report.skipped.saturating_add(1);
        }
    }
}

/// What there is to see now; nothing where nobody may trade, or the oracle price is stale.
fn look(ctx: &Ctx<'_>, books: &Books, perpetual: &Perpetual) -> Result<Option<Measured>, Error> {
    let market = perpetual.market;
    let state = ctx.state.as_read();
    let active = clob::pair(state, market).filter(|pair| pair.status.is_active());
    let fresh = prices::is_fresh(state, ctx.block, market);
    let (Some(pair), true) = (active, fresh) else { return Ok(None) };
    let Some(oracle) = prices::price(state, market) else { return Ok(None) };
    let terms = perpetuals::terms(state, market).map_err(|_| Error::NoTerms(market))?;
    let factor = perpetuals::module_params(state).premium_vote_clamp_factor;
    let impact = clob::impact(books, market, terms.tier.impact_notional);
    let premium = in_subticks(oracle.price, terms.exponent, pair.quantum_conversion_exponent)
        .and_then(|oracle| premium(impact.bid, impact.ask, oracle))
        .and_then(|ppm| clamped(ppm, terms.max_rate(factor)))
        .ok_or(Error::Overflow(market))?;
    Ok(Some(seen(ctx, &impact, oracle.price, premium)))
}

fn seen(ctx: &Ctx<'_>, impact: &Impact, price: Price, premium: SignedPpm) -> Measured {
    let whole = |side: Option<Ratio>, round| {
        let subticks = side.and_then(|side| side.to_integer(round))?;
        u64::try_from(subticks).ok().map(Subticks::new)
    };
    let (bid, ask) = (whole(impact.bid, Round::Floor), whole(impact.ask, Round::Ceil));
    Measured { bid, ask, price, premium, time: ctx.block.time }
}

/// Keep a measurement for the running sample. Zeros need not be kept.
fn keep(ctx: &mut Ctx<'_>, market: MarketId, seen: &Measured, params: &Params) -> Result<(), Error> {
    MEASURED.set(ctx.state, &market, seen);
    if seen.premium.is_zero() {
        return Ok(());
    }
    let mut premiums = measures(ctx.state.as_read(), market);
    let most = usize::try_from(params.measures_per_sample).unwrap_or(usize::MAX);
    if premiums.len() >= most {
        return Err(Error::Overflow(market));
    }
    premiums.push(seen.premium.raw());
    MEASURES.set(ctx.state, &market, &premiums);
    Ok(())
}
