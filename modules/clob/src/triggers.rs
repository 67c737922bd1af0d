//! Orders that wait for a price, by the price that they wait for.
//!
//! For each market and direction one ordered queue: first the price that a moving market reaches first, at one
//! price the lower sequence number. Whoever asks what fired sees the first entry only, so that asking costs
//! nothing while nothing fires. Rows stay the truth; this is a cache of them.

use alloc::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Subticks;
use sha2::{Digest, Sha256};
use types::MarketId;

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
}

/// Rank of the trigger, then sequence.
type Key = (u64, u64);

/// All orders that wait for a price.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    queues: BTreeMap<(MarketId, Direction), BTreeMap<Key, OrderId>>,
    len: usize,
}

fn key(trigger: &Trigger) -> Key {
    (trigger.direction.rank(trigger.price), trigger.sequence)
}

impl Triggers {
    /// Add a trigger. Returns whether it was not there.
    pub(crate) fn insert(&mut self, trigger: &Trigger) -> bool {
        let queue = self.queues.entry((trigger.id.market, trigger.direction)).or_default();
        let new = queue.insert(key(trigger), trigger.id).is_none();
        self.len = self.len.saturating_add(usize::from(new));
        new
    }

    /// Take a trigger out. Returns whether it was there.
    pub(crate) fn remove(&mut self, trigger: &Trigger) -> bool {
        let queue = self.queues.get_mut(&(trigger.id.market, trigger.direction));
        let was = queue.is_some_and(|queue| queue.remove(&key(trigger)).is_some());
        self.len = self.len.saturating_sub(usize::from(was));
        was
    }

    /// The first trigger of a direction, whatever the price.
    pub(crate) fn first(&self, market: MarketId, direction: Direction) -> Option<Trigger> {
        let (key, id) = self.queues.get(&(market, direction))?.first_key_value()?;
        let (rank, sequence) = *key;
        Some(Trigger { id: *id, direction, price: direction.trigger(rank), sequence })
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Add everything that waits, in its order, to a digest; nothing when nothing waits.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        for ((_, direction), queue) in &self.queues {
            for ((rank, sequence), id) in queue {
                digest.update([u8::from(*direction == Direction::AtOrAbove)]);
                digest.update(rank.to_be_bytes());
                digest.update(sequence.to_be_bytes());
                digest.update(borsh::to_vec(id).unwrap_or_default());
            }
        }
    }
}
