//! Events of this module.

use num::QuoteQuantums;
use types::{Event, Events, MarketId, SubaccountId, Tell};

use crate::accounts::View;

/// The whole account after a change: each position adds `market`, `quantums` and `funding_index`.
pub(crate) struct SubaccountUpdate<'a>(pub(crate) &'a SubaccountId, pub(crate) View<'a>);

impl Tell for SubaccountUpdate<'_> {
    fn tell(self, events: &mut Events) {
        let Self(id, view) = self;
        let mut event = events.begin("subaccount_update").with_subaccount("owner", "number", id);
        event = event.with("quote_quantums", view.quote);
        for hot in view.held.hot() {
            let (size, index) = view.held.size_of(hot);
            event = event.with("market", hot.market).with("quantums", size).with("funding_index", index);
        }
    }
}

/// A position paid funding (received, when below zero).
pub(crate) struct FundingPaid<'a> {
    pub(crate) id: &'a SubaccountId,
    pub(crate) market: MarketId,
    pub(crate) amount: QuoteQuantums,
}

impl Tell for FundingPaid<'_> {
    fn tell(self, events: &mut Events) {
        events
            .begin("funding_paid")
            .with_subaccount("owner", "number", self.id)
            .with("market", self.market)
            .with("amount", self.amount);
    }
}

/// Money may not leave for a while.
pub(crate) fn withdrawals_gated(reason: &'static str, height: u64) -> Event {
    Event::new("withdrawals_gated").with("reason", reason).with("height", height)
}

/// Money went from a bank account into a margin account.
pub(crate) fn deposit(sender: types::Address, to: &SubaccountId, amount: QuoteQuantums) -> Event {
    Event::new("deposit_to_subaccount")
        .with("sender", sender)
        .with_subaccount("owner", "number", to)
        .with("amount", amount)
}

/// Money went from a margin account to a bank account.
pub(crate) fn withdraw(from: &SubaccountId, recipient: types::Address, amount: QuoteQuantums) -> Event {
    Event::new("withdraw_from_subaccount")
        .with_subaccount("owner", "number", from)
        .with("recipient", recipient)
        .with("amount", amount)
}

/// Money went from one margin account to another.
pub(crate) fn transfer(from: &SubaccountId, to: &SubaccountId, amount: QuoteQuantums) -> Event {
    Event::new("subaccount_transfer")
        .with_subaccount("sender", "sender_number", from)
        .with_subaccount("recipient", "recipient_number", to)
        .with("amount", amount)
}

/// An account set its own initial margin share in a market, in ppm.
pub(crate) fn leverage_updated(id: &SubaccountId, market: MarketId, share: num::Ppm) -> Event {
    Event::new("leverage_updated")
        .with_subaccount("owner", "number", id)
        .with("market", market)
        .with("initial_margin_ppm", share)
}
