//! Cancelling: one order, or many short-term orders of one subaccount.

use alloc::vec::Vec;

use store::{attempt, Ctx, Read};
use types::{Block, MarketId};

use crate::books::Books;
use crate::conditional;
use crate::error::Error;
use crate::event::{CancelRemembered, Reason};
use crate::msg::{BatchCancel, Cancel};
use crate::order::{GoodTil, Kind, Order, OrderId};
use crate::place::in_window;
use crate::resume::drop_parked;
use crate::spent;
use crate::state::{pair, SPENT};
use crate::twap;

/// Client ids by market.
pub(crate) type Ids = Vec<(MarketId, Vec<u32>)>;

/// What became of the cancels of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchCancelled {
    /// Those that hold now.
    pub succeeded: Ids,
    /// Those that were refused.
    pub failed: Ids,
}

/// What a mempool may ask of a cancel, by the rows of the last block.
pub(crate) fn check(state: &dyn Read, block: &Block, cancel: &Cancel) -> Result<(), Error> {
    pair(state, cancel.id.market).ok_or(Error::NoPair(cancel.id.market))?;
    let until = SPENT.get(state, &cancel.id).unwrap_or_default().cancelled_until;
    admissible(block, cancel, until)
}

/// The rules of a cancel that need no book; an earlier one holds `until` a block. Cancels work in markets that
/// do not trade and on stale prices.
fn admissible(block: &Block, cancel: &Cancel, until: u32) -> Result<(), Error> {
    in_window(block, cancel.good_til)?;
    match cancel.good_til {
        GoodTil::Block(height) if until >= height => Err(Error::CancelExists { id: cancel.id, until }),
        GoodTil::Block(_) | GoodTil::Time(_) => Ok(()),
    }
}

/// Cancel an order. A short-term cancel holds until its block even when there is no such order; any other one
/// needs an order that does not outlive it.
pub(crate) fn cancel(ctx: &mut Ctx<'_>, books: &mut Books, cancel: &Cancel) -> Result<(), Error> {
    let until = books.used.get(&cancel.id).map_or(0, |spent| spent.cancelled_until);
    books.pairs.get(cancel.id.market).ok_or(Error::NoPair(cancel.id.market))?;
    admissible(ctx.block, cancel, until)?;
    let id = cancel.id;
    let found = books.find(&id);
    if let Some((number, order)) = books.parked.find(&id).map(|(number, order)| (number, *order)) {
        return cancel_parked(ctx, books, cancel, (number, &order));
    }
    let lives = found.map(|handle| books.get(handle).order.good_til);
    match cancel.good_til {
        GoodTil::Block(until) => {
            spent::cancel(books, id, until);
            ctx.emit(CancelRemembered { id, until });
        }
        GoodTil::Time(asked) if id.kind == Kind::Twap => return twap::cancel(ctx, books, &id, asked),
        GoodTil::Time(asked) if found.is_none() => {
            return conditional::cancel(ctx, books, &id, asked).unwrap_or(Err(Error::NotFound(id)));
        }
        GoodTil::Time(asked) => match lives {
            None => return Err(Error::NotFound(id)),
            Some(GoodTil::Time(until)) if until > asked => {
                return Err(Error::CancelTooEarly { id, until, asked });
            }
            Some(_) => {}
        },
    }
    // A short-term order that outlives the cancel stays.
    if let Some(handle) = found.filter(|_| lives <= Some(cancel.good_til)) {
        spent::remove(ctx, books, handle, Reason::Cancelled);
    }
    Ok(())
}

/// Cancel an order that would go on in the next block.
fn cancel_parked(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    cancel: &Cancel,
    (number, order): (u64, &Order),
) -> Result<(), Error> {
    let id = cancel.id;
    match (cancel.good_til, order.good_til) {
        (GoodTil::Block(until), _) => {
            spent::cancel(books, id, until);
            ctx.emit(CancelRemembered { id, until });
        }
        (GoodTil::Time(asked), GoodTil::Time(until)) if until > asked => {
            return Err(Error::CancelTooEarly { id, until, asked });
        }
        (GoodTil::Time(_), _) => {}
    }
    if order.good_til <= cancel.good_til {
        drop_parked(ctx, books, (number, order), Reason::Cancelled);
    }
    Ok(())
}

/// Cancel many, each by itself. Refused when none of them succeeds.
pub(crate) fn batch_cancel(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    batch: &BatchCancel,
) -> Result<BatchCancelled, Error> {
    let mut outcome = BatchCancelled::default();
    let mut asked: usize = 0;
    for (market, client_ids) in &batch.markets {
        let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
        for client_id in client_ids {
            let id = OrderId {
                subaccount: batch.subaccount,
                market: *market,
                kind: Kind::ShortTerm,
                client_id: *client_id,
            };
            let one = Cancel { id, good_til: GoodTil::Block(batch.good_til_block) };
            match attempt(ctx, books, |ctx, books| cancel(ctx, books, &one)) {
                Ok(()) => succeeded.push(*client_id),
                Err(_) => failed.push(*client_id),
            }
        }
        asked = asked.saturating_add(client_ids.len());
        if !succeeded.is_empty() {
            outcome.succeeded.push((*market, succeeded));
        }
        if !failed.is_empty() {
            outcome.failed.push((*market, failed));
        }
    }
    if outcome.succeeded.is_empty() {
        return Err(Error::BatchFailed(asked));
    }
    Ok(outcome)
}
