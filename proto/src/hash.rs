//! The hash of an order, and which of two orders with one id comes later.
//!
//! Hashes are taken over the bytes the reference encoder writes. It always writes the sub-messages an order
//! cannot be without, also when they are empty; here they are `Option`s, and `None` writes nothing.
//! [`canonical`] closes that gap. Fields unknown to the schema do not survive decoding and so do not count.

use crate::dydxprotocol::clob::{order::GoodTilOneof, Order, OrderId};
use core::cmp::Ordering;
use prost::Message;
use sha2::{Digest, Sha256};

/// `order` with every sub-message present that the reference encoder always writes.
#[must_use]
pub fn canonical(mut order: Order) -> Order {
    order.order_id = Some(canonical_id(order.order_id.unwrap_or_default()));
    order
}

/// `id` with the account present, as the reference encoder always writes it.
#[must_use]
pub fn canonical_id(mut id: OrderId) -> OrderId {
    id.subaccount_id.get_or_insert_with(Default::default);
    id
}

/// SHA-256 of the canonical bytes of `order`.
#[must_use]
pub fn order_hash(order: &Order) -> [u8; 32] {
    Sha256::digest(canonical(order.clone()).encode_to_vec()).into()
}

/// SHA-256 of the canonical bytes of `id`.
#[must_use]
pub fn order_id_hash(id: &OrderId) -> [u8; 32] {
    Sha256::digest(canonical_id(id.clone()).encode_to_vec()).into()
}

/// Which of two orders with the same id takes the other's place: the one that is good for longer, then the
/// one with the higher hash. `Greater` if it is `left`. An order without an expiry counts as zero.
#[must_use]
pub fn priority(left: &Order, right: &Order) -> Ordering {
    let by_expiry = good_til(left).cmp(&good_til(right));
    by_expiry.then_with(|| order_hash(left).cmp(&order_hash(right)))
}

/// Block height of a short-term order, unix seconds of a stateful one. Equal ids have the same kind.
fn good_til(order: &Order) -> u32 {
    match order.good_til_oneof {
        Some(GoodTilOneof::GoodTilBlock(height)) => height,
        Some(GoodTilOneof::GoodTilBlockTime(seconds)) => seconds,
        None => 0,
    }
}
