//! What a market accepts, how it comes to accept something else, and how the orders of one that is over go.

use num::{Ratio, Round};
use store::{Ctx, Read, Scheduled};
use types::MarketId;

use crate::books::Books;
use crate::error::Error;
use crate::event::{Reason, StatusChanged};
use crate::expire::retire;
use crate::oracle::oracle_subticks;
use crate::order::{Kind, Order, Side, TimeInForce};
use crate::pairs;
use crate::state::{pair, Pair, Status};

/// Orders of markets that are over which a block removes.
pub const MAX_REMOVALS: usize = 10_000;

impl Status {
    /// Whether the authority may change it to `next`. A market never goes back to waiting for its first price
    /// unless it is over, and one that is over trades again only from there.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Active | Self::Paused | Self::CancelOnly | Self::PostOnly => {
                !matches!(next, Self::Initializing)
            }
            Self::Initializing => matches!(next, Self::Initializing | Self::Active | Self::FinalSettlement),
            Self::FinalSettlement => matches!(next, Self::FinalSettlement | Self::Initializing),
        }
    }

    /// Its name in events and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::CancelOnly => "cancel_only",
            Self::PostOnly => "post_only",
            Self::Initializing => "initializing",
            Self::FinalSettlement => "final_settlement",
        }
    }
}

/// Whether a market takes `order` (34): all orders when active, only those that rest when post-only; while it
/// waits to open, only short-term ones that rest on their side of the oracle price. Otherwise none.
pub(crate) fn accepts(state: &dyn Read, pair: &Pair, order: &Order) -> Result<(), Error> {
    let rests = order.time_in_force == TimeInForce::PostOnly;
    let takes = match pair.status {
        Status::Active => true,
        Status::PostOnly => rests,
        Status::Initializing => {
            rests && order.id.kind == Kind::ShortTerm && beside_oracle(state, pair, order)
        }
        Status::Paused | Status::CancelOnly | Status::FinalSettlement => false,
    };
    takes.then_some(()).ok_or(Error::NotActive(pair.market))
}

/// Bids at the oracle price rounded down or below, asks there or above: they cannot cross.
fn beside_oracle(state: &dyn Read, pair: &Pair, order: &Order) -> bool {
    let oracle = oracle_subticks(state, pair).and_then(|oracle: Ratio| oracle.to_integer(Round::Floor));
    let Some(oracle) = oracle else { return false };
    let price = i128::from(order.price.raw());
    match order.side {
        Side::Buy => price <= oracle,
        Side::Sell => price >= oracle,
    }
}

/// Give a market another status. Refused (35) when the old one does not allow it, or when the market is over and
/// still has orders. Orders of a market that is over go at the start of the next blocks.
pub fn set_status(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    market: MarketId,
    status: Status,
) -> Result<(), Error> {
    let old = pair(ctx.state.as_read(), market).ok_or(Error::NoPair(market))?;
    if old.status == status {
        return Ok(());
    }
    let reopens = old.status == Status::FinalSettlement;
    if !old.status.may_become(status) || (reopens && books.has_orders(market)) {
        return Err(Error::Transition { market, from: old.status.name(), to: status.name() });
    }
    pairs::set(ctx, books, &Pair { status, ..old });
    if status == Status::FinalSettlement {
        // Not undone with a refused message: a market that is not over is looked at and let go.
        books.closing.insert(market);
    }
    ctx.emit(StatusChanged { market, status });
    Ok(())
}

/// Before a block's messages: remove orders of markets that are over, bids first, best first, so many a block.
pub(crate) fn wind_up(ctx: &mut Ctx<'_>, books: &mut Books) {
    let mut left = MAX_REMOVALS;
    for market in books.closing.clone() {
        let over =
            pair(ctx.state.as_read(), market).is_some_and(|pair| pair.status == Status::FinalSettlement);
        while over && left > 0 {
            let best = books.best(market, Side::Buy).or_else(|| books.best(market, Side::Sell));
            let Some(handle) = best else { break };
            left = left.saturating_sub(1);
            if !retire(ctx, books, handle, (Scheduled::WindUp, Reason::FinalSettlement)) {
                // What is best stays best: the next block goes on here.
                break;
            }
        }
        if !over || !books.has_orders(market) {
            books.closing.remove(&market);
        }
    }
}
