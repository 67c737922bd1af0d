//! Why governance refuses.

use alloc::string::String;

use types::{Address, Rejection};

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
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Unavailable(_) | Self::Set(_) | Self::NotAuthority(_) => "governance",
            Self::NotFound(_) => "sdk",
            Self::Page(inner) => inner.codespace(),
        }
    }

    fn code(&self) -> u32 {
        match self {
            Self::Unavailable(_) => 2,
            Self::Set(_) => 3,
            Self::NotAuthority(_) => 4,
            Self::NotFound(_) => 22,
            Self::Page(inner) => inner.code(),
        }
    }
}
