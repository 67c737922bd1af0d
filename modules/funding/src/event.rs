//! Events of this module.

use alloc::string::ToString;

use num::{FundingIndex, Price, SignedPpm};
use types::{Event, MarketId};

use crate::Error;

/// A market's funding index moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingRate {
    /// Which market.
    pub market: MarketId,
    /// Average premium of the period's samples, ppm.
    pub premium: i64,
    /// Rate for eight hours, ppm; positive when longs pay.
    pub rate: SignedPpm,
    /// Oracle price it was charged at.
    pub price: Price,
    /// What was added to the index.
    pub delta: FundingIndex,
    /// The index after it.
    pub index: FundingIndex,
}

impl From<FundingRate> for Event {
    fn from(event: FundingRate) -> Self {
        Self::new("funding_rate")
            .with("market", event.market)
            .with("premium_ppm", event.premium)
            .with("rate_ppm", event.rate)
            .with("price", event.price)
            .with("index_delta", event.delta)
            .with("index", event.index)
    }
}

/// A premium that is not zero was sampled.
pub(crate) fn sampled(market: MarketId, premium: SignedPpm) -> Event {
    Event::new("funding_premium").with("market", market).with("premium_ppm", premium)
}

/// A market sat out a sample or a tick (`step`).
pub(crate) fn skipped(step: &'static str, market: MarketId, reason: &Error) -> Event {
    Event::new("funding_skipped").with("step", step).with("market", market).with("reason", reason.to_string())
}
