//! Who pays which rate.

use num::{QuoteQuantums, Round, SignedPpm};
use store::Read;
use types::{Address, MarketId};

use crate::params::discounted;
use crate::state::{now, tiers, FeeTier, DISCOUNTS};
use crate::volumes::{global, volume, Volume};

/// What one address pays, in ppm of the quote quantums of a fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// As a maker; negative is a rebate.
    pub maker: SignedPpm,
    /// As a taker.
    pub taker: SignedPpm,
}

impl Rates {
    /// The rates of `tier`.
    pub(crate) fn of(tier: &FeeTier) -> Self {
        Self { maker: tier.maker, taker: tier.taker }
    }

    /// F3: both rates, of which `charge` is left.
    pub(crate) fn discounted(self, charge: num::Ppm) -> Self {
        Self { maker: discounted(self.maker, charge), taker: discounted(self.taker, charge) }
    }
}

/// F5: number of the tier of somebody who traded `volume` while everybody together traded `global`: the last
/// one before the first whose requirements are not met.
pub fn tier_index(tiers: &[FeeTier], volume: &Volume, global: QuoteQuantums) -> usize {
    let total = volume.total();
    let meets = |tier: &FeeTier| {
        let share = |of: num::Ppm| of.of(global, Round::Floor);
        total >= tier.volume
            && share(tier.total_share).is_some_and(|least| total >= least)
            && share(tier.maker_share).is_some_and(|least| volume.maker >= least)
    };
    tiers.iter().take_while(|tier| meets(tier)).count().saturating_sub(1)
}

/// Number and row of the tier that `address` is in.
pub(crate) fn tier_of(state: &dyn Read, address: &Address) -> Option<(u32, FeeTier)> {
    let tiers = tiers(state);
    let index = tier_index(&tiers, &volume(state, address), global(state));
    Some((u32::try_from(index).ok()?, tiers.into_iter().nth(index)?))
}

/// What `address` pays in `market`, from the rows: for queries and checks. Fills ask the [`Desk`](crate::Desk),
/// which answers the same. Nothing when genesis named no tiers.
pub fn rates(state: &dyn Read, address: &Address, market: MarketId) -> Rates {
    let Some((_, tier)) = tier_of(state, address) else { return Rates::default() };
    let discount = DISCOUNTS.get(state, &market).filter(|discount| discount.runs(now(state)));
    discount.map_or(Rates::of(&tier), |discount| Rates::of(&tier).discounted(discount.charge))
}
