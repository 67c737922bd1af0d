//! Orders that wait for a price, by the price that they wait for.
//!
//! For each market and direction one ordered queue: first the price that a moving market reaches first, at one
//! price the lower sequence number. Whoever asks what fired sees the first entry only, so that asking costs
//! nothing while nothing fires. Rows stay the truth; this is a cache of them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Subticks;
use sha2::{Digest, Sha256};
use types::{MarketId, SubaccountId};

use crate::arena::{Arena, Handle};
use crate::index::{same, Hasher, Index};
use crate::order::{Kind, OrderId};

/// On which side of its trigger the market must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Direction {
    /// Fires when the price falls to the trigger or below.
    AtOrBelow,
    /// Fires when the price rises to the trigger or above.
    AtOrAbove,
}

impl Direction {
    /// Both directions, in the order in which they are looked at.
    pub const BOTH: [Self; 2] = [Self::AtOrBelow, Self::AtOrAbove];

    /// Whether `price` fires a trigger.
    #[must_use]
    pub fn fires(self, trigger: Subticks, price: Subticks) -> bool {
        match self {
            Self::AtOrBelow => price <= trigger,
            Self::AtOrAbove => price >= trigger,
        }
    }

    /// Sorts triggers by who fires first.
    fn rank(self, trigger: Subticks) -> u64 {
        match self {
            Self::AtOrBelow => !trigger.raw(),
            Self::AtOrAbove => trigger.raw(),
        }
    }

    /// The trigger that has this rank.
    fn trigger(self, rank: u64) -> Subticks {
        match self {
            Self::AtOrBelow => Subticks::new(!rank),
            Self::AtOrAbove => Subticks::new(rank),
        }
    }
}

/// An order that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name; its market is the one whose price it waits for.
    pub id: OrderId,
    /// On which side it fires.
    pub direction: Direction,
    /// The price that it waits for, in subticks.
    pub price: Subticks,
    /// Its turn among those that wait for the same price: the lower number fires first. No two that wait in the
    /// same market and direction at the same price may have the same one.
    pub sequence: u64,
}

/// Rank of the trigger, then sequence.
type Key = (u64, u64);

/// Entries of a piece before it is halved.
const PIECE: usize = 128;
/// Entries by which a piece grows.
const GROWTH: usize = 16;

/// A trigger as its queue keeps it: 32 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    owner: Handle,
    client_id: u32,
    kind: Kind,
}

/// Triggers of one market and direction, in pieces of at most `PIECE`, each under a key that is not above its
/// lowest. Within a piece the first to fire comes last, where it is easily taken.
#[derive(Debug, Default)]
struct Queue(BTreeMap<Key, Vec<Entry>>);

impl Queue {
    /// The piece where `key` belongs; nothing when it is below all.
    fn piece(&self, key: Key) -> Option<Key> {
        self.0.range(..=key).next_back().map(|(bound, _)| *bound)
    }

    fn insert(&mut self, entry: Entry) -> bool {
        let bound = self.piece(entry.key).unwrap_or_else(|| {
            let piece = self.0.pop_first().map(|(_, piece)| piece).unwrap_or_default();
            self.0.insert(entry.key, piece);
            entry.key
        });
        let Some(piece) = self.0.get_mut(&bound) else { return false };
        let at = piece.partition_point(|other| other.key > entry.key);
        if piece.get(at).is_some_and(|other| other.key == entry.key) {
            return false;
        }
        if piece.len() == piece.capacity() {
            piece.reserve_exact(GROWTH);
        }
        piece.insert(at, entry);
        if piece.len() >= PIECE {
            let mut lower = piece.split_off(piece.len() >> 1);
            lower.shrink_to_fit();
            let mut upper = core::mem::replace(piece, lower);
            upper.shrink_to_fit();
            if let Some(lowest) = upper.last() {
                self.0.insert(lowest.key, upper);
            }
        }
        true
    }

    fn remove(&mut self, key: Key) -> Option<Entry> {
        let bound = self.piece(key)?;
        let piece = self.0.get_mut(&bound)?;
        let at = piece.partition_point(|other| other.key > key);
        piece.get(at).filter(|other| other.key == key)?;
        let entry = piece.remove(at);
        if piece.is_empty() {
            self.0.remove(&bound);
        }
        Some(entry)
    }

    fn first(&self) -> Option<&Entry> {
        self.0.first_key_value()?.1.last()
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.values().flat_map(|piece| piece.iter().rev())
    }
}

/// A subaccount with orders that wait.
#[derive(Debug)]
struct Owner {
    id: SubaccountId,
    waiting: u32,
}

/// All orders that wait for a price.
#[derive(Debug)]
pub(crate) struct Triggers {
    queues: BTreeMap<(MarketId, Direction), Queue>,
    owners: Arena<Owner>,
    by_owner: Index,
    hasher: Hasher,
    len: usize,
}

fn key(trigger: &Trigger) -> Key {
    (trigger.direction.rank(trigger.price), trigger.sequence)
}

impl Triggers {
    pub(crate) fn new(hasher: Hasher) -> Self {
        let (owners, by_owner) = (Arena::default(), Index::default());
        Self { queues: BTreeMap::new(), owners, by_owner, hasher, len: 0 }
    }

    fn owner(&self, id: &SubaccountId) -> Option<Handle> {
        let is_it = |handle| same(&self.owners.get(handle).id, id);
        self.by_owner.find(self.hasher.subaccount(id, u32::MAX), is_it)
    }

    /// Add a trigger. Returns whether it was not there.
    pub(crate) fn insert(&mut self, trigger: &Trigger) -> bool {
        let OrderId { subaccount, market, kind, client_id } = trigger.id;
        let owner = self.owner(&subaccount).unwrap_or_else(|| {
            let handle = self.owners.insert(Owner { id: subaccount, waiting: 0 });
            self.by_owner.insert(self.hasher.subaccount(&subaccount, u32::MAX), handle);
            handle
        });
        let queue = self.queues.entry((market, trigger.direction)).or_default();
        let new = queue.insert(Entry { key: key(trigger), owner, client_id, kind });
        let count = &mut self.owners.get_mut(owner).waiting;
        *count = count.saturating_add(u32::from(new));
        self.len = self.len.saturating_add(usize::from(new));
        new
    }

    /// Take a trigger out. Returns whether it was there.
    pub(crate) fn remove(&mut self, trigger: &Trigger) -> bool {
        let queue = self.queues.get_mut(&(trigger.id.market, trigger.direction));
        let Some(entry) = queue.and_then(|queue| queue.remove(key(trigger))) else { return false };
        self.len = self.len.saturating_sub(1);
        let owner = self.owners.get_mut(entry.owner);
        owner.waiting = owner.waiting.saturating_sub(1);
        if owner.waiting == 0 {
            self.by_owner.remove(self.hasher.subaccount(&owner.id, u32::MAX), entry.owner);
            self.owners.free(entry.owner);
        }
        true
    }

    /// The first trigger of a direction, whatever the price.
    pub(crate) fn first(&self, market: MarketId, direction: Direction) -> Option<Trigger> {
        let entry = self.queues.get(&(market, direction))?.first()?;
        Some(self.trigger((market, direction), entry))
    }

    fn trigger(&self, (market, direction): (MarketId, Direction), entry: &Entry) -> Trigger {
        let (rank, sequence) = entry.key;
        let subaccount = self.owners.get(entry.owner).id;
        let id = OrderId { subaccount, market, kind: entry.kind, client_id: entry.client_id };
        Trigger { id, direction, price: direction.trigger(rank), sequence }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Add everything that waits, in its order, to a digest; nothing when nothing waits.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        for (place, queue) in &self.queues {
            for entry in queue.iter() {
                let (rank, sequence) = entry.key;
                digest.update([u8::from(place.1 == Direction::AtOrAbove)]);
                digest.update(rank.to_be_bytes());
                digest.update(sequence.to_be_bytes());
                digest.update(borsh::to_vec(&self.trigger(*place, entry).id).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_takes_half_a_cache_line() {
        assert!(core::mem::size_of::<Entry>() <= 32, "{}", core::mem::size_of::<Entry>());
    }
}
