//! What prices and clocks do: walks, gaps, silence, long blocks.

use std::collections::BTreeMap;

use app::AppState;
use num::Price;
use scenario::{Dice, World};
use types::MarketId;

/// A market as the crowd sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) id: u32,
    /// Base quantums in a step.
    pub(crate) step: u64,
    /// Subticks in a tick.
    pub(crate) tick: u64,
}

/// What everybody believes prices are, also when the validator is silent.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub(crate) terms: Vec<Terms>,
    /// In the devnet's markets a step of the oracle price is a subtick.
    pub(crate) prices: BTreeMap<u32, u64>,
    /// Markets that nobody votes on, and for how many more blocks.
    silent: BTreeMap<u32, u64>,
    /// Parts per million that a price moves in a block at most.
    volatility: u64,
    /// A gap comes once in so many blocks.
    gaps: u64,
}

impl Market {
    pub(crate) fn new(app: &AppState, dice: &mut Dice) -> Self {
        let terms = |market: &app::genesis::Market| Terms {
            id: market.id,
            step: market.step_base_quantums,
            tick: market.subticks_per_tick.into(),
        };
        Self {
            terms: app.markets.iter().map(terms).collect(),
            prices: app.markets.iter().map(|market| (market.id, market.price)).collect(),
            silent: BTreeMap::new(),
            volatility: *dice.pick(&[500, 5_000, 20_000, 60_000]),
            gaps: *dice.pick(&[6, 12, 30]),
        }
    }

    /// Move prices and the clock on to the next block. In a calm one there are no gaps, and nobody is silent.
    pub(crate) fn step(&mut self, world: &mut World, calm: bool, dice: &mut Dice) {
        for price in self.prices.values_mut() {
            let gap = dice.once_in(self.gaps * 2);
            let most = if calm {
                500
            } else if gap {
                dice.within(50_000, 350_000)
            } else {
                self.volatility
            };
            let moved = i128::from(dice.within(0, 2 * most)) - i128::from(most);
            let next = i128::from(*price) * (1_000_000 + moved) / 1_000_000;
            *price = u64::try_from(next).unwrap_or(1).clamp(1_000, 1 << 50);
        }
        if calm {
            self.silent.clear();
        } else if dice.once_in(60) {
            let market = dice.pick(&self.terms).id;
            self.silent.insert(market, dice.within(5, 40));
        }
        self.silent.retain(|_, blocks| {
            *blocks -= 1;
            *blocks > 0
        });
        world.prices = self
            .prices
            .iter()
            .filter(|(market, _)| !self.silent.contains_key(market))
            .map(|(market, price)| (MarketId(*market), Price::new(*price)))
            .collect();
        world.block_seconds = match dice.within(0, 199) {
            _ if calm => 1,
            0 => 400,
            100 => 3_600,
            1..=3 => 31,
            4..=40 => 0,
            41..=80 => 5,
            _ => 1,
        };
    }

    /// A price within `most` parts per million of the oracle's, on a tick.
    pub(crate) fn near(&self, terms: &Terms, most: u64, dice: &mut Dice) -> u64 {
        let price = u128::from(self.prices[&terms.id]);
        let away = u128::from(1_000_000 - most.min(900_000) + dice.within(0, 2 * most));
        let subticks = u64::try_from(price * away / 1_000_000).unwrap_or(u64::MAX);
        (subticks / terms.tick).max(1).saturating_mul(terms.tick)
    }

    /// A size worth about `quote` quote quantums, at least a step.
    pub(crate) fn worth(&self, terms: &Terms, quote: u64) -> u64 {
        let quantums = u128::from(quote) * 1_000_000_000 / u128::from(self.prices[&terms.id].max(1));
        let steps = u64::try_from(quantums).unwrap_or(1 << 50) / terms.step;
        steps.max(1) * terms.step
    }
}
