//! Funding at the start of a chain.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::MarketId;

use crate::clock;
use crate::params::Params;
use crate::state::{Clock, LastRate, Measured, Samples, CLOCK, LAST, MEASURED, MEASURES, PARAMS, SAMPLES};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Parameters.
    pub params: Params,
    /// When the next sample and tick are due; the first moments after the genesis time when not given.
    pub clock: Option<Clock>,
    /// Samples of the running period, in rising order of market.
    pub samples: Vec<(MarketId, Samples)>,
    /// Last rates, in rising order of market.
    pub last: Vec<(MarketId, LastRate)>,
    /// Premiums measured since the last sample, in rising order of market.
    pub measures: Vec<(MarketId, Vec<i32>)>,
    /// Last measurements, in rising order of market.
    pub measured: Vec<(MarketId, Measured)>,
}

fn in_order<V>(rows: &[(MarketId, V)]) -> Result<(), Error> {
    let mut last = None;
    for (market, _) in rows {
        if last.replace(*market) >= Some(*market) {
            return Err(Error::Order(*market));
        }
    }
    Ok(())
}

/// Write `genesis` into an empty state. Without a clock, the block's time is the genesis time.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    genesis.params.check()?;
    in_order(&genesis.samples)?;
    in_order(&genesis.last)?;
    in_order(&genesis.measures)?;
    in_order(&genesis.measured)?;
    PARAMS.set(ctx.state, &genesis.params);
    let now = ctx.block.time;
    let clock = genesis.clock.unwrap_or_else(|| Clock {
        next_measure: clock::next_measure(&genesis.params, now),
        next_sample: clock::next_sample(&genesis.params, now),
        next_tick: clock::next_tick(&genesis.params, now),
    });
    CLOCK.set(ctx.state, &clock);
    for (market, samples) in &genesis.samples {
        SAMPLES.set(ctx.state, market, samples);
    }
    for (market, last) in &genesis.last {
        LAST.set(ctx.state, market, last);
    }
    for (market, measures) in &genesis.measures {
        MEASURES.set(ctx.state, market, measures);
    }
    for (market, measured) in &genesis.measured {
        MEASURED.set(ctx.state, market, measured);
    }
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis {
        params: crate::state::params(state),
        clock: CLOCK.get(state),
        samples: SAMPLES.scan(state, &(), usize::MAX),
        last: LAST.scan(state, &(), usize::MAX),
        measures: MEASURES.scan(state, &(), usize::MAX),
        measured: MEASURED.scan(state, &(), usize::MAX),
    }
}
