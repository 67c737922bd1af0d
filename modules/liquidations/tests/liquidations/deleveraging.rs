//! Positions against the other side of the market: the reference's cases, pro rata shares, the gate.

use crate::world::{account, base, quote, World, BTC, DOLLAR, ETH, ONE_BTC, REST};
use liquidations::deleverage::{deleverage, offset};
use liquidations::Error;
use num::QuoteQuantums;
use subaccounts::{Kind, Update, UpdateResult};
use types::Value;

const CARL: u8 = 1;
const DAVE: u8 = 2;

/// Carl is short 1 BTC, Dave is long 1 BTC.
fn pair(carl: i128, dave: i128) -> World {
    World::new(&[(CARL, carl * DOLLAR, &[(BTC, -ONE_BTC)]), (DAVE, dave * DOLLAR, &[(BTC, ONE_BTC)])], 0)
}

fn against(world: &mut World, size: i128) -> Result<QuoteQuantums, Error> {
    let done = world.trade(|ctx, books| {
        offset((ctx, &mut books.accounts), &account(CARL), &account(DAVE), BTC, base(size))
    });
    world.check();
    done
}

#[test]
fn d5_d7_a_position_goes_to_the_other_side_at_the_bankruptcy_price() {
    for (id, carl, dave, expected) in [
        ("D5", 54_999, -45_001, Some(9_998)),
        ("D5 flat", 54_999, -50_000, Some(4_999)),
        ("D5 negative", 54_999, -50_001, Some(4_998)),
        ("D7 rich", 49_999, 50_000, Some(99_999)),
        ("D7", 49_999, -45_001, Some(4_998)),
        ("D7 flat", 49_999, -50_000, None),
        ("D7 negative", 49_999, -50_001, None),
    ] {
        let mut world = pair(carl, dave);
        let done = against(&mut world, ONE_BTC);
        match expected {
            Some(expected) => {
                assert_eq!(done, Ok(quote(-carl * DOLLAR)), "{id}");
                assert_eq!(world.holds(CARL, BTC), (0, 0), "{id}");
                assert_eq!(world.holds(DAVE, BTC), (expected * DOLLAR, 0), "{id}");
            }
            None => {
                assert!(matches!(done, Err(Error::Account { id, .. }) if id == account(DAVE)), "{id}");
                assert_eq!(world.holds(CARL, BTC), (carl * DOLLAR, -ONE_BTC), "{id}");
                assert_eq!(world.holds(DAVE, BTC), (dave * DOLLAR, ONE_BTC), "{id}");
            }
        }
    }
}

#[test]
fn d9_the_other_positions_stay() {
    let mut world = World::new(
        &[
            (CARL, 80_800 * DOLLAR, &[(BTC, -ONE_BTC), (ETH, -10_000_000_000)]),
            (DAVE, 50_000 * DOLLAR, &[(BTC, ONE_BTC)]),
        ],
        0,
    );
    assert_eq!(against(&mut world, ONE_BTC), Ok(quote(-50_500 * DOLLAR)));
    assert_eq!(world.holds(CARL, ETH), (30_300_000_000, -10_000_000_000));
    assert_eq!(world.holds(CARL, BTC).1, 0);
    assert_eq!(world.holds(DAVE, BTC), (100_500_000_000, 0));
}

#[test]
fn d11_rounding_never_makes_an_account_riskier() {
    for (id, collateral, size) in [
        ("D11 short with worth", 54_999, -ONE_BTC),
        ("D11 long with worth", -45_001, ONE_BTC),
        ("D11 short without", 45_001, -ONE_BTC),
        ("D11 long without", -54_999, ONE_BTC),
    ] {
        for part in [49_999_991, 1, 2, 3, 33_333_333, 99_999_999] {
            let mut world = World::new(&[(CARL, collateral * DOLLAR, &[(BTC, size)])], 0);
            world.set_price(BTC, 4_999_999_937);
            let risk = |world: &World| subaccounts::risk(&world.state, &world.get(CARL)).unwrap();
            let before = risk(&world);
            let done = world.trade(|ctx, books| {
                offset((ctx, &mut books.accounts), &account(CARL), &account(REST), BTC, base(part))
            });
            assert!(done.is_ok(), "{id} {part}: {done:?}");
            assert!(risk(&world).compare(&before).is_le(), "{id} {part}");
            let rest = ONE_BTC - part;
            world
                .trade(|ctx, books| {
                    offset((ctx, &mut books.accounts), &account(CARL), &account(REST), BTC, base(rest))
                })
                .unwrap();
            assert_eq!(world.holds(CARL, BTC), (0, 0), "{id} {part}: nothing is left, nothing is owed");
            world.check();
        }
    }
}

#[test]
fn d13_an_account_below_zero_that_nobody_takes_gates_withdrawals() {
    let mut world = pair(49_999, -50_000);
    world.set_price(BTC, 5_050_000_000);
    let report = world.liquidate();
    assert_eq!((report.offered, report.deleveragings, report.offsets, report.negative), (1, 0, 0, 1));
    assert_eq!(world.holds(CARL, BTC), (49_999 * DOLLAR, -ONE_BTC));
    assert_eq!(world.emitted("negative_accounts", "net_collateral"), vec![Value::Signed(-501 * DOLLAR)]);
    let leaves = [Update::money(account(REST), quote(-1))];
    for kind in [Kind::Withdrawal, Kind::Transfer] {
        let refused = world.books.accounts.can_update(&world.state, &world.block, &leaves, kind).unwrap_err();
        assert_eq!(refused.code, UpdateResult::WithdrawalsAndTransfersBlocked);
    }
    // Fifty blocks later money may leave, if no such account was seen again.
    world.block.height += 49;
    assert!(world.books.accounts.can_update(&world.state, &world.block, &leaves, Kind::Withdrawal).is_err());
    world.block.height += 1;
    assert!(world.books.accounts.can_update(&world.state, &world.block, &leaves, Kind::Withdrawal).is_ok());
}

/// Carl is short 1 BTC and owes; persons 11, 12 and 13 are long 0.5, 0.3 and 0.2.
fn three(collateral: [i128; 3]) -> World {
    let half = [(BTC, ONE_BTC / 10 * 5)];
    let third = [(BTC, ONE_BTC / 10 * 3)];
    let fifth = [(BTC, ONE_BTC / 10 * 2)];
    World::new(
        &[
            (CARL, 49_000 * DOLLAR, &[(BTC, -ONE_BTC)]),
            (11, collateral[0] * DOLLAR, &half),
            (12, collateral[1] * DOLLAR, &third),
            (13, collateral[2] * DOLLAR, &fifth),
            (50, 0, &[(ETH, 5_000_000_000)]),
        ],
        0,
    )
}

#[test]
fn the_other_side_shares_by_size_and_nobody_else_is_touched() {
    // Half of Carl's position: the rest belongs to someone who is short as well.
    let mut world = World::new(
        &[
            (CARL, 24_500 * DOLLAR, &[(BTC, -ONE_BTC / 2)]),
            (DAVE, 60_000 * DOLLAR, &[(BTC, -ONE_BTC / 2)]),
            (11, 50_000 * DOLLAR, &[(BTC, ONE_BTC / 10 * 5)]),
            (12, 50_000 * DOLLAR, &[(BTC, ONE_BTC / 10 * 3)]),
            (13, 50_000 * DOLLAR, &[(BTC, ONE_BTC / 10 * 2)]),
        ],
        0,
    );
    let others = (world.get(DAVE), world.get(REST));
    let report = world.liquidate();
    assert_eq!((report.deleveragings, report.offsets, report.negative), (1, 3, 0));
    assert_eq!(world.holds(CARL, BTC), (0, 0));
    for (name, closed) in [(11, 25), (12, 15), (13, 10)] {
        let left = match name {
            11 => 50,
            12 => 30,
            _ => 20,
        } - closed;
        let paid = 50_000 * DOLLAR + 490 * DOLLAR * closed;
        assert_eq!(world.holds(name, BTC), (paid, ONE_BTC / 100 * left), "{name}");
    }
    assert_eq!((world.get(DAVE), world.get(REST)), others);
}

#[test]
fn liq_06_who_cannot_take_its_share_is_skipped_and_the_others_share_it() {
    // Person 11 is worth nothing: closing 1,000 dollars a coin below the oracle price would put it below zero.
    let mut world = World::new(
        &[
            (CARL, 24_500 * DOLLAR, &[(BTC, -ONE_BTC / 2)]),
            (DAVE, 60_000 * DOLLAR, &[(BTC, -ONE_BTC / 2)]),
            (11, -25_000 * DOLLAR, &[(BTC, ONE_BTC / 10 * 5)]),
            (12, 50_000 * DOLLAR, &[(BTC, ONE_BTC / 10 * 3)]),
            (13, 50_000 * DOLLAR, &[(BTC, ONE_BTC / 10 * 2)]),
        ],
        0,
    );
    let before = world.get(11);
    let report = world.liquidate();
    assert_eq!(world.get(11), before);
    assert_eq!((report.deleveragings, report.offsets, report.negative), (1, 4, 0), "two rounds of two");
    assert_eq!((world.holds(12, BTC).1, world.holds(13, BTC).1), (0, 0));
    assert_eq!(world.holds(CARL, BTC), (0, 0));
}

#[test]
fn liq_06_what_nobody_can_take_stays_and_gates_withdrawals() {
    let mut world = three([-25_000, 50_000, 50_000]);
    let report = world.liquidate();
    assert_eq!((report.deleveragings, report.offsets, report.negative), (1, 2, 1));
    assert_eq!(world.holds(CARL, BTC), (24_500 * DOLLAR, -ONE_BTC / 2));
    assert_eq!(subaccounts::gate::gate(&world.state).negative_seen, world.block.height);
}

#[test]
fn shares_keep_to_the_step_so_that_everyone_can_still_trade_them() {
    let mut world = World::new(
        &[
            (CARL, 49_000 * DOLLAR, &[(BTC, -ONE_BTC)]),
            (11, 90_000 * DOLLAR, &[(BTC, 33_333_335)]),
            (12, 90_000 * DOLLAR, &[(BTC, 77_777_775)]),
            (DAVE, 90_000 * DOLLAR, &[(BTC, -11_111_110)]),
        ],
        0,
    );
    world.liquidate();
    let (one, two) = (world.holds(11, BTC).1, world.holds(12, BTC).1);
    assert_eq!((one % 5, two % 5, one + two), (0, 0, 11_111_110));
    assert_eq!(one, 3_333_335, "33,333,335 less 3/10 of 100,000,000 in fives");
}

#[test]
fn liq_22_only_as_many_counterparties_as_allowed_are_asked_the_largest_first() {
    let mut world = three([50_000, 50_000, 50_000]);
    let done = world.trade(|ctx, books| deleverage((ctx, books), &account(CARL), BTC, base(5), 2)).unwrap();
    assert_eq!((done.offsets, done.refused, done.left), (2, 0, base(ONE_BTC / 10 * 2)));
    assert_eq!(
        (world.holds(11, BTC).1, world.holds(12, BTC).1, world.holds(13, BTC).1),
        (0, 0, ONE_BTC / 10 * 2)
    );
    world.check();
}

#[test]
fn reduce_only_orders_are_cut_with_what_deleveraging_closes() {
    let mut world = three([50_000, 50_000, 50_000]);
    let size = |tenths: i128| u64::try_from(ONE_BTC / 10 * tenths).unwrap();
    for (name, tenths) in [(11, 5), (12, 3), (13, 2)] {
        assert!(world.rest_as(name, BTC, (clob::Side::Sell, size(tenths), 60_000_000_000), true));
    }
    world.trade(|ctx, books| deleverage((ctx, books), &account(CARL), BTC, base(5), 2)).unwrap();
    let levels: Vec<_> = world.books.levels(BTC, clob::Side::Sell).map(|level| level.quantums).collect();
    assert_eq!(levels, [u128::from(size(2))], "those of the two who were asked are gone");
    world.check();
}

#[test]
fn liq_07_both_sides_below_zero_net_each_other() {
    // The price is 50,000; Carl is short and owes, Dave is long and owes as well. The market's third holder pays
    // for Carl, a fourth for Dave.
    let mut world = World::new(
        &[
            (CARL, 49_900 * DOLLAR, &[(BTC, -ONE_BTC)]),
            (DAVE, -50_100 * DOLLAR, &[(BTC, ONE_BTC)]),
            (11, 90_000 * DOLLAR, &[(BTC, -ONE_BTC)]),
            (12, 90_000 * DOLLAR, &[(BTC, ONE_BTC)]),
        ],
        0,
    );
    let report = world.liquidate();
    assert_eq!(report.negative, 0);
    assert_eq!((world.holds(CARL, BTC), world.holds(DAVE, BTC)), ((0, 0), (0, 0)));
    let worth = |name| subaccounts::risk(&world.state, &world.get(name)).unwrap().net_collateral.raw();
    assert_eq!(worth(11) + worth(12), (40_000 + 140_000 - 200) * DOLLAR);
}

#[test]
fn liq_03_fifty_positions_that_nobody_takes_do_not_use_up_the_room_of_others() {
    // Persons 1 to 50 owe in ETH, where the other side is worth nothing; person 60 owes less in BTC, where the rest
    // of the market takes it. A block has room to offer two positions.
    let eth = [(ETH, -1_000_000_000)];
    let mut holders: Vec<_> = (1..=50).map(|name| (name, 2_900 * DOLLAR, eth.as_slice())).collect();
    let long = [(ETH, 50_000_000_000)];
    let btc = [(BTC, -ONE_BTC)];
    holders.push((60, 49_900 * DOLLAR, btc.as_slice()));
    holders.push((70, -150_000 * DOLLAR, long.as_slice()));
    let mut world = World::new(&holders, 0);
    world.set_params(liquidations::Params { max_deleveragings: 2, ..crate::world::reference() });
    let mut blocks = 0;
    while world.holds(60, BTC).1 != 0 {
        let report = world.liquidate();
        assert_eq!(report.offered, 2, "no more work than a block has room for");
        world.next_block();
        blocks += 1;
        assert!(blocks <= 52, "person 60 waits for ever");
    }
    assert!(blocks > 1, "the worse off came first");
}
