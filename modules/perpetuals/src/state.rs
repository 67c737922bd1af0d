//! What this module keeps in the store. Module byte `0x13`.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{BaseQuantums, FundingIndex, Ppm, QuoteQuantums, SignedPpm};
use store::{Collection, Item, Map, Read};
use types::MarketId;

use crate::params::{Collateral, Params};

/// Perpetual markets: `market -> perpetual`.
pub(crate) const PERPETUALS: Map<MarketId, Perpetual> = Map::new([0x13, 0x00], "perpetuals/perpetuals");

/// Liquidity tiers: `number -> tier`.
pub(crate) const TIERS: Map<u32, Tier> = Map::new([0x13, 0x01], "perpetuals/tiers");

/// Parameters of all markets.
pub(crate) const PARAMS: Item<Params> = Item::new([0x13, 0x02], "perpetuals/params");

/// Markets with collateral of their own: `market -> true`.
pub(crate) const ISOLATED: Map<MarketId, bool> = Map::new([0x13, 0x03], "perpetuals/isolated");

/// Tiers on their way to other margins: `number -> where to`.
pub(crate) const RAMPS: Map<u32, Ramp> = Map::new([0x13, 0x04], "perpetuals/ramps");

/// Markets whose open interest has a hard cap: `market -> quote quantums at the oracle price`.
pub(crate) const CAPS: Map<MarketId, QuoteQuantums> = Map::new([0x13, 0x05], "perpetuals/caps");

/// What this module keeps.
pub fn layout() -> [Collection; 6] {
    [
        PERPETUALS.collection(),
        TIERS.collection(),
        PARAMS.collection(),
        ISOLATED.collection(),
        RAMPS.collection(),
        CAPS.collection(),
    ]
}

/// Margins that a tier moves to, a step in every block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ramp {
    /// Initial margin at the end.
    pub initial_margin: Ppm,
    /// Maintenance fraction at the end.
    pub maintenance_fraction: Ppm,
    /// Height at which they hold.
    pub until: u64,
}

/// A perpetual market.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Perpetual {
    /// Which market; also the number of its oracle market and of its book.
    pub market: MarketId,
    /// Its name, `BTC-USD`.
    pub ticker: String,
    /// A base quantum is 10^atomic_resolution coins.
    pub atomic_resolution: i32,
    /// Funding rate for 8 hours on top of the premium; at most 1,000,000 either way.
    pub default_funding: SignedPpm,
    /// Number of its liquidity tier.
    pub tier: u32,
    /// Funding that one base quantum has paid since the start, in millionths of a quote quantum.
    pub funding_index: FundingIndex,
    /// Sum of all long positions, which is that of all short ones; never negative.
    pub open_interest: BaseQuantums,
}

/// What markets of similar liquidity share.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tier {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Initial margin as a share of notional, before open interest scales it; 1 to 1,000,000 ppm.
    pub initial_margin: Ppm,
    /// Maintenance margin as a share of the initial one; below 1,000,000 ppm.
    pub maintenance_fraction: Ppm,
    /// Notional for which the book's impact price is measured; above 0.
    pub impact_notional: QuoteQuantums,
    /// Open interest up to which initial margin is not scaled.
    pub open_interest_lower_cap: QuoteQuantums,
    /// Open interest from which on initial margin is all of notional; 0 turns scaling off.
    pub open_interest_upper_cap: QuoteQuantums,
}

/// The perpetual `market`.
pub fn perpetual(state: &dyn Read, market: MarketId) -> Option<Perpetual> {
    PERPETUALS.get(state, &market)
}

/// The tier with this number.
pub fn tier(state: &dyn Read, id: u32) -> Option<Tier> {
    TIERS.get(state, &id)
}

/// Which collateral the positions of `market` stand on; cross when there is no such market.
pub fn collateral(state: &dyn Read, market: MarketId) -> Collateral {
    if ISOLATED.has(state, &market) {
        Collateral::Isolated(market)
    } else {
        Collateral::Cross
    }
}

/// Markets with collateral of their own, in order.
pub fn isolated(state: &dyn Read) -> Vec<MarketId> {
    ISOLATED.scan(state, &(), usize::MAX).into_iter().map(|(market, _)| market).collect()
}

/// What the open interest of `market` may be worth at most, in quote quantums; nothing when there is no cap.
pub fn open_interest_cap(state: &dyn Read, market: MarketId) -> Option<QuoteQuantums> {
    CAPS.get(state, &market)
}

/// Where the margins of a tier move to; nothing when they stand still.
pub fn ramp(state: &dyn Read, tier: u32) -> Option<Ramp> {
    RAMPS.get(state, &tier)
}

/// All perpetuals, in order of market. Markets are few: they come from genesis.
pub fn all(state: &dyn Read) -> Vec<Perpetual> {
    PERPETUALS.scan(state, &(), usize::MAX).into_iter().map(|(_, perpetual)| perpetual).collect()
}

/// All tiers, in order of number.
pub fn tiers(state: &dyn Read) -> Vec<Tier> {
    TIERS.scan(state, &(), usize::MAX).into_iter().map(|(_, tier)| tier).collect()
}

/// Parameters of the module.
pub fn module_params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}
