//! What this module keeps in the store. Module byte `0x17`.
//!
//! An order's row is written when it comes to rest and removed when it leaves; what it has traded stands in the
//! row of its spent id. Levels are sums of orders, kept so that anybody can read a book without its orders.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Subticks;
use store::{fault, Collection, Item, Key, Map, Read};
use types::{Address, MarketId};

use crate::books::{Books, Grid};
use crate::conditional::{self, Conditional};
use crate::limits::{Family, Usage};
use crate::order::{
    Builder, Condition, GoodTil, Order, OrderId, Resting, SelfTrade, Side, Size, TimeInForce,
};
use crate::params::Params;
use crate::trigger::Backlog;
use crate::twap::{self, Parent};
use crate::waiting::Traded;

/// Bounds that apply to everybody.
pub(crate) const PARAMS: Item<Params> = Item::new([0x17, 0x00], "clob/params");

/// Markets and their units.
pub(crate) const PAIRS: Map<MarketId, Pair> = Map::new([0x17, 0x01], "clob/pairs");

/// Orders that rest.
pub(crate) const ORDERS: Map<OrderId, Row> = Map::new([0x17, 0x02], "clob/orders");

/// Levels of the books, best first.
pub(crate) const LEVELS: Map<(MarketId, Rank), Level> = Map::new([0x17, 0x03], "clob/levels");

/// What ids of orders have used up.
pub(crate) const SPENT: Map<OrderId, Spent> = Map::new([0x17, 0x04], "clob/spent");

/// Number of the next order to rest; at a price the lower number trades first.
pub(crate) const NEXT_SEQUENCE: Item<u64> = Item::new([0x17, 0x05], "clob/next_sequence");

/// Conditional orders that wait for their trigger.
pub(crate) const CONDITIONALS: Map<OrderId, Conditional> = Map::new([0x17, 0x06], "clob/conditionals");

/// TWAP orders.
pub(crate) const TWAPS: Map<OrderId, Parent> = Map::new([0x17, 0x07], "clob/twaps");

/// Triggers that were reached and whose orders are not placed yet.
pub(crate) const BACKLOG: Map<MarketId, Backlog> = Map::new([0x17, 0x08], "clob/backlog");

/// Lowest and highest price of the last block in which a market traded.
pub(crate) const TRADED: Map<MarketId, Traded> = Map::new([0x17, 0x09], "clob/traded");

/// What owners have used of budgets that span blocks.
pub(crate) const USAGE: Map<(Family, Address), Usage> = Map::new([0x17, 0x0a], "clob/usage");

/// Orders that go on in the next block, by number.
pub(crate) const PARKED: Map<u64, Order> = Map::new([0x17, 0x0b], "clob/parked");

/// Height of the block that gave a market a finer grid; none for the grid that it began with.
pub(crate) const REFINED: Map<MarketId, u64> = Map::new([0x17, 0x0c], "clob/refined");

/// What this module keeps.
pub fn layout() -> [Collection; 13] {
    [
        PARAMS.collection(),
        PAIRS.collection(),
        ORDERS.collection(),
        LEVELS.collection(),
        SPENT.collection(),
        NEXT_SEQUENCE.collection(),
        CONDITIONALS.collection(),
        TWAPS.collection(),
        BACKLOG.collection(),
        TRADED.collection(),
        USAGE.collection(),
        PARKED.collection(),
        REFINED.collection(),
    ]
}

/// Whether and how a market trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Status {
    /// All orders are accepted.
    Active,
    /// Nothing is accepted.
    Paused,
    /// Only cancels are accepted.
    CancelOnly,
    /// Nothing is accepted yet.
    PostOnly,
    /// The market waits for its first price.
    Initializing,
    /// Positions are being closed at the oracle price.
    FinalSettlement,
}

impl Status {
    /// Whether orders are accepted.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// A market's units and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pair {
    /// Its number, which is also that of its perpetual and oracle price.
    pub market: MarketId,
    /// Sizes are multiples of this many base quantums; not 0.
    pub step: Size,
    /// Prices are multiples of this many subticks; not 0.
    pub subticks_per_tick: u32,
    /// One base quantum at one subtick is worth 10 to this power quote quantums.
    pub quantum_conversion_exponent: i32,
    /// Whether it trades.
    pub status: Status,
}

impl Pair {
    /// Its units as a book needs them.
    pub const fn grid(&self) -> Grid {
        Grid {
            subticks_per_tick: self.subticks_per_tick,
            quantum_conversion_exponent: self.quantum_conversion_exponent,
        }
    }

    /// Whether `price` is a multiple of the tick.
    pub fn on_tick(&self, price: Subticks) -> bool {
        price.raw().checked_rem(self.subticks_per_tick.into()) == Some(0)
    }
}

/// An order that rests, without its id, which is the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Row {
    /// Buy or sell.
    pub side: Side,
    /// Its price.
    pub price: Subticks,
    /// Its size in all; what it has traded stands in its spent row.
    pub size: Size,
    /// What was cut off because the position that it may reduce is smaller.
    pub cut: Size,
    /// Until when it lives.
    pub good_til: GoodTil,
    /// As it was placed.
    pub time_in_force: TimeInForce,
    /// As it was placed.
    pub reduce_only: bool,
    /// As it was placed.
    pub client_metadata: u32,
    /// What it waited for before it came into the book.
    pub condition: Option<Condition>,
    /// Who brought it.
    pub builder: Option<Builder>,
    /// Its turn at its price.
    pub sequence: u64,
    /// Height of the block that placed it.
    pub height: u64,
    /// Whether it took the place of an order that was good til an earlier block.
    pub successor: bool,
}

impl Row {
    /// The row of an order that came to rest at `height`, off which `cut` was taken.
    pub(crate) fn of(resting: &Resting, height: u64, cut: Size) -> Self {
        let order = resting.order;
        Self {
            side: order.side,
            price: order.price,
            size: order.size,
            cut,
            good_til: order.good_til,
            time_in_force: order.time_in_force,
            reduce_only: order.reduce_only,
            client_metadata: order.client_metadata,
            condition: order.condition,
            builder: order.builder,
            sequence: resting.sequence,
            height,
            successor: resting.successor,
        }
    }

    /// What it still wants after `filled`.
    pub(crate) fn remaining(&self, filled: Size) -> Size {
        self.size.less(self.cut).less(filled)
    }

    /// The order of this row, whose id is `id`.
    pub(crate) fn order(&self, id: OrderId) -> Order {
        Order {
            id,
            side: self.side,
            price: self.price,
            size: self.size,
            good_til: self.good_til,
            time_in_force: self.time_in_force,
            reduce_only: self.reduce_only,
            self_trade: SelfTrade::CancelMaker,
            client_metadata: self.client_metadata,
            condition: self.condition,
            builder: self.builder,
            twap: None,
        }
    }
}

/// A place in a book: bids sort from the highest price, asks from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) side: Side,
    pub(crate) price: Subticks,
}

impl Key for Side {
    fn write(&self, out: &mut store::KeyBytes) {
        matches!(self, Self::Sell).write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        bool::read(bytes).map(|sell| if sell { Self::Sell } else { Self::Buy })
    }
}

impl Key for Rank {
    fn write(&self, out: &mut store::KeyBytes) {
        self.side.write(out);
        match self.side {
            Side::Buy => (!self.price.raw()).write(out),
            Side::Sell => self.price.raw().write(out),
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let side = Side::read(bytes)?;
        let raw = u64::read(bytes)?;
        Some(Self { side, price: Subticks::new(if side == Side::Buy { !raw } else { raw }) })
    }
}

/// What rests at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Level {
    /// Base quantums.
    pub quantums: u128,
    /// Orders.
    pub orders: u32,
}

/// What the id of an order has used up. It outlives the order, so that nobody can send the order again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Spent {
    /// What traded under this id.
    pub filled: Size,
    /// Short-term orders with this id are refused when they are good til this block or an earlier one.
    pub cancelled_until: u32,
    /// The last short-term order with this id that ended early, without a cancel and not filled; or that such
    /// orders were good til an earlier block than the one that took their place and was filled.
    pub ended: Option<Ended>,
    /// Height after which nobody needs this row. Rows of orders that live until a time go with the order.
    pub keep: u64,
}

/// Names one signed order among those with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Ended {
    /// Until which block it was good.
    pub good_til_block: u32,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Ended {
    /// Later than every order that was good til a block before `good_til_block`, and than no other.
    pub(crate) const fn before(good_til_block: u32) -> Self {
        Self { good_til_block, hash: [0; 32] }
    }
}

/// Bounds that apply to everybody.
pub fn params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}

/// Units and status of a market; nothing when there is no such market.
pub fn pair(state: &dyn Read, market: MarketId) -> Option<Pair> {
    PAIRS.get(state, &market)
}

/// All markets, by number.
pub fn pairs(state: &dyn Read) -> Vec<Pair> {
    PAIRS.scan(state, &(), usize::MAX).into_iter().map(|(_, pair)| pair).collect()
}

/// How much has traded under the id of an order.
pub fn filled(state: &dyn Read, id: &OrderId) -> Size {
    SPENT.get(state, id).unwrap_or_default().filled
}

/// The books that the rows describe. They have the same hash as those that wrote the rows.
pub fn rebuild(state: &dyn Read) -> Books {
    rebuild_seeded(state, 0)
}

/// The same, with books that hash under `seed`.
pub fn rebuild_seeded(state: &dyn Read, seed: u64) -> Books {
    let mut books = Books::with_seed(seed);
    books.accounts = subaccounts::Accounts::rebuild(state);
    for pair in pairs(state) {
        books.open(pair.market, pair.grid());
    }
    books.pairs.refresh(state);
    let mut rows = ORDERS.scan(state, &(), usize::MAX);
    rows.sort_unstable_by_key(|(_, row)| row.sequence);
    for (id, row) in rows {
        let remaining = row.remaining(filled(state, &id));
        if remaining.is_zero() {
            fault("a row of a filled order");
        }
        let Row { sequence, successor, .. } = row;
        books.restore(&Resting { order: row.order(id), remaining, sequence, successor });
    }
    for (id, spent) in SPENT.scan(state, &(), usize::MAX) {
        books.used.restore(id, spent);
    }
    rebuild_waiting(state, &mut books);
    books.set_next_sequence(NEXT_SEQUENCE.get(state).unwrap_or_default());
    books.forget_changes();
    books
}

/// Everything that waits, trade prices and budgets.
fn rebuild_waiting(state: &dyn Read, books: &mut Books) {
    for (_, row) in CONDITIONALS.scan(state, &(), usize::MAX) {
        conditional::enter(books, &row);
    }
    for (_, row) in TWAPS.scan(state, &(), usize::MAX) {
        twap::enter(books, &row);
    }
    for (market, traded) in TRADED.scan(state, &(), usize::MAX) {
        books.waiting.restore_traded(market, traded);
    }
    for (number, order) in PARKED.scan(state, &(), usize::MAX) {
        books.parked.come(number, &order);
    }
    let over = pairs(state).into_iter().filter(|pair| pair.status == Status::FinalSettlement);
    books.closing = over.map(|pair| pair.market).collect();
    books.budgets.params = params(state);
    for (key, usage) in USAGE.scan(state, &(), usize::MAX) {
        books.budgets.keep(key, &usage);
    }
}
