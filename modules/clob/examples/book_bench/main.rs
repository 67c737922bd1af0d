//! Workloads W1 and W1m on the production books, on a naive book and on two books of other people, the same
//! operations for all: `cargo run --release --example book_bench [-- OPERATIONS [SEED [ROUNDS]]]`.
//!
//! W1: one market, 1,000 accounts, about 1,000 resting orders on about 750 levels; 9 % orders that rest, 3 %
//! immediate-or-cancel, 6 % cancels, 82 % moves. W1m: the same in 100 markets with 10,000 resting orders in
//! all. Operations are drawn beforehand and not timed. The contenders take turns for several rounds. `median` is
//! the median round by the thread's running time; `quiet` counts each 500 operations at their best round, which
//! is what a machine without neighbours would show. Each workload ends with a line of JSON.
//!
//! `chain` is the production book as the chain drives it: every operation inside the two savepoints of a
//! message and of its order, changes taken at the end of each block of 10,000 operations. `bare` is the same
//! without savepoints.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]
#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "rates are for people to read")]
#![expect(clippy::indexing_slicing, clippy::integer_division, reason = "indices are drawn below the length")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has a clock")]

use std::hint::black_box;
use std::time::Instant;

use clob::{Books, OrderId, Side};
use naive::Naive;
use peers::{Lobster, Matchcore};
use store::Journaled;
use stream::{draw, open, run, run_naive, Operation};
use types::MarketId;

#[path = "../../tests/naive/mod.rs"]
mod naive;
mod peers;
mod stream;

/// Operations after which a block ends and its changes are taken.
const BLOCK: usize = 10_000;
/// Operations that are timed together: few, so that some round has them undisturbed.
const STRETCH: usize = 500;

/// Nanoseconds that this thread has run, where the system tells: on a busy machine the fairer clock.
fn on_cpu() -> Option<u64> {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// How fast the rounds of one contender were.
#[derive(Default)]
struct Rounds {
    /// Operations per second of the thread's running time, for each round.
    rates: Vec<f64>,
    /// For each stretch of operations the fewest nanoseconds that a round took.
    fewest: Vec<u64>,
}

impl Rounds {
    fn measure(&mut self, operations: &[Operation], mut each: impl FnMut(&Operation) -> u64) {
        self.fewest.resize(operations.len().div_ceil(STRETCH), u64::MAX);
        let (begin, before) = (Instant::now(), on_cpu());
        for (stretch, fewest) in operations.chunks(STRETCH).zip(&mut self.fewest) {
            let start = Instant::now();
            for operation in stretch {
                black_box(each(operation));
            }
            *fewest = (*fewest).min(start.elapsed().as_nanos() as u64);
        }
        let (seconds, after) = (begin.elapsed().as_secs_f64(), on_cpu());
        let ran = before.zip(after).map_or(seconds, |(before, after)| (after - before) as f64 / 1e9);
        self.rates.push(operations.len() as f64 / ran);
    }

    fn median(&mut self) -> f64 {
        self.rates.sort_unstable_by(f64::total_cmp);
        self.rates[self.rates.len() / 2]
    }

    /// Operations per second if every stretch had run as undisturbed as in its best round.
    fn quiet(&self, operations: &[Operation]) -> f64 {
        operations.len() as f64 * 1e9 / self.fewest.iter().sum::<u64>() as f64
    }
}

/// The production books as the chain drives them.
fn chain(books: &mut Books, count: &mut usize, operation: &Operation) -> u64 {
    books.savepoint();
    books.savepoint();
    let answer = run(books, operation);
    books.release();
    books.release();
    end_block(books, count);
    answer
}

fn bare(books: &mut Books, count: &mut usize, operation: &Operation) -> u64 {
    let answer = run(books, operation);
    end_block(books, count);
    answer
}

fn end_block(books: &mut Books, count: &mut usize) {
    *count += 1;
    if *count >= BLOCK {
        *count = 0;
        books.forget_changes();
    }
}

fn market_of(operation: &Operation) -> usize {
    let (Operation::Place(order) | Operation::Move(order)) = operation else {
        let Operation::Cancel(OrderId { market, .. }) = operation else { return 0 };
        return market.0 as usize;
    };
    order.id.market.0 as usize
}

/// Nanoseconds of each operation as the chain drives it, sorted.
fn one_by_one(operations: &[Operation], markets: u32) -> (Books, Vec<u32>) {
    let mut books = open(markets);
    let mut times: Vec<u32> = Vec::with_capacity(operations.len());
    for block in operations.chunks(BLOCK) {
        for operation in block {
            let start = Instant::now();
            let mut none = 0;
            black_box(chain(&mut books, &mut none, operation));
            times.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        books.forget_changes();
    }
    times.sort_unstable();
    (books, times)
}

fn percentile(sorted: &[u32], share: f64) -> u32 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// Nanoseconds that reading the clock twice takes, at the median.
fn clock() -> u32 {
    let mut times: Vec<u32> = (0..10_001)
        .map(|_| {
            let start = Instant::now();
            u32::try_from(black_box(start).elapsed().as_nanos()).unwrap_or(u32::MAX)
        })
        .collect();
    times.sort_unstable();
    percentile(&times, 0.5)
}

fn equal(books: &Books, naive: &[Naive]) -> bool {
    naive.iter().enumerate().all(|(market, naive)| {
        let market = MarketId(market as u32);
        [Side::Buy, Side::Sell].into_iter().all(|side| {
            let ours = books.levels(market, side).flat_map(|level| books.queue(market, side, level.price));
            let ours = ours.map(|resting| (resting.order.price, (resting.order.id, resting.remaining)));
            ours.eq(naive.orders(side))
        })
    })
}

fn workload(name: &str, (count, seed, rounds): (u64, u64, u64), (markets, resting): (u32, usize)) {
    let operations = draw(seed, count, markets, resting);
    let names =
        ["production, chain", "production, bare", "naive BTreeMap", "lobster 0.7.0", "matchcore 0.4.0"];
    let mut all: [Rounds; 5] = Default::default();
    let mut same = true;
    for _ in 0..rounds {
        let (mut driven, mut plain) = (open(markets), open(markets));
        let mut naive: Vec<Naive> = (0..markets).map(|_| Naive::default()).collect();
        let mut lobsters: Vec<Lobster> = (0..markets).map(|_| Lobster::default()).collect();
        let mut matchcores: Vec<Matchcore> = (0..markets).map(|_| Matchcore::default()).collect();
        let mut count = 0;
        all[0].measure(&operations, |operation| chain(&mut driven, &mut count, operation));
        count = 0;
        all[1].measure(&operations, |operation| bare(&mut plain, &mut count, operation));
        all[2].measure(&operations, |operation| run_naive(&mut naive[market_of(operation)], operation));
        all[3].measure(&operations, |operation| lobsters[market_of(operation)].run(operation));
        all[4].measure(&operations, |operation| matchcores[market_of(operation)].run(operation));
        same &= equal(&driven, &naive) && driven.hash() == plain.hash();
    }
    let (timed, times) = one_by_one(&operations, markets);
    let levels: usize = (0..markets)
        .flat_map(|market| [Side::Buy, Side::Sell].map(|side| timed.levels(MarketId(market), side).count()))
        .sum();
    let resting = timed.len();
    println!("{name}: {markets} markets, operations {count}, resting {resting}, levels {levels}");
    let rates: Vec<(f64, f64)> =
        all.iter_mut().map(|rounds| (rounds.median(), rounds.quiet(&operations))).collect();
    println!("  ops/s                      median      quiet   production is ... times as fast");
    for (name, (median, quiet)) in names.iter().zip(&rates) {
        let (by_median, by_quiet) = (rates[0].0 / median, rates[0].1 / quiet);
        println!("  {name:<20}{median:>12.0} {quiet:>10.0}   {by_median:.2} {by_quiet:.2}");
    }
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile(&times, share));
    let (max, clock) = (percentile(&times, 1.0), clock());
    println!(
        "  one by one           p50 {p50}, p99 {p99}, p99.9 {p999}, max {max} ns, of it clock {clock} ns"
    );
    println!("  equal to the naive   {same}");
    let json: Vec<String> = ["chain", "bare", "naive", "lobster", "matchcore"]
        .iter()
        .zip(&rates)
        .map(|(name, (median, quiet))| format!("\"{name}\":{median:.0},\"{name}_quiet\":{quiet:.0},"))
        .collect();
    println!(
        "{{\"workload\":\"{name}\",\"seed\":{seed},\"operations\":{count},\"rounds\":{rounds},\
         \"markets\":{markets},\"resting\":{resting},\"levels\":{levels},\
         {}\
         \"p50_ns\":{p50},\"p99_ns\":{p99},\"p999_ns\":{p999},\"max_ns\":{max},\"clock_ns\":{clock},\
         \"equal\":{same}}}",
        json.concat(),
    );
    assert!(same, "the books differ");
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (Ok(count), Ok(seed), Ok(rounds)) = (next(3_000_000), next(7), next(5)) else {
        eprintln!("usage: book_bench [OPERATIONS [SEED [ROUNDS]]]");
        return;
    };
    workload("W1", (count, seed, rounds.max(1)), (1, 1_000));
    workload("W1m", (count, seed, rounds.max(1)), (100, 10_000));
}
