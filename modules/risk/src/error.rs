//! Why there is no answer, or why something supposed would be refused.

use num::Price;
use types::{MarketId, Rejection};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An account refuses.
    #[error(transparent)]
    Account(#[from] subaccounts::Error),
    /// An account refuses an update.
    #[error(transparent)]
    Refused(#[from] subaccounts::Refused),
    /// The book refuses.
    #[error(transparent)]
    Book(#[from] clob::Error),
    /// The terms of a market are missing.
    #[error(transparent)]
    Terms(#[from] perpetuals::Error),
    /// A number does not fit 128 bits.
    #[error("a number of the account does not fit 128 bits")]
    OutOfRange,
    /// More is supposed than one question may hold.
    #[error("{0} things are supposed; a question holds at most {1}")]
    TooMany(usize, usize),
    /// A price that no market has.
    #[error("market {0} cannot have the price {1}")]
    Price(MarketId, Price),
    /// Nothing is supposed, or a field is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Nobody offers anything at the price.
    #[error("nobody in the book of market {0} trades at that price")]
    Nobody(MarketId),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Account(inner) => inner.codespace(),
            Self::Refused(inner) => inner.codespace(),
            Self::Book(inner) => inner.codespace(),
            Self::Terms(inner) => inner.codespace(),
            Self::OutOfRange | Self::TooMany(..) | Self::Price(..) | Self::Missing(_) | Self::Nobody(_) => {
                "risk"
            }
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Account(inner) => inner.code(),
            Self::Refused(inner) => inner.code(),
            Self::Book(inner) => inner.code(),
            Self::Terms(inner) => inner.code(),
            Self::OutOfRange => 1,
            Self::TooMany(..) => 2,
            Self::Price(..) => 3,
            Self::Missing(_) => 4,
            Self::Nobody(_) => 5,
        }
    }
}
