//! Events of this module.

use num::QuoteQuantums;
use types::{Address, Event};

/// A pool could not pay fees, and owes `amount` now.
pub(crate) fn fees_unpaid(pool: &Address, payee: &Address, amount: QuoteQuantums) -> Event {
    Event::new("fees_unpaid").with("pool", *pool).with("payee", *payee).with("amount", amount)
}
