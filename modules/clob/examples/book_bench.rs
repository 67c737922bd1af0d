//! Workload W1 on the production books and on the naive book, the same operations for both:
//! `cargo run --release --example book_bench [-- OPERATIONS [SEED]]`.
//!
//! One market, 1,000 accounts, about 1,000 resting orders on about 750 levels; 9 % orders that rest, 3 %
//! immediate-or-cancel, 6 % cancels, 82 % moves. Operations are drawn beforehand and not timed. The last line
//! is JSON.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]
#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "rates are for people to read")]
#![expect(clippy::indexing_slicing, reason = "indices are drawn below the length")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has a clock")]

use std::hint::black_box;
use std::time::Instant;

use clob::{sweep, Books, GoodTil, Grid, Kind, Order, OrderId, Side, Size, Taker, TimeInForce};
use naive::Naive;
use num::Subticks;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use store::Journaled;
use types::{Address, MarketId, SubaccountId};

#[path = "../tests/naive/mod.rs"]
mod naive;

const MARKET: MarketId = MarketId(0);
const TICK: u32 = 10;
const ACCOUNTS: u32 = 1_000;
const RESTING: usize = 1_000;
const FEWEST: usize = 900;
const SPREAD: u64 = 800;
/// Changes after which a block ends and its list of changes is done with.
const BLOCK: usize = 20_000;

/// One operation, as a caller would give it to the books.
#[derive(Clone, Copy)]
enum Operation {
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

fn taker(order: &Order) -> Taker {
    Taker {
        subaccount: order.id.subaccount,
        market: order.id.market,
        side: order.side,
        limit: order.price,
        remaining: order.size,
    }
}

fn rests(order: &Order, left: Size) -> bool {
    !left.is_zero() && order.time_in_force == TimeInForce::Rest
}

/// Draws operations while it watches the naive book, so that cancels and moves name orders that rest.
struct Generator {
    rng: ChaCha8Rng,
    book: Naive,
    alive: Vec<Order>,
    middle: u64,
    next_client: u32,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rng, book: Naive::default(), alive: Vec::new(), middle: 100_000, next_client: 0 }
    }

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
            market: MARKET,
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
            self_trade: Default::default(),
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
                let crowded = self.book.len() > RESTING;
                let distance = if crowded { -self.rng.gen_range(1..8) } else { self.distance() };
                Operation::Place(self.order(distance, TimeInForce::Rest))
            }
            9..=11 => {
                let distance = -self.rng.gen_range(1..8);
                Operation::Place(self.order(distance, TimeInForce::ImmediateOrCancel))
            }
            12..=17 if self.book.len() > FEWEST => match self.pick() {
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

fn run_naive(book: &mut Naive, operation: &Operation) -> u64 {
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

fn run(books: &mut Books, operation: &Operation) -> u64 {
    match operation {
        Operation::Cancel(id) => books.find(id).map_or(0, |handle| books.remove(handle).remaining.raw()),
        Operation::Place(order) | Operation::Move(order) => {
            if matches!(operation, Operation::Move(_)) {
                if let Some(handle) = books.find(&order.id) {
                    books.remove(handle);
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

fn open() -> Books {
    let mut books = Books::default();
    books.open(MARKET, Grid { subticks_per_tick: TICK, quantum_conversion_exponent: 0 });
    books
}

/// Nanoseconds that this thread has run, where the system tells: on a busy machine the fairer clock.
fn on_cpu() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// How fast a run was.
struct Speed {
    /// Operations per second of wall time.
    wall: f64,
    /// Operations per second of this thread's running time; the same where the system does not tell.
    cpu: f64,
    /// Sum of what the operations answered.
    sum: u64,
}

fn measure(operations: &[Operation], mut each: impl FnMut(&Operation) -> u64) -> Speed {
    let (start, before) = (Instant::now(), on_cpu());
    let sum = operations.iter().map(|operation| black_box(each(operation))).sum();
    let (seconds, after) = (start.elapsed().as_secs_f64(), on_cpu());
    let ran = before.zip(after).map_or(seconds, |(before, after)| (after - before) as f64 / 1e9);
    Speed { wall: operations.len() as f64 / seconds, cpu: operations.len() as f64 / ran, sum }
}

fn percentile(sorted: &[u32], share: f64) -> u32 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn equal(books: &Books, naive: &Naive) -> bool {
    [Side::Buy, Side::Sell].into_iter().all(|side| {
        let ours = books.levels(MARKET, side).flat_map(|level| books.queue(MARKET, side, level.price));
        let ours = ours.map(|resting| (resting.order.price, (resting.order.id, resting.remaining)));
        ours.eq(naive.orders(side))
    })
}

/// Nanoseconds of each operation, and the books after them.
fn one_by_one(operations: &[Operation]) -> (Books, Vec<u32>) {
    let mut timed = open();
    let mut times: Vec<u32> = Vec::with_capacity(operations.len());
    for operation in operations {
        let start = Instant::now();
        black_box(run(&mut timed, operation));
        times.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
        if timed.changes_pending() > BLOCK {
            timed.forget_changes();
        }
    }
    (timed, times)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Ok(count), Ok(seed)) =
        (arguments.next().unwrap_or(Ok(3_000_000)), arguments.next().unwrap_or(Ok(7)))
    else {
        eprintln!("usage: book_bench [OPERATIONS [SEED]]");
        return;
    };
    let mut generator = Generator::new(seed);
    let mut operations: Vec<Operation> = (0..RESTING).map(|_| generator.seed()).collect();
    operations.extend((0..count).map(|_| generator.draw()));

    let mut books = open();
    let production = measure(&operations, |operation| {
        let answer = run(&mut books, operation);
        if books.changes_pending() > BLOCK {
            books.forget_changes();
        }
        answer
    });
    let mut kept = open();
    let journaled = measure(&operations, |operation| {
        kept.savepoint();
        let answer = run(&mut kept, operation);
        kept.release();
        if kept.changes_pending() > BLOCK {
            kept.forget_changes();
        }
        answer
    });
    let mut naive = Naive::default();
    let plain = measure(&operations, |operation| run_naive(&mut naive, operation));

    let (timed, mut times) = one_by_one(&operations);
    times.sort_unstable();

    let same = equal(&books, &naive)
        && books.hash() == kept.hash()
        && books.hash() == timed.hash()
        && production.sum == plain.sum
        && production.sum == journaled.sum;
    let levels = [Side::Buy, Side::Sell].map(|side| books.levels(MARKET, side).count());
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile(&times, share));
    println!("operations {count}, resting {}, levels {}", books.len(), levels[0] + levels[1]);
    println!("ops/s                    wall time    thread time");
    let (wall, cpu) = (production.wall / plain.wall, production.cpu / plain.cpu);
    for (name, speed) in [
        ("production book", &production),
        ("  each in a savepoint", &journaled),
        ("naive BTreeMap book", &plain),
    ] {
        println!("{name:<22}{:>12.0} {:>14.0}", speed.wall, speed.cpu);
    }
    println!("ratio to the naive one{wall:>12.2} {cpu:>14.2}");
    println!("production, one by one   p50 {p50} ns, p99 {p99} ns, p99.9 {p999} ns (clock included)");
    println!("both end equal           {same}");
    println!(
        "{{\"workload\":\"W1\",\"seed\":{seed},\"operations\":{count},\"resting\":{},\"levels\":{},\
         \"book_ops_per_second\":{:.0},\"book_ops_per_thread_second\":{:.0},\
         \"journaled_ops_per_second\":{:.0},\"journaled_ops_per_thread_second\":{:.0},\
         \"naive_ops_per_second\":{:.0},\"naive_ops_per_thread_second\":{:.0},\
         \"ratio\":{wall:.3},\"thread_ratio\":{cpu:.3},\
         \"p50_ns\":{p50},\"p99_ns\":{p99},\"p999_ns\":{p999},\"equal\":{same}}}",
        books.len(),
        levels[0] + levels[1],
        production.wall,
        production.cpu,
        journaled.wall,
        journaled.cpu,
        plain.wall,
        plain.cpu,
    );
    assert!(same, "the two books differ");
}
