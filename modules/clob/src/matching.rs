//! Who trades with whom: price first, then time, always at the price of the order that rests.
//!
//! Nothing here knows money. Whoever asks decides whether a match can be paid, then tells the books.

use num::Subticks;
use types::{MarketId, SubaccountId};

use crate::arena::Handle;
use crate::books::Books;
use crate::index::same;
use crate::order::{Resting, Side, Size};

/// Who wants to trade now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taker {
    /// Who. Its own resting orders are never a match.
    pub subaccount: SubaccountId,
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// Worst price it accepts.
    pub limit: Subticks,
    /// What it still wants.
    pub remaining: Size,
}

/// What comes next for a taker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It trades `size` with the order that `maker` names, at that order's price.
    Trade {
        /// The order that rests.
        maker: Handle,
        /// The smaller of what both want.
        size: Size,
    },
    /// The next order is its own, which has to leave first.
    Own(Handle),
    /// It wants nothing more, or nobody accepts its price.
    Nothing,
}

/// What comes next for `taker`.
#[inline]
pub fn next(books: &Books, taker: &Taker) -> Next {
    let (market, side) = (taker.market, taker.side.opposite());
    let price = books.best_price(market, side);
    if taker.remaining.is_zero() || !price.is_some_and(|price| taker.side.crosses(taker.limit, price)) {
        return Next::Nothing;
    }
    match books.best(market, side) {
        None => Next::Nothing,
        Some(maker) if same(books.owner(maker), &taker.subaccount) => Next::Own(maker),
        Some(maker) => Next::Trade { maker, size: taker.remaining.min(books.remaining(maker)) },
    }
}

/// Trade as if everybody could pay: own orders leave, makers are reduced, `each` sees every fill before the
/// books do. Returns what remains of the taker.
pub fn sweep(books: &mut Books, mut taker: Taker, mut each: impl FnMut(&Resting, Size)) -> Size {
    loop {
        match next(books, &taker) {
            Next::Nothing => return taker.remaining,
            Next::Own(maker) => {
                books.take(maker);
            }
            Next::Trade { maker, size } => {
                each(&books.get(maker), size);
                books.reduce(maker, size);
                taker.remaining = taker.remaining.less(size);
            }
        }
    }
}
