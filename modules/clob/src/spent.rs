//! What an id has used up: how an order is kept from being sent twice.

use store::Ctx;

use crate::arena::Handle;
use crate::books::Books;
use crate::error::Error;
use crate::event::{Reason, Removed};
use crate::name::hash;
use crate::order::{GoodTil, Order, OrderId, Resting, Size, TimeInForce};
use crate::params::SHORT_BLOCK_WINDOW;
use crate::state::{Ended, Pair, Spent};

/// Whether no cancel that holds as long as the order has come before it.
pub(crate) fn uncancelled(spent: &Spent, order: &Order) -> Result<(), Error> {
    let until = spent.cancelled_until;
    match order.good_til {
        GoodTil::Block(height) if height <= until => Err(Error::Cancelled { id: order.id, until }),
        GoodTil::Block(_) | GoodTil::Time(_) => Ok(()),
    }
}

/// What is left of the order after what its id has traded.
pub(crate) fn unfilled(spent: &Spent, order: &Order, pair: &Pair) -> Result<Size, Error> {
    let left = order.size.less(spent.filled);
    if left < pair.step {
        return Err(Error::FullyFilled { id: order.id, left, step: pair.step });
    }
    if order.time_in_force == TimeInForce::ImmediateOrCancel && !spent.filled.is_zero() {
        return Err(Error::ImmediateFilled(order.id));
    }
    Ok(left)
}

/// The order traded `size`; `left` remains of it. A `successor` that is filled leaves nothing else that would
/// refuse the order whose place it took.
pub(crate) fn trade(
    ctx: &Ctx<'_>,
    books: &mut Books,
    (order, successor): (&Order, bool),
    (size, left): (Size, Size),
) {
    let id = order.id;
    let name = if left.is_zero() && order.reduce_only { named(ctx, order) } else { None };
    match order.good_til {
        GoodTil::Time(_) if left.is_zero() => forget(books, order),
        GoodTil::Time(_) => books.used.update(id, |spent| spent.filled = spent.filled.plus(size)),
        GoodTil::Block(height) => books.used.update(id, |spent| {
            spent.filled = spent.filled.plus(size);
            if left.is_zero() && spent.filled < order.size {
                // It was cut before it was filled: what was cut must not come again.
                spent.ended = spent.ended.max(name);
            } else if left.is_zero() && successor {
                spent.ended = spent.ended.max(Some(Ended::before(height)));
            }
            spent.keep = spent.keep.max(u64::from(height).saturating_add(SHORT_BLOCK_WINDOW.into()));
        }),
    }
}

/// Remember a cancel of a short-term order until its block has passed.
pub(crate) fn cancel(books: &mut Books, id: OrderId, until: u32) {
    books.used.update(id, |spent| {
        spent.cancelled_until = until;
        spent.keep = spent.keep.max(until.into());
    });
}

/// The order ended early, neither cancelled nor filled: remember it, so that it cannot come again.
pub(crate) fn end(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order) {
    if let GoodTil::Block(good_til_block) = order.good_til {
        let ended = named(ctx, order);
        books.used.update(order.id, |spent| {
            spent.ended = spent.ended.max(ended);
            spent.keep = spent.keep.max(good_til_block.into());
        });
    }
}

/// The name of one signed short-term order among those with its id.
fn named(ctx: &Ctx<'_>, order: &Order) -> Option<Ended> {
    match order.good_til {
        GoodTil::Block(good_til_block) => Some(Ended { good_til_block, hash: hash(order, ctx.chain) }),
        GoodTil::Time(_) => None,
    }
}

/// An order that lived until a time is gone, and its row with it: its id may be used again.
pub(crate) fn forget(books: &mut Books, order: &Order) {
    books.used.remove(&order.id);
}

/// Take an order out of its book, with all that must follow.
pub(crate) fn remove(ctx: &mut Ctx<'_>, books: &mut Books, handle: Handle, reason: Reason) {
    let Resting { order, remaining, .. } = books.remove(handle);
    if order.id.kind.is_stateful() {
        forget(books, &order);
    } else if !matches!(reason, Reason::Cancelled | Reason::Expired) {
        end(ctx, books, &order);
    }
    ctx.emit(Removed { id: order.id, reason, remaining, rested: true });
}
