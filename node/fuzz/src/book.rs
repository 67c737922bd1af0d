//! The book against the naive one.

use clob::{sweep, Books, GoodTil, Grid, Kind, OrderId, Side, Size, Taker};
use num::Subticks;
use store::Journaled;
use types::{Address, MarketId, SubaccountId};

use crate::close::world::plain;
use crate::input::Input;
use naive::Naive;

#[path = "../../../modules/clob/tests/naive/mod.rs"]
mod naive;

const MARKET: MarketId = MarketId(0);
const TICK: u32 = 5;

/// Operations: what, who, then price and size of a placement.
pub(crate) fn operations() -> Vec<Vec<u8>> {
    let order = |what: u8, who: u8, ticks: u16, size: u8| {
        vec![what, who, ticks.to_le_bytes()[0], ticks.to_le_bytes()[1], size, 9]
    };
    let ladder = (0..12_u8).flat_map(|at| order(at % 2, at, 100 + u16::from(at % 2) * 10, 5)).collect();
    let cross = [order(0, 1, 100, 5), order(1, 2, 90, 3), order(1, 3, 100, 9), order(0, 1, 120, 9)].concat();
    let undone =
        [vec![4], order(0, 1, 100, 5), order(1, 2, 90, 3), vec![2, 1], vec![3, 1, 2], vec![6]].concat();
    vec![ladder, cross, undone]
}

struct Pair {
    books: Books,
    naive: Naive,
    marks: Vec<(Naive, [u8; 32])>,
}

fn id(byte: u8) -> OrderId {
    OrderId {
        subaccount: SubaccountId { owner: Address::new([byte & 3; 20]), number: 0 },
        market: MARKET,
        kind: if byte & 4 == 0 { Kind::ShortTerm } else { Kind::LongTerm },
        client_id: u32::from(byte >> 3),
    }
}

impl Pair {
    fn new() -> Self {
        let mut books = Books::default();
        books.open(MARKET, Grid { subticks_per_tick: TICK, quantum_conversion_exponent: 0 });
        Self { books, naive: Naive::default(), marks: Vec::new() }
    }

    fn place(&mut self, side: Side, rests: bool, input: &mut Input<'_>) {
        let id = id(input.u8());
        let ticks = u64::from(input.u16()).max(1);
        let size = Size::new(u64::from(input.u8()).max(1));
        let until = u32::from(input.u8()).max(1);
        let good_til = if id.kind.is_stateful() { GoodTil::Time(until) } else { GoodTil::Block(until) };
        let order = plain(id, side, Subticks::new(ticks * u64::from(TICK)), size, good_til);
        if let Some(handle) = self.books.find(&id) {
            self.books.remove(handle);
        }
        self.naive.remove(&id);
        let taker = Taker {
            subaccount: id.subaccount,
            market: MARKET,
            side,
            limit: order.price,
            remaining: order.size,
        };
        let mut fills = Vec::new();
        let left = sweep(&mut self.books, taker, |maker, size| {
            fills.push((maker.order.id, maker.order.price, size));
        });
        assert_eq!((fills, left), self.naive.sweep(&taker), "fills differ");
        if rests && !left.is_zero() {
            self.books.place(&order, left);
            self.naive.place(id, side, order.price, left);
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.u8() % 9 {
            0 => self.place(Side::Buy, true, input),
            1 => self.place(Side::Sell, true, input),
            2 => {
                let id = id(input.u8());
                let found = self.books.find(&id);
                let removed = found.map(|handle| self.books.remove(handle).remaining);
                assert_eq!(removed, self.naive.remove(&id), "what remained of an order differs");
            }
            3 => {
                let (id, by) = (id(input.u8()), Size::new(u64::from(input.u8()).max(1)));
                if let Some(handle) = self.books.find(&id) {
                    self.books.reduce(handle, by);
                }
                self.naive.reduce(&id, by);
            }
            4 if self.marks.len() < 8 => {
                self.books.savepoint();
                self.marks.push((self.naive.clone(), self.books.hash()));
            }
            5 => {
                if self.marks.pop().is_some() {
                    self.books.release();
                }
            }
            6 => self.undo(),
            7 => self.place(Side::Buy, false, input),
            8 => self.place(Side::Sell, false, input),
            _ => {}
        }
    }

    fn undo(&mut self) {
        if let Some((naive, hash)) = self.marks.pop() {
            self.books.rollback();
            assert_eq!(self.books.hash(), hash, "an undone book differs");
            self.naive = naive;
        }
    }

    fn compare(&self) {
        assert_eq!(self.books.len(), self.naive.len());
        for side in [Side::Buy, Side::Sell] {
            let mut orders = Vec::new();
            for level in self.books.levels(MARKET, side) {
                let queue = self.books.queue(MARKET, side, level.price);
                orders.extend(queue.map(|resting| (level.price, (resting.order.id, resting.remaining))));
            }
            assert_eq!(orders, self.naive.orders(side), "the order of the queue differs");
            assert_eq!(self.books.best_price(MARKET, side), self.naive.best(side).map(|(price, _)| price));
        }
    }
}

/// Every fill, every remainder and every place in the queue are those of the naive book, undone ones too.
pub(crate) fn order_book_vs_naive(data: &[u8]) {
    let mut pair = Pair::new();
    let mut input = Input(data);
    for _ in 0..400 {
        if input.is_empty() {
            break;
        }
        pair.step(&mut input);
    }
    pair.compare();
    while !pair.marks.is_empty() {
        pair.undo();
        pair.compare();
    }
}
