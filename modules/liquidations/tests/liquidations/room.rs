//! A block's work for liquidations is bounded, shared, and never taken by orders.

use crate::world::{account, Holder, World, BTC, DOLLAR, ETH, ONE_BTC, REST};
use clob::Side::{Buy, Sell};

const CARL: u8 = 3;
const ETHEL: u8 = 4;
const MAKER: u8 = 5;
/// A tenth of a BTC, and its price in subticks when one costs $50,000.
const TENTH: u64 = 10_000_000;
const PRICE: u64 = 50_000_000_000;

/// Bounds of the next block: what its orders may meet, and what its liquidations may beside.
fn bound(world: &mut World, orders: u32, liquidations: u32) {
    world.run(|ctx| {
        let params = clob::Params {
            max_block_fills: orders,
            liquidation_fills: liquidations,
            ..clob::params(ctx.state.as_read())
        };
        clob::set_params(ctx, &params).unwrap();
    });
    next(world);
}

fn next(world: &mut World) {
    world.next_block();
    world.trade(clob::expire);
}

fn waiting(world: &World) -> Vec<types::SubaccountId> {
    let waiting = liquidations::genesis::export(&world.state).waiting;
    waiting.into_iter().map(|(id, _)| id).collect()
}

#[test]
fn orders_do_not_take_the_share_of_liquidations_and_those_go_on_in_the_next_block() {
    let rich = 1_000_000 * DOLLAR;
    let mut world =
        World::new(&[(CARL, 50_499 * DOLLAR, &[(BTC, -ONE_BTC)]), (MAKER, rich, &[]), (6, rich, &[])], 0);
    for _ in 0..12 {
        world.rest(MAKER, BTC, Sell, TENTH, PRICE);
    }
    bound(&mut world, 2, 4);
    // The orders of the block take all that is theirs.
    world.rest(6, BTC, Buy, 2 * TENTH, PRICE);
    assert_eq!(world.holds(6, BTC).1, 20_000_000);
    assert_eq!(world.books.liquidation_fills_left(), 4);
    world.liquidate();
    assert_eq!(world.holds(CARL, BTC).1, -80_000_000, "half of the four that are left");
    assert_eq!(waiting(&world), [account(CARL)]);
    next(&mut world);
    world.liquidate();
    assert_eq!(world.holds(CARL, BTC).1, -50_000_000, "half of six");
    for left in [-20_000_000, 0] {
        next(&mut world);
        world.liquidate();
        assert_eq!(world.holds(CARL, BTC).1, left);
    }
    assert_eq!(waiting(&world), []);
}

#[test]
fn what_the_book_may_still_take_is_not_offered_to_the_other_side() {
    // Carl is worth less than nothing; the fund pays what he lacks.
    let mut world = World::new(
        &[(CARL, 49_900 * DOLLAR, &[(BTC, -ONE_BTC)]), (MAKER, 1_000_000 * DOLLAR, &[])],
        1_000 * DOLLAR,
    );
    for _ in 0..10 {
        world.rest(MAKER, BTC, Sell, TENTH, PRICE);
    }
    bound(&mut world, 1, 4);
    let report = world.liquidate();
    assert_eq!((report.liquidations, report.offered), (1, 0));
    assert_eq!(world.holds(CARL, BTC).1, -70_000_000);
    assert_eq!(waiting(&world), [account(CARL)]);
}

#[test]
fn liq_03_the_riskiest_account_cannot_take_the_turn_of_the_one_that_waits_longest() {
    let holders: [Holder<'_>; 3] = [
        (CARL, 50_100 * DOLLAR, &[(BTC, -ONE_BTC)]),
        (ETHEL, 3_200 * DOLLAR, &[(ETH, -1_000_000_000)]),
        (MAKER, 1_000_000 * DOLLAR, &[]),
    ];
    let mut world = World::new(&holders, 0);
    for _ in 0..100 {
        world.rest(MAKER, BTC, Sell, TENTH / 10, PRICE);
    }
    for _ in 0..10 {
        world.rest(MAKER, ETH, Sell, 100_000_000, 3_000_000_000);
    }
    bound(&mut world, 1, 5);
    let report = world.liquidate();
    assert_eq!((report.attempted, report.liquidations), (2, 2));
    assert_eq!(world.holds(CARL, BTC).1, -97_000_000, "three of six");
    assert_eq!(world.holds(ETHEL, ETH).1, -800_000_000, "two of three");
}

#[test]
fn liq_22_deleveraging_asks_as_many_as_its_share_and_goes_on_in_the_next_block() {
    let longs: Vec<_> = (10..20).map(|name| (name, 10_000 * DOLLAR, [(BTC, ONE_BTC / 10)])).collect();
    let mut holders: Vec<Holder<'_>> =
        longs.iter().map(|(name, dollars, positions)| (*name, *dollars, &positions[..])).collect();
    holders.push((CARL, 49_000 * DOLLAR, &[(BTC, -ONE_BTC)]));
    let mut world = World::new(&holders, 0);
    assert_eq!(world.holds(REST, BTC).1, 0);
    bound(&mut world, 1, 4);
    for left in [-70_000_000, -40_000_000, -10_000_000, 0] {
        let report = world.liquidate();
        assert_eq!(report.failed, 0);
        assert_eq!(world.holds(CARL, BTC).1, left);
        assert_eq!(waiting(&world).is_empty(), left == 0);
        next(&mut world);
    }
}
