//! Why the bank refuses. Codes are those of the Cosmos SDK, which clients know.

use alloc::string::String;

use types::{Address, Coin, Malformed, Rejection};

/// A refusal of the bank.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The message does not decode strictly.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The sender has less than it wants to send.
    #[error("balance {has}{} is smaller than {needs}: insufficient funds", .needs.denom)]
    InsufficientFunds {
        /// What it has.
        has: u128,
        /// What it needs.
        needs: Coin,
    },
    /// Not an address of this chain.
    #[error("{field}: {reason}: invalid address")]
    InvalidAddress {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A list of coins that is empty, unordered, repeated, zero, too long or unreadable.
    #[error("{0}: invalid coins")]
    InvalidCoins(String),
    /// Users cannot send to module accounts.
    #[error("{0} belongs to a module and is not allowed to receive funds: unauthorized")]
    Blocked(Address),
    /// A multi-send without an input.
    #[error("no inputs to send transaction")]
    NoInputs,
    /// A multi-send without an output.
    #[error("no outputs to send transaction")]
    NoOutputs,
    /// What goes in is not what comes out.
    #[error("sum inputs != sum outputs")]
    InputOutputMismatch,
    /// A multi-send with more than one input.
    #[error("multiple senders not allowed")]
    MultipleSenders,
    /// No description of the denomination is kept.
    #[error("client denom metadata not found: {0}")]
    NoMetadata(String),
    /// A page of a query that cannot be answered.
    #[error("{0}: invalid request")]
    InvalidPage(&'static str),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Malformed(inner) => inner.codespace(),
            Self::InsufficientFunds { .. }
            | Self::InvalidAddress { .. }
            | Self::InvalidCoins(_)
            | Self::Blocked(_)
            | Self::InvalidPage(_) => "sdk",
            Self::NoInputs
            | Self::NoOutputs
            | Self::InputOutputMismatch
            | Self::MultipleSenders
            | Self::NoMetadata(_) => "bank",
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Malformed(inner) => inner.code(),
            Self::NoInputs => 2,
            Self::NoOutputs => 3,
            Self::Blocked(_) | Self::InputOutputMismatch => 4,
            Self::InsufficientFunds { .. } => 5,
            Self::NoMetadata(_) => 6,
            Self::InvalidAddress { .. } => 7,
            Self::MultipleSenders => 9,
            Self::InvalidCoins(_) => 10,
            Self::InvalidPage(_) => 18,
        }
    }
}
