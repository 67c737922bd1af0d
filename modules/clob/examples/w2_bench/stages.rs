//! Stages that the rules do not show apart, done again by themselves: reading the same operations, telling the
//! same events, paying for the same fills. A sample of each block; the world does not change.

use clob::{GoodTil, Msg, Operation, Order, Placing, TimeInForce};
use num::{BaseQuantums, QuoteQuantums};
use prost::Message as _;
use proto::dydxprotocol::clob as wire;
use std::hint::black_box;
use store::{attempt, Ctx};
use subaccounts::{Kind as UpdateKind, Update};
use types::{Chain, Event, Events, MarketId, SubaccountId, Told, Value};

use crate::meter::{keep, Meter};
use crate::world::{World, LOT, TICK};

/// One operation in so many is looked at.
pub(crate) const SAMPLE: usize = 16;
/// Operations of a batch.
const BATCH: usize = 20;

/// What the stages took, for one operation in [`SAMPLE`].
#[derive(Default)]
pub(crate) struct Again {
    pub(crate) compact: Meter,
    pub(crate) single: Meter,
    pub(crate) events: Meter,
    pub(crate) margin: Meter,
    pub(crate) operations: u64,
    pub(crate) fills: u64,
}

impl Again {
    /// Do the stages of a sample of this block again; `told` are the events of one operation in [`SAMPLE`].
    pub(crate) fn block(&mut self, world: &mut World, block: &[Msg], told: &Events) {
        let sample: Vec<&Msg> = block.iter().step_by(SAMPLE).collect();
        self.operations += sample.len() as u64;
        let operations: Vec<Operation> = sample.iter().map(|msg| operation(msg)).collect();
        let batches: Vec<_> =
            operations.chunks(BATCH).map(|some| batch(some, sample[0], &world.chain)).collect();
        let chain = &world.chain;
        self.compact.measure(|| {
            for bytes in &batches {
                black_box(clob::decode_batch(bytes, chain).expect("what was written can be read"));
            }
        });
        let singles: Vec<_> = sample.iter().map(|msg| single(msg, chain)).collect();
        self.single.measure(|| {
            for (kind, bytes) in &singles {
                let read = match kind {
                    0 => clob::decode_place(bytes, chain),
                    1 => clob::decode_place_more(bytes, chain),
                    _ => clob::decode_cancel(bytes, chain),
                };
                black_box(read.expect("what was written can be read"));
            }
        });
        let mut buffer = Events::default();
        keep(told, &mut buffer);
        let values = buffer.take();
        self.events.measure(|| tell_again(&values, &mut buffer));
        let fills: Vec<[Update; 2]> =
            told.iter().filter(|event| event.kind == clob::FILL_EVENT).map(|event| both(&event)).collect();
        self.fills += fills.len() as u64;
        let World { state, books, block: now, chain, events, .. } = world;
        self.margin.measure(|| {
            let ctx = &mut Ctx { state, events, block: now, chain };
            for updates in &fills {
                let undone: Result<(), ()> = attempt(ctx, &mut books.accounts, |ctx, accounts| {
                    black_box(subaccounts::update(ctx, accounts, updates, UpdateKind::Match).is_ok());
                    Err(())
                });
                black_box(undone.is_err());
            }
        });
    }
}

/// What telling these events costs, apart from finding out what to tell.
fn tell_again(told: &[Event], buffer: &mut Events) {
    for event in told {
        let mut record = buffer.begin(event.kind);
        for (name, value) in &event.attributes {
            record = record.with(name, value.clone());
        }
        if buffer.len() > 4 {
            black_box(&buffer);
            buffer.clear();
        }
    }
}

fn number(event: &Told<'_>, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(number)) => number as i128,
        Some(Value::Signed(number)) => number,
        other => panic!("{name} is {other:?}"),
    }
}

fn who(event: &Told<'_>, owner: &str, at: &str) -> SubaccountId {
    match event.get(owner) {
        Some(Value::Address(owner)) => SubaccountId { owner, number: number(event, at) as u32 },
        other => panic!("{owner} is {other:?}"),
    }
}

/// What a fill did to both of its accounts.
fn both(event: &Told<'_>) -> [Update; 2] {
    let market = MarketId(number(event, "market") as u32);
    let (size, quote) = (number(event, "size"), number(event, "quote"));
    let buys = event.get("side") == Some(Value::Text("buy"));
    let one = |id, buys: bool, fee: i128| Update {
        id,
        quote: QuoteQuantums::new(if buys { -quote } else { quote } - fee),
        base: Some((market, BaseQuantums::new(if buys { size } else { -size }))),
        fee: QuoteQuantums::new(fee),
    };
    [
        one(who(event, "taker_owner", "taker_number"), buys, number(event, "taker_fee")),
        one(who(event, "maker_owner", "maker_number"), !buys, number(event, "maker_fee")),
    ]
}

fn placing(order: &Order) -> Placing {
    Placing {
        market: order.id.market,
        client_id: order.id.client_id,
        side: order.side,
        ticks: order.price.raw() / TICK,
        steps: order.size.raw() / LOT,
        good_til: order.good_til,
        time_in_force: order.time_in_force,
        reduce_only: order.reduce_only,
        self_trade: order.self_trade,
        client_metadata: order.client_metadata,
        condition: None,
        builder: None,
    }
}

fn operation(msg: &Msg) -> Operation {
    match msg {
        Msg::Place(order) | Msg::PlaceMore { order, replace: false } => Operation::Place(placing(order)),
        Msg::PlaceMore { order, .. } => Operation::Replace(placing(order)),
        Msg::Cancel(cancel) => Operation::Cancel {
            market: cancel.id.market,
            kind: cancel.id.kind,
            client_id: cancel.id.client_id,
            good_til: cancel.good_til,
        },
        other => panic!("{other:?} is not drawn"),
    }
}

/// Bytes of a `ballast.clob.v1.MsgBatch` of one owner.
fn batch(operations: &[Operation], of: &Msg, chain: &Chain) -> Vec<u8> {
    let subaccount = SubaccountId { owner: of.signer(), number: 0 };
    proto::ballast::clob::v1::MsgBatch {
        subaccount_id: Some(wire_subaccount(&subaccount, chain)),
        atomic: false,
        operations: clob::compact::encode(operations),
    }
    .encode_to_vec()
}

fn wire_subaccount(id: &SubaccountId, chain: &Chain) -> proto::dydxprotocol::subaccounts::SubaccountId {
    proto::dydxprotocol::subaccounts::SubaccountId {
        owner: id.owner.to_bech32(&chain.prefix),
        number: id.number,
    }
}

fn wire_id(id: &clob::OrderId, chain: &Chain) -> wire::OrderId {
    wire::OrderId {
        subaccount_id: Some(wire_subaccount(&id.subaccount, chain)),
        client_id: id.client_id,
        order_flags: id.kind.flags(),
        clob_pair_id: id.market.0,
    }
}

/// Bytes of a message of its own, and which message it is.
fn single(msg: &Msg, chain: &Chain) -> (u8, Vec<u8>) {
    match msg {
        Msg::Place(order) => {
            (0, wire::MsgPlaceOrder { order: Some(wire_order(order, chain)) }.encode_to_vec())
        }
        Msg::PlaceMore { order, replace } => {
            let order = Some(wire_order(order, chain));
            let msg =
                proto::ballast::clob::v1::MsgPlaceOrder { order, replace: *replace, ..Default::default() };
            (1, msg.encode_to_vec())
        }
        Msg::Cancel(cancel) => {
            let until = match cancel.good_til {
                GoodTil::Block(height) => wire::msg_cancel_order::GoodTilOneof::GoodTilBlock(height),
                GoodTil::Time(time) => wire::msg_cancel_order::GoodTilOneof::GoodTilBlockTime(time),
            };
            let msg = wire::MsgCancelOrder {
                order_id: Some(wire_id(&cancel.id, chain)),
                good_til_oneof: Some(until),
            };
            (2, msg.encode_to_vec())
        }
        other => panic!("{other:?} is not drawn"),
    }
}

fn wire_order(order: &Order, chain: &Chain) -> wire::Order {
    use wire::order::{GoodTilOneof, Side, TimeInForce as Wire};
    let until = match order.good_til {
        GoodTil::Block(height) => GoodTilOneof::GoodTilBlock(height),
        GoodTil::Time(time) => GoodTilOneof::GoodTilBlockTime(time),
    };
    let time_in_force = match order.time_in_force {
        TimeInForce::Rest => Wire::Unspecified,
        TimeInForce::ImmediateOrCancel => Wire::Ioc,
        TimeInForce::PostOnly => Wire::PostOnly,
    };
    wire::Order {
        order_id: Some(wire_id(&order.id, chain)),
        side: if order.side == clob::Side::Buy { Side::Buy } else { Side::Sell }.into(),
        quantums: order.size.raw(),
        subticks: order.price.raw(),
        good_til_oneof: Some(until),
        time_in_force: time_in_force.into(),
        reduce_only: order.reduce_only,
        client_metadata: order.client_metadata,
        ..Default::default()
    }
}
