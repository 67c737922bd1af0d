//! TWAP orders: their slices, how they end.

use clob::{slice_price, slice_size, Cancel, GoodTil, Kind, Msg, Order, OrderId, Params, Side, Size, Twap};
use num::{Ppm, Ratio, Subticks};
use types::Value;

use crate::world::{account, buy, long_term, sell, Start, World, DOLLAR, MILLI};

const START: u32 = 1_700_000_000;

/// The same terms, cut into ten slices of 30 seconds; lives for 1,000 seconds.
fn cut(order: Order) -> Order {
    let order = long_term(order, 1_000);
    let id = OrderId { kind: Kind::Twap, ..order.id };
    Order { id, twap: Some(Twap { duration: 300, interval: 30, tolerance: Ppm::new(10_000) }), ..order }
}

/// The same terms, following the oracle price.
fn market(order: Order) -> Order {
    Order { price: Subticks::new(0), ..order }
}

fn slice(order: &Order) -> OrderId {
    OrderId { kind: Kind::TwapSlice, ..order.id }
}

fn numbers(world: &World, kind: &str, name: &str) -> Vec<u128> {
    let number = |value| {
        let Value::Unsigned(number) = value else { panic!("{value:?}") };
        number
    };
    world.told(kind, name).into_iter().map(number).collect()
}

fn remaining(world: &World) -> u64 {
    world.exported().twaps[0].1.remaining.raw()
}

fn cancel(order: &Order) -> Msg {
    Msg::Cancel(Cancel { id: order.id, good_til: order.good_til })
}

#[test]
fn vectors_t1_t3_and_t5() {
    let size = |size, total, remaining, legs, step| {
        let size = slice_size((Size::new(size), total), (Size::new(remaining), legs), Size::new(step));
        size.unwrap().raw()
    };
    let price = |oracle: (i128, i128), side, tolerance, tick| {
        let oracle = Ratio::new(oracle.0, oracle.1).unwrap();
        slice_price(oracle, side, Ppm::new(tolerance), tick).unwrap().raw()
    };
    // T1
    assert_eq!(size(1_000, 6, 1_000, 5, 5), 200);
    assert_eq!(price((1_000, 1), Side::Buy, 500_000, 10), 1_500);
    assert_eq!(price((1_000, 1), Side::Sell, 500_000, 10), 500);
    // T3
    assert_eq!(size(1_000, 6, 1_000, 6, 5), 165);
    assert_eq!(size(1_000, 6, 1_000, 1, 5), 500);
    // T5
    assert_eq!(size(100_000_000_000, 5, 100_000_000_000, 5, 1_000_000), 20_000_000_000);
    assert_eq!(size(100_000_000_000, 5, 100_000_000_000, 4, 1_000_000), 25_000_000_000);
    assert_eq!(price((200_000_000, 1), Side::Buy, 0, 100_000), 200_000_000);
    // Floor of the exact price first, then to the tick, against the order; a seller gets at least one tick.
    assert_eq!(price((10_019, 10), Side::Buy, 0, 10), 1_010);
    assert_eq!(price((10_009, 10), Side::Buy, 0, 10), 1_000);
    assert_eq!(price((10_099, 10), Side::Sell, 0, 10), 1_000);
    assert_eq!(price((1_000, 1), Side::Sell, 999_999, 10), 10);
}

#[test]
fn slices_come_at_their_times_follow_the_oracle_price_and_live_three_seconds() {
    let mut world = World::new();
    let order = market(cut(buy(1, 7, 1_000, 1)));
    world.place(order).unwrap();
    assert!(world.books.is_empty());
    world.step(1, 50_000);
    assert_eq!(world.levels(Side::Buy), [(100, 50_500)]);
    let resting = world.books.get(world.books.find(&slice(&order)).unwrap()).order;
    assert_eq!(resting.good_til, GoodTil::Time(START + 4));
    world.step(2, 50_000);
    assert_eq!(world.levels(Side::Buy), [(100, 50_500)]);
    world.step(1, 50_000);
    assert!(world.books.is_empty());
    world.step(26, 50_000);
    assert!(world.books.is_empty());
    // Thirty seconds after the first one: a ninth of what is left, rounded up, down to the step.
    world.step(1, 49_000);
    assert_eq!(numbers(&world, "twap_slice", "size"), [100 * 100_000, 11_111_110]);
    assert_eq!(numbers(&world, "twap_slice", "price")[1], u128::from(49_490 * DOLLAR));
    assert_eq!(numbers(&world, "twap_slice", "legs"), [9, 8]);
    assert_eq!(remaining(&world), 1_000 * MILLI);
}

#[test]
fn fills_as_a_taker_and_as_a_maker_count_and_the_last_one_completes() {
    let mut world = World::new();
    let order = cut(buy(1, 7, 1_000, 50_000));
    world.place(order).unwrap();
    world.place(sell(2, 1, 60, 49_000)).unwrap();
    world.step(1, 50_000);
    assert_eq!(remaining(&world), 940 * MILLI);
    world.place(sell(2, 2, 40, 50_000)).unwrap();
    assert_eq!(remaining(&world), 900 * MILLI);
    assert!(world.books.is_empty());
    for count in 1..10 {
        world.step(30, 50_000);
        let order = sell(2, 2 + count, 100, 50_000);
        world.place(Order { good_til: GoodTil::Block(30), ..order }).unwrap();
    }
    assert_eq!(world.exported().twaps, []);
    assert_eq!(numbers(&world, "twap_completed", "remaining"), [0]);
    assert_eq!(world.holds(1).1, i128::from(1_000 * MILLI));
    assert_eq!(world.books.waiting_of(&account(1)), 0);
    assert!(world.money_adds_up());
    world.step(300, 50_000);
    assert_eq!(numbers(&world, "twap_slice", "legs").len(), 10);
}

#[test]
fn what_does_not_trade_is_caught_up_and_the_order_ends_an_interval_after_its_last_slice() {
    let mut world = World::new();
    world.place(cut(buy(1, 7, 1_000, 40_000))).unwrap();
    world.step(1, 50_000);
    for _ in 0..9 {
        world.step(30, 50_000);
    }
    let sizes: Vec<_> = numbers(&world, "twap_slice", "size").iter().map(|size| size / 100_000).collect();
    assert_eq!(sizes, [100, 111, 125, 142, 166, 200, 250, 300, 300, 300]);
    assert_eq!(numbers(&world, "twap_completed", "remaining"), []);
    world.step(30, 50_000);
    assert_eq!(numbers(&world, "twap_completed", "remaining"), [u128::from(1_000 * MILLI)]);
    assert!(world.books.is_empty());
    assert_eq!(world.exported().twaps, []);
}

#[test]
fn what_is_wrong_with_a_twap_order_is_said_when_it_is_placed() {
    let mut world = World::new();
    let order = cut(buy(1, 7, 1_000, 50_000));
    assert_eq!(world.refused_order(Order { size: Size::new(45), ..order }), 12);
    world.place(Order { size: Size::new(50), ..order }).unwrap();
    assert_eq!(world.refused_order(order), 3_005);
    // All of it has to be affordable, at its price or at the oracle price.
    let much = cut(buy(2, 1, 300_000, 50_000));
    assert_eq!(world.refused_order(much), 3_007);
    assert_eq!(world.refused_order(market(much)), 3_007);
}

#[test]
fn ord_21_a_cancel_takes_the_slice_and_all_that_would_follow() {
    let mut world = World::new();
    let order = cut(buy(1, 7, 1_000, 40_000));
    world.place(order).unwrap();
    world.step(1, 50_000);
    assert_eq!(world.books.len(), 1);
    // A slice is nobody's to cancel.
    let early = Msg::Cancel(Cancel { id: order.id, good_til: GoodTil::Time(START + 999) });
    assert_eq!(world.refused(&early), ("clob", 29));
    world.run(&cancel(&order)).unwrap();
    assert!(world.books.is_empty());
    assert_eq!(world.exported().twaps, []);
    assert_eq!(world.refused(&cancel(&order)), ("clob", 3_006));
    world.step(60, 50_000);
    assert!(world.books.is_empty());
    assert_eq!(numbers(&world, "twap_slice", "legs"), [9]);
}

#[test]
fn ord_21_the_time_of_an_order_ends_its_slice_too() {
    let mut world = World::new();
    let order = Order { good_til: GoodTil::Time(START + 2), ..cut(buy(1, 7, 1_000, 40_000)) };
    world.place(order).unwrap();
    world.step(1, 50_000);
    assert_eq!(world.books.len(), 1);
    world.step(1, 50_000);
    assert!(world.books.is_empty());
    assert_eq!(world.exported().twaps, []);
    let reasons = world.told("order_removed", "reason");
    assert_eq!(reasons, [Value::from("expired"), Value::from("expired")]);
}

#[test]
fn ord_21_a_market_that_stops_midway_puts_slices_off_and_a_settled_one_ends_the_order() {
    let mut world = World::new();
    world.place(cut(buy(1, 7, 1_000, 40_000))).unwrap();
    world.step(1, 50_000);
    let pairs = world.exported().pairs;
    let mut paused = pairs.clone();
    paused[0].status = clob::state::Status::Paused;
    world.set_pairs(&paused);
    world.step(30, 50_000);
    assert_eq!(numbers(&world, "twap_slice", "legs"), [9]);
    assert_eq!(world.exported().twaps[0].1.legs, 9);
    world.set_pairs(&pairs);
    world.step(29, 50_000);
    assert_eq!(numbers(&world, "twap_slice", "legs"), [9]);
    world.step(1, 50_000);
    assert_eq!(numbers(&world, "twap_slice", "legs"), [9, 8]);
    paused[0].status = clob::state::Status::FinalSettlement;
    world.set_pairs(&paused);
    world.step(30, 50_000);
    assert_eq!(numbers(&world, "twap_failed", "code"), [34]);
    assert_eq!(world.exported().twaps, []);
    assert!(world.books.is_empty());
}

#[test]
fn a_slice_that_is_refused_ends_its_order() {
    let mut world = World::new();
    world.place(cut(buy(1, 7, 100_000, 50_000))).unwrap();
    // The account spends what the slices need.
    world.place(sell(2, 1, 100_000, 50_000)).unwrap();
    world.place(sell(3, 1, 100_000, 50_000)).unwrap();
    world.place(buy(1, 1, 195_000, 50_000)).unwrap();
    world.step(1, 50_000);
    assert_eq!(numbers(&world, "twap_failed", "code"), [3_007]);
    assert_eq!(numbers(&world, "twap_slice", "legs"), []);
    assert_eq!(world.exported().twaps, []);
    assert_eq!(world.books.waiting_of(&account(1)), 0);
}

#[test]
fn slices_beyond_the_bound_of_a_block_come_in_the_next_one_oldest_first() {
    let params = Params { max_slices: 2, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 0..5 {
        world.place(cut(buy(1, client_id, 10, 40_000))).unwrap();
    }
    world.step(1, 50_000);
    assert_eq!(numbers(&world, "twap_slice", "client_id"), [0, 1]);
    world.step(1, 50_000);
    world.step(1, 50_000);
    assert_eq!(numbers(&world, "twap_slice", "client_id"), [0, 1, 2, 3, 4]);
    // One order counts as one, its slices do not.
    assert_eq!((world.books.waiting_of(&account(1)), world.books.stateful(&account(1))), (5, 0));
}

#[test]
fn a_twap_order_that_may_only_reduce_reduces_and_ends_when_nothing_is_left() {
    let mut world = World::new();
    world.place(sell(2, 1, 50, 50_000)).unwrap();
    world.place(buy(1, 1, 50, 50_000)).unwrap();
    let ioc = clob::TimeInForce::ImmediateOrCancel;
    let order = Order { reduce_only: true, time_in_force: ioc, ..cut(sell(1, 7, 1_000, 49_000)) };
    world.place(order).unwrap();
    world.place(buy(2, 2, 1_000, 49_000)).unwrap();
    world.step(1, 50_000);
    assert_eq!(world.holds(1).1, 0);
    assert_eq!(remaining(&world), 950 * MILLI);
    world.step(30, 50_000);
    assert_eq!(numbers(&world, "twap_failed", "code"), [2_001]);
    assert_eq!(world.holds(1).1, 0);
}

#[test]
fn ord_21_a_slice_that_met_as_many_orders_as_it_may_is_over_and_leaves_the_rest_to_later_ones() {
    let params = Params { max_fills: 2, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    let order = cut(buy(1, 7, 1_000, 50_000));
    world.place(order).unwrap();
    for client_id in 1..6 {
        world.place(sell(2, client_id, 10, 50_000)).unwrap();
    }
    world.step(1, 50_000);
    assert_eq!(remaining(&world), 980 * MILLI);
    assert_eq!(world.exported().parked, [], "the next slice is its continuation");
    assert!(world.books.find(&slice(&order)).is_none());
    world.step(1, 50_000);
    assert_eq!(remaining(&world), 980 * MILLI);
    world.step(30, 50_000);
    assert_eq!(remaining(&world), 960 * MILLI);
    world.run(&cancel(&order)).unwrap();
    world.step(30, 50_000);
    assert_eq!(world.holds(1).1, i128::from(40 * MILLI));
}
