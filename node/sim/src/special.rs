//! Orders that do more than rest or trade at once, and many of them in one message.

use clob::{GoodTil, Kind, Operation, Placing, SelfTrade};
use cosmos_sdk_proto::Any;
use proto::ballast::clob::v1 as ballast;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{ConditionType, GoodTilOneof, TimeInForce};
use scenario::{any, Dice, World};
use types::MarketId;

fn flag(order: &mut wire::Order, flags: u32, until: u32) {
    if let Some(id) = &mut order.order_id {
        id.order_flags = flags;
    }
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(until));
}

fn soon(world: &World, seconds: u64) -> u32 {
    let now = u64::try_from(world.machine.last_block().1.seconds()).unwrap_or_default();
    u32::try_from(now + seconds).unwrap_or(u32::MAX)
}

/// Make it wait for a price near its own.
pub(crate) fn wait(world: &World, order: &mut wire::Order, dice: &mut Dice) {
    flag(order, 32, soon(world, dice.within(1, 300)));
    let kind = if dice.once_in(2) { ConditionType::StopLoss } else { ConditionType::TakeProfit };
    order.condition_type = kind.into();
    order.conditional_order_trigger_subticks = order.subticks;
    if dice.once_in(3) {
        order.time_in_force = TimeInForce::Ioc.into();
    }
}

/// Spread it over minutes.
pub(crate) fn slice(world: &World, order: &mut wire::Order, dice: &mut Dice) {
    flag(order, 128, soon(world, 1_000));
    order.twap_parameters = Some(wire::TwapParameters {
        duration: 300,
        interval: *dice.pick(&[30, 60, 150]),
        price_tolerance: *dice.pick(&[0, 10_000, 100_000]),
    });
    if dice.once_in(2) {
        order.subticks = 0;
    }
}

/// Place it with a choice against own orders, sometimes in the place of another one.
pub(crate) fn more(order: wire::Order, dice: &mut Dice) -> Any {
    let self_trade = *dice.pick(&[0, 1, 2]);
    let replace = order.order_id.as_ref().is_some_and(|id| id.order_flags == 64) && dice.once_in(2);
    any(&ballast::MsgPlaceOrder { order: Some(order), self_trade, replace })
}

/// Operations that place these orders, as far as batches know their kind, and cancel those.
pub(crate) fn operations(
    world: &World,
    orders: Vec<wire::Order>,
    gone: impl Iterator<Item = wire::OrderId>,
    dice: &mut Dice,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for id in gone {
        let Some(kind) = Kind::from_flags(id.order_flags) else { continue };
        let good_til =
            if kind.is_stateful() { GoodTil::Time(soon(world, 300)) } else { GoodTil::Block(until(world)) };
        let (market, client_id) = (MarketId(id.clob_pair_id), id.client_id);
        operations.push(Operation::Cancel { market, kind, client_id, good_til });
    }
    for order in orders {
        let Ok(clob::Msg::Place(order)) = read(world, order) else { continue };
        let Some(pair) = clob::pair(world.machine.state(), order.id.market) else { continue };
        if order.id.kind == Kind::Twap {
            continue;
        }
        let tick = u64::from(pair.subticks_per_tick);
        let placing = Placing {
            market: order.id.market,
            client_id: order.id.client_id,
            side: order.side,
            ticks: order.price.raw() / tick,
            steps: order.size.raw() / pair.step.raw(),
            // All short-term operations of a batch have one last block.
            good_til: match order.good_til {
                GoodTil::Block(_) => GoodTil::Block(until(world)),
                time @ GoodTil::Time(_) => time,
            },
            time_in_force: order.time_in_force,
            reduce_only: order.reduce_only,
            self_trade: *dice.pick(&[SelfTrade::CancelMaker, SelfTrade::CancelTaker, SelfTrade::CancelBoth]),
            client_metadata: 0,
            condition: order.condition.map(|condition| (condition.kind, condition.trigger.raw() / tick)),
            builder: None,
        };
        let replace = placing.condition.is_none() && dice.once_in(4);
        operations.push(if replace { Operation::Replace(placing) } else { Operation::Place(placing) });
    }
    operations
}

fn until(world: &World) -> u32 {
    u32::try_from(world.height() + 15).unwrap_or(u32::MAX)
}

fn read(world: &World, order: wire::Order) -> Result<clob::Msg, clob::Error> {
    let message = world.place(order);
    clob::decode_place(&message.value, world.machine.chain())
}

/// The message of a batch.
pub(crate) fn batch(world: &World, person: &str, operations: &[Operation], dice: &mut Dice) -> Any {
    any(&ballast::MsgBatch {
        subaccount_id: Some(world.wire_id(person)),
        atomic: dice.once_in(2),
        operations: clob::compact::encode(operations),
    })
}
