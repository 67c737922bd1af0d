//! Why this module refuses.

use alloc::string::String;

use num::QuoteQuantums;
use types::Rejection;

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
            | Self::NegativeNetFee(_) => "feetiers",
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
        }
    }
}
