//! An order that asks for nothing special, for tests of this crate and of those above it.

use clob::{GoodTil, Order, OrderId, Side, Size, TimeInForce};
use num::Subticks;

/// An order that rests when nobody takes it: no condition, no builder, no slices, not bound to reduce.
pub(crate) fn plain(id: OrderId, side: Side, price: Subticks, size: Size, good_til: GoodTil) -> Order {
    Order {
        id,
        side,
        price,
        size,
        good_til,
        time_in_force: TimeInForce::Rest,
        reduce_only: false,
        self_trade: Default::default(),
        client_metadata: 0,
        condition: None,
        builder: None,
        twap: None,
    }
}
