//! What this module tells the outside: enough to rebuild every book and every fill from the stream alone.
//!
//! A book is: orders placed, less fills of makers, less orders removed.

use num::{QuoteQuantums, Subticks};
use types::{Address, Events, MarketId, Record, SubaccountId, Tell};

use crate::error::Error;
use crate::order::{GoodTil, Order, OrderId, Resting, Side, Size, TimeInForce};
use crate::state::Status;

/// Kind of `Fill`'s event.
pub const FILL_EVENT: &str = "order_fill";

/// Kind of `Placed`'s event.
pub const PLACED_EVENT: &str = "order_placed";

/// Kind of `Removed`'s event.
pub const REMOVED_EVENT: &str = "order_removed";

/// Kind of `Resized`'s event.
pub const RESIZED_EVENT: &str = "order_resized";

pub(crate) fn with_id<'a>(event: Record<'a>, id: &OrderId) -> Record<'a> {
    event
        .with_subaccount("owner", "number", &id.subaccount)
        .with("market", id.market)
        .with("order_flags", id.kind.flags())
        .with("client_id", id.client_id)
}

/// An order came to rest, behind all others at its price.
pub(crate) struct Placed<'a> {
    pub(crate) order: &'a Order,
    /// What may still trade.
    pub(crate) remaining: Size,
    /// Its turn.
    pub(crate) sequence: u64,
}

impl Tell for Placed<'_> {
    fn tell(self, events: &mut Events) {
        let Placed { order, remaining, sequence } = self;
        let event = with_id(events.begin(PLACED_EVENT), &order.id)
            .with("side", order.side.name())
            .with("price", order.price)
            .with("size", order.size.raw())
            .with("remaining", remaining.raw())
            .with("post_only", order.time_in_force == TimeInForce::PostOnly)
            .with("client_metadata", order.client_metadata)
            .with("sequence", sequence);
        match order.good_til {
            GoodTil::Block(height) => event.with("good_til_block", height),
            GoodTil::Time(seconds) => event.with("good_til_block_time", seconds),
        };
    }
}

/// A resting order kept its place with other terms: it wants less, or it lives longer.
pub(crate) struct Resized<'a>(pub(crate) &'a Resting);

impl Tell for Resized<'_> {
    fn tell(self, events: &mut Events) {
        let Resized(resting) = self;
        let order = &resting.order;
        let event = with_id(events.begin(RESIZED_EVENT), &order.id)
            .with("size", order.size.raw())
            .with("remaining", resting.remaining.raw())
            .with("client_metadata", order.client_metadata);
        match order.good_til {
            GoodTil::Block(height) => event.with("good_til_block", height),
            GoodTil::Time(seconds) => event.with("good_til_block_time", seconds),
        };
    }
}

/// An order met as many others as a block allows, and goes on in the next one.
pub(crate) struct Parked<'a> {
    pub(crate) order: &'a Order,
    /// What it still wants.
    pub(crate) remaining: Size,
}

impl Tell for Parked<'_> {
    fn tell(self, events: &mut Events) {
        with_id(events.begin("order_parked"), &self.order.id)
            .with("side", self.order.side.name())
            .with("price", self.order.price)
            .with("remaining", self.remaining.raw());
    }
}

/// A market has another status.
pub(crate) struct StatusChanged {
    pub(crate) market: MarketId,
    pub(crate) status: Status,
}

impl Tell for StatusChanged {
    fn tell(self, events: &mut Events) {
        events.begin("market_status").with("market", self.market).with("status", self.status.name());
    }
}

/// Two sides traded.
pub(crate) struct Fill {
    pub(crate) market: MarketId,
    /// The taker's side.
    pub(crate) side: Side,
    /// The maker's price.
    pub(crate) price: Subticks,
    pub(crate) size: Size,
    pub(crate) quote: QuoteQuantums,
    pub(crate) maker: OrderId,
    /// What the maker still wants; nothing: it has left the book.
    pub(crate) maker_remaining: Size,
    pub(crate) maker_fee: QuoteQuantums,
    pub(crate) taker: SubaccountId,
    /// The taker's order; none when the chain closes a position.
    pub(crate) taker_order: Option<OrderId>,
    pub(crate) taker_fee: QuoteQuantums,
    /// Who brought the maker's and the taker's order, and what each gets on top of the fees.
    pub(crate) builders: [Option<(Address, QuoteQuantums)>; 2],
    /// What the insurance fund got (above zero) or paid.
    pub(crate) insurance: QuoteQuantums,
}

impl Tell for Fill {
    fn tell(self, events: &mut Events) {
        let event = events
            .begin(FILL_EVENT)
            .with("market", self.market)
            .with("side", self.side.name())
            .with("price", self.price)
            .with("size", self.size.raw())
            .with("quote", self.quote)
            .with_subaccount("maker_owner", "maker_number", &self.maker.subaccount)
            .with("maker_order_flags", self.maker.kind.flags())
            .with("maker_client_id", self.maker.client_id)
            .with("maker_remaining", self.maker_remaining.raw())
            .with("maker_fee", self.maker_fee)
            .with_subaccount("taker_owner", "taker_number", &self.taker)
            .with("taker_fee", self.taker_fee);
        let named = [("maker_builder", "maker_builder_fee"), ("taker_builder", "taker_builder_fee")];
        let built = named.into_iter().zip(self.builders);
        let built = built.filter_map(|(names, builder)| builder.map(|builder| (names, builder)));
        let event =
            built.fold(event, |event, ((name, of), (builder, fee))| event.with(name, builder).with(of, fee));
        match self.taker_order {
            Some(id) => event
                .with("taker_order_flags", id.kind.flags())
                .with("taker_client_id", id.client_id)
                .with("liquidation", false),
            None => event.with("liquidation", true).with("insurance", self.insurance),
        };
    }
}

/// Why an order left its book, or why its rest never came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its owner cancelled it.
    Cancelled,
    /// Its time was up.
    Expired,
    /// It met an order of the same subaccount.
    SelfTrade,
    /// Its subaccount could not pay for a match.
    Undercollateralized,
    /// Immediate-or-cancel, or reduce-only and nothing left to reduce.
    NotResting,
    /// Conditional and immediate-or-cancel, and did not trade in full when its trigger came.
    ConditionalWouldRest,
    /// It met as many orders as one order may.
    TooManyFills,
    /// What is left of it would rest too far on the other side of the oracle price.
    OutsideBand,
    /// The open interest of its market has no room left.
    OpenInterestCap,
    /// Another order took its place.
    Replaced,
    /// Its market is being settled.
    FinalSettlement,
    /// It may only reduce, and there is nothing to reduce.
    ReduceOnly,
    /// It may only rest, and would trade.
    PostOnly,
    /// Its account may not trade this market.
    Isolated,
    /// Another rule refused it when its trigger came.
    Refused,
}

impl Reason {
    /// Why an order that was refused when its trigger came is gone.
    pub(crate) const fn of(error: &Error) -> Self {
        if let Error::Undercollateralized { .. } = error {
            Self::Undercollateralized
        } else if let Error::ReduceOnly(_) = error {
            Self::ReduceOnly
        } else if let Error::PostOnlyWouldCross(_) = error {
            Self::PostOnly
        } else if let Error::Isolated(_) = error {
            Self::Isolated
        } else if let Error::OpenInterestCap(_) = error {
            Self::OpenInterestCap
        } else {
            Self::Refused
        }
    }

    /// Its name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::SelfTrade => "self_trade",
            Self::Undercollateralized => "undercollateralized",
            Self::NotResting => "not_resting",
            Self::ConditionalWouldRest => "conditional_ioc_would_rest",
            Self::TooManyFills => "too_many_fills",
            Self::OutsideBand => "outside_band",
            Self::OpenInterestCap => "open_interest_cap",
            Self::Replaced => "replaced",
            Self::FinalSettlement => "final_settlement",
            Self::ReduceOnly => "reduce_only",
            Self::PostOnly => "post_only",
            Self::Isolated => "isolated",
            Self::Refused => "refused",
        }
    }
}

/// An order, or the rest of one that never rested, is gone. Filled makers leave with their last fill instead.
pub(crate) struct Removed {
    pub(crate) id: OrderId,
    pub(crate) reason: Reason,
    /// What it still wanted.
    pub(crate) remaining: Size,
    /// Whether it was in the book.
    pub(crate) rested: bool,
}

impl Tell for Removed {
    fn tell(self, events: &mut Events) {
        with_id(events.begin(REMOVED_EVENT), &self.id)
            .with("reason", self.reason.name())
            .with("remaining", self.remaining.raw())
            .with("rested", self.rested);
    }
}

/// A short-term cancel is remembered: orders with this id and good til this block or an earlier one are refused.
pub(crate) struct CancelRemembered {
    pub(crate) id: OrderId,
    pub(crate) until: u32,
}

impl Tell for CancelRemembered {
    fn tell(self, events: &mut Events) {
        with_id(events.begin("order_cancel"), &self.id).with("good_til_block", self.until);
    }
}
