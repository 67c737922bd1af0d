//! Why a step of this module is refused. No message reaches this module: a refusal undoes one account's step
//! and becomes an event, or refuses a genesis.

use types::Rejection;
use types::{MarketId, SubaccountId};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The account needs nothing or has enough.
    #[error("subaccount {0} is not liquidatable")]
    NotLiquidatable(SubaccountId),
    /// The market lacks terms, a book or a price.
    #[error("market {0} has no terms, no book or no price")]
    NoTerms(MarketId),
    /// A result does not fit: the market's numbers are beyond what money can be.
    #[error("a number of market {0} does not fit")]
    Overflow(MarketId),
    /// A parameter out of its bounds.
    #[error("parameter {0} is out of its bounds")]
    Params(&'static str),
    /// Rows of a genesis that are repeated or out of order.
    #[error("subaccount {0} is repeated or out of order")]
    Order(SubaccountId),
    /// The account could not be read or changed.
    #[error("subaccount {id} cannot be changed: {reason}")]
    Account {
        /// Which account.
        id: SubaccountId,
        /// Why not.
        reason: alloc::string::String,
    },
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        "liquidations"
    }

    /// Those below 100 do not exist on the dYdX chain, whose book reports them.
    fn code(&self) -> u32 {
        match self {
            Self::NotLiquidatable(_) => 1,
            Self::NoTerms(_) => 2,
            Self::Overflow(_) => 3,
            Self::Params(_) => 4,
            Self::Order(_) => 5,
            Self::Account { .. } => 6,
        }
    }
}
