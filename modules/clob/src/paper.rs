//! Trades that have not happened, for questions: what they would do to both sides, and who in the book would take
//! part. Rows are read, and nothing is written.

use alloc::vec::Vec;

use num::Subticks;
use store::Read;
use subaccounts::Update;
use types::{Block, MarketId, SubaccountId};

use crate::band;
use crate::error::Error;
use crate::order::{Side, Size};
use crate::query::{levels, open_orders, Place};
use crate::settle::{match_fees, update_of, worth};
use crate::state::{pair, params, Pair};

/// Levels of a book that are read at most.
const MAX_LEVELS: usize = 1_000;

/// Own orders that are left out of the levels at most.
const MAX_OWN: usize = 1_000;

/// F2 to F4: what a match of `size` at `price` does to taker and maker (in this order), at the rates that both pay
/// now; builders are left out. `side` is the taker's. Refused like an order of that size and price.
pub fn on_paper(
    state: &dyn Read,
    (taker, maker, side): (SubaccountId, SubaccountId, Side),
    market: MarketId,
    (size, price): (Size, Subticks),
) -> Result<[Update; 2], Error> {
    let pair = known(state, market)?;
    if !pair.on_tick(price) {
        return Err(Error::OffTick { price, tick: pair.subticks_per_tick });
    }
    if size.is_zero() || !size.is_multiple_of(pair.step) {
        return Err(Error::OffStep { size, step: pair.step });
    }
    let quote = worth(&pair, size, price).ok_or(Error::TooLarge { size, price })?;
    let taker_rate = fees::rates(state, &taker.owner, market).taker;
    let maker_rate = fees::rates(state, &maker.owner, market).maker;
    let fees = match_fees(market, quote, taker_rate, maker_rate)?;
    Ok([
        update_of(taker, market, (side, size), quote, fees.taker),
        update_of(maker, market, (side.opposite(), size), quote, fees.maker),
    ])
}

/// What a taker of `size` who accepts every price would meet: prices and sizes, best first, within the price band
/// (F12) and without its own orders; less than `size` when there is no more. Each level counts as one order, and
/// every maker as one who can pay.
pub fn walk(
    state: &dyn Read,
    block: &Block,
    taker: &SubaccountId,
    (market, side, size): (MarketId, Side, Size),
) -> Result<Vec<(Subticks, Size)>, Error> {
    let pair = known(state, market)?;
    let bound = band::bound_of_rows(state, block, &pair, (side, params(state).taker_band));
    let own: Vec<_> = open_orders(state, taker, MAX_OWN)
        .into_iter()
        .filter(|open| open.place == Place::Resting && open.order.id.market == market)
        .collect();
    let (mut fills, mut left) = (Vec::new(), size);
    for (price, level) in levels(state, market, side.opposite(), MAX_LEVELS) {
        if left.is_zero() || bound.is_some_and(|bound| !side.crosses(bound, price)) {
            break;
        }
        let offered = Size::new(u64::try_from(level.quantums).unwrap_or(u64::MAX));
        let mine = own.iter().filter(|open| open.order.price == price && open.order.side != side);
        let others = mine.fold(offered, |rest, open| rest.less(open.order.size.less(open.filled)));
        let fill = left.min(others);
        if !fill.is_zero() {
            fills.push((price, fill));
            left = left.less(fill);
        }
    }
    Ok(fills)
}

fn known(state: &dyn Read, market: MarketId) -> Result<Pair, Error> {
    pair(state, market).ok_or(Error::NoPair(market))
}
