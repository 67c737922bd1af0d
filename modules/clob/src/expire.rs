//! What happens around a block's messages: orders end, rows are written.

use core::hint::black_box;

use store::{attempt, Batch, Ctx, Scheduled};

use crate::arena::Handle;
use crate::books::{Books, TOGETHER};
use crate::conditional;
use crate::error::Error;
use crate::event::Reason;
use crate::later_event::RemovalFailed;
use crate::limits;
use crate::order::{Order, Resting, Size};
use crate::spent;
use crate::state::{Level, Rank, Row, LEVELS, NEXT_SEQUENCE, ORDERS, TRADED};
use crate::status::wind_up;

/// Before a block's messages: look up this block's fees and bounds, take out the orders whose block or time has
/// passed, forget what nobody needs.
pub fn expire(ctx: &mut Ctx<'_>, books: &mut Books) {
    books.desk.begin_block(ctx);
    limits::begin_block(ctx, books);
    books.pairs.refresh(ctx.state.as_read());
    let (height, seconds) = (ctx.block.height, ctx.block.time.seconds());
    for some in books.expired(height, seconds).chunks(TOGETHER) {
        black_box(books.glance_at_leaving(some));
        for handle in some {
            // The calendar keeps an order that stays: the next block tries again.
            let _gone = retire(ctx, books, *handle, (Scheduled::Expiry, Reason::Expired));
        }
    }
    wind_up(ctx, books);
    conditional::expire(ctx, books);
    books.used.prune(ctx.block.height);
}

/// Take a resting order out by itself, for a reason of the chain's own. When that fails it stays, which is told.
/// Answers whether it is gone.
pub(crate) fn retire(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    handle: Handle,
    (what, reason): (Scheduled, Reason),
) -> bool {
    let gone = attempt(ctx, books, |ctx, books| {
        let id = books.id(handle);
        spent::remove(ctx, books, handle, reason);
        if ctx.stumbles(what) {
            return Err(Error::Overflow(id.market));
        }
        Ok(())
    });
    if let Err(error) = &gone {
        ctx.emit(RemovalFailed { id: books.id(handle), reason, error });
    }
    gone.is_ok()
}

/// Write the rows of orders, levels and spent ids.
fn write_orders(ctx: &mut Ctx<'_>, books: &mut Books) {
    let changes = books.take_changes();
    let mut batch = Batch::new(ctx.state);
    for id in &changes.gone {
        batch.remove(&ORDERS, id);
    }
    for some in changes.came.chunks(TOGETHER) {
        books.look(some);
        for handle in some {
            let resting = books.get(*handle);
            let Order { id, reduce_only, .. } = resting.order;
            // Of other orders nothing but what they traded is missing.
            let cut = if reduce_only { cut(books, &resting) } else { Size::ZERO };
            batch.set(&ORDERS, &id, &Row::of(&resting, ctx.block.height, cut));
        }
    }
    for (market, side, price, new) in &changes.levels {
        let key = (*market, Rank { side: *side, price: *price });
        match new.map(|level| Level { quantums: level.quantums, orders: level.orders }) {
            Some(level) => batch.set(&LEVELS, &key, &level),
            None => batch.remove(&LEVELS, &key),
        }
    }
    books.used.write(&mut batch);
    drop(batch);
    books.give_back(changes);
}

/// What was cut off an order because the position that it may reduce is smaller.
fn cut(books: &Books, resting: &Resting) -> Size {
    let filled = books.used.get(&resting.order.id).map_or(Size::ZERO, |spent| spent.filled);
    resting.order.size.less(filled).less(resting.remaining)
}

/// After a block's messages: pay fees, write the rows of what changed, and begin new budgets.
pub fn end_block(ctx: &mut Ctx<'_>, books: &mut Books) {
    books.desk.end_block(ctx);
    books.accounts.flush(ctx.state);
    write_orders(ctx, books);
    if NEXT_SEQUENCE.get(ctx.state.as_read()).unwrap_or_default() != books.next_sequence() {
        NEXT_SEQUENCE.set(ctx.state, &books.next_sequence());
    }
    while let Some((market, traded)) = books.waiting.take_traded() {
        TRADED.set(ctx.state, &market, &traded);
    }
    limits::end_block(ctx, books);
}
