//! Paying for one match. The order of money: insurance fund, then both accounts, then fees.

use num::{fill_quote, Ppm, QuoteQuantums, SignedPpm, Subticks};
use store::{attempt, Ctx};
use subaccounts::{Accounts, Kind, Refused, Update, UpdateResult};
use types::{Address, MarketId, SubaccountId};

use crate::error::Error;
use crate::order::{Builder, Side, Size};
use crate::state::Pair;

/// One match before it is paid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub(crate) market: MarketId,
    /// The taker's side.
    pub(crate) side: Side,
    pub(crate) size: Size,
    /// F2: what the size is worth at the maker's price.
    pub(crate) quote: QuoteQuantums,
    pub(crate) taker: SubaccountId,
    pub(crate) taker_fee: QuoteQuantums,
    /// Who brought the taker's order, and what they get of it.
    pub(crate) taker_builder: Option<(Address, QuoteQuantums)>,
    pub(crate) maker: SubaccountId,
    pub(crate) maker_fee: QuoteQuantums,
    /// Who brought the maker's order, and what they get of it.
    pub(crate) maker_builder: Option<(Address, QuoteQuantums)>,
    /// What the taker gives the insurance fund (above zero) or gets from it, on top.
    pub(crate) insurance: QuoteQuantums,
}

/// Who cannot pay.
#[derive(Clone, Debug)]
pub(crate) enum Obstacle {
    /// The account of the taker refuses.
    Taker(UpdateResult),
    /// The account of the maker refuses.
    Maker,
    /// The insurance fund holds too little.
    FundDry,
    /// A number does not fit, or the pool cannot pay: the whole message fails.
    Failed(Error),
}

/// F2: what `size` is worth at `price`, rounded down.
pub(crate) fn worth(pair: &Pair, size: Size, price: Subticks) -> Option<QuoteQuantums> {
    let quote = fill_quote(size.base(), price, pair.quantum_conversion_exponent)?;
    QuoteQuantums::bounded(quote.raw())
}

/// Whether what `size` is worth at `price` is a number that an account may hold.
pub(crate) fn has_bounded_worth(pair: &Pair, size: Size, price: Subticks) -> bool {
    // Dividing makes it no larger: most often the product tells, and nothing has to be divided.
    let product = i128::from(size.raw()).checked_mul(price.raw().into());
    let divides = pair.quantum_conversion_exponent <= 0;
    (divides && product.is_some_and(|product| QuoteQuantums::bounded(product).is_some()))
        || worth(pair, size, price).is_some()
}

/// F3: what both sides of a match of `quote` pay at these rates, rounded up; a rebate is below zero, rounded
/// against its payee, and at most what the other side pays.
pub(crate) fn match_fees(
    market: MarketId,
    quote: QuoteQuantums,
    taker: SignedPpm,
    maker: SignedPpm,
) -> Result<fees::MatchFees, Error> {
    fees::match_fees(quote, taker, maker).ok_or(Error::Overflow(market))
}

/// F3 for one side alone, before there is a match.
pub(crate) fn fee(market: MarketId, quote: QuoteQuantums, rate: SignedPpm) -> Result<QuoteQuantums, Error> {
    fees::charge(quote, rate).ok_or(Error::Overflow(market))
}

/// F13: who brought an order, and what a fill of `quote` gives them, rounded up.
pub(crate) fn builder_fee(
    market: MarketId,
    quote: QuoteQuantums,
    builder: Option<Builder>,
) -> Result<Option<(Address, QuoteQuantums)>, Error> {
    let Some(Builder { address, fee_ppm }) = builder else { return Ok(None) };
    let fee = fees::builder_charge(quote, Ppm::new(fee_ppm)).ok_or(Error::Overflow(market))?;
    Ok(Some((address, fee)))
}

fn built(builder: Option<(Address, QuoteQuantums)>) -> QuoteQuantums {
    builder.map_or(QuoteQuantums::ZERO, |(_, fee)| fee)
}

/// F4: what trading does to an account: base in, quote and fee out for a buyer, the other way for a seller.
pub(crate) fn update_of(
    id: SubaccountId,
    market: MarketId,
    (side, size): (Side, Size),
    quote: QuoteQuantums,
    fee: QuoteQuantums,
) -> Update {
    let paid = match side {
        Side::Buy => -quote - fee,
        Side::Sell => quote - fee,
    };
    Update { id, quote: paid, base: Some((market, side.signed(size))), fee }
}

/// Count a match that was paid: volumes of both sides, and fees that wait in the pool.
pub(crate) fn record((desk, accounts): (&mut fees::Desk, &Accounts), trade: &Trade) {
    let pool = accounts.pool_of(trade.market);
    desk.record(&fees::Fill {
        market: trade.market,
        pool,
        maker: trade.maker.owner,
        taker: trade.taker.owner,
        quote: trade.quote,
        fees: trade.taker_fee + trade.maker_fee,
    });
    for (builder, fee) in [trade.taker_builder, trade.maker_builder].into_iter().flatten() {
        desk.record_builder(pool, builder, trade.quote, fee);
    }
}

/// Pay for a match, or leave everything as it was.
pub(crate) fn settle(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    trade: &Trade,
    kind: Kind,
) -> Result<(), Obstacle> {
    let size = trade.size;
    let fee = trade.taker_fee + built(trade.taker_builder) + trade.insurance;
    let taker = update_of(trade.taker, trade.market, (trade.side, size), trade.quote, fee);
    let maker_side = trade.side.opposite();
    let fee = trade.maker_fee + built(trade.maker_builder);
    let maker = update_of(trade.maker, trade.market, (maker_side, size), trade.quote, fee);
    let pay = |ctx: &mut Ctx<'_>, accounts: &mut Accounts| {
        subaccounts::update(ctx, accounts, &[taker, maker], kind).map_err(|Refused { index, code }| {
            match index {
                0 => Obstacle::Taker(code),
                _ => Obstacle::Maker,
            }
        })
    };
    if trade.insurance.is_zero() {
        return pay(ctx, accounts);
    }
    if trade.insurance.is_negative() {
        let has = insurance::balance_of(ctx.state.as_read(), trade.market, &ctx.chain.collateral);
        if !insurance::can_pay(has, trade.insurance) {
            return Err(Obstacle::FundDry);
        }
    }
    attempt(ctx, accounts, |ctx, accounts| {
        insurance::settle(ctx, trade.market, trade.insurance)
            .map_err(|error| Obstacle::Failed(error.into()))?;
        pay(ctx, accounts)
    })
}
