//! Why a step of this module is refused. No message reaches this module: a refusal undoes one market's step and
//! becomes an event, or refuses a genesis.

use types::{MarketId, Rejection};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The market does not exist or has no terms.
    #[error("market {0} has no terms")]
    NoTerms(MarketId),
    /// A result does not fit: the market's numbers are beyond what money can be.
    #[error("funding of market {0} does not fit its numbers")]
    Overflow(MarketId),
    /// The market has no price that may be relied on.
    #[error("the oracle price of market {0} is stale")]
    Stale(MarketId),
    /// A parameter out of its bounds.
    #[error("parameter {0} is out of its bounds")]
    Params(&'static str),
    /// A pool cannot give its dust to its fund.
    #[error(transparent)]
    Insurance(#[from] insurance::Error),
    /// Rows of a genesis that are repeated or out of order.
    #[error("market {0} is repeated or out of order")]
    Order(MarketId),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Insurance(inner) => inner.codespace(),
            Self::NoTerms(_) | Self::Overflow(_) | Self::Stale(_) | Self::Params(_) | Self::Order(_) => {
                "funding"
            }
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::NoTerms(_) => 1,
            Self::Overflow(_) => 2,
            Self::Stale(_) => 3,
            Self::Params(_) => 4,
            Self::Order(_) => 5,
            Self::Insurance(inner) => inner.code(),
        }
    }
}
