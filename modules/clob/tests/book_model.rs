//! The production book against the naive one: random operations, undone and kept at random.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it does not expect")]

mod naive;
mod plain;

use clob::{sweep, Books, GoodTil, Grid, Kind, Order, OrderId, Side, Size, Taker, TimeInForce};
use naive::Naive;
use num::Subticks;
use plain::plain;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use store::Journaled;
use types::{Address, MarketId, SubaccountId};

const MARKETS: u32 = 2;
const TICK: u32 = 5;

fn subaccount(owner: u8, number: u32) -> SubaccountId {
    SubaccountId { owner: Address::new([owner; 20]), number }
}

struct Pair {
    books: Books,
    naive: Vec<Naive>,
    marks: Vec<(Vec<Naive>, [u8; 32])>,
    centre: u64,
    fills: usize,
}

impl Pair {
    fn new() -> Self {
        let mut books = Books::default();
        for market in 0..MARKETS {
            books.open(MarketId(market), Grid { subticks_per_tick: TICK, quantum_conversion_exponent: 0 });
        }
        Self { books, naive: vec![Naive::default(); 2], marks: Vec::new(), centre: 10_000, fills: 0 }
    }

    fn random_id(rng: &mut ChaCha8Rng) -> OrderId {
        OrderId {
            subaccount: subaccount(rng.gen_range(1..6), rng.gen_range(0..2)),
            market: MarketId(rng.gen_range(0..MARKETS)),
            kind: if rng.gen_bool(0.8) { Kind::ShortTerm } else { Kind::LongTerm },
            client_id: rng.gen_range(0..60),
        }
    }

    fn random_price(&self, rng: &mut ChaCha8Rng) -> Subticks {
        let ticks = match rng.gen_range(0..20) {
            0 => rng.gen_range(1..40_000),
            1 => self.centre.saturating_add(rng.gen_range(0..6_000)),
            _ => self.centre.saturating_add(rng.gen_range(0..40)),
        };
        Subticks::new(ticks.saturating_mul(TICK.into()))
    }

    fn place(&mut self, rng: &mut ChaCha8Rng) {
        let id = Self::random_id(rng);
        let market = usize::try_from(id.market.0).unwrap();
        let side = if rng.gen_bool(0.5) { Side::Buy } else { Side::Sell };
        let (price, size) = (self.random_price(rng), Size::new(rng.gen_range(1..50)));
        let good_til = if id.kind.is_stateful() {
            GoodTil::Time(rng.gen_range(1..5_000))
        } else {
            GoodTil::Block(rng.gen_range(1..41))
        };
        let time_in_force =
            if rng.gen_bool(0.1) { TimeInForce::ImmediateOrCancel } else { TimeInForce::Rest };
        let order = Order { time_in_force, ..plain(id, side, price, size, good_til) };
        if let Some(handle) = self.books.find(&id) {
            self.books.remove(handle);
        }
        self.naive[market].remove(&id);
        let taker = Taker {
            subaccount: id.subaccount,
            market: id.market,
            side: order.side,
            limit: order.price,
            remaining: order.size,
        };
        let mut fills = Vec::new();
        let left = sweep(&mut self.books, taker, |maker, size| {
            fills.push((maker.order.id, maker.order.price, size));
        });
        assert_eq!((fills.clone(), left), self.naive[market].sweep(&taker));
        self.fills = self.fills.saturating_add(fills.len());
        if !left.is_zero() && order.time_in_force == TimeInForce::Rest {
            self.books.place(&order, left);
            self.naive[market].place(id, order.side, order.price, left);
        }
    }

    fn step(&mut self, rng: &mut ChaCha8Rng) {
        match rng.gen_range(0..100u32) {
            0..=59 | 97.. => self.place(rng),
            60..=79 => {
                let id = Self::random_id(rng);
                let found = self.books.find(&id);
                let removed = found.map(|handle| self.books.remove(handle).remaining);
                assert_eq!(removed, self.naive[usize::try_from(id.market.0).unwrap()].remove(&id));
            }
            80..=91 => {
                let id = Self::random_id(rng);
                let by = Size::new(rng.gen_range(1..20));
                if let Some(handle) = self.books.find(&id) {
                    self.books.reduce(handle, by);
                    self.naive[usize::try_from(id.market.0).unwrap()].reduce(&id, by);
                }
            }
            92..=93 => {
                self.books.savepoint();
                self.marks.push((self.naive.clone(), self.books.hash()));
            }
            94 => {
                if self.marks.pop().is_some() {
                    self.books.release();
                }
            }
            95 => {
                if let Some((naive, hash)) = self.marks.pop() {
                    self.books.rollback();
                    assert_eq!(self.books.hash(), hash);
                    self.naive = naive;
                }
            }
            96 => self.centre = rng.gen_range(100..30_000),
        }
    }

    fn compare(&self) {
        let total: usize = self.naive.iter().map(Naive::len).sum();
        assert_eq!(self.books.len(), total);
        for (market, naive) in self.naive.iter().enumerate() {
            let market = MarketId(u32::try_from(market).unwrap());
            for side in [Side::Buy, Side::Sell] {
                let mut orders = Vec::new();
                for level in self.books.levels(market, side) {
                    let queue: Vec<_> = self.books.queue(market, side, level.price).collect();
                    assert_eq!(queue.len(), usize::try_from(level.orders).unwrap());
                    let sum: u128 = queue.iter().map(|resting| u128::from(resting.remaining.raw())).sum();
                    assert_eq!(sum, level.quantums);
                    let flat = |resting: &clob::Resting| (level.price, (resting.order.id, resting.remaining));
                    orders.extend(queue.iter().map(flat));
                }
                assert_eq!(orders, naive.orders(side));
                let best = naive.best(side).map(|(price, _)| price);
                assert_eq!(self.books.best_price(market, side), best);
            }
        }
    }
}

fn run(seed: u64, steps: usize) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pair = Pair::new();
    for step in 0..steps {
        pair.step(&mut rng);
        if step % 197 == 0 {
            pair.compare();
        }
    }
    while let Some((naive, hash)) = pair.marks.pop() {
        pair.books.rollback();
        assert_eq!(pair.books.hash(), hash);
        pair.naive = naive;
    }
    pair.compare();
    pair.fills
}

#[test]
fn the_book_agrees_with_the_naive_book_over_random_operations_kept_and_undone() {
    let fills: usize = (0..6).map(|seed| run(seed, 40_000)).sum();
    assert!(fills > 20_000, "only {fills} fills: the generator no longer crosses");
}

#[test]
fn orders_end_at_their_height_or_time_and_in_the_order_they_came() {
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let mut pair = Pair::new();
    for _ in 0..3_000 {
        pair.place(&mut rng);
    }
    let before = pair.books.hash();
    pair.books.savepoint();
    let mut ended = Vec::new();
    for height in 0..=50u32 {
        for handle in pair.books.expired(height.into(), (i64::from(height)).saturating_mul(100)) {
            let resting = pair.books.remove(handle);
            match resting.order.good_til {
                GoodTil::Block(until) => assert_eq!(until.saturating_add(1), height),
                GoodTil::Time(until) => assert_eq!(until.div_ceil(100), height),
            }
            ended.push(resting);
        }
    }
    assert!(pair.books.is_empty());
    assert!(ended.len() > 100);
    let by_height = |a: &clob::Resting| match a.order.good_til {
        GoodTil::Block(until) => Some((until, a.sequence)),
        GoodTil::Time(_) => None,
    };
    let short: Vec<_> = ended.iter().filter_map(by_height).collect();
    assert!(short.is_sorted());
    pair.books.rollback();
    assert_eq!(pair.books.hash(), before);
    pair.compare();
}

#[test]
fn answers_do_not_depend_on_the_seed_of_the_index() {
    let hash = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut pair = Pair::new();
        let mut books = Books::with_seed(seed);
        std::mem::swap(&mut pair.books, &mut books);
        for market in 0..MARKETS {
            let grid = Grid { subticks_per_tick: TICK, quantum_conversion_exponent: 0 };
            pair.books.open(MarketId(market), grid);
        }
        (0..5_000).for_each(|_| pair.step(&mut rng));
        pair.books.hash()
    };
    assert_eq!(hash(1), hash(0xffff_ffff_ffff_ffff));
}

#[test]
fn a_finer_tick_changes_no_level() {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let mut pair = Pair::new();
    (0..5_000).for_each(|_| pair.step(&mut rng));
    let before = pair.books.hash();
    for tick in [1, TICK] {
        pair.books.open(MarketId(0), Grid { subticks_per_tick: tick, quantum_conversion_exponent: 0 });
        assert_eq!(pair.books.hash(), before);
        pair.compare();
    }
    pair.books.open(MarketId(0), Grid { subticks_per_tick: 1, quantum_conversion_exponent: 0 });
    (0..5_000).for_each(|_| pair.step(&mut rng));
    pair.compare();
}
