//! An account that meets its own orders, and what builders get.

use clob::{Builder, Order, SelfTrade, Side, Size, Status, TimeInForce};
use types::{Address, Rejection, Value};

use crate::world::{buy, ioc, post_only, sell, World, MILLI};

fn choosing(order: Order, self_trade: SelfTrade) -> Order {
    Order { self_trade, ..order }
}

/// Account 1 offers behind account 2.
fn own_offer() -> World {
    let mut world = World::new();
    world.place(sell(2, 1, 5, 50_000)).unwrap();
    world.place(sell(1, 1, 10, 50_001)).unwrap();
    world.place(sell(3, 1, 10, 50_002)).unwrap();
    world
}

#[test]
fn an_order_chooses_who_leaves_when_it_meets_its_own() {
    let bid = buy(1, 2, 20, 50_002);
    for (choice, status, filled, asks) in [
        (SelfTrade::CancelMaker, Status::Success, 15, vec![]),
        (SelfTrade::CancelTaker, Status::SelfTrade, 5, vec![(10, 50_001), (10, 50_002)]),
        (SelfTrade::CancelBoth, Status::SelfTrade, 5, vec![(10, 50_002)]),
    ] {
        let mut world = own_offer();
        let placed = world.place(choosing(bid, choice)).unwrap();
        assert_eq!((placed.status, placed.filled), (status, Size::new(filled * MILLI)), "{choice:?}");
        assert_eq!(world.levels(Side::Sell), asks, "{choice:?}");
        let rests = choice == SelfTrade::CancelMaker;
        assert_eq!(placed.resting.is_zero(), !rests, "{choice:?}");
        let gone = world.told("order_removed", "reason");
        assert_eq!(gone.len(), if choice == SelfTrade::CancelBoth { 2 } else { 1 }, "{choice:?}");
        assert!(gone.iter().all(|reason| *reason == Value::Text("self_trade")));
        // The dropped rest does not come again.
        if !rests {
            assert!([20, 30].contains(&world.refused_order(bid)));
        }
        world.next_block();
        assert!(world.money_adds_up());
    }
}

#[test]
fn own_orders_are_back_when_the_taker_is_refused() {
    for choice in [SelfTrade::CancelMaker, SelfTrade::CancelBoth] {
        let mut world = World::new();
        world.place(sell(1, 1, 10, 50_000)).unwrap();
        world.place(sell(2, 1, 10, 50_001)).unwrap();
        let order = post_only(buy(1, 2, 20, 50_002));
        if choice == SelfTrade::CancelMaker {
            assert_eq!(world.refused_order(choosing(order, choice)), 2_003);
            assert_eq!(world.levels(Side::Sell), [(10, 50_000), (10, 50_001)]);
        } else {
            // It meets its own order before any other, so nothing is refused: both go.
            let placed = world.place(choosing(order, choice)).unwrap();
            assert_eq!((placed.status, placed.resting), (Status::SelfTrade, Size::ZERO));
        }
    }
}

#[test]
fn a_post_only_order_that_meets_only_its_own_rests() {
    let mut world = World::new();
    world.place(sell(1, 1, 10, 50_000)).unwrap();
    let order = Order { time_in_force: TimeInForce::PostOnly, ..buy(1, 2, 20, 50_000) };
    world.place(order).unwrap();
    assert_eq!((world.levels(Side::Sell), world.levels(Side::Buy)), (vec![], vec![(20, 50_000)]));
}

#[test]
fn builders_of_both_sides_are_paid_a_share_rounded_up() {
    let builder = |order: Order, byte, fee_ppm| Order {
        builder: Some(Builder { address: Address::new([byte; 20]), fee_ppm }),
        ..order
    };
    let mut world = World::new();
    world.place(builder(sell(2, 1, 1, 50_000), 71, 33)).unwrap();
    world.place(ioc(builder(buy(1, 1, 1, 50_000), 72, 10_000))).unwrap();
    // 50 dollars: 0.00165 and 0.5 dollars.
    let (quote, maker, taker): (i128, i128, i128) = (50_000_000, 1_650, 500_000);
    let million: i128 = 1_000_000_000_000;
    assert_eq!(world.holds(1).0, million - quote - quote * 500 / 1_000_000 - taker);
    assert_eq!(world.holds(2).0, million + quote - quote * 100 / 1_000_000 - maker);
    world.next_block();
    let balance = |byte| bank::balance(&world.state, &Address::new([byte; 20]), &world.chain.collateral);
    assert_eq!((balance(71), balance(72)), (1_650, 500_000));
    assert!(world.money_adds_up());
}

#[test]
fn builders_that_cannot_be_paid_are_refused() {
    let mut world = World::new();
    let builder = Builder { address: fees::collector(), fee_ppm: 10 };
    assert_eq!(world.refused_order(Order { builder: Some(builder), ..buy(1, 1, 10, 50_000) }), 50);
    let error = clob::Error::BuilderCode("x");
    assert_eq!((error.codespace(), error.code()), ("clob", 50));
}
