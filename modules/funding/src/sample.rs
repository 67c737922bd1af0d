//! A sample: the median of the premiums that were measured since the last one.

use num::SignedPpm;
use store::{attempt, Ctx, Scheduled};
use types::MarketId;

use crate::formulas::sample;
use crate::params::Params;
use crate::state::{measures, samples, Samples, MEASURES, SAMPLES};
use crate::{event, Error, Report};

/// Sample every market, each by itself: what fails in one is undone there, counts as zero and becomes an event.
/// Measurements are forgotten in any case.
pub(crate) fn all(ctx: &mut Ctx<'_>, params: &Params, report: &mut Report) {
    for perpetual in perpetuals::all(ctx.state.as_read()) {
        let market = perpetual.market;
        let premiums = measures(ctx.state.as_read(), market);
        if !premiums.is_empty() {
            MEASURES.remove(ctx.state, &market);
        }
        let premium = sample(premiums, params.measures_per_sample);
        match attempt(ctx, &mut (), |ctx, ()| {
            add(ctx, market, premium)?;
            if ctx.stumbles(Scheduled::Sample) {
                return Err(Error::Overflow(market));
            }
            Ok(())
        }) {
            Ok(()) => report.sampled = report.sampled.saturating_add(1),
            Err(reason) => {
                ctx.emit(event::skipped("sample", market, &reason));
                report.skipped = report.skipped.saturating_add(1);
            }
        }
    }
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
