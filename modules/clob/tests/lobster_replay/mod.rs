//! Replays a LOBSTER day (order-by-order exchange messages, and the visible book after each) on the books.
//!
//! The first row seeds one anonymous order per level. Then every message is an operation: 1 places, 2 reduces,
//! 3 cancels, 4 is an aggressive order of the other side, 5 trades hidden and changes nothing. The feed shows
//! only its best levels: a price that leaves the row is forgotten, one that appears at the outermost level
//! gets one anonymous order. After every message all levels must equal the row. Where the book picks another
//! maker than the feed names, the difference is counted and the feed's maker trades instead.

use std::io::Read;
use std::path::Path;

use clob::{next, Books, GoodTil, Grid, Handle, Kind, Next, OrderId, Side, Size, Taker};
use num::Subticks;
use plain::plain;
use store::Journaled;
use types::{Address, MarketId, SubaccountId};

#[path = "../plain/mod.rs"]
mod plain;

const MARKET: MarketId = MarketId(0);
/// What the feed writes where there is no level.
const NO_ASK: u64 = 9_999_999_999;

/// What a replay showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Rows of the book file.
    pub(crate) rows: u64,
    /// Rows that equal the book after their message.
    pub(crate) rows_equal: u64,
    /// Executions after the first row whose maker's id is known, and those where the book picks that maker.
    pub(crate) named: u64,
    pub(crate) named_matched: u64,
    /// Executions whose maker was there before its id could be seen, and those where the book picks such one.
    pub(crate) anonymous: u64,
    pub(crate) anonymous_matched: u64,
    /// Executions that were not at the best price alone.
    pub(crate) off_best: u64,
    /// Shares that traded visibly, the first row's included.
    pub(crate) shares: u64,
}

/// One message of the feed.
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) id: u32,
    pub(crate) size: Size,
    pub(crate) price: Subticks,
    pub(crate) side: Side,
}

pub(crate) type Error = Box<dyn std::error::Error>;

/// The text of a file, plain or zstd.
pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        ruzstd::decoding::StreamingDecoder::new(bytes.as_slice())?.read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    Ok(text)
}

impl Message {
    pub(crate) fn parse(line: &str) -> Result<Self, Error> {
        let mut fields = line.trim().split(',').skip(1);
        let mut field = || fields.next().ok_or("a message has six columns");
        Ok(Self {
            kind: field()?.parse()?,
            id: field()?.parse()?,
            size: Size::new(field()?.parse()?),
            price: Subticks::new(field()?.parse::<i64>()?.unsigned_abs()),
            side: if field()?.starts_with('-') { Side::Sell } else { Side::Buy },
        })
    }
}

/// Price and size of the levels of one side, best first.
pub(crate) type Levels = Vec<(Subticks, u128)>;

/// Asks and bids of a row.
pub(crate) fn row(line: &str) -> Result<(Levels, Levels), Error> {
    let numbers: Vec<i64> = line.trim().split(',').map(str::parse).collect::<Result<_, _>>()?;
    let (mut asks, mut bids) = (Levels::new(), Levels::new());
    for level in numbers.chunks_exact(4) {
        let [ask, ask_size, bid, bid_size] = level else { continue };
        if let (Ok(ask), Ok(size)) = (u64::try_from(*ask), u128::try_from(*ask_size)) {
            if ask < NO_ASK && size > 0 {
                asks.push((Subticks::new(ask), size));
            }
        }
        if let (Ok(bid), Ok(size)) = (u64::try_from(*bid), u128::try_from(*bid_size)) {
            if bid > 0 && size > 0 {
                bids.push((Subticks::new(bid), size));
            }
        }
    }
    Ok((asks, bids))
}

struct Replay {
    books: Books,
    report: Report,
}

fn order_id(kind: Kind, side: Side, client_id: u32) -> OrderId {
    let number = if side == Side::Buy { 0 } else { 1 };
    let subaccount = SubaccountId { owner: Address::new([1; 20]), number };
    OrderId { subaccount, market: MARKET, kind, client_id }
}

/// Orders that were there before their ids could be seen are told apart by price.
fn anonymous_id(side: Side, price: Subticks) -> OrderId {
    order_id(Kind::LongTerm, side, u32::try_from(price.raw()).unwrap_or_default())
}

impl Replay {
    fn place(&mut self, id: OrderId, side: Side, price: Subticks, size: Size) {
        self.books.place(&plain(id, side, price, size, GoodTil::Time(u32::MAX)), size);
    }

    /// Who gives way when a message takes `size` from the order `id`: that order, else the anonymous one at
    /// its price, else the youngest there.
    fn target(&self, message: &Message) -> Option<Handle> {
        let named = self.books.find(&order_id(Kind::ShortTerm, message.side, message.id));
        let anonymous = || self.books.find(&anonymous_id(message.side, message.price));
        let youngest = || {
            let last = self.books.queue(MARKET, message.side, message.price).last()?;
            self.books.find(&last.order.id)
        };
        named.or_else(anonymous).or_else(youngest)
    }

    fn take(&mut self, message: &Message) {
        let mut left = message.size;
        while let Some(handle) = (!left.is_zero()).then(|| self.target(message)).flatten() {
            let size = left.min(self.books.get(handle).remaining);
            self.books.reduce(handle, size);
            left = left.less(size);
        }
    }

    fn trade(&mut self, message: &Message) {
        let named = order_id(Kind::ShortTerm, message.side, message.id);
        let is_named = self.books.find(&named).is_some();
        let mut taker = Taker {
            subaccount: SubaccountId { owner: Address::new([2; 20]), number: 0 },
            market: MARKET,
            side: message.side.opposite(),
            limit: message.price,
            remaining: message.size,
        };
        let mut first = None;
        let mut at_best = true;
        self.books.savepoint();
        while let Next::Trade { maker, size } = next(&self.books, &taker) {
            let resting = self.books.get(maker);
            at_best &= resting.order.price == message.price;
            first = first.or(Some(resting.order.id));
            self.books.reduce(maker, size);
            taker.remaining = taker.remaining.less(size);
        }
        // Where the feed names another maker it knows better: a queue place from before the row showed it.
        if is_named && first != Some(named) {
            self.books.rollback();
            self.take(message);
        } else {
            self.books.release();
        }
        let report = &mut self.report;
        if is_named {
            report.named += 1;
            report.named_matched += u64::from(first == Some(named));
        } else {
            report.anonymous += 1;
            report.anonymous_matched += u64::from(first.is_some_and(|id| id.kind == Kind::LongTerm));
        }
        report.off_best += u64::from(!at_best || !taker.remaining.is_zero());
        report.shares += message.size.less(taker.remaining).raw();
    }

    fn apply(&mut self, message: &Message) {
        match message.kind {
            1 => {
                let id = order_id(Kind::ShortTerm, message.side, message.id);
                self.place(id, message.side, message.price, message.size);
            }
            2 | 3 => self.take(message),
            4 => self.trade(message),
            _ => {}
        }
    }

    /// Forget what left the row, meet what appeared at its edge, and say whether all levels equal it.
    fn settle(&mut self, side: Side, row: &Levels) -> bool {
        let gone: Vec<Subticks> = self
            .books
            .levels(MARKET, side)
            .map(|level| level.price)
            .filter(|price| !row.iter().any(|(seen, _)| seen == price))
            .collect();
        for price in gone {
            let ids: Vec<OrderId> =
                self.books.queue(MARKET, side, price).map(|resting| resting.order.id).collect();
            for id in ids {
                if let Some(handle) = self.books.find(&id) {
                    self.books.remove(handle);
                }
            }
        }
        if let Some((price, size)) = row.last() {
            if self.books.level(MARKET, side, *price).is_none() {
                let size = Size::new(u64::try_from(*size).unwrap_or(u64::MAX));
                self.place(anonymous_id(side, *price), side, *price, size);
            }
        }
        self.books.levels(MARKET, side).map(|level| (level.price, level.quantums)).eq(row.iter().copied())
    }

    fn seed(&mut self, side: Side, row: &Levels) {
        for (price, size) in row {
            let size = Size::new(u64::try_from(*size).unwrap_or(u64::MAX));
            self.place(anonymous_id(side, *price), side, *price, size);
        }
    }
}

/// Replay `messages` and compare with every row of `orderbook`.
pub(crate) fn replay(messages: &str, orderbook: &str) -> Result<Report, Error> {
    let mut books = Books::default();
    books.open(MARKET, Grid { subticks_per_tick: 1, quantum_conversion_exponent: 0 });
    let mut replay = Replay { books, report: Report::default() };
    let mut lines = messages.lines().zip(orderbook.lines());
    if messages.lines().count() != orderbook.lines().count() {
        return Err("the two files have different numbers of rows".into());
    }
    let (first, first_row) = lines.next().ok_or("the files are empty")?;
    let (asks, bids) = row(first_row)?;
    replay.seed(Side::Sell, &asks);
    replay.seed(Side::Buy, &bids);
    let first = Message::parse(first)?;
    if first.kind == 4 {
        replay.report.shares += first.size.raw();
    }
    replay.report.rows = 1;
    replay.report.rows_equal = 1;
    for (message, line) in lines {
        replay.apply(&Message::parse(message)?);
        let (asks, bids) = row(line)?;
        let asks_equal = replay.settle(Side::Sell, &asks);
        let bids_equal = replay.settle(Side::Buy, &bids);
        replay.report.rows += 1;
        replay.report.rows_equal += u64::from(asks_equal && bids_equal);
    }
    Ok(replay.report)
}
