//! Why this module refuses.

use num::QuoteQuantums;
use types::Rejection;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The other side of the payment cannot pay.
    #[error(transparent)]
    Bank(#[from] bank::Error),
    /// The fund would go below zero.
    #[error("the insurance fund holds {has} and cannot change by {delta}")]
    Dry {
        /// What it holds.
        has: QuoteQuantums,
        /// By how much it should change.
        delta: QuoteQuantums,
    },
    /// Totals that do not add up to the fund's balance.
    #[error("the totals of the insurance fund do not add up to its balance {0}")]
    Totals(QuoteQuantums),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Bank(inner) => inner.codespace(),
            Self::Dry { .. } | Self::Totals(_) => "insurance",
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Bank(inner) => inner.code(),
            Self::Dry { .. } => 1,
            Self::Totals(_) => 2,
        }
    }
}
