//! Workload W2: the real rules with margin and events, one thread:
//! `cargo run --release -p clob --example w2_bench [-- OPERATIONS [SEED [WARM_BLOCKS]]]`.
//!
//! 64 markets, 100,000 accounts of which 2 % make markets, about 2,000 resting orders in each market. Of the
//! operations 44 % replace an order under its id, 28 % place post-only, 22 % cancel, 4 % take at once, 1 %
//! take and rest, 1 % live until a time or only reduce. Oracle prices move in every block. Each operation goes
//! through `clob::execute` with checks, fees, margin, journal and typed events; rows are written when a block
//! ends. Not inside: signatures, decoding of transactions, the tree, the list of changes for the tree, the
//! drawing of operations. The last line is JSON.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]
#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "rates are for people to read")]
#![expect(clippy::indexing_slicing, reason = "indices are drawn below the length")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has a clock")]

mod draw;
mod meter;
mod stages;
mod world;

use clob::{Error, Msg, Outcome};
use draw::Draw;
use meter::Meter;
use serde_json::json;
use stages::{Again, SAMPLE};
use std::collections::BTreeMap;
use store::Ctx;
use world::World;

const BLOCK: usize = 10_000;
/// Operations that a node looks ahead together.
const TOGETHER: usize = 32;

/// What the timed part did.
#[derive(Default)]
struct Count {
    operations: u64,
    accepted: u64,
    traded: u64,
    fills: u64,
    events: u64,
    attributes: u64,
    refusals: BTreeMap<u32, u64>,
}

#[derive(Default)]
struct Stages {
    begin: Meter,
    messages: Meter,
    rows: Meter,
    again: Again,
}

fn main() {
    let argument = |at: usize, default: u64| {
        std::env::args().nth(at).map_or(default, |text| text.parse().expect("a number"))
    };
    let (operations, seed) = (argument(1, 5_000_000), argument(2, 1));
    let mut draw = Draw::new(seed);
    let memory_before = meter::live_bytes();
    let mut world = World::new(&mut draw);
    let (mut count, mut stages) = (Count::default(), Stages::default());
    let mut warm = argument(3, 60);
    let mut block = Vec::with_capacity(BLOCK);
    while count.operations < operations {
        world.next_block(&mut draw, &mut stages.begin);
        block.clear();
        draw.block(&world, BLOCK, &mut block);
        let mut told = types::Events::default();
        run(&mut world, &block, &mut count, &mut stages.messages, &mut told);
        stages.again.block(&mut world, &block, &told);
        stages.rows.measure(|| world.end_block());
        if warm > 0 {
            warm -= 1;
            (count, stages) = (Count::default(), Stages::default());
        }
    }
    report(&world, &count, &stages, seed, memory_before);
}

fn run(world: &mut World, block: &[Msg], count: &mut Count, meter: &mut Meter, told: &mut types::Events) {
    let World { state, books, block: now, chain, events, .. } = world;
    events.clear();
    let mut sample = 0;
    meter.measure(|| {
        for (at, msg) in block.iter().enumerate() {
            if at % TOGETHER == 0 {
                clob::warm(books, &block[at..block.len().min(at + TOGETHER)]);
            }
            let result = clob::execute(&mut Ctx { state, events, block: now, chain }, books, msg);
            match &result {
                Ok(Outcome::Placed(placed)) if !placed.filled.is_zero() => count.traded += 1,
                Ok(_) => {}
                Err(error) => *count.refusals.entry(code(error)).or_default() += 1,
            }
            count.events += events.len() as u64;
            count.operations += 1;
            count.accepted += u64::from(result.is_ok());
            // Whoever publishes takes a transaction's events away; one in 16 is kept for the stage profile.
            sample += 1;
            if sample % SAMPLE == 0 {
                meter::keep(events, told);
            }
            for event in events.iter() {
                count.attributes += event.attributes.len() as u64;
                count.fills += u64::from(event.kind == clob::FILL_EVENT);
            }
            events.clear();
        }
    });
}

fn code(error: &Error) -> u32 {
    types::Rejection::code(error)
}

fn report(world: &World, count: &Count, stages: &Stages, seed: u64, memory_before: u64) {
    let per = |meter: &Meter| meter.nanos() as f64 / count.operations as f64;
    let (messages, rows, begin) = (per(&stages.messages), per(&stages.rows), per(&stages.begin));
    let again = &stages.again;
    let share = |meter: &Meter| meter.wall() as f64 / again.operations as f64;
    let (events, margin) = (share(&again.events), share(&again.margin));
    let (compact, single) = (share(&again.compact), share(&again.single));
    let matching = messages - events - margin;
    let total = messages + rows + begin;
    let wall = |meter: &Meter| meter.wall() as f64 / count.operations as f64;
    let total_wall = wall(&stages.messages) + wall(&stages.rows) + wall(&stages.begin);
    println!("operations {} accepted {}", count.operations, count.accepted);
    println!("trading operations {} fills {}", count.traded, count.fills);
    println!("refusals by code {:?}", count.refusals);
    println!("events {} attributes {}", count.events, count.attributes);
    println!("resting {} rows {}", world.books.len(), world.state.len());
    println!("ns per operation: total {total:.0} processor time, {total_wall:.0} on the wall, of which");
    println!("  begin of block {begin:.0}, messages {messages:.0}, state write (rows) {rows:.0}");
    println!("inside messages, done again for one operation in {SAMPLE}:");
    println!(
        "  margin {margin:.0} (pay for the same fills, then undo), events {events:.0} (tell the same again)"
    );
    println!("  rules and matching {matching:.0} (what is left)");
    println!(
        "before messages, not in the total: decode {compact:.0} (in a MsgBatch of 20), {single:.0} (alone)"
    );
    let line = json!({
        "workload": "W2", "seed": seed, "markets": world::MARKETS, "accounts": world::ACCOUNTS,
        "operations": count.operations, "block": BLOCK,
        "ops_per_second": (1e9 / total) as u64,
        "ops_per_second_wall": (1e9 / total_wall) as u64,
        "ns": {
            "messages": messages, "events": events, "margin": margin, "matching": matching,
            "rows": rows, "begin": begin, "decode_compact": compact, "decode_single": single,
        },
        "allocations_per_operation": {
            "messages": stages.messages.allocations() as f64 / count.operations as f64,
            "rows": stages.rows.allocations() as f64 / count.operations as f64,
            "begin": stages.begin.allocations() as f64 / count.operations as f64,
        },
        "trading_share": count.traded as f64 / count.operations as f64,
        "fills": count.fills, "refused": count.operations - count.accepted,
        "resting": world.books.len(), "rows": world.state.len(),
        "bytes_live": meter::live_bytes() - memory_before,
    });
    println!("{line}");
}
