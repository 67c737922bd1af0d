//! A tick: the period's samples become a rate, and the rate moves the market's funding index.

use perpetuals::{advance_funding, Perpetual};
use store::{attempt, Ctx, Scheduled};

use crate::event::{self, FundingRate};
use crate::formulas::{average, index_delta, rate};
use crate::params::Params;
use crate::state::{samples, LastRate, LAST, SAMPLES};
use crate::{Error, Report};

/// Charge every market, each by itself: one whose price is stale, or whose step fails, goes without funding for
/// this period. Samples are forgotten in any case.
pub(crate) fn all(ctx: &mut Ctx<'_>, params: &Params, report: &mut Report) {
    for perpetual in perpetuals::all(ctx.state.as_read()) {
        let market = perpetual.market;
        match attempt(ctx, &mut (), |ctx, ()| {
            let moved = charge(ctx, &perpetual, params)?;
            if ctx.stumbles(Scheduled::Tick) {
                return Err(Error::Overflow(market));
            }
            Ok(moved)
        }) {
            Ok(false) => (),
            Ok(true) => report.moved = report.moved.saturating_add(1),
            Err(reason) => {
                ctx.emit(event::skipped("tick", market, &reason));
                report.skipped = report.skipped.saturating_add(1);
            }
        }
        SAMPLES.remove(ctx.state, &market);
    }
}

/// Move the index of one market at its oracle price. True when it moved.
fn charge(ctx: &mut Ctx<'_>, perpetual: &Perpetual, params: &Params) -> Result<bool, Error> {
    let market = perpetual.market;
    let state = ctx.state.as_read();
    // A market that is over pays no more funding.
    if clob::pair(state, market).is_some_and(|pair| pair.status == clob::state::Status::FinalSettlement) {
        return Ok(false);
    }
    if !prices::is_fresh(state, ctx.block, market) {
        return Err(Error::Stale(market));
    }
    let price = prices::price(state, market).ok_or(Error::Stale(market))?.price;
    let terms = perpetuals::terms(state, market).map_err(|_| Error::NoTerms(market))?;
    let bound = terms.max_rate(perpetuals::module_params(state).funding_rate_clamp_factor);
    let samples = samples(state, market);
    let overflow = Error::Overflow(market);
    let premium = average(samples.sum, samples.count, params.samples_per_tick()).ok_or(overflow.clone())?;
    let rate = rate(premium, perpetual.default_funding, bound).ok_or(overflow.clone())?;
    let delta = index_delta(rate, params.tick_seconds, price, terms.exponent).ok_or(overflow.clone())?;
    advance_funding(ctx, market, delta).map_err(|_| overflow)?;
    let index = terms.funding_index + delta;
    LAST.set(ctx.state, &market, &LastRate { rate, delta, index, time: ctx.block.time });
    ctx.emit(FundingRate { market, premium, rate, price, delta, index });
    Ok(!delta.is_zero())
}
