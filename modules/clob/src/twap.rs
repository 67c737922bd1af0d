//! TWAP orders: a parent that is never in a book, and the slices that it places over time.

use borsh::{BorshDeserialize, BorshSerialize};
use num::{mul_div, round_to_multiple, Ratio, Round, Subticks};
use store::{attempt, fault, Ctx, Read, Scheduled};
use types::{Rejection, Time};

use crate::books::Books;
use crate::conditional::{may_wait, until};
use crate::error::Error;
use crate::event::{Reason, Removed};
use crate::later_event::{TwapCompleted, TwapFailed, TwapPlaced, TwapSlice};
use crate::oracle::oracle_subticks;
use crate::order::{GoodTil, Kind, Order, OrderId, Side, Size, TimeInForce, Twap};
use crate::place::{admissible, affordable, put, Origin, PlacedOrder, Status};
use crate::resume::drop_parked;
use crate::spent;
use crate::state::{pair, Pair, Status as PairStatus, TWAPS};

/// Seconds that a slice lives.
const SLICE_SECONDS: u32 = 3;

/// A slice is at most this many times an even one, however much the earlier ones left.
const CATCH_UP: i128 = 3;

/// A TWAP order between its slices.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parent {
    /// Its terms; price 0 follows the oracle price.
    pub order: Order,
    /// What has not traded.
    pub remaining: Size,
    /// Slices to come.
    pub legs: u32,
    /// When the next one is due; after the last one, when the order is complete.
    pub next: Time,
    /// Its turn among those that are due at the same time.
    pub sequence: u64,
    /// Height of the block that placed it.
    pub height: u64,
}

impl Parent {
    fn terms(&self) -> Twap {
        match self.order.twap {
            Some(twap) => twap,
            None => fault("a twap order without its parameters waits"),
        }
    }
}

/// How many slices these terms make.
pub(crate) fn legs(twap: &Twap) -> u32 {
    twap.duration.checked_div(twap.interval).unwrap_or_default()
}

/// F10: size of the next of `legs` slices: `min(ceil(remaining / legs), 3 * ceil(size / total))`, down to a
/// multiple of `step`. Nothing when there are no slices.
pub fn slice_size((size, total): (Size, u32), (remaining, legs): (Size, u32), step: Size) -> Option<Size> {
    let even = |size: Size, legs: u32| mul_div(size.raw().into(), 1, legs.into(), Round::Ceil);
    let most = even(size, total)?.checked_mul(CATCH_UP)?;
    let next = even(remaining, legs)?.min(most);
    let next = round_to_multiple(next, step.raw().into(), Round::Floor)?;
    u64::try_from(next).ok().map(Size::new)
}

/// F11: price of a slice that follows the oracle price: `floor(oracle * (1 + tolerance))` up to a tick for a
/// buyer, `floor(oracle * (1 - tolerance))` down to a tick, but at least one, for a seller.
pub fn slice_price(oracle: Ratio, side: Side, tolerance: num::Ppm, tick: u32) -> Option<Subticks> {
    let (one, tolerance) = (1_000_000_i128, i128::from(tolerance.raw()));
    let (share, round) = match side {
        Side::Buy => (one.checked_add(tolerance)?, Round::Ceil),
        Side::Sell => (one.checked_sub(tolerance)?, Round::Floor),
    };
    let price = oracle.mul(Ratio::new(share, one)?)?.to_integer(Round::Floor)?;
    let price = round_to_multiple(price, tick.into(), round)?.max(tick.into());
    u64::try_from(price).ok().map(Subticks::new)
}

/// The id of an order's slices.
fn slice_id(id: &OrderId) -> OrderId {
    OrderId { kind: Kind::TwapSlice, ..*id }
}

/// The worst price that the next slice accepts.
fn price_of(state: &dyn Read, order: &Order, terms: &Twap, pair: &Pair) -> Option<Subticks> {
    if order.price.is_zero() {
        let oracle = oracle_subticks(state, pair)?;
        slice_price(oracle, order.side, terms.tolerance, pair.subticks_per_tick)
    } else {
        Some(order.price)
    }
}

/// Accept a TWAP order; its first slice is due in the next block. All of it must be affordable at its price, or
/// at the oracle price when it follows that.
pub(crate) fn place(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order) -> Result<PlacedOrder, Error> {
    let pair = &admissible(ctx.state.as_read(), ctx.block, order)?;
    let Some(terms) = order.twap else { return Err(Error::TwapParameters("parameters are missing")) };
    let legs = legs(&terms);
    let least = mul_div(order.size.raw().into(), 1, legs.into(), Round::Floor);
    if least.is_none_or(|least| least < i128::from(pair.step.raw())) {
        return Err(Error::TwapParameters("a slice would be smaller than the market's step"));
    }
    may_wait(ctx, books, &order.id)?;
    let mut whole = *order;
    if order.price.is_zero() {
        let oracle = oracle_subticks(ctx.state.as_read(), pair);
        let oracle = oracle.and_then(|oracle| oracle.to_integer(Round::Floor));
        let oracle = oracle.and_then(|oracle| u64::try_from(oracle).ok());
        whole.price = Subticks::new(oracle.ok_or(Error::Overflow(order.id.market))?);
    }
    affordable(ctx, books, &whole, pair)?;
    let (sequence, height) = (books.take_sequence(), ctx.block.height);
    let row = Parent { order: *order, remaining: order.size, legs, next: ctx.block.time, sequence, height };
    TWAPS.set(ctx.state, &order.id, &row);
    enter(books, &row);
    ctx.emit(TwapPlaced(&row));
    Ok(PlacedOrder { status: Status::Success, filled: Size::ZERO, resting: Size::ZERO })
}

/// Let the order of a row wait in memory.
pub(crate) fn enter(books: &mut Books, row: &Parent) {
    books.waiting.begin(&row.order.id, (until(&row.order), row.sequence), row.next);
}

/// Forget an order; its slice stays where it is.
fn forget(ctx: &mut Ctx<'_>, books: &mut Books, row: &Parent) {
    TWAPS.remove(ctx.state, &row.order.id);
    books.waiting.finish(row.next, row.sequence);
}

fn save(ctx: &mut Ctx<'_>, books: &mut Books, (row, old): (&Parent, Time)) {
    books.waiting.put_off((old, row.next), row.sequence);
    TWAPS.set(ctx.state, &row.order.id, row);
}

/// End the slice of an order, when one rests or would go on.
fn drop_slice(ctx: &mut Ctx<'_>, books: &mut Books, id: &OrderId, reason: Reason) {
    let slice = slice_id(id);
    if let Some(handle) = books.find(&slice) {
        spent::remove(ctx, books, handle, reason);
    }
    if let Some((number, order)) = books.parked.find(&slice).map(|(number, order)| (number, *order)) {
        drop_parked(ctx, books, (number, &order), reason);
    }
}

/// The TWAP order `id`.
pub(crate) fn parent(state: &dyn Read, id: &OrderId) -> Option<Parent> {
    TWAPS.get(state, id)
}

/// The row of an order that the index names.
fn row(state: &dyn Read, id: &OrderId) -> Parent {
    match TWAPS.get(state, id) {
        Some(row) => row,
        None => fault("a twap order waits without a row"),
    }
}

/// End an order early, and its slice with it.
pub(crate) fn end(ctx: &mut Ctx<'_>, books: &mut Books, id: &OrderId, reason: Reason) {
    drop_slice(ctx, books, id, reason);
    let row = row(ctx.state.as_read(), id);
    forget(ctx, books, &row);
    ctx.emit(Removed { id: *id, reason, remaining: row.remaining, rested: false });
}

/// Cancel an order and its slice; `asked` is how long the cancel is good, in seconds since 1970.
pub(crate) fn cancel(ctx: &mut Ctx<'_>, books: &mut Books, id: &OrderId, asked: u32) -> Result<(), Error> {
    let row = parent(ctx.state.as_read(), id).ok_or(Error::NotFound(*id))?;
    let until = until(&row.order);
    if until > asked {
        return Err(Error::CancelTooEarly { id: *id, until, asked });
    }
    end(ctx, books, id, Reason::Cancelled);
    Ok(())
}

/// Before a block's messages: place the slices that are due, the longest due first, at most `max_slices` and none
/// when the block has traded enough.
pub fn slices(ctx: &mut Ctx<'_>, books: &mut Books) {
    for _ in 0..books.budgets.params.max_slices {
        let due = books.waiting.slice_due(ctx.block.time).filter(|_| books.budgets.fills_left() > 0);
        let Some(id) = due else { return };
        if let Err(error) = attempt(ctx, books, |ctx, books| {
            turn(ctx, books, &id)?;
            if ctx.stumbles(Scheduled::Slice) {
                return Err(Error::Overflow(id.market));
            }
            Ok(())
        }) {
            drop_slice(ctx, books, &id, Reason::Cancelled);
            let row = row(ctx.state.as_read(), &id);
            forget(ctx, books, &row);
            let (codespace, code) = (error.codespace(), error.code());
            ctx.emit(TwapFailed { id, remaining: row.remaining, codespace, code });
        }
    }
}

/// An order's time has come: complete it, put it off while its market does not trade, or place a slice.
fn turn(ctx: &mut Ctx<'_>, books: &mut Books, id: &OrderId) -> Result<(), Error> {
    drop_slice(ctx, books, id, Reason::Expired);
    let mut row = row(ctx.state.as_read(), id);
    let market = id.market;
    let pair = pair(ctx.state.as_read(), market).ok_or(Error::NoPair(market))?;
    if row.legs == 0 {
        forget(ctx, books, &row);
        ctx.emit(TwapCompleted { id: *id, remaining: row.remaining });
        return Ok(());
    }
    if pair.status == PairStatus::FinalSettlement {
        return Err(Error::NotActive(market));
    }
    let terms = row.terms();
    let due = row.next;
    row.next = ctx.block.time.plus_seconds(terms.interval.into());
    if !pair.status.is_active() || !prices::is_fresh(ctx.state.as_read(), ctx.block, market) {
        save(ctx, books, (&row, due));
        return Ok(());
    }
    let total = legs(&terms);
    let size = slice_size((row.order.size, total), (row.remaining, row.legs), pair.step);
    let size = size.ok_or(Error::Overflow(market))?;
    row.legs = row.legs.saturating_sub(1);
    save(ctx, books, (&row, due));
    let price = price_of(ctx.state.as_read(), &row.order, &terms, &pair).ok_or(Error::Overflow(market))?;
    ctx.emit(TwapSlice { id: *id, size, price, legs: row.legs, next: row.next });
    if size.is_zero() {
        // What is left is less than a step for each slice: later ones take it.
        return Ok(());
    }
    let seconds = u32::try_from(ctx.block.time.seconds()).unwrap_or_default();
    let slice = Order {
        id: slice_id(id),
        price,
        size,
        good_til: GoodTil::Time(seconds.saturating_add(SLICE_SECONDS)),
        time_in_force: TimeInForce::Rest,
        twap: None,
        ..row.order
    };
    put(ctx, books, &slice, Origin::TwapSlice).map(|_| ())
}

/// A slice traded `size`, as a taker or as a maker: its order has so much less to do, and is complete when
/// nothing remains.
pub(crate) fn filled(ctx: &mut Ctx<'_>, books: &mut Books, slice: &OrderId, size: Size) {
    let id = OrderId { kind: Kind::Twap, ..*slice };
    let mut row = row(ctx.state.as_read(), &id);
    row.remaining = row.remaining.less(size);
    if row.remaining.is_zero() {
        forget(ctx, books, &row);
        ctx.emit(TwapCompleted { id, remaining: Size::ZERO });
    } else {
        TWAPS.set(ctx.state, &id, &row);
    }
}
