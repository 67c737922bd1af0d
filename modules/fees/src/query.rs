//! Read-only answers in wire form: fee tiers, discounts and volumes.

use num::QuoteQuantums;
use proto::dydxprotocol::{feetiers as wire, stats};
use store::Read;
use types::{Address, Chain, MarketId, Time};

use crate::params::Discount;
use crate::rates::tier_of;
use crate::state::{discounts, params, tiers, FeeTier, DISCOUNTS, DUE, HOURS};
use crate::volumes::{first, global, volume, Volume, HOUR_SECONDS};
use crate::Error;

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

/// `UserStakingTier`: nobody has a discount from staking. Refused when it is not an address of this chain.
pub fn user_staking_tier(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryUserStakingTierRequest,
) -> Result<wire::QueryUserStakingTierResponse, Error> {
    let user = Address::from_bech32(&request.address, &chain.prefix)?;
    Ok(wire::QueryUserStakingTierResponse {
        fee_tier_name: tier_of(state, &user).map(|(_, tier)| tier.name).unwrap_or_default(),
        staked_base_tokens: proto::serint::encode(0),
        discount_ppm: 0,
    })
}

/// `PerMarketFeeDiscountParams`: the discount of one market; nothing inside when it has none.
pub fn per_market_fee_discount_params(
    state: &dyn Read,
    request: &wire::QueryPerMarketFeeDiscountParamsRequest,
) -> wire::QueryPerMarketFeeDiscountParamsResponse {
    let market = MarketId(request.clob_pair_id);
    let params = DISCOUNTS.get(state, &market).map(|discount| discount_to_wire(market, &discount));
    wire::QueryPerMarketFeeDiscountParamsResponse { params }
}

/// `AllMarketFeeDiscountParams`: the discounts of all markets, also those that do not run now.
pub fn all_market_fee_discount_params(state: &dyn Read) -> wire::QueryAllMarketFeeDiscountParamsResponse {
    let params = discounts(state).iter().map(|(market, one)| discount_to_wire(*market, one)).collect();
    wire::QueryAllMarketFeeDiscountParamsResponse { params }
}

/// `stats.Params`: the window of volumes.
pub fn stats_params(state: &dyn Read) -> stats::QueryParamsResponse {
    let window = params(state).window_seconds;
    let window_duration = Some(prost_types::Duration { seconds: window.into(), nanos: 0 });
    stats::QueryParamsResponse { params: Some(stats::Params { window_duration }) }
}

/// `stats.StatsMetadata`: the oldest hour since 1970 that still counts.
pub fn stats_metadata(state: &dyn Read) -> stats::QueryStatsMetadataResponse {
    let metadata = stats::StatsMetadata { trailing_epoch: first(state) };
    stats::QueryStatsMetadataResponse { metadata: Some(metadata) }
}

/// `stats.UserStats`: what an address traded in the window. Refused when it is not an address of this chain.
pub fn user_stats(
    state: &dyn Read,
    chain: &Chain,
    request: &stats::QueryUserStatsRequest,
) -> Result<stats::QueryUserStatsResponse, Error> {
    let user = Address::from_bech32(&request.user, &chain.prefix)?;
    Ok(stats::QueryUserStatsResponse { stats: Some(volume_to_wire(&volume(state, &user))) })
}

/// `stats.GlobalStats`: what everybody traded in the window.
pub fn global_stats(state: &dyn Read) -> stats::QueryGlobalStatsResponse {
    let stats = stats::GlobalStats { notional_traded: unsigned(global(state)) };
    stats::QueryGlobalStatsResponse { stats: Some(stats) }
}

/// `stats.EpochStats`: what users traded in one hour since 1970, by address, the first thousand of them; no
/// users when nobody traded or the hour is forgotten.
pub fn epoch_stats(
    state: &dyn Read,
    chain: &Chain,
    request: &stats::QueryEpochStatsRequest,
) -> stats::QueryEpochStatsResponse {
    let hour = request.epoch;
    let row = |((_, user), _): ((u32, Address), bool)| {
        let volume = HOURS.get(state, &(user, hour)).unwrap_or_default();
        let stats = Some(volume_to_wire(&volume));
        stats::epoch_stats::UserWithStats { user: user.to_bech32(&chain.prefix), stats }
    };
    let seconds = i64::from(hour).saturating_add(1).saturating_mul(HOUR_SECONDS);
    let epoch_end_time = Some(prost_types::Timestamp { seconds, nanos: 0 });
    let users = DUE.scan(state, &hour, MAX_EPOCH_USERS).into_iter().map(row).collect();
    stats::QueryEpochStatsResponse { stats: Some(stats::EpochStats { epoch_end_time, stats: users }) }
}

/// Users that `EpochStats` answers with at most.
const MAX_EPOCH_USERS: usize = 1_000;

/// The largest 64-bit number when it is more.
fn unsigned(amount: QuoteQuantums) -> u64 {
    u64::try_from(amount.raw()).unwrap_or(u64::MAX)
}

fn volume_to_wire(volume: &Volume) -> stats::UserStats {
    stats::UserStats {
        taker_notional: unsigned(volume.taker),
        maker_notional: unsigned(volume.maker),
        ..stats::UserStats::default()
    }
}

fn discount_to_wire(market: MarketId, discount: &Discount) -> wire::PerMarketFeeDiscountParams {
    let moment = |time: Time| prost_types::Timestamp {
        seconds: time.seconds(),
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    };
    wire::PerMarketFeeDiscountParams {
        clob_pair_id: market.0,
        start_time: Some(moment(discount.start)),
        end_time: Some(moment(discount.end)),
        charge_ppm: discount.charge.raw(),
    }
}

fn to_wire(tier: &FeeTier) -> wire::PerpetualFeeTier {
    wire::PerpetualFeeTier {
        name: tier.name.clone(),
        absolute_volume_requirement: unsigned(tier.volume),
        total_volume_share_requirement_ppm: tier.total_share.raw(),
        maker_volume_share_requirement_ppm: tier.maker_share.raw(),
        maker_fee_ppm: tier.maker.raw(),
        taker_fee_ppm: tier.taker.raw(),
    }
}
