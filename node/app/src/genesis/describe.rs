//! A state in the words of the genesis document.

use num::QuoteQuantums;
use store::Read;
use types::{Chain, MarketId};

use super::{
    AppState, Discount, FeeTier, Fees, Funding, Governance, Liquidations, LiquidityTier, Market, Orders,
    Recovery, Withdrawals,
};
use crate::state::RULES;

fn small(amount: QuoteQuantums) -> u64 {
    u64::try_from(amount.raw()).unwrap_or(u64::MAX)
}

/// Markets, parameters and rules of `state`, without balances.
pub(super) fn document(state: &dyn Read, chain: &Chain) -> AppState {
    let rules = RULES.get(state).unwrap_or_default();
    let (oracle, perpetuals::Params { withdrawal_margin, .. }) =
        (prices::module_params(state), perpetuals::module_params(state));
    let authority = governance::genesis::export(state).authority;
    AppState {
        prefix: chain.prefix.clone(),
        collateral: chain.collateral.to_string(),
        gas_prices: rules.gas_prices,
        max_gas: rules.max_gas,
        balances: Vec::new(),
        price_max_age_seconds: oracle.max_age_seconds,
        price_max_step_ppm: oracle.max_step.raw(),
        recovery: Recovery { after_seconds: oracle.recovery_seconds, blocks: oracle.recovery_blocks },
        withdrawals: Withdrawals { margin_ppm: withdrawal_margin.raw() },
        liquidity_tiers: perpetuals::tiers(state).iter().map(liquidity_tier).collect(),
        markets: prices::markets(state).iter().filter_map(|oracle| market(state, oracle)).collect(),
        fee_tiers: fees::tiers(state).iter().map(fee_tier).collect(),
        fees: fees(state),
        funding: funding(state),
        liquidations: liquidations(&liquidations::params(state)),
        orders: orders(clob::params(state)),
        governance: Governance { authority: authority.map(|address| address.to_bech32(&chain.prefix)) },
        continued: None,
    }
}

fn liquidity_tier(tier: &perpetuals::Tier) -> LiquidityTier {
    LiquidityTier {
        id: tier.id,
        name: tier.name.clone(),
        initial_margin_ppm: tier.initial_margin.raw(),
        maintenance_fraction_ppm: tier.maintenance_fraction.raw(),
        impact_notional: small(tier.impact_notional),
        open_interest_lower_cap: small(tier.open_interest_lower_cap),
        open_interest_upper_cap: small(tier.open_interest_upper_cap),
    }
}

/// Nothing for an oracle price that has no perpetual or no book yet.
fn market(state: &dyn Read, oracle: &prices::MarketParams) -> Option<Market> {
    let MarketId(id) = oracle.market;
    let perpetual = perpetuals::perpetual(state, oracle.market)?;
    let pair = clob::pair(state, oracle.market)?;
    Some(Market {
        id,
        ticker: oracle.pair.clone(),
        price_exponent: oracle.exponent,
        price: prices::price(state, oracle.market).map_or(0, |row| row.price.raw()),
        min_price_change_ppm: oracle.min_price_change.raw(),
        atomic_resolution: perpetual.atomic_resolution,
        default_funding_ppm: perpetual.default_funding.raw(),
        liquidity_tier: perpetual.tier,
        step_base_quantums: pair.step.raw(),
        subticks_per_tick: pair.subticks_per_tick,
        quantum_conversion_exponent: pair.quantum_conversion_exponent,
        isolated: perpetuals::isolated(state).contains(&oracle.market),
        open_interest_cap: perpetuals::open_interest_cap(state, oracle.market).map_or(0, small),
    })
}

fn fee_tier(tier: &fees::FeeTier) -> FeeTier {
    FeeTier {
        name: tier.name.clone(),
        volume: small(tier.volume),
        total_share_ppm: tier.total_share.raw(),
        maker_share_ppm: tier.maker_share.raw(),
        maker_ppm: tier.maker.raw(),
        taker_ppm: tier.taker.raw(),
    }
}

fn fees(state: &dyn Read) -> Fees {
    let params = fees::params(state);
    let discount = |(market, row): (MarketId, fees::Discount)| Discount {
        market: market.0,
        start: row.start.seconds(),
        end: row.end.seconds(),
        charge_ppm: row.charge.raw(),
    };
    Fees {
        window_seconds: params.window_seconds,
        insurance_share_ppm: params.insurance_share.raw(),
        builder_cap_ppm: params.builder_cap.raw(),
        discounts: fees::discounts(state).into_iter().map(discount).collect(),
    }
}

fn funding(state: &dyn Read) -> Funding {
    let params = funding::genesis::export(state).params;
    Funding {
        tick_seconds: params.tick_seconds,
        sample_seconds: params.sample_seconds,
        sample_offset_seconds: params.sample_offset_seconds,
        measures_per_sample: params.measures_per_sample,
    }
}

pub(super) fn liquidations(params: &liquidations::Params) -> Liquidations {
    Liquidations {
        max_fee_ppm: params.max_fee.raw(),
        min_position_notional: small(params.min_position_notional),
        max_position_portion_ppm: params.max_position_portion.raw(),
        max_account_notional: small(params.max_account_notional),
        max_insurance_lost: small(params.max_insurance_lost),
        bankruptcy_adjustment_ppm: params.bankruptcy_adjustment.raw(),
        spread_to_maintenance_ppm: params.spread_to_maintenance.raw(),
        max_accounts: params.max_accounts,
        max_deleveragings: params.max_deleveragings,
        max_counterparties: params.max_counterparties,
        max_settlements: params.max_settlements,
    }
}

pub(super) fn orders(params: clob::Params) -> Orders {
    let windows =
        |windows: Vec<clob::Window>| windows.iter().map(|window| (window.blocks, window.limit)).collect();
    let tiers =
        |tiers: Vec<clob::EquityTier>| tiers.iter().map(|tier| (small(tier.required), tier.limit)).collect();
    let rates = params.rate_limits;
    Orders {
        short_term_rates: windows(rates.short_term),
        stateful_rates: windows(rates.stateful),
        leverage_rates: windows(rates.leverage),
        max_resting: params.max_resting,
        max_fills: params.max_fills,
        max_block_fills: params.max_block_fills,
        liquidation_fills: params.liquidation_fills,
        taker_band_ppm: params.taker_band,
        equity_tiers: tiers(params.equity_tiers),
        short_term_equity_tiers: tiers(params.short_term_equity_tiers),
        max_triggers: params.max_triggers,
        max_slices: params.max_slices,
    }
}
