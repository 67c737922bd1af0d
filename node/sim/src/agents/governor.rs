//! The authority: parameters at the ends of what is valid, markets that pause, and markets that end.

use cosmos_sdk_proto::Any;
use proto::ballast::perpetuals::v1 as own;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::clob_pair::Status;
use proto::dydxprotocol::feetiers as fees_wire;
use proto::dydxprotocol::listing as listing_wire;
use proto::dydxprotocol::perpetuals as perpetuals_wire;
use scenario::any;
use types::MarketId;

use super::pen::Pen;
use crate::crowd::USD;

/// Change one thing; now and then in a way that must be refused.
pub(super) fn decree(pen: &mut Pen<'_>, person: &str) {
    if !pen.dice.once_in(6) {
        return;
    }
    let authority = pen.world.address(person);
    let message = match pen.dice.within(0, 12) {
        0 | 12 => pair(pen, authority),
        1 => tier(pen, authority),
        2 => perpetual(pen, authority),
        3 => funding(pen, authority),
        4 => liquidations(pen, authority),
        5 => fee_tiers(pen, authority),
        6 => limits(pen, authority),
        7 => equity_tiers(pen, authority),
        8 | 9 => {
            let cap = pen.dice.within(0, 30_000) * USD;
            let perpetual_id = pen.terms().id;
            any(&own::MsgSetOpenInterestCap { authority, perpetual_id, cap })
        }
        10 => {
            let margin_ppm = *pen.dice.pick(&[0, 1, 100_000, 999_999, 1_000_000, 1_000_001]);
            any(&own::MsgSetWithdrawalMargin { authority, margin_ppm })
        }
        _ => {
            any(&listing_wire::MsgUpgradeIsolatedPerpetualToCross { authority, perpetual_id: pen.terms().id })
        }
    };
    pen.send(person, message);
}

fn pair(pen: &mut Pen<'_>, authority: String) -> Any {
    let state = pen.world.machine.state();
    // What stands still trades again before long, so that there is something to see.
    let still = clob::pairs(state)
        .into_iter()
        .find(|pair| !pair.status.is_active() && pair.status != clob::state::Status::FinalSettlement);
    let again = still.filter(|_| !pen.dice.once_in(4));
    let market = again.map_or_else(|| MarketId(pen.terms().id), |pair| pair.market);
    // One market ends before long; more of them seldom, so that there is still something to trade.
    let over = clob::pairs(state).iter().any(|pair| pair.status == clob::state::Status::FinalSettlement);
    let several = pen.market.terms.len() > 1;
    let pair = clob::pair(state, market);
    let mut clob_pair = pair.map(|pair| clob::query::wire_pair(&pair));
    let status = match pen.dice.within(0, 15) {
        _ if again.is_some() => Status::Active,
        12.. if !over && several => Status::FinalSettlement,
        0 if several => Status::FinalSettlement,
        1 => Status::Paused,
        2 => Status::CancelOnly,
        3 => Status::PostOnly,
        _ => Status::Active,
    };
    if let Some(pair) = &mut clob_pair {
        pair.status = status.into();
        if pen.dice.once_in(6) {
            pair.subticks_per_tick = (pair.subticks_per_tick / 10).max(1);
        }
    }
    any(&wire::MsgUpdateClobPair { authority, clob_pair })
}

fn tier(pen: &mut Pen<'_>, authority: String) -> Any {
    let tiers = perpetuals::tiers(pen.world.machine.state());
    let old = pen.dice.pick(&tiers).clone();
    let tier = perpetuals_wire::LiquidityTier {
        id: old.id,
        name: old.name,
        initial_margin_ppm: *pen.dice.pick(&[1_000, 20_000, 50_000, 200_000, 1_000_000]),
        maintenance_fraction_ppm: *pen.dice.pick(&[0, 1, 500_000, 600_000, 999_999]),
        impact_notional: *pen.dice.pick(&[1, 100 * USD, 1 << 60]),
        open_interest_lower_cap: *pen.dice.pick(&[0, 0, 1_000 * USD]),
        open_interest_upper_cap: *pen.dice.pick(&[0, 5_000 * USD, 1 << 60]),
        ..perpetuals_wire::LiquidityTier::default()
    };
    any(&perpetuals_wire::MsgSetLiquidityTier { authority, liquidity_tier: Some(tier) })
}

fn perpetual(pen: &mut Pen<'_>, authority: String) -> Any {
    let id = pen.terms().id;
    let request = perpetuals_wire::QueryPerpetualRequest { id };
    let found = perpetuals::query::one_perpetual(pen.world.machine.state(), &request).ok();
    let mut params = found.and_then(|found| found.perpetual).and_then(|perpetual| perpetual.params);
    if let Some(params) = &mut params {
        params.default_funding_ppm = *pen.dice.pick(&[-1_000_000, -1, 0, 77, 1_000_000, 1_000_001]);
        params.liquidity_tier = *pen.dice.pick(&[0, 1, 2, params.liquidity_tier]);
    }
    any(&perpetuals_wire::MsgUpdatePerpetualParams { authority, perpetual_params: params })
}

fn funding(pen: &mut Pen<'_>, authority: String) -> Any {
    let params = perpetuals_wire::Params {
        funding_rate_clamp_factor_ppm: *pen.dice.pick(&[1, 6_000_000, u32::MAX]),
        premium_vote_clamp_factor_ppm: *pen.dice.pick(&[1, 60_000_000, u32::MAX]),
        min_num_votes_per_sample: *pen.dice.pick(&[0, 1, 15]),
    };
    any(&perpetuals_wire::MsgUpdateParams { authority, params: Some(params) })
}

fn liquidations(pen: &mut Pen<'_>, authority: String) -> Any {
    let config = wire::LiquidationsConfig {
        max_liquidation_fee_ppm: *pen.dice.pick(&[1, 15_000, 1_000_000]),
        position_block_limits: Some(wire::PositionBlockLimits {
            min_position_notional_liquidated: *pen.dice.pick(&[0, 1, 1_000 * USD]),
            max_position_portion_liquidated_ppm: *pen.dice.pick(&[1, 100_000, 1_000_000]),
        }),
        subaccount_block_limits: Some(wire::SubaccountBlockLimits {
            max_notional_liquidated: *pen.dice.pick(&[1, 100_000 * USD, u64::MAX]),
            max_quantums_insurance_lost: *pen.dice.pick(&[1, 1_000 * USD, u64::MAX]),
        }),
        fillable_price_config: Some(wire::FillablePriceConfig {
            bankruptcy_adjustment_ppm: *pen.dice.pick(&[1_000_000, 3_000_000, u32::MAX]),
            spread_to_maintenance_margin_ratio_ppm: *pen.dice.pick(&[1, 100_000, 1_500_000]),
        }),
    };
    any(&wire::MsgUpdateLiquidationsConfig { authority, liquidations_config: Some(config) })
}

fn fee_tiers(pen: &mut Pen<'_>, authority: String) -> Any {
    let mut params = fees::query::perpetual_fee_params(pen.world.machine.state()).params;
    let rates = *pen.dice.pick(&[(-110, 500), (0, 0), (10_000, 10_000), (-500, 500), (1, 999)]);
    for tier in params.iter_mut().flat_map(|params| &mut params.tiers) {
        (tier.maker_fee_ppm, tier.taker_fee_ppm) = rates;
    }
    any(&fees_wire::MsgUpdatePerpetualFeeParams { authority, params })
}

fn limits(pen: &mut Pen<'_>, authority: String) -> Any {
    let (num_blocks, limit) = *pen.dice.pick(&[(1, 1_000), (1, 3), (5, 20), (1, 400)]);
    let window = wire::MaxPerNBlocksRateLimit { num_blocks, limit };
    let config = wire::BlockRateLimitConfiguration {
        max_short_term_orders_and_cancels_per_n_blocks: vec![window],
        ..wire::BlockRateLimitConfiguration::default()
    };
    any(&wire::MsgUpdateBlockRateLimitConfiguration { authority, block_rate_limit_config: Some(config) })
}

fn equity_tiers(pen: &mut Pen<'_>, authority: String) -> Any {
    let tier = |required: u64, limit| wire::EquityTierLimit {
        usd_tnc_required: proto::serint::encode(required.into()),
        limit,
    };
    let tiers = vec![tier(0, 4), tier(1_000 * USD, 50)];
    let none = pen.dice.once_in(2);
    let config = wire::EquityTierLimitConfiguration {
        stateful_order_equity_tiers: if none { Vec::new() } else { tiers },
        ..wire::EquityTierLimitConfiguration::default()
    };
    any(&wire::MsgUpdateEquityTierLimitConfiguration { authority, equity_tier_limit_config: Some(config) })
}
