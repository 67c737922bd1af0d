//! Prices into state.

use alloc::collections::BTreeMap;

use num::Price;
use store::Ctx;
use types::MarketId;

use crate::event;
use crate::state::{OraclePrice, MARKETS, PRICES};

/// Write what [`aggregate`](crate::aggregate()) decided, with this block's height and time. A market that is
/// not named keeps its price and ages. Unknown markets and prices of 0 are left out: validators may vote on a
/// market that is not listed here.
pub fn record(ctx: &mut Ctx<'_>, prices: &BTreeMap<MarketId, Price>) {
    for (market, price) in prices {
        if price.raw() == 0 || !MARKETS.has(ctx.state, market) {
            continue;
        }
        let row =
            OraclePrice { price: *price, updated_height: ctx.block.height, updated_time: ctx.block.time };
        PRICES.set(ctx.state, market, &row);
        ctx.emit(event::oracle_price(*market, *price));
    }
}
