//! What one account may ask of a block: ORD-14 to 16, 19 and 23.

use clob::Side as Book;
use proto::dydxprotocol::clob::order::Side;
use scenario::World;

use crate::{book, holds, ioc, order, place, world, world_with};
use crate::{BTC, COIN, DOLLAR, STEP};

#[test]
fn ord_14_an_account_has_no_more_resting_orders_than_it_may() {
    let mut world = world_with(&[("alice", 100_000), ("bob", 100_000)], |app| app.orders.max_resting = 3);
    let rest = |world: &mut World, person: &str, id: u32| {
        let order = order(world, person, id, Side::Buy, (STEP, 100 * DOLLAR));
        place(world, person, order)
    };
    assert_eq!([0, 1, 2, 3].map(|id| rest(&mut world, "alice", id)), [None, None, None, Some(17)]);
    assert_eq!(rest(&mut world, "bob", 0), None, "the limit is each account's own");
    assert_eq!(book(&world, Book::Buy), [(100, 4, 4)]);
}

#[test]
fn ord_15_one_taker_meets_no_more_orders_than_one_may_in_a_block() {
    let mut world = world_with(&[("alice", 10_000_000), ("bob", 10_000_000)], |app| {
        app.orders.max_resting = 10_000;
        app.orders.max_fills = 100;
        app.orders.short_term_rates.clear();
    });
    for at in 0..250 {
        let ask = order(&world, "alice", at, Side::Sell, (STEP, (28_000 + u64::from(at)) * DOLLAR));
        let tx = world.sign("alice", &[world.place(ask)]);
        world.submit(tx);
    }
    assert!(world.block().iter().all(|result| result.refusal.is_none()));
    let sweep = ioc(order(&world, "bob", 1, Side::Buy, (250 * STEP, 28_300 * DOLLAR)));
    assert_eq!(place(&mut world, "bob", sweep), None);
    let (_, coins) = holds(&world, "bob");
    assert_eq!(coins, i128::from(100 * STEP), "an immediate order that met its most is over");
    world.block();
    assert_eq!(holds(&world, "bob").1, coins);
    assert_eq!(book(&world, Book::Sell).len(), 150);
}

#[test]
fn ord_16_a_budget_ends_churn_and_an_account_without_money_trades_nothing() {
    let mut world = world(&[("alice", 100_000), ("bob", 100_000), ("carl", 0)]);
    for id in 0..401 {
        let bid = order(&world, "alice", id, Side::Buy, (STEP, DOLLAR));
        let tx = world.sign("alice", &[world.place(bid)]);
        world.submit(tx);
    }
    let bid = order(&world, "bob", 1, Side::Buy, (STEP, DOLLAR));
    let tx = world.sign("bob", &[world.place(bid)]);
    world.submit(tx);
    let refused: Vec<_> = world.block().into_iter().filter_map(|result| result.refusal).collect();
    let codes: Vec<_> = refused.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes, [5001], "one of alice's, none of bob's");
    let ask = order(&world, "bob", 2, Side::Sell, (STEP, 28_000 * DOLLAR));
    assert_eq!(place(&mut world, "bob", ask), None);
    let poor = ioc(order(&world, "carl", 1, Side::Buy, (STEP, 28_000 * DOLLAR)));
    assert_eq!(place(&mut world, "carl", poor), Some(3007));
}

#[test]
fn ord_19_makers_that_cannot_pay_count_among_those_that_a_taker_may_meet() {
    let mut world = world_with(&[("alice", 100), ("bob", 10_000_000), ("carl", 10_000_000)], |app| {
        app.orders.max_fills = 50;
    });
    for id in 0..60 {
        let ask = order(&world, "alice", id, Side::Sell, (COIN, 28_000 * DOLLAR));
        let tx = world.sign("alice", &[world.place(ask)]);
        world.submit(tx);
    }
    let ask = order(&world, "bob", 1, Side::Sell, (COIN, 28_001 * DOLLAR));
    let tx = world.sign("bob", &[world.place(ask)]);
    world.submit(tx);
    assert!(world.block().iter().all(|result| result.refusal.is_none()));
    let take = |world: &mut World, id: u32| {
        let bid = ioc(order(world, "carl", id, Side::Buy, (COIN, 28_001 * DOLLAR)));
        assert_eq!(place(world, "carl", bid), None);
        holds(world, "carl").1
    };
    assert_eq!(take(&mut world, 1), 0, "fifty met, none could pay");
    assert_eq!(book(&world, Book::Sell), [(28_000, 100_000, 10), (28_001, 10_000, 1)]);
    assert_eq!(take(&mut world, 2), i128::from(COIN), "the way is shorter now");
    assert_eq!(book(&world, Book::Sell), []);
}

#[test]
fn ord_23_the_limits_of_an_owner_hold_for_all_accounts_together() {
    let mut world = world(&[("alice", 100_000), ("alice/1", 100_000)]);
    for id in 0..201 {
        for person in ["alice", "alice/1"] {
            let bid = world.order(person, BTC, id, (Side::Buy, STEP, DOLLAR));
            let tx = world.sign(person, &[world.place(bid)]);
            world.submit(tx);
        }
    }
    let refused = world.block().into_iter().filter(|result| result.refusal.is_some()).count();
    assert_eq!(refused, 2, "400 of the owner's 402");
}
