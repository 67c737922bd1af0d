//! Reduce-only orders, taking and resting: they never make a position larger and never turn it (ORD-07, Q19).

use clob::{GoodTil, Order, Side, Size, Status, TimeInForce};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::{Rejection, Value};

use crate::world::{account, buy, ioc, long_term, order, sell, World, BTC, DOLLAR, MILLI};

fn reduce(order: Order) -> Order {
    Order { reduce_only: true, ..order }
}

/// Account 1 is long so many thousandths against account 2.
fn long(milli: u64) -> World {
    let mut world = World::new();
    world.place(sell(2, 900, milli, 50_000)).unwrap();
    world.place(buy(1, 900, milli, 50_000)).unwrap();
    assert_eq!(world.holds(1).1, i128::from(milli * MILLI));
    world
}

fn reasons(world: &World) -> Vec<Value> {
    world.told("order_removed", "reason")
}

#[test]
fn without_a_position_to_reduce_it_is_refused() {
    let mut world = World::new();
    assert_eq!(world.refused_order(reduce(sell(1, 1, 10, 50_000))), 2_001);
    let mut world = long(10);
    assert_eq!(world.refused_order(reduce(buy(1, 1, 10, 50_000))), 2_001);
    assert_eq!(world.refused_order(reduce(long_term(sell(2, 1, 10, 50_000), 60))), 2_001);
}

#[test]
fn a_taker_stops_where_the_position_ends() {
    let mut world = long(10);
    world.place(buy(3, 1, 30, 50_000)).unwrap();
    let placed = world.place(reduce(sell(1, 1, 25, 50_000))).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::ReduceOnlyResized, Size::new(10 * MILLI)));
    assert_eq!(placed.resting, Size::ZERO);
    assert_eq!(world.holds(1).1, 0);
    // What was cut off does not come again.
    assert_eq!(world.refused_order(reduce(sell(1, 1, 25, 50_000))), 30);
}

#[test]
fn it_rests_with_no_more_than_the_position_and_is_cut_with_it() {
    let mut world = long(10);
    let placed = world.place(reduce(sell(1, 1, 25, 51_000))).unwrap();
    assert_eq!((placed.status, placed.resting), (Status::Success, Size::new(10 * MILLI)));
    world.place(reduce(long_term(sell(1, 2, 8, 52_000), 60))).unwrap();
    world.next_block();
    assert_eq!(world.levels(Side::Sell), [(10, 51_000), (8, 52_000)]);
    // Another order of the account closes half: what rests is cut to the other half, in its place.
    world.place(buy(3, 1, 6, 50_000)).unwrap();
    world.place(ioc(sell(1, 3, 6, 50_000))).unwrap();
    assert_eq!(world.levels(Side::Sell), [(4, 51_000), (4, 52_000)]);
    assert_eq!(world.told("order_resized", "remaining").len(), 2);
    world.next_block();
    // As makers they trade no more than is left, and the last one leaves with the position.
    world.place(buy(3, 2, 20, 52_000)).unwrap();
    assert_eq!(world.holds(1).1, 0);
    assert_eq!(world.levels(Side::Sell), []);
    assert_eq!(reasons(&world), [Value::Text("reduce_only")]);
    world.next_block();
    // A cut order that has traded is not sent again for what was cut.
    assert_eq!(world.refused_order(reduce(sell(1, 1, 25, 51_000))), 30);
}

#[test]
fn what_was_cut_off_a_filled_order_does_not_come_again_with_a_new_position() {
    let mut world = long(10);
    let order = reduce(sell(1, 1, 25, 51_000));
    world.place(order).unwrap();
    world.place(buy(3, 2, 10, 51_000)).unwrap();
    assert_eq!(world.holds(1).1, 0);
    world.place(sell(2, 2, 30, 50_000)).unwrap();
    world.place(buy(1, 2, 30, 50_000)).unwrap();
    assert_eq!(world.refused_order(order), 30);
}

#[test]
fn a_position_that_turns_takes_its_reduce_only_orders_along() {
    let mut world = long(10);
    world.place(reduce(sell(1, 1, 10, 51_000))).unwrap();
    world.place(reduce(long_term(sell(1, 2, 5, 52_000), 60))).unwrap();
    world.place(buy(3, 1, 30, 50_000)).unwrap();
    world.place(ioc(sell(1, 3, 30, 50_000))).unwrap();
    assert_eq!(world.holds(1).1, -i128::from(20 * MILLI));
    assert!(world.books.is_empty());
    let gone = || Value::Text("reduce_only");
    assert_eq!(reasons(&world), [gone(), gone()]);
    world.next_block();
}

#[test]
fn what_a_refused_message_cut_is_whole_again() {
    let mut world = long(10);
    world.place(reduce(sell(1, 1, 10, 51_000))).unwrap();
    world.place(buy(3, 1, 6, 50_000)).unwrap();
    // Trades 6, which cuts the resting order, and is refused as it may only rest.
    let order = Order { time_in_force: TimeInForce::PostOnly, ..sell(1, 3, 6, 50_000) };
    assert_eq!(world.refused_order(order), 2_003);
    assert_eq!(world.levels(Side::Sell), [(10, 51_000)]);
}

#[test]
fn a_stale_price_lets_risk_go_down_but_not_up() {
    let mut world = long(10);
    world.place(reduce(sell(1, 1, 5, 50_000))).unwrap();
    for _ in 0..200 {
        world.block.time = world.block.time.plus_seconds(10);
        world.block.previous_time = world.block.time;
    }
    assert_eq!(world.refused_order(buy(3, 1, 5, 50_000)), 20_001);
    // The other side has to reduce as well.
    world.place(reduce(ioc(buy(2, 1, 5, 50_000)))).unwrap();
    assert_eq!((world.holds(1).1, world.holds(2).1), (500_000, -500_000));
}

#[test]
fn random_reduce_only_orders_never_make_a_position_larger_and_never_turn_it() {
    let mut cut = 0;
    for seed in 0..6 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut world = World::new();
        for turn in 0..600_u32 {
            let who = rng.gen_range(1..5);
            let side = if rng.gen_bool(0.5) { Side::Buy } else { Side::Sell };
            let price = 49_990 + 5 * rng.gen_range(0..5u64);
            let mut terms = order(account(who), turn, side, rng.gen_range(1..40) * MILLI, price * DOLLAR);
            terms.good_til = GoodTil::Block(u32::try_from(world.block.height).unwrap() + 9);
            if rng.gen_bool(0.2) {
                terms = long_term(terms, 500);
            } else if rng.gen_bool(0.3) {
                terms = ioc(terms);
            }
            let reducing = rng.gen_bool(0.5);
            terms.reduce_only = reducing;
            let before = world.holds(who).1;
            let events = world.events.len();
            let placed = world.place(terms);
            let after = world.holds(who).1;
            if reducing {
                assert!(after.abs() <= before.abs() && after * before >= 0, "{before} {after} {placed:?}");
                if let Err(error) = placed {
                    assert!([2_001, 3_005].contains(&error.code()), "{error}");
                }
            }
            check_resting(&world);
            cut += usize::from(world.events.iter().skip(events).any(|event| event.kind == "order_resized"));
            if turn % 7 == 0 {
                world.next_block();
                world.oracle(50_000);
            }
        }
        assert!(world.money_adds_up());
    }
    assert!(cut > 50, "{cut}");
}

/// Every resting reduce-only order wants at most the position that it opposes.
fn check_resting(world: &World) {
    for side in [Side::Buy, Side::Sell] {
        for level in world.books.levels(BTC, side) {
            for resting in world.books.queue(BTC, side, level.price).filter(|one| one.order.reduce_only) {
                let holds = world.books.accounts.size(&resting.order.id.subaccount, BTC).raw();
                let opposed = if side == Side::Sell { holds } else { -holds };
                assert!(i128::from(resting.remaining.raw()) <= opposed, "{resting:?} {holds}");
            }
        }
    }
}
