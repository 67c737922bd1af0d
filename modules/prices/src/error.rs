//! Why this module refuses. Users send it nothing, so genesis and queries are the only places that refuse.

use num::Ppm;
use types::{MarketId, Rejection};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such market.
    #[error("market {0} does not exist")]
    NoMarket(MarketId),
    /// Markets or prices repeated or not in rising order.
    #[error("market {0} is repeated or out of order")]
    Order(MarketId),
    /// Empty, too long or unprintable name of a pair.
    #[error("the pair of market {0} must be 1 to 64 printable characters")]
    Pair(MarketId),
    /// Two markets of one name.
    #[error("market {0} has the pair of another market")]
    PairTaken(MarketId),
    /// Exponent out of bounds.
    #[error("the exponent {exponent} of market {market} is beyond -36..=36")]
    Exponent {
        /// Which market.
        market: MarketId,
        /// Its exponent.
        exponent: i32,
    },
    /// Minimum change out of bounds.
    #[error("the minimum price change of market {0} must be 1 to 9999 ppm")]
    MinPriceChange(MarketId),
    /// Age out of bounds.
    #[error("a maximum age of {0} seconds is not within 1 and 86400")]
    MaxAge(u32),
    /// Step out of bounds.
    #[error("a step of {0} ppm is more than the whole price")]
    MaxStep(Ppm),
    /// Gap or length of a recovery out of bounds.
    #[error("recovery after {0} seconds for {1} blocks: not longer than a price may be old, or no block")]
    Recovery(u32, u8),
    /// A price of zero.
    #[error("the price of market {0} is zero")]
    ZeroPrice(MarketId),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        "prices"
    }

    /// Up to 599 as on the dYdX chain; from 1000 on, refusals it does not have.
    fn code(&self) -> u32 {
        match self {
            Self::Order(_) => 1,
            Self::NoMarket(_) => 200,
            Self::Pair(_) => 201,
            Self::PairTaken(_) => 202,
            Self::MinPriceChange(_) => 203,
            Self::ZeroPrice(_) => 204,
            Self::Exponent { .. } => 206,
            Self::MaxAge(_) => 1_000,
            Self::MaxStep(_) => 1_001,
            Self::Recovery(..) => 1_002,
        }
    }
}
