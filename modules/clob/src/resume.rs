//! Going on: orders that met as many others as one order or one block may, in the next block.

use store::{attempt, Ctx, Scheduled};

use crate::books::Books;
use crate::error::Error;
use crate::event::{Parked, Reason, Removed};
use crate::order::{GoodTil, Order, Size};
use crate::place::{put, Origin};
use crate::spent;
use crate::state::{pair, Status, PARKED};

/// Orders that may wait to go on, in all markets; what comes then is dropped instead.
pub const MAX_PARKED: usize = 1_000;

/// Let an order go on in the next block. `remaining` is what it still wants. False when there is no room.
pub(crate) fn park(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order, remaining: Size) -> bool {
    if books.parked.len() >= MAX_PARKED {
        return false;
    }
    let number = books.take_sequence();
    PARKED.set(ctx.state, &number, order);
    books.parked.come(number, order);
    ctx.emit(Parked { order, remaining });
    true
}

/// Let `order` go on in the place of the one with this number. `remaining` is what it still wants.
pub(crate) fn supersede(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    (number, order): (u64, &Order),
    remaining: Size,
) {
    PARKED.set(ctx.state, &number, order);
    books.parked.supersede(number, order);
    ctx.emit(Parked { order, remaining });
}

/// Take an order out of those that go on.
pub(crate) fn unpark(ctx: &mut Ctx<'_>, books: &mut Books, number: u64) -> Option<Order> {
    let order = books.parked.go(number)?;
    PARKED.remove(ctx.state, &number);
    Some(order)
}

/// An order that would go on is over, before it came to the book.
pub(crate) fn drop_parked(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    (number, order): (u64, &Order),
    reason: Reason,
) {
    unpark(ctx, books, number);
    let traded = books.used.get(&order.id).map_or(Size::ZERO, |spent| spent.filled);
    if order.id.kind.is_stateful() {
        spent::forget(books, order);
    } else if !matches!(reason, Reason::Cancelled | Reason::Expired) {
        spent::end(ctx, books, order);
    }
    ctx.emit(Removed { id: order.id, reason, remaining: order.size.less(traded), rested: false });
}

/// Whether its block or time has passed.
fn is_over(ctx: &Ctx<'_>, order: &Order) -> bool {
    match order.good_til {
        GoodTil::Block(until) => u64::from(until) < ctx.block.height,
        GoodTil::Time(until) => i64::from(until) <= ctx.block.time.seconds(),
    }
}

/// Before a block's messages, after triggers and slices: let the orders that could not finish go on, first come
/// first, until the block has traded enough. One that is still not done goes to the back.
pub fn resume(ctx: &mut Ctx<'_>, books: &mut Books) {
    for (number, order) in books.parked.all() {
        if is_over(ctx, &order) {
            drop_parked(ctx, books, (number, &order), Reason::Expired);
            continue;
        }
        let status = pair(ctx.state.as_read(), order.id.market).map(|pair| pair.status);
        let halted = matches!(status, Some(Status::Paused | Status::CancelOnly | Status::PostOnly));
        if halted || books.budgets.fills_left() == 0 {
            continue;
        }
        let went_on: Result<_, Error> = attempt(ctx, books, |ctx, books| {
            unpark(ctx, books, number);
            let put = put(ctx, books, &order, Origin::Continued)?;
            if ctx.stumbles(Scheduled::Parked) {
                return Err(Error::Overflow(order.id.market));
            }
            Ok(put)
        });
        if let Err(error) = went_on {
            drop_parked(ctx, books, (number, &order), Reason::of(&error));
        }
    }
}
