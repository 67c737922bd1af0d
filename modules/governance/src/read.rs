//! Messages of the authority, from their bytes: who asks, and what should change.

use alloc::format;
use alloc::string::String;

use bank::wire::strict;
use clob::state::Status;
use clob::{Size, Window};
use cosmos_sdk_proto::cosmos::upgrade::v1beta1 as upgrade_wire;
use num::{Ppm, QuoteQuantums, SignedPpm};
use proto::dydxprotocol::clob as clob_wire;
use proto::dydxprotocol::feetiers as fees_wire;
use proto::dydxprotocol::listing as listing_wire;
use proto::dydxprotocol::perpetuals as perpetuals_wire;
use types::{Malformed, MarketId, Time};

use crate::admin::Change;
use crate::{Error, Plan, Unchangeable};

fn missing(field: &'static str) -> Error {
    Malformed::new(field, "is missing").into()
}

/// `MsgUpdateClobPair`.
pub(crate) fn pair(bytes: &[u8]) -> Result<(String, Change), Error> {
    use clob_wire::clob_pair::{Metadata, Status as Wire};
    let wire: clob_wire::MsgUpdateClobPair = strict("MsgUpdateClobPair", bytes)?;
    let pair = wire.clob_pair.ok_or_else(|| missing("clob_pair"))?;
    let status = match pair.status() {
        Wire::Active => Status::Active,
        Wire::Paused => Status::Paused,
        Wire::CancelOnly => Status::CancelOnly,
        Wire::PostOnly => Status::PostOnly,
        Wire::Initializing => Status::Initializing,
        Wire::FinalSettlement => Status::FinalSettlement,
        Wire::Unspecified => return Err(Malformed::new("status", "is not one that a market can have").into()),
    };
    let own = |of: &clob_wire::PerpetualClobMetadata| of.perpetual_id == pair.id;
    if !matches!(&pair.metadata, Some(Metadata::PerpetualClobMetadata(of)) if own(of)) {
        return Err(Unchangeable("the perpetual of a book").into());
    }
    let change = Change::Pair {
        market: MarketId(pair.id),
        grid: (Size::new(pair.step_base_quantums), pair.subticks_per_tick),
        exponent: pair.quantum_conversion_exponent,
        status,
    };
    Ok((wire.authority, change))
}

/// `MsgUpdateEquityTierLimitConfiguration`.
pub(crate) fn equity_tiers(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: clob_wire::MsgUpdateEquityTierLimitConfiguration =
        strict("MsgUpdateEquityTierLimitConfiguration", bytes)?;
    let config = wire.equity_tier_limit_config.ok_or_else(|| missing("equity_tier_limit_config"))?;
    let tier = |tier: &clob_wire::EquityTierLimit| {
        let required = proto::serint::decode(&tier.usd_tnc_required);
        let required = required.map_err(|wrong| Malformed::new("usd_tnc_required", format!("{wrong}")))?;
        Ok(clob::EquityTier { required: QuoteQuantums::new(required), limit: tier.limit })
    };
    let tiers = |tiers: &[clob_wire::EquityTierLimit]| tiers.iter().map(tier).collect::<Result<_, Error>>();
    let change = Change::EquityTiers {
        stateful: tiers(&config.stateful_order_equity_tiers)?,
        short_term: tiers(&config.short_term_order_equity_tiers)?,
    };
    Ok((wire.authority, change))
}

/// `MsgUpdateBlockRateLimitConfiguration`.
pub(crate) fn rate_limits(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: clob_wire::MsgUpdateBlockRateLimitConfiguration =
        strict("MsgUpdateBlockRateLimitConfiguration", bytes)?;
    let config = wire.block_rate_limit_config.ok_or_else(|| missing("block_rate_limit_config"))?;
    let windows = |windows: &[clob_wire::MaxPerNBlocksRateLimit]| {
        let window = |window: &clob_wire::MaxPerNBlocksRateLimit| Window {
            blocks: window.num_blocks,
            limit: window.limit,
        };
        windows.iter().map(window).collect()
    };
    // The two deprecated lists are those of chains that count orders and cancels apart; nothing reads them.
    let limits = clob::RateLimits {
        short_term: windows(&config.max_short_term_orders_and_cancels_per_n_blocks),
        stateful: windows(&config.max_stateful_orders_per_n_blocks),
        leverage: windows(&config.max_leverage_updates_per_n_blocks),
    };
    Ok((wire.authority, Change::RateLimits(limits)))
}

/// `MsgUpdateLiquidationsConfig`.
pub(crate) fn liquidations_config(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: clob_wire::MsgUpdateLiquidationsConfig = strict("MsgUpdateLiquidationsConfig", bytes)?;
    let config = wire.liquidations_config.ok_or_else(|| missing("liquidations_config"))?;
    let position = config.position_block_limits.ok_or_else(|| missing("position_block_limits"))?;
    let account = config.subaccount_block_limits.ok_or_else(|| missing("subaccount_block_limits"))?;
    let price = config.fillable_price_config.ok_or_else(|| missing("fillable_price_config"))?;
    let quote = |amount: u64| QuoteQuantums::new(amount.into());
    let params = liquidations::Params {
        max_fee: Ppm::new(config.max_liquidation_fee_ppm),
        min_position_notional: quote(position.min_position_notional_liquidated),
        max_position_portion: Ppm::new(position.max_position_portion_liquidated_ppm),
        max_account_notional: quote(account.max_notional_liquidated),
        max_insurance_lost: quote(account.max_quantums_insurance_lost),
        bankruptcy_adjustment: Ppm::new(price.bankruptcy_adjustment_ppm),
        spread_to_maintenance: Ppm::new(price.spread_to_maintenance_margin_ratio_ppm),
        ..liquidations::Params::default()
    };
    Ok((wire.authority, Change::Liquidations(params)))
}

/// `MsgUpdatePerpetualParams`.
pub(crate) fn perpetual(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: perpetuals_wire::MsgUpdatePerpetualParams = strict("MsgUpdatePerpetualParams", bytes)?;
    let params = wire.perpetual_params.ok_or_else(|| missing("perpetual_params"))?;
    if params.market_id != params.id {
        return Err(Unchangeable("the oracle market of a perpetual").into());
    }
    let change = Change::Perpetual {
        market: MarketId(params.id),
        terms: (params.ticker, SignedPpm::new(params.default_funding_ppm), params.liquidity_tier),
        resolution: params.atomic_resolution,
    };
    Ok((wire.authority, change))
}

/// `MsgUpdateParams`.
pub(crate) fn funding(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: perpetuals_wire::MsgUpdateParams = strict("MsgUpdateParams", bytes)?;
    let params = wire.params.ok_or_else(|| missing("params"))?;
    let params = perpetuals::Params {
        funding_rate_clamp_factor: Ppm::new(params.funding_rate_clamp_factor_ppm),
        premium_vote_clamp_factor: Ppm::new(params.premium_vote_clamp_factor_ppm),
        min_num_votes_per_sample: params.min_num_votes_per_sample,
        ..perpetuals::Params::default()
    };
    Ok((wire.authority, Change::Funding(params)))
}

/// `MsgUpdatePerpetualFeeParams`.
pub(crate) fn fee_tiers(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: fees_wire::MsgUpdatePerpetualFeeParams = strict("MsgUpdatePerpetualFeeParams", bytes)?;
    let tier = |tier: fees_wire::PerpetualFeeTier| fees::FeeTier {
        name: tier.name,
        volume: QuoteQuantums::new(tier.absolute_volume_requirement.into()),
        total_share: Ppm::new(tier.total_volume_share_requirement_ppm),
        maker_share: Ppm::new(tier.maker_volume_share_requirement_ppm),
        maker: SignedPpm::new(tier.maker_fee_ppm),
        taker: SignedPpm::new(tier.taker_fee_ppm),
    };
    let params = wire.params.ok_or_else(|| missing("params"))?;
    Ok((wire.authority, Change::FeeTiers(params.tiers.into_iter().map(tier).collect())))
}

/// `MsgSetMarketFeeDiscountParams`.
pub(crate) fn discounts(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: fees_wire::MsgSetMarketFeeDiscountParams = strict("MsgSetMarketFeeDiscountParams", bytes)?;
    let moment = |time: Option<prost_types::Timestamp>, field| {
        let time = time.ok_or_else(|| missing(field))?;
        let nanos =
            u32::try_from(time.nanos).map_err(|_| Malformed::new(field, "has negative nanoseconds"))?;
        Ok::<_, Error>(Time::from_unix(time.seconds, nanos))
    };
    let discount = |params: fees_wire::PerMarketFeeDiscountParams| {
        let discount = fees::Discount {
            start: moment(params.start_time, "start_time")?,
            end: moment(params.end_time, "end_time")?,
            charge: Ppm::new(params.charge_ppm),
        };
        Ok((MarketId(params.clob_pair_id), discount))
    };
    let discounts = wire.params.into_iter().map(discount).collect::<Result<_, Error>>()?;
    Ok((wire.authority, Change::Discounts(discounts)))
}

/// `MsgSetLiquidityTier`.
pub(crate) fn tier(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: perpetuals_wire::MsgSetLiquidityTier = strict("MsgSetLiquidityTier", bytes)?;
    let tier = wire.liquidity_tier.ok_or_else(|| missing("liquidity_tier"))?;
    let quote = |amount: u64| QuoteQuantums::new(amount.into());
    let change = Change::Tier(perpetuals::Tier {
        id: tier.id,
        name: tier.name,
        initial_margin: Ppm::new(tier.initial_margin_ppm),
        maintenance_fraction: Ppm::new(tier.maintenance_fraction_ppm),
        impact_notional: quote(tier.impact_notional),
        open_interest_lower_cap: quote(tier.open_interest_lower_cap),
        open_interest_upper_cap: quote(tier.open_interest_upper_cap),
    });
    Ok((wire.authority, change))
}

/// `MsgUpgradeIsolatedPerpetualToCross`.
pub(crate) fn cross(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: listing_wire::MsgUpgradeIsolatedPerpetualToCross =
        strict("MsgUpgradeIsolatedPerpetualToCross", bytes)?;
    Ok((wire.authority, Change::Cross(MarketId(wire.perpetual_id))))
}

/// `MsgSetOpenInterestCap`.
pub(crate) fn open_interest_cap(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: proto::ballast::perpetuals::v1::MsgSetOpenInterestCap = strict("MsgSetOpenInterestCap", bytes)?;
    let cap = QuoteQuantums::new(wire.cap.into());
    Ok((wire.authority, Change::OpenInterestCap(MarketId(wire.perpetual_id), cap)))
}

/// `MsgSetWithdrawalMargin`.
pub(crate) fn withdrawal_margin(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: proto::ballast::perpetuals::v1::MsgSetWithdrawalMargin =
        strict("MsgSetWithdrawalMargin", bytes)?;
    Ok((wire.authority, Change::WithdrawalMargin(Ppm::new(wire.margin_ppm))))
}

/// `MsgSoftwareUpgrade`. Plans by time, and what they once carried for other chains, are refused.
pub(crate) fn upgrade(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: upgrade_wire::MsgSoftwareUpgrade = strict("MsgSoftwareUpgrade", bytes)?;
    let plan = wire.plan.ok_or_else(|| missing("plan"))?;
    #[expect(deprecated, reason = "whoever still sets the fields is told that they do nothing")]
    if plan.time.is_some() || plan.upgraded_client_state.is_some() {
        return Err(Malformed::new("plan", "has a time or a client state, which are not used").into());
    }
    let height = u64::try_from(plan.height).map_err(|_| Malformed::new("height", "is below zero"))?;
    let change = Plan { name: plan.name, height, info: plan.info };
    change.check()?;
    Ok((wire.authority, Change::Upgrade(change)))
}

/// `MsgCancelUpgrade`.
pub(crate) fn cancel_upgrade(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: upgrade_wire::MsgCancelUpgrade = strict("MsgCancelUpgrade", bytes)?;
    Ok((wire.authority, Change::CancelUpgrade))
}
