//! Parameters, with the bounds they must keep.

use alloc::string::String;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Ppm;
use types::MarketId;

use crate::Error;

/// Longest name of a pair, in bytes.
pub const MAX_PAIR_BYTES: usize = 64;

/// Exponents that a price may have, either way.
pub const MAX_EXPONENT: i32 = 36;

/// Longest age that may be configured: one day.
pub const MAX_AGE_SECONDS: u32 = 86_400;

/// Parameters of all markets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Seconds after which a price is stale; 1 to [`MAX_AGE_SECONDS`].
    pub max_age_seconds: u32,
    /// Furthest that a price moves from one block to the next (F4), ppm of the old price, up to 1,000,000; 0 for
    /// as far as votes say.
    pub max_step: Ppm,
    /// Seconds after which a price is so old that its market halts and then recovers (F5); 0 for never, else
    /// `max_age_seconds` to [`MAX_AGE_SECONDS`].
    pub recovery_seconds: u32,
    /// Consecutive blocks with a price of their own that recovery takes; at least 1.
    pub recovery_blocks: u8,
}

impl Default for Params {
    fn default() -> Self {
        Self { max_age_seconds: 30, max_step: Ppm::ZERO, recovery_seconds: 0, recovery_blocks: 10 }
    }
}

impl Params {
    /// Refuse values outside their bounds.
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_AGE_SECONDS).contains(&self.max_age_seconds) {
            return Err(Error::MaxAge(self.max_age_seconds));
        }
        if self.max_step.raw() > 1_000_000 {
            return Err(Error::MaxStep(self.max_step));
        }
        let bounds = self.max_age_seconds..=MAX_AGE_SECONDS;
        let gap = self.recovery_seconds == 0 || bounds.contains(&self.recovery_seconds);
        if gap && self.recovery_blocks > 0 {
            Ok(())
        } else {
            Err(Error::Recovery(self.recovery_seconds, self.recovery_blocks))
        }
    }
}

/// Parameters of one market.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MarketParams {
    /// Which market.
    pub market: MarketId,
    /// Its name, `BTC-USD`; 1 to [`MAX_PAIR_BYTES`] printable ASCII characters.
    pub pair: String,
    /// A price stands for price times 10^exponent USD per coin; at most [`MAX_EXPONENT`] either way.
    pub exponent: i32,
    /// Smallest change that is worth a vote, 1 to 9,999 ppm. Advice to price feeders; no rule depends on it.
    pub min_price_change: Ppm,
}

impl MarketParams {
    /// Refuse values outside their bounds.
    pub fn check(&self) -> Result<(), Error> {
        let printable = self.pair.bytes().all(|byte| byte.is_ascii_graphic());
        if self.pair.is_empty() || self.pair.len() > MAX_PAIR_BYTES || !printable {
            return Err(Error::Pair(self.market));
        }
        if !(-MAX_EXPONENT..=MAX_EXPONENT).contains(&self.exponent) {
            return Err(Error::Exponent { market: self.market, exponent: self.exponent });
        }
        if !(1..=9_999).contains(&self.min_price_change.raw()) {
            return Err(Error::MinPriceChange(self.market));
        }
        Ok(())
    }
}
