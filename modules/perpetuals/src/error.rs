//! Why this module refuses.

use num::BaseQuantums;
use types::{MarketId, Rejection};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such perpetual.
    #[error("perpetual {0} does not exist")]
    NoPerpetual(MarketId),
    /// The perpetual has no oracle market.
    #[error("perpetual {0} has no oracle market of the same number")]
    NoMarket(MarketId),
    /// Initial margin above the whole.
    #[error("the initial margin of tier {tier} is {ppm} ppm, above 1000000")]
    InitialMargin {
        /// Which tier.
        tier: u32,
        /// Its share.
        ppm: u32,
    },
    /// Maintenance fraction above the whole.
    #[error("the maintenance fraction of tier {tier} is {ppm} ppm, above 1000000")]
    MaintenanceFraction {
        /// Which tier.
        tier: u32,
        /// Its share.
        ppm: u32,
    },
    /// Default funding above 100 % for 8 hours.
    #[error("the default funding of perpetual {0} is beyond 1000000 ppm either way")]
    DefaultFunding(MarketId),
    /// Empty or long ticker.
    #[error("the ticker of perpetual {0} must be 1 to 64 bytes")]
    Ticker(MarketId),
    /// A number does not fit.
    #[error("a number of perpetual {0} does not fit 128 bits")]
    Overflow(MarketId),
    /// No such tier.
    #[error("liquidity tier {0} does not exist")]
    NoTier(u32),
    /// The funding clamp is 0.
    #[error("the funding rate clamp factor is zero")]
    ZeroFundingClamp,
    /// The premium clamp is 0.
    #[error("the premium vote clamp factor is zero")]
    ZeroPremiumClamp,
    /// An impact notional that is not above 0, or above 64 bits.
    #[error("the impact notional of tier {0} is not within 1 and 2^64 - 1")]
    ImpactNotional(u32),
    /// Perpetuals repeated or out of order.
    #[error("perpetual {0} is repeated or out of order")]
    Order(MarketId),
    /// Tiers repeated or out of order.
    #[error("liquidity tier {0} is repeated or out of order")]
    TierOrder(u32),
    /// The minimum of votes is 0.
    #[error("the minimum number of votes per sample is zero")]
    ZeroVotes,
    /// Only an isolated market can become a cross one.
    #[error("perpetual {0} is not isolated")]
    NotIsolated(MarketId),
    /// Caps negative, above 64 bits, or crossed.
    #[error("the open interest caps of tier {0} are not within 0 and 2^64 - 1, or crossed")]
    Caps(u32),
    /// Open interest would become negative.
    #[error("open interest of perpetual {market} is {open_interest} and cannot change by {delta}")]
    NegativeOpenInterest {
        /// Which market.
        market: MarketId,
        /// What it is.
        open_interest: BaseQuantums,
        /// By how much it should change.
        delta: BaseQuantums,
    },
    /// A tier without initial margin.
    #[error("liquidity tier {0} requires no initial margin")]
    NoInitialMargin(u32),
    /// A tier whose maintenance margin is its initial margin, which would force funding to 0.
    #[error("the maintenance margin of tier {0} is not below its initial margin")]
    NoRoomForFunding(u32),
    /// Resolution out of bounds.
    #[error("the atomic resolution of perpetual {0} is beyond -36..=36")]
    Resolution(MarketId),
    /// A hard cap below nothing or above 64 bits.
    #[error("the cap on the open interest of perpetual {0} is not within 0 and 2^64 - 1")]
    OpenInterestCap(MarketId),
    /// A withdrawal margin above the whole.
    #[error("a withdrawal margin of {0} ppm is above 1000000")]
    WithdrawalMargin(num::Ppm),
    /// A long name.
    #[error("the name of a liquidity tier is longer than 64 bytes")]
    Name,
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        "perpetuals"
    }

    /// Up to 99 as on the dYdX chain; from 1000 on, refusals it does not have.
    fn code(&self) -> u32 {
        match self {
            Self::NoPerpetual(_) => 1,
            Self::NoMarket(_) => 2,
            Self::InitialMargin { .. } => 3,
            Self::MaintenanceFraction { .. } => 4,
            Self::DefaultFunding(_) => 5,
            Self::Ticker(_) => 6,
            Self::Overflow(_) => 11,
            Self::NoTier(_) => 12,
            Self::ZeroFundingClamp => 14,
            Self::ZeroPremiumClamp => 15,
            Self::ImpactNotional(_) => 16,
            Self::Order(_) => 17,
            Self::TierOrder(_) => 20,
            Self::ZeroVotes => 22,
            Self::NotIsolated(_) => 23,
            Self::Caps(_) => 24,
            Self::NegativeOpenInterest { .. } => 25,
            Self::NoInitialMargin(_) => 1_000,
            Self::NoRoomForFunding(_) => 1_001,
            Self::Resolution(_) => 1_002,
            Self::Name => 1_003,
            Self::OpenInterestCap(_) => 1_004,
            Self::WithdrawalMargin(_) => 1_005,
        }
    }
}
