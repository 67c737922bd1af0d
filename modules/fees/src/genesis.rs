//! The table of fees at the start of a chain.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ppm, QuoteQuantums, SignedPpm};
use store::{Ctx, Read};
use types::{Address, MarketId};

use crate::params::{Discount, Params};
use crate::state::{
    discounts, params, tiers, unpaid, FeeTier, BUILDERS, DISCOUNTS, HOURS, NOW, PARAMS, TIERS, UNPAID,
};
use crate::volumes::{add, add_global, Builder, Volume};
use crate::Error;

/// Tiers that a table may have.
pub const MAX_TIERS: usize = 64;

/// What the module starts with.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// From the tier without requirements upwards.
    pub tiers: Vec<FeeTier>,
    /// Parameters.
    pub params: Params,
    /// Discounts, in rising order of market.
    pub discounts: Vec<(MarketId, Discount)>,
    /// Volumes by user and hour since 1970, in rising order of both; none of zero. Totals follow from them.
    pub hours: Vec<((Address, u32), Volume)>,
    /// Merits of builders, in rising order of address.
    pub builders: Vec<(Address, Builder)>,
    /// Debts of pools, by pool and payee, in rising order; each above zero.
    pub unpaid: Vec<((Address, Address), QuoteQuantums)>,
}

impl Default for Genesis {
    /// The standard table: volumes in millions of USD, shares and rates in ppm.
    fn default() -> Self {
        let rows = [
            ("1", 0, 0, 0, 100, 500),
            ("2", 1, 0, 0, 100, 450),
            ("3", 5, 0, 0, 50, 400),
            ("4", 25, 0, 0, 0, 350),
            ("5", 125, 0, 0, 0, 300),
            ("6", 125, 5_000, 0, -50, 250),
            ("7", 125, 5_000, 10_000, -70, 250),
            ("8", 125, 5_000, 20_000, -90, 250),
            ("9", 125, 5_000, 40_000, -110, 250),
        ];
        let tier =
            |(name, millions, total, makers, maker, taker): (&str, i128, u32, u32, i32, i32)| FeeTier {
                name: name.into(),
                volume: QuoteQuantums::new(millions.saturating_mul(1_000_000_000_000)),
                total_share: Ppm::new(total),
                maker_share: Ppm::new(makers),
                maker: SignedPpm::new(maker),
                taker: SignedPpm::new(taker),
            };
        let tiers = rows.into_iter().map(tier).collect();
        Self {
            tiers,
            params: Params::default(),
            discounts: Vec::new(),
            hours: Vec::new(),
            builders: Vec::new(),
            unpaid: Vec::new(),
        }
    }
}

impl Genesis {
    /// Refuse tables that could pay out on a match, or that leave somebody without a tier (I1).
    pub fn check(&self) -> Result<(), Error> {
        let first = self.tiers.first().ok_or(Error::NoTiers)?;
        let needs = |tier: &FeeTier| (tier.volume, tier.total_share, tier.maker_share);
        if self.tiers.len() > MAX_TIERS {
            return Err(Error::Size);
        }
        if needs(first) != (QuoteQuantums::ZERO, Ppm::default(), Ppm::default()) {
            return Err(Error::FirstTier(first.name.clone()));
        }
        for (tier, next) in self.tiers.iter().zip(self.tiers.iter().skip(1)) {
            let falls = next.volume < tier.volume
                || next.total_share < tier.total_share
                || next.maker_share < tier.maker_share;
            if falls {
                return Err(Error::Order(next.name.clone()));
            }
        }
        for tier in &self.tiers {
            if tier.name.is_empty() || tier.name.len() > 64 {
                return Err(Error::Size);
            }
            if u64::try_from(tier.volume.raw()).is_err() {
                return Err(Error::Order(tier.name.clone()));
            }
            if [tier.maker, tier.taker].iter().any(|rate| rate.raw().unsigned_abs() > 1_000_000) {
                return Err(Error::Rate(tier.name.clone()));
            }
        }
        let lowest = |rate: fn(&FeeTier) -> i32| self.tiers.iter().map(rate).min().unwrap_or_default();
        let (maker, taker) = (lowest(|tier| tier.maker.raw()), lowest(|tier| tier.taker.raw()));
        if maker.saturating_add(taker) < 0 {
            return Err(Error::NetRebate { maker, taker });
        }
        self.check_rows()
    }

    fn check_rows(&self) -> Result<(), Error> {
        self.params.check()?;
        for (market, discount) in &self.discounts {
            discount.check(*market)?;
        }
        if !rising(&self.discounts) {
            return Err(Error::Rows("discounts"));
        }
        let fine = |volume: &Volume| {
            let both = [volume.maker, volume.taker];
            !volume.is_zero()
                && both.iter().all(|one| !one.is_negative() && QuoteQuantums::bounded(one.raw()).is_some())
        };
        if !rising(&self.hours) || !self.hours.iter().all(|(_, volume)| fine(volume)) {
            return Err(Error::Rows("volumes"));
        }
        if !rising(&self.builders) {
            return Err(Error::Rows("builders"));
        }
        if !rising(&self.unpaid) || !self.unpaid.iter().all(|(_, amount)| amount.is_positive()) {
            return Err(Error::Rows("debts"));
        }
        Ok(())
    }
}

fn rising<K: Ord, V>(rows: &[(K, V)]) -> bool {
    rows.iter().zip(rows.iter().skip(1)).all(|((one, _), (next, _))| one < next)
}

/// Write `genesis` into an empty state.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    genesis.check()?;
    NOW.set(ctx.state, &ctx.block.time);
    TIERS.set(ctx.state, &genesis.tiers);
    PARAMS.set(ctx.state, &genesis.params);
    for (market, discount) in &genesis.discounts {
        DISCOUNTS.set(ctx.state, market, discount);
    }
    for ((user, hour), volume) in &genesis.hours {
        let _total = add(ctx.state, user, *volume, (0, *hour));
        if volume.maker.is_positive() {
            add_global(ctx.state, volume.maker, *hour);
        }
    }
    for (address, merits) in &genesis.builders {
        BUILDERS.set(ctx.state, address, merits);
    }
    for (key, amount) in &genesis.unpaid {
        UNPAID.set(ctx.state, key, amount);
    }
    Ok(())
}

/// The state as a genesis. Reads every volume.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis {
        tiers: tiers(state),
        params: params(state),
        discounts: discounts(state),
        hours: HOURS.scan(state, &(), usize::MAX),
        builders: BUILDERS.scan(state, &(), usize::MAX),
        unpaid: unpaid(state),
    }
}
