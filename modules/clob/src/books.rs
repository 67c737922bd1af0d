//! The books of all markets, in memory.
//!
//! Orders are records of one arena and know their level, their queue and the moment they end; an index finds
//! them by id. Everything here can be rebuilt from the rows of [`state`](crate::state), which stay the truth.
//! Every change is journaled, so that a refused message undoes its share in the reverse order.

mod journal;
mod links;
mod waiting;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use num::Subticks;
use sha2::{Digest, Sha256};
use types::{MarketId, SubaccountId};

use crate::arena::{Arena, Handle, Links, List};
use crate::calendar::Calendar;
use crate::index::{Hasher, Index};
use crate::ladder::Ladder;
use crate::limits::Budgets;
use crate::order::{Order, OrderId, Resting, Side, Size};
use crate::triggers::{Trigger, Triggers};
use crate::waiting::Waiting;
use journal::{Mark, Undo};

/// An order and its neighbours.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) resting: Resting,
    level: Handle,
    trader: Handle,
    /// Of its id, for the index.
    hash: u32,
    /// In the queue of its level, oldest first.
    queue: Links,
    /// Among the orders that end at the same moment.
    pub(crate) due: Links,
}

/// Orders at one price.
#[derive(Debug)]
struct Level {
    price: Subticks,
    quantums: u128,
    orders: u32,
    queue: List,
    /// Slot of its market.
    market: usize,
    side: Side,
    /// Whether `Changes::levels` names it.
    changed: bool,
}

/// A subaccount with orders in a market.
#[derive(Debug)]
struct Trader {
    id: SubaccountId,
    market: MarketId,
    resting: u32,
    /// Of its holder.
    holder: Handle,
}

/// A subaccount with orders in some market: what equity tiers count.
#[derive(Debug)]
struct Holder {
    id: SubaccountId,
    traders: u32,
    short_term: u32,
    stateful: u32,
}

/// Units of a market's prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Subticks in a tick; prices are multiples of it.
    pub subticks_per_tick: u32,
    /// One base quantum at one subtick is worth 10 to this power quote quantums.
    pub quantum_conversion_exponent: i32,
}

#[derive(Debug)]
struct Market {
    id: MarketId,
    grid: Grid,
    bids: Ladder,
    asks: Ladder,
}

impl Market {
    fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// What the rows of the state do not say yet.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Orders that came or went; some twice.
    pub(crate) orders: Vec<OrderId>,
    /// Levels that changed; some twice.
    pub(crate) levels: Vec<(MarketId, Side, Subticks)>,
}

/// A price level as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its price.
    pub price: Subticks,
    /// Base quantums that rest there.
    pub quantums: u128,
    /// Orders that rest there.
    pub orders: u32,
}

/// The order books of all markets.
#[derive(Debug)]
pub struct Books {
    markets: Vec<Market>,
    slots: BTreeMap<MarketId, usize>,
    orders: Arena<Record>,
    levels: Arena<Level>,
    traders: Arena<Trader>,
    hasher: Hasher,
    by_id: Index,
    by_trader: Index,
    holders: Arena<Holder>,
    by_holder: Index,
    calendar: Calendar,
    /// Rows of spent ids by the height after which nobody needs them.
    kept: BTreeMap<u64, Vec<OrderId>>,
    /// What each owner has used of its budgets.
    pub(crate) budgets: Budgets,
    /// Orders that wait outside the books.
    pub(crate) waiting: Waiting,
    next_sequence: u64,
    triggers: Triggers,
    /// The triggers that the undo log came and went with.
    retriggered: Vec<Trigger>,
    undo: Vec<Undo>,
    marks: Vec<Mark>,
    pub(crate) changes: Changes,
    /// The margin accounts that trade here; undone and kept together with the books.
    pub accounts: subaccounts::Accounts,
    /// Rates, volumes and fees of the running block; undone and kept together with the books.
    pub desk: fees::Desk,
}

impl Default for Books {
    fn default() -> Self {
        Self::with_seed(0)
    }
}

impl Books {
    /// Empty books whose id index hashes under `seed`. No answer depends on the seed; a node that takes a
    /// secret one is safe from people who search for ids that collide.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            markets: Vec::new(),
            slots: BTreeMap::new(),
            orders: Arena::default(),
            levels: Arena::default(),
            traders: Arena::default(),
            hasher: Hasher::new(seed),
            by_id: Index::default(),
            by_trader: Index::default(),
            holders: Arena::default(),
            by_holder: Index::default(),
            calendar: Calendar::default(),
            kept: BTreeMap::new(),
            budgets: Budgets::default(),
            waiting: Waiting::default(),
            next_sequence: 0,
            triggers: Triggers::default(),
            retriggered: Vec::new(),
            undo: Vec::new(),
            marks: Vec::new(),
            changes: Changes::default(),
            accounts: subaccounts::Accounts::default(),
            desk: fees::Desk::default(),
        }
    }

    /// Make sure that `market` has a book, with these units. An open market takes over a changed tick.
    pub fn open(&mut self, market: MarketId, grid: Grid) {
        if let Some(open) = self.slots.get(&market).and_then(|slot| self.markets.get_mut(*slot)) {
            if open.grid.subticks_per_tick != grid.subticks_per_tick {
                open.bids.set_tick(grid.subticks_per_tick);
                open.asks.set_tick(grid.subticks_per_tick);
            }
            open.grid = grid;
            return;
        }
        self.slots.insert(market, self.markets.len());
        self.markets.push(Market {
            id: market,
            grid,
            bids: Ladder::new(Side::Buy, grid.subticks_per_tick),
            asks: Ladder::new(Side::Sell, grid.subticks_per_tick),
        });
    }

    /// Markets with a book, by number.
    pub fn markets(&self) -> impl Iterator<Item = MarketId> + '_ {
        self.slots.keys().copied()
    }

    /// Units of a market's prices; nothing when it has no book.
    pub fn grid(&self, market: MarketId) -> Option<Grid> {
        self.market(market).map(|market| market.grid)
    }

    #[inline]
    fn market(&self, market: MarketId) -> Option<&Market> {
        self.slots.get(&market).and_then(|slot| self.markets.get(*slot))
    }

    /// The order that `handle` names.
    #[inline]
    pub fn get(&self, handle: Handle) -> &Resting {
        &self.orders.get(handle).resting
    }

    /// The resting order called `id`.
    #[inline]
    pub fn find(&self, id: &OrderId) -> Option<Handle> {
        self.by_id.find(self.hasher.order(id), |handle| self.orders.get(handle).resting.order.id == *id)
    }

    /// The order of `side` that trades next.
    #[inline]
    pub fn best(&self, market: MarketId, side: Side) -> Option<Handle> {
        self.levels.get(self.market(market)?.side(side).best()?).queue.head.some()
    }

    /// Best price of `side`.
    pub fn best_price(&self, market: MarketId, side: Side) -> Option<Subticks> {
        self.market(market)?.side(side).best().map(|level| self.levels.get(level).price)
    }

    /// Levels of one side, best first.
    pub fn levels(&self, market: MarketId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let ladder = self.market(market).map(|market| market.side(side));
        let mut next = ladder.and_then(Ladder::best);
        core::iter::from_fn(move || {
            let level = self.levels.get(next?);
            next = ladder.and_then(|ladder| ladder.worse_than(level.price));
            Some(LevelView { price: level.price, quantums: level.quantums, orders: level.orders })
        })
    }

    /// The level at `price`.
    pub fn level(&self, market: MarketId, side: Side, price: Subticks) -> Option<LevelView> {
        let level = self.levels.get(self.market(market)?.side(side).get(price)?);
        Some(LevelView { price: level.price, quantums: level.quantums, orders: level.orders })
    }

    /// Orders at `price`, oldest first.
    pub fn queue(
        &self,
        market: MarketId,
        side: Side,
        price: Subticks,
    ) -> impl Iterator<Item = &Resting> + '_ {
        let level = self.market(market).and_then(|market| market.side(side).get(price));
        let mut next = level.and_then(|level| self.levels.get(level).queue.head.some());
        core::iter::from_fn(move || {
            let record = self.orders.get(next?);
            next = record.queue.next.some();
            Some(&record.resting)
        })
    }

    /// How many orders rest, in all markets.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no order rests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many orders of a subaccount rest in a market.
    pub fn resting(&self, id: &SubaccountId, market: MarketId) -> u32 {
        self.trader(id, market).map_or(0, |trader| self.traders.get(trader).resting)
    }

    /// How many orders of a subaccount rest that live until a time, in all markets; slices do not count.
    pub fn stateful(&self, id: &SubaccountId) -> u32 {
        self.holder(id).map_or(0, |holder| self.holders.get(holder).stateful)
    }

    /// How many short-term orders of a subaccount rest, in all markets.
    pub fn short_term(&self, id: &SubaccountId) -> u32 {
        self.holder(id).map_or(0, |holder| self.holders.get(holder).short_term)
    }

    fn holder(&self, id: &SubaccountId) -> Option<Handle> {
        self.by_holder.find(self.hasher.subaccount(id, u32::MAX), |handle| self.holders.get(handle).id == *id)
    }

    /// Number that the next order to rest will get.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// A digest of every resting order in its place, of every order that waits for a price and of the next
    /// sequence number. Two books with the same digest behave the same.
    pub fn hash(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.next_sequence.to_be_bytes());
        let sides = self.slots.keys().flat_map(|market| [(*market, Side::Buy), (*market, Side::Sell)]);
        for (market, side) in sides {
            let levels = self.levels(market, side);
            for resting in levels.flat_map(|level| self.queue(market, side, level.price)) {
                digest.update(borsh::to_vec(resting).unwrap_or_default());
            }
        }
        self.triggers.digest(&mut digest);
        self.waiting.digest(&mut digest);
        digest.finalize().into()
    }

    /// Let an order rest behind all others at its price. Its market must be open, its id not resting, and
    /// `remaining` something.
    pub fn place(&mut self, order: &Order, remaining: Size) -> Handle {
        let sequence = self.take_sequence();
        let handle = self.restore(Resting { order: *order, remaining, sequence });
        self.log(Undo::Placed(handle));
        self.changes.orders.push(order.id);
        handle
    }

    /// Let a known order rest again, as it did before the books were rebuilt.
    pub(crate) fn restore(&mut self, resting: Resting) -> Handle {
        let none = Handle::NONE;
        let hash = self.hasher.order(&resting.order.id);
        let record =
            Record { resting, level: none, trader: none, hash, queue: Links::NONE, due: Links::NONE };
        let handle = self.orders.insert(record);
        self.attach(handle, false);
        handle
    }

    pub(crate) fn set_next_sequence(&mut self, next: u64) {
        self.next_sequence = next;
    }

    /// Take `size` off an order that trades; it leaves when nothing remains. Returns what remains.
    pub fn reduce(&mut self, handle: Handle, size: Size) -> Size {
        let record = self.orders.get_mut(handle);
        let left = record.resting.remaining.less(size);
        if left.is_zero() {
            self.remove(handle);
            return left;
        }
        record.resting.remaining = left;
        let level = record.level;
        self.touch(level).quantums = self.levels.get(level).quantums.saturating_sub(size.raw().into());
        self.log(Undo::Reduced(handle, size));
        left
    }

    /// Take an order out of its book. Returns it.
    pub fn remove(&mut self, handle: Handle) -> Resting {
        let resting = self.orders.get(handle).resting;
        self.detach(handle);
        self.changes.orders.push(resting.order.id);
        if self.marks.is_empty() {
            self.orders.free(handle);
        } else {
            self.undo.push(Undo::Removed(handle));
        }
        resting
    }

    /// The first order that does not live at this height and time (seconds since 1970).
    pub fn expired(&self, height: u64, seconds: i64) -> Option<Handle> {
        self.calendar.expired(height, seconds)
    }

    /// Look at the spent row of `id` again once `height` has passed.
    pub(crate) fn keep(&mut self, height: u64, id: OrderId) {
        self.kept.entry(height).or_default().push(id);
        self.log(Undo::Kept(height));
    }

    /// Ids whose spent rows may be due: those kept for the lowest height below `height`.
    pub(crate) fn forget(&mut self, height: u64) -> Option<Vec<OrderId>> {
        let (kept, _) = self.kept.first_key_value()?;
        if *kept >= height {
            return None;
        }
        let (kept, ids) = self.kept.pop_first()?;
        if !self.marks.is_empty() {
            self.undo.push(Undo::Forgotten(kept, ids.clone()));
        }
        Some(ids)
    }

    /// The next sequence number, for an order that waits.
    pub(crate) fn take_sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        sequence
    }

    /// How many orders of a subaccount wait for a trigger or are placed in slices.
    pub fn waiting_of(&self, id: &SubaccountId) -> u32 {
        self.waiting.count(id)
    }

    /// The changes since the last call; from now on levels count as written. Give the lists back when done.
    pub(crate) fn take_changes(&mut self) -> Changes {
        let changes = core::mem::take(&mut self.changes);
        for (market, side, price) in &changes.levels {
            let level = self.market(*market).and_then(|market| market.side(*side).get(*price));
            if let Some(level) = level {
                self.levels.get_mut(level).changed = false;
            }
        }
        changes
    }

    /// Use lists of changes that were written for the next ones: fresh memory is slow.
    pub(crate) fn give_back(&mut self, mut changes: Changes) {
        changes.orders.clear();
        changes.levels.clear();
        self.changes = changes;
    }

    /// How many changes wait to be written.
    pub fn changes_pending(&self) -> usize {
        self.changes.orders.len()
    }

    /// Let the changes go unwritten: for books without a state, in tools and models.
    pub fn forget_changes(&mut self) {
        let changes = self.take_changes();
        self.give_back(changes);
    }

    fn trader(&self, id: &SubaccountId, market: MarketId) -> Option<Handle> {
        let is_it = |handle| {
            let trader: &Trader = self.traders.get(handle);
            trader.id == *id && trader.market == market
        };
        self.by_trader.find(self.hasher.subaccount(id, market.0), is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_takes_two_cache_lines() {
        assert!(core::mem::size_of::<Record>() <= 128, "{}", core::mem::size_of::<Record>());
        assert!(core::mem::size_of::<Level>() <= 64, "{}", core::mem::size_of::<Level>());
    }
}
