//! An order in the place of the one that rests under its id, or that would go on under it in the next block.
//!
//! The old order stays until the new one is accepted. What the id has traded carries over. Queue position is kept
//! when price and side are the same and no more is wanted than before, among those that go on as well.

use store::Ctx;

use crate::arena::Handle;
use crate::books::Books;
use crate::error::Error;
use crate::event::{Reason, Removed, Resized};
use crate::name::hash;
use crate::order::{GoodTil, Kind, Order, OrderId, Size, TimeInForce};
use crate::place::{Origin, PlacedOrder, Status};
use crate::resume;
use crate::spent;
use crate::state::{Ended, Pair};

/// The order that a new one replaces.
#[derive(Clone, Copy)]
pub(crate) enum Old {
    /// It rests.
    Resting(Handle, OrderId),
    /// It goes on in the next block; its number.
    Parked(u64),
}

/// What an order may still be.
pub(crate) struct Claim {
    /// What is left of it after what its id has traded.
    pub(crate) left: Size,
    /// What of the order that it replaces was left, when that one goes on in the next block.
    parked_left: Size,
    /// The order that it replaces.
    pub(crate) old: Option<Old>,
}

/// Whether `order` may be placed under its id, and what of it is left. In this order: cancelled before (7),
/// resting already (20, 30, 3005), nothing to replace (3006), ended before (20, 30), filled (24),
/// immediate-or-cancel that traded (2004).
pub(crate) fn claim(
    ctx: &Ctx<'_>,
    books: &Books,
    (order, pair): (&Order, &Pair),
    origin: Origin,
) -> Result<Claim, Error> {
    let id = order.id;
    let spent = books.used.get(&id).unwrap_or_default();
    spent::uncancelled(&spent, order)?;
    let (old, parked) = (books.find(&id), books.parked.find(&id));
    if old.is_some() || parked.is_some() {
        if id.kind.is_stateful() && origin != Origin::Replacement {
            return Err(Error::Exists(id));
        }
    } else if origin == Origin::Replacement {
        return Err(Error::NotFound(id));
    }
    if let Some(handle) = old {
        replaces(ctx, order, &books.get(handle).order)?;
    }
    if let Some((_, parked)) = parked {
        replaces(ctx, order, parked)?;
    }
    if let (Some(ended), GoodTil::Block(good_til_block)) = (spent.ended, order.good_til) {
        let this = Ended { good_til_block, hash: hash(order, ctx.chain) };
        if this == ended {
            return Err(Error::Reprocessed(id));
        }
        if this < ended {
            return Err(Error::Replacement(id));
        }
    }
    let left = spent::unfilled(&spent, order, pair)?;
    let parked_left = parked.map_or(Size::ZERO, |(_, parked)| parked.size.less(spent.filled));
    let old = old.map(|handle| Old::Resting(handle, id));
    Ok(Claim { left, parked_left, old: old.or(parked.map(|(number, _)| Old::Parked(number))) })
}

/// Whether `new` may take the place of `old`: the same side, time in force and reduce-only (20), and of
/// short-term orders a later block, or in the same block the larger hash (20; 30 when it is the same order).
fn replaces(ctx: &Ctx<'_>, new: &Order, old: &Order) -> Result<(), Error> {
    let order = |order: &Order, good_til_block| Ended { good_til_block, hash: hash(order, ctx.chain) };
    if let (GoodTil::Block(new_until), GoodTil::Block(old_until)) = (new.good_til, old.good_til) {
        if new_until == old_until {
            let (this, that) = (order(new, new_until), order(old, old_until));
            if this == that {
                return Err(Error::Reprocessed(new.id));
            }
            if this < that {
                return Err(Error::Replacement(new.id));
            }
        } else if new_until < old_until {
            return Err(Error::Replacement(new.id));
        }
    }
    let same =
        (new.side, new.time_in_force, new.reduce_only) == (old.side, old.time_in_force, old.reduce_only);
    if same && new.time_in_force != TimeInForce::ImmediateOrCancel {
        Ok(())
    } else {
        Err(Error::Replacement(new.id))
    }
}

/// Replace the old order where it stands, if the new one has its price and wants no more.
pub(crate) fn in_place(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    (claim, wanted): (&Claim, Size),
) -> Option<PlacedOrder> {
    if let Some(Old::Parked(number)) = claim.old {
        let old = *books.parked.find(&order.id)?.1;
        if wanted > claim.parked_left || order.price != old.price {
            return None;
        }
        end_parked(ctx, books, &old);
        if claim.left < order.size {
            spent::trade(ctx, books, (order, false), (Size::ZERO, wanted));
        }
        resume::supersede(ctx, books, (number, order), wanted);
        return Some(PlacedOrder { status: Status::Continues, filled: Size::ZERO, resting: Size::ZERO });
    }
    let Some(Old::Resting(handle, _)) = claim.old else { return None };
    if wanted > books.remaining(handle) || order.price != books.price(handle) {
        return None;
    }
    let old = books.get(handle).order;
    if claim.left < order.size {
        // What was traded before must be remembered for as long as the new order lives.
        spent::trade(ctx, books, (order, false), (Size::ZERO, wanted));
    }
    let handle = books.supersede(handle, order, wanted);
    follow(ctx, books, handle, &old);
    let resting = books.get(handle);
    ctx.emit(Resized(&resting));
    Some(PlacedOrder { status: Status::Success, filled: Size::ZERO, resting: wanted })
}

/// The new order is accepted: the old one goes, if it is still there. Returns the one that rested. A short-term
/// order that was replaced must not come again: it is for the caller to let [`follow`] or [`spent::end`] see to
/// that.
pub(crate) fn remove_old(ctx: &mut Ctx<'_>, books: &mut Books, claim: &Claim) -> Option<Order> {
    let (old, remaining, rested) = match claim.old? {
        Old::Resting(_, id) => {
            let handle = books.find(&id)?;
            let old = books.remove(handle);
            (old.order, old.remaining, true)
        }
        Old::Parked(number) => {
            let old = resume::unpark(ctx, books, number)?;
            end_parked(ctx, books, &old);
            (old, claim.parked_left, false)
        }
    };
    ctx.emit(Removed { id: old.id, reason: Reason::Replaced, remaining, rested });
    rested.then_some(old)
}

/// An order that would have gone on was replaced: a short-term one must not come again.
fn end_parked(ctx: &mut Ctx<'_>, books: &mut Books, old: &Order) {
    if old.id.kind == Kind::ShortTerm {
        spent::end(ctx, books, old);
    }
}

/// The order that `handle` names rests in the place of `old`, which must not come again. For as long as a new
/// short-term order rests, it refuses what is good til an earlier block by itself, and whatever ends it without
/// filling it is remembered with its own block: only a filled one leaves `old` to be remembered. In the same
/// block hashes tell which comes later.
pub(crate) fn follow(ctx: &mut Ctx<'_>, books: &mut Books, handle: Handle, old: &Order) {
    if old.id.kind == Kind::ShortTerm {
        if books.good_til(handle) == old.good_til {
            spent::end(ctx, books, old);
        } else {
            books.set_successor(handle);
        }
    }
}
