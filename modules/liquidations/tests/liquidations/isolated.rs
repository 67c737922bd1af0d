//! Isolated markets: their own fund beside the book, their own counterparties, their own gate.

use crate::world::{account, quote, World, BTC, DOLLAR, ETH, ONE_BTC, REST};
use clob::Side;
use perpetuals::Collateral;
use subaccounts::{Kind, Update};
use types::Coin;

const CARL: u8 = 1;
const DAVE: u8 = 2;
const ERIN: u8 = 3;
const GINA: u8 = 4;
const OWN: Collateral = Collateral::Isolated(ETH);
const ONE_ETH: i128 = 1_000_000_000;

/// ETH is isolated. Carl is long 1 ETH and Dave short, both with collateral; the market's fund holds `fund`, the
/// common one $1,000. Erin has money and nothing else.
fn isolated(carl: i128, dave: i128, fund: i128) -> World {
    let held = [(CARL, carl * DOLLAR), (DAVE, dave * DOLLAR), (ERIN, 10_000 * DOLLAR), (GINA, 600 * DOLLAR)];
    let holders: Vec<crate::world::Holder<'_>> =
        held.iter().map(|(name, money)| (*name, *money, &[][..])).collect();
    let mut world = World::new(&holders, 1_000 * DOLLAR);
    world.isolate(ETH);
    let coin = Coin { denom: world.chain.collateral.clone(), amount: u128::try_from(fund * DOLLAR).unwrap() };
    if fund > 0 {
        world.run(|ctx| bank::mint(ctx, &OWN.address(insurance::FUND), &coin)).unwrap();
    }
    world.run(|ctx| insurance::genesis::init(ctx, &insurance::Genesis::default())).unwrap();
    world.swap(CARL, DAVE, (ETH, ONE_ETH), 3_000 * DOLLAR).unwrap();
    world.watch.refresh(&world.state);
    world.next_block();
    world
}

fn held(world: &World, name: &str) -> i128 {
    let held = bank::balance(&world.state, &OWN.address(name), &world.chain.collateral);
    i128::try_from(held).unwrap()
}

#[test]
fn mar_13_all_open_interest_of_an_isolated_market_closes_in_one_liquidation() {
    let mut world = isolated(600, 700, 100);
    // At 2,350 Carl is worth -$50. Dave buys back all of his short from him at 2,350: nobody else is left.
    world.set_price(ETH, 2_350_000_000);
    world.rest(DAVE, ETH, Side::Buy, 1_000_000_000, 2_350_000_000);
    let report = world.liquidate();
    assert_eq!((report.liquidations, report.failed, report.negative), (1, 0, 0), "{report:?}");
    assert_eq!(report.insurance_paid, quote(50 * DOLLAR));
    assert_eq!((world.holds(CARL, ETH), world.holds(DAVE, ETH)), ((0, 0), (1_350 * DOLLAR, 0)));
    assert_eq!((held(&world, subaccounts::POOL), held(&world, insurance::FUND)), (0, 50 * DOLLAR));
    assert_eq!(world.fund(), 1_000 * DOLLAR, "the common fund has no part in it");
    assert_eq!(insurance::unsound(&world.state, &world.chain.collateral), None);
}

#[test]
fn liq_14_an_empty_fund_of_its_own_leads_to_deleveraging_though_the_common_fund_is_rich() {
    let mut world = isolated(600, 700, 0);
    world.set_price(ETH, 2_350_000_000);
    world.rest(DAVE, ETH, Side::Buy, 1_000_000_000, 2_350_000_000);
    let report = world.liquidate();
    assert_eq!((report.liquidations, report.deleveragings, report.offsets), (0, 1, 1), "{report:?}");
    assert_eq!(report.failed, 0, "an empty fund stops the order, it is no failure");
    // At the bankruptcy price of 2,400.
    assert_eq!((world.holds(CARL, ETH), world.holds(DAVE, ETH)), ((0, 0), (1_300 * DOLLAR, 0)));
    assert_eq!((held(&world, subaccounts::POOL), world.fund()), (0, 1_000 * DOLLAR));
    assert_eq!(report.negative, 0);
}

#[test]
fn d13_a_debt_that_nobody_takes_over_shuts_the_market_s_own_pool_alone() {
    let mut world = isolated(600, 1_800, 0);
    world.swap(GINA, DAVE, (ETH, ONE_ETH), 3_000 * DOLLAR).unwrap();
    world.watch.refresh(&world.state);
    world.next_block();
    world.set_price(ETH, 2_350_000_000);
    // Two accounts are below zero, and the block has room for one.
    world.set_params(liquidations::Params { max_deleveragings: 1, ..crate::world::reference() });
    let report = world.liquidate();
    assert_eq!((report.below, report.deleveragings, report.negative), (2, 1, 1), "{report:?}");
    let shut = |world: &World, name| {
        let leaves = [Update::money(account(name), quote(-1))];
        let kind = Kind::Withdrawal;
        world.books.accounts.can_update(&world.state, &world.block, &leaves, kind).is_err()
    };
    assert!(shut(&world, DAVE), "Dave's money is in the pool with the debt");
    assert!(!shut(&world, ERIN), "Erin's is not");
    assert_eq!(subaccounts::gate::gate_of(&world.state, OWN).negative_seen, world.block.height);
    assert_eq!(subaccounts::gate::gate(&world.state).negative_seen, 0);
}

#[test]
fn makers_that_hold_a_cross_position_leave_the_isolated_book() {
    let mut world = isolated(650, 700, 100);
    world.rest(ERIN, ETH, Side::Buy, 1_000_000_000, 2_500_000_000);
    world.swap(ERIN, REST, (BTC, ONE_BTC / 100), 500 * DOLLAR).unwrap();
    world.set_price(ETH, 2_500_000_000);
    let report = world.liquidate();
    assert_eq!((report.liquidations, world.holds(ERIN, ETH).1), (0, 0), "{report:?}");
    assert_eq!(world.books.len(), 0, "her order is gone");
}

/// Carl is long 1 ETH and goes bankrupt at 2,400; the other side is held by so many accounts, which bid 2,350 for
/// all of it or for nothing. The market's fund holds `fund` quantums.
fn all_in_one(holders: usize, bids: bool, fund: i128) -> World {
    let mut world = isolated(600, 1_800, 0);
    if holders == 2 {
        world.swap(DAVE, GINA, (ETH, ONE_ETH / 2), 1_500 * DOLLAR).unwrap();
    }
    let coin = Coin { denom: world.chain.collateral.clone(), amount: u128::try_from(fund).unwrap() };
    world.run(|ctx| bank::mint(ctx, &OWN.address(insurance::FUND), &coin)).unwrap();
    world.run(|ctx| insurance::genesis::init(ctx, &insurance::Genesis::default())).unwrap();
    world.set_params(liquidations::Params {
        spread_to_maintenance: num::Ppm::new(1_500_000),
        ..crate::world::reference()
    });
    world.watch.refresh(&world.state);
    world.next_block();
    for name in [DAVE, GINA].into_iter().take(if bids { holders } else { 0 }) {
        world.rest(name, ETH, Side::Buy, 1_000_000_000 / holders as u64, 2_350_000_000);
    }
    world
}

#[test]
fn liq_12_whatever_the_fund_holds_all_open_interest_of_an_isolated_market_ends_and_its_pool_is_empty() {
    let deficit = 50 * DOLLAR;
    let (mut cells, mut liquidated, mut deleveraged) = (0, 0, 0);
    // What Carl is worth at these prices: -50, 0 and 50 dollars.
    for price in [2_350, 2_400, 2_450] {
        for (holders, bids) in [(1, true), (2, true), (1, false)] {
            for fund in [deficit - 1, deficit, deficit + 1] {
                let cell = format!("at {price}, {holders} holders, bids {bids}, fund {fund}");
                let mut world = all_in_one(holders, bids, fund);
                let all = |world: &World| {
                    let people: i128 = [CARL, DAVE, GINA].iter().map(|name| world.holds(*name, ETH).0).sum();
                    (people + held(world, insurance::FUND), world.fund())
                };
                let before = all(&world);
                world.set_price(ETH, price * 1_000_000);
                let report = world.liquidate();
                assert_eq!((report.below, report.failed), (1, 0), "{cell}: {report:?}");
                // Each holder's bid costs its part of the deficit, and as many are taken as the fund can pay.
                let part = deficit / i128::try_from(holders).unwrap();
                let taken = if bids { (fund / part).min(i128::try_from(holders).unwrap()) } else { 0 };
                assert_eq!(held(&world, insurance::FUND), fund - taken * part, "{cell}");
                assert_eq!(all(&world), before, "{cell}");
                let whole = taken * part == deficit;
                assert_eq!(world.holds(CARL, ETH).1 == 0, whole || price == 2_350, "{cell}");
                assert_eq!(report.negative, 0, "{cell}");
                // Who waits falls below zero, and the other side takes the rest.
                world.next_block();
                world.set_price(ETH, 2_200_000_000);
                world.liquidate();
                for name in [CARL, DAVE, GINA] {
                    assert_eq!(world.holds(name, ETH).1, 0, "{cell}");
                }
                assert_eq!(world.holds(CARL, ETH).0, 0, "{cell}");
                assert_eq!((held(&world, subaccounts::POOL), all(&world)), (0, before), "{cell}");
                assert_eq!(insurance::unsound(&world.state, &world.chain.collateral), None, "{cell}");
                cells += 1;
                liquidated += u32::from(whole);
                deleveraged += u32::from(!whole);
            }
        }
    }
    assert_eq!((cells, liquidated, deleveraged), (27, 12, 15));
}
