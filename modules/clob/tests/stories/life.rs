//! From placing to expiry: rows, events, queries, genesis.

use clob::query::{levels, order_id, stateful_order, wire_order_id};
use clob::{GoodTil, Side};
use store::{Ctx, Memory};
use types::Value;

use crate::world::{buy, long_term, sell, World, BTC, DOLLAR, MILLI};

#[test]
fn orders_rest_through_their_last_block_or_second_and_then_leave() {
    let mut world = World::new();
    let mut short = buy(1, 1, 10, 50_000);
    short.good_til = GoodTil::Block(3);
    world.place(short).unwrap();
    world.place(long_term(buy(1, 2, 20, 49_000), 4)).unwrap();
    world.blocks(2);
    assert_eq!((world.block.height, world.levels(Side::Buy)), (3, vec![(10, 50_000), (20, 49_000)]));
    world.next_block();
    // Height 4 at second 3.
    assert_eq!(world.levels(Side::Buy), [(20, 49_000)]);
    world.next_block();
    assert_eq!(world.levels(Side::Buy), []);
    let expired = || Value::Text("expired");
    assert_eq!(world.told("order_removed", "reason"), [expired(), expired()]);
    world.next_block();
    assert_eq!(world.exported().orders, []);
}

#[test]
fn rows_are_written_at_the_end_of_a_block_for_what_changed_only() {
    let mut world = World::new();
    world.place(buy(1, 1, 10, 50_000)).unwrap();
    world.place(buy(1, 2, 10, 50_000)).unwrap();
    world.cancel(buy(1, 2, 10, 50_000).id, GoodTil::Block(20)).unwrap();
    assert_eq!(world.exported().orders, []);
    world.next_block();
    let rows = world.exported().orders;
    assert_eq!(rows.iter().map(|(id, row)| (id.client_id, row.height)).collect::<Vec<_>>(), [(1, 1)]);
    // A fill changes the level and what the id has spent, not the order's row.
    world.place(sell(2, 1, 4, 50_000)).unwrap();
    world.next_block();
    assert_eq!(world.exported().orders, rows);
    let bids = levels(&world.state, BTC, Side::Buy, 10);
    let bids: Vec<_> =
        bids.into_iter().map(|(price, level)| (price.raw(), level.quantums, level.orders)).collect();
    assert_eq!(bids, [(50_000 * DOLLAR, u128::from(6 * MILLI), 1)]);
}

#[test]
fn levels_are_read_from_rows_best_first() {
    let mut world = World::new();
    for (client_id, dollars) in [(1, 49_000), (2, 50_000), (3, 48_000), (4, 50_000)] {
        world.place(buy(1, client_id, 1, dollars)).unwrap();
        world.place(sell(2, client_id, 1, 100_000 - dollars + 10)).unwrap();
    }
    world.next_block();
    let read = |side, depth| {
        let rows = levels(&world.state, BTC, side, depth).into_iter();
        rows.map(|(price, level)| (price.raw() / DOLLAR, level.orders)).collect::<Vec<_>>()
    };
    assert_eq!(read(Side::Buy, 10), [(50_000, 2), (49_000, 1), (48_000, 1)]);
    assert_eq!(read(Side::Sell, 10), [(50_010, 2), (51_010, 1), (52_010, 1)]);
    assert_eq!(read(Side::Sell, 1), [(50_010, 2)]);
}

#[test]
fn an_order_that_lives_until_a_time_can_be_asked_for() {
    let mut world = World::new();
    let order = long_term(sell(1, 1, 10, 50_000), 100);
    world.place(order).unwrap();
    world.place(buy(2, 1, 4, 50_000)).unwrap();
    world.next_block();
    let wire = wire_order_id(&order.id, &world.chain);
    assert_eq!(order_id(wire, &world.chain), Ok(order.id));
    let (placement, filled) = stateful_order(&world.state, &order.id, &world.chain).unwrap();
    assert_eq!(filled, 4 * MILLI);
    assert_eq!(placement.order.unwrap().quantums, 10 * MILLI);
    assert_eq!(placement.placement_index.unwrap().block_height, 1);
    world.place(buy(2, 2, 6, 50_000)).unwrap();
    world.next_block();
    assert!(stateful_order(&world.state, &order.id, &world.chain).is_err());
    assert!(world
        .exported()
        .spent
        .iter()
        .all(|(id, _)| id.client_id != 1 || id.subaccount != order.id.subaccount));
}

#[test]
fn the_state_exported_and_started_again_is_the_same_state() {
    let mut world = World::new();
    for client_id in 1..20 {
        world.place(buy(1, client_id, 10, 49_000 + u64::from(client_id % 7))).unwrap();
        world.place(long_term(sell(2, client_id, 10, 50_000 + u64::from(client_id % 5)), 60)).unwrap();
    }
    world.place(sell(3, 1, 33, 49_003)).unwrap();
    world.cancel(buy(1, 4, 10, 49_004).id, GoodTil::Block(20)).unwrap();
    world.next_block();
    let genesis = world.exported();
    let mut again = World::new();
    let mut state = Memory::default();
    std::mem::swap(&mut again.state, &mut state);
    // Only what the module needs from below: the perpetuals that its markets name.
    for (key, value) in state.iter().filter(|(key, _)| key[0] != 0x17) {
        store::State::set(&mut again.state, &key, &value);
    }
    let mut ctx: Ctx<'_> = again.ctx();
    clob::genesis::init(&mut ctx, &genesis).unwrap();
    assert_eq!(again.exported(), genesis);
    assert_eq!(clob::rebuild(&again.state).hash(), world.books.hash());
    let clob_rows =
        |world: &World| -> Vec<_> { world.rows().into_iter().filter(|(key, _)| key[0] == 0x17).collect() };
    assert_eq!(clob_rows(&again), clob_rows(&world));
}
