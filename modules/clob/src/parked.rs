//! Orders that met as many others as a block allows and go on in the next one, first come, first served.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use store::Journal;

use crate::order::{Order, OrderId};

/// What undoes a step.
#[derive(Debug)]
enum Undo {
    Came(u64),
    Went(u64, Order),
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
        }
    }
}

store::journaled!(Parked);
