//! The query services of the dYdX chain's public API, for what exists here.

use proto::dydxprotocol::{assets, blocktime, clob as clob_wire};
use types::{MarketId, Time};

use super::{page, Answered, Call, Failure};
use crate::state;

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "dydxprotocol.assets.Query/AllAssets",
    "dydxprotocol.assets.Query/Asset",
    "dydxprotocol.blocktime.Query/AllDowntimeInfo",
    "dydxprotocol.blocktime.Query/DowntimeParams",
    "dydxprotocol.blocktime.Query/PreviousBlockInfo",
    "dydxprotocol.blocktime.Query/SynchronyParams",
    "dydxprotocol.clob.Query/BlockRateLimitConfiguration",
    "dydxprotocol.clob.Query/ClobPair",
    "dydxprotocol.clob.Query/ClobPairAll",
    "dydxprotocol.clob.Query/EquityTierLimitConfiguration",
    "dydxprotocol.clob.Query/Leverage",
    "dydxprotocol.clob.Query/LiquidationsConfiguration",
    "dydxprotocol.clob.Query/NextClobPairId",
    "dydxprotocol.clob.Query/StatefulOrder",
    "dydxprotocol.feetiers.Query/AllMarketFeeDiscountParams",
    "dydxprotocol.feetiers.Query/PerMarketFeeDiscountParams",
    "dydxprotocol.feetiers.Query/PerpetualFeeParams",
    "dydxprotocol.feetiers.Query/StakingTiers",
    "dydxprotocol.feetiers.Query/UserFeeTier",
    "dydxprotocol.feetiers.Query/UserStakingTier",
    "dydxprotocol.perpetuals.Query/AllLiquidityTiers",
    "dydxprotocol.perpetuals.Query/AllPerpetuals",
    "dydxprotocol.perpetuals.Query/NextPerpetualId",
    "dydxprotocol.perpetuals.Query/Params",
    "dydxprotocol.perpetuals.Query/Perpetual",
    "dydxprotocol.perpetuals.Query/PremiumSamples",
    "dydxprotocol.perpetuals.Query/PremiumVotes",
    "dydxprotocol.prices.Query/AllMarketParams",
    "dydxprotocol.prices.Query/AllMarketPrices",
    "dydxprotocol.prices.Query/MarketParam",
    "dydxprotocol.prices.Query/MarketPrice",
    "dydxprotocol.prices.Query/NextMarketId",
    "dydxprotocol.stats.Query/EpochStats",
    "dydxprotocol.stats.Query/GlobalStats",
    "dydxprotocol.stats.Query/Params",
    "dydxprotocol.stats.Query/StatsMetadata",
    "dydxprotocol.stats.Query/UserStats",
    "dydxprotocol.subaccounts.Query/CollateralPoolAddress",
    "dydxprotocol.subaccounts.Query/GetWithdrawalAndTransfersBlockedInfo",
    "dydxprotocol.subaccounts.Query/Subaccount",
    "dydxprotocol.subaccounts.Query/SubaccountAll",
];

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    match service {
        "dydxprotocol.assets.Query" => assets(call, method),
        "dydxprotocol.blocktime.Query" => blocktime(call, method),
        "dydxprotocol.clob.Query" => clob(call, method),
        "dydxprotocol.feetiers.Query" => feetiers(call, method),
        "dydxprotocol.perpetuals.Query" => perpetuals(call, method),
        "dydxprotocol.prices.Query" => prices(call, method),
        "dydxprotocol.stats.Query" => stats(call, method),
        "dydxprotocol.subaccounts.Query" => subaccounts(call, method),
        _ => None,
    }
}

/// The one asset: the collateral.
fn assets(call: &Call<'_>, method: &str) -> Answered {
    let asset = assets::Asset {
        id: 0,
        symbol: "USDC".into(),
        denom: call.chain.collateral.to_string(),
        denom_exponent: -6,
        has_market: false,
        market_id: 0,
        atomic_resolution: -6,
    };
    match method {
        "AllAssets" => call.with(|request: &assets::QueryAllAssetsRequest| {
            let (asset, pagination) = page::of(request.pagination.as_ref(), vec![asset], |asset| asset.id)?;
            Ok::<_, Failure>(assets::QueryAllAssetsResponse { asset, pagination })
        }),
        "Asset" => call.with(|request: &assets::QueryAssetRequest| match request.id {
            0 => Ok(assets::QueryAssetResponse { asset: Some(asset) }),
            id => Err(Failure::not_found(format!("there is no asset {id}; asset 0 is the collateral"))),
        }),
        _ => None,
    }
}

fn timestamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.seconds(),
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    }
}

fn blocktime(call: &Call<'_>, method: &str) -> Answered {
    let last = state::previous_block(call.state);
    let info = blocktime::BlockInfo {
        height: u32::try_from(last.height).unwrap_or(u32::MAX),
        timestamp: Some(timestamp(last.time)),
    };
    match method {
        "AllDowntimeInfo" => call.plain(&blocktime::QueryAllDowntimeInfoResponse {
            info: Some(blocktime::AllDowntimeInfo::default()),
        }),
        "DowntimeParams" => call.plain(&blocktime::QueryDowntimeParamsResponse {
            params: Some(blocktime::DowntimeParams::default()),
        }),
        "PreviousBlockInfo" => call.plain(&blocktime::QueryPreviousBlockInfoResponse { info: Some(info) }),
        "SynchronyParams" => call.plain(&blocktime::QuerySynchronyParamsResponse {
            params: Some(blocktime::SynchronyParams {
                next_block_delay: Some(prost_types::Duration::default()),
            }),
        }),
        _ => None,
    }
}

fn clob(call: &Call<'_>, method: &str) -> Answered {
    use clob::query;
    let state = call.state;
    let params = clob::params(state);
    match method {
        "BlockRateLimitConfiguration" => call.plain(&clob_wire::QueryBlockRateLimitConfigurationResponse {
            block_rate_limit_config: Some(query::wire_rate_limits(&params)),
        }),
        "ClobPair" => call.with(|request: &clob_wire::QueryGetClobPairRequest| {
            let pair = clob::pair(state, MarketId(request.id));
            let pair =
                pair.ok_or_else(|| Failure::not_found(format!("there is no market {}", request.id)))?;
            Ok::<_, Failure>(clob_wire::QueryClobPairResponse { clob_pair: Some(query::wire_pair(&pair)) })
        }),
        "ClobPairAll" => call.with(|request: &clob_wire::QueryAllClobPairRequest| {
            let all = clob::pairs(state).iter().map(query::wire_pair).collect();
            let (clob_pair, pagination) = page::of(request.pagination.as_ref(), all, |pair| pair.id)?;
            Ok::<_, Failure>(clob_wire::QueryClobPairAllResponse { clob_pair, pagination })
        }),
        "EquityTierLimitConfiguration" => call.plain(&clob_wire::QueryEquityTierLimitConfigurationResponse {
            equity_tier_limit_config: Some(query::wire_equity_tiers(&params)),
        }),
        "Leverage" => call.with(|request| query::leverage(state, call.chain, request)),
        "LiquidationsConfiguration" => call.plain(&clob_wire::QueryLiquidationsConfigurationResponse {
            liquidations_config: Some(liquidations_config(&liquidations::params(state))),
        }),
        "NextClobPairId" => call.plain(&clob_wire::QueryNextClobPairIdResponse {
            next_clob_pair_id: clob::pairs(state).last().map_or(0, |pair| pair.market.0.saturating_add(1)),
        }),
        "StatefulOrder" => call.with(|request: &clob_wire::QueryStatefulOrderRequest| {
            let id = query::order_id(request.order_id.clone().unwrap_or_default(), call.chain)?;
            let (placement, fill_amount) = query::stateful_order(state, &id, call.chain)?;
            Ok::<_, Failure>(clob_wire::QueryStatefulOrderResponse {
                order_placement: Some(placement),
                fill_amount,
                triggered: query::triggered(state, &id),
            })
        }),
        _ => None,
    }
}

fn liquidations_config(params: &liquidations::Params) -> clob_wire::LiquidationsConfig {
    // Genesis takes these from 64 bits, so nothing is cut off.
    let unsigned = |amount: num::QuoteQuantums| u64::try_from(amount.raw()).unwrap_or(u64::MAX);
    clob_wire::LiquidationsConfig {
        max_liquidation_fee_ppm: params.max_fee.raw(),
        position_block_limits: Some(clob_wire::PositionBlockLimits {
            min_position_notional_liquidated: unsigned(params.min_position_notional),
            max_position_portion_liquidated_ppm: params.max_position_portion.raw(),
        }),
        subaccount_block_limits: Some(clob_wire::SubaccountBlockLimits {
            max_notional_liquidated: unsigned(params.max_account_notional),
            max_quantums_insurance_lost: unsigned(params.max_insurance_lost),
        }),
        fillable_price_config: Some(clob_wire::FillablePriceConfig {
            bankruptcy_adjustment_ppm: params.bankruptcy_adjustment.raw(),
            spread_to_maintenance_margin_ratio_ppm: params.spread_to_maintenance.raw(),
        }),
    }
}

fn feetiers(call: &Call<'_>, method: &str) -> Answered {
    use fees::query;
    match method {
        "AllMarketFeeDiscountParams" => call.plain(&query::all_market_fee_discount_params(call.state)),
        "PerpetualFeeParams" => call.plain(&query::perpetual_fee_params(call.state)),
        "PerMarketFeeDiscountParams" => {
            call.with(|request| Ok::<_, Failure>(query::per_market_fee_discount_params(call.state, request)))
        }
        "StakingTiers" => call.plain(&query::staking_tiers()),
        "UserStakingTier" => call.with(|request| query::user_staking_tier(call.state, call.chain, request)),
        "UserFeeTier" => call.with(|request| query::user_fee_tier(call.state, call.chain, request)),
        _ => None,
    }
}

fn perpetuals(call: &Call<'_>, method: &str) -> Answered {
    use perpetuals::query;
    use proto::dydxprotocol::perpetuals as wire;
    match method {
        "AllLiquidityTiers" => call.with(|request: &wire::QueryAllLiquidityTiersRequest| {
            let all = query::all_liquidity_tiers(call.state);
            let (liquidity_tiers, pagination) = page::of(request.pagination.as_ref(), all, |tier| tier.id)?;
            Ok::<_, Failure>(wire::QueryAllLiquidityTiersResponse { liquidity_tiers, pagination })
        }),
        "AllPerpetuals" => call.with(|request: &wire::QueryAllPerpetualsRequest| {
            let all = query::all_perpetuals(call.state);
            let number = |one: &wire::Perpetual| one.params.as_ref().map_or(0, |params| params.id);
            let (perpetual, pagination) = page::of(request.pagination.as_ref(), all, number)?;
            Ok::<_, Failure>(wire::QueryAllPerpetualsResponse { perpetual, pagination })
        }),
        "NextPerpetualId" => call.plain(&query::next_perpetual_id(call.state)),
        "Params" => call.plain(&query::params(call.state)),
        "Perpetual" => call.with(|request| query::one_perpetual(call.state, request)),
        "PremiumSamples" => call.plain(&query::premium_samples()),
        "PremiumVotes" => call.plain(&query::premium_votes()),
        _ => None,
    }
}

fn prices(call: &Call<'_>, method: &str) -> Answered {
    use prices::query;
    use proto::dydxprotocol::prices as wire;
    match method {
        "AllMarketParams" => call.with(|request: &wire::QueryAllMarketParamsRequest| {
            let all = query::all_market_params(call.state);
            let (market_params, pagination) = page::of(request.pagination.as_ref(), all, |market| market.id)?;
            Ok::<_, Failure>(wire::QueryAllMarketParamsResponse { market_params, pagination })
        }),
        "AllMarketPrices" => call.with(|request: &wire::QueryAllMarketPricesRequest| {
            let all = query::all_market_prices(call.state);
            let (market_prices, pagination) = page::of(request.pagination.as_ref(), all, |market| market.id)?;
            Ok::<_, Failure>(wire::QueryAllMarketPricesResponse { market_prices, pagination })
        }),
        "MarketParam" => call.with(|request| query::market_param(call.state, request)),
        "MarketPrice" => call.with(|request| query::market_price(call.state, request)),
        "NextMarketId" => call.plain(&query::next_market_id(call.state)),
        _ => None,
    }
}

fn stats(call: &Call<'_>, method: &str) -> Answered {
    use fees::query;
    match method {
        "EpochStats" => {
            call.with(|request| Ok::<_, Failure>(query::epoch_stats(call.state, call.chain, request)))
        }
        "GlobalStats" => call.plain(&query::global_stats(call.state)),
        "Params" => call.plain(&query::stats_params(call.state)),
        "StatsMetadata" => call.plain(&query::stats_metadata(call.state)),
        "UserStats" => call.with(|request| query::user_stats(call.state, call.chain, request)),
        _ => None,
    }
}

fn subaccounts(call: &Call<'_>, method: &str) -> Answered {
    use subaccounts::query;
    let (state, chain) = (call.state, call.chain);
    match method {
        "CollateralPoolAddress" => call.with(|request| query::collateral_pool_address(state, chain, request)),
        "GetWithdrawalAndTransfersBlockedInfo" => call.with(|request| query::blocked_info(state, request)),
        "Subaccount" => call.with(|request| query::one_subaccount(state, chain, request)),
        "SubaccountAll" => call.with(|request| query::all_subaccounts(state, chain, request)),
        _ => None,
    }
}
