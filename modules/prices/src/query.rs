//! Read-only answers in wire form. Markets come from genesis and are few: lists are
//! whole, and pages are cut where they are asked for.

use alloc::vec::Vec;

use proto::dydxprotocol::prices as wire;
use store::Read;
use types::MarketId;

use crate::params::MarketParams;
use crate::state::{markets, params, OraclePrice, MARKETS, PRICES};
use crate::Error;

/// `MarketPrice`: price of a market, whatever its age. Refused when the market does not exist; a market that
/// never had a price answers 0.
pub fn market_price(
    state: &dyn Read,
    request: &wire::QueryMarketPriceRequest,
) -> Result<wire::QueryMarketPriceResponse, Error> {
    let market = MarketId(request.id);
    let params = params(state, market).ok_or(Error::NoMarket(market))?;
    let price = price_to_wire(&params, PRICES.get(state, &market));
    Ok(wire::QueryMarketPriceResponse { market_price: Some(price) })
}

/// `AllMarketPrices`, in order of market.
pub fn all_market_prices(state: &dyn Read) -> Vec<wire::MarketPrice> {
    let price = |params: &MarketParams| price_to_wire(params, PRICES.get(state, &params.market));
    markets(state).iter().map(price).collect()
}

/// `MarketParam`. Refused when the market does not exist.
pub fn market_param(
    state: &dyn Read,
    request: &wire::QueryMarketParamRequest,
) -> Result<wire::QueryMarketParamResponse, Error> {
    let market = MarketId(request.id);
    let params = params(state, market).ok_or(Error::NoMarket(market))?;
    Ok(wire::QueryMarketParamResponse { market_param: Some(param_to_wire(&params)) })
}

/// `AllMarketParams`, in order of market.
pub fn all_market_params(state: &dyn Read) -> Vec<wire::MarketParam> {
    markets(state).iter().map(param_to_wire).collect()
}

/// `NextMarketId`: one above the highest.
pub fn next_market_id(state: &dyn Read) -> wire::QueryNextMarketIdResponse {
    let last = MARKETS.last(state, &()).map(|(market, _)| market.0);
    wire::QueryNextMarketIdResponse { next_market_id: last.map_or(0, |last| last.saturating_add(1)) }
}

fn price_to_wire(params: &MarketParams, price: Option<OraclePrice>) -> wire::MarketPrice {
    wire::MarketPrice {
        id: params.market.0,
        exponent: params.exponent,
        price: price.map(|price| price.price.raw()).unwrap_or_default(),
    }
}

#[expect(deprecated, reason = "clients still read the exponent here")]
fn param_to_wire(params: &MarketParams) -> wire::MarketParam {
    wire::MarketParam {
        id: params.market.0,
        pair: params.pair.clone(),
        exponent: params.exponent,
        min_price_change_ppm: params.min_price_change.raw(),
        ..wire::MarketParam::default()
    }
}
