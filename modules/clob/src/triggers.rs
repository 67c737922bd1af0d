//! Orders that wait for a price, by the price that they wait for.
//!
//! For a market, in each direction one ordered queue: first the price that a moving market reaches first, at one
//! price the lower sequence number. Whoever asks what fired sees the first entry only, so that asking costs
//! nothing while nothing fires. Rows stay the truth; this is a cache of them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Price, Subticks};

use crate::arena::Handle;
use crate::order::OrderId;

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
    /// The last second of its life, since 1970.
    pub until: u32,
}

/// Rank of the trigger, then sequence.
type Key = (u64, u64);

/// Entries of a piece before it is halved.
const PIECE: usize = 128;
/// Entries by which a piece grows.
const GROWTH: usize = 16;

/// A trigger as its queue keeps it: 24 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    waiter: Handle,
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

    fn find(&self, key: Key) -> Option<&Entry> {
        let piece = self.0.get(&self.piece(key)?)?;
        let at = piece.partition_point(|other| other.key > key);
        piece.get(at).filter(|other| other.key == key)
    }

    fn first(&self) -> Option<&Entry> {
        self.0.first_key_value()?.1.last()
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.values().flat_map(|piece| piece.iter().rev())
    }
}

/// What a market's oracle price wakes, as long as it stands.
#[derive(Clone, Copy, Debug)]
struct Reach {
    oracle: Price,
    /// The oracle price in subticks, rounded down and up.
    low: Subticks,
    high: Subticks,
}

/// Orders that wait for the price of one market.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    below: Queue,
    above: Queue,
    len: usize,
    /// What the first ones wait for, at hand: whoever only asks whether somebody fires visits no queue.
    below_first: Option<Subticks>,
    above_first: Option<Subticks>,
    reach: Option<Reach>,
}

impl Triggers {
    fn queue(&self, direction: Direction) -> &Queue {
        match direction {
            Direction::AtOrBelow => &self.below,
            Direction::AtOrAbove => &self.above,
        }
    }

    fn queue_mut(&mut self, direction: Direction) -> &mut Queue {
        match direction {
            Direction::AtOrBelow => &mut self.below,
            Direction::AtOrAbove => &mut self.above,
        }
    }

    /// Who waits in `direction` for `price` in this turn.
    pub(crate) fn find(&self, direction: Direction, (price, sequence): (Subticks, u64)) -> Option<Handle> {
        self.queue(direction).find((direction.rank(price), sequence)).map(|entry| entry.waiter)
    }

    /// Let `waiter` wait. Nobody waits there for that price in that turn.
    pub(crate) fn insert(
        &mut self,
        direction: Direction,
        (price, sequence): (Subticks, u64),
        waiter: Handle,
    ) {
        let key = (direction.rank(price), sequence);
        let new = self.queue_mut(direction).insert(Entry { key, waiter });
        self.len = self.len.saturating_add(usize::from(new));
        self.look(direction);
    }

    /// Take out who waits in `direction` for `price` in this turn.
    pub(crate) fn remove(&mut self, direction: Direction, (price, sequence): (Subticks, u64)) {
        let gone = self.queue_mut(direction).remove((direction.rank(price), sequence));
        self.len = self.len.saturating_sub(usize::from(gone.is_some()));
        self.look(direction);
    }

    /// Keep the price of the first one at hand.
    fn look(&mut self, direction: Direction) {
        let first = self.first(direction).map(|(price, _)| price);
        match direction {
            Direction::AtOrBelow => self.below_first = first,
            Direction::AtOrAbove => self.above_first = first,
        }
    }

    /// Who fires first in `direction`, and the price that it waits for.
    pub(crate) fn first(&self, direction: Direction) -> Option<(Subticks, Handle)> {
        let entry = self.queue(direction).first()?;
        Some((direction.trigger(entry.key.0), entry.waiter))
    }

    /// Whether a price from `low` to `high` fires anybody.
    pub(crate) fn reached(&self, (low, high): (Subticks, Subticks)) -> bool {
        let below = self.below_first.is_some_and(|first| Direction::AtOrBelow.fires(first, low));
        below || self.above_first.is_some_and(|first| Direction::AtOrAbove.fires(first, high))
    }

    /// The oracle price in subticks, rounded down and up, when it is remembered.
    pub(crate) fn reach(&self, oracle: Price) -> Option<(Subticks, Subticks)> {
        self.reach.filter(|reach| reach.oracle == oracle).map(|reach| (reach.low, reach.high))
    }

    /// Remember an oracle price in subticks.
    pub(crate) fn set_reach(&mut self, oracle: Price, (low, high): (Subticks, Subticks)) {
        self.reach = Some(Reach { oracle, low, high });
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Who is fired by `price` in `direction`, who fires first comes first.
    pub(crate) fn fired(&self, direction: Direction, price: Subticks) -> impl Iterator<Item = Handle> + '_ {
        let fires = move |entry: &&Entry| direction.fires(direction.trigger(entry.key.0), price);
        self.queue(direction).iter().take_while(fires).map(|entry| entry.waiter)
    }

    /// All that wait in a direction, who fires first comes first.
    pub(crate) fn iter(&self, direction: Direction) -> impl Iterator<Item = Handle> + '_ {
        self.queue(direction).iter().map(|entry| entry.waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_24_bytes() {
        assert!(core::mem::size_of::<Entry>() <= 24, "{}", core::mem::size_of::<Entry>());
    }
}
