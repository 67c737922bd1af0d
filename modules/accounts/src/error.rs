//! Why a transaction is refused. All codes are those of codespace `sdk`, which every Cosmos client knows.

use alloc::string::String;

use types::{Address, Coin, Malformed, Rejection};

/// A refusal of the bytes, the signer, the fee or the gas of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes do not decode strictly.
    #[error("{0}: tx parse error")]
    Malformed(#[from] Malformed),
    /// Neither of the key that the signer has shown, nor of the chain, number and sequence it names.
    #[error(
        "signature verification failed; please verify account number ({number}), sequence ({sequence}) and \
         chain-id ({chain_id}): unauthorized"
    )]
    Signature {
        /// Number of the account that should have signed.
        number: u64,
        /// Sequence that the transaction carries.
        sequence: u64,
        /// This chain.
        chain_id: String,
    },
    /// As many signatures as signers are needed: one.
    #[error("{count} signatures for one signer: unauthorized")]
    SignatureCount {
        /// How many there are.
        count: usize,
    },
    /// Somebody else than the signer should pay the fee.
    #[error("fee payer {0} is not the signer: unauthorized")]
    FeePayer(String),
    /// The signer cannot pay the fee.
    #[error("balance {has}{} is smaller than the fee {fee}: insufficient funds", .fee.denom)]
    FeeFunds {
        /// What the signer has.
        has: u128,
        /// What it offered.
        fee: Coin,
    },
    /// A key that cannot be used, is missing, or belongs to another address.
    #[error("{0}: invalid pubkey")]
    PublicKey(&'static str),
    /// The signer has no account.
    #[error("account {0} does not exist: unknown address")]
    UnknownAccount(Address),
    /// Less gas than the transaction needs.
    #[error("gas limit {limit} is below the {needed} that the transaction needs: out of gas")]
    OutOfGas {
        /// Gas that the signer allowed.
        limit: u64,
        /// Gas that it takes.
        needed: u64,
    },
    /// The memo is too long.
    #[error("memo has {length} bytes, at most {limit} are allowed: memo too large")]
    Memo {
        /// Its length in bytes.
        length: usize,
        /// Allowed length.
        limit: usize,
    },
    /// The fee is not a proper list of coins, or in a coin that is not taken.
    #[error("{0}: insufficient fee")]
    InvalidFee(String),
    /// The fee is below the minimum.
    #[error("insufficient fees; got: {got} required: {required}: insufficient fee")]
    InsufficientFee {
        /// Fee that was offered.
        got: String,
        /// Fees of which any one would do.
        required: String,
    },
    /// More than one signer.
    #[error("{count} signers, one is allowed: maximum number of signatures exceeded")]
    TooManySigners {
        /// How many there are.
        count: usize,
    },
    /// No signer or no signature.
    #[error("no signatures supplied")]
    NoSignatures,
    /// Nothing to do.
    #[error("must contain at least one message: invalid request")]
    NoMessages,
    /// Somebody else's allowance should pay the fee.
    #[error("fee grants are not enabled: invalid request")]
    FeeGranter,
    /// A genesis that contradicts itself.
    #[error("{0}: invalid request")]
    Genesis(&'static str),
    /// More bytes than a transaction may have.
    #[error("transaction has {size} bytes, at most {limit} are allowed: tx too large")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// Allowed bytes.
        limit: usize,
    },
    /// A query for an account that is not there.
    #[error("account {0} not found: key not found")]
    NotFound(String),
    /// The block in which it could run has passed.
    #[error("block height: {height}, timeout height: {timeout}: tx timeout height")]
    Timeout {
        /// Height of the block.
        height: u64,
        /// Last height at which it could run.
        timeout: u64,
    },
    /// Extension options that this chain does not know.
    #[error("{0}: unknown extension options")]
    Extension(&'static str),
    /// Not the sequence that comes next.
    #[error("account sequence mismatch, expected {expected}, got {got}: incorrect account sequence")]
    Sequence {
        /// The account's sequence.
        expected: u64,
        /// Sequence that the transaction carries.
        got: u64,
    },
    /// Something that Cosmos chains know and this one does not offer.
    #[error("{0}: feature not supported")]
    NotSupported(&'static str),
    /// A message that has no amino JSON form here.
    #[error("{0} cannot be signed as amino JSON, use SIGN_MODE_DIRECT: feature not supported")]
    AminoMessage(String),
    /// More gas than a transaction may ask for.
    #[error("gas limit {limit} exceeds the maximum {maximum}: invalid gas limit")]
    GasLimit {
        /// Gas that it asks for.
        limit: u64,
        /// Gas that is allowed.
        maximum: u64,
    },
    /// A refusal of the bank, with its code.
    #[error(transparent)]
    Bank(#[from] bank::Error),
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        if let Self::Bank(inner) = self {
            inner.codespace()
        } else {
            "sdk"
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Malformed(inner) => inner.code(),
            Self::Bank(inner) => inner.code(),
            Self::Signature { .. } | Self::SignatureCount { .. } | Self::FeePayer(_) => 4,
            Self::FeeFunds { .. } => 5,
            Self::PublicKey(_) => 8,
            Self::UnknownAccount(_) => 9,
            Self::OutOfGas { .. } => 11,
            Self::Memo { .. } => 12,
            Self::InvalidFee(_) | Self::InsufficientFee { .. } => 13,
            Self::TooManySigners { .. } => 14,
            Self::NoSignatures => 15,
            Self::NoMessages | Self::FeeGranter | Self::Genesis(_) => 18,
            Self::TooLarge { .. } => 21,
            Self::NotFound(_) => 22,
            Self::Timeout { .. } => 30,
            Self::Extension(_) => 31,
            Self::Sequence { .. } => 32,
            Self::NotSupported(_) | Self::AminoMessage(_) => 37,
            Self::GasLimit { .. } => 41,
        }
    }
}
