//! What this module keeps in the store. Module byte `0x14`.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ppm, QuoteQuantums, SignedPpm};
use store::{Collection, Item, Read};

/// Fee tiers, from the one without requirements upwards.
pub(crate) const TIERS: Item<Vec<FeeTier>> = Item::new([0x14, 0x00], "fees/tiers");

/// What this module keeps.
pub fn layout() -> [Collection; 1] {
    [TIERS.collection()]
}

/// One row of the table of fees.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FeeTier {
    /// Its name.
    pub name: String,
    /// Volume of 30 days that it needs, maker and taker together.
    pub volume: QuoteQuantums,
    /// Share of the chain's volume that it needs.
    pub total_share: Ppm,
    /// Share of the chain's volume, as a maker, that it needs.
    pub maker_share: Ppm,
    /// What a maker pays, in ppm of the fill's quote quantums; negative is a rebate.
    pub maker: SignedPpm,
    /// What a taker pays.
    pub taker: SignedPpm,
}

/// The table of fees.
pub fn tiers(state: &dyn Read) -> Vec<FeeTier> {
    TIERS.get(state).unwrap_or_default()
}
