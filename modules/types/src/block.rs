//! The block that is being executed, its time, and the chain's fixed configuration.

use alloc::string::String;
use core::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Denom;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A moment: nanoseconds since 1970-01-01 UTC. Block time is the only time there is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize,
)]
pub struct Time(i128);

impl Time {
    /// `seconds` and `nanos` (0 to 999,999,999) after the epoch.
    pub fn from_unix(seconds: i64, nanos: u32) -> Self {
        let whole = i128::from(seconds).saturating_mul(NANOS_PER_SECOND);
        Self(whole.saturating_add(i128::from(nanos)))
    }

    /// The moment with this many nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    /// Whole seconds since the epoch, toward minus infinity.
    pub fn seconds(self) -> i64 {
        let seconds = self.0.checked_div_euclid(NANOS_PER_SECOND).unwrap_or_default();
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }

    /// Nanoseconds within the second, 0 to 999,999,999.
    pub fn subsec_nanos(self) -> u32 {
        let nanos = self.0.checked_rem_euclid(NANOS_PER_SECOND).unwrap_or_default();
        u32::try_from(nanos).unwrap_or_default()
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos_total(self) -> i128 {
        self.0
    }

    /// This moment and `seconds` more.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(i128::from(seconds).saturating_mul(NANOS_PER_SECOND)))
    }

    /// Nanoseconds from `earlier` to this moment; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i128 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds(), self.subsec_nanos())
    }
}

/// The block that is being executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// Its height; the first block has height 1.
    pub height: u64,
    /// Its time, as the engine agreed on it.
    pub time: Time,
    /// Time of the block before it; the genesis time in the first block.
    pub previous_time: Time,
}

/// What is fixed for the life of a chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Chain {
    /// Bound into every signature.
    pub chain_id: String,
    /// Bech32 prefix of addresses.
    pub prefix: String,
    /// Coin of the collateral; one smallest unit is one quote quantum.
    pub collateral: Denom,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_splits_into_seconds_and_nanoseconds_before_and_after_the_epoch() {
        for (seconds, nanos) in [(0, 0), (1, 5), (1_700_000_000, 999_999_999), (-1, 1), (-5, 0)] {
            let time = Time::from_unix(seconds, nanos);
            assert_eq!((time.seconds(), time.subsec_nanos()), (seconds, nanos));
        }
        assert_eq!(Time::from_unix(10, 0).plus_seconds(5).since(Time::from_unix(14, 0)), 1_000_000_000);
    }
}
