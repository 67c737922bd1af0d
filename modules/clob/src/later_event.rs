//! What this module tells about orders that wait: enough to know all of them from the stream alone.
//!
//! Conditional orders are those placed, less those triggered, less removals that did not rest. TWAP orders are
//! those placed, less those completed, failed or removed; fills of slices count against them.

use num::Subticks;
use types::{Events, Record, Rejection, Tell, Time};

use crate::conditional::{until, Conditional};
use crate::error::Error;
use crate::event::{with_id, Reason};
use crate::order::{ConditionKind, Order, OrderId, Size, TimeInForce};
use crate::twap::Parent;

/// Kind of the event of an order that the chain could not take out.
pub const REMOVAL_FAILED_EVENT: &str = "removal_failed";

fn with_terms<'a>(event: Record<'a>, order: &Order) -> Record<'a> {
    let event = event
        .with("side", order.side.name())
        .with("price", order.price)
        .with("size", order.size.raw())
        .with("post_only", order.time_in_force == TimeInForce::PostOnly)
        .with("immediate", order.time_in_force == TimeInForce::ImmediateOrCancel)
        .with("reduce_only", order.reduce_only)
        .with("client_metadata", order.client_metadata)
        .with("good_til_block_time", until(order))
        .with("self_trade", order.self_trade.name());
    match &order.builder {
        Some(builder) => event.with("builder", builder.address).with("builder_fee_ppm", builder.fee_ppm),
        None => event,
    }
}

/// A conditional order waits for its trigger.
pub(crate) struct ConditionalPlaced<'a>(pub(crate) &'a Conditional);

impl Tell for ConditionalPlaced<'_> {
    fn tell(self, events: &mut Events) {
        let ConditionalPlaced(row) = self;
        let event = with_id(events.begin("conditional_placed"), &row.order.id);
        let event = with_terms(event, &row.order).with("sequence", row.sequence);
        match row.order.condition {
            Some(condition) => {
                let kind = match condition.kind {
                    ConditionKind::StopLoss => "stop_loss",
                    ConditionKind::TakeProfit => "take_profit",
                };
                event.with("condition", kind).with("trigger", condition.trigger)
            }
            None => event,
        };
    }
}

/// A price has reached the trigger of a conditional order, which is placed now.
pub(crate) struct ConditionalTriggered {
    pub(crate) id: OrderId,
    /// The price, rounded against the order.
    pub(crate) price: Subticks,
}

impl Tell for ConditionalTriggered {
    fn tell(self, events: &mut Events) {
        let triggered = self;
        with_id(events.begin("conditional_triggered"), &triggered.id).with("price", triggered.price);
    }
}

/// A TWAP order waits for its first slice.
pub(crate) struct TwapPlaced<'a>(pub(crate) &'a Parent);

impl Tell for TwapPlaced<'_> {
    fn tell(self, events: &mut Events) {
        let TwapPlaced(row) = self;
        let event = with_id(events.begin("twap_placed"), &row.order.id);
        let event = with_terms(event, &row.order).with("sequence", row.sequence).with("legs", row.legs);
        match row.order.twap {
            Some(twap) => event
                .with("duration", twap.duration)
                .with("interval", twap.interval)
                .with("price_tolerance_ppm", twap.tolerance.raw()),
            None => event,
        };
    }
}

/// A TWAP order places a slice; of size 0 when what is left is too little to divide.
pub(crate) struct TwapSlice {
    pub(crate) id: OrderId,
    pub(crate) size: Size,
    pub(crate) price: Subticks,
    /// Slices to come.
    pub(crate) legs: u32,
    pub(crate) next: Time,
}

impl Tell for TwapSlice {
    fn tell(self, events: &mut Events) {
        let slice = self;
        with_id(events.begin("twap_slice"), &slice.id)
            .with("size", slice.size.raw())
            .with("price", slice.price)
            .with("legs", slice.legs)
            .with("next", slice.next.nanos_total());
    }
}

/// A TWAP order has traded in full, or its slices are over.
pub(crate) struct TwapCompleted {
    pub(crate) id: OrderId,
    /// What did not trade.
    pub(crate) remaining: Size,
}

impl Tell for TwapCompleted {
    fn tell(self, events: &mut Events) {
        let completed = self;
        with_id(events.begin("twap_completed"), &completed.id).with("remaining", completed.remaining.raw());
    }
}

/// The chain could not take an order out. It stays, and the next block tries again.
pub(crate) struct RemovalFailed<'a> {
    pub(crate) id: OrderId,
    /// Why it was to go.
    pub(crate) reason: Reason,
    /// Why it did not.
    pub(crate) error: &'a Error,
}

impl Tell for RemovalFailed<'_> {
    fn tell(self, events: &mut Events) {
        with_id(events.begin(REMOVAL_FAILED_EVENT), &self.id)
            .with("reason", self.reason.name())
            .with("codespace", self.error.codespace())
            .with("code", self.error.code());
    }
}

/// A slice was refused, which ends its TWAP order.
pub(crate) struct TwapFailed {
    pub(crate) id: OrderId,
    /// What did not trade.
    pub(crate) remaining: Size,
    /// Of the refusal.
    pub(crate) codespace: &'static str,
    /// Of the refusal.
    pub(crate) code: u32,
}

impl Tell for TwapFailed {
    fn tell(self, events: &mut Events) {
        let failed = self;
        with_id(events.begin("twap_failed"), &failed.id)
            .with("remaining", failed.remaining.raw())
            .with("codespace", failed.codespace)
            .with("code", failed.code);
    }
}
