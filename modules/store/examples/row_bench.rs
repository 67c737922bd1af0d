//! What a row costs: nanoseconds and allocations per write and read of a state that is far larger than the
//! caches, in shuffled order. `cargo run --release -p store --example row_bench [-- ROWS [BLOCKS]]`.
//!
//! A block changes 20,000 rows, adds 10,000, removes 10,000 and reads 20,000, changes, adds and removes as many
//! in batches, then ends; each part is timed by itself. Keys have 45 bytes, values 40 to 120. The last line is JSON.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]
#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "rates are for people to read")]
#![expect(clippy::indexing_slicing, reason = "indices are drawn below the length")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has a clock")]
#![expect(clippy::expect_used, clippy::integer_division, reason = "a tool may stop")]

use std::alloc::System;
use std::hint::black_box;
use std::time::Instant;

use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use store::{Batch, Map, Memory, State};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MANY: usize = 20_000;
const FEW: usize = 10_000;
const ROWS: Map<[u8; 43], Vec<u8>> = Map::new([7; 2], "bench/rows");

fn mix(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}

fn key(number: u64) -> [u8; 45] {
    let mut key = [7; 45];
    key[2..10].copy_from_slice(&mix(number).to_be_bytes());
    key[37..].copy_from_slice(&number.to_be_bytes());
    key
}

/// A value that depends on the row and the block.
fn value(number: u64, block: u64, place: &mut [u8; 128]) -> &[u8] {
    place[..8].copy_from_slice(&(number ^ (block << 32)).to_le_bytes());
    &place[..40 + (number % 81) as usize]
}

/// What a block does to the rows.
struct Work {
    changed: Vec<([u8; 45], Vec<u8>)>,
    removed: Vec<[u8; 45]>,
    added: Vec<([u8; 45], Vec<u8>)>,
}

impl Work {
    fn new(salt: u64, live: &mut Vec<u64>, next: &mut u64) -> Self {
        let row = |number: u64| (key(number), value(number, salt, &mut [9; 128]).to_vec());
        let drawn = |live: &[u64], at: usize| (mix(salt << 32 | at as u64) % live.len() as u64) as usize;
        let changed = (0..MANY).map(|at| row(live[drawn(live, at)])).collect();
        let removed = (0..FEW).map(|at| key(live.swap_remove(drawn(live, MANY + at)))).collect();
        let added = *next..*next + FEW as u64;
        live.extend(added.clone());
        *next = added.end;
        Self { changed, removed, added: added.map(row).collect() }
    }
}

#[derive(Default)]
struct Meter {
    nanos: u128,
    allocations: usize,
    times: usize,
}

impl Meter {
    fn measure(&mut self, times: usize, f: impl FnOnce()) {
        let allocations =
            || INSTRUMENTED_SYSTEM.stats().allocations + INSTRUMENTED_SYSTEM.stats().reallocations;
        let (before, start) = (allocations(), Instant::now());
        f();
        self.nanos += start.elapsed().as_nanos();
        self.allocations += allocations() - before;
        self.times += times;
    }
}

fn main() {
    let argument = |at: usize, default: u64| {
        std::env::args().nth(at).map_or(default, |text| text.parse().expect("a number"))
    };
    let (rows, blocks) = (argument(1, 600_000), argument(2, 40));
    let (mut memory, mut place) = (Memory::default(), [9; 128]);
    let mut live: Vec<u64> = (0..rows).collect();
    for number in &live {
        memory.set(&key(*number), value(*number, 0, &mut place));
    }
    memory.end_block();
    let mut next = rows;
    let mut meters: [Meter; 9] = Default::default();
    for block in 1..=blocks {
        if block == blocks / 2 {
            meters = Default::default();
        }
        let [change, add, remove, read, attempt, change_batch, add_batch, remove_batch, end] = &mut meters;
        let state: &mut dyn State = &mut memory;
        let one = Work::new(block * 2, &mut live, &mut next);
        change.measure(MANY, || one.changed.iter().for_each(|(key, value)| state.set(key, value)));
        remove.measure(FEW, || one.removed.iter().for_each(|key| state.remove(key)));
        add.measure(FEW, || one.added.iter().for_each(|(key, value)| state.set(key, value)));
        let two = Work::new(block * 2 + 1, &mut live, &mut next);
        read.measure(MANY, || {
            one.changed.iter().for_each(|(key, _)| {
                state.read(key, &mut |bytes| {
                    black_box(bytes[0]);
                });
            });
        });
        attempt.measure(MANY, || {
            (0..MANY).for_each(|_| {
                black_box(&mut *state).savepoint();
                black_box(&mut *state).release();
            });
        });
        let set = |state: &mut dyn State, rows: &[([u8; 45], Vec<u8>)]| {
            let mut batch = Batch::new(state);
            rows.iter()
                .for_each(|(key, value)| batch.set(&ROWS, key[2..].as_array().expect("43 bytes"), value));
        };
        change_batch.measure(MANY, || set(state, &two.changed));
        remove_batch.measure(FEW, || {
            let mut batch = Batch::new(state);
            two.removed.iter().for_each(|key| batch.remove(&ROWS, key[2..].as_array().expect("43 bytes")));
        });
        add_batch.measure(FEW, || set(state, &two.added));
        end.measure(2 * (MANY + 2 * FEW), || memory.end_block());
    }
    let names =
        ["change", "add", "remove", "read", "savepoint", "change_batch", "add_batch", "remove_batch", "end"];
    let mut parts = Vec::new();
    for (name, meter) in names.iter().zip(&meters) {
        let per = |total: f64| total / meter.times as f64;
        let (nanos, allocations) = (per(meter.nanos as f64), per(meter.allocations as f64));
        println!("{name:>13} {nanos:7.1} ns {allocations:6.2} allocations");
        parts.push(format!("\"{name}\": {{\"ns\": {nanos:.1}, \"allocations\": {allocations:.3}}}"));
    }
    println!("{{\"rows\": {}, {}}}", memory.len(), parts.join(", "));
}
