//! Whether an order may come at all: the rules that ask before any book is touched.

use num::{Ppm, QuoteQuantums};
use prices::Standing;
use store::{Ctx, Read};
use subaccounts::{Kind as UpdateKind, UpdateResult};
use types::Block;

use crate::books::Books;
use crate::error::Error;
use crate::order::{Builder, GoodTil, Order, OrderId, Size, TimeInForce};
use crate::params::{SHORT_BLOCK_WINDOW, STATEFUL_WINDOW_SECONDS};
use crate::settle::{builder_fee, fee, has_bounded_worth, update_of, worth};
use crate::state::{pair, Pair};
use crate::status::accepts;

/// A market as an order finds it: its units, and what its price is good for.
type Market = (Pair, Standing);

/// The rules that need the state but no book, in the order of the dYdX chain. Returns the market.
pub(crate) fn admissible(state: &dyn Read, block: &Block, order: &Order) -> Result<Pair, Error> {
    let market = order.id.market;
    let pair = pair(state, market).ok_or(Error::NoPair(market))?;
    judge(state, Some(block), order, (pair, prices::standing(state, block, market)))
}

/// The same by what the books know of the market.
pub(crate) fn admitted(ctx: &Ctx<'_>, books: &Books, order: &Order) -> Result<Pair, Error> {
    judge(ctx.state.as_read(), Some(ctx.block), order, known(ctx, books, order)?)
}

/// The same without the window, which was asked when the order was placed.
pub(crate) fn tradable(ctx: &Ctx<'_>, books: &Books, order: &Order) -> Result<Pair, Error> {
    judge(ctx.state.as_read(), None, order, known(ctx, books, order)?)
}

fn known(ctx: &Ctx<'_>, books: &Books, order: &Order) -> Result<Market, Error> {
    let market = order.id.market;
    let pair = books.pairs.get(market).ok_or(Error::NoPair(market))?;
    Ok((pair, books.accounts.standing(ctx.block, market)))
}

fn judge(state: &dyn Read, window: Option<&Block>, order: &Order, market: Market) -> Result<Pair, Error> {
    let (pair, standing) = market;
    in_units(state, &pair, order)?;
    if let Some(block) = window {
        in_window(block, order.good_til)?;
    }
    within_numbers(state, order, (&pair, standing))?;
    Ok(pair)
}

fn in_units(state: &dyn Read, pair: &Pair, order: &Order) -> Result<(), Error> {
    if !pair.on_tick(order.price) {
        return Err(Error::OffTick { price: order.price, tick: pair.subticks_per_tick });
    }
    if !order.size.is_multiple_of(pair.step) {
        return Err(Error::OffStep { size: order.size, step: pair.step });
    }
    accepts(state, pair, order)
}

fn within_numbers(state: &dyn Read, order: &Order, (pair, standing): (&Pair, Standing)) -> Result<(), Error> {
    // Every match is at most the size at the order's own price: it is a maker's limit and a buyer's worst case,
    // and a seller trades with makers that passed this rule.
    if !has_bounded_worth(pair, order.size, order.price) {
        return Err(Error::TooLarge { size: order.size, price: order.price });
    }
    // Nobody may take more risk on a price that nobody knows, but less. After an outage nobody trades at all
    // until everybody had the time to cancel and to post.
    let may = match standing {
        Standing::Live => true,
        Standing::PostOnly => order.time_in_force == TimeInForce::PostOnly,
        Standing::Stale => order.reduce_only,
        Standing::Halted => false,
    };
    if !may {
        return Err(Error::StalePrice(order.id.market));
    }
    match order.builder {
        Some(Builder { address, fee_ppm }) => fees::check_builder(state, &address, Ppm::new(fee_ppm))
            .map_err(|_| Error::BuilderCode("fee is above the cap, or its address takes no money")),
        None => Ok(()),
    }
}

/// Whether an order or cancel is good for long enough and not for too long.
pub(crate) fn in_window(block: &Block, good_til: GoodTil) -> Result<(), Error> {
    match good_til {
        GoodTil::Block(until) => {
            let (height, window) = (block.height, SHORT_BLOCK_WINDOW);
            if u64::from(until) < height {
                return Err(Error::BlockPassed { until, height });
            }
            if u64::from(until) > height.saturating_add(window.into()) {
                return Err(Error::BlockTooFar { until, height, window });
            }
        }
        GoodTil::Time(until) => {
            let time = block.previous_time.seconds();
            if i64::from(until) <= time {
                return Err(Error::TimePassed { until, time });
            }
            if i64::from(until) > time.saturating_add(STATEFUL_WINDOW_SECONDS) {
                return Err(Error::TimeTooFar { until, time });
            }
        }
    }
    Ok(())
}

/// F5: whether the account could carry the order if all of it traded at its own price, as a maker.
pub(crate) fn affordable(ctx: &Ctx<'_>, books: &mut Books, order: &Order, pair: &Pair) -> Result<(), Error> {
    let OrderId { subaccount, market, .. } = order.id;
    let (side, size): (_, Size) = (order.side, order.size);
    let quote = worth(pair, size, order.price).ok_or(Error::Overflow(market))?;
    let rates = books.desk.rates(ctx.state.as_read(), &subaccount.owner, market);
    let built = builder_fee(market, quote, order.builder)?.map_or(QuoteQuantums::ZERO, |(_, fee)| fee);
    let fee = fee(market, quote, rates.maker)? + built;
    let update = update_of(subaccount, market, (side, size), quote, fee);
    books
        .accounts
        .can_update(ctx.state.as_read(), ctx.block, &[update], UpdateKind::CollateralCheck)
        .map_err(|refused| refusal(order, refused.code))
}

/// The refusal of an order whose account refuses.
pub(crate) fn refusal(order: &Order, code: UpdateResult) -> Error {
    match code {
        UpdateResult::ViolatesIsolatedSubaccountConstraints => Error::Isolated(order.id),
        UpdateResult::StalePrice => Error::StalePrice(order.id.market),
        UpdateResult::NewlyUndercollateralized
        | UpdateResult::StillUndercollateralized
        | UpdateResult::WithdrawalsAndTransfersBlocked
        | UpdateResult::UpdateCausedError
        | UpdateResult::NotUnique
        | UpdateResult::WithdrawalMargin
        | UpdateResult::NotUpdatable => Error::Undercollateralized { id: order.id.subaccount, code },
    }
}
