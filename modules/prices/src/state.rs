//! What this module keeps in the store. Module byte `0x11`.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Price;
use store::{Collection, Item, Map, Read};
use types::{Block, MarketId, Time};

use crate::params::{MarketParams, Params};

/// Parameters of each market: `market -> parameters`.
pub(crate) const MARKETS: Map<MarketId, MarketParams> = Map::new([0x11, 0x00], "prices/markets");

/// Latest price of each market that ever had one: `market -> price`.
pub(crate) const PRICES: Map<MarketId, OraclePrice> = Map::new([0x11, 0x01], "prices/prices");

/// Parameters of all markets.
pub(crate) const PARAMS: Item<Params> = Item::new([0x11, 0x02], "prices/params");

/// What this module keeps.
pub fn layout() -> [Collection; 3] {
    [MARKETS.collection(), PRICES.collection(), PARAMS.collection()]
}

/// A price that validators agreed on, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OraclePrice {
    /// The price, times 10^exponent USD per coin; never 0.
    pub price: Price,
    /// Height at which it was last agreed on.
    pub updated_height: u64,
    /// Block time at which it was last agreed on; renewed even when the price stays the same.
    pub updated_time: Time,
}

impl OraclePrice {
    /// Whether the price may be relied on at `now` (F3): age in nanoseconds at most `max_age_seconds`.
    pub fn is_fresh_at(&self, now: Time, max_age_seconds: u32) -> bool {
        let oldest = now.plus_seconds(i64::from(max_age_seconds).saturating_neg());
        self.price.raw() > 0 && self.updated_time >= oldest
    }
}

/// Latest price of `market`, whatever its age; nothing before the first one.
pub fn price(state: &dyn Read, market: MarketId) -> Option<OraclePrice> {
    PRICES.get(state, &market)
}

/// Parameters of `market`.
pub fn params(state: &dyn Read, market: MarketId) -> Option<MarketParams> {
    MARKETS.get(state, &market)
}

/// Parameters of the module.
pub fn module_params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}

/// Parameters of all markets, in order of market.
pub fn markets(state: &dyn Read) -> Vec<MarketParams> {
    MARKETS.scan(state, &(), usize::MAX).into_iter().map(|(_, market)| market).collect()
}

/// Whether `market` has a price that may be relied on in `block` (F3). Absent is not fresh.
pub fn is_fresh(state: &dyn Read, block: &Block, market: MarketId) -> bool {
    price(state, market)
        .is_some_and(|price| price.is_fresh_at(block.time, module_params(state).max_age_seconds))
}
