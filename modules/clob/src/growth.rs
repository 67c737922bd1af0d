//! Open interest under a hard cap: a match may always close positions, and open new ones as far as there is room.

use num::BaseQuantums;
use types::{MarketId, SubaccountId};

use crate::books::Books;
use crate::order::{Side, Size};
use crate::state::Pair;

/// F14: how much of a match of `size` the market's cap on open interest allows, in whole steps. Each side closes what
/// it has against it before it opens anything, so that open interest grows by what neither of them closes.
pub(crate) fn allowed(
    books: &Books,
    pair: &Pair,
    (taker, side): (&SubaccountId, Side),
    maker: &SubaccountId,
    size: Size,
) -> Size {
    let market = pair.market;
    let Some(room) = books.accounts.room_to_grow(market) else { return size };
    let closes = |id: &SubaccountId, side| held_against(books, id, (market, side));
    let most = closes(taker, side)
        .checked_add(closes(maker, side.opposite()))
        .and_then(|closed| closed.checked_add(room))
        .map_or(size, |most| if most < size.base() { Size::of(most) } else { size });
    most.down_to(pair.step)
}

/// What the account holds that an order of `side` would close.
fn held_against(books: &Books, id: &SubaccountId, (market, side): (MarketId, Side)) -> BaseQuantums {
    let position = books.accounts.size(id, market);
    match side {
        Side::Buy if position.is_negative() => position.abs(),
        Side::Sell if position.is_positive() => position,
        Side::Buy | Side::Sell => BaseQuantums::ZERO,
    }
}
