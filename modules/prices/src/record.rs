//! Prices into state: at most a step away from the last (F4), and after an outage only for the record until they
//! have come for some blocks in a row (F5).

use alloc::collections::BTreeMap;

use num::{mul_div, Price, Round};
use store::Ctx;
use types::{Block, MarketId};

use crate::event;
use crate::params::Params;
use crate::state::{module_params, pulse, OraclePrice, Pulse, Standing, MARKETS, NETWORK, PRICES};

/// Write what [`aggregate`](crate::aggregate()) decided, with this block's height and time. A market that is
/// not named keeps its price and ages. Unknown markets and prices of 0 are left out: validators may vote on a
/// market that is not listed here.
pub fn record(ctx: &mut Ctx<'_>, prices: &BTreeMap<MarketId, Price>) {
    let params = module_params(ctx.state.as_read());
    let mut came = false;
    for (market, voted) in prices {
        if voted.raw() == 0 || !MARKETS.has(ctx.state, market) {
            continue;
        }
        let old = PRICES.get(ctx.state.as_read(), market);
        let recovering = old.map_or(0, |old| old.pulse().left(ctx.block, &params));
        came = true;
        // Nothing happens at the prices of a recovery: they may catch up at once.
        let price = match old {
            Some(old) if recovering == 0 && old.updated_height > 0 => step(old.price, *voted, &params),
            _ => *voted,
        };
        let before = match old {
            Some(old) if old.updated_height.saturating_add(1) == ctx.block.height => {
                let [last, _] = old.before;
                [old.price, last]
            }
            old => [old.map_or(Price::ZERO, |old| old.price); 2],
        };
        let row =
            OraclePrice { recovering, before, ..OraclePrice::new(price, ctx.block.height, ctx.block.time) };
        PRICES.set(ctx.state, market, &row);
        ctx.emit(event::oracle_price(*market, price));
        if price != *voted {
            ctx.emit(event::price_bounded(*market, *voted, price));
        }
        let were = old.map_or(0, |old| old.recovering);
        if (were == 0) != (recovering == 0) {
            ctx.emit(event::price_recovery(*market, recovering));
        }
    }
    beat(ctx, &params, came);
}

/// Give a market another price, as old as the one it has: for questions on an overlay, never in a block. False when
/// there is no such market, it has no price yet, or `price` is zero.
pub fn suppose(ctx: &mut Ctx<'_>, market: MarketId, price: Price) -> bool {
    let Some(old) = PRICES.get(ctx.state.as_read(), &market).filter(|_| !price.is_zero()) else {
        return false;
    };
    PRICES.set(ctx.state, &market, &OraclePrice { price, ..old });
    true
}

/// F7: the network recovers like a market that has a price whenever any has.
fn beat(ctx: &mut Ctx<'_>, params: &Params, came: bool) {
    let old = pulse(ctx.state.as_read());
    let Block { height, time, previous_time } = *ctx.block;
    if came {
        let recovering = old.left(ctx.block, params);
        NETWORK.set(ctx.state, &Pulse { height, time, recovering });
        if (old.recovering == 0) != (recovering == 0) {
            ctx.emit(event::network_recovery(recovering));
        }
        return;
    }
    let halted = |now| old.height > 0 && old.standing_at(now, params) == Standing::Halted;
    if halted(time) && !halted(previous_time) {
        ctx.emit(event::network_halted(old.height));
    }
}

/// F4: `voted`, or the price of the same direction that is a step away. A price can always move by one.
fn step(old: Price, voted: Price, params: &Params) -> Price {
    let ppm = i128::from(params.max_step.raw());
    if ppm == 0 {
        return voted;
    }
    let share = mul_div(i128::from(old.raw()), ppm, 1_000_000, Round::Floor);
    let share = share.and_then(|share| u64::try_from(share).ok()).unwrap_or(u64::MAX).max(1);
    let low = old.raw().saturating_sub(share).max(1);
    Price::new(voted.raw().clamp(low, old.raw().saturating_add(share).max(low)))
}
