//! Positions against the book with the insurance fund beside it: the reference's cases and the ways a block can
//! go. BTC costs $50,000, initial margin is 20 %, maintenance 10 %.

use crate::world::{account, quote, reference, World, BTC, DOLLAR, ETH, ONE_BTC, REST, SOL};
use clob::Side::{Buy, Sell};
use liquidations::{Params, Report};
use num::{Ppm, SignedPpm};
use types::Value;

const CARL: u8 = 1;
const DAVE: u8 = 2;
const MAKER: u8 = 3;

/// One BTC in sizes of orders.
const COIN: u64 = 100_000_000;

/// A BTC price in dollars as subticks.
const fn btc(dollars: u64) -> u64 {
    dollars * 1_000_000
}

/// Carl is short 1 BTC with this many dollars; MAKER has money and nothing else.
fn carl_short(dollars: i128, fund: i128) -> World {
    World::new(&[(CARL, dollars * DOLLAR, &[(BTC, -ONE_BTC)]), (MAKER, 200_000 * DOLLAR, &[])], fund)
}

#[test]
fn l7_a_tenth_of_a_position_goes_and_pays_the_fee() {
    let mut world = carl_short(50_499, 0);
    world.set_params(Params {
        min_position_notional: quote(1_000 * DOLLAR),
        max_position_portion: Ppm::new(100_000),
        ..reference()
    });
    world.rest(MAKER, BTC, Sell, COIN, btc(50_000));
    let report = world.liquidate();
    assert_eq!(world.holds(CARL, BTC), (50_499_000_000 - 5_000_000_000 - 25_000_000, -90_000_000));
    assert_eq!((report.liquidations, report.insurance_received), (1, quote(25_000_000)));
    assert_eq!(world.fund(), 25_000_000);
}

#[test]
fn l9_the_accounts_notional_of_the_block_bounds_the_size() {
    let mut world = carl_short(50_499, 0);
    world.set_params(Params { max_account_notional: quote(5_000 * DOLLAR), ..reference() });
    world.rest(MAKER, BTC, Sell, COIN, btc(49_500));
    world.liquidate();
    assert_eq!(world.holds(CARL, BTC), (50_499_000_000 - 4_950_000_000 - 24_750_000, -90_000_000));
    assert_eq!(world.emitted("liquidation", "filled"), vec![Value::Signed(10_000_000)]);
}

#[test]
fn l11_the_fund_pays_what_the_account_lacks_and_the_maker_pays_its_fee() {
    let mut world = World::new(
        &[(CARL, 50_499 * DOLLAR, &[(BTC, -ONE_BTC)]), (DAVE, 50_000 * DOLLAR, &[(BTC, ONE_BTC)])],
        10_000_000,
    );
    world.set_params(Params { spread_to_maintenance: Ppm::new(200_000), ..reference() });
    let row = fees::FeeTier {
        name: "1".into(),
        volume: quote(0),
        total_share: Ppm::new(0),
        maker_share: Ppm::new(0),
        maker: SignedPpm::new(200),
        taker: SignedPpm::new(500),
    };
    world
        .run(|ctx| fees::genesis::init(ctx, &fees::Genesis { tiers: vec![row], ..fees::Genesis::default() }))
        .unwrap();
    world.rest(DAVE, BTC, Sell, COIN, btc(50_500));
    let report = world.liquidate();
    assert_eq!(world.holds(CARL, BTC), (0, 0));
    assert_eq!(world.holds(DAVE, BTC), (50_000_000_000 + 50_500_000_000 - 10_100_000, 0));
    assert_eq!(report.insurance_paid, quote(1_000_000));
    assert_eq!(world.fund(), 10_000_000 - 1_000_000);
    assert_eq!(world.get(CARL), subaccounts::Subaccount::default());
    assert_eq!((report.below, report.attempted, report.liquidations, report.failed), (1, 1, 1, 0));
}

#[test]
fn liq_13_a_long_position_pays_the_fund_and_is_paid_by_it_as_a_short_one_is() {
    // Bankruptcy price 49,501: the fund gets up to 0.5 % of what is better, and pays what is worse.
    for (price, fund, left) in
        [(50_000, 1_250, 249), (49_600, 1_099, 0), (49_501, 1_000, 0), (49_500, 999, 0)]
    {
        let mut world = World::new(
            &[(CARL, -49_501 * DOLLAR, &[(BTC, ONE_BTC)]), (MAKER, 200_000 * DOLLAR, &[])],
            1_000 * DOLLAR,
        );
        world.set_params(Params { spread_to_maintenance: Ppm::new(1_500_000), ..reference() });
        world.rest(MAKER, BTC, Buy, COIN, btc(price));
        world.liquidate();
        assert_eq!(world.holds(CARL, BTC), (left * DOLLAR, 0), "at {price}");
        assert_eq!(world.fund(), fund * DOLLAR, "at {price}");
        world.check();
    }
}

#[test]
fn a_position_never_goes_beyond_its_limit_price() {
    // Rating 0.9002, spread 10 % of maintenance: the limit is 50,450.10.
    for (price, taken) in [(50_450_100_000, true), (50_450_100_005, false)] {
        let mut world = carl_short(50_499, DOLLAR);
        world.rest(MAKER, BTC, Sell, COIN, price);
        let report = world.liquidate();
        assert_eq!(report.liquidations == 1, taken, "{price}");
        assert_eq!(world.holds(CARL, BTC).1 == 0, taken);
        assert_eq!((report.negative, report.deleveragings), (0, 0));
    }
}

#[test]
fn the_worth_that_one_fill_leaves_pays_for_the_next() {
    // The first half is bought back 199.50 dollars better than bankruptcy; the second half costs 50.50 more than
    // its own share of the account's worth was, but not more than what is left.
    let mut world = carl_short(50_499, DOLLAR);
    world.set_params(Params { spread_to_maintenance: Ppm::new(200_000), ..reference() });
    world.rest(MAKER, BTC, Sell, COIN / 2, btc(50_100));
    world.rest(MAKER, BTC, Sell, COIN / 2, btc(50_600));
    let report = world.liquidate();
    // 50,499 - 25,050 - fee of 0.5 % (125.25) - 25,300 leaves 23.75, less than the second fee.
    assert_eq!(world.holds(CARL, BTC), (0, 0));
    assert_eq!((report.insurance_received, report.insurance_paid), (quote(149_000_000), quote(0)));
    assert_eq!(world.fund(), DOLLAR + 149_000_000);
}

#[test]
fn liq_05_the_fund_is_never_below_zero_whatever_the_deficit() {
    // One liquidation closes all of the market; the loss is 1,000 dollars.
    for (fund, closed) in [(999_999_999, false), (1_000_000_000, true), (1_000_000_001, true)] {
        let mut world = World::new(
            &[(CARL, 49_500 * DOLLAR, &[(BTC, -ONE_BTC)]), (DAVE, -30_000 * DOLLAR, &[(BTC, ONE_BTC)])],
            fund,
        );
        world.rest(DAVE, BTC, Sell, COIN, btc(50_500));
        let report = world.liquidate();
        assert_eq!(world.holds(CARL, BTC), (0, 0), "{fund}");
        if closed {
            assert_eq!(world.fund(), fund - 1_000_000_000);
            assert_eq!(world.holds(DAVE, BTC), (20_500 * DOLLAR, 0));
            assert_eq!((report.liquidations, report.deleveragings), (1, 0));
        } else {
            assert_eq!(world.fund(), fund, "the fund keeps what does not suffice");
            assert_eq!(world.holds(DAVE, BTC), (19_500 * DOLLAR, 0), "at the bankruptcy price");
            assert_eq!((report.liquidations, report.deleveragings, report.offsets), (0, 1, 1));
        }
    }
}

#[test]
fn liq_14_an_account_costs_the_fund_no_more_than_its_share_of_the_block() {
    let mut world = carl_short(49_500, 10_000 * DOLLAR);
    world.set_params(Params { max_insurance_lost: quote(999_999_999), ..reference() });
    world.rest(MAKER, BTC, Sell, COIN, btc(50_500));
    let report = world.liquidate();
    assert_eq!((report.liquidations, report.insurance_paid), (0, quote(0)));
    assert_eq!(report.deleveragings, 1, "the account owes, so the other side takes it");
    world = carl_short(49_500, 10_000 * DOLLAR);
    world.set_params(Params { max_insurance_lost: quote(1_000_000_000), ..reference() });
    world.rest(MAKER, BTC, Sell, COIN / 2, btc(50_500));
    world.rest(MAKER, BTC, Sell, COIN / 2, btc(50_500));
    let report = world.liquidate();
    assert_eq!(
        (report.liquidations, report.insurance_paid, report.deleveragings),
        (1, quote(1_000_000_000), 0)
    );
    // Each half costs 500 dollars: what the first one cost counts when the second one asks.
    world = carl_short(49_500, 10_000 * DOLLAR);
    world.set_params(Params { max_insurance_lost: quote(999_999_999), ..reference() });
    world.rest(MAKER, BTC, Sell, COIN / 2, btc(50_500));
    world.rest(MAKER, BTC, Sell, COIN / 2, btc(50_500));
    let report = world.liquidate();
    assert_eq!(
        (report.liquidations, report.insurance_paid, report.deleveragings),
        (1, quote(500_000_000), 1)
    );
}

#[test]
fn nobody_is_liquidated_on_a_stale_price() {
    let mut world = World::new(
        &[
            (CARL, 50_499 * DOLLAR + 3_000 * DOLLAR, &[(BTC, -ONE_BTC), (ETH, -1_000_000_000)]),
            (MAKER, 200_000 * DOLLAR, &[]),
        ],
        0,
    );
    world.rest(MAKER, BTC, Sell, COIN, btc(50_000));
    world.block.time = world.block.time.plus_seconds(31);
    world.set_price(BTC, 5_000_000_000);
    let report = world.liquidate();
    assert_eq!((report.below, report.attempted), (1, 0), "ETH is stale");
    world.set_price(ETH, 3_000_000_000);
    let report = world.liquidate();
    assert_eq!((report.below, report.attempted, report.liquidations), (1, 1, 1));
}

#[test]
fn the_position_with_the_largest_need_goes_first_and_no_more_than_needed() {
    let positions = [(BTC, ONE_BTC), (ETH, 1_000_000_000), (SOL, 10_000_000)];
    let mut world = World::new(&[(CARL, -48_000 * DOLLAR, &positions), (MAKER, 200_000 * DOLLAR, &[])], 0);
    world.rest(MAKER, BTC, Buy, COIN, btc(50_000));
    world.rest(MAKER, ETH, Buy, 1_000_000_000, 3_000_000_000);
    let report = world.liquidate();
    assert_eq!(report.liquidations, 1);
    let held = world.get(CARL);
    assert_eq!(
        (held.size(BTC).raw(), held.size(ETH).raw(), held.size(SOL).raw()),
        (0, 1_000_000_000, 10_000_000)
    );
    assert!(world.watch.below().is_empty());
}

#[test]
fn what_the_book_does_not_take_of_one_market_is_tried_in_the_next() {
    let positions = [(BTC, ONE_BTC), (ETH, 1_000_000_000)];
    let mut world = World::new(&[(CARL, -48_000 * DOLLAR, &positions), (MAKER, 200_000 * DOLLAR, &[])], 0);
    world.rest(MAKER, ETH, Buy, 1_000_000_000, 3_000_000_000);
    let report = world.liquidate();
    assert_eq!((report.attempted, report.liquidations), (1, 1));
    assert_eq!(world.emitted("liquidation", "market"), vec![Value::Unsigned(1)]);
    assert_eq!(world.get(CARL).size(ETH).raw(), 0);
    assert_eq!((report.negative, report.deleveragings), (0, 0));
}

#[test]
fn liq_11_its_own_orders_leave_before_it_trades() {
    let mut world =
        World::new(&[(CARL, -38_000 * DOLLAR, &[(BTC, ONE_BTC)]), (MAKER, 200_000 * DOLLAR, &[])], 0);
    world.rest(CARL, BTC, Buy, 100_000, btc(45_001));
    world.rest(MAKER, BTC, Buy, COIN, btc(41_990));
    world.set_price(BTC, 4_200_000_000);
    let report = world.liquidate();
    assert_eq!(report.liquidations, 1);
    assert_eq!(world.holds(CARL, BTC).1, 0);
    assert_eq!(world.books.best_price(BTC, Buy), None);
}

#[test]
fn a_maker_that_cannot_pay_leaves_and_the_next_one_trades() {
    let mut world = World::new(
        &[
            (CARL, 50_499 * DOLLAR, &[(BTC, -ONE_BTC)]),
            (DAVE, 10_001 * DOLLAR, &[]),
            (MAKER, 200_000 * DOLLAR, &[]),
        ],
        0,
    );
    world.rest(DAVE, BTC, Sell, COIN, btc(50_000));
    // DAVE spends his margin elsewhere.
    world.swap(DAVE, REST, (ETH, 10_000_000_000), 30_000 * DOLLAR).unwrap();
    world.rest(MAKER, BTC, Sell, COIN, btc(50_000));
    let report = world.liquidate();
    assert_eq!((report.liquidations, world.holds(DAVE, BTC).1), (1, 0));
    assert_eq!((world.holds(CARL, BTC).1, world.holds(MAKER, BTC).1), (0, -ONE_BTC));
}

#[test]
fn liq_10_an_account_that_recovers_is_left_alone() {
    let mut world = World::new(
        &[(CARL, 43_899 * DOLLAR, &[(BTC, -ONE_BTC)]), (DAVE, -39_000 * DOLLAR, &[(BTC, ONE_BTC)])],
        0,
    );
    world.rest(DAVE, BTC, Sell, COIN, btc(50_400));
    // Funding brings Carl to 499 dollars and Dave to 4,400: both below their 5,000.
    world.move_index(BTC, 6_600 * DOLLAR * 1_000_000 / ONE_BTC);
    let report = world.liquidate();
    // Carl comes first, and what he buys is Dave's position.
    assert_eq!((report.below, report.attempted, report.liquidations, report.failed), (2, 2, 1, 0));
    assert_eq!((world.holds(CARL, BTC), world.holds(DAVE, BTC)), ((0, 0), (4_800 * DOLLAR, 0)));
}

#[test]
fn a_block_without_accounts_below_writes_nothing() {
    let mut world = World::new(&[(CARL, 80_000 * DOLLAR, &[(BTC, -ONE_BTC)])], 0);
    let before: Vec<_> = world.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(world.liquidate(), Report::default());
    let after: Vec<_> = world.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert!(before == after && world.events.is_empty());
    assert_eq!(world.get(CARL).quote, quote(80_000 * DOLLAR));
    assert_eq!(subaccounts::get(&world.state, &account(REST)).size(BTC).raw(), ONE_BTC);
}
