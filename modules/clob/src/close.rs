//! Closing a position for the chain: an immediate-or-cancel taker that pays no fee, at the insurance fund's risk.

use num::{BaseQuantums, QuoteQuantums, SignedPpm, Subticks};
use store::{attempt, Ctx};
use subaccounts::Kind as UpdateKind;
use types::{MarketId, SubaccountId};

use crate::books::Books;
use crate::error::Error;
use crate::event::Reason;
use crate::matching::{next, Next, Taker};
use crate::order::{Side, Size};
use crate::reduce;
use crate::settle::{builder_fee, match_fees, settle, worth, Obstacle, Trade};
use crate::spent;
use crate::state::pair;
use crate::trade::filled;

/// What to close, and on which terms.
pub struct Liquidation<'a> {
    /// Whose position.
    pub id: SubaccountId,
    /// In which market.
    pub market: MarketId,
    /// The side that closes: sell for a long position.
    pub side: Side,
    /// At most this much, above zero.
    pub size: BaseQuantums,
    /// Worst price.
    pub limit: Subticks,
    /// Resting orders that it may meet; `max_fills` is the most there can be.
    pub makers: u32,
    /// What the account gives the fund (above zero) or gets from it for one fill. Its arguments are what the
    /// fill does to the account before that: the change of its position, and of its collateral, both with
    /// their signs. Nothing when the numbers do not fit.
    pub insurance_delta: &'a dyn Fn(BaseQuantums, QuoteQuantums) -> Option<QuoteQuantums>,
}

/// Why closing stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All of the size traded.
    Filled,
    /// No order accepts the limit, as many orders were met as one taker may meet, or the account itself refuses.
    NoLiquidity,
    /// The next fill needs more than the insurance fund holds.
    FundDry,
}

/// What closing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Base quantums that traded, never negative.
    pub filled: BaseQuantums,
    /// Quote quantums that they were worth, never negative.
    pub quote: QuoteQuantums,
    /// What the insurance fund got in all (above zero) or paid.
    pub insurance: QuoteQuantums,
    /// Why it stopped.
    pub stopped: Stop,
}

/// Trade a position away down the book. Each fill pays the insurance fund, or is paid by it, before the
/// accounts move. The account pays no fee, makers pay theirs but get no rebate. Refused when the market does
/// not trade or a number does not fit; then nothing has happened.
pub fn close_position(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    liquidation: &Liquidation<'_>,
) -> Result<Closed, Error> {
    attempt(ctx, books, |ctx, books| close(ctx, books, liquidation))
}

fn close(ctx: &mut Ctx<'_>, books: &mut Books, what: &Liquidation<'_>) -> Result<Closed, Error> {
    let Liquidation { id, market, side, limit, .. } = *what;
    let pair = pair(ctx.state.as_read(), market).ok_or(Error::NoPair(market))?;
    if !pair.status.is_active() {
        return Err(Error::NotActive(market));
    }
    let mut taker = Taker { subaccount: id, market, side, limit, remaining: Size::of(what.size) };
    let (filled_size, quote, insurance) = (BaseQuantums::ZERO, QuoteQuantums::ZERO, QuoteQuantums::ZERO);
    let mut closed = Closed { filled: filled_size, quote, insurance, stopped: Stop::Filled };
    let most = books.budgets.params.max_fills.min(what.makers);
    let mut met: u32 = 0;
    while !taker.remaining.is_zero() {
        closed.stopped = Stop::NoLiquidity;
        let next = next(books, &taker);
        if next == Next::Nothing || met >= most {
            return Ok(closed);
        }
        met = met.saturating_add(1);
        books.budgets.meet(1);
        let (handle, size) = match next {
            Next::Nothing => return Ok(closed),
            Next::Own(handle) => {
                spent::remove(ctx, books, handle, Reason::SelfTrade);
                continue;
            }
            Next::Trade { maker, .. } if reduce::excess(ctx, books, &pair, maker) => continue,
            Next::Trade { maker, size } => (maker, size),
        };
        let resting = books.get(handle);
        let maker = &resting.order;
        let quote = worth(&pair, size, maker.price).ok_or(Error::Overflow(market))?;
        let signed = if side == Side::Buy { -quote } else { quote };
        let insurance = (what.insurance_delta)(side.signed(size), signed).ok_or(Error::Overflow(market))?;
        let rate = books.desk.rates(ctx.state.as_read(), &maker.id.subaccount.owner, market).maker;
        let fees = match_fees(market, quote, SignedPpm::ZERO, rate)?;
        let trade = Trade {
            market,
            side,
            size,
            quote,
            taker: id,
            taker_fee: fees.taker,
            taker_builder: None,
            maker: maker.id.subaccount,
            maker_fee: fees.maker,
            maker_builder: builder_fee(market, quote, maker.builder)?,
            insurance,
        };
        match settle(ctx, &mut books.accounts, &trade, UpdateKind::Liquidation) {
            Ok(()) => {
                let left = books.reduce(handle, size);
                filled(ctx, books, &trade, (&resting, left), None);
                taker.remaining = taker.remaining.less(size);
                closed.filled += size.base();
                closed.quote += quote;
                closed.insurance += insurance;
            }
            Err(Obstacle::Maker) => spent::remove(ctx, books, handle, Reason::Undercollateralized),
            Err(Obstacle::Taker(_)) => return Ok(closed),
            Err(Obstacle::FundDry) => return Ok(Closed { stopped: Stop::FundDry, ..closed }),
            Err(Obstacle::Failed(error)) => return Err(error),
        }
    }
    Ok(Closed { stopped: Stop::Filled, ..closed })
}
