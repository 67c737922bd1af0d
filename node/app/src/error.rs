//! Why a transaction is refused: whatever a module says, under that module's codespace and code.

use types::{Malformed, Rejection};

/// A refusal with a stable codespace and code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Which module refuses.
    pub codespace: String,
    /// Why, as a number; never 0.
    pub code: u32,
    /// Why, in words that name values and limits.
    pub log: String,
}

impl Refusal {
    /// What `rejection` says.
    pub fn of(rejection: &dyn Rejection) -> Self {
        Self { codespace: rejection.codespace().into(), code: rejection.code(), log: rejection.to_string() }
    }
}

impl<R: Rejection> From<R> for Refusal {
    fn from(rejection: R) -> Self {
        Self::of(&rejection)
    }
}

/// Refusals of the composition itself, codespace `app`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A rule hit a fault while it ran this transaction; its effects are undone.
    #[error("the transaction ran into a fault and was undone: {0}")]
    Fault(String),
    /// Messages that do not go together in one transaction.
    #[error("{0}")]
    Mixed(&'static str),
    /// Signer of a message is not the signer of the transaction.
    #[error("message {index} must be signed by {expected}, the transaction is signed by {actual}")]
    Signer {
        /// Position of the message.
        index: usize,
        /// Who had to sign, bech32.
        expected: String,
        /// Who signed, bech32.
        actual: String,
    },
    /// Nothing handles messages of this type.
    #[error("no message type {0}")]
    UnknownMessage(String),
    /// Transaction 0 where it may not be, or sent by a user.
    #[error("oracle votes are carried by proposers only, as transaction 0")]
    OracleVotes,
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            // The Cosmos SDK's numbers, which clients know.
            Self::Signer { .. } | Self::UnknownMessage(_) => "sdk",
            Self::Fault(_) | Self::Mixed(_) | Self::OracleVotes => "app",
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Fault(_) => 1,
            Self::Mixed(_) => 2,
            Self::OracleVotes => 3,
            Self::Signer { .. } => 4,
            Self::UnknownMessage(_) => 6,
        }
    }
}

/// Bytes that make no sense, as a refusal.
pub fn malformed(field: &'static str, reason: impl Into<String>) -> Refusal {
    Malformed::new(field, reason).into()
}
