//! Read-only answers in wire form: fee tiers, and the volumes that nobody counts yet.

use num::QuoteQuantums;
use proto::dydxprotocol::{feetiers as wire, stats};
use store::Read;
use types::{Address, Chain};

use crate::rates::tier_of;
use crate::state::{tiers, FeeTier};
use crate::Error;

/// Window of volumes, in seconds: 30 days.
pub const WINDOW_SECONDS: i64 = 2_592_000;

/// `PerpetualFeeParams`: the table of fees.
pub fn perpetual_fee_params(state: &dyn Read) -> wire::QueryPerpetualFeeParamsResponse {
    let tiers = tiers(state).iter().map(to_wire).collect();
    wire::QueryPerpetualFeeParamsResponse { params: Some(wire::PerpetualFeeParams { tiers }) }
}

/// `UserFeeTier`: the tier that an address is in. Refused when it is not an address of this chain.
pub fn user_fee_tier(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryUserFeeTierRequest,
) -> Result<wire::QueryUserFeeTierResponse, Error> {
    let user = Address::from_bech32(&request.user, &chain.prefix)?;
    Ok(match tier_of(state, &user) {
        Some((index, tier)) => wire::QueryUserFeeTierResponse { index, tier: Some(to_wire(&tier)) },
        None => wire::QueryUserFeeTierResponse::default(),
    })
}

/// `StakingTiers`: none.
pub fn staking_tiers() -> wire::QueryStakingTiersResponse {
    wire::QueryStakingTiersResponse::default()
}

/// `AllMarketFeeDiscountParams`: none.
pub fn all_market_fee_discount_params() -> wire::QueryAllMarketFeeDiscountParamsResponse {
    wire::QueryAllMarketFeeDiscountParamsResponse::default()
}

/// `stats.Params`: the window of volumes.
pub fn stats_params() -> stats::QueryParamsResponse {
    let window_duration = Some(prost_types::Duration { seconds: WINDOW_SECONDS, nanos: 0 });
    stats::QueryParamsResponse { params: Some(stats::Params { window_duration }) }
}

/// `stats.UserStats`: zeros, because volumes are not counted yet. Refused when it is not an address of this
/// chain.
pub fn user_stats(
    chain: &Chain,
    request: &stats::QueryUserStatsRequest,
) -> Result<stats::QueryUserStatsResponse, Error> {
    Address::from_bech32(&request.user, &chain.prefix)?;
    Ok(stats::QueryUserStatsResponse { stats: Some(stats::UserStats::default()) })
}

/// `stats.GlobalStats`: zeros, because volumes are not counted yet.
pub fn global_stats() -> stats::QueryGlobalStatsResponse {
    stats::QueryGlobalStatsResponse { stats: Some(stats::GlobalStats::default()) }
}

fn to_wire(tier: &FeeTier) -> wire::PerpetualFeeTier {
    // Genesis bounds it, so that nothing is cut off here.
    let unsigned = |amount: QuoteQuantums| u64::try_from(amount.raw()).unwrap_or(u64::MAX);
    wire::PerpetualFeeTier {
        name: tier.name.clone(),
        absolute_volume_requirement: unsigned(tier.volume),
        total_volume_share_requirement_ppm: tier.total_share.raw(),
        maker_volume_share_requirement_ppm: tier.maker_share.raw(),
        maker_fee_ppm: tier.maker.raw(),
        taker_fee_ppm: tier.taker.raw(),
    }
}
