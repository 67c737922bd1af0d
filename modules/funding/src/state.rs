//! What this module keeps in the store. Module byte `0x18`.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{FundingIndex, Price, SignedPpm, Subticks};
use store::{fault, Collection, Item, Map, Read};
use types::{MarketId, Time};

use crate::params::Params;

/// Parameters.
pub(crate) const PARAMS: Item<Params> = Item::new([0x18, 0x00], "funding/params");

/// When the next sample and tick are due.
pub(crate) const CLOCK: Item<Clock> = Item::new([0x18, 0x01], "funding/clock");

/// Samples since the last tick: `market -> samples`; no row when there are none.
pub(crate) const SAMPLES: Map<MarketId, Samples> = Map::new([0x18, 0x02], "funding/samples");

/// What the last tick charged: `market -> rate`.
pub(crate) const LAST: Map<MarketId, LastRate> = Map::new([0x18, 0x03], "funding/last");

/// Premiums measured since the last sample, those that are not zero: `market -> ppm`; no row when there are
/// none.
pub(crate) const MEASURES: Map<MarketId, Vec<i32>> = Map::new([0x18, 0x04], "funding/measures");

/// The last measurement: `market -> what it saw`.
pub(crate) const MEASURED: Map<MarketId, Measured> = Map::new([0x18, 0x05], "funding/measured");

/// What this module keeps.
pub fn layout() -> [Collection; 6] {
    [
        PARAMS.collection(),
        CLOCK.collection(),
        SAMPLES.collection(),
        LAST.collection(),
        MEASURES.collection(),
        MEASURED.collection(),
    ]
}

/// When the next measurement, sample and tick are due. The first block at or after a moment does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Clock {
    /// Next measurement.
    pub next_measure: Time,
    /// Next sample.
    pub next_sample: Time,
    /// Next tick.
    pub next_tick: Time,
}

/// Samples since the last tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Samples {
    /// Their sum, ppm.
    pub sum: i64,
    /// How many, zeros included.
    pub count: u32,
}

/// What a measurement saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Measured {
    /// What a seller of the impact notional would get, in subticks, rounded down; nothing when the bids are
    /// worth less.
    pub bid: Option<Subticks>,
    /// What a buyer of the impact notional would pay, in subticks, rounded up; nothing when the asks are worth
    /// less.
    pub ask: Option<Subticks>,
    /// The oracle price that they were compared with.
    pub price: Price,
    /// The premium within its bound, ppm.
    pub premium: SignedPpm,
    /// Block time.
    pub time: Time,
}

/// What a tick charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LastRate {
    /// Rate for eight hours, ppm.
    pub rate: SignedPpm,
    /// What was added to the funding index.
    pub delta: FundingIndex,
    /// The market's index from then on: what its own row must say.
    pub index: FundingIndex,
    /// Block time.
    pub time: Time,
}

/// Parameters of funding.
pub fn params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}

/// When the next sample and tick are due.
pub fn clock(state: &dyn Read) -> Clock {
    CLOCK.get(state).unwrap_or_else(|| fault("funding has no clock: genesis was not written"))
}

/// Samples of `market` since the last tick.
pub fn samples(state: &dyn Read, market: MarketId) -> Samples {
    SAMPLES.get(state, &market).unwrap_or_default()
}

/// What the last tick charged in `market`; nothing before the first one.
pub fn last(state: &dyn Read, market: MarketId) -> Option<LastRate> {
    LAST.get(state, &market)
}

/// Premiums of `market` measured since the last sample, those that are not zero.
pub fn measures(state: &dyn Read, market: MarketId) -> Vec<i32> {
    MEASURES.get(state, &market).unwrap_or_default()
}

/// What the last measurement of `market` saw; nothing before the first one, or while nobody may trade.
pub fn measured(state: &dyn Read, market: MarketId) -> Option<Measured> {
    MEASURED.get(state, &market)
}
