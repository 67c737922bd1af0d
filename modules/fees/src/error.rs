//! Why this module refuses.

use alloc::string::String;

use num::QuoteQuantums;
use types::{Address, MarketId, Rejection};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The collateral pool cannot pay.
    #[error(transparent)]
    Bank(#[from] bank::Error),
    /// A table without a first tier for everybody.
    #[error("the first fee tier {0} must not require volume or shares")]
    FirstTier(String),
    /// A table without tiers.
    #[error("there are no fee tiers")]
    NoTiers,
    /// Too many tiers or a long name.
    #[error("at most 64 fee tiers with names of 1 to 64 bytes are allowed")]
    Size,
    /// Requirements that fall, or a volume beyond 64 bits.
    #[error("fee tier {0} requires less than the tier before it, or a volume beyond 2^64 - 1")]
    Order(String),
    /// A rate beyond the whole.
    #[error("a rate of fee tier {0} is beyond 1000000 ppm either way")]
    Rate(String),
    /// The lowest maker and taker rates together would pay out.
    #[error(
        "the lowest maker rate {maker} ppm and the lowest taker rate {taker} ppm are below zero together"
    )]
    NetRebate {
        /// Lowest maker rate.
        maker: i32,
        /// Lowest taker rate.
        taker: i32,
    },
    /// The fees of a match are below zero.
    #[error("the fees of one match are {0} quote quantums, below zero")]
    NegativeNetFee(QuoteQuantums),
    /// A parameter out of its bounds.
    #[error("parameter {0} is out of its bounds")]
    Params(&'static str),
    /// A discount that never runs or runs too long.
    #[error("the discount of market {0} must end after its start and run at most 90 days")]
    DiscountWindow(MarketId),
    /// A discount that charges more than the whole.
    #[error("the discount of market {market} charges {charge} ppm, more than 1000000 ppm")]
    DiscountCharge {
        /// Which market.
        market: MarketId,
        /// What it charges.
        charge: u32,
    },
    /// Rows of a genesis that are repeated, out of order, empty or outside the window.
    #[error("the {0} of genesis are repeated, out of order, empty or without effect")]
    Rows(&'static str),
    /// A builder fee of nothing or beyond the cap.
    #[error("a builder fee of {fee} ppm is not within 1 to {cap} ppm")]
    BuilderFee {
        /// What was asked for.
        fee: u32,
        /// Largest.
        cap: u32,
    },
    /// A builder that belongs to a module.
    #[error("builder {0} belongs to a module and is not allowed to receive funds")]
    BuilderBlocked(Address),
    /// Fees of the running block wait in a pool that should go.
    #[error("{0} quote quantums of fees wait in the pool until the block ends")]
    Waiting(QuoteQuantums),
    /// A query names something that is not an address.
    #[error(transparent)]
    Malformed(#[from] types::Malformed),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Bank(inner) => inner.codespace(),
            Self::Malformed(inner) => inner.codespace(),
            Self::FirstTier(_)
            | Self::NoTiers
            | Self::Size
            | Self::Order(_)
            | Self::Rate(_)
            | Self::NetRebate { .. }
            | Self::NegativeNetFee(_)
            | Self::Params(_)
            | Self::DiscountWindow(_)
            | Self::DiscountCharge { .. }
            | Self::Rows(_)
            | Self::BuilderFee { .. }
            | Self::BuilderBlocked(_)
            | Self::Waiting(_) => "feetiers",
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Bank(inner) => inner.code(),
            Self::Malformed(inner) => inner.code(),
            Self::NoTiers => 1_000,
            Self::FirstTier(_) => 1_001,
            Self::Order(_) => 1_002,
            Self::Rate(_) => 1_003,
            Self::NetRebate { .. } => 1_004,
            Self::NegativeNetFee(_) => 1_005,
            Self::Size => 1_006,
            Self::Params(_) => 1_007,
            Self::DiscountWindow(_) => 1_008,
            Self::DiscountCharge { .. } => 1_009,
            Self::Rows(_) => 1_010,
            Self::BuilderFee { .. } => 1_011,
            Self::BuilderBlocked(_) => 1_012,
            Self::Waiting(_) => 1_013,
        }
    }
}
