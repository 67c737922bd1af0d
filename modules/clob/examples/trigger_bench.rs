//! What a block takes of a processor that wakes 2,000 conditional orders and ends 5,000 others, among many that wait
//! and rest.
//!
//! `trigger_bench [RESTING WAITING BLOCKS]`, by default 2,000,000, 1,000,000 and 20.

#![expect(dead_code, reason = "the world has more than a measurement needs")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement stops at what it does not expect"
)]

#[path = "../tests/stories/world.rs"]
mod world;

use std::time::{Duration, Instant};

use clob::{Condition, ConditionKind, GoodTil, Kind, Order, OrderId, Params, RateLimits, Side, Size};
use num::Subticks;
use store::Ctx;
use types::{Address, SubaccountId};
use world::{order, Start, World, DOLLAR, MILLI};

const START: u32 = 1_700_000_000;

/// One of 100,000 subaccounts of 200 owners.
fn account(at: u32) -> SubaccountId {
    let owner = u8::try_from(at % 200 + 1).unwrap();
    SubaccountId { owner: Address::new([owner; 20]), number: at / 200 % 500 }
}

fn stateful(at: u32, kind: Kind, side: Side, dollars: u64, seconds: u32) -> Order {
    let order = order(account(at), at, side, MILLI, dollars * DOLLAR);
    Order { id: OrderId { kind, ..order.id }, good_til: GoodTil::Time(START + seconds), ..order }
}

fn waiting(at: u32, trigger: u64, seconds: u32) -> Order {
    let order = stateful(at, Kind::Conditional, Side::Buy, 40_000 + u64::from(at % 1_000), seconds);
    let condition = Condition { kind: ConditionKind::StopLoss, trigger: Subticks::new(trigger * DOLLAR) };
    Order { condition: Some(condition), size: Size::new(5), ..order }
}

/// What this thread has had of a processor: other loads of the machine do not count.
fn processor() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(times.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or_default())
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>().unwrap());
    let resting = arguments.next().unwrap_or(2_000_000);
    let conditional = arguments.next().unwrap_or(1_000_000);
    let blocks = arguments.next().unwrap_or(20);
    let params = Params { rate_limits: RateLimits::NONE, max_resting: 1_000_000, ..Params::default() };
    let mut world = World::with(Start { params, dollars: vec![1_000_000_000; 200], ..Start::default() });
    let began = Instant::now();
    // Resting orders carry no collateral check when they are short-term, so let them be that.
    for at in 0..resting {
        let side = if at % 2 == 0 { Side::Buy } else { Side::Sell };
        let dollars =
            if at % 2 == 0 { 45_000 - u64::from(at % 4_000) } else { 65_000 + u64::from(at % 4_000) };
        let order = order(account(at), at, side, MILLI, dollars * DOLLAR);
        // 2,500 of them end in each block.
        let until = if at < blocks * 2_500 { 1 + at / 2_500 } else { 41 };
        world.place(Order { good_til: GoodTil::Block(until), ..order }).unwrap();
    }
    for at in 0..conditional {
        // 2,000 wake in each block as the price rises, 2,500 end in each second.
        let (trigger, seconds) = match at {
            _ if at < blocks * 2_000 => (50_001 + u64::from(at / 2_000), 1_000),
            _ if at < blocks * 4_500 => (60_000, 1 + (at - blocks * 2_000) / 2_500),
            _ => (52_000 + u64::from(at % 8_000), 10_000),
        };
        world.place(waiting(at, trigger, seconds)).unwrap();
    }
    println!("{resting} resting and {conditional} waiting orders in {:?}", began.elapsed());
    world.events.clear();
    end(&mut world);
    let mut passes = Vec::new();
    let mut ends = Vec::new();
    for block in 0..blocks {
        world.block.height += 1;
        world.block.previous_time = world.block.time;
        world.block.time = world.block.time.plus_seconds(1);
        world.oracle(50_001 + u64::from(block));
        world.events.clear();
        let before = world.books.len();
        let began = processor();
        let World { state, books, block: now, chain, events } = &mut world;
        let ctx = &mut Ctx { state, events, block: now, chain };
        clob::expire(ctx, books);
        let expired = processor() - began;
        clob::trigger(ctx, books);
        clob::slices(ctx, books);
        let pass = processor() - began;
        passes.push(pass);
        let told = world.events.len();
        ends.push(end(&mut world));
        let rest = world.books.len();
        println!("block {block}: expiries {expired:?}, with triggers {pass:?}, {told} events, {before} to {rest} rest");
    }
    passes.sort();
    ends.sort();
    let middle = passes.len() / 2;
    println!(
        "median {:?}, worst {:?}; rows of it {:?}",
        passes[middle],
        passes[passes.len() - 1],
        ends[middle]
    );
}

/// Write the rows; what it took of a processor.
fn end(world: &mut World) -> Duration {
    let World { state, books, block, chain, events } = world;
    let began = processor();
    clob::end_block(&mut Ctx { state, events, block, chain }, books);
    let took = processor() - began;
    state.take_changes();
    took
}
