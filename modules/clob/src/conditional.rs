//! Conditional orders until their trigger: how they wait, and what ends their waiting.

use borsh::{BorshDeserialize, BorshSerialize};
use store::{attempt, fault, Ctx, Read, Scheduled};

use crate::arena::Handle;
use crate::books::Books;
use crate::error::Error;
use crate::event::{Reason, Removed};
use crate::later_event::{ConditionalPlaced, ConditionalTriggered, RemovalFailed};
use crate::limits::{within_tier, Counted};
use crate::order::{Condition, GoodTil, Order, OrderId, Side, Size};
use crate::place::{admissible, put, Origin, PlacedOrder, Status};
use crate::state::{BACKLOG, CONDITIONALS, TWAPS};
use crate::trigger::Step;
use crate::triggers::{Direction, Trigger};
use crate::twap;

/// A conditional order that waits for its trigger.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Conditional {
    /// Its terms; the condition is one of them.
    pub order: Order,
    /// Its turn among orders with the same trigger.
    pub sequence: u64,
    /// Height of the block that placed it.
    pub height: u64,
}

impl Conditional {
    /// What it waits for; a fault when it waits for nothing.
    fn trigger(&self) -> Trigger {
        let Some(condition) = self.order.condition else {
            fault("a conditional order without a condition waits");
        };
        Trigger {
            id: self.order.id,
            direction: direction(self.order.side, condition),
            price: condition.trigger,
            sequence: self.sequence,
            until: until(&self.order),
        }
    }
}

/// F8: which side of its trigger the price must come to.
pub(crate) fn direction(side: Side, condition: Condition) -> Direction {
    use crate::order::ConditionKind::{StopLoss, TakeProfit};
    match (condition.kind, side) {
        (TakeProfit, Side::Buy) | (StopLoss, Side::Sell) => Direction::AtOrBelow,
        (TakeProfit, Side::Sell) | (StopLoss, Side::Buy) => Direction::AtOrAbove,
    }
}

/// The end of an order that waits, in seconds since 1970.
pub(crate) fn until(order: &Order) -> u32 {
    match order.good_til {
        GoodTil::Time(seconds) => seconds,
        GoodTil::Block(_) => fault("an order with a block waits"),
    }
}

/// Rules of both kinds that wait: the id is free (3005), the account is worth one more (10001), and has not too
/// many in all markets (17).
pub(crate) fn may_wait(ctx: &Ctx<'_>, books: &Books, id: &OrderId) -> Result<(), Error> {
    let state = ctx.state.as_read();
    let lives = books.find(id).is_some() || books.parked.find(id).is_some();
    if lives || CONDITIONALS.has(state, id) || TWAPS.has(state, id) {
        return Err(Error::Exists(*id));
    }
    within_tier(books, id.subaccount, Counted::Stateful)?;
    let count = books.waiting.count(&id.subaccount);
    if count >= books.budgets.params.max_resting {
        return Err(Error::TooManyResting { id: id.subaccount, market: id.market, count });
    }
    Ok(())
}

/// Let a conditional order wait. What its account is worth matters only when it trades.
pub(crate) fn place(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order) -> Result<PlacedOrder, Error> {
    let pair = admissible(ctx.state.as_read(), ctx.block, order)?;
    let Some(condition) = order.condition else { return Err(Error::Condition(0)) };
    let trigger = condition.trigger;
    if !pair.on_tick(trigger) {
        return Err(Error::OffTick { price: trigger, tick: pair.subticks_per_tick });
    }
    may_wait(ctx, books, &order.id)?;
    let backlog = BACKLOG.get(ctx.state.as_read(), &order.id.market).unwrap_or_default();
    let direction = direction(order.side, condition);
    if backlog.steps.iter().any(|step| step.fires(direction, trigger)) {
        return Err(Error::Backlog { market: order.id.market, trigger });
    }
    let row = Conditional { order: *order, sequence: books.take_sequence(), height: ctx.block.height };
    CONDITIONALS.set(ctx.state, &order.id, &row);
    enter(books, &row);
    ctx.emit(ConditionalPlaced(&row));
    Ok(PlacedOrder { status: Status::Success, filled: Size::ZERO, resting: Size::ZERO })
}

/// Let the order of a row wait in memory.
pub(crate) fn enter(books: &mut Books, row: &Conditional) {
    books.arm(&row.trigger());
}

/// End the waiting of an order.
fn leave(ctx: &mut Ctx<'_>, books: &mut Books, row: &Conditional) {
    CONDITIONALS.remove(ctx.state, &row.order.id);
    books.disarm(&row.trigger());
}

/// End the waiting of an order for good.
pub(crate) fn remove(ctx: &mut Ctx<'_>, books: &mut Books, row: &Conditional, reason: Reason) {
    leave(ctx, books, row);
    ctx.emit(Removed { id: row.order.id, reason, remaining: row.order.size, rested: false });
}

/// The conditional order `id`, while it waits.
pub(crate) fn waiting(state: &dyn Read, id: &OrderId) -> Option<Conditional> {
    CONDITIONALS.get(state, id)
}

/// The row of an order that the index names.
pub(crate) fn row(state: &dyn Read, id: &OrderId) -> Conditional {
    match CONDITIONALS.get(state, id) {
        Some(row) => row,
        None => fault("a conditional order waits without a row"),
    }
}

/// Cancel an order that waits, good for `asked` seconds. Nothing when there is none.
pub(crate) fn cancel(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    id: &OrderId,
    asked: u32,
) -> Option<Result<(), Error>> {
    let row = waiting(ctx.state.as_read(), id)?;
    let until = until(&row.order);
    if until > asked {
        return Some(Err(Error::CancelTooEarly { id: *id, until, asked }));
    }
    remove(ctx, books, &row, Reason::Cancelled);
    Some(Ok(()))
}

/// Take out the orders that waited until now, conditional and TWAP ones, oldest end first.
pub(crate) fn expire(ctx: &mut Ctx<'_>, books: &mut Books) {
    for id in books.waiting.expired(ctx.block.time.seconds()) {
        let ended = attempt(ctx, books, |ctx, books| {
            match waiting(ctx.state.as_read(), &id) {
                Some(row) => remove(ctx, books, &row, Reason::Expired),
                None => twap::end(ctx, books, &id, Reason::Expired),
            }
            if ctx.stumbles(Scheduled::WaitingExpiry) {
                return Err(Error::Overflow(id.market));
            }
            Ok(())
        });
        if let Err(error) = &ended {
            // It stays in the calendar: the next block tries again.
            ctx.emit(RemovalFailed { id, reason: Reason::Expired, error });
        }
    }
}

/// A conditional order whose trigger the price has come to.
#[derive(Debug)]
pub(crate) struct Woken {
    /// Where it waits.
    pub(crate) handle: Handle,
    pub(crate) row: Conditional,
}

/// The price has come to the trigger of an order: place it as any order, or remove it with the reason why not.
pub(crate) fn fire(ctx: &mut Ctx<'_>, books: &mut Books, woken: &Woken, step: Step) {
    let order = &woken.row.order;
    let id = order.id;
    let leave = |ctx: &mut Ctx<'_>, books: &mut Books| {
        CONDITIONALS.remove(ctx.state, &id);
        books.waiting.leave(woken.handle);
        ctx.emit(ConditionalTriggered { id, price: step.price });
    };
    let placed = attempt(ctx, books, |ctx, books| {
        leave(ctx, books);
        let put = put(ctx, books, order, Origin::Triggered)?;
        if ctx.stumbles(Scheduled::Trigger) {
            return Err(Error::Overflow(id.market));
        }
        Ok(put)
    });
    if let Err(error) = placed {
        leave(ctx, books);
        let (reason, remaining) = (Reason::of(&error), order.size);
        ctx.emit(Removed { id, reason, remaining, rested: false });
    }
}
