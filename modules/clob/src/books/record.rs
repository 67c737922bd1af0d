//! What the arenas hold. A resting order is one cache line: what matching needs, and handles of the rest.

use num::Subticks;
use types::{MarketId, SubaccountId};

use crate::arena::{Handle, Links, List};
use crate::order::{Kind, Order, OrderId, Side, Size, TimeInForce};

/// An order and its neighbours. Its price and side are those of its level, its owner and market those of its
/// trader.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Record {
    pub(super) remaining: Size,
    pub(crate) sequence: u64,
    pub(super) size: Size,
    pub(super) level: Handle,
    pub(super) trader: Handle,
    pub(super) client_id: u32,
    pub(super) client_metadata: u32,
    /// Height or second until which it is good.
    pub(crate) until: u32,
    pub(super) kind: Kind,
    pub(super) time_in_force: TimeInForce,
    pub(super) flags: Flags,
    /// In the queue of its level, oldest first.
    pub(super) queue: Links,
    /// Among the orders that end at about the same moment.
    pub(crate) due: Links,
}

impl Record {
    /// What stands in a place of the arena that was never used.
    pub(super) const BLANK: Self = Self {
        remaining: Size::ZERO,
        sequence: 0,
        size: Size::ZERO,
        level: Handle::NONE,
        trader: Handle::NONE,
        client_id: 0,
        client_metadata: 0,
        until: 0,
        kind: Kind::ShortTerm,
        time_in_force: TimeInForce::Rest,
        flags: Flags(0),
        queue: Links::NONE,
        due: Links::NONE,
    };
}

impl Record {
    /// The name of the order, whose trader is `trader`.
    #[inline]
    pub(super) fn id(&self, trader: &Trader) -> OrderId {
        let Trader { id: subaccount, market, .. } = *trader;
        OrderId { subaccount, market, kind: self.kind, client_id: self.client_id }
    }
}

/// Yes or no about an order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags(u8);

impl Flags {
    /// It is good until a second, not a height.
    pub(super) const BY_TIME: u8 = 1;
    /// It may only make a position smaller.
    pub(super) const REDUCE_ONLY: u8 = 2;
    /// It rests: neither free nor held for an undo.
    pub(super) const LIVE: u8 = 4;
    /// Its row does not say so yet.
    pub(super) const FRESH: u8 = 8;
    /// It has parts that stand elsewhere.
    pub(super) const PARTS: u8 = 16;
    /// The list of orders that came names its place in the arena. Stays with the place when it is given to another.
    pub(super) const LISTED: u8 = 32;
    /// It took the place of an order that must not come again.
    pub(super) const SUCCESSOR: u8 = 64;
    /// There is a row under its id: its own, or of an order whose place it took.
    pub(super) const ROW: u8 = 128;

    #[inline]
    pub(super) const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    #[inline]
    pub(super) fn set(&mut self, bit: u8, value: bool) {
        if value {
            self.0 |= bit;
        } else {
            self.0 &= !bit;
        }
    }
}

/// Orders at one price. It stays in its arena while its row has to be written, even when the last order left.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) price: Subticks,
    pub(super) quantums: u128,
    pub(super) orders: u32,
    pub(super) queue: List,
    /// Slot of its market.
    pub(super) slot: u32,
    pub(super) side: Side,
    /// Whether `Changes::levels` names it.
    pub(super) changed: bool,
}

impl Level {
    pub(super) const fn new(slot: u32, order: &Order) -> Self {
        Self {
            price: order.price,
            quantums: 0,
            orders: 0,
            queue: List::EMPTY,
            slot,
            side: order.side,
            changed: false,
        }
    }
}

/// A subaccount with orders in a market. It stays until the end of the block when its last order leaves.
#[derive(Debug)]
pub(super) struct Trader {
    pub(super) id: SubaccountId,
    pub(super) market: MarketId,
    /// Slot of the market.
    pub(super) slot: u32,
    /// Of subaccount and market, for the indices.
    pub(super) hash: u32,
    pub(super) resting: u32,
    /// The subaccount in all markets.
    pub(super) holder: Handle,
    /// Whether `idle` names it.
    pub(super) idle: bool,
}

/// A subaccount with orders in some market.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) id: SubaccountId,
    pub(super) traders: u32,
    pub(super) short_term: u32,
    pub(super) stateful: u32,
    /// Slices of TWAP orders, which no tier counts.
    pub(super) slices: u32,
}

impl Holder {
    /// Where an order of this kind counts.
    pub(super) fn count(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::ShortTerm => &mut self.short_term,
            Kind::Conditional | Kind::LongTerm | Kind::Twap => &mut self.stateful,
            Kind::TwapSlice => &mut self.slices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_takes_one_cache_line() {
        assert!(core::mem::size_of::<Record>() <= 64, "{}", core::mem::size_of::<Record>());
        assert!(core::mem::size_of::<Level>() <= 48, "{}", core::mem::size_of::<Level>());
        assert!(core::mem::size_of::<Trader>() <= 48, "{}", core::mem::size_of::<Trader>());
    }
}
