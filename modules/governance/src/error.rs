//! Why governance refuses.

use alloc::string::String;

use types::{Address, Malformed, Rejection};

/// A refusal of governance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An administrative message, which this chain does not offer yet.
    #[error("{0} is not available on this chain")]
    Unavailable(String),
    /// Not a validator set.
    #[error("the validator set {0}")]
    Set(&'static str),
    /// Only the authority may do this.
    #[error("{0} is not the authority")]
    NotAuthority(Address),
    /// A query for a validator that is not there.
    #[error("validator {0} not found: key not found")]
    NotFound(String),
    /// A page of a query that cannot be answered.
    #[error(transparent)]
    Page(#[from] bank::Error),
    /// Bytes that make no message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Too many changes wait already.
    #[error("{0} changes wait already, which is the most")]
    Full(usize),
    /// Something that is for ever.
    #[error(transparent)]
    Unchangeable(#[from] Unchangeable),
    /// A plan that no node could follow.
    #[error("the plan {0}")]
    Plan(&'static str),
    /// There is nothing to cancel.
    #[error("no upgrade is planned")]
    NoPlan,
    /// A book refuses its change.
    #[error(transparent)]
    Clob(#[from] clob::Error),
    /// A perpetual, a tier or the bounds of funding refuse theirs.
    #[error(transparent)]
    Perpetuals(#[from] perpetuals::Error),
    /// Liquidation parameters refuse theirs.
    #[error(transparent)]
    Liquidations(#[from] liquidations::Error),
    /// Accounts refuse it.
    #[error(transparent)]
    Subaccounts(#[from] subaccounts::Error),
    /// The insurance funds refuse it.
    #[error(transparent)]
    Insurance(#[from] insurance::Error),
    /// Fees refuse theirs.
    #[error(transparent)]
    Fees(#[from] fees::Error),
}

/// Something that no message may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} cannot be changed")]
pub struct Unchangeable(pub &'static str);

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Unavailable(_)
            | Self::Set(_)
            | Self::NotAuthority(_)
            | Self::Full(_)
            | Self::Plan(_)
            | Self::NoPlan
            | Self::Unchangeable(_) => "governance",
            Self::NotFound(_) => "sdk",
            Self::Page(inner) => inner.codespace(),
            Self::Malformed(inner) => inner.codespace(),
            Self::Clob(inner) => inner.codespace(),
            Self::Perpetuals(inner) => inner.codespace(),
            Self::Liquidations(inner) => inner.codespace(),
            Self::Subaccounts(inner) => inner.codespace(),
            Self::Insurance(inner) => inner.codespace(),
            Self::Fees(inner) => inner.codespace(),
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Unavailable(_) => 2,
            Self::Set(_) => 3,
            Self::NotAuthority(_) => 4,
            Self::Full(_) => 5,
            Self::Unchangeable(_) => 6,
            Self::Plan(_) => 7,
            Self::NoPlan => 8,
            Self::Malformed(inner) => inner.code(),
            Self::Clob(inner) => inner.code(),
            Self::Perpetuals(inner) => inner.code(),
            Self::Liquidations(inner) => inner.code(),
            Self::Subaccounts(inner) => inner.code(),
            Self::Insurance(inner) => inner.code(),
            Self::Fees(inner) => inner.code(),
            Self::NotFound(_) => 22,
            Self::Page(inner) => inner.code(),
        }
    }
}
