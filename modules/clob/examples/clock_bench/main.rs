//! Workload W9 and goal G17: what time and prices cost when many orders rest and wait.
//! `cargo run --release --example clock_bench [-- RESTING CONDITIONALS BLOCKS]`, by default 2,000,000, 1,000,000
//! and 15.
//!
//! W9: GTT orders and conditional ones in 300 markets. Busy blocks, in which 5,000 orders end and 2,000 triggers
//! fire, take turns with empty ones. The time is that of `clob::expire`, `clob::trigger`, `clob::end_block` and
//! the state's own end of a block, on the rows and books of a chain, on the wall: keep the machine quiet.
//!
//! G17: chains with twice the accounts, resting orders, conditional orders or past orders do the same work in
//! their blocks (500 expiries, 200 triggers, 500 orders placed and cancelled) in turns with the plain one, and so
//! does one that is the same size: the control. Every number is a median over blocks, of ratios with its
//! noise. The last lines are JSON.

#![expect(clippy::expect_used, reason = "a measurement stops at what it does not expect")]
#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]
#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "rates are for people to read")]
#![expect(clippy::indexing_slicing, clippy::integer_division, reason = "indices are below the length")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has a clock")]

mod world;

use std::time::{Duration, Instant};

use world::{Parts, Scale, World};

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn micros(parts: &[Parts], of: impl Fn(&Parts) -> Duration) -> f64 {
    median(parts.iter().map(|parts| of(parts).as_secs_f64() * 1e6).collect())
}

/// Unchanged blocks before each busy one: many, because they are short.
const QUIET: usize = 16;

/// Blocks after which ids of a busy block are forgotten, so that the later ones are unchanged.
const SETTLING: usize = 8;

/// How far the median of the ratios of pairs may be off: twice its standard error, from their middle half.
fn noise(pairs: &[[f64; 2]]) -> f64 {
    let mut ratios: Vec<f64> = pairs.iter().map(|[one, two]| two / one).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let middle = ratios[ratios.len() * 3 / 4] - ratios[ratios.len() / 4];
    2.0 * 1.253 * middle / 1.349 / (ratios.len() as f64).sqrt()
}

fn w9(orders: u32, conditionals: u32, blocks: u32) {
    let scale = Scale {
        markets: 300,
        accounts: 100_000,
        orders,
        conditionals,
        history: 0,
        blocks: blocks + 2,
        expiries: 5_000,
        triggers: 2_000,
    };
    let begin = Instant::now();
    let mut world = World::new(scale);
    let (rest, wait) = (world.books.len(), world.books.waiting());
    println!("W9: {rest} orders rest, {wait} wait, 300 markets, built in {:?}", begin.elapsed());
    world.turn(0, 0, false);
    let (mut empty, mut busy, mut probed) = (Vec::new(), Vec::new(), Vec::new());
    for block in 0..blocks + 1 {
        let probe = block % 4 == 1;
        let (quiet, full) = (world.probe((1, 0), false, probe), world.probe((1, 0), true, probe));
        assert_eq!((quiet.expired, quiet.triggered), (0, 0), "an empty block is not empty");
        assert_eq!((full.expired, full.triggered), (5_000, 2_000), "a busy block is not busy");
        // The first of them warm up.
        if probe {
            probed.push(full);
        } else if block > 0 {
            empty.push(quiet);
            busy.push(full);
        }
    }
    let best = busy.iter().map(Parts::total).min().unwrap_or_default().as_secs_f64() * 1e6;
    println!("  microseconds     expire  trigger     rows    state    total events");
    for (name, parts) in [("empty block", &empty), ("busy block", &busy)] {
        println!(
            "  {name:<13}{:>10.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>6}",
            micros(parts, |parts| parts.expire),
            micros(parts, |parts| parts.trigger),
            micros(parts, |parts| parts.rows),
            micros(parts, |parts| parts.state),
            micros(parts, Parts::total),
            parts[0].events,
        );
    }
    println!("  best busy block {best:.0}; unlinking alone {:.0}", micros(&probed, |parts| parts.index));
    println!(
        "{{\"workload\":\"W9\",\"resting\":{rest},\"waiting\":{wait},\"markets\":300,\"blocks\":{blocks},\
         \"empty_us\":{:.1},\"busy_us\":{:.1},\"busy_best_us\":{best:.1},\"expire_us\":{:.1},\"unlink_us\":{:.1},\
         \"trigger_us\":{:.1},\"rows_us\":{:.1},\"state_us\":{:.1}}}",
        micros(&empty, Parts::total),
        micros(&busy, Parts::total),
        micros(&busy, |parts| parts.expire),
        micros(&probed, |parts| parts.index),
        micros(&busy, |parts| parts.trigger),
        micros(&busy, |parts| parts.rows),
        micros(&busy, |parts| parts.state),
    );
}

fn g17(orders: u32, conditionals: u32, blocks: u32) {
    let plain = Scale {
        markets: 300,
        accounts: 100_000,
        orders,
        conditionals,
        history: 100_000,
        blocks: blocks + 2,
        expiries: 500,
        triggers: 200,
    };
    println!("G17: twice as many, against {orders} resting, {conditionals} waiting, 100,000 accounts");
    let variants = [
        ("control", plain),
        ("accounts", Scale { accounts: 200_000, ..plain }),
        ("resting", Scale { orders: orders * 2, ..plain }),
        ("conditionals", Scale { conditionals: conditionals * 2, ..plain }),
        ("history", Scale { history: 200_000, ..plain }),
    ];
    for (name, scale) in variants {
        let (mut one, mut two) = (World::new(plain), World::new(scale));
        let (mut empty, mut busy) = (Vec::new(), Vec::new());
        for block in 0..blocks + 1 {
            // Who comes first changes, so that it favours nobody.
            let mut turns = 0;
            let mut pair = |seconds, messages, busy| {
                turns += 1;
                if (block + turns) % 2 == 0 {
                    [one.turn(seconds, messages, busy), two.turn(seconds, messages, busy)]
                } else {
                    let second = two.turn(seconds, messages, busy);
                    [one.turn(seconds, messages, busy), second]
                }
            };
            for _ in 0..SETTLING {
                pair(0, 0, false);
            }
            pair(1, 0, false);
            let quiet = [(); QUIET].map(|()| pair(0, 0, false));
            let full = pair(1, 500, true);
            assert!(full.iter().all(|parts| (parts.expired, parts.triggered) == (500, 200)), "other work");
            if block > 0 {
                empty.extend(quiet.map(|both| both.map(|parts| parts.total().as_secs_f64() * 1e6)));
                busy.push(full.map(|parts| parts.total().as_secs_f64() * 1e6));
            }
        }
        let side = |pairs: &[[f64; 2]], at: usize| median(pairs.iter().map(|pair| pair[at]).collect());
        let ratio = |pairs: &[[f64; 2]]| median(pairs.iter().map(|[one, two]| two / one).collect());
        let (grown, quiet) = (ratio(&busy), ratio(&empty));
        let noise = [noise(&busy), noise(&empty)];
        println!(
            "  {name:<13} block {:>7.0} us, was {:>7.0}: ratio {grown:.3} +-{:.3}; empty {:>6.1} us, was {:>6.1}: \
             {quiet:.3} +-{:.3}",
            side(&busy, 1),
            side(&busy, 0),
            noise[0],
            side(&empty, 1),
            side(&empty, 0),
            noise[1],
        );
        println!(
            "{{\"goal\":\"G17\",\"double\":\"{name}\",\"ratio\":{grown:.4},\"empty_ratio\":{quiet:.4}}}"
        );
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u32>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (Ok(orders), Ok(conditionals), Ok(blocks)) = (next(2_000_000), next(1_000_000), next(15)) else {
        eprintln!("usage: clock_bench [RESTING CONDITIONALS BLOCKS]");
        return;
    };
    w9(orders, conditionals, blocks);
    g17(orders / 4, conditionals / 4, blocks * 3);
}
