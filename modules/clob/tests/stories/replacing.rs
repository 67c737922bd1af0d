//! Orders in the place of others (ORD-08).

use clob::{put, GoodTil, Order, Origin, PlacedOrder, Side, Size, Status};
use proto::dydxprotocol::clob as wire;
use store::attempt;
use types::Rejection;

use crate::world::{buy, long_term, post_only, sell, Start, World, BTC, DOLLAR, MILLI};

fn until(order: Order, block: u32) -> Order {
    Order { good_til: GoodTil::Block(block), ..order }
}

pub(crate) fn replace(world: &mut World, order: Order) -> Result<PlacedOrder, clob::Error> {
    let World { state, books, block, chain, events } = world;
    let ctx = &mut store::Ctx { state, events, block, chain };
    attempt(ctx, books, |ctx, books| put(ctx, books, &order, Origin::Replacement))
}

/// Owners and client ids at a price, oldest first.
fn queue(world: &World, side: Side, dollars: u64) -> Vec<u32> {
    let queue = world.books.queue(BTC, side, num::Subticks::new(dollars * DOLLAR));
    queue.map(|resting| resting.order.id.client_id).collect()
}

#[test]
fn a_later_order_takes_the_place_of_one_with_its_id() {
    let mut world = World::new();
    world.place(until(buy(1, 1, 10, 50_000), 20)).unwrap();
    world.place(buy(2, 2, 10, 50_000)).unwrap();
    for (what, order, code) in [
        ("the same order", until(buy(1, 1, 10, 50_000), 20), 30),
        ("an earlier block", until(buy(1, 1, 20, 50_000), 19), 20),
        ("another side", until(sell(1, 1, 10, 50_000), 21), 20),
        ("another time in force", until(post_only(buy(1, 1, 10, 50_000)), 21), 20),
        ("less than a step", until(Order { size: Size::new(4), ..buy(1, 1, 10, 50_000) }, 21), 12),
    ] {
        assert_eq!(world.refused_order(order), code, "{what}");
    }
    // A larger size goes to the back, another price to its own queue.
    world.place(until(buy(1, 1, 20, 50_000), 21)).unwrap();
    assert_eq!(queue(&world, Side::Buy, 50_000), [2, 1]);
    world.place(until(buy(2, 2, 10, 49_000), 21)).unwrap();
    assert_eq!(world.levels(Side::Buy), [(20, 50_000), (10, 49_000)]);
    // The old ones do not come back, not even after their followers are gone.
    assert_eq!(world.refused_order(until(buy(1, 1, 10, 50_000), 20)), 20);
    world.next_block();
    assert_eq!(world.refused_order(until(buy(1, 1, 10, 50_000), 20)), 20);
}

#[test]
fn in_the_same_block_the_larger_hash_wins() {
    let mut world = World::new();
    let order = |metadata| Order { client_metadata: metadata, ..buy(1, 1, 10, 50_000) };
    let hash = |order: &Order, world: &World| {
        let owner = order.id.subaccount.owner.to_bech32(&world.chain.prefix);
        let subaccount_id = Some(proto::dydxprotocol::subaccounts::SubaccountId { owner, number: 0 });
        proto::hash::order_hash(&wire::Order {
            order_id: Some(wire::OrderId { subaccount_id, client_id: 1, order_flags: 0, clob_pair_id: 0 }),
            side: 1,
            quantums: order.size.raw(),
            subticks: order.price.raw(),
            good_til_oneof: Some(wire::order::GoodTilOneof::GoodTilBlock(20)),
            client_metadata: order.client_metadata,
            ..wire::Order::default()
        })
    };
    let mut orders: Vec<Order> = (0..9).map(order).collect();
    orders.sort_by_key(|order| hash(order, &world));
    world.place(orders[4]).unwrap();
    assert_eq!(world.refused_order(orders[3]), 20);
    assert_eq!(world.refused_order(orders[4]), 30);
    world.place(orders[5]).unwrap();
    assert_eq!(world.refused_order(orders[4]), 20);
    assert_eq!(world.books.len(), 1);
}

#[test]
fn an_order_that_wants_less_keeps_its_turn() {
    let mut world = World::new();
    for (who, id) in [(1, 1), (2, 2), (3, 3)] {
        world.place(buy(who, id, 10, 50_000)).unwrap();
    }
    world.next_block();
    world.place(until(buy(2, 2, 4, 50_000), 22)).unwrap();
    assert_eq!(queue(&world, Side::Buy, 50_000), [1, 2, 3]);
    assert_eq!(world.levels(Side::Buy), [(24, 50_000)]);
    world.next_block();
    assert_eq!(queue(&world, Side::Buy, 50_000), [1, 2, 3]);
    // It trades in its turn, and lives until its new block.
    world.place(sell(4, 1, 12, 50_000)).unwrap();
    assert_eq!(queue(&world, Side::Buy, 50_000), [2, 3]);
    world.place(until(buy(2, 2, 3, 50_000), 23)).unwrap();
    assert_eq!(world.levels(Side::Buy), [(11, 50_000)]);
    world.blocks(20);
    assert_eq!(queue(&world, Side::Buy, 50_000), [2]);
    world.blocks(1);
    assert!(world.books.is_empty());
}

#[test]
fn what_an_id_has_traded_counts_for_its_next_order() {
    let mut world = World::new();
    world.place(buy(1, 1, 10, 50_000)).unwrap();
    world.place(sell(2, 1, 6, 50_000)).unwrap();
    assert_eq!(world.refused_order(until(buy(1, 1, 6, 50_000), 21)), 24);
    assert_eq!(world.refused_order(until(buy(1, 1, 5, 50_000), 21)), 24);
    let placed = world.place(until(buy(1, 1, 16, 49_000), 21)).unwrap();
    assert_eq!(placed.resting, Size::new(10 * MILLI));
    assert_eq!(world.levels(Side::Buy), [(10, 49_000)]);
    world.next_block();
    let placed = world.place(until(buy(1, 1, 9, 49_000), 22)).unwrap();
    assert_eq!(placed.resting, Size::new(3 * MILLI));
}

#[test]
fn the_old_order_stays_when_the_new_one_is_refused() {
    let mut world = World::new();
    world.place(post_only(buy(1, 1, 10, 50_000))).unwrap();
    world.place(sell(2, 1, 10, 51_000)).unwrap();
    assert_eq!(world.refused_order(until(post_only(buy(1, 1, 10, 51_000)), 21)), 2_003);
    assert_eq!(world.levels(Side::Buy), [(10, 50_000)]);
    // And it goes when the new one trades at once.
    world.place(buy(3, 1, 10, 50_000)).unwrap();
    let placed = world.place(until(buy(3, 1, 30, 51_000), 21)).unwrap();
    assert_eq!(
        (placed.status, placed.filled, placed.resting.raw()),
        (Status::Success, Size::new(10 * MILLI), 20 * MILLI)
    );
    assert_eq!(world.levels(Side::Buy), [(20, 51_000), (10, 50_000)]);
    assert!(world.money_adds_up());
    world.next_block();
}

#[test]
fn orders_that_live_until_a_time_are_replaced_when_that_is_asked_for() {
    let mut world = World::new();
    let order = long_term(buy(1, 1, 10, 50_000), 60);
    assert_eq!(replace(&mut world, order).map_err(|error| error.code()), Err(3_006));
    world.place(order).unwrap();
    world.place(buy(2, 2, 10, 50_000)).unwrap();
    world.next_block();
    assert_eq!(world.refused_order(long_term(buy(1, 1, 5, 50_000), 60)), 3_005);
    replace(&mut world, long_term(buy(1, 1, 5, 50_000), 90)).unwrap();
    assert_eq!(queue(&world, Side::Buy, 50_000), [1, 2]);
    world.place(sell(3, 1, 2, 50_000)).unwrap();
    let placed = replace(&mut world, long_term(buy(1, 1, 6, 50_000), 90)).unwrap();
    assert_eq!(placed.resting, Size::new(4 * MILLI));
    assert_eq!(queue(&world, Side::Buy, 50_000), [2, 1]);
    let refused = replace(&mut world, long_term(sell(1, 1, 6, 50_000), 90));
    assert_eq!(refused.map_err(|error| error.code()), Err(20));
    let refused = replace(&mut world, long_term(buy(1, 1, 900_000, 50_000), 90));
    assert_eq!(refused.map_err(|error| error.code()), Err(3_007));
    assert_eq!(world.levels(Side::Buy), [(14, 50_000)]);
    world.next_block();
    let refused = replace(&mut world, long_term(buy(1, 1, 2, 50_000), 90));
    assert_eq!(refused.map_err(|error| error.code()), Err(24));
}

/// What ends the order that took the place of another.
#[derive(Clone, Copy, Debug)]
enum End {
    Fill,
    FillInTwo,
    Cancel,
    Expiry,
    SelfTrade,
    Undercollateralized,
}

/// The order that is replaced: two coins, good til block 20.
fn first() -> Order {
    until(buy(1, 1, 2_000, 50_000), 20)
}

/// Ends the order of one coin that rests in the place of the first.
fn end(world: &mut World, end: End, dollars: u64) {
    match end {
        End::Fill | End::Undercollateralized => {
            world.place(sell(2, 9, 1_000, dollars)).unwrap();
        }
        End::FillInTwo => {
            world.place(sell(2, 8, 400, dollars)).unwrap();
            reopen(world);
            world.place(sell(2, 9, 600, dollars)).unwrap();
        }
        End::Cancel => world.cancel(first().id, GoodTil::Block(21)).unwrap(),
        End::Expiry => world.blocks(21),
        End::SelfTrade => {
            world.place(sell(1, 9, 1, dollars)).unwrap();
        }
    }
}

/// The next block, on books that the rows describe.
fn reopen(world: &mut World) {
    world.next_block();
    world.books = clob::rebuild(&world.state);
}

#[test]
fn what_was_replaced_stays_away_however_its_follower_ends() {
    for (how, code) in [
        (End::Fill, 20),
        (End::FillInTwo, 20),
        (End::Cancel, 7),
        (End::Expiry, 10),
        (End::SelfTrade, 20),
        (End::Undercollateralized, 20),
    ] {
        // At another price, and at the same one where it keeps its turn.
        for dollars in [49_900, 50_000] {
            for blocks in [false, true] {
                let mut dollars_of = vec![1_000_000; 2];
                if matches!(how, End::Undercollateralized) {
                    dollars_of[0] = 1_000;
                }
                let mut world = World::with(Start { dollars: dollars_of, ..Start::default() });
                let pause = |world: &mut World| {
                    if blocks {
                        reopen(world)
                    }
                };
                world.place(first()).unwrap();
                pause(&mut world);
                world.place(until(buy(1, 1, 1_000, dollars), 21)).unwrap();
                pause(&mut world);
                end(&mut world, how, dollars);
                assert_eq!(world.levels(Side::Buy), [], "{how:?}");
                pause(&mut world);
                assert_eq!(world.refused_order(first()), code, "{how:?} at {dollars}");
                pause(&mut world);
                assert_eq!(world.refused_order(first()), code, "{how:?} at {dollars}");
            }
        }
    }
}

#[test]
fn what_was_replaced_stays_away_when_its_follower_trades_at_once() {
    let mut world = World::new();
    world.place(first()).unwrap();
    world.place(sell(2, 9, 1_000, 50_100)).unwrap();
    let placed = world.place(until(buy(1, 1, 1_000, 50_100), 21)).unwrap();
    assert_eq!((placed.filled.raw(), placed.resting), (1_000 * MILLI, Size::ZERO));
    assert_eq!(world.levels(Side::Buy), []);
    assert_eq!(world.refused_order(first()), 30);
    reopen(&mut world);
    assert_eq!(world.refused_order(first()), 30);
}

#[test]
fn what_was_replaced_in_its_own_block_stays_away_when_its_follower_is_filled() {
    let mut world = World::new();
    world.place(first()).unwrap();
    let smaller = until(buy(1, 1, 1_000, 49_900), 20);
    let mut later = (0..100).map(|metadata| Order { client_metadata: metadata, ..smaller });
    later.find(|order| world.place(*order).is_ok()).unwrap();
    reopen(&mut world);
    world.place(sell(2, 9, 1_000, 49_900)).unwrap();
    assert_eq!(world.refused_order(first()), 30);
    reopen(&mut world);
    assert_eq!(world.refused_order(first()), 30);
}

#[test]
fn a_filled_follower_lets_its_id_ask_for_more_til_its_own_block() {
    let mut world = World::new();
    world.place(first()).unwrap();
    world.place(until(buy(1, 1, 1_000, 49_900), 22)).unwrap();
    world.place(sell(2, 9, 1_000, 49_900)).unwrap();
    assert_eq!(world.refused_order(until(first(), 21)), 20);
    let placed = world.place(until(first(), 22)).unwrap();
    assert_eq!(placed.resting.raw(), 1_000 * MILLI);
}

#[test]
fn replacing_writes_no_row_of_its_own() {
    let mut world = World::new();
    world.place(first()).unwrap();
    world.next_block();
    let before = world.rows().len();
    world.place(until(buy(1, 1, 1_000, 49_900), 21)).unwrap();
    world.next_block();
    assert_eq!(world.rows().len(), before);
}
