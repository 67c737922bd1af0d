//! Who pays which rate: volumes by hours, searched from one end to the other.

use num_traits::{Signed, Zero};

use crate::money::{floor, int, million, Int};
use crate::orders::Match;

/// A row of the table: what must be reached, and the rates.
#[derive(Clone, Debug)]
pub struct Tier {
    pub volume: u64,
    pub total_share: i64,
    pub maker_share: i64,
    pub maker_ppm: i64,
    pub taker_ppm: i64,
}

#[derive(Clone, Debug)]
struct Traded {
    owner: usize,
    hour: i64,
    maker: Int,
    taker: Int,
}

#[derive(Clone, Debug)]
pub struct Fees {
    tiers: Vec<Tier>,
    traded: Vec<Traded>,
    /// Maker's and taker's rate of each owner in this block.
    rates: Vec<(i64, i64)>,
    hour: i64,
    /// Market, first second, second after the last, and the part in ppm that is charged.
    pub discounts: Vec<(u32, i64, i64, i64)>,
    now: i64,
    /// Of fees, in ppm: what insurance funds get.
    pub insured: i64,
    /// Seconds for which volume counts.
    window: i64,
}

impl Fees {
    pub fn new(tiers: Vec<Tier>, owners: usize, (insured, window): (i64, i64)) -> Self {
        let rates = vec![(0, 0); owners];
        Self { tiers, traded: Vec::new(), rates, hour: 0, discounts: Vec::new(), now: 0, insured, window }
    }

    /// Another table, from the next block on.
    pub fn set_tiers(&mut self, tiers: Vec<Tier>) {
        self.tiers = tiers;
    }

    /// Rates stand still within a block.
    pub fn begin_block(&mut self, now: i64) {
        (self.now, self.hour) = (now, now / 3_600);
        let oldest = (now - self.window) / 3_600;
        self.traded.retain(|traded| traded.hour >= oldest);
        let everybody: Int = self.traded.iter().map(|traded| &traded.maker).sum();
        for owner in 0..self.rates.len() {
            let mine = || self.traded.iter().filter(|traded| traded.owner == owner);
            let maker: Int = mine().map(|traded| &traded.maker).sum();
            let taker: Int = mine().map(|traded| &traded.taker).sum();
            let share = |ppm: i64| floor(&(&everybody * ppm), &million());
            let all = &maker + taker;
            let reached = |tier: &&Tier| {
                all >= int(tier.volume) && all >= share(tier.total_share) && maker >= share(tier.maker_share)
            };
            let tier = self.tiers.iter().skip(1).take_while(reached).last().unwrap_or(&self.tiers[0]);
            self.rates[owner] = (tier.maker_ppm, tier.taker_ppm);
        }
    }

    /// What a maker and a taker pay in a market, in ppm.
    pub fn rates_in(&self, owner: usize, market: u32) -> (i64, i64) {
        let (maker, taker) = self.rates[owner];
        let runs = |of: &&(u32, i64, i64, i64)| of.0 == market && (of.1..of.2).contains(&self.now);
        let charge = self.discounts.iter().find(runs).map_or(1_000_000, |discount| discount.3);
        (maker * charge / 1_000_000, taker * charge / 1_000_000)
    }

    /// Count a match; it moves rates from the next block on.
    pub fn count(&mut self, deal: &Match, taker: usize, maker: usize) {
        for (owner, made, took) in
            [(maker, deal.quote.clone(), Int::zero()), (taker, Int::zero(), deal.quote.clone())]
        {
            let hour = self.hour;
            if !self.traded.iter().any(|traded| traded.owner == owner && traded.hour == hour) {
                self.traded.push(Traded { owner, hour, maker: Int::zero(), taker: Int::zero() });
            }
            let mut rows = self.traded.iter_mut();
            let row = rows.find(|traded| traded.owner == owner && traded.hour == hour).unwrap();
            row.maker += made;
            row.taker += took;
        }
    }
}

/// A rebate is at most what the other side of the match pays.
pub fn capped(taker: Int, maker: Int) -> (Int, Int) {
    let most = |other: &Int| -other.clone().max(Int::zero());
    let (for_taker, for_maker) = (most(&maker), most(&taker));
    let capped = |fee: Int, most: Int| if fee.is_negative() { fee.max(most) } else { fee };
    (capped(taker, for_taker), capped(maker, for_maker))
}
