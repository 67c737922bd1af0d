//! Hashes and priorities of orders, against the reference's vectors.

use prost::Message;
use proto::dydxprotocol::clob::{order::GoodTilOneof, order::Side, Order, OrderId};
use proto::dydxprotocol::subaccounts::SubaccountId;
use proto::hash::{canonical, order_hash, order_id_hash, priority};
use std::cmp::Ordering;

#[test]
fn w3_an_empty_order_hashes_as_its_empty_parts() {
    assert_eq!(hex::encode(canonical(Order::default()).encode_to_vec()), "0a020a00");
    assert_eq!(
        hex::encode(order_hash(&Order::default())),
        "06d93673413ba3294abc0e3397381a4415ed379ce621fe916baff745983d1b8c"
    );
    assert_eq!(
        hex::encode(order_id_hash(&OrderId::default())),
        "102b51b9765a56a3e899f7cf0ee38e5251f9c503b357b330a49183eb7b155604"
    );
}

#[test]
fn w4_a_short_term_buy_has_the_reference_hash() {
    let owner = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4".into();
    let id = OrderId { subaccount_id: Some(SubaccountId { owner, number: 0 }), ..Default::default() };
    let order = Order {
        order_id: Some(id.clone()),
        side: Side::Buy.into(),
        quantums: 5,
        subticks: 10,
        good_til_oneof: Some(GoodTilOneof::GoodTilBlock(15)),
        ..Default::default()
    };
    assert_eq!(
        hex::encode(order_hash(&order)),
        "a7ff5678fc54ff3b9f4a71a2c4149718ac4bf653679fffb8e0f847af36db355d"
    );
    assert_eq!(
        hex::encode(order_id_hash(&id)),
        "5c2ec7cbfcf263f6cb37441260cc8b71dd28b7fc8f00ff00c1391645ce532195"
    );
}

#[test]
fn w5_the_longer_lived_order_then_the_higher_hash_comes_first() {
    let until_block = |height| Some(GoodTilOneof::GoodTilBlock(height));
    let until_time = |seconds| Some(GoodTilOneof::GoodTilBlockTime(seconds));
    let order = |order_flags, good_til_oneof, subticks| Order {
        order_id: Some(OrderId { order_flags, ..Default::default() }),
        good_til_oneof,
        subticks,
        ..Default::default()
    };
    let table = [
        (order(0, until_block(1), 1), order(0, until_block(1), 2), Ordering::Less),
        (order(0, until_block(2), 0), order(0, until_block(1), 0), Ordering::Greater),
        (order(0, until_block(1), 1), order(0, until_block(1), 1), Ordering::Equal),
        (order(64, until_time(1), 1), order(64, until_time(1), 2), Ordering::Less),
        (order(32, until_time(1), 2), order(32, until_time(1), 1), Ordering::Less),
    ];
    for (left, right, expected) in table {
        assert_eq!(priority(&left, &right), expected, "{left:?} against {right:?}");
        assert_eq!(priority(&right, &left), expected.reverse());
    }
}
