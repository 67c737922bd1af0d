//! Events of this module.

use num::QuoteQuantums;
use types::Event;

/// The fund received (`amount` above zero) or paid (below zero), and then held `balance`.
pub(crate) fn insurance_payment(amount: QuoteQuantums, balance: QuoteQuantums) -> Event {
    Event::new("insurance_payment").with("amount", amount).with("balance", balance)
}
