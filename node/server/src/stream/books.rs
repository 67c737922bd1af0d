//! Orders that rest, as events tell of them.

use std::collections::BTreeMap;

use clob::{Order, OrderId};
use store::Read;

/// An order in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) order: Order,
    /// Base quantums that have traded under its id.
    pub(crate) filled: u64,
    /// Base quantums that it still wants.
    pub(crate) remaining: u64,
    /// Its turn at its price.
    pub(crate) sequence: u64,
}

/// All books.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    orders: BTreeMap<OrderId, Held>,
    turns: BTreeMap<(u32, u64), OrderId>,
}

impl Books {
    /// Those of a state.
    pub(crate) fn of(state: &dyn Read) -> Self {
        let mut books = Self::default();
        for (resting, filled) in clob::query::all_resting(state) {
            let (filled, remaining) = (filled.raw(), resting.remaining.raw());
            books.put(Held { order: resting.order, filled, remaining, sequence: resting.sequence });
        }
        books
    }

    pub(crate) fn get(&self, id: &OrderId) -> Option<&Held> {
        self.orders.get(id)
    }

    pub(crate) fn put(&mut self, held: Held) {
        let id = held.order.id;
        self.remove(&id);
        self.turns.insert((id.market.0, held.sequence), id);
        self.orders.insert(id, held);
    }

    pub(crate) fn remove(&mut self, id: &OrderId) -> Option<Held> {
        let held = self.orders.remove(id)?;
        self.turns.remove(&(id.market.0, held.sequence));
        Some(held)
    }

    /// All orders, by market, in the order in which they came to rest.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Held> {
        self.turns.values().filter_map(|id| self.orders.get(id))
    }

    /// Orders of a market, in the order in which they came to rest.
    pub(crate) fn of_market(&self, market: u32) -> impl Iterator<Item = &Held> {
        let turns = self.turns.range((market, 0)..=(market, u64::MAX));
        turns.filter_map(|(_, id)| self.orders.get(id))
    }
}
