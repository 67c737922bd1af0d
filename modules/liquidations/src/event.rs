//! Events of this module.

use alloc::string::ToString;

use num::{BaseQuantums, QuoteQuantums, Subticks};
use types::{Event, MarketId, SubaccountId};

use crate::Error;

/// A position was sold to or bought from the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidated {
    /// Whose.
    pub id: SubaccountId,
    /// Where.
    pub market: MarketId,
    /// Whether the position was bought back (it was short).
    pub buy: bool,
    /// What was to be closed.
    pub size: BaseQuantums,
    /// What was closed.
    pub filled: BaseQuantums,
    /// Worst price that was allowed.
    pub limit: Subticks,
    /// What the fills cost in all.
    pub quote: QuoteQuantums,
    /// What the insurance fund got; below zero, paid.
    pub insurance: QuoteQuantums,
}

impl From<Liquidated> for Event {
    fn from(event: Liquidated) -> Self {
        Self::new("liquidation")
            .with_subaccount("owner", "number", &event.id)
            .with("market", event.market)
            .with("buy", event.buy)
            .with("size", event.size)
            .with("filled", event.filled)
            .with("limit", event.limit)
            .with("quote", event.quote)
            .with("insurance", event.insurance)
    }
}

/// A part of a position was closed against a counterparty at the bankruptcy price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleveraged {
    /// Whose position had to go.
    pub id: SubaccountId,
    /// Who took the other side.
    pub counterparty: SubaccountId,
    /// Where.
    pub market: MarketId,
    /// How much, above zero.
    pub size: BaseQuantums,
    /// What the first account got; below zero, paid.
    pub quote: QuoteQuantums,
}

impl From<Deleveraged> for Event {
    fn from(event: Deleveraged) -> Self {
        Self::new("deleveraging")
            .with_subaccount("owner", "number", &event.id)
            .with_subaccount("counterparty", "counterparty_number", &event.counterparty)
            .with("market", event.market)
            .with("size", event.size)
            .with("quote", event.quote)
    }
}

/// A part of a position in a market that is over was closed against a counterparty at the oracle price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Who got exactly what the position was worth.
    pub id: SubaccountId,
    /// Who took the other side.
    pub counterparty: SubaccountId,
    /// Where.
    pub market: MarketId,
    /// How much, above zero.
    pub size: BaseQuantums,
    /// What the first account got; below zero, paid.
    pub quote: QuoteQuantums,
}

impl From<Settled> for Event {
    fn from(event: Settled) -> Self {
        Self::new("final_settlement")
            .with_subaccount("owner", "number", &event.id)
            .with_subaccount("counterparty", "counterparty_number", &event.counterparty)
            .with("market", event.market)
            .with("size", event.size)
            .with("quote", event.quote)
    }
}

/// A position could not be closed in this block.
pub(crate) fn failed(id: &SubaccountId, market: MarketId, reason: &Error) -> Event {
    Event::new("liquidation_failed")
        .with_subaccount("owner", "number", id)
        .with("market", market)
        .with("reason", reason.to_string())
}

/// Some accounts are worth less than nothing at the end of the block.
pub(crate) fn deficit(accounts: u32, worth: QuoteQuantums) -> Event {
    Event::new("negative_accounts").with("accounts", accounts).with("net_collateral", worth)
}
