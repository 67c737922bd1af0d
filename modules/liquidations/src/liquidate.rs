//! One position against the book: an order that takes what it can at its limit price and leaves, with the
//! insurance fund beside it.

use core::cell::Cell;

use alloc::string::ToString;

use clob::{Books, Closed, Liquidation, Resting, Side, Stop};
use num::{oracle_value, BaseQuantums, QuoteQuantums};
use store::Ctx;
use subaccounts::Accounts;
use types::{MarketId, SubaccountId};

use crate::event::Liquidated;
use crate::formulas::{bankruptcy_quote, fillable_price, insurance_delta, limit, liquidatable_size, Scale};
use crate::params::Params;
use crate::view::{account, Market};
use crate::Error;

/// More than any fund holds: what a fill asks of the fund that the account may not cost it any more.
const UNPAYABLE: QuoteQuantums = QuoteQuantums::new(-(1 << 100));

/// What an account may still lose in this block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// Notional at the oracle price that may still be closed.
    pub(crate) notional: QuoteQuantums,
    /// What the insurance fund may still pay.
    pub(crate) insurance: QuoteQuantums,
    /// How much the block has met when the account's share of it is used up.
    until: u32,
}

/// What became of an offer to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sold {
    /// All that was offered was taken.
    Whole,
    /// The book takes no more of it.
    Part,
    /// The book may take more, but the account's share of the block is used up.
    Cut,
}

impl Tally {
    /// What `params` allow an account in a block, and half of the fills that the block has left, so that whoever
    /// has the next turn finds some.
    pub(crate) fn new(params: &Params, books: &Books) -> Self {
        Self {
            notional: params.max_account_notional,
            insurance: params.max_insurance_lost,
            until: books.fills_met().saturating_add(books.liquidation_fills_left().div_ceil(2)),
        }
    }

    /// Resting orders and counterparties that the account may still meet.
    pub(crate) fn fills(&self, books: &Books) -> u32 {
        self.until.saturating_sub(books.fills_met())
    }

    /// The tally after `closed`.
    fn after(&self, closed: &Liquidated, market: &Market) -> Result<Self, Error> {
        let notional = oracle_value(closed.filled, market.price, market.terms.exponent);
        let notional = notional.ok_or(Error::Overflow(market.id))?;
        let lost = (-closed.insurance).max(QuoteQuantums::ZERO);
        let (notional, insurance) = (self.notional - notional, self.insurance - lost);
        Ok(Self { notional, insurance, ..*self })
    }
}

/// What to close and at which limit.
#[derive(Clone, Copy)]
struct Order {
    id: SubaccountId,
    side: Side,
    size: BaseQuantums,
    limit: num::Subticks,
}

/// The order that the account's health, its tally and the parameters call for.
fn order(
    (ctx, accounts): (&Ctx<'_>, &Accounts),
    id: &SubaccountId,
    market: &Market,
    tally: &Tally,
    params: &Params,
) -> Result<Order, Error> {
    let state = ctx.state.as_read();
    let overflow = Error::Overflow(market.id);
    let pair = clob::pair(state, market.id).ok_or(Error::NoTerms(market.id))?;
    let (settled, risk) = account(accounts, id)?;
    if !risk.is_liquidatable() {
        return Err(Error::NotLiquidatable(*id));
    }
    let holding = market.holding(settled.size(market.id))?;
    let scale = Scale { price: market.price, exponent: market.terms.exponent, step: pair.step.base() };
    let size = liquidatable_size(&holding, &scale, tally.notional, params).ok_or(overflow.clone())?;
    let long = holding.base.is_positive();
    let price = fillable_price(&risk, &holding, params).ok_or(overflow.clone())?;
    let limit =
        limit(price, long, pair.subticks_per_tick, pair.quantum_conversion_exponent).ok_or(overflow)?;
    Ok(Order { id: *id, side: if long { Side::Sell } else { Side::Buy }, size, limit })
}

/// Close what may be closed of one position. The tally is what remains afterwards. Answers what was closed, and
/// what became of the rest.
///
/// The order takes one maker at a time, and the account's health is taken anew before each: what a fill costs
/// the fund depends on what the fills before it left.
pub(crate) fn liquidate(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    (id, market): (&SubaccountId, MarketId),
    tally: &mut Tally,
    params: &Params,
) -> Result<(Liquidated, Sold), Error> {
    let market = Market::load(ctx.state.as_read(), market)?;
    let order = order((ctx, &books.accounts), id, &market, tally, params)?;
    let mut done = Liquidated {
        id: *id,
        market: market.id,
        buy: order.side == Side::Buy,
        size: order.size,
        filled: BaseQuantums::ZERO,
        limit: order.limit,
        quote: QuoteQuantums::ZERO,
        insurance: QuoteQuantums::ZERO,
    };
    let mut sold = Sold::Part;
    for _ in 0..clob::params(ctx.state.as_read()).max_fills {
        let best = head(books, market.id, order.side.opposite());
        let Some(maker) = best.filter(|maker| order.side.crosses(order.limit, maker.order.price)) else {
            break;
        };
        if tally.fills(books) == 0 {
            sold = Sold::Cut;
            break;
        }
        let part = Order {
            size: maker.remaining.base().min(order.size - done.filled),
            limit: maker.order.price,
            ..order
        };
        let may_lose = tally.after(&done, &market)?.insurance;
        let closed = take(ctx, books, &market, &part, (may_lose, params))?;
        done.filled += closed.filled;
        done.quote += closed.quote;
        done.insurance += closed.insurance;
        let stuck = closed.filled.is_zero() && head(books, market.id, order.side.opposite()) == best;
        if closed.stopped == Stop::FundDry || stuck || done.filled >= order.size {
            break;
        }
    }
    *tally = tally.after(&done, &market)?;
    if done.filled.is_positive() {
        ctx.emit(done);
    }
    Ok((done, if done.filled == done.size { Sold::Whole } else { sold }))
}

/// The order on `side` that trades next.
fn head(books: &Books, market: MarketId, side: Side) -> Option<Resting> {
    books.best(market, side).map(|handle| books.get(handle))
}

/// Offer `part` to the book, with the fund's share of each fill by F4 and F5 of the account as it stands. The
/// fund may pay `may_lose` at most.
fn take(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    market: &Market,
    part: &Order,
    (may_lose, params): (QuoteQuantums, &Params),
) -> Result<Closed, Error> {
    let (settled, risk) = account(&books.accounts, &part.id)?;
    let holding = market.holding(settled.size(market.id))?;
    let left = Cell::new(may_lose);
    let delta = |size: BaseQuantums, quote: QuoteQuantums| {
        let slice = market.slice(&holding, size.abs()).ok()?;
        let bankruptcy = bankruptcy_quote(&risk, &slice, holding.base)?;
        let delta = insurance_delta(quote, bankruptcy, params.max_fee)?;
        left.set(left.get().checked_add(delta.min(QuoteQuantums::ZERO))?);
        Some(if left.get().is_negative() { UNPAYABLE } else { delta })
    };
    let Order { id, side, size, limit } = *part;
    let order = Liquidation { id, market: market.id, side, size, limit, makers: 1, insurance_delta: &delta };
    clob::close_position(ctx, books, &order).map_err(|error| Error::Account { id, reason: error.to_string() })
}
