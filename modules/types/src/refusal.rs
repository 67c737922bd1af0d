//! What a user can cause: a refusal with a stable code, and no trace in the state.

use alloc::string::String;
use core::fmt;

/// A refusal that clients can match on: codespace and code never change their meaning.
pub trait Rejection: fmt::Display {
    /// Which module refuses.
    fn codespace(&self) -> &'static str;

    /// Why, as a number within the codespace; never 0.
    fn code(&self) -> u32;
}

/// Bytes or values that make no sense on their own, whatever the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Malformed {
    /// `field` is wrong because it `reason`.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.reason)
    }
}

impl core::error::Error for Malformed {}

/// Malformed input carries the Cosmos code for a transaction that does not parse.
impl Rejection for Malformed {
    fn codespace(&self) -> &'static str {
        "sdk"
    }

    fn code(&self) -> u32 {
        2
    }
}
