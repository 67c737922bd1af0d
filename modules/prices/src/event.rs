//! Events of this module.

use num::Price;
use types::{Event, MarketId};

/// Validators agreed on a price.
pub(crate) fn oracle_price(market: MarketId, price: Price) -> Event {
    Event::new("oracle_price").with("market", market).with("price", price)
}

/// They agreed on a price that is more than a step away.
pub(crate) fn price_bounded(market: MarketId, voted: Price, price: Price) -> Event {
    Event::new("price_bounded").with("market", market).with("voted", voted).with("price", price)
}

/// A market begins to recover from an outage, with the blocks that are left, or has recovered: 0 are left.
pub(crate) fn price_recovery(market: MarketId, left: u8) -> Event {
    Event::new("price_recovery").with("market", market).with("left", left)
}
