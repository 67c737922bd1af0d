//! Who pays which rate.

use num::SignedPpm;
use store::Read;
use types::{Address, MarketId};

use crate::state::{tiers, FeeTier};

/// What one address pays, in ppm of the quote quantums of a fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// As a maker; negative is a rebate.
    pub maker: SignedPpm,
    /// As a taker.
    pub taker: SignedPpm,
}

/// Number and row of the tier that `address` is in: the first, because volumes are not counted yet.
pub(crate) fn tier_of(state: &dyn Read, _address: &Address) -> Option<(u32, FeeTier)> {
    tiers(state).into_iter().next().map(|tier| (0, tier))
}

/// What `address` pays in `market`. Nothing when genesis named no tiers.
pub fn rates(state: &dyn Read, address: &Address, _market: MarketId) -> Rates {
    match tier_of(state, address) {
        Some((_, tier)) => Rates { maker: tier.maker, taker: tier.taker },
        None => Rates::default(),
    }
}
