//! Why a call to the chain did not do what was asked.

use crate::decimal::DecimalError;
use crate::keyring::KeyringError;
use crate::keys::KeyError;
use crate::market::OrderError;

/// Why a call to the chain did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No node answers.
    #[error("cannot reach the node at {node}: {reason}")]
    Unreachable {
        /// Its address.
        node: String,
        /// What the connection said.
        reason: String,
    },
    /// The node answered a call with an error.
    #[error("{message}")]
    Status {
        /// gRPC's kind of error.
        code: tonic::Code,
        /// What the node said.
        message: String,
    },
    /// The chain refused a transaction.
    #[error("refused ({codespace} {code}): {log}")]
    Refused {
        /// Which module, or `sdk`.
        codespace: String,
        /// The module's number for the reason.
        code: u32,
        /// The reason in words.
        log: String,
        /// Hash of the transaction, upper-case hex; empty when it was only simulated.
        hash: String,
    },
    /// A transaction did not appear in a block in time. It may still do so.
    #[error("transaction {hash} is in no block after {seconds} s; look for it later with `query tx`")]
    Late {
        /// Its hash, upper-case hex.
        hash: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The node answered with something that cannot be understood.
    #[error("the node's answer to {path} cannot be used: {reason}")]
    Answer {
        /// The method.
        path: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A number, coin or address is malformed.
    #[error("{0}")]
    Input(String),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// An order does not fit its market.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl From<DecimalError> for Error {
    fn from(error: DecimalError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<types::Malformed> for Error {
    fn from(error: types::Malformed) -> Self {
        Self::Input(error.to_string())
    }
}
