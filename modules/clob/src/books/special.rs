//! What few orders have: parts that matching does not need, and reduce-only orders by trader.
//!
//! Parts stand under the handle of their record for as long as it is not freed, so they need no undoing.
//! Reduce-only orders enter and leave with their record, which is undone.

use alloc::vec::Vec;

use types::{MarketId, SubaccountId};

use super::journal::Undo;
use super::record::{Flags, Record};
use super::Books;
use crate::arena::{Arena, Handle};
use crate::index::{Hasher, Index};
use crate::order::{Builder, Condition, Order, Size};

/// Parts of an order that its record has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) condition: Option<Condition>,
    pub(super) builder: Option<Builder>,
}

impl Parts {
    /// The parts of `order`; nothing when it has none.
    pub(super) fn of(order: &Order) -> Option<Self> {
        let Order { condition, builder, .. } = *order;
        (condition.is_some() || builder.is_some()).then_some(Self { condition, builder })
    }
}

/// Parts by the record that they belong to.
#[derive(Debug)]
pub(super) struct AllParts {
    parts: Arena<(Handle, Parts)>,
    index: Index,
    hasher: Hasher,
}

impl AllParts {
    pub(super) fn new(hasher: Hasher) -> Self {
        Self { parts: Arena::default(), index: Index::default(), hasher }
    }

    fn find(&self, record: Handle) -> Option<Handle> {
        self.index.find(self.hasher.handle(record), |at| self.parts.get(at).0 == record)
    }

    fn get(&self, record: Handle) -> Option<&Parts> {
        self.find(record).map(|at| &self.parts.get(at).1)
    }

    /// Keep the parts of a record that has none yet.
    pub(super) fn insert(&mut self, record: Handle, parts: Parts) {
        let at = self.parts.insert((record, parts));
        self.index.insert(self.hasher.handle(record), at);
    }

    fn remove(&mut self, record: Handle) {
        if let Some(at) = self.find(record) {
            self.index.remove(self.hasher.handle(record), at);
            self.parts.free(at);
        }
    }

    /// Ask memory for the place of the parts that `record` will have.
    #[inline]
    pub(super) fn touch(&self, record: Handle) -> u64 {
        self.index.touch(self.hasher.handle(record))
    }
}

/// Let a handle be given to another order.
#[inline]
pub(super) fn let_go(orders: &mut Arena<Record>, parts: &mut AllParts, handle: Handle) {
    if orders.get(handle).flags.has(Flags::PARTS) {
        parts.remove(handle);
    }
    orders.free(handle);
}

impl Books {
    /// Parts of the order that `handle` names.
    #[inline]
    pub(super) fn parts(&self, handle: Handle) -> Parts {
        if self.orders.get(handle).flags.has(Flags::PARTS) {
            self.parts.get(handle).copied().unwrap_or_default()
        } else {
            Parts::default()
        }
    }

    /// Let the handle be given to another order.
    #[inline]
    pub(super) fn free(&mut self, handle: Handle) {
        let_go(&mut self.orders, &mut self.parts, handle);
    }

    /// Reduce-only orders of a subaccount in a market, in the order in which they came to rest.
    pub fn reducing(&self, id: &SubaccountId, market: MarketId) -> Vec<Handle> {
        if self.reducing.is_empty() {
            return Vec::new();
        }
        let Some(trader) = self.trader(id, market) else { return Vec::new() };
        self.reducing.range((trader, 0)..=(trader, u64::MAX)).map(|(_, handle)| *handle).collect()
    }

    /// Whether the order that `handle` names may only make a position smaller.
    #[inline]
    pub fn is_reduce_only(&self, handle: Handle) -> bool {
        self.orders.get(handle).flags.has(Flags::REDUCE_ONLY)
    }

    /// The order that came last took the place of one that must not come again. Undone with its coming.
    pub(crate) fn set_successor(&mut self, handle: Handle) {
        self.orders.get_mut(handle).flags.set(Flags::SUCCESSOR, true);
    }

    /// The order that came last took the place of the one that left last: its row goes over the other's. Undone
    /// with its coming.
    pub(crate) fn inherit(&mut self, handle: Handle) {
        let id = self.id(handle);
        if self.log.gone.pop_if(|gone| *gone == id).is_some() {
            self.orders.get_mut(handle).flags.set(Flags::ROW, true);
        }
    }

    /// Let `order` stand where `old` stands, which has its id, price and side, with `remaining` still wanted.
    pub fn supersede(&mut self, old: Handle, order: &Order, remaining: Size) -> Handle {
        let record = self.orders.get(old);
        let (sequence, queue) = (record.sequence, record.queue);
        let successor = record.flags.has(Flags::SUCCESSOR);
        self.take(old);
        // Nothing happens to the queue in between: the new record fits where the old one was.
        let handle = self.insert(order, remaining, (sequence, true));
        let record = self.orders.get_mut(handle);
        record.queue = queue;
        record.flags.set(Flags::SUCCESSOR, successor);
        self.attach(handle, true);
        self.journal.note(|| Undo::Superseded(handle));
        self.came(handle);
        self.inherit(handle);
        handle
    }
}
