//! Orders and cancels.

use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::msg_cancel_order::GoodTilOneof as Until;
use proto::dydxprotocol::clob::order::{ConditionType, GoodTilOneof, Side, TimeInForce};
use scenario::{any, World};

use crate::{long_term, resting_ask, row, seconds, Left, Row, BTC, ETH, PRICE, SIZE};

const NOTHING: Left = Left::Nothing;
const SEQUENCE: Left = Left::Sequence;

/// A short-term bid of alice that would be accepted, changed.
fn order(world: &World, edit: impl FnOnce(&mut wire::Order)) -> Vec<u8> {
    let mut order = world.order("alice", BTC, 50, (Side::Buy, SIZE, PRICE));
    edit(&mut order);
    world.sign("alice", &[world.place(order)])
}

/// The same for a long-term bid.
fn stateful(world: &World, edit: impl FnOnce(&mut wire::Order)) -> Vec<u8> {
    let mut order = long_term(world, 50);
    edit(&mut order);
    world.sign("alice", &[world.place(order)])
}

fn id(order: &mut wire::Order) -> &mut wire::OrderId {
    order.order_id.as_mut().unwrap()
}

fn until_block(order: &mut wire::Order, block: u64) {
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(u32::try_from(block).unwrap()));
}

fn until_time(order: &mut wire::Order, time: u32) {
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(time));
}

/// A cancel of the order with `client_id`.
fn cancel(world: &World, (flags, client_id, market): (u32, u32, u32), until: Until) -> Vec<u8> {
    let id = wire::OrderId {
        subaccount_id: Some(world.wire_id("alice")),
        client_id,
        order_flags: flags,
        clob_pair_id: market,
    };
    world.sign("alice", &[world.cancel(id, until)])
}

fn batch(world: &World, batches: &[(u32, &[u32])], good_til_block: u32) -> Vec<u8> {
    let batch =
        |(market, ids): &(u32, &[u32])| wire::OrderBatch { clob_pair_id: *market, client_ids: ids.to_vec() };
    world.sign(
        "alice",
        &[any(&wire::MsgBatchCancel {
            subaccount_id: Some(world.wire_id("alice")),
            short_term_cancels: batches.iter().map(batch).collect(),
            good_til_block,
        })],
    )
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = terms();
    rows.extend(kinds());
    rows.extend(windows());
    rows.extend(accounts());
    rows.extend(again());
    rows.extend(cancels());
    rows.extend(batches());
    rows
}

fn terms() -> Vec<Row> {
    vec![
        row("no order", ("subaccounts", 201), NOTHING, |world| {
            world.sign("alice", &[any(&wire::MsgPlaceOrder { order: None })])
        }),
        row("no side", ("clob", 3), NOTHING, |world| order(world, |order| order.side = 0)),
        row("a side that is none", ("clob", 3), NOTHING, |world| order(world, |order| order.side = 3)),
        row("no size", ("clob", 4), NOTHING, |world| order(world, |order| order.quantums = 0)),
        row("no price", ("clob", 6), NOTHING, |world| order(world, |order| order.subticks = 0)),
        row("an unknown market", ("clob", 8), NOTHING, |world| {
            order(world, |order| id(order).clob_pair_id = 3)
        }),
        row("the last market number", ("clob", 8), NOTHING, |world| {
            order(world, |order| id(order).clob_pair_id = u32::MAX)
        }),
        row("a price off the tick", ("clob", 12), NOTHING, |world| order(world, |order| order.subticks += 1)),
        row("the largest price", ("clob", 12), NOTHING, |world| {
            order(world, |order| order.subticks = u64::MAX)
        }),
        row("a size off the step", ("clob", 12), NOTHING, |world| order(world, |order| order.quantums += 1)),
        row("a size of one quantum", ("clob", 12), NOTHING, |world| order(world, |order| order.quantums = 1)),
        row("the largest size", ("clob", 12), NOTHING, |world| {
            order(world, |order| order.quantums = u64::MAX)
        }),
        row("worth beyond the bound", ("clob", 20_002), NOTHING, |world| {
            order(world, |order| {
                order.quantums = u64::MAX / 1_000_000 * 1_000_000;
                order.subticks = u64::MAX / 100_000 * 100_000;
            })
        }),
        row("a stale price", ("clob", 20_001), NOTHING, |world| {
            order(world, |order| id(order).clob_pair_id = ETH)
        }),
        row("a stale price, long-term", ("clob", 20_001), SEQUENCE, |world| {
            stateful(world, |order| id(order).clob_pair_id = ETH)
        }),
    ]
}

fn kinds() -> Vec<Row> {
    vec![
        row("fill or kill", ("clob", 48), NOTHING, |world| {
            order(world, |order| order.time_in_force = TimeInForce::FillOrKill.into())
        }),
        row("a time in force that is none", ("clob", 44), NOTHING, |world| {
            order(world, |order| order.time_in_force = 4)
        }),
        row("a condition that is none", ("clob", 6_000), NOTHING, |world| {
            order(world, |order| order.condition_type = 9)
        }),
        row("a condition without its kind", ("clob", 6_000), NOTHING, |world| {
            order(world, |order| order.condition_type = ConditionType::StopLoss.into())
        }),
        row("a trigger without its kind", ("clob", 6_001), NOTHING, |world| {
            order(world, |order| order.conditional_order_trigger_subticks = PRICE)
        }),
        row("a trigger off the tick", ("clob", 12), SEQUENCE, |world| {
            stateful(world, |order| {
                id(order).order_flags = 32;
                order.condition_type = ConditionType::StopLoss.into();
                order.conditional_order_trigger_subticks = PRICE + 1;
            })
        }),
        row("a conditional order without a condition", ("clob", 6_000), NOTHING, |world| {
            stateful(world, |order| id(order).order_flags = 32)
        }),
        row("a twap order with slices below the step", ("clob", 12), SEQUENCE, |world| {
            stateful(world, |order| {
                id(order).order_flags = 128;
                order.quantums = SIZE / 20;
                let slices = wire::TwapParameters { duration: 300, interval: 30, price_tolerance: 0 };
                order.twap_parameters = Some(slices);
            })
        }),
        row("a twap order without slices", ("clob", 12), NOTHING, |world| {
            stateful(world, |order| id(order).order_flags = 128)
        }),
        row("a slice that only the chain makes", ("clob", 3_000), NOTHING, |world| {
            stateful(world, |order| id(order).order_flags = 256)
        }),
        row("flags that are none", ("clob", 3_000), NOTHING, |world| {
            order(world, |order| id(order).order_flags = 1)
        }),
        row("a long-term order that is immediate", ("clob", 3_002), NOTHING, |world| {
            stateful(world, |order| order.time_in_force = TimeInForce::Ioc.into())
        }),
        row("a reduce-only order that makes its position larger", ("clob", 2_001), NOTHING, |world| {
            order(world, |order| {
                order.reduce_only = true;
                order.side = 3 - order.side;
            })
        }),
        row("a builder that takes no money", ("clob", 50), NOTHING, |world| {
            let builder_address = fees::collector().to_bech32("ballast");
            order(world, |order| {
                let builder = wire::BuilderCodeParameters { builder_address, fee_ppm: 100 };
                order.builder_code_parameters = Some(builder);
            })
        }),
        row("a builder's fee beyond a percent", ("clob", 50), NOTHING, |world| {
            let builder_address = world.address("bob");
            order(world, |order| {
                let builder = wire::BuilderCodeParameters { builder_address, fee_ppm: 10_001 };
                order.builder_code_parameters = Some(builder);
            })
        }),
        row("a router that nobody registered", ("clob", 11_000), NOTHING, |world| {
            order(world, |order| order.order_router_address = world.address("bob"))
        }),
    ]
}

fn windows() -> Vec<Row> {
    vec![
        row("no block", ("clob", 5), NOTHING, |world| order(world, |order| order.good_til_oneof = None)),
        row("block 0", ("clob", 5), NOTHING, |world| order(world, |order| until_block(order, 0))),
        row("a time for a short-term order", ("clob", 5), NOTHING, |world| {
            order(world, |order| until_time(order, seconds(world) + 60))
        }),
        row("a block that has passed", ("clob", 10), NOTHING, |world| {
            order(world, |order| until_block(order, world.height()))
        }),
        row("a block too far", ("clob", 11), NOTHING, |world| {
            order(world, |order| until_block(order, world.height() + 42))
        }),
        row("the last block", ("clob", 11), NOTHING, |world| {
            order(world, |order| until_block(order, u32::MAX.into()))
        }),
        row("no time", ("clob", 3_001), NOTHING, |world| {
            stateful(world, |order| order.good_til_oneof = None)
        }),
        row("a block for a long-term order", ("clob", 3_001), NOTHING, |world| {
            stateful(world, |order| until_block(order, world.height() + 2))
        }),
        row("a time that has passed", ("clob", 3_003), SEQUENCE, |world| {
            stateful(world, |order| until_time(order, seconds(world)))
        }),
        row("a time too far", ("clob", 3_004), SEQUENCE, |world| {
            stateful(world, |order| until_time(order, seconds(world) + 95 * 86_400 + 1))
        }),
    ]
}

fn accounts() -> Vec<Row> {
    vec![
        row("another's subaccount", ("sdk", 8), NOTHING, |world| {
            order(world, |order| id(order).subaccount_id = Some(world.wire_id("bob")))
        }),
        row("subaccount 128001", ("subaccounts", 200), NOTHING, |world| {
            order(world, |order| id(order).subaccount_id.as_mut().unwrap().number = 128_001)
        }),
        row("an owner of another chain", ("subaccounts", 201), NOTHING, |world| {
            let owner = world.id("alice").owner.to_bech32("dydx");
            order(world, |order| id(order).subaccount_id.as_mut().unwrap().owner = owner)
        }),
        row("a taker that cannot pay", ("clob", 3_007), NOTHING, |world| {
            order(world, |order| {
                id(order).subaccount_id.as_mut().unwrap().number = 7;
                order.subticks = 3_000_000_000;
            })
        }),
        row("a long-term order that cannot be paid", ("clob", 3_007), SEQUENCE, |world| {
            stateful(world, |order| {
                order.quantums = 10_000 * SIZE;
                order.subticks = 4_000_000_000;
            })
        }),
        row("a post-only order that would trade", ("clob", 2_003), NOTHING, |world| {
            let mut order = world.order("bob", BTC, 50, (Side::Buy, SIZE, 3_000_000_000));
            order.time_in_force = TimeInForce::PostOnly.into();
            world.sign("bob", &[world.place(order)])
        }),
        row("reduce-only on the side of the position", ("clob", 2_001), NOTHING, |world| {
            order(world, |order| {
                order.side = Side::Sell.into();
                order.reduce_only = true;
                order.time_in_force = TimeInForce::Ioc.into();
            })
        }),
    ]
}

fn again() -> Vec<Row> {
    vec![
        row("an order that rests, again", ("clob", 30), NOTHING, |world| {
            world.sign("alice", &[world.place(resting_ask(world))])
        }),
        row("another order with the id of one that rests", ("clob", 20), NOTHING, |world| {
            let mut order = resting_ask(world);
            order.quantums *= 2;
            world.sign("alice", &[world.place(order)])
        }),
        row("an order that has traded", ("clob", 24), NOTHING, |world| {
            let order = world.order("alice", BTC, 3, (Side::Sell, 100 * SIZE, PRICE));
            world.sign("alice", &[world.place(order)])
        }),
        row("an immediate order that has traded", ("clob", 2_004), NOTHING, |world| {
            let mut order = world.order("alice", BTC, 3, (Side::Sell, 200 * SIZE, PRICE));
            order.time_in_force = TimeInForce::Ioc.into();
            world.sign("alice", &[world.place(order)])
        }),
        row("an order that was cancelled before it came", ("clob", 7), NOTHING, |world| {
            order(world, |order| id(order).client_id = 9)
        }),
        row("a long-term order that is there", ("clob", 3_005), SEQUENCE, |world| {
            world.sign("alice", &[world.place(long_term(world, 2))])
        }),
    ]
}

fn cancels() -> Vec<Row> {
    vec![
        row("a cancel that is there", ("clob", 9), NOTHING, |world| {
            cancel(world, (0, 9, BTC), Until::GoodTilBlock(30))
        }),
        row("a cancel that has passed", ("clob", 10), NOTHING, |world| {
            cancel(world, (0, 1, BTC), Until::GoodTilBlock(1))
        }),
        row("a cancel too far", ("clob", 11), NOTHING, |world| {
            cancel(world, (0, 1, BTC), Until::GoodTilBlock(1_000))
        }),
        row("a cancel without a block", ("clob", 5), NOTHING, |world| {
            cancel(world, (0, 1, BTC), Until::GoodTilBlock(0))
        }),
        row("a cancel in an unknown market", ("clob", 8), NOTHING, |world| {
            cancel(world, (0, 1, 3), Until::GoodTilBlock(20))
        }),
        row("a cancel of flags that are none", ("clob", 3_000), NOTHING, |world| {
            cancel(world, (256, 1, BTC), Until::GoodTilBlock(20))
        }),
        row("a long-term cancel of nothing", ("clob", 3_006), SEQUENCE, |world| {
            cancel(world, (64, 77, BTC), Until::GoodTilBlockTime(seconds(world) + 60))
        }),
        row("a long-term cancel that ends too early", ("clob", 29), SEQUENCE, |world| {
            cancel(world, (64, 2, BTC), Until::GoodTilBlockTime(seconds(world) + 60))
        }),
        row("a long-term cancel that has passed", ("clob", 3_003), SEQUENCE, |world| {
            cancel(world, (64, 2, BTC), Until::GoodTilBlockTime(seconds(world)))
        }),
        row("a cancel of another's order", ("sdk", 8), NOTHING, |world| {
            let mut ask = resting_ask(world);
            id(&mut ask).subaccount_id = Some(world.wire_id("bob"));
            let id = ask.order_id.unwrap();
            world.sign("alice", &[world.cancel(id, Until::GoodTilBlock(40))])
        }),
    ]
}

fn batches() -> Vec<Row> {
    vec![
        row("a batch of nothing", ("clob", 45), NOTHING, |world| batch(world, &[], 20)),
        row("a batch of a market without ids", ("clob", 45), NOTHING, |world| {
            batch(world, &[(BTC, &[])], 20)
        }),
        row("a batch of a market twice", ("clob", 45), NOTHING, |world| {
            batch(world, &[(BTC, &[1]), (BTC, &[2])], 20)
        }),
        row("a batch of an id twice", ("clob", 45), NOTHING, |world| batch(world, &[(BTC, &[1, 1])], 20)),
        row("a batch of 101", ("clob", 45), NOTHING, |world| {
            let ids: Vec<u32> = (0..101).collect();
            batch(world, &[(BTC, &ids)], 20)
        }),
        row("a batch without a block", ("clob", 5), NOTHING, |world| batch(world, &[(BTC, &[1])], 0)),
        row("a batch that has passed", ("clob", 46), NOTHING, |world| batch(world, &[(BTC, &[1, 2])], 1)),
        row("a batch in an unknown market", ("clob", 46), NOTHING, |world| batch(world, &[(3, &[1])], 20)),
    ]
}
