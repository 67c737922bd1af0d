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

/// A validator has said nothing for so many blocks in a row.
pub(crate) fn validator_silent(validator: &[u8; 20], blocks: u32) -> Event {
    Event::new("validator_silent").with("validator", validator.to_vec()).with("blocks", blocks)
}

/// No market has had a price for so long that the network is halted.
pub(crate) fn network_halted(since: u64) -> Event {
    Event::new("network_halted").with("since", since)
}

/// The network begins to recover, with the blocks that are left, or has recovered: 0 are left.
pub(crate) fn network_recovery(left: u8) -> Event {
    Event::new("network_recovery").with("left", left)
}

/// A market begins to recover from an outage, with the blocks that are left, or has recovered: 0 are left.
pub(crate) fn price_recovery(market: MarketId, left: u8) -> Event {
    Event::new("price_recovery").with("market", market).with("left", left)
}
