//! What waits outside the books: conditional orders for a price, TWAP orders for their next slice.
//!
//! All of it follows from rows. Every change notes the value that it replaced, so that a refused message undoes
//! its share in the reverse order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Subticks;
use sha2::{Digest, Sha256};
use store::Journal;
use types::{MarketId, SubaccountId, Time};

use crate::order::OrderId;

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

/// What undoes a step: the value that was there before it.
#[derive(Debug)]
enum Undo {
    Due((u32, u64), Option<OrderId>),
    Slice((Time, u64), Option<OrderId>),
    Count(SubaccountId, Option<u32>),
    Conditionals(MarketId, Option<u64>),
    Traded(MarketId, Option<Traded>),
}

/// Orders that wait, and the prices that may wake them.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Waiting orders by the second at which they end and by their sequence.
    due: BTreeMap<(u32, u64), OrderId>,
    /// TWAP orders by the time of their next slice and by their sequence.
    slices: BTreeMap<(Time, u64), OrderId>,
    /// Waiting orders of each subaccount.
    counts: BTreeMap<SubaccountId, u32>,
    /// Conditional orders of each market.
    conditionals: BTreeMap<MarketId, u64>,
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
    fn set_due(&mut self, key: (u32, u64), id: Option<OrderId>) {
        let old = put(&mut self.due, key, id);
        self.journal.note(|| Undo::Due(key, old));
    }

    fn set_slice(&mut self, key: (Time, u64), id: Option<OrderId>) {
        let old = put(&mut self.slices, key, id);
        self.journal.note(|| Undo::Slice(key, old));
    }

    fn count_to(&mut self, id: SubaccountId, count: u32) {
        let old = put(&mut self.counts, id, (count > 0).then_some(count));
        self.journal.note(|| Undo::Count(id, old));
    }

    fn conditionals_to(&mut self, market: MarketId, count: u64) {
        let old = put(&mut self.conditionals, market, (count > 0).then_some(count));
        self.journal.note(|| Undo::Conditionals(market, old));
    }

    /// An order begins to wait, until `good_til` seconds.
    pub(crate) fn enter(&mut self, id: OrderId, good_til: u32, sequence: u64) {
        self.set_due((good_til, sequence), Some(id));
        self.count_to(id.subaccount, self.count(&id.subaccount).saturating_add(1));
    }

    /// An order waits no more.
    pub(crate) fn leave(&mut self, id: &OrderId, good_til: u32, sequence: u64) {
        self.set_due((good_til, sequence), None);
        self.count_to(id.subaccount, self.count(&id.subaccount).saturating_sub(1));
    }

    /// A market has one conditional order more.
    pub(crate) fn more_conditionals(&mut self, market: MarketId) {
        self.conditionals_to(market, self.conditionals_in(market).saturating_add(1));
    }

    /// A market has one conditional order less.
    pub(crate) fn less_conditionals(&mut self, market: MarketId) {
        self.conditionals_to(market, self.conditionals_in(market).saturating_sub(1));
    }

    fn conditionals_in(&self, market: MarketId) -> u64 {
        self.conditionals.get(&market).copied().unwrap_or_default()
    }

    /// Markets with conditional orders that wait, by number.
    pub(crate) fn markets(&self) -> Vec<MarketId> {
        self.conditionals.keys().copied().collect()
    }

    /// How many orders of a subaccount wait.
    pub(crate) fn count(&self, id: &SubaccountId) -> u32 {
        self.counts.get(id).copied().unwrap_or_default()
    }

    /// The first order whose time is up at `seconds`.
    pub(crate) fn expired(&self, seconds: i64) -> Option<OrderId> {
        let ((until, _), id) = self.due.first_key_value()?;
        (i64::from(*until) <= seconds).then_some(*id)
    }

    /// A TWAP order has its next slice at `time`.
    pub(crate) fn schedule(&mut self, id: OrderId, time: Time, sequence: u64) {
        self.set_slice((time, sequence), Some(id));
    }

    /// A TWAP order has no slice at `time`.
    pub(crate) fn unschedule(&mut self, time: Time, sequence: u64) {
        self.set_slice((time, sequence), None);
    }

    /// The TWAP order whose slice has been due at `time` for the longest.
    pub(crate) fn slice_due(&self, time: Time) -> Option<OrderId> {
        let ((at, _), id) = self.slices.first_key_value()?;
        (*at <= time).then_some(*id)
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
        self.due.iter().for_each(|entry| add(borsh::to_vec(&entry)));
        self.slices.iter().for_each(|entry| add(borsh::to_vec(&entry)));
        self.counts.iter().for_each(|entry| add(borsh::to_vec(&entry)));
        self.conditionals.iter().for_each(|entry| add(borsh::to_vec(&entry)));
        self.traded.iter().for_each(|entry| add(borsh::to_vec(&entry)));
    }

    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Due(key, old) => drop(put(&mut self.due, key, old)),
            Undo::Slice(key, old) => drop(put(&mut self.slices, key, old)),
            Undo::Count(key, old) => drop(put(&mut self.counts, key, old)),
            Undo::Conditionals(key, old) => drop(put(&mut self.conditionals, key, old)),
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

store::journaled!(Waiting);
