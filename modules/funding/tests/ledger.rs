//! Money of funding: abuse cases MAR-07 to MAR-09, and accounts against a ledger of exact fractions.

#![cfg(test)]
#![expect(clippy::arithmetic_side_effects, reason = "tests count with small numbers")]

mod world;

use clob::Side::{Buy, Sell};
use funding::Report;
use num::{BaseQuantums, FundingIndex, QuoteQuantums, SignedPpm};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use subaccounts::{Kind, Update};
use types::{MarketId, Value};
use world::{account, Setup, World, BTC, BTC_DOLLAR, ETH, ONE_BTC};

const MILLION: i128 = 1_000_000;
const RICH: i128 = 1_000_000_000_000_000;

fn at(dollars: u64) -> [(MarketId, u64); 2] {
    [(BTC, dollars * BTC_DOLLAR), (ETH, 3_000_000_000)]
}

/// Update accounts, and write them at once.
fn update(world: &mut World, updates: &[Update], kind: Kind) {
    world.run(|ctx, books| {
        subaccounts::update(ctx, &mut books.accounts, updates, kind).unwrap();
        books.accounts.flush(ctx.state);
    });
}

fn of(name: u8, base: Option<(MarketId, BaseQuantums)>) -> Update {
    Update { id: account(name), quote: QuoteQuantums::ZERO, fee: QuoteQuantums::ZERO, base }
}

/// `from` gives `base` of `market` to `to`, for nothing: only funding moves money.
fn give(world: &mut World, market: MarketId, from: u8, to: u8, base: i128) {
    let part = |name, base| of(name, Some((market, BaseQuantums::new(base))));
    update(world, &[part(from, -base), part(to, base)], Kind::Match);
}

fn touch(world: &mut World, name: u8) {
    update(world, &[of(name, None)], Kind::Deposit);
}

fn quote(world: &World, name: u8) -> i128 {
    subaccounts::get(&world.state, &account(name)).quote.raw()
}

/// What accounts 1 to 5 have received together since the start.
fn received(world: &World) -> i128 {
    (1..=5).map(|name| quote(world, name) - RICH).sum()
}

fn dust(world: &World) -> i128 {
    subaccounts::funding_dust(&world.state)
}

fn move_index(world: &mut World, market: MarketId, delta: i128) {
    world.run(|ctx, _| perpetuals::advance_funding(ctx, market, FundingIndex::new(delta))).unwrap();
    world.books.accounts.begin_block(&world.state, &world.block);
}

#[test]
fn f5_a_long_pays_for_twenty_of_the_index_before_its_withdrawal_is_taken_off() {
    let mut world = World::new(&Setup::default(), 0);
    move_index(&mut world, BTC, -30);
    give(&mut world, BTC, 2, 3, 100_000_000);
    move_index(&mut world, BTC, 20);
    let withdrawal = Update { quote: QuoteQuantums::new(-100), ..of(3, None) };
    update(&mut world, &[withdrawal], Kind::Withdrawal);
    // From -30 to -10: 20 * 10^8 / 10^6.
    assert_eq!(quote(&world, 3) - RICH, -2_100);
    assert_eq!(world.emitted("funding_paid", "amount"), [Value::Signed(2_000)]);
    touch(&mut world, 2);
    assert_eq!((quote(&world, 2) - RICH, dust(&world)), (2_000, 0));
}

#[test]
fn mar_07_funding_at_its_bound_turning_each_tick_leaves_only_dust() {
    let positions = vec![(2, 7), (3, -11), (4, 4)];
    let setup = Setup { margins: (200_000, 900_000), positions, ..Setup::default() };
    let mut world = World::new(&setup, 0);
    for hour in 1..=200 {
        // The book jumps to twice the oracle price, then to half of it: each time beyond the bound of 12 %.
        let dollars = if hour % 2 == 0 { 100_000 } else { 25_000 };
        world.books = clob::rebuild(&world.state);
        world.books.accounts.begin_block(&world.state, &world.block);
        world.rest(BTC, Buy, 10_000_000_000, dollars * 10_000);
        world.rest(BTC, Sell, 10_000_000_000, dollars * 10_000 + 1_000);
        for minute in 0..60 {
            world.block((hour - 1) * 3_600 + minute * 60 + 30, &at(50_000));
            world.block.height = 1;
        }
        let report = world.block(hour * 3_600, &at(50_000));
        assert_eq!(report.skipped, 0);
        let sign = if hour % 2 == 0 { 1 } else { -1 };
        assert_eq!(world.emitted("funding_rate", "rate_ppm")[0], Value::Signed(sign * 120_000));
        for name in [2, 3, 4] {
            if (i64::from(name) + hour) % 3 == 0 {
                touch(&mut world, name);
            }
        }
    }
    (2..=4).for_each(|name| touch(&mut world, name));
    assert!(received(&world) <= 0, "more was received than paid");
    assert_eq!(received(&world) * MILLION + dust(&world), 0, "what was not received is dust");
    assert_eq!(world.index(BTC), 0, "two hundred turns cancel out");
}

#[test]
fn mar_07_without_open_interest_the_index_moves_and_nobody_pays() {
    let mut world = World::new(&Setup { default_funding: 1_000, ..Setup::default() }, 0);
    let report = world.block(3_600, &at(50_000));
    assert_eq!((report.moved, report.skipped), (2, 0));
    assert_eq!((world.index(BTC), received(&world), dust(&world)), (625, 0, 0));
    // Whoever comes later starts at the index as it is.
    give(&mut world, BTC, 2, 3, ONE_BTC);
    (2..=3).for_each(|name| touch(&mut world, name));
    assert_eq!(received(&world), 0);
    assert_eq!(quote(&world, 2), RICH);
}

#[test]
fn mar_07_a_million_ticks_settle_in_one_step_as_in_many() {
    let positions = vec![(2, 3), (3, -3)];
    let mut once = World::new(&Setup { positions: positions.clone(), ..Setup::default() }, 0);
    let mut often = World::new(&Setup { positions, ..Setup::default() }, 0);
    for tick in 0..1_000_000_i128 {
        let delta = tick % 2_001 - 999;
        once.run(|ctx, _| perpetuals::advance_funding(ctx, BTC, FundingIndex::new(delta))).unwrap();
        if tick % 100_000 == 0 {
            let index = once.index(BTC) - often.index(BTC);
            move_index(&mut often, BTC, index);
            (2..=3).for_each(|name| touch(&mut often, name));
        }
    }
    let index = once.index(BTC) - often.index(BTC);
    move_index(&mut often, BTC, index);
    once.books.accounts.begin_block(&once.state, &once.block);
    for world in [&mut once, &mut often] {
        (2..=3).for_each(|name| touch(world, name));
        assert_eq!(received(world) * MILLION + dust(world), 0);
    }
    assert!(once.index(BTC) != 0);
    for name in [2, 3] {
        let gap = quote(&once, name) - quote(&often, name);
        assert!((0..=11).contains(&gap), "each settlement rounds once, against the account: {gap}");
    }
}

#[test]
fn mar_07_an_index_that_would_overflow_stands_still_and_says_so() {
    for (index, default_funding) in [(i128::MAX, 1_000), (i128::MIN, -1_000)] {
        let mut world = World::new(&Setup { default_funding, eth_index: index, ..Setup::default() }, 0);
        let report = world.block(3_600, &at(50_000));
        assert_eq!((report.moved, report.skipped), (1, 1));
        assert_eq!(world.index(ETH), index);
        assert_eq!(world.emitted("funding_skipped", "market"), [Value::Unsigned(1)]);
    }
}

#[test]
fn mar_08_leaving_before_a_tick_and_coming_back_pays_as_the_index_says() {
    // 2 and 3 are long; 3 hands its position to 4 a second before each tick and takes it back a second later.
    let positions = vec![(2, ONE_BTC), (3, ONE_BTC), (5, -2 * ONE_BTC)];
    let mut world = World::new(&Setup { default_funding: 1_000, positions, ..Setup::default() }, 0);
    for hour in 1..=24 {
        world.block(hour * 3_600 - 1, &at(50_000));
        give(&mut world, BTC, 3, 4, ONE_BTC);
        world.block(hour * 3_600, &at(50_000));
        give(&mut world, BTC, 4, 3, ONE_BTC);
    }
    (2..=5).for_each(|name| touch(&mut world, name));
    let paid = |name| RICH - quote(&world, name);
    assert_eq!(paid(2), 24 * 6_250_000, "who stayed paid each hour");
    assert_eq!((paid(3), paid(4)), (0, paid(2)), "who left paid nothing, who stood in paid it instead");
    assert_eq!(received(&world) * MILLION + dust(&world), 0);
}

#[test]
fn mar_08_within_the_block_of_a_tick_nobody_gets_away() {
    // The tick comes before the block's messages, so that leaving in its block is too late.
    let positions = vec![(2, ONE_BTC), (3, ONE_BTC), (5, -2 * ONE_BTC)];
    let mut world = World::new(&Setup { default_funding: 1_000, positions, ..Setup::default() }, 0);
    for hour in 1..=24 {
        world.block(hour * 3_600, &at(50_000));
        give(&mut world, BTC, 3, 4, ONE_BTC);
        give(&mut world, BTC, 4, 3, ONE_BTC);
    }
    (2..=5).for_each(|name| touch(&mut world, name));
    let paid = |name| RICH - quote(&world, name);
    assert!((paid(3) - paid(2)).abs() <= 1, "{} and {}", paid(3), paid(2));
    assert_eq!(paid(4), 0);
}

#[test]
fn mar_09_a_market_that_cannot_be_measured_sits_out_and_the_others_go_on() {
    let mut world = World::new(&Setup { default_funding: 100, ..Setup::default() }, 0);
    world.rest(BTC, Buy, 10_000_000_000, 500_500_000);
    world.rest(BTC, Sell, 10_000_000_000, 500_600_000);
    let good = world.block(30, &at(50_000));
    assert_eq!(good, Report { sampled: 2, moved: 0, skipped: 0 });
    // A tier that is gone: the market has no terms.
    let tier = {
        use store::Read;
        let mut found = Vec::new();
        let (from, to) = ([0x13_u8], [0x14_u8]);
        let mut next = world.state.next(std::ops::Bound::Included(&from), std::ops::Bound::Excluded(&to));
        while let Some((key, value)) = next {
            next = world.state.next(std::ops::Bound::Excluded(&key), std::ops::Bound::Excluded(&to));
            found.push((key, value));
        }
        found
    };
    let gone = tier.iter().find(|(_, value)| value.windows(4).any(|bytes| bytes == b"tier")).unwrap();
    store::State::remove(&mut world.state, &gone.0);
    let report = world.block(90, &at(50_000));
    assert_eq!((report.sampled, report.skipped), (2, 1), "the sample of the market without terms is zero");
    assert_eq!(world.emitted("funding_skipped", "market"), [Value::Unsigned(0)]);
    let report = world.block(3_600, &at(50_000));
    assert_eq!((report.moved, report.skipped), (1, 2));
    assert_eq!((world.index(BTC), world.index(ETH)), (0, 37));
    store::State::set(&mut world.state, &gone.0, &gone.1);
    assert_eq!(world.block(7_200, &at(50_000)).skipped, 0, "it comes back by itself");
}

#[test]
fn whole_quanta_of_dust_go_to_the_fund_in_the_block_that_completes_them() {
    let positions = vec![(2, 1), (3, 1), (5, -2)];
    let mut world = World::new(&Setup { positions, ..Setup::default() }, 0);
    let fund = |world: &World| insurance::balance(&world.state, &world.chain.collateral).raw();
    let pool = |world: &World| bank::balance(&world.state, &subaccounts::pool(), &world.chain.collateral);
    let before = pool(&world);
    let mut swept = Vec::new();
    for _ in 0..4 {
        // Each long owes 0.4 and pays 1; the short gets 0.8, that is nothing: 1.2 + 0.8 = 2 less 0 paid out.
        move_index(&mut world, BTC, 400_000);
        for name in [2, 3, 5] {
            touch(&mut world, name);
        }
        let total = received(&world) * MILLION + dust(&world) + fund(&world) * MILLION;
        assert_eq!(total, 0, "before the sweep");
        world.run(|ctx, books| {
            funding::end_block(ctx, &mut books.accounts);
            books.accounts.flush(ctx.state);
        });
        swept.push(fund(&world));
        assert!((0..MILLION).contains(&dust(&world)));
        assert_eq!(received(&world) * MILLION + dust(&world) + fund(&world) * MILLION, 0);
        assert_eq!(before - pool(&world), u128::try_from(fund(&world)).unwrap());
    }
    assert_eq!(swept, [2, 4, 6, 8]);
    assert_eq!(insurance::totals(&world.state).paid_in.raw(), 8);
    // Half a quantum waits for its other half.
    let mut world = World::new(&Setup { positions: vec![(2, 1), (5, -1)], ..Setup::default() }, 0);
    move_index(&mut world, BTC, 500_000);
    let mut seen = Vec::new();
    for name in [2, 5] {
        touch(&mut world, name);
        world.run(|ctx, books| {
            funding::end_block(ctx, &mut books.accounts);
            books.accounts.flush(ctx.state);
        });
        seen.push((fund(&world), dust(&world)));
    }
    assert_eq!(seen, [(0, 500_000), (1, 0)]);
    // A pool that cannot pay keeps its dust.
    move_index(&mut world, BTC, 1);
    (2..=5).for_each(|name| touch(&mut world, name));
    world.run(|ctx, books| {
        let all = bank::balance(ctx.state.as_read(), &subaccounts::pool(), &ctx.chain.collateral);
        let coin = types::Coin { denom: ctx.chain.collateral.clone(), amount: all };
        bank::transfer(ctx, &subaccounts::pool(), &account(1).owner, &coin).unwrap();
        funding::end_block(ctx, &mut books.accounts);
        books.accounts.flush(ctx.state);
    });
    assert_eq!((fund(&world), dust(&world)), (1, MILLION));
}

/// A ledger of exact fractions: what each account should have received.
#[derive(Default)]
struct Exact {
    index: [i128; 2],
    size: [[i128; 2]; 6],
    received: Vec<BigRational>,
}

impl Exact {
    fn tick(&mut self, market: usize, delta: i128) {
        self.index[market] += delta;
        self.received.resize_with(6, || BigRational::from_integer(0.into()));
        for name in 1..=5 {
            let ppm = BigInt::from(-delta) * BigInt::from(self.size[name][market]);
            self.received[name] += BigRational::new(ppm, MILLION.into());
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Tick(usize, i128),
    Give(usize, u8, u8, i128),
    Touch(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let tick = (0_usize..2, -5_000_000_i128..5_000_000).prop_map(|(market, delta)| Step::Tick(market, delta));
    let give = (0_usize..2, 1_u8..6, 1_u8..6, 1_i128..3_000_000)
        .prop_map(|(market, from, to, size)| Step::Give(market, from, to, size));
    let touch = (1_u8..6).prop_map(Step::Touch);
    proptest::collection::vec(prop_oneof![2 => tick, 3 => give, 2 => touch], 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever trades, ticks and settles: each account is below the exact ledger by less than one unit for
    /// each settlement, and all that was not received is dust, to the millionth.
    #[test]
    fn accounts_agree_with_a_ledger_of_exact_fractions(steps in steps()) {
        let (mut world, mut exact) = (World::new(&Setup::default(), 0), Exact::default());
        let mut touched = [0_i128; 6];
        for step in &steps {
            match *step {
                Step::Tick(market, delta) => {
                    move_index(&mut world, [BTC, ETH][market], delta);
                    exact.tick(market, delta);
                }
                Step::Give(_, from, to, _) if from == to => {}
                Step::Give(market, from, to, size) => {
                    give(&mut world, [BTC, ETH][market], from, to, size);
                    exact.size[usize::from(from)][market] -= size;
                    exact.size[usize::from(to)][market] += size;
                    touched[usize::from(from)] += 1;
                    touched[usize::from(to)] += 1;
                }
                Step::Touch(name) => {
                    touch(&mut world, name);
                    touched[usize::from(name)] += 1;
                }
            }
        }
        exact.tick(0, 0);
        for name in 1..=5_u8 {
            touch(&mut world, name);
            let (times, is) = (touched[usize::from(name)] + 1, quote(&world, name) - RICH);
            let below = &exact.received[usize::from(name)] - BigRational::from_integer(is.into());
            prop_assert!(below >= BigRational::from_integer(0.into()), "account {} gained {}", name, below);
            prop_assert!(below < BigRational::from_integer(times.into()), "account {} lost {}", name, below);
        }
        prop_assert_eq!(received(&world) * MILLION + dust(&world), 0);
        prop_assert!(dust(&world) >= 0);
    }
}

#[test]
fn q10_margins_that_leave_no_room_for_funding_are_refused() {
    let tier = |initial, fraction| perpetuals::Tier {
        id: 0,
        name: "tier".into(),
        initial_margin: num::Ppm::new(initial),
        maintenance_fraction: num::Ppm::new(fraction),
        impact_notional: QuoteQuantums::new(1),
        open_interest_lower_cap: QuoteQuantums::ZERO,
        open_interest_upper_cap: QuoteQuantums::ZERO,
    };
    assert!(tier(200_000, 1_000_000).check().is_err());
    assert!(tier(1, 999_999).check().is_ok(), "maintenance rounds down to nothing");
    assert_eq!(funding::formulas::rate(1_000, SignedPpm::ZERO, 0), Some(SignedPpm::ZERO));
}
