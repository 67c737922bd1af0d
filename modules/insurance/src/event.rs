//! Events of this module.

use num::QuoteQuantums;
use types::{Address, Event, MarketId};

/// The fund with this account received (`amount` above zero) or paid (below zero) for `market`, and then held
/// `balance`.
pub(crate) fn insurance_payment(
    market: MarketId,
    fund: Address,
    amount: QuoteQuantums,
    balance: QuoteQuantums,
) -> Event {
    Event::new("insurance_payment")
        .with("market", market)
        .with("fund", fund)
        .with("amount", amount)
        .with("balance", balance)
}

/// The fund with this account received `amount` that rounding of funding had left, and then held `balance`.
pub(crate) fn insurance_dust(fund: Address, amount: QuoteQuantums, balance: QuoteQuantums) -> Event {
    Event::new("insurance_dust").with("fund", fund).with("amount", amount).with("balance", balance)
}
