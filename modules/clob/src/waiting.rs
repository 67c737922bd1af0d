//! What waits outside the books: conditional orders for a price, TWAP orders for their next slice.
//!
//! All of it follows from rows. Records that left stay until nobody can undo that, so undoing links them again.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Subticks;
use sha2::{Digest, Sha256};
use store::{Journal, Journaled};
use types::{MarketId, SubaccountId, Time};

use crate::arena::{Arena, Handle, Links};
use crate::calendar::{Ends, Moments};
use crate::index::{same, Hasher, Index};
use crate::order::{Kind, OrderId};
use crate::triggers::{Direction, Trigger, Triggers};

/// Lowest and highest price at which a market traded in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Traded {
    /// The block.
    pub height: u64,
    /// Lowest price.
    pub min: Subticks,
    /// Highest price.
    pub max: Subticks,
}

/// An order that waits.
#[derive(Debug)]
struct Waiter {
    sequence: u64,
    /// What it waits for; meaningless without a direction.
    price: Subticks,
    owner: Handle,
    market: MarketId,
    client_id: u32,
    until: u32,
    due: Links,
    kind: Kind,
    /// On which side of the price; nothing when it is a TWAP order.
    direction: Option<Direction>,
}

impl Ends for Waiter {
    #[inline]
    fn until(&self) -> u32 {
        self.until
    }

    #[inline]
    fn turn(&self) -> u64 {
        self.sequence
    }

    #[inline]
    fn due(&self) -> Links {
        self.due
    }

    #[inline]
    fn due_mut(&mut self) -> &mut Links {
        &mut self.due
    }
}

/// A subaccount with orders that wait.
#[derive(Debug)]
struct Owner {
    id: SubaccountId,
    waiting: u32,
    /// Records of its orders, also of those that left and may come back.
    records: u32,
}

/// What undoes a step.
#[derive(Debug)]
enum Undo {
    Came(Handle),
    Went(Handle),
    Slice((Time, u64), Option<Handle>),
    Traded(MarketId, Option<Traded>),
}

/// Records of orders and their owners, also of those that left and may come back.
#[derive(Debug)]
struct Records {
    waiters: Arena<Waiter>,
    owners: Arena<Owner>,
    by_owner: Index,
    hasher: Hasher,
}

impl Records {
    fn owner(&self, id: &SubaccountId) -> Option<Handle> {
        let is_it = |handle| same(&self.owners.get(handle).id, id);
        self.by_owner.find(self.hasher.subaccount(id, u32::MAX), is_it)
    }

    /// The owner of a new record.
    fn charge(&mut self, id: &SubaccountId) -> Handle {
        let handle = self.owner(id).unwrap_or_else(|| {
            let handle = self.owners.insert(Owner { id: *id, waiting: 0, records: 0 });
            self.by_owner.insert(self.hasher.subaccount(id, u32::MAX), handle);
            handle
        });
        let records = &mut self.owners.get_mut(handle).records;
        *records = records.saturating_add(1);
        handle
    }

    /// Let a record go that nothing leads to, and its owner with the last one.
    fn free(&mut self, handle: Handle) {
        let at = self.waiters.get(handle).owner;
        self.waiters.free(handle);
        let owner = self.owners.get_mut(at);
        owner.records = owner.records.saturating_sub(1);
        if owner.records == 0 {
            self.by_owner.remove(self.hasher.subaccount(&owner.id, u32::MAX), at);
            self.owners.free(at);
        }
    }

    /// The name of an order.
    fn id(&self, handle: Handle) -> OrderId {
        let waiter = self.waiters.get(handle);
        let subaccount = self.owners.get(waiter.owner).id;
        OrderId { subaccount, market: waiter.market, kind: waiter.kind, client_id: waiter.client_id }
    }
}

/// Orders that wait, and the prices that may wake them.
#[derive(Debug)]
pub(crate) struct Waiting {
    records: Records,
    /// By the second at which they end.
    due: Moments,
    /// TWAP orders by the time of their next slice and by their sequence.
    slices: BTreeMap<(Time, u64), Handle>,
    /// Conditional orders by market.
    triggers: BTreeMap<MarketId, Triggers>,
    /// Lowest and highest price of the last block in which a market traded.
    traded: BTreeMap<MarketId, Traded>,
    /// Markets that traded in this block; some twice.
    markets: Vec<MarketId>,
    journal: Journal<Undo>,
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}

impl Waiting {
    pub(crate) fn new(hasher: Hasher) -> Self {
        let (waiters, owners, by_owner) = (Arena::default(), Arena::default(), Index::default());
        Self {
            records: Records { waiters, owners, by_owner, hasher },
            due: Moments::new(hasher),
            slices: BTreeMap::new(),
            triggers: BTreeMap::new(),
            traded: BTreeMap::new(),
            markets: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// An order begins to wait until the second `until`, for a price when it is conditional.
    fn enter(
        &mut self,
        id: &OrderId,
        (until, sequence): (u32, u64),
        trigger: Option<(Direction, Subticks)>,
    ) -> Handle {
        let owner = self.records.charge(&id.subaccount);
        let (direction, price) = trigger.unzip();
        let handle = self.records.waiters.insert(Waiter {
            sequence,
            price: price.unwrap_or_default(),
            owner,
            market: id.market,
            client_id: id.client_id,
            until,
            due: Links::NONE,
            kind: id.kind,
            direction,
        });
        self.link(handle);
        self.journal.note(|| Undo::Came(handle));
        handle
    }

    /// An order waits no longer.
    pub(crate) fn leave(&mut self, handle: Handle) {
        self.unlink(handle);
        if self.journal.is_open() {
            self.journal.note(|| Undo::Went(handle));
        } else {
            self.records.free(handle);
        }
    }

    /// Link a record into everything that leads to it.
    fn link(&mut self, handle: Handle) {
        let waiter = self.records.waiters.get(handle);
        let (market, owner, at) = (waiter.market, waiter.owner, (waiter.price, waiter.sequence));
        if let Some(direction) = waiter.direction {
            self.triggers.entry(market).or_default().insert(direction, at, handle);
        }
        self.due.insert(&mut self.records.waiters, handle);
        let waiting = &mut self.records.owners.get_mut(owner).waiting;
        *waiting = waiting.saturating_add(1);
    }

    /// Unlink a record from everything that leads to it. It keeps what it needs to come back.
    fn unlink(&mut self, handle: Handle) {
        let waiter = self.records.waiters.get(handle);
        let (market, owner, at) = (waiter.market, waiter.owner, (waiter.price, waiter.sequence));
        if let Some((direction, triggers)) = waiter.direction.zip(self.triggers.get_mut(&market)) {
            triggers.remove(direction, at);
        }
        self.due.remove(&mut self.records.waiters, handle);
        let waiting = &mut self.records.owners.get_mut(owner).waiting;
        *waiting = waiting.saturating_sub(1);
    }

    /// Let an order wait for its price. Returns whether it did not wait already.
    pub(crate) fn arm(&mut self, trigger: &Trigger) -> bool {
        let Trigger { id, direction, price, sequence, until } = trigger;
        let triggers = self.triggers.get(&id.market);
        if triggers.is_some_and(|triggers| triggers.find(*direction, (*price, *sequence)).is_some()) {
            return false;
        }
        self.enter(id, (*until, *sequence), Some((*direction, *price)));
        true
    }

    /// Let an order wait for its price no longer. Returns whether it waited.
    pub(crate) fn disarm(&mut self, trigger: &Trigger) -> bool {
        let triggers = self.triggers.get(&trigger.id.market);
        let at = (trigger.price, trigger.sequence);
        let found = triggers.and_then(|triggers| triggers.find(trigger.direction, at));
        if let Some(handle) = found {
            self.leave(handle);
        }
        found.is_some()
    }

    /// Who fires first in a market, whatever the price.
    pub(crate) fn first(&self, market: MarketId, direction: Direction) -> Option<Trigger> {
        let (price, handle) = self.triggers.get(&market)?.first(direction)?;
        let Waiter { sequence, until, .. } = *self.records.waiters.get(handle);
        Some(Trigger { id: self.records.id(handle), direction, price, sequence, until })
    }

    /// The next orders, at most `some`, that `price` fires in a market, in their order.
    pub(crate) fn fired(
        &self,
        market: MarketId,
        direction: Direction,
        (price, some): (Subticks, usize),
    ) -> impl Iterator<Item = Handle> + '_ {
        let triggers = self.triggers.get(&market);
        triggers.into_iter().flat_map(move |triggers| triggers.fired(direction, price)).take(some)
    }

    /// Names of orders that wait.
    pub(crate) fn ids(&self, handles: &[Handle]) -> Vec<OrderId> {
        handles.iter().map(|handle| self.records.id(*handle)).collect()
    }

    /// Ask memory for the records of orders that will leave, and for all around them: best some dozens at a time.
    pub(crate) fn glance(&self, handles: &[Handle]) -> u64 {
        let Records { waiters, owners, .. } = &self.records;
        let turn = |handle| waiters.look(handle).map_or(0, |waiter: &Waiter| waiter.sequence);
        let mut seen = handles.iter().fold(0, |seen, handle| seen ^ turn(*handle));
        for (handle, waiter) in handles.iter().filter_map(|handle| Some((handle, waiters.look(*handle)?))) {
            let Links { prev, next } = waiter.due;
            seen ^= turn(prev) ^ turn(next) ^ self.due.touch(self.due.hash(waiter.until, *handle));
            seen ^= owners.look(waiter.owner).map_or(0, |owner| u64::from(owner.waiting));
        }
        seen
    }

    /// Markets with conditional orders that wait, by number.
    pub(crate) fn triggers(&mut self) -> impl Iterator<Item = (MarketId, &mut Triggers)> {
        self.triggers
            .iter_mut()
            .map(|(market, triggers)| (*market, triggers))
            .filter(|(_, all)| all.len() > 0)
    }

    /// How many orders wait for a price, in all markets.
    pub(crate) fn conditionals(&self) -> usize {
        self.triggers.values().map(Triggers::len).sum()
    }

    /// How many orders of a subaccount wait.
    pub(crate) fn count(&self, id: &SubaccountId) -> u32 {
        self.records.owner(id).map_or(0, |owner| self.records.owners.get(owner).waiting)
    }

    /// The orders whose time is up at `seconds`: by time, those that end together in their turn.
    pub(crate) fn expired(&mut self, seconds: i64) -> Vec<OrderId> {
        let mut ended = Vec::new();
        if seconds >= 0 {
            self.due.due(&self.records.waiters, u32::try_from(seconds).unwrap_or(u32::MAX), &mut ended);
        }
        ended.sort_unstable();
        ended.into_iter().map(|(.., handle)| self.records.id(handle)).collect()
    }

    fn set_slice(&mut self, key: (Time, u64), waiter: Option<Handle>) -> Option<Handle> {
        let old = put(&mut self.slices, key, waiter);
        self.journal.note(|| Undo::Slice(key, old));
        old
    }

    /// A TWAP order begins to wait until the second `until`, with its first slice at `time`.
    pub(crate) fn begin(&mut self, id: &OrderId, (until, sequence): (u32, u64), time: Time) {
        let handle = self.enter(id, (until, sequence), None);
        self.set_slice((time, sequence), Some(handle));
    }

    /// The TWAP order whose next slice is at `time` has it at `later`.
    pub(crate) fn put_off(&mut self, (time, later): (Time, Time), sequence: u64) {
        let waiter = self.set_slice((time, sequence), None);
        self.set_slice((later, sequence), waiter);
    }

    /// The TWAP order whose next slice is at `time` waits no more.
    pub(crate) fn finish(&mut self, time: Time, sequence: u64) {
        if let Some(handle) = self.set_slice((time, sequence), None) {
            self.leave(handle);
        }
    }

    /// The TWAP order whose slice has been due at `time` for the longest.
    pub(crate) fn slice_due(&self, time: Time) -> Option<OrderId> {
        let ((at, _), waiter) = self.slices.first_key_value()?;
        (*at <= time).then(|| self.records.id(*waiter))
    }

    /// A market traded at `price` in block `height`.
    pub(crate) fn trade(&mut self, market: MarketId, price: Subticks, height: u64) {
        let old = self.traded.get(&market).copied();
        let new = match old {
            Some(seen) if seen.height == height => {
                if price >= seen.min && price <= seen.max {
                    return;
                }
                Traded { height, min: seen.min.min(price), max: seen.max.max(price) }
            }
            Some(_) | None => {
                self.markets.push(market);
                Traded { height, min: price, max: price }
            }
        };
        self.traded.insert(market, new);
        self.journal.note(|| Undo::Traded(market, old));
    }

    /// Prices of the last block in which `market` traded.
    pub(crate) fn traded(&self, market: MarketId) -> Option<Traded> {
        self.traded.get(&market).copied()
    }

    /// Markets that traded in block `height`, by number, and their prices in it.
    pub(crate) fn traded_in(&self, height: u64) -> Vec<(MarketId, Traded)> {
        let all = self.traded.iter().filter(|(_, traded)| traded.height == height);
        all.map(|(market, traded)| (*market, *traded)).collect()
    }

    /// Prices that a row remembers.
    pub(crate) fn restore_traded(&mut self, market: MarketId, traded: Traded) {
        self.traded.insert(market, traded);
    }

    /// The next market whose prices of this block are to be written.
    pub(crate) fn take_traded(&mut self) -> Option<(MarketId, Traded)> {
        let market = self.markets.pop()?;
        Some((market, self.traded(market)?))
    }

    /// Add everything to a digest.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        let mut add = |bytes: Result<Vec<u8>, _>| digest.update(bytes.unwrap_or_default());
        for (triggers, direction) in
            self.triggers.values().flat_map(|all| Direction::BOTH.map(|one| (all, one)))
        {
            for handle in triggers.iter(direction) {
                let waiter = self.records.waiters.get(handle);
                let terms = (self.records.id(handle), waiter.price.raw(), waiter.sequence, waiter.until);
                add(borsh::to_vec(&(direction, terms)));
            }
        }
        for (key, handle) in &self.slices {
            add(borsh::to_vec(&(key, self.records.id(*handle), self.records.waiters.get(*handle).until)));
        }
        let counts = self.records.owners.iter().filter(|owner| owner.waiting > 0);
        let counts: BTreeMap<_, _> = counts.map(|owner| (owner.id, owner.waiting)).collect();
        add(borsh::to_vec(&counts));
        self.traded.iter().for_each(|entry| add(borsh::to_vec(&entry)));
    }

    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Came(handle) => {
                self.unlink(handle);
                self.records.free(handle);
            }
            Undo::Went(handle) => self.link(handle),
            Undo::Slice(key, old) => drop(put(&mut self.slices, key, old)),
            Undo::Traded(market, old) => {
                let new = put(&mut self.traded, market, old);
                // The first trade of a block named the market.
                if new.map(|new| new.height) != old.map(|old| old.height) {
                    self.markets.pop();
                }
            }
        }
    }
}

impl Journaled for Waiting {
    #[inline]
    fn savepoint(&mut self) {
        self.journal.savepoint();
    }

    fn rollback(&mut self) {
        while let Some(step) = self.journal.back() {
            self.undo(step);
        }
    }

    #[inline]
    fn release(&mut self) {
        let records = &mut self.records;
        // What cannot come back any more lets its record go.
        self.journal.release_each(|step| {
            if let Undo::Went(handle) = step {
                records.free(handle);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_waits_takes_less_than_a_cache_line() {
        assert!(core::mem::size_of::<Waiter>() <= 48, "{}", core::mem::size_of::<Waiter>());
    }
}
