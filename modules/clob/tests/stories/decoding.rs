//! From bytes to messages: the stateless rules, in the reference's order, with its codes.

use clob::{
    decode_batch_cancel, decode_cancel, decode_place, Builder, Condition, ConditionKind, Error, GoodTil,
    Kind, Msg, Side, Twap,
};
use prost::Message;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::GoodTilOneof as Until;
use proto::dydxprotocol::subaccounts::SubaccountId;
use types::{Address, Chain, Denom, Rejection};

fn chain() -> Chain {
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral: Denom::new("uusdc").unwrap() }
}

fn owner() -> String {
    Address::new([7; 20]).to_bech32("ballast")
}

fn good() -> wire::Order {
    let subaccount_id = Some(SubaccountId { owner: owner(), number: 3 });
    wire::Order {
        order_id: Some(wire::OrderId { subaccount_id, client_id: 9, order_flags: 0, clob_pair_id: 1 }),
        side: 1,
        quantums: 5,
        subticks: 10,
        good_til_oneof: Some(Until::GoodTilBlock(15)),
        client_metadata: 4,
        ..wire::Order::default()
    }
}

fn decode(order: wire::Order) -> Result<Msg, Error> {
    decode_place(&wire::MsgPlaceOrder { order: Some(order) }.encode_to_vec(), &chain())
}

fn with(change: impl FnOnce(&mut wire::Order)) -> wire::Order {
    let mut order = good();
    change(&mut order);
    order
}

fn stateful(flags: u32, change: impl FnOnce(&mut wire::Order)) -> wire::Order {
    with(|order| {
        order.order_id.as_mut().unwrap().order_flags = flags;
        order.good_til_oneof = Some(Until::GoodTilBlockTime(99));
        change(order);
    })
}

fn twap(duration: u32, interval: u32, price_tolerance: u32) -> wire::Order {
    stateful(128, |order| {
        order.twap_parameters = Some(wire::TwapParameters { duration, interval, price_tolerance });
    })
}

fn builder(builder_address: String, fee_ppm: u32) -> wire::Order {
    with(|order| {
        order.builder_code_parameters = Some(wire::BuilderCodeParameters { builder_address, fee_ppm });
    })
}

#[test]
fn a_sane_order_becomes_its_terms() {
    let Ok(Msg::Place(order)) = decode(good()) else { panic!() };
    assert_eq!((order.id.subaccount.number, order.id.client_id, order.id.market.0), (3, 9, 1));
    assert_eq!((order.id.kind, order.side, order.good_til), (Kind::ShortTerm, Side::Buy, GoodTil::Block(15)));
    assert_eq!((order.size.raw(), order.price.raw(), order.client_metadata), (5, 10, 4));
    let msg = Msg::Place(order);
    assert_eq!(msg.signer(), Address::new([7; 20]));
    assert!(msg.is_short_term() && !msg.is_cancel() && !msg.is_post_only());
}

#[test]
fn orders_that_make_no_sense_are_refused_with_the_codes_of_the_reference() {
    type Change = fn(&mut wire::Order);
    let changes: &[(&str, Change, u32)] = &[
        ("fill or kill", |order| order.time_in_force = 3, 48),
        (
            "fill or kill before all else",
            |order| *order = wire::Order { time_in_force: 3, ..Default::default() },
            48,
        ),
        ("time in force", |order| order.time_in_force = 9, 44),
        ("condition type", |order| order.condition_type = 9, 6_000),
        ("no side", |order| order.side = 0, 3),
        ("no such side", |order| order.side = 7, 3),
        ("no size", |order| order.quantums = 0, 4),
        ("router that is no address", |order| order.order_router_address = "x".into(), 11_000),
        ("router that nobody registered", |order| order.order_router_address = owner(), 11_000),
        ("no block", |order| order.good_til_oneof = None, 5),
        ("block zero", |order| order.good_til_oneof = Some(Until::GoodTilBlock(0)), 5),
        ("time for a short-term order", |order| order.good_til_oneof = Some(Until::GoodTilBlockTime(9)), 5),
        ("flags", |order| order.order_id.as_mut().unwrap().order_flags = 3, 3_000),
        (
            "flags of the chain's own slices",
            |order| order.order_id.as_mut().unwrap().order_flags = 256,
            3_000,
        ),
        ("no price", |order| order.subticks = 0, 6),
        ("condition on a plain order", |order| order.condition_type = 1, 6_000),
        ("trigger on a plain order", |order| order.conditional_order_trigger_subticks = 5, 6_001),
    ];
    for (what, change, code) in changes {
        let error = decode(with(change)).expect_err(what);
        assert_eq!((error.codespace(), error.code()), ("clob", *code), "{what}");
    }
    for (what, order, code) in [
        ("no time", stateful(64, |order| order.good_til_oneof = None), 3_001),
        ("time zero", stateful(64, |order| order.good_til_oneof = Some(Until::GoodTilBlockTime(0))), 3_001),
        ("long-term and immediate", stateful(64, |order| order.time_in_force = 1), 3_002),
        ("condition missing", stateful(32, |order| order.conditional_order_trigger_subticks = 5), 6_000),
        ("trigger missing", stateful(32, |order| order.condition_type = 1), 6_001),
        ("twap without parameters", stateful(128, |_| ()), 12),
        ("twap interval", twap(300, 29, 0), 12),
        ("twap duration", twap(299, 30, 0), 12),
        ("twap remainder", twap(301, 30, 0), 12),
        ("twap tolerance", twap(300, 30, 1_000_000), 12),
        ("builder address", builder("x".into(), 10), 50),
        ("builder without fee", builder(owner(), 0), 50),
        ("builder fee", builder(owner(), 10_001), 50),
    ] {
        let error = decode(order).expect_err(what);
        assert_eq!((error.codespace(), error.code()), ("clob", code), "{what}");
    }
    let conditional = stateful(32, |order| {
        order.condition_type = 1;
        order.conditional_order_trigger_subticks = 5;
    });
    let Ok(Msg::Place(order)) = decode(conditional) else { panic!() };
    let trigger = num::Subticks::new(5);
    assert_eq!(order.condition, Some(Condition { kind: ConditionKind::StopLoss, trigger }));
    let Ok(Msg::Place(order)) = decode(twap(300, 30, 999_999)) else { panic!() };
    let tolerance = num::Ppm::new(999_999);
    assert_eq!(order.twap, Some(Twap { duration: 300, interval: 30, tolerance }));
    let Ok(Msg::Place(order)) = decode(builder(owner(), 10_000)) else { panic!() };
    assert_eq!(order.builder, Some(Builder { address: Address::new([7; 20]), fee_ppm: 10_000 }));
}

#[test]
fn subaccounts_and_bytes_are_checked_first() {
    let number = with(|order| {
        order.order_id.as_mut().unwrap().subaccount_id.as_mut().unwrap().number = 128_001;
    });
    let error = decode(number).unwrap_err();
    assert_eq!((error.codespace(), error.code()), ("subaccounts", 200));
    let error = decode(wire::Order::default()).unwrap_err();
    assert_eq!((error.codespace(), error.code()), ("subaccounts", 201));
    let mut bytes = wire::MsgPlaceOrder { order: Some(good()) }.encode_to_vec();
    bytes.extend([0x78, 0x01]);
    let error = decode_place(&bytes, &chain()).unwrap_err();
    assert_eq!((error.codespace(), error.code()), ("sdk", 2));
}

#[test]
fn cancels_and_batches_are_checked_too() {
    let id = good().order_id;
    let cancel = |until| {
        let msg = wire::MsgCancelOrder { order_id: id.clone(), good_til_oneof: until };
        decode_cancel(&msg.encode_to_vec(), &chain())
    };
    use wire::msg_cancel_order::GoodTilOneof as Until;
    assert!(cancel(Some(Until::GoodTilBlock(4))).is_ok_and(|msg| msg.is_cancel() && msg.is_short_term()));
    assert_eq!(cancel(None).map_err(|error| error.code()), Err(5));
    assert_eq!(cancel(Some(Until::GoodTilBlockTime(4))).map_err(|error| error.code()), Err(5));
    let batch = |batches: &[(u32, Vec<u32>)], good_til_block| {
        let batches = batches.iter().map(|(market, client_ids)| wire::OrderBatch {
            clob_pair_id: *market,
            client_ids: client_ids.clone(),
        });
        let msg = wire::MsgBatchCancel {
            subaccount_id: id.clone().unwrap().subaccount_id,
            short_term_cancels: batches.collect(),
            good_til_block,
        };
        decode_batch_cancel(&msg.encode_to_vec(), &chain()).map(|_| ()).map_err(|error| error.code())
    };
    let hundred: Vec<u32> = (0..100).collect();
    assert_eq!(batch(&[(0, hundred.clone())], 9), Ok(()));
    assert_eq!(batch(&[(0, hundred.clone()), (1, vec![1])], 9), Err(45));
    assert_eq!(batch(&[(0, vec![1, 2]), (0, vec![3])], 9), Err(45));
    assert_eq!(batch(&[(0, vec![2, 1, 2])], 9), Err(45));
    assert_eq!(batch(&[(0, vec![])], 9), Err(45));
    assert_eq!(batch(&[], 9), Err(45));
    assert_eq!(batch(&[(0, vec![1])], 0), Err(5));
}
