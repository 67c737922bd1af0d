//! Parameters, with the bounds they must keep.

use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ppm, QuoteQuantums};

use types::{Address, MarketId};

use crate::margin::{maintenance_ppm, MILLION};
use crate::state::{Perpetual, Tier};
use crate::Error;

/// Longest name of a market or tier, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Atomic resolutions that a market may have, either way.
pub const MAX_RESOLUTION: i32 = 36;

/// Parameters of all markets.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// F7's factor for the funding rate of 8 hours; above 0.
    pub funding_rate_clamp_factor: Ppm,
    /// F7's factor for one premium; above 0.
    pub premium_vote_clamp_factor: Ppm,
    /// Premiums that a sample is made of at least, padded with zeros; above 0.
    pub min_num_votes_per_sample: u32,
    /// What must be left in an account that money leaves, as a share of the notional of all its positions; at most
    /// 1,000,000, 0 for initial margin alone.
    pub withdrawal_margin: Ppm,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            funding_rate_clamp_factor: Ppm::new(6_000_000),
            premium_vote_clamp_factor: Ppm::new(60_000_000),
            min_num_votes_per_sample: 15,
            withdrawal_margin: Ppm::new(100_000),
        }
    }
}

/// Which collateral a market's positions stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum MarketType {
    /// The pool that all cross markets share.
    Cross,
    /// A pool and an insurance fund of its own.
    Isolated,
}

/// Whose collateral, and whose insurance, stands behind a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collateral {
    /// That of all cross markets.
    #[default]
    Cross,
    /// That of this isolated market alone.
    Isolated(MarketId),
}

impl Collateral {
    /// Name of the module account that is called `name` for cross markets and `name:<market>` for isolated ones.
    pub fn name(self, name: &str) -> String {
        match self {
            Self::Cross => name.into(),
            Self::Isolated(market) => alloc::format!("{name}:{market}"),
        }
    }

    /// The account of that name.
    pub fn address(self, name: &str) -> Address {
        match self {
            Self::Cross => Address::module(name),
            Self::Isolated(_) => Address::module(&self.name(name)),
        }
    }
}

impl Params {
    /// Refuse zeros, and a withdrawal margin above the whole.
    pub fn check(&self) -> Result<(), Error> {
        if self.funding_rate_clamp_factor.raw() == 0 {
            return Err(Error::ZeroFundingClamp);
        }
        if self.premium_vote_clamp_factor.raw() == 0 {
            return Err(Error::ZeroPremiumClamp);
        }
        if self.min_num_votes_per_sample == 0 {
            return Err(Error::ZeroVotes);
        }
        if self.withdrawal_margin > Ppm::ONE {
            return Err(Error::WithdrawalMargin(self.withdrawal_margin));
        }
        Ok(())
    }
}

impl Tier {
    /// F4: its maintenance margin as a share of notional, rounded down.
    pub fn maintenance_ppm(&self) -> Ppm {
        maintenance_ppm(self.initial_margin, self.maintenance_fraction)
    }

    /// Refuse margins above the whole or of nothing, tiers that could have no funding, and crossed caps.
    pub fn check(&self) -> Result<(), Error> {
        let (initial, fraction) = (self.initial_margin.raw(), self.maintenance_fraction.raw());
        if self.name.len() > MAX_NAME_BYTES {
            return Err(Error::Name);
        }
        if initial > MILLION {
            return Err(Error::InitialMargin { tier: self.id, ppm: initial });
        }
        if fraction > MILLION {
            return Err(Error::MaintenanceFraction { tier: self.id, ppm: fraction });
        }
        if initial == 0 {
            return Err(Error::NoInitialMargin(self.id));
        }
        if maintenance_ppm(self.initial_margin, self.maintenance_fraction) >= self.initial_margin {
            return Err(Error::NoRoomForFunding(self.id));
        }
        let fits = |amount: QuoteQuantums| u64::try_from(amount.raw()).is_ok();
        if !self.impact_notional.is_positive() || !fits(self.impact_notional) {
            return Err(Error::ImpactNotional(self.id));
        }
        let caps = (self.open_interest_lower_cap, self.open_interest_upper_cap);
        if !fits(caps.0) || !fits(caps.1) || caps.0 > caps.1 {
            return Err(Error::Caps(self.id));
        }
        Ok(())
    }
}

impl Perpetual {
    /// Refuse names and numbers out of bounds.
    pub fn check(&self) -> Result<(), Error> {
        if self.ticker.is_empty() || self.ticker.len() > MAX_NAME_BYTES {
            return Err(Error::Ticker(self.market));
        }
        if self.default_funding.raw().unsigned_abs() > MILLION {
            return Err(Error::DefaultFunding(self.market));
        }
        if !(-MAX_RESOLUTION..=MAX_RESOLUTION).contains(&self.atomic_resolution) {
            return Err(Error::Resolution(self.market));
        }
        if self.open_interest.is_negative() {
            return Err(Error::NegativeOpenInterest {
                market: self.market,
                open_interest: self.open_interest,
                delta: num::BaseQuantums::ZERO,
            });
        }
        Ok(())
    }
}
