//! Samples and ticks over blocks: when they come, what they charge, what they leave out.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "tests count with small numbers"
)]

mod world;

use clob::Side::{Buy, Sell};
use funding::{Params, Report};
use num::SignedPpm;
use types::{MarketId, Value};
use world::{account, Setup, World, BTC, BTC_DOLLAR, ETH, ONE_BTC};

/// One BTC in sizes of orders.
const COIN: u64 = 10_000_000_000;

/// A BTC price in dimes of dollars as subticks.
const fn dimes(dimes: u64) -> u64 {
    dimes * 1_000
}

fn at(dollars: u64) -> [(MarketId, u64); 2] {
    [(BTC, dollars * BTC_DOLLAR), (ETH, 3_000_000_000)]
}

fn samples(world: &World) -> (i64, u32) {
    let samples = funding::state::samples(&world.state, BTC);
    (samples.sum, samples.count)
}

/// A book with a premium of 1,000 ppm over $50,000: both sides beyond 50,050.
fn book_above(world: &mut World) {
    world.rest(BTC, Buy, COIN, dimes(500_500));
    world.rest(BTC, Sell, COIN, dimes(500_600));
}

/// Sizes and prices in dimes.
type Levels<'a> = &'a [(u64, u64)];

/// Id, asks, bids, oracle price in dollars, margins, premium.
type Case<'a> = (&'a str, Levels<'a>, Levels<'a>, u64, (u32, u32), i64);

#[test]
fn premiums_of_real_books() {
    let one = COIN;
    let tenth = COIN / 10;
    // Without a clamp of its own: 60 times 25 %.
    let wide = (1_000_000, 750_000);
    // 60 times this tier's gap is 10.002 %.
    let narrow = (10_000, 833_300);
    let cases: [Case<'_>; 8] = [
        ("P1", &[(one, 100_010)], &[(one, 99_990)], 10_000, wide, 0),
        ("P3", &[(tenth, 100_010), (tenth, 100_015), (one, 100_020)], &[(one, 99_990)], 10_003, wide, -129),
        ("P5", &[(one, 100_010)], &[(one, 99_999)], 9_998, wide, 190),
        ("P7 low", &[(one, 100_010)], &[(one, 99_999)], 6_000, narrow, 100_020),
        ("P7 high", &[(one, 100_010)], &[(one, 99_999)], 15_000, narrow, -100_020),
        ("P9", &[(one, 100_001)], &[(tenth, 99_998)], 10_001, narrow, -89),
        ("P11 too thin", &[(tenth, 100_001)], &[(one, 99_998)], 10_001, wide, 0),
        ("no book", &[], &[], 10_001, wide, 0),
    ];
    for (id, asks, bids, index, margins, expected) in cases {
        let mut world = World::new(&Setup { margins, impact: 5_000_000_000, ..Setup::default() }, 0);
        for (size, price) in asks {
            world.rest(BTC, Sell, *size, dimes(*price));
        }
        for (size, price) in bids {
            world.rest(BTC, Buy, *size, dimes(*price));
        }
        world.block(30, &at(index));
        assert_eq!(samples(&world), (expected, 1), "{id}");
    }
}

#[test]
fn samples_come_once_a_minute_at_the_half_minute() {
    let mut world = World::new(&Setup::default(), 0);
    book_above(&mut world);
    let mut taken = Vec::new();
    for second in (1..=181).step_by(5) {
        if world.block(second, &at(50_000)).sampled > 0 {
            taken.push(second);
        }
    }
    assert_eq!(taken, [31, 91, 151]);
    assert_eq!(samples(&world), (3_000, 3));
}

#[test]
fn a_sample_is_the_median_of_its_measurements() {
    let params = Params { measures_per_sample: 4, ..Params::default() };
    let mut world = World::new(&Setup { params, ..Setup::default() }, 0);
    book_above(&mut world);
    // Measured at 15, 30: the two that the first sample sees of its four; at 45, 60, 75 and 90.
    for second in 1..=29 {
        world.block(second, &at(50_000));
    }
    assert_eq!((samples(&world), funding::state::measures(&world.state, BTC)), ((0, 0), vec![1_000]));
    world.block(30, &at(50_000));
    assert_eq!(samples(&world), (500, 1), "the median of 0, 0, 1000 and 1000");
    for (second, dollars) in [(45, 50_000), (60, 50_000), (75, 50_000), (90, 10_000)] {
        world.block(second, &at(dollars));
    }
    assert_eq!(samples(&world), (1_500, 2), "one moment of a wild price changes nothing");
    assert_eq!(funding::state::measures(&world.state, BTC), Vec::<i32>::new());
    let seen = funding::state::measured(&world.state, BTC).unwrap();
    assert_eq!((seen.bid.unwrap().raw(), seen.ask.unwrap().raw()), (dimes(500_500), dimes(500_600)));
    assert_eq!((seen.price.raw(), seen.time.seconds()), (10_000 * BTC_DOLLAR, 90));
    assert_eq!(seen.premium, SignedPpm::new(4_005_000));
    let predicted = funding::predicted(&world.state, BTC).unwrap();
    assert_eq!((predicted.measured, predicted.premium), (Some(seen), 750));
    let exported = funding::genesis::export(&world.state);
    world.block(105, &at(50_000));
    let mut other = World::new(&Setup::default(), 0);
    other.run(|ctx, _| funding::genesis::init(ctx, &exported)).unwrap();
    book_above(&mut other);
    other.block(105, &at(50_000));
    assert_eq!(funding::genesis::export(&other.state), funding::genesis::export(&world.state));
}

#[test]
fn q8_a_new_market_leaves_the_samples_of_the_others_alone() {
    let mut world = World::new(&Setup { default_funding: 100, ..Setup::default() }, 0);
    book_above(&mut world);
    world.block(30, &at(50_000));
    let key = |market: u8| vec![0x13, 0x00, 0, 0, 0, market];
    let row = |world: &World, market| {
        let mut row = None;
        store::Read::read(&world.state, &key(market), &mut |bytes| row = Some(bytes.to_vec()));
        row
    };
    let mut new = row(&world, 1).expect("markets are rows of this table");
    new[0] = 2;
    store::State::set(&mut world.state, &key(2), &new);
    world.block(90, &at(50_000));
    assert_eq!(samples(&world), (2_000, 2));
    assert_eq!(funding::state::samples(&world.state, MarketId(2)).count, 1, "it starts with what it sees");
}

#[test]
fn missed_samples_and_ticks_are_not_made_up() {
    let mut world = World::new(&Setup::default(), 0);
    book_above(&mut world);
    let report = world.block(3 * 3_600 + 45, &at(50_000));
    // One sample, and one tick of which it is the only one: 1,000 / 60 is 16 ppm.
    assert_eq!(report, Report { sampled: 2, moved: 1, skipped: 0 });
    assert_eq!(world.emitted("funding_rate", "rate_ppm"), [Value::Signed(16), Value::Signed(0)]);
    assert_eq!(world.index(BTC), 10);
    assert_eq!(world.block(3 * 3_600 + 46, &at(50_000)), Report::default());
    let clock = funding::state::clock(&world.state);
    assert_eq!((clock.next_sample.seconds(), clock.next_tick.seconds()), (3 * 3_600 + 90, 4 * 3_600));
}

#[test]
fn f7_f13_an_hour_of_samples_moves_the_index() {
    for (id, default_funding, rate, index) in [("F7", 0, 1_000, 625), ("F13", 1_000, 2_000, 1_250)] {
        let mut world = World::new(&Setup { default_funding, ..Setup::default() }, 0);
        book_above(&mut world);
        for minute in 0..60 {
            world.block(minute * 60 + 30, &at(50_000));
            // Orders live for twenty blocks only; these stand still.
            world.block.height = 1;
        }
        assert_eq!((samples(&world), world.index(BTC)), ((60_000, 60), 0), "{id}");
        let report = world.block(3_600, &at(50_000));
        assert_eq!(report.skipped, 0, "{id}");
        assert_eq!(world.index(BTC), index, "{id}");
        assert_eq!(world.emitted("funding_rate", "rate_ppm")[0], Value::Signed(rate), "{id}");
        assert_eq!(samples(&world), (0, 0), "{id}");
        let last = funding::state::last(&world.state, BTC).unwrap();
        assert_eq!((last.rate, last.delta.raw()), (SignedPpm::new(i32::try_from(rate).unwrap()), index));
        // No samples, ETH: only the default rate, at $3,000 per 10^9: 1,000 ppm are 375 of an index.
        assert_eq!(world.index(ETH), i128::from(default_funding) * 375 / 1_000, "{id}");
    }
}

#[test]
fn f17_positions_settle_against_the_index() {
    let positions = vec![(2, ONE_BTC * 8 / 10), (3, -ONE_BTC), (4, ONE_BTC * 2 / 10)];
    // One sample an hour, so that it is the average.
    let params =
        Params { tick_seconds: 3_600, sample_seconds: 3_600, sample_offset_seconds: 30, ..Params::default() };
    let mut world = World::new(&Setup { positions, params, ..Setup::default() }, 0);
    world.rest(BTC, Buy, COIN, dimes(280_000));
    world.rest(BTC, Sell, COIN, dimes(280_050));
    world.block(30, &at(27_960));
    assert_eq!(samples(&world), (1_430, 1));
    let predicted = funding::predicted(&world.state, BTC).unwrap();
    assert_eq!(
        (predicted.rate, predicted.rate_now, predicted.premium),
        (SignedPpm::new(1_430), SignedPpm::new(1_430), 1_430)
    );
    assert_eq!((predicted.expected, predicted.samples.count, predicted.last), (1, 1, None));
    world.block(3_600, &at(27_000));
    assert_eq!(world.index(BTC), 482);
    for (name, received) in [(2, -3_856_000), (3, 4_820_000), (4, -964_000)] {
        let held = subaccounts::get(&world.state, &account(name));
        let settled = subaccounts::settled(&world.state, &held).unwrap();
        assert_eq!((settled.quote - held.quote).raw(), received, "{name}");
    }
}

#[test]
fn a_stale_price_has_no_premium_and_no_funding() {
    let mut world = World::new(&Setup { default_funding: 100, ..Setup::default() }, 0);
    book_above(&mut world);
    world.block(31, &[(ETH, 3_000_000_000)]);
    assert_eq!(samples(&world), (0, 1), "BTC is 31 seconds old");
    world.block(91, &at(50_000));
    assert_eq!(samples(&world), (1_000, 2));
    let report = world.block(3_600, &[(ETH, 3_000_000_000)]);
    assert_eq!((report.moved, report.skipped), (1, 1));
    assert_eq!(world.emitted("funding_skipped", "market"), [Value::Unsigned(0)]);
    assert_eq!((world.index(BTC), samples(&world)), (0, (0, 0)), "the hour is gone");
    assert_eq!(world.index(ETH), 37);
}

#[test]
fn a_market_that_does_not_trade_has_no_premium() {
    let mut world = World::new(&Setup::default(), 0);
    book_above(&mut world);
    let paused = clob::state::Status::Paused;
    let mut closed = World::new(&Setup { status: paused, ..Setup::default() }, 0);
    std::mem::swap(&mut closed.books, &mut world.books);
    closed.block(30, &at(50_000));
    assert_eq!(samples(&closed), (0, 1));
}

#[test]
fn trouble_in_one_market_leaves_the_others_alone() {
    let setup = Setup { default_funding: 100, eth_index: i128::MAX, ..Setup::default() };
    let mut world = World::new(&setup, 0);
    let report = world.block(3_600, &at(50_000));
    assert_eq!((report.moved, report.skipped), (1, 1));
    assert_eq!((world.index(BTC), world.index(ETH)), (62, i128::MAX));
    assert_eq!(world.emitted("funding_skipped", "step"), [Value::Text("tick")]);
}

#[test]
fn state_exports_and_starts_again() {
    let mut world = World::new(&Setup { default_funding: 100, ..Setup::default() }, 0);
    book_above(&mut world);
    world.block(3_630, &at(50_000));
    world.block(3_690, &at(50_000));
    let exported = funding::genesis::export(&world.state);
    assert_eq!((exported.samples.len(), exported.last.len()), (2, 2));
    let mut other = World::new(&Setup::default(), 0);
    other.run(|ctx, _| funding::genesis::init(ctx, &exported)).unwrap();
    assert_eq!(funding::genesis::export(&other.state), exported);
    for (name, params) in [
        ("tick_seconds", Params { tick_seconds: 0, ..Params::default() }),
        ("tick_seconds", Params { tick_seconds: 86_460, ..Params::default() }),
        ("sample_seconds", Params { sample_seconds: 0, ..Params::default() }),
        ("sample_seconds", Params { sample_seconds: 7, ..Params::default() }),
        ("sample_offset_seconds", Params { sample_offset_seconds: 60, ..Params::default() }),
        ("measures_per_sample", Params { measures_per_sample: 0, ..Params::default() }),
        ("measures_per_sample", Params { measures_per_sample: 7, ..Params::default() }),
    ] {
        assert_eq!(params.check(), Err(funding::Error::Params(name)));
    }
}
