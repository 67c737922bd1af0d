//! Events of this module.

use num::Price;
use types::{Event, MarketId};

/// Validators agreed on a price.
pub(crate) fn oracle_price(market: MarketId, price: Price) -> Event {
    Event::new("oracle_price").with("market", market).with("price", price)
}
