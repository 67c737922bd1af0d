//! Placing an order: is it allowed, whom does it trade with, what rests.

use store::Ctx;

pub(crate) use crate::admit::{admissible, affordable, in_window};

use crate::admit::{admitted, tradable};
use crate::books::Books;
use crate::conditional;
use crate::error::Error;
use crate::event::{Placed, Reason, Removed};
use crate::limits::{within_tier, Counted};
use crate::order::{Kind, Order, OrderId, Size, TimeInForce};
use crate::reduce;
use crate::replace;
use crate::resume;
use crate::spent;
use crate::trade::{trade, Progress};
use crate::twap;

/// What became of an order that was accepted; the numbers are those of the dYdX chain's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: traded in full, or what did not trade rests.
    Success,
    /// 1: traded until its account could carry no more; the rest is dropped.
    Undercollateralized,
    /// 3: immediate-or-cancel, what did not trade is dropped.
    WouldRest,
    /// 4: reduce-only, the position is gone and what did not trade is dropped.
    ReduceOnlyResized,
    /// 101: met as many orders as one order may, the rest is dropped.
    TooManyFills,
    /// 102: what did not trade would rest too far on the other side of the oracle price, and is dropped.
    OutsideBand,
    /// 103: met an order of its own subaccount, the rest is dropped.
    SelfTrade,
    /// 105: traded until the open interest of its market had no room left, the rest is dropped.
    OpenInterestCap,
    /// 104: met as many orders as one order or one block may, goes on in the next block.
    Continues,
}

impl Status {
    /// Its number.
    pub const fn number(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::Undercollateralized => 1,
            Self::WouldRest => 3,
            Self::ReduceOnlyResized => 4,
            Self::TooManyFills => 101,
            Self::OutsideBand => 102,
            Self::SelfTrade => 103,
            Self::Continues => 104,
            Self::OpenInterestCap => 105,
        }
    }
}

/// Outcome of an order that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// What became of it.
    pub status: Status,
    /// Base quantums that traded at once.
    pub filled: Size,
    /// Base quantums that rest.
    pub resting: Size,
}

/// Who lets an order come to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A user, now.
    User,
    /// A user, in place of the order that rests under its id.
    Replacement,
    /// A user before; its price came now.
    Triggered,
    /// The chain, for a TWAP order.
    TwapSlice,
    /// A user before; it has traded as much as one block allows.
    Continued,
}

/// Place an order of a user, or leave everything as it was.
pub(crate) fn place(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order) -> Result<PlacedOrder, Error> {
    match order.id.kind {
        Kind::Conditional => conditional::place(ctx, books, order),
        Kind::Twap => twap::place(ctx, books, order),
        Kind::TwapSlice => Err(Error::Flags(order.id.kind.flags())),
        Kind::ShortTerm | Kind::LongTerm => put(ctx, books, order, Origin::User),
    }
}

/// Place an order of a user where another one rests under its id, or leave everything as it was.
pub(crate) fn replace(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order) -> Result<PlacedOrder, Error> {
    match order.id.kind {
        Kind::ShortTerm | Kind::LongTerm => put(ctx, books, order, Origin::Replacement),
        Kind::Conditional | Kind::Twap | Kind::TwapSlice => Err(Error::Flags(order.id.kind.flags())),
    }
}

/// Let an order come to the book. A refusal may come after the first trade: whoever calls this stands in an
/// attempt that undoes everything. What was asked of its user when it was placed
/// is not asked again: window, equity tier, and of a triggered order whether its account can carry all of it.
pub fn put(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    origin: Origin,
) -> Result<PlacedOrder, Error> {
    let user = matches!(origin, Origin::User | Origin::Replacement);
    let pair = if user { admitted(ctx, books, order)? } else { tradable(ctx, books, order)? };
    books.open(order.id.market, pair.grid());
    books.turn_of(&order.id, origin == Origin::Replacement);
    let claim = replace::claim(ctx, books, (order, &pair), origin)?;
    let wanted = claim.left.min(reduce::most(books, order, &pair)?);
    let stateful = order.id.kind.is_stateful();
    if user && claim.old.is_none() && order.time_in_force != TimeInForce::ImmediateOrCancel {
        let counted = if stateful { Counted::Stateful } else { Counted::ShortTerm };
        within_tier(books, order.id.subaccount, counted)?;
    }
    if (user && stateful) || origin == Origin::TwapSlice {
        affordable(ctx, books, &Order { size: claim.left, ..*order }, &pair)?;
    }
    if let Some(placed) = replace::in_place(ctx, books, order, (&claim, wanted)) {
        return Ok(placed);
    }
    let progress = trade(ctx, books, order, &pair, wanted)?;
    let old = replace::remove_old(ctx, books, &claim);
    finish(ctx, books, order, (claim.left, old.as_ref()), progress)
}

/// Book what traded on the taker's side; rest or drop what did not. `left` is what the order had left before,
/// `old` the one whose place it takes.
fn finish(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    (left, old): (Size, Option<&Order>),
    progress: Progress,
) -> Result<PlacedOrder, Error> {
    let Progress { filled, mut status, taker, .. } = progress;
    let remaining = left.less(filled);
    if remaining < order.size {
        // Also when only an earlier order with this id has traded: its row must outlive this order.
        spent::trade(ctx, books, (order, false), (filled, remaining));
    }
    if remaining.is_zero() {
        end_old(ctx, books, old);
        return Ok(PlacedOrder { status, filled, resting: Size::ZERO });
    }
    // What a reduce-only order still may trade is less than what it has left when the position is smaller.
    let wanted = taker.remaining;
    let rests = order.time_in_force != TimeInForce::ImmediateOrCancel;
    // A slice lives too short to go on; what it leaves is caught up.
    let goes_on = status == Status::TooManyFills && rests && order.id.kind != Kind::TwapSlice;
    if goes_on {
        has_room(books, &order.id)?;
    }
    if goes_on && resume::park(ctx, books, order, wanted) {
        end_old(ctx, books, old);
        return Ok(PlacedOrder { status: Status::Continues, filled, resting: Size::ZERO });
    }
    if status == Status::Success && rests && !wanted.is_zero() && taker.limit != order.price {
        status = Status::OutsideBand;
    }
    if status == Status::Success && rests && !wanted.is_zero() {
        has_room(books, &order.id)?;
        let sequence = books.next_sequence();
        let handle = books.place(order, wanted);
        if let Some(old) = old {
            books.inherit(handle);
            replace::follow(ctx, books, handle, old);
        }
        ctx.emit(Placed { order, remaining: wanted, sequence });
        return Ok(PlacedOrder { status, filled, resting: wanted });
    }
    if status == Status::Success {
        let resized = order.reduce_only && wanted.is_zero();
        status = if resized { Status::ReduceOnlyResized } else { Status::WouldRest };
    }
    drop_rest(ctx, books, order, remaining, status);
    Ok(PlacedOrder { status, filled, resting: Size::ZERO })
}

/// An order was replaced by one that does not rest: it must not come again.
fn end_old(ctx: &mut Ctx<'_>, books: &mut Books, old: Option<&Order>) {
    if let Some(old) = old {
        spent::end(ctx, books, old);
    }
}

/// Whether one order more of its subaccount may rest in its market, or go on in the next block (17).
fn has_room(books: &Books, order: &OrderId) -> Result<(), Error> {
    let OrderId { subaccount: id, market, .. } = *order;
    let count = books.resting(&id, market).saturating_add(books.parked.of_trader(&id, market));
    if count >= books.budgets.params.max_resting {
        return Err(Error::TooManyResting { id, market, count });
    }
    Ok(())
}

/// The rest of an order goes without having rested; a short-term order must not come again for it.
fn drop_rest(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order, remaining: Size, status: Status) {
    let reason = match status {
        Status::Undercollateralized => Reason::Undercollateralized,
        Status::TooManyFills => Reason::TooManyFills,
        Status::SelfTrade => Reason::SelfTrade,
        Status::OutsideBand => Reason::OutsideBand,
        Status::OpenInterestCap => Reason::OpenInterestCap,
        Status::WouldRest if order.id.kind == Kind::Conditional => Reason::ConditionalWouldRest,
        Status::Continues | Status::Success | Status::WouldRest | Status::ReduceOnlyResized => {
            Reason::NotResting
        }
    };
    if order.id.kind.is_stateful() {
        spent::forget(books, order);
    } else {
        spent::end(ctx, books, order);
    }
    ctx.emit(Removed { id: order.id, reason, remaining, rested: false });
}
