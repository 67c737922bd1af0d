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
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Seconds after which a price is stale; 1 to [`MAX_AGE_SECONDS`].
    pub max_age_seconds: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { max_age_seconds: 30 }
    }
}

impl Params {
    /// Refuse an age outside its bounds.
    pub fn check(&self) -> Result<(), Error> {
        if (1..=MAX_AGE_SECONDS).contains(&self.max_age_seconds) {
            Ok(())
        } else {
            Err(Error::MaxAge(self.max_age_seconds))
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
