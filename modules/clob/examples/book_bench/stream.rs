//! The operations of workloads W1 and W1m, drawn beforehand.

use clob::{sweep, Books, GoodTil, Grid, Kind, Order, OrderId, SelfTrade, Side, Size, Taker, TimeInForce};
use num::Subticks;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::{Address, MarketId, SubaccountId};

use crate::naive::Naive;

pub(crate) const TICK: u32 = 10;
const ACCOUNTS: u32 = 1_000;
const SPREAD: u64 = 800;

/// One operation, as a caller would give it to the books.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// Trade, then rest what remains unless it is immediate-or-cancel.
    Place(Order),
    /// Leave.
    Cancel(OrderId),
    /// Leave, then place at another price.
    Move(Order),
}

fn account(number: u32) -> SubaccountId {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_le_bytes());
    SubaccountId { owner: Address::new(bytes), number: 0 }
}

pub(crate) fn taker(order: &Order) -> Taker {
    Taker {
        subaccount: order.id.subaccount,
        market: order.id.market,
        side: order.side,
        limit: order.price,
        remaining: order.size,
    }
}

pub(crate) fn rests(order: &Order, left: Size) -> bool {
    !left.is_zero() && order.time_in_force == TimeInForce::Rest
}

/// Draws operations while it watches a naive book, so that cancels and moves name orders that rest.
struct Generator {
    rng: ChaCha8Rng,
    book: Naive,
    alive: Vec<Order>,
    market: MarketId,
    middle: u64,
    next_client: u32,
    /// How many should rest.
    resting: usize,
}

impl Generator {
    fn price(&mut self, side: Side, distance: i64) -> Subticks {
        let middle = self.middle as i64;
        let ticks = if side == Side::Buy { middle - distance } else { middle + distance };
        Subticks::new(ticks as u64 * u64::from(TICK))
    }

    fn order(&mut self, distance: i64, time_in_force: TimeInForce) -> Order {
        let side = if self.rng.gen_bool(0.5) { Side::Buy } else { Side::Sell };
        self.next_client += 1;
        let id = OrderId {
            subaccount: account(self.rng.gen_range(0..ACCOUNTS)),
            market: self.market,
            kind: Kind::ShortTerm,
            client_id: self.next_client,
        };
        Order {
            id,
            side,
            price: self.price(side, distance),
            size: Size::new(self.rng.gen_range(1..40)),
            good_til: GoodTil::Block(self.rng.gen_range(1..41)),
            time_in_force,
            reduce_only: false,
            self_trade: SelfTrade::default(),
            client_metadata: 0,
            condition: None,
            builder: None,
            twap: None,
        }
    }

    /// An order that still rests, taken out of the list.
    fn pick(&mut self) -> Option<Order> {
        while !self.alive.is_empty() {
            let at = self.rng.gen_range(0..self.alive.len());
            let order = self.alive.swap_remove(at);
            if self.book.find(&order.id).is_some() {
                return Some(order);
            }
        }
        None
    }

    fn distance(&mut self) -> i64 {
        self.rng.gen_range(1..=SPREAD as i64)
    }

    fn seed(&mut self) -> Operation {
        let distance = self.distance();
        let order = self.order(distance, TimeInForce::Rest);
        self.follow(Operation::Place(order))
    }

    fn draw(&mut self) -> Operation {
        if self.rng.gen_bool(0.01) {
            self.middle = self.middle.saturating_add_signed(self.rng.gen_range(-2..=2));
        }
        let operation = match self.rng.gen_range(0..100) {
            0..=8 => {
                // Every third reaches over the touch, so that the number of resting orders stays.
                let crowded = self.book.len() > self.resting;
                let distance = if crowded { -self.rng.gen_range(1..8) } else { self.distance() };
                Operation::Place(self.order(distance, TimeInForce::Rest))
            }
            9..=11 => {
                let distance = -self.rng.gen_range(1..8);
                Operation::Place(self.order(distance, TimeInForce::ImmediateOrCancel))
            }
            12..=17 if self.book.len() > self.resting * 9 / 10 => match self.pick() {
                Some(order) => Operation::Cancel(order.id),
                None => Operation::Place(self.order(SPREAD as i64, TimeInForce::Rest)),
            },
            _ => {
                let distance = self.distance();
                match self.pick() {
                    Some(order) => {
                        Operation::Move(Order { price: self.price(order.side, distance), ..order })
                    }
                    None => Operation::Place(self.order(distance, TimeInForce::Rest)),
                }
            }
        };
        self.follow(operation)
    }

    fn follow(&mut self, operation: Operation) -> Operation {
        run_naive(&mut self.book, &operation);
        if let Operation::Place(order) | Operation::Move(order) = operation {
            if self.book.find(&order.id).is_some() {
                self.alive.push(order);
            }
        }
        operation
    }
}

/// `count` operations in `markets` markets with about `resting` orders in all, after those that fill the books.
pub(crate) fn draw(seed: u64, count: u64, markets: u32, resting: usize) -> Vec<Operation> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let each = resting / markets as usize;
    let mut generators: Vec<Generator> = (0..markets)
        .map(|market| Generator {
            rng: ChaCha8Rng::seed_from_u64(rng.gen()),
            book: Naive::default(),
            alive: Vec::new(),
            market: MarketId(market),
            middle: 100_000,
            next_client: 0,
            resting: each,
        })
        .collect();
    let mut operations = Vec::with_capacity(count as usize + resting);
    for generator in &mut generators {
        operations.extend((0..each).map(|_| generator.seed()));
    }
    operations.extend((0..count).map(|_| generators[rng.gen_range(0..markets as usize)].draw()));
    operations
}

pub(crate) fn run_naive(book: &mut Naive, operation: &Operation) -> u64 {
    match operation {
        Operation::Cancel(id) => book.remove(id).map_or(0, Size::raw),
        Operation::Place(order) | Operation::Move(order) => {
            if matches!(operation, Operation::Move(_)) {
                book.remove(&order.id);
            }
            let (fills, left) = book.sweep(&taker(order));
            if rests(order, left) {
                book.place(order.id, order.side, order.price, left);
            }
            fills.len() as u64
        }
    }
}

/// The operation on the production books, through what the chain calls.
#[inline]
pub(crate) fn run(books: &mut Books, operation: &Operation) -> u64 {
    match operation {
        Operation::Cancel(id) => books.find(id).map_or(0, |handle| {
            let remaining = books.remaining(handle);
            books.take(handle);
            remaining.raw()
        }),
        Operation::Place(order) | Operation::Move(order) => {
            if matches!(operation, Operation::Move(_)) {
                if let Some(handle) = books.find(&order.id) {
                    books.take(handle);
                }
            }
            let mut fills = 0;
            let left = sweep(books, taker(order), |_, _| fills += 1);
            if rests(order, left) {
                books.place(order, left);
            }
            fills
        }
    }
}

pub(crate) fn open(markets: u32) -> Books {
    let mut books = Books::default();
    for market in 0..markets {
        books.open(MarketId(market), Grid { subticks_per_tick: TICK, quantum_conversion_exponent: 0 });
    }
    books
}
