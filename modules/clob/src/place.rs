//! Placing an order: is it allowed, whom does it trade with, what rests.

use num::QuoteQuantums;
use store::{attempt, Ctx, Read};
use subaccounts::{Kind as UpdateKind, UpdateResult};
use types::Block;

use crate::books::Books;
use crate::conditional;
use crate::error::Error;
use crate::event::{Fill, Placed, Reason, Removed};
use crate::limits::{within_tier, Counted};
use crate::matching::{next, Next, Taker};
use crate::order::{GoodTil, Kind, Order, OrderId, Side, Size, TimeInForce};
use crate::params::{SHORT_BLOCK_WINDOW, STATEFUL_WINDOW_SECONDS};
use crate::settle::{fee, match_fees, record, settle, update_of, worth, Obstacle, Trade};
use crate::spent;
use crate::state::{pair, params, Pair};
use crate::twap;

/// What became of an order that was accepted; the numbers are those of the dYdX chain's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: traded in full, or what did not trade rests.
    Success,
    /// 1: traded until its account could carry no more; the rest is dropped.
    Undercollateralized,
    /// 3: immediate-or-cancel, what did not trade is dropped.
    WouldRest,
    /// 4: reduce-only, the position is gone and what did not trade is dropped.
    ReduceOnlyResized,
    /// 101: met as many orders as one order may, the rest is dropped.
    TooManyFills,
}

impl Status {
    /// Its number.
    pub const fn number(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::Undercollateralized => 1,
            Self::WouldRest => 3,
            Self::ReduceOnlyResized => 4,
            Self::TooManyFills => 101,
        }
    }
}

/// Outcome of an order that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// What became of it.
    pub status: Status,
    /// Base quantums that traded at once.
    pub filled: Size,
    /// Base quantums that rest.
    pub resting: Size,
}

/// A taker on its way through the book.
struct Progress {
    taker: Taker,
    filled: Size,
    met: u32,
    status: Status,
}

/// Who lets an order come to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A user, now.
    User,
    /// A user before; its price came now.
    Triggered,
    /// The chain, for a TWAP order.
    TwapSlice,
    /// A user before; it has traded as much as one block allows.
    Continued,
}

/// Place an order of a user, or leave everything as it was.
pub(crate) fn place(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order) -> Result<PlacedOrder, Error> {
    implemented(order)?;
    match order.id.kind {
        Kind::Conditional => conditional::place(ctx, books, order),
        Kind::Twap => twap::place(ctx, books, order),
        Kind::TwapSlice => Err(Error::Flags(order.id.kind.flags())),
        Kind::ShortTerm | Kind::LongTerm => put(ctx, books, order, Origin::User),
    }
}

/// Refuse what is not here yet.
pub(crate) fn implemented(order: &Order) -> Result<(), Error> {
    match order.id.kind {
        _ if order.builder.is_some() => Err(Error::NotImplemented("builder codes")),
        Kind::ShortTerm | Kind::Conditional | Kind::LongTerm | Kind::Twap | Kind::TwapSlice => Ok(()),
    }
}

/// Let an order come to the book, or leave everything as it was. What was asked of its user when it was placed
/// is not asked again: window, equity tier, and of a triggered order whether its account can carry all of it.
pub fn put(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    origin: Origin,
) -> Result<PlacedOrder, Error> {
    let pair = match origin {
        Origin::User => admissible(ctx.state.as_read(), ctx.block, order)?,
        Origin::Triggered | Origin::TwapSlice | Origin::Continued => {
            tradable(ctx.state.as_read(), ctx.block, order)?
        }
    };
    books.open(order.id.market, pair.grid());
    let left = spent::left_of(ctx, books, order, &pair)?;
    let wanted = left.min(reducible(books, order)?);
    let user = origin == Origin::User;
    let stateful = order.id.kind.is_stateful();
    if user && !stateful && order.time_in_force != TimeInForce::ImmediateOrCancel {
        within_tier(books, order.id.subaccount, Counted::ShortTerm)?;
    }
    if user && stateful {
        within_tier(books, order.id.subaccount, Counted::Stateful)?;
    }
    if (user && stateful) || origin == Origin::TwapSlice {
        affordable(ctx, books, order, &pair)?;
    }
    attempt(ctx, books, |ctx, books| {
        let progress = trade(ctx, books, order, &pair, wanted)?;
        finish(ctx, books, order, left, progress)
    })
}

/// The rules that need the state but no book, in the order of the dYdX chain. Returns the market.
pub(crate) fn admissible(state: &dyn Read, block: &Block, order: &Order) -> Result<Pair, Error> {
    let pair = in_units(state, order)?;
    in_window(block, order.good_til)?;
    within_numbers(state, block, order, &pair)?;
    Ok(pair)
}

/// The same without the window, which was asked when the order was placed.
fn tradable(state: &dyn Read, block: &Block, order: &Order) -> Result<Pair, Error> {
    let pair = in_units(state, order)?;
    within_numbers(state, block, order, &pair)?;
    Ok(pair)
}

fn in_units(state: &dyn Read, order: &Order) -> Result<Pair, Error> {
    let market = order.id.market;
    let pair = pair(state, market).ok_or(Error::NoPair(market))?;
    if !pair.on_tick(order.price) {
        return Err(Error::OffTick { price: order.price, tick: pair.subticks_per_tick });
    }
    if !order.size.is_multiple_of(pair.step) {
        return Err(Error::OffStep { size: order.size, step: pair.step });
    }
    if !pair.status.is_active() {
        return Err(Error::NotActive(market));
    }
    Ok(pair)
}

fn within_numbers(state: &dyn Read, block: &Block, order: &Order, pair: &Pair) -> Result<(), Error> {
    // Every match is at most the size at the order's own price: it is a maker's limit and a buyer's worst case,
    // and a seller trades with makers that passed this rule.
    if worth(pair, order.size, order.price).is_none() {
        return Err(Error::TooLarge { size: order.size, price: order.price });
    }
    if !prices::is_fresh(state, block, order.id.market) {
        return Err(Error::StalePrice(order.id.market));
    }
    Ok(())
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

/// What a reduce-only order may trade at most: the position that it opposes.
fn reducible(books: &Books, order: &Order) -> Result<Size, Error> {
    if !order.reduce_only {
        return Ok(order.size);
    }
    let position = books.accounts.size(&order.id.subaccount, order.id.market);
    let opposes = match order.side {
        Side::Buy => position.is_negative(),
        Side::Sell => position.is_positive(),
    };
    if opposes {
        Ok(Size::of(position))
    } else {
        Err(Error::ReduceOnly(order.id))
    }
}

/// F5: whether the account could carry the order if all of it traded at its own price, as a maker.
pub(crate) fn affordable(ctx: &Ctx<'_>, books: &Books, order: &Order, pair: &Pair) -> Result<(), Error> {
    let OrderId { subaccount, market, .. } = order.id;
    let (side, size) = (order.side, order.size);
    let quote = worth(pair, size, order.price).ok_or(Error::Overflow(market))?;
    let rates = fees::rates(ctx.state.as_read(), &subaccount.owner, market);
    let fee = fee(market, quote, rates.maker)?;
    let update = update_of(subaccount, market, (side, size), quote, fee);
    books
        .accounts
        .can_update(ctx.state.as_read(), ctx.block, &[update], UpdateKind::CollateralCheck)
        .map_err(|refused| refusal(order, refused.code))
}

/// The refusal of an order whose account refuses.
fn refusal(order: &Order, code: UpdateResult) -> Error {
    match code {
        UpdateResult::ViolatesIsolatedSubaccountConstraints => Error::Isolated(order.id),
        UpdateResult::StalePrice => Error::StalePrice(order.id.market),
        UpdateResult::NewlyUndercollateralized
        | UpdateResult::StillUndercollateralized
        | UpdateResult::WithdrawalsAndTransfersBlocked
        | UpdateResult::UpdateCausedError
        | UpdateResult::NotUnique
        | UpdateResult::NotUpdatable => Error::Undercollateralized { id: order.id.subaccount, code },
    }
}

/// Trade down the book until nothing crosses, nothing is wanted, somebody cannot pay or enough was met.
fn trade(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    pair: &Pair,
    wanted: Size,
) -> Result<Progress, Error> {
    let OrderId { subaccount, market, .. } = order.id;
    let taker = Taker { subaccount, market, side: order.side, limit: order.price, remaining: wanted };
    let mut progress = Progress { taker, filled: Size::ZERO, met: 0, status: Status::Success };
    let rate = books.desk.rates(ctx.state.as_read(), &subaccount.owner, market).taker;
    let most = params(ctx.state.as_read()).max_fills;
    loop {
        let (handle, size) = match next(books, &progress.taker) {
            Next::Nothing => return Ok(progress),
            _ if progress.met >= most => {
                progress.status = Status::TooManyFills;
                return Ok(progress);
            }
            Next::Own(handle) => {
                spent::remove(ctx, books, handle, Reason::SelfTrade);
                progress.met = progress.met.saturating_add(1);
                continue;
            }
            Next::Trade { maker, size } => (maker, size),
        };
        progress.met = progress.met.saturating_add(1);
        let maker = books.get(handle).order;
        let quote = worth(pair, size, maker.price).ok_or(Error::Overflow(market))?;
        let maker_rate = books.desk.rates(ctx.state.as_read(), &maker.id.subaccount.owner, market).maker;
        let fees = match_fees(market, quote, rate, maker_rate)?;
        let match_ = Trade {
            market,
            side: order.side,
            size,
            quote,
            taker: subaccount,
            taker_fee: fees.taker,
            maker: maker.id.subaccount,
            maker_fee: fees.maker,
            insurance: QuoteQuantums::ZERO,
        };
        match settle(ctx, &mut books.accounts, &match_, UpdateKind::Match) {
            Ok(()) if order.time_in_force == TimeInForce::PostOnly => {
                return Err(Error::PostOnlyWouldCross(order.id));
            }
            Ok(()) => {
                let maker_remaining = books.reduce(handle, size);
                filled(ctx, books, &match_, (&maker, maker_remaining), Some(order.id));
                progress.taker.remaining = progress.taker.remaining.less(size);
                progress.filled = progress.filled.plus(size);
            }
            Err(Obstacle::Maker) => spent::remove(ctx, books, handle, Reason::Undercollateralized),
            Err(Obstacle::Taker(code)) if progress.filled.is_zero() => return Err(refusal(order, code)),
            Err(Obstacle::Taker(_)) => {
                progress.status = Status::Undercollateralized;
                return Ok(progress);
            }
            Err(Obstacle::FundDry) => return Err(Error::Overflow(market)),
            Err(Obstacle::Failed(error)) => return Err(error),
        }
    }
}

/// Book a match on the maker's side and tell of it.
pub(crate) fn filled(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    trade: &Trade,
    (maker, maker_remaining): (&Order, Size),
    taker_order: Option<OrderId>,
) {
    record((&mut books.desk, &books.accounts), trade);
    spent::trade(books, maker, (trade.size, maker_remaining));
    books.waiting.trade(trade.market, maker.price, ctx.block.height);
    ctx.emit(Fill {
        market: trade.market,
        side: trade.side,
        price: maker.price,
        size: trade.size,
        quote: trade.quote,
        maker: maker.id,
        maker_remaining,
        maker_fee: trade.maker_fee,
        taker: trade.taker,
        taker_order,
        taker_fee: trade.taker_fee,
        insurance: trade.insurance,
    });
    for slice in [Some(maker.id), taker_order].into_iter().flatten() {
        if slice.kind == Kind::TwapSlice {
            twap::filled(ctx, books, &slice, trade.size);
        }
    }
}

/// Book what traded on the taker's side; rest or drop what did not. `left` is what the order had left before.
fn finish(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    left: Size,
    progress: Progress,
) -> Result<PlacedOrder, Error> {
    let Progress { filled, mut status, taker, .. } = progress;
    let remaining = left.less(filled);
    if remaining < order.size {
        // Also when only an earlier order with this id has traded: its row must outlive this order.
        spent::trade(books, order, (filled, remaining));
    }
    if remaining.is_zero() {
        return Ok(PlacedOrder { status, filled, resting: Size::ZERO });
    }
    if status == Status::Success && order.time_in_force != TimeInForce::ImmediateOrCancel {
        let id = order.id.subaccount;
        let count = books.resting(&id, order.id.market);
        if count >= params(ctx.state.as_read()).max_resting {
            return Err(Error::TooManyResting { id, market: order.id.market, count });
        }
        let handle = books.place(order, remaining);
        let resting = books.get(handle);
        ctx.emit(Placed(&resting));
        return Ok(PlacedOrder { status, filled, resting: remaining });
    }
    if status == Status::Success {
        let resized = order.reduce_only && taker.remaining.is_zero();
        status = if resized { Status::ReduceOnlyResized } else { Status::WouldRest };
    }
    drop_rest(ctx, books, order, remaining, status);
    Ok(PlacedOrder { status, filled, resting: Size::ZERO })
}

/// The rest of an order goes without having rested; a short-term order must not come again for it.
fn drop_rest(ctx: &mut Ctx<'_>, books: &mut Books, order: &Order, remaining: Size, status: Status) {
    let reason = match status {
        Status::Undercollateralized => Reason::Undercollateralized,
        Status::TooManyFills => Reason::TooManyFills,
        Status::WouldRest if order.id.kind == Kind::Conditional => Reason::ConditionalWouldRest,
        Status::Success | Status::WouldRest | Status::ReduceOnlyResized => Reason::NotResting,
    };
    if order.id.kind.is_stateful() {
        spent::forget(books, order);
    } else {
        spent::end(ctx, books, order);
    }
    ctx.emit(Removed { id: order.id, reason, remaining, rested: false });
}
