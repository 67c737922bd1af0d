//! What the compatible services have no words for.

use proto::ballast::query::v1 as wire;
use proto::serint;
use types::MarketId;

use super::{Answered, Call, Failure};
use crate::{invariants, oracle, state};

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "ballast.query.v1.Query/AccountRisk",
    "ballast.query.v1.Query/AllFunding",
    "ballast.query.v1.Query/Funding",
    "ballast.query.v1.Query/Insurance",
    "ballast.query.v1.Query/Invariants",
    "ballast.query.v1.Query/OpenOrders",
    "ballast.query.v1.Query/OracleVotes",
    "ballast.query.v1.Query/Orderbook",
];

/// Orders in each place that a query answers with at most, and when none are asked for.
const MAX_ORDERS: usize = 10_000;
const DEFAULT_ORDERS: usize = 1_000;

/// Levels of each side that a book query answers with at most, and when none are asked for.
const MAX_DEPTH: usize = 1_000;
const DEFAULT_DEPTH: usize = 50;

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    if service != "ballast.query.v1.Query" {
        return None;
    }
    let height = call.height;
    match method {
        "AccountRisk" => call.with(|request| {
            risk::query::account_risk(call.state, (state::previous_block(call.state), call.chain), request)
        }),
        "AllFunding" => call.with(|_: &wire::AllFundingRequest| {
            let markets = perpetuals::all(call.state);
            let funding =
                markets.iter().map(|market| funding(call, market.market)).collect::<Result<_, _>>()?;
            Ok::<_, Failure>(wire::AllFundingResponse { funding, height })
        }),
        "Funding" => call.with(|request: &wire::FundingRequest| {
            let funding = Some(funding(call, MarketId(request.market_id))?);
            Ok::<_, Failure>(wire::FundingResponse { funding, height })
        }),
        "Insurance" => call.plain(&insurance::query::insurance(call.state, call.chain, height)),
        "Invariants" => call.plain(&invariants(call)),
        "OpenOrders" => call.with(|request| open_orders(call, request)),
        "OracleVotes" => call.plain(&votes(call)),
        "Orderbook" => call.with(|request| orderbook(call, request)),
        _ => None,
    }
}

fn open_orders(
    call: &Call<'_>,
    request: &wire::OpenOrdersRequest,
) -> Result<wire::OpenOrdersResponse, Failure> {
    use clob::query::{open_orders, wire_of, Place};
    let subaccount =
        subaccounts::msg::subaccount("subaccount_id", request.subaccount_id.clone(), call.chain)?;
    let limit = match usize::try_from(request.limit).unwrap_or(MAX_ORDERS) {
        0 => DEFAULT_ORDERS,
        limit => limit.min(MAX_ORDERS),
    };
    let orders = open_orders(call.state, &subaccount, limit).into_iter().map(|open| wire::OpenOrder {
        order: Some(wire_of(&open.order, call.chain)),
        state: match open.place {
            Place::Resting => wire::open_order::State::Resting,
            Place::Untriggered => wire::open_order::State::Untriggered,
            Place::Sliced => wire::open_order::State::Sliced,
        }
        .into(),
        filled: open.filled.raw(),
        height: open.height,
    });
    Ok(wire::OpenOrdersResponse { orders: orders.collect(), height: call.height })
}

fn funding(call: &Call<'_>, market: MarketId) -> Result<wire::MarketFunding, Failure> {
    let predicted = funding::query::predicted(call.state, market)?;
    let perpetual = perpetuals::perpetual(call.state, market);
    Ok(wire::MarketFunding {
        market_id: market.0,
        predicted_rate_ppm: predicted.rate.raw(),
        rate_now_ppm: predicted.rate_now.raw(),
        average_premium_ppm: predicted.premium,
        default_rate_ppm: predicted.default.raw(),
        max_rate_ppm: predicted.bound,
        samples: predicted.samples.count,
        expected_samples: predicted.expected,
        funding_index: serint::encode(perpetual.map_or(0, |perpetual| perpetual.funding_index.raw())),
        next_tick_time: Some(moment(predicted.next_tick)),
        last_measure: predicted.measured.map(|seen| wire::PremiumMeasure {
            impact_bid_subticks: seen.bid.map_or(0, num::Subticks::raw),
            impact_ask_subticks: seen.ask.map_or(0, num::Subticks::raw),
            oracle_price: seen.price.raw(),
            premium_ppm: seen.premium.raw(),
            time: Some(moment(seen.time)),
        }),
        last_charge: predicted.last.map(|last| wire::FundingCharge {
            rate_ppm: last.rate.raw(),
            index_delta: serint::encode(last.delta.raw()),
            time: Some(moment(last.time)),
        }),
    })
}

fn moment(time: types::Time) -> prost_types::Timestamp {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: time.seconds(), nanos }
}

fn invariants(call: &Call<'_>) -> wire::InvariantsResponse {
    let checked = invariants::check_all(call.state);
    let result = wire::InvariantResult {
        module: "app".into(),
        name: "I-1 I-2 I-3 I-4 I-9 I-15".into(),
        holds: checked.is_ok(),
        detail: checked.err().unwrap_or_default(),
    };
    wire::InvariantsResponse { results: vec![result], height: call.height }
}

fn votes(call: &Call<'_>) -> wire::OracleVotesResponse {
    let validators = governance::validators(call.state);
    let stored = state::LAST_VOTES.get(call.state).unwrap_or_default();
    let block = state::previous_block(call.state);
    let base = |market| prices::base(call.state, market, block.height.saturating_sub(1));
    let votes = oracle::decode_vote_set(&stored).map(|set| oracle::votes(&set, &validators, base));
    let votes = votes.unwrap_or_default();
    let prices = prices::aggregate(&votes, governance::total_power(call.state));
    let market_vote = |(market, price): &(MarketId, num::Price)| wire::MarketVote {
        market_id: market.0,
        price: price.raw(),
    };
    let prices_of = |address: &[u8; 20]| {
        let own = votes.iter().find(|vote| vote.validator == *address);
        own.map_or_else(Vec::new, |vote| vote.prices.iter().map(market_vote).collect())
    };
    let power_of = |market: MarketId| {
        let voted = votes.iter().filter(|vote| vote.prices.iter().any(|(voted, _)| *voted == market));
        voted.map(|vote| vote.power).fold(0, u64::saturating_add)
    };
    let standing = |params: prices::MarketParams| {
        let price = prices::price(call.state, params.market);
        wire::PriceStanding {
            market_id: params.market.0,
            standing: prices::standing(call.state, &block, params.market).name().into(),
            updated_height: price.map_or(0, |price| price.updated_height),
            recovering: price.map_or(0, |price| price.recovering.into()),
        }
    };
    let pulse = prices::pulse(call.state);
    let network = wire::NetworkStanding {
        standing: prices::network(call.state, &block).name().into(),
        updated_height: pulse.height,
        recovering: pulse.recovering.into(),
    };
    wire::OracleVotesResponse {
        network: Some(network),
        height: call.height,
        markets: prices::markets(call.state).into_iter().map(standing).collect(),
        validators: validators
            .iter()
            .map(|validator| wire::ValidatorPrices {
                validator_address: validator.address.to_vec(),
                power: validator.power,
                prices: prices_of(&validator.address),
                silent: prices::silent(call.state, validator.address),
            })
            .collect(),
        prices: prices
            .iter()
            .map(|(market, price)| wire::AggregatedPrice {
                market_id: market.0,
                price: price.raw(),
                power: power_of(*market),
            })
            .collect(),
    }
}

fn orderbook(call: &Call<'_>, request: &wire::OrderbookRequest) -> Result<wire::OrderbookResponse, Failure> {
    let market = MarketId(request.market_id);
    clob::pair(call.state, market)
        .ok_or_else(|| Failure::not_found(format!("there is no market {market}")))?;
    let depth = match usize::try_from(request.depth).unwrap_or(MAX_DEPTH) {
        0 => DEFAULT_DEPTH,
        depth => depth.min(MAX_DEPTH),
    };
    let side = |side| {
        let levels = clob::query::levels(call.state, market, side, depth).into_iter();
        levels
            .map(|(price, level)| wire::Level {
                subticks: price.raw(),
                quantums: u64::try_from(level.quantums).unwrap_or(u64::MAX),
                orders: level.orders,
            })
            .collect()
    };
    Ok(wire::OrderbookResponse {
        bids: side(clob::Side::Buy),
        asks: side(clob::Side::Sell),
        height: call.height,
    })
}
