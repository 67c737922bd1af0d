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

/// When any price was last agreed on.
pub(crate) const NETWORK: Item<Pulse> = Item::new([0x11, 0x03], "prices/network");

/// Blocks in a row that validators were silent in, by consensus address; those who spoke last are not here.
pub(crate) const SILENT: Map<[u8; 20], u32> = Map::new([0x11, 0x04], "prices/silent");

/// What this module keeps.
pub fn layout() -> [Collection; 5] {
    let (markets, prices) = (MARKETS.collection(), PRICES.collection());
    [markets, prices, PARAMS.collection(), NETWORK.collection(), SILENT.collection()]
}

/// When something was last agreed on: the price of a market, or any price at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pulse {
    /// Height; 0 for never.
    pub height: u64,
    /// Block time.
    pub time: Time,
    /// Consecutive blocks that recovery still takes; 0 when none is under way.
    pub recovering: u8,
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
    /// Consecutive blocks with a price of their own that the market still needs until it is live; 0 when it is.
    pub recovering: u8,
    /// The prices after the block before `updated_height` and after the one before that; 0 for none. Votes of then
    /// are differences from them (F6).
    pub before: [Price; 2],
}

/// What a market's price is good for, by its age and by what came before it (F5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything.
    Live,
    /// After an outage, almost live: orders may be posted, nothing trades.
    PostOnly,
    /// Older than it may be: less risk only.
    Stale,
    /// An outage, or the blocks after one: orders may only be cancelled.
    Halted,
}

impl Standing {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::PostOnly => "post_only",
            Self::Stale => "stale",
            Self::Halted => "halted",
        }
    }
}

impl OraclePrice {
    /// A price agreed on at `height` and `time` that was the same before, of a market that is live.
    pub const fn new(price: Price, height: u64, time: Time) -> Self {
        Self { price, updated_height: height, updated_time: time, recovering: 0, before: [price, price] }
    }

    /// The price after the block at `height`, which is not below `updated_height` - 2.
    fn after(&self, height: u64) -> Price {
        let [one, two] = self.before;
        match self.updated_height.checked_sub(height) {
            None | Some(0) => self.price,
            Some(1) => one,
            Some(_) => two,
        }
    }

    /// Whether the price may be relied on at `now`: its market is live (F3, F5).
    pub fn is_fresh_at(&self, now: Time, params: &Params) -> bool {
        self.standing_at(now, params) == Standing::Live
    }

    /// F5: what the price is good for at `now`.
    pub fn standing_at(&self, now: Time, params: &Params) -> Standing {
        let standing = self.pulse().standing_at(now, params);
        if standing == Standing::Live && self.price.raw() == 0 {
            return Standing::Stale;
        }
        standing
    }

    pub(crate) const fn pulse(&self) -> Pulse {
        Pulse { height: self.updated_height, time: self.updated_time, recovering: self.recovering }
    }
}

impl Pulse {
    /// F5: what its like is good for at `now`.
    pub fn standing_at(&self, now: Time, params: &Params) -> Standing {
        let old = self.is_older_at(now, params.max_age_seconds);
        let outage = params.recovery_seconds > 0 && self.is_older_at(now, params.recovery_seconds);
        let half = params.recovery_blocks.checked_shr(1).unwrap_or_default();
        match (old, self.recovering) {
            _ if outage => Standing::Halted,
            (true, 0) => Standing::Stale,
            (true, _) => Standing::Halted,
            (false, 0) => Standing::Live,
            (false, left) if left <= half => Standing::PostOnly,
            (false, _) => Standing::Halted,
        }
    }

    /// F5: what is left of a recovery when it comes again in `block`. What came with the genesis is nobody's vote:
    /// the first vote does not follow an outage.
    pub(crate) fn left(&self, block: &Block, params: &Params) -> u8 {
        if params.recovery_seconds == 0 {
            return 0;
        }
        let outage = self.height > 0 && self.is_older_at(block.time, params.recovery_seconds);
        let in_row = self.height.saturating_add(1) == block.height;
        let before = match self.recovering {
            _ if outage => params.recovery_blocks,
            0 => return 0,
            left if in_row => left,
            _ => params.recovery_blocks,
        };
        before.saturating_sub(1)
    }

    /// Whether its age in nanoseconds is above `seconds`.
    fn is_older_at(&self, now: Time, seconds: u32) -> bool {
        self.time < now.plus_seconds(i64::from(seconds).saturating_neg())
    }
}

/// Latest price of `market`, whatever its age; nothing before the first one.
pub fn price(state: &dyn Read, market: MarketId) -> Option<OraclePrice> {
    PRICES.get(state, &market)
}

/// F6: what votes at `height` for `market` are differences from: its price after the block before; 0 for none.
/// `state` is that after the block before `height`, or after one of the two that follow.
pub fn base(state: &dyn Read, market: MarketId, height: u64) -> Price {
    price(state, market).map_or(Price::ZERO, |row| row.after(height.saturating_sub(1)))
}

/// When any price was last agreed on.
pub fn pulse(state: &dyn Read) -> Pulse {
    NETWORK.get(state).unwrap_or_default()
}

/// F8: blocks in a row in which the validator with this consensus address was silent.
pub fn silent(state: &dyn Read, validator: [u8; 20]) -> u32 {
    SILENT.get(state, &validator).unwrap_or_default()
}

/// F7: whether the network as a whole gets prices in `block`: live where it never had one.
pub fn network(state: &dyn Read, block: &Block) -> Standing {
    let pulse = pulse(state);
    if pulse.height == 0 {
        return Standing::Live;
    }
    pulse.standing_at(block.time, &module_params(state))
}

/// Parameters of `market`.
pub fn params(state: &dyn Read, market: MarketId) -> Option<MarketParams> {
    MARKETS.get(state, &market)
}

/// Parameters of the module.
pub fn module_params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}

/// Whether the parameters of the module are there: always, once a chain has begun.
pub fn has_params(state: &dyn Read) -> bool {
    PARAMS.get(state).is_some()
}

/// Parameters of all markets, in order of market.
pub fn markets(state: &dyn Read) -> Vec<MarketParams> {
    MARKETS.scan(state, &(), usize::MAX).into_iter().map(|(_, market)| market).collect()
}

/// Whether `market` has a price that may be relied on in `block` (F3, F5). Absent is not fresh.
pub fn is_fresh(state: &dyn Read, block: &Block, market: MarketId) -> bool {
    standing(state, block, market) == Standing::Live
}

/// What the price of `market` is good for in `block` (F5); a market without a price is stale.
pub fn standing(state: &dyn Read, block: &Block, market: MarketId) -> Standing {
    let price = price(state, market);
    price.map_or(Standing::Stale, |price| price.standing_at(block.time, &module_params(state)))
}
