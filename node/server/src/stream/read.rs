//! Values of events by their names. What an event does not have reads as nothing; tests rebuild whole chains from
//! what comes out.

use clob::{Kind, OrderId};
use types::{Address, Event, MarketId, SubaccountId, Value};

/// A number.
pub(crate) fn number(event: &Event, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(number)) => i128::try_from(*number).unwrap_or(i128::MAX),
        Some(Value::Signed(number)) => *number,
        _ => 0,
    }
}

/// A number of 64 bits.
pub(crate) fn long(event: &Event, name: &str) -> u64 {
    u64::try_from(number(event, name)).unwrap_or_default()
}

/// A number of 32 bits.
pub(crate) fn short(event: &Event, name: &str) -> u32 {
    u32::try_from(number(event, name)).unwrap_or_default()
}

/// A yes or no.
pub(crate) fn flag(event: &Event, name: &str) -> bool {
    event.get(name) == Some(&Value::Bool(true))
}

/// A word.
pub(crate) fn word<'a>(event: &'a Event, name: &str) -> &'a str {
    event.get(name).and_then(Value::text).unwrap_or_default()
}

/// An address.
pub(crate) fn address(event: &Event, name: &str) -> Option<Address> {
    match event.get(name) {
        Some(Value::Address(address)) => Some(*address),
        _ => None,
    }
}

/// A subaccount.
pub(crate) fn account(event: &Event, owner: &str, of: &str) -> Option<SubaccountId> {
    Some(SubaccountId { owner: address(event, owner)?, number: short(event, of) })
}

/// Who is who in a fill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// The only order of the event.
    Only,
    /// The order that rested.
    Maker,
    /// The order that came.
    Taker,
}

/// The name of an order; nothing when the event names none.
pub(crate) fn order_id(event: &Event, role: Role) -> Option<OrderId> {
    let [owner, number, flags, client] = match role {
        Role::Only => ["owner", "number", "order_flags", "client_id"],
        Role::Maker => ["maker_owner", "maker_number", "maker_order_flags", "maker_client_id"],
        Role::Taker => ["taker_owner", "taker_number", "taker_order_flags", "taker_client_id"],
    };
    event.get(flags)?;
    Some(OrderId {
        subaccount: account(event, owner, number)?,
        market: MarketId(short(event, "market")),
        kind: Kind::from_flags(short(event, flags))?,
        client_id: short(event, client),
    })
}
