//! Orders that met as many others as a block allows and go on in the next one, first come, first served.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use store::{fault, Journal};
use types::{MarketId, SubaccountId};

use crate::order::{Kind, Order, OrderId};

/// What undoes a step.
#[derive(Debug)]
enum Undo {
    Came(u64),
    Went(u64, Order),
    Changed(u64, Order),
}

/// Orders that go on in the next block, by number. All of it follows from rows.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    queue: BTreeMap<u64, Order>,
    by_id: BTreeMap<OrderId, u64>,
    journal: Journal<Undo>,
}

impl Parked {
    fn insert(&mut self, number: u64, order: Order) {
        self.by_id.insert(order.id, number);
        self.queue.insert(number, order);
    }

    fn take(&mut self, number: u64) -> Option<Order> {
        let order = self.queue.remove(&number)?;
        self.by_id.remove(&order.id);
        Some(order)
    }

    /// An order comes, behind all others.
    pub(crate) fn come(&mut self, number: u64, order: &Order) {
        self.insert(number, *order);
        self.journal.note(|| Undo::Came(number));
    }

    /// An order goes.
    pub(crate) fn go(&mut self, number: u64) -> Option<Order> {
        let order = self.take(number)?;
        self.journal.note(|| Undo::Went(number, order));
        Some(order)
    }

    /// An order takes the place of the one with its id.
    pub(crate) fn supersede(&mut self, number: u64, order: &Order) {
        let Some(old) = self.queue.insert(number, *order) else {
            fault("no order goes on under this number")
        };
        self.journal.note(|| Undo::Changed(number, old));
    }

    /// How many of a subaccount's orders go on in `market`.
    pub(crate) fn of_trader(&self, id: &SubaccountId, market: MarketId) -> u32 {
        self.count(id, |known| known.market == market)
    }

    /// How many of a subaccount's orders go on that live until a time (`stateful`), or until a block.
    pub(crate) fn of_holder(&self, id: &SubaccountId, stateful: bool) -> u32 {
        self.count(id, |known| known.kind.is_stateful() == stateful)
    }

    /// Looks at all orders of the subaccount that go on: few, because few go on at all.
    fn count(&self, id: &SubaccountId, counts: impl Fn(&OrderId) -> bool) -> u32 {
        if self.by_id.is_empty() {
            return 0;
        }
        let first = OrderId { subaccount: *id, market: MarketId(0), kind: Kind::ShortTerm, client_id: 0 };
        let mine = self.by_id.range(first..).map(|(known, _)| known);
        let mine = mine.take_while(|known| known.subaccount == *id).filter(|known| counts(known));
        u32::try_from(mine.count()).unwrap_or(u32::MAX)
    }

    /// The order called `id`, and its number.
    pub(crate) fn find(&self, id: &OrderId) -> Option<(u64, &Order)> {
        let number = self.by_id.get(id)?;
        self.queue.get(number).map(|order| (*number, order))
    }

    /// All of them, first come first.
    pub(crate) fn all(&self) -> Vec<(u64, Order)> {
        self.queue.iter().map(|(number, order)| (*number, *order)).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Add everything to a digest.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        for entry in &self.queue {
            digest.update(borsh::to_vec(&entry).unwrap_or_default());
        }
    }

    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Came(number) => drop(self.take(number)),
            Undo::Went(number, order) => self.insert(number, order),
            Undo::Changed(number, order) => drop(self.queue.insert(number, order)),
        }
    }
}

store::journaled!(Parked);
