//! What others may ask: rates, samples and what the running period will probably charge.

use num::SignedPpm;
use store::Read;
use types::{MarketId, Time};

use crate::formulas::{average, rate};
use crate::state::{clock, last, measured, params, samples, LastRate, Measured, Samples};
use crate::Error;

/// The rate that a period heads for, and what it is made of. All rates are for eight hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predicted {
    /// The rate if the rest of the period's samples are like those so far.
    pub rate: SignedPpm,
    /// The rate if the rest of the period's samples are zero: what a tick now would charge.
    pub rate_now: SignedPpm,
    /// Average premium of the samples so far, ppm.
    pub premium: i64,
    /// The market's own rate, which is added to the premium.
    pub default: SignedPpm,
    /// Largest rate, either way, ppm.
    pub bound: u64,
    /// Samples so far.
    pub samples: Samples,
    /// How many samples a full period has.
    pub expected: u32,
    /// When the next tick is due.
    pub next_tick: Time,
    /// What the last tick charged.
    pub last: Option<LastRate>,
    /// What the last measurement saw; nothing while nobody may trade or the oracle price is stale.
    pub measured: Option<Measured>,
}

/// What funding `market` heads for.
pub fn predicted(state: &dyn Read, market: MarketId) -> Result<Predicted, Error> {
    let perpetual = perpetuals::perpetual(state, market).ok_or(Error::NoTerms(market))?;
    let terms = perpetuals::terms(state, market).map_err(|_| Error::NoTerms(market))?;
    let bound = terms.max_rate(perpetuals::module_params(state).funding_rate_clamp_factor);
    let (samples, expected) = (samples(state, market), params(state).samples_per_tick());
    let premium = average(samples.sum, samples.count, 1).ok_or(Error::Overflow(market))?;
    let padded = average(samples.sum, samples.count, expected).ok_or(Error::Overflow(market))?;
    let rate_of = |premium| rate(premium, perpetual.default_funding, bound).ok_or(Error::Overflow(market));
    Ok(Predicted {
        rate: rate_of(premium)?,
        rate_now: rate_of(padded)?,
        premium,
        default: perpetual.default_funding,
        bound,
        samples,
        expected,
        next_tick: clock(state).next_tick,
        last: last(state, market),
        measured: measured(state, market),
    })
}
