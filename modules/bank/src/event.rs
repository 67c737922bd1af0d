//! Events of the bank, named as Cosmos clients search for them.

use types::{Address, Coin, Event};

use crate::coins::text;

/// `spender` gave coins away.
pub(crate) fn coin_spent(spender: Address, coins: &[Coin]) -> Event {
    Event::new("coin_spent").with("spender", spender).with("amount", text(coins))
}

/// `receiver` got coins.
pub(crate) fn coin_received(receiver: Address, coins: &[Coin]) -> Event {
    Event::new("coin_received").with("receiver", receiver).with("amount", text(coins))
}

/// Coins went from one account to another.
pub(crate) fn transfer(recipient: Address, sender: Address, coins: &[Coin]) -> Event {
    Event::new("transfer").with("recipient", recipient).with("sender", sender).with("amount", text(coins))
}

/// A user's message ran.
pub(crate) fn message(sender: Address) -> Event {
    Event::new("message").with("sender", sender).with("module", "bank")
}
