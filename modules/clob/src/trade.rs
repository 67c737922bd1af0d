//! A taker on its way down the book: who is met, what trades, who leaves, why it stops.

use num::{QuoteQuantums, SignedPpm};
use store::Ctx;
use subaccounts::Kind as UpdateKind;

use crate::admit::refusal;
use crate::arena::Handle;
use crate::band;
use crate::books::Books;
use crate::error::Error;
use crate::event::{Fill, Reason};
use crate::growth;
use crate::matching::{next, Next, Taker};
use crate::order::{Kind, Order, OrderId, Resting, SelfTrade, Side, Size, TimeInForce};
use crate::place::Status;
use crate::reduce;
use crate::settle::{builder_fee, match_fees, record, settle, worth, Obstacle, Trade};
use crate::spent;
use crate::state::Pair;
use crate::twap;

/// A taker, and what became of it so far.
pub(crate) struct Progress {
    pub(crate) taker: Taker,
    /// What it traded.
    pub(crate) filled: Size,
    /// Resting orders that it met.
    pub(crate) met: u32,
    pub(crate) status: Status,
}

/// Whether a taker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    On,
    Stop,
}

/// Trade down the book until nothing crosses, nothing is wanted, somebody cannot pay or enough was met.
pub(crate) fn trade(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    pair: &Pair,
    wanted: Size,
) -> Result<Progress, Error> {
    let OrderId { subaccount, market, .. } = order.id;
    let limit = match band::bound(ctx, books, pair, order.side) {
        Some(bound) if order.side == Side::Buy => order.price.min(bound),
        Some(bound) => order.price.max(bound),
        None => order.price,
    };
    let taker = Taker { subaccount, market, side: order.side, limit, remaining: wanted };
    let mut progress = Progress { taker, filled: Size::ZERO, met: 0, status: Status::Success };
    // Most orders meet nobody: what a taker pays is looked up when somebody is met.
    let mut rate = None;
    let most = books.budgets.params.max_fills.min(books.budgets.fills_left());
    loop {
        let next = next(books, &progress.taker);
        if next == Next::Nothing {
            return Ok(progress);
        }
        if progress.met >= most {
            progress.status = Status::TooManyFills;
            return Ok(progress);
        }
        progress.met = progress.met.saturating_add(1);
        books.budgets.meet(1);
        let turn = match next {
            Next::Nothing => Turn::Stop,
            Next::Own(handle) => meet_own(ctx, books, order, &mut progress, handle),
            Next::Trade { maker, .. } if reduce::excess(ctx, books, pair, maker) => Turn::On,
            Next::Trade { maker, size } => {
                let rate = *rate.get_or_insert_with(|| {
                    books.desk.rates(ctx.state.as_read(), &subaccount.owner, market).taker
                });
                meet(ctx, books, (order, pair, rate), &mut progress, (maker, size))?
            }
        };
        if turn == Turn::Stop {
            return Ok(progress);
        }
    }
}

/// The next order is of the same subaccount: one of them goes, or both.
fn meet_own(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    order: &Order,
    progress: &mut Progress,
    handle: Handle,
) -> Turn {
    if order.self_trade != SelfTrade::CancelTaker {
        spent::remove(ctx, books, handle, Reason::SelfTrade);
    }
    if order.self_trade == SelfTrade::CancelMaker {
        return Turn::On;
    }
    progress.status = Status::SelfTrade;
    Turn::Stop
}

/// Trade with one order, or let go who cannot pay.
fn meet(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    (order, pair, rate): (&Order, &Pair, SignedPpm),
    progress: &mut Progress,
    (handle, size): (Handle, Size),
) -> Result<Turn, Error> {
    let market = order.id.market;
    let resting = books.get(handle);
    let maker = &resting.order;
    let taker = (&order.id.subaccount, order.side);
    let size = growth::allowed(books, pair, taker, &maker.id.subaccount, size);
    if size.is_zero() && progress.filled.is_zero() {
        return Err(Error::OpenInterestCap(market));
    }
    if size.is_zero() {
        progress.status = Status::OpenInterestCap;
        return Ok(Turn::Stop);
    }
    let quote = worth(pair, size, maker.price).ok_or(Error::Overflow(market))?;
    let maker_rate = books.desk.rates(ctx.state.as_read(), &maker.id.subaccount.owner, market).maker;
    let fees = match_fees(market, quote, rate, maker_rate)?;
    let match_ = Trade {
        market,
        side: order.side,
        size,
        quote,
        taker: order.id.subaccount,
        taker_fee: fees.taker,
        taker_builder: builder_fee(market, quote, order.builder)?,
        maker: maker.id.subaccount,
        maker_fee: fees.maker,
        maker_builder: builder_fee(market, quote, maker.builder)?,
        insurance: QuoteQuantums::ZERO,
    };
    match settle(ctx, &mut books.accounts, &match_, UpdateKind::Match) {
        Ok(()) if order.time_in_force == TimeInForce::PostOnly => {
            return Err(Error::PostOnlyWouldCross(order.id));
        }
        Ok(()) => {
            let maker_remaining = books.reduce(handle, size);
            progress.taker.remaining = progress.taker.remaining.less(size);
            progress.filled = progress.filled.plus(size);
            filled(ctx, books, &match_, (&resting, maker_remaining), Some(order.id));
        }
        Err(Obstacle::Maker) => spent::remove(ctx, books, handle, Reason::Undercollateralized),
        Err(Obstacle::Taker(code)) if progress.filled.is_zero() => return Err(refusal(order, code)),
        Err(Obstacle::Taker(_)) => {
            progress.status = Status::Undercollateralized;
            return Ok(Turn::Stop);
        }
        Err(Obstacle::FundDry) => return Err(Error::Overflow(market)),
        Err(Obstacle::Failed(error)) => return Err(error),
    }
    Ok(Turn::On)
}

/// Book a match on the maker's side and tell of it.
pub(crate) fn filled(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    trade: &Trade,
    (maker, maker_remaining): (&Resting, Size),
    taker_order: Option<OrderId>,
) {
    record((&mut books.desk, &books.accounts), trade);
    spent::trade(ctx, books, (&maker.order, maker.successor), (trade.size, maker_remaining));
    let maker = &maker.order;
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
        builders: [trade.maker_builder, trade.taker_builder],
        insurance: trade.insurance,
    });
    for slice in [Some(maker.id), taker_order].into_iter().flatten() {
        if slice.kind == Kind::TwapSlice {
            twap::filled(ctx, books, &slice, trade.size);
        }
    }
    reduce::position_changed(ctx, books, &trade.maker, trade.market);
    reduce::position_changed(ctx, books, &trade.taker, trade.market);
}
