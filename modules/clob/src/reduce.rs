//! Reduce-only: an order never makes a position larger and never turns it, whenever it trades.
//!
//! A resting reduce-only order never wants more than the position that it opposes: whenever a position changes,
//! those of its subaccount in that market are cut to it, or leave.

use num::BaseQuantums;
use store::Ctx;
use types::{MarketId, SubaccountId};

use crate::arena::Handle;
use crate::books::Books;
use crate::error::Error;
use crate::event::{Reason, Resized};
use crate::order::{Order, Side, Size};
use crate::spent;
use crate::state::{pair, Pair};

/// How much of `position` an order of `side` may close, in whole steps.
fn closable(position: BaseQuantums, side: Side, pair: &Pair) -> Size {
    let opposes = match side {
        Side::Buy => position.is_negative(),
        Side::Sell => position.is_positive(),
    };
    if opposes {
        Size::of(position).down_to(pair.step)
    } else {
        Size::ZERO
    }
}

/// What an order may trade at most. Refused (2001) when it may only reduce and opposes no position.
pub(crate) fn most(books: &Books, order: &Order, pair: &Pair) -> Result<Size, Error> {
    if !order.reduce_only {
        return Ok(order.size);
    }
    let position = books.accounts.size(&order.id.subaccount, order.id.market);
    let most = closable(position, order.side, pair);
    if most.is_zero() {
        return Err(Error::ReduceOnly(order.id));
    }
    Ok(most)
}

/// Whether a maker may only reduce and wants more than there is. It is cut, or leaves, before it trades.
pub(crate) fn excess(ctx: &mut Ctx<'_>, books: &mut Books, pair: &Pair, maker: Handle) -> bool {
    books.is_reduce_only(maker) && {
        let id = books.id(maker);
        let position = books.accounts.size(&id.subaccount, id.market);
        cut(ctx, books, maker, (position, pair))
    }
}

/// Cut one resting order to `position`. Returns whether it was too large.
fn cut(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    handle: Handle,
    (position, pair): (BaseQuantums, &Pair),
) -> bool {
    let resting = books.get(handle);
    let most = closable(position, resting.order.side, pair);
    if resting.remaining <= most {
        return false;
    }
    if most.is_zero() {
        spent::remove(ctx, books, handle, Reason::ReduceOnly);
    } else {
        let handle = books.supersede(handle, &resting.order, most);
        let resting = books.get(handle);
        ctx.emit(Resized(&resting));
    }
    true
}

/// A position changed: cut the reduce-only orders of that subaccount in that market to what is left of it.
/// Whoever changes a position without an order, a deleveraging for one, calls this. Costs as much as there are
/// such orders.
pub fn position_changed(ctx: &mut Ctx<'_>, books: &mut Books, id: &SubaccountId, market: MarketId) {
    let handles = books.reducing(id, market);
    if handles.is_empty() {
        return;
    }
    let Some(pair) = pair(ctx.state.as_read(), market) else { return };
    let position = books.accounts.size(id, market);
    for handle in handles {
        cut(ctx, books, handle, (position, &pair));
    }
}
