//! The books of all markets, in memory.
//!
//! Orders are records of one arena and know their level, their queue and the moment they end; an index finds
//! them by id. Everything here can be rebuilt from the rows of [`state`](crate::state), which stay the truth.
//! Every change is journaled, so that a refused message undoes its share in the reverse order.

mod changes;
mod glance;
mod journal;
mod links;
mod record;
mod special;
mod view;
mod waiting;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use num::Subticks;
use store::{fault, Journal};
use types::{MarketId, SubaccountId};

use crate::arena::{Arena, Handle, Links};
use crate::band::Band;
use crate::calendar::Calendar;
use crate::index::{Hasher, Index};
use crate::ladder::Ladder;
use crate::limits::Budgets;
use crate::order::{GoodTil, Order, Resting, Side, Size};
use crate::pairs::Pairs;
use crate::parked::Parked;
use crate::used::Used;
use crate::waiting::Waiting;
use changes::Log;
pub(crate) use changes::{Changes, TOGETHER};
pub(crate) use glance::Glance;
use journal::Undo;
pub(crate) use record::Record;
use record::{Flags, Holder, Level, Trader};
use special::{AllParts, Parts};

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
    /// How far takers go, as long as the oracle price stands.
    band: Option<Band>,
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

/// Market numbers below this are looked up in a table.
const DIRECT: usize = 65_536;
/// No market, in that table.
const CLOSED: u32 = u32::MAX;

/// The order books of all markets.
#[derive(Debug)]
pub struct Books {
    markets: Vec<Market>,
    slots: BTreeMap<MarketId, u32>,
    /// Slots by market number, for small numbers.
    direct: Vec<u32>,
    orders: Arena<Record>,
    levels: Arena<Level>,
    traders: Arena<Trader>,
    hasher: Hasher,
    by_id: Index,
    by_trader: Index,
    /// The trader that was asked for last.
    last_trader: Handle,
    holders: Arena<Holder>,
    by_holder: Index,
    /// Parts of orders that have some.
    parts: AllParts,
    /// Reduce-only orders by trader and sequence.
    reducing: BTreeMap<(Handle, u64), Handle>,
    calendar: Calendar,
    /// Units and status of all markets.
    pub(crate) pairs: Pairs,
    /// What ids have used up.
    pub(crate) used: Used,
    /// What each owner has used of its budgets.
    pub(crate) budgets: Budgets,
    /// Orders that wait outside the books.
    pub(crate) waiting: Waiting,
    /// Orders that go on in the next block.
    pub(crate) parked: Parked,
    /// Markets that may be over and still have orders.
    pub(crate) closing: BTreeSet<MarketId>,
    next_sequence: u64,
    journal: Journal<Undo>,
    log: Log,
    /// Lists that were written, for the next ones.
    written: Changes,
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
            direct: Vec::new(),
            orders: Arena::default(),
            levels: Arena::default(),
            traders: Arena::default(),
            hasher: Hasher::new(seed),
            by_id: Index::default(),
            by_trader: Index::default(),
            last_trader: Handle::NONE,
            holders: Arena::default(),
            by_holder: Index::default(),
            parts: AllParts::new(Hasher::new(seed)),
            reducing: BTreeMap::new(),
            calendar: Calendar::new(Hasher::new(seed)),
            pairs: Pairs::default(),
            used: Used::new(Hasher::new(seed)),
            budgets: Budgets::new(Hasher::new(seed)),
            waiting: Waiting::new(Hasher::new(seed)),
            parked: Parked::default(),
            closing: BTreeSet::new(),
            next_sequence: 0,
            journal: Journal::default(),
            log: Log::default(),
            written: Changes::default(),
            accounts: subaccounts::Accounts::default(),
            desk: fees::Desk::default(),
        }
    }

    /// Make sure that `market` has a book, with these units. An open market takes over a changed tick.
    pub fn open(&mut self, market: MarketId, grid: Grid) {
        if let Some(open) = self.slot(market).and_then(|slot| self.market_mut(slot)) {
            if open.grid == grid {
                return;
            }
            if open.grid.subticks_per_tick != grid.subticks_per_tick {
                open.bids.set_tick(grid.subticks_per_tick);
                open.asks.set_tick(grid.subticks_per_tick);
            }
            open.grid = grid;
            return;
        }
        let slot = u32::try_from(self.markets.len()).unwrap_or(CLOSED);
        self.slots.insert(market, slot);
        let number = usize::try_from(market.0).unwrap_or(DIRECT);
        if number < DIRECT {
            self.direct.resize(self.direct.len().max(number.saturating_add(1)), CLOSED);
            if let Some(place) = self.direct.get_mut(number) {
                *place = slot;
            }
        }
        self.markets.push(Market {
            id: market,
            grid,
            bids: Ladder::new(Side::Buy, grid.subticks_per_tick),
            asks: Ladder::new(Side::Sell, grid.subticks_per_tick),
            band: None,
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
    fn slot(&self, market: MarketId) -> Option<u32> {
        let number = usize::try_from(market.0).unwrap_or(DIRECT);
        if number < DIRECT {
            return self.direct.get(number).copied().filter(|slot| *slot != CLOSED);
        }
        self.slots.get(&market).copied()
    }

    #[inline]
    fn market(&self, market: MarketId) -> Option<&Market> {
        self.slot(market).and_then(|slot| self.markets.get(usize::try_from(slot).ok()?))
    }

    #[inline]
    fn market_mut(&mut self, slot: u32) -> Option<&mut Market> {
        self.markets.get_mut(usize::try_from(slot).ok()?)
    }

    fn ladder_mut(&mut self, slot: u32, side: Side) -> &mut Ladder {
        match self.market_mut(slot) {
            Some(market) => market.side_mut(side),
            None => fault("a level of a market without a book"),
        }
    }

    /// How far takers went in a market when it was last asked.
    pub(crate) fn band(&self, market: MarketId) -> Option<Band> {
        self.market(market)?.band
    }

    /// Remember how far takers go in a market; forgotten when it has no book.
    pub(crate) fn set_band(&mut self, market: MarketId, band: Band) {
        if let Some(market) = self.slot(market).and_then(|slot| self.market_mut(slot)) {
            market.band = Some(band);
        }
    }

    /// Number that the next order to rest will get.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    pub(crate) fn set_next_sequence(&mut self, next: u64) {
        self.next_sequence = next;
    }

    /// Let an order rest behind all others at its price. Its market must be open, its id not resting, and
    /// `remaining` something.
    #[inline]
    pub fn place(&mut self, order: &Order, remaining: Size) -> Handle {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        let handle = self.insert(order, remaining, (sequence, true));
        self.attach(handle, false);
        self.journal.note(|| Undo::Placed(handle));
        self.came(handle);
        handle
    }

    /// An order came that has no row yet.
    #[inline]
    fn came(&mut self, handle: Handle) {
        let flags = &mut self.orders.get_mut(handle).flags;
        if !flags.has(Flags::LISTED) {
            flags.set(Flags::LISTED, true);
            self.log.came.push(handle);
        }
    }

    /// Let a known order rest again, as it did before the books were rebuilt.
    pub(crate) fn restore(&mut self, resting: &Resting) -> Handle {
        let handle = self.insert(&resting.order, resting.remaining, (resting.sequence, false));
        self.orders.get_mut(handle).flags.set(Flags::SUCCESSOR, resting.successor);
        self.attach(handle, false);
        handle
    }

    /// A record of an order, which nothing leads to yet.
    fn insert(&mut self, order: &Order, remaining: Size, (sequence, fresh): (u64, bool)) -> Handle {
        let (until, by_time) = match order.good_til {
            GoodTil::Block(height) => (height, false),
            GoodTil::Time(seconds) => (seconds, true),
        };
        let (trader, slot) = self.trader_of(&order.id);
        let level = self.level_at(slot, order);
        let handle = self.orders.reuse(|| Record::BLANK);
        let record = self.orders.get_mut(handle);
        let mut flags = record.flags;
        flags.set(Flags::BY_TIME, by_time);
        flags.set(Flags::REDUCE_ONLY, order.reduce_only);
        flags.set(Flags::FRESH, fresh);
        flags.set(Flags::ROW, !fresh);
        flags.set(Flags::SUCCESSOR, false);
        let parts = Parts::of(order);
        flags.set(Flags::PARTS, parts.is_some());
        *record = Record {
            remaining,
            sequence,
            size: order.size,
            level,
            trader,
            client_id: order.id.client_id,
            client_metadata: order.client_metadata,
            until,
            kind: order.id.kind,
            time_in_force: order.time_in_force,
            flags,
            queue: Links::NONE,
            due: Links::NONE,
        };
        if let Some(parts) = parts {
            self.parts.insert(handle, parts);
        }
        handle
    }

    /// Take `size` off an order that trades; it leaves when nothing remains. Returns what remains.
    pub fn reduce(&mut self, handle: Handle, size: Size) -> Size {
        let record = self.orders.get_mut(handle);
        let left = record.remaining.less(size);
        if left.is_zero() {
            self.take(handle);
            return left;
        }
        record.remaining = left;
        let level = record.level;
        let level = self.touch(level);
        level.quantums = level.quantums.saturating_sub(size.raw().into());
        self.journal.note(|| Undo::Reduced(handle, size));
        left
    }

    /// Take an order out of its book. Returns it.
    #[inline]
    pub fn remove(&mut self, handle: Handle) -> Resting {
        let resting = self.get(handle);
        self.take(handle);
        resting
    }

    /// Take an order out of its book.
    pub fn take(&mut self, handle: Handle) {
        self.detach(handle);
        let record = self.orders.get(handle);
        if record.flags.has(Flags::ROW) {
            let id = self.id(handle);
            self.log.gone.push(id);
        }
        if self.journal.is_open() {
            self.journal.note(|| Undo::Removed(handle));
        } else {
            self.free(handle);
        }
    }

    /// The orders that do not live at this height and time (seconds since 1970): by height, then by time, those
    /// that end together in their turn.
    pub fn expired(&mut self, height: u64, seconds: i64) -> Vec<Handle> {
        let (mut ended, mut by_time) = (Vec::new(), Vec::new());
        let Calendar { heights, times } = &mut self.calendar;
        if let Some(last) = height.checked_sub(1) {
            heights.due(&self.orders, u32::try_from(last).unwrap_or(u32::MAX), &mut ended);
        }
        if seconds >= 0 {
            times.due(&self.orders, u32::try_from(seconds).unwrap_or(u32::MAX), &mut by_time);
        }
        ended.sort_unstable();
        by_time.sort_unstable();
        ended.into_iter().chain(by_time).map(|(_, _, handle)| handle).collect()
    }

    /// The next sequence number, for an order that waits.
    pub(crate) fn take_sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        self.journal.note(|| Undo::Numbered);
        sequence
    }

    /// How many orders of a subaccount wait for a trigger or are placed in slices.
    pub fn waiting_of(&self, id: &SubaccountId) -> u32 {
        self.waiting.count(id)
    }
}
