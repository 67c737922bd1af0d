//! A block as laws see it: the state before and after, what happened in its order, accounts on both sides.

use std::collections::BTreeMap;

use app::{BlockInput, BlockOutcome, Machine};
use perpetuals::Collateral;
use store::Read;
use subaccounts::Subaccount;
use types::{Address, Denom, Event, SubaccountId, Time, Value};

use super::replay::Replay;

/// All accounts of a state.
pub(super) type Accounts = BTreeMap<SubaccountId, Subaccount>;

/// What laws look at.
pub(super) struct Seen<'a> {
    pub(super) before: &'a dyn Read,
    pub(super) now: &'a dyn Read,
    pub(super) books: &'a clob::Books,
    pub(super) chain: &'a types::Chain,
    pub(super) input: &'a BlockInput,
    pub(super) outcome: &'a BlockOutcome,
    /// Height and time of the block before.
    pub(super) last: (u64, Time),
    /// Height and time of this block by the state.
    pub(super) block: (u64, Time),
    pub(super) was: Accounts,
    pub(super) is: Accounts,
    /// What happened, in its order.
    pub(super) events: Vec<&'a Event>,
    /// Accounts by what happened.
    pub(super) replay: Replay,
}

impl<'a> Seen<'a> {
    pub(super) fn of(
        machine: &'a Machine,
        before: &'a dyn Read,
        last: (u64, Time),
        (input, outcome): (&'a BlockInput, &'a BlockOutcome),
    ) -> Result<Self, String> {
        let now = machine.state();
        let accounts = |state: &dyn Read| subaccounts::page(state, None, usize::MAX).into_iter().collect();
        let (was, is): (Accounts, Accounts) = (accounts(before), accounts(now));
        let (begin, end) = outcome.events.split_at(outcome.begin.min(outcome.events.len()));
        let transactions = outcome.results.iter().flat_map(|result| &result.events);
        let events: Vec<_> = begin.iter().chain(transactions).chain(end).collect();
        let replay = Replay::of(&was, now, &events)?;
        let (chain, books) = (machine.chain(), machine.books());
        let block = machine.last_block();
        Ok(Self { before, now, books, chain, input, outcome, last, block, was, is, events, replay })
    }

    /// Events of one kind, in their order.
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a Event> + '_ {
        self.events.iter().copied().filter(move |event| event.kind == kind)
    }

    /// What happened in transactions.
    pub(super) fn in_transactions(&self) -> impl Iterator<Item = &'a Event> + '_ {
        self.outcome.results.iter().flat_map(|result| &result.events)
    }

    /// Every pool that either state has.
    pub(super) fn pools(&self) -> Vec<Collateral> {
        let own = perpetuals::isolated(self.before).into_iter().chain(perpetuals::isolated(self.now));
        let mut pools: Vec<_> = own.map(Collateral::Isolated).collect();
        pools.push(Collateral::Cross);
        pools.sort();
        pools.dedup();
        pools
    }

    /// By how much an address holds more of the collateral than before.
    pub(super) fn gained(&self, address: &Address) -> i128 {
        let held = |state| balance(state, address, &self.chain.collateral);
        held(self.now) - held(self.before)
    }
}

pub(super) fn balance(state: &dyn Read, address: &Address, denom: &Denom) -> i128 {
    i128::try_from(bank::balance(state, address, denom)).unwrap_or(i128::MAX)
}

/// A number of an event; 0 when it has none of this name.
pub(super) fn number(event: &Event, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(value)) => i128::try_from(*value).unwrap_or(i128::MAX),
        Some(Value::Signed(value)) => *value,
        _ => 0,
    }
}

/// The market that an event names.
pub(super) fn market(event: &Event) -> types::MarketId {
    types::MarketId(u32::try_from(number(event, "market")).unwrap_or(u32::MAX))
}

/// An address of an event.
pub(super) fn address(event: &Event, name: &str) -> Option<Address> {
    match event.get(name) {
        Some(Value::Address(address)) => Some(*address),
        _ => None,
    }
}

/// A subaccount of an event.
pub(super) fn subaccount(event: &Event, owner: &str, count: &str) -> Option<SubaccountId> {
    let number = u32::try_from(number(event, count)).unwrap_or(u32::MAX);
    address(event, owner).map(|owner| SubaccountId { owner, number })
}

/// Whether an event says `true`.
pub(super) fn says(event: &Event, name: &str) -> bool {
    event.get(name) == Some(&Value::Bool(true))
}
