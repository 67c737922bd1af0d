//! The first state of a chain: a JSON document for people, turned into the modules' own genesis values.
//!
//! A market is one record here, because one number names its oracle price, its perpetual and its book.
//! Amounts of coins are decimal strings of smallest units; rates are parts per million; unknown fields are
//! refused. An exported document carries each module's whole genesis value beside the readable part.

use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm};
use store::{Ctx, Memory};
use types::{Address, Chain, Coin, Denom, MarketId, Time};

use crate::error::Refusal;
use crate::state::{self, Rules};

mod continued;
mod describe;
mod document;

pub use continued::{export, Continued};
pub use document::{
    AppState, Balance, Discount, FeeTier, Fees, Funding, GenesisCoin, Governance, Liquidations,
    LiquidityTier, Market, Orders, Recovery, Withdrawals,
};

/// Why a genesis is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// It is not the JSON that is expected.
    #[error("{0}")]
    Json(String),
    /// A value is out of its bounds, or values contradict each other.
    #[error("{0}")]
    Value(String),
}

impl From<types::Malformed> for GenesisError {
    fn from(malformed: types::Malformed) -> Self {
        Self::Value(malformed.to_string())
    }
}

/// Everything that a chain begins with.
#[derive(Clone, Debug, Default)]
pub struct Genesis {
    /// Bound into every signature.
    pub chain_id: String,
    /// Time of the genesis.
    pub time: Time,
    /// Height of the first block; 0 stands for 1.
    pub initial_height: u64,
    /// First height whose votes carry oracle prices; 0 for never.
    pub extensions_from: u64,
    /// Validators, as the engine names them.
    pub validators: Vec<GenesisValidator>,
    /// The document.
    pub app: AppState,
}

/// A validator of the first block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenesisValidator {
    /// Its ed25519 key.
    pub public_key: [u8; 32],
    /// Its voting power.
    pub power: u64,
}

impl Genesis {
    /// A genesis out of the `app_state` document alone; chain id, time and validators are the engine's.
    pub fn from_json(bytes: &[u8]) -> Result<Self, GenesisError> {
        let app = serde_json::from_slice(bytes).map_err(|error| GenesisError::Json(error.to_string()))?;
        Ok(Self { app, ..Self::default() })
    }
}

fn value(rejection: impl Into<Refusal>) -> GenesisError {
    GenesisError::Value(rejection.into().log)
}

fn quote(amount: u64) -> QuoteQuantums {
    QuoteQuantums::new(amount.into())
}

/// Write the first state. Answers the chain's configuration.
pub(crate) fn init(memory: &mut Memory, genesis: &Genesis) -> Result<Chain, GenesisError> {
    let app = &genesis.app;
    let chain = Chain {
        chain_id: genesis.chain_id.clone(),
        prefix: app.prefix.clone(),
        collateral: Denom::new(&app.collateral)?,
    };
    if Address::new([0; 20]).to_bech32(&chain.prefix).is_empty() || chain.chain_id.is_empty() {
        return Err(GenesisError::Value("the prefix is no bech32 prefix, or the chain id is empty".into()));
    }
    for text in &app.gas_prices {
        accounts::GasPrice::parse(text)?;
    }
    let block = continued::block(memory, genesis)?;
    let mut events = types::Events::default();
    let mut ctx = Ctx { state: memory, events: &mut events, block: &block, chain: &chain };
    state::CHAIN.set(ctx.state, &chain);
    state::LAST_BLOCK.set(ctx.state, &block);
    // The first block has no votes to carry, from whenever on they are asked for.
    let from = genesis.extensions_from;
    let from = if from > 0 { from.max(genesis.initial_height) } else { 0 };
    state::EXTENSIONS_FROM.set(ctx.state, &from);
    state::RULES.set(ctx.state, &Rules { gas_prices: app.gas_prices.clone(), max_gas: app.max_gas });
    match &app.continued {
        Some(continued) => continued::modules(&mut ctx, genesis, continued)?,
        None => modules(&mut ctx, genesis)?,
    }
    Ok(chain)
}

/// The modules from the ground up: each finds what it stands on.
fn modules(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), GenesisError> {
    let app = &genesis.app;
    bank::genesis::init(ctx, &bank_genesis(app, &ctx.chain.prefix)?).map_err(value)?;
    prices::genesis::init(ctx, &prices_genesis(app, genesis.time)).map_err(value)?;
    perpetuals::genesis::init(ctx, &perpetuals_genesis(app)).map_err(value)?;
    fees::genesis::init(ctx, &fees_genesis(app)).map_err(value)?;
    subaccounts::genesis::init(ctx, &subaccounts::Genesis::default()).map_err(value)?;
    insurance::genesis::init(ctx, &insurance::Genesis::default()).map_err(value)?;
    clob::genesis::init(ctx, &clob_genesis(app)).map_err(value)?;
    funding::genesis::init(ctx, &funding_genesis(app)).map_err(value)?;
    liquidations::genesis::init(ctx, &liquidations_genesis(app)).map_err(value)?;
    governance::genesis::init(ctx, &governance_genesis(genesis)?).map_err(value)?;
    // Last: every holder of coins and every module account gets a number.
    accounts::genesis::init(ctx, &accounts::Genesis::default()).map_err(value)?;
    Ok(())
}

fn bank_genesis(app: &AppState, prefix: &str) -> Result<bank::Genesis, GenesisError> {
    let mut genesis = bank::Genesis::default();
    for balance in &app.balances {
        let address = match balance.address.strip_prefix("module:") {
            Some(name) => Address::module(name),
            None => Address::from_bech32(&balance.address, prefix)?,
        };
        let mut coins = Vec::new();
        for coin in &balance.coins {
            let amount = coin.amount.parse();
            let amount = amount.map_err(|_| GenesisError::Value(format!("{} is no amount", coin.amount)))?;
            coins.push(Coin { denom: Denom::new(&coin.denom)?, amount });
        }
        genesis.balances.push(bank::genesis::Balance { address, coins });
    }
    Ok(genesis)
}

fn prices_genesis(app: &AppState, time: Time) -> prices::Genesis {
    let params = |market: &Market| prices::MarketParams {
        market: MarketId(market.id),
        pair: market.ticker.clone(),
        exponent: market.price_exponent,
        min_price_change: Ppm::new(market.min_price_change_ppm),
    };
    let price = |market: &Market| {
        let price = Price::new(market.price);
        let row = prices::OraclePrice::new(price, 0, time);
        (MarketId(market.id), row)
    };
    prices::Genesis {
        network: prices::Pulse::default(),
        silent: Vec::new(),
        params: prices::Params {
            max_age_seconds: app.price_max_age_seconds,
            max_step: Ppm::new(app.price_max_step_ppm),
            recovery_seconds: app.recovery.after_seconds,
            recovery_blocks: app.recovery.blocks,
        },
        markets: app.markets.iter().map(params).collect(),
        prices: app.markets.iter().filter(|market| market.price > 0).map(price).collect(),
    }
}

fn perpetuals_genesis(app: &AppState) -> perpetuals::Genesis {
    let tier = |tier: &LiquidityTier| perpetuals::Tier {
        id: tier.id,
        name: tier.name.clone(),
        initial_margin: Ppm::new(tier.initial_margin_ppm),
        maintenance_fraction: Ppm::new(tier.maintenance_fraction_ppm),
        impact_notional: quote(tier.impact_notional),
        open_interest_lower_cap: quote(tier.open_interest_lower_cap),
        open_interest_upper_cap: quote(tier.open_interest_upper_cap),
    };
    let perpetual = |market: &Market| perpetuals::Perpetual {
        market: MarketId(market.id),
        ticker: market.ticker.clone(),
        atomic_resolution: market.atomic_resolution,
        default_funding: SignedPpm::new(market.default_funding_ppm),
        tier: market.liquidity_tier,
        funding_index: FundingIndex::ZERO,
        open_interest: BaseQuantums::ZERO,
    };
    let typed = |market: &Market| {
        use perpetuals::MarketType::{Cross, Isolated};
        (perpetual(market), if market.isolated { Isolated } else { Cross })
    };
    let cap = |market: &Market| (MarketId(market.id), quote(market.open_interest_cap));
    perpetuals::Genesis {
        params: perpetuals::Params {
            withdrawal_margin: Ppm::new(app.withdrawals.margin_ppm),
            ..perpetuals::Params::default()
        },
        tiers: app.liquidity_tiers.iter().map(tier).collect(),
        perpetuals: app.markets.iter().map(typed).collect(),
        caps: app.markets.iter().map(cap).collect(),
        ..perpetuals::Genesis::default()
    }
}

fn fees_genesis(app: &AppState) -> fees::Genesis {
    let tier = |tier: &FeeTier| fees::FeeTier {
        name: tier.name.clone(),
        volume: quote(tier.volume),
        total_share: Ppm::new(tier.total_share_ppm),
        maker_share: Ppm::new(tier.maker_share_ppm),
        maker: SignedPpm::new(tier.maker_ppm),
        taker: SignedPpm::new(tier.taker_ppm),
    };
    let params = fees::Params {
        window_seconds: app.fees.window_seconds,
        insurance_share: Ppm::new(app.fees.insurance_share_ppm),
        builder_cap: Ppm::new(app.fees.builder_cap_ppm),
    };
    let second = |seconds| Time::from_unix(seconds, 0);
    let discount = |row: &Discount| {
        let (start, end) = (second(row.start), second(row.end));
        (MarketId(row.market), fees::Discount { start, end, charge: Ppm::new(row.charge_ppm) })
    };
    fees::Genesis {
        params,
        tiers: app.fee_tiers.iter().map(tier).collect(),
        discounts: app.fees.discounts.iter().map(discount).collect(),
        ..fees::Genesis::default()
    }
}

fn rate_limits(orders: &Orders) -> clob::RateLimits {
    let windows = |windows: &[(u32, u32)]| {
        windows.iter().map(|(blocks, limit)| clob::Window { blocks: *blocks, limit: *limit }).collect()
    };
    clob::RateLimits {
        short_term: windows(&orders.short_term_rates),
        stateful: windows(&orders.stateful_rates),
        leverage: windows(&orders.leverage_rates),
    }
}

fn clob_genesis(app: &AppState) -> clob::Genesis {
    let pair = |market: &Market| clob::Pair {
        market: MarketId(market.id),
        step: clob::Size::new(market.step_base_quantums),
        subticks_per_tick: market.subticks_per_tick,
        quantum_conversion_exponent: market.quantum_conversion_exponent,
        status: clob::state::Status::Active,
    };
    let orders = &app.orders;
    let tier =
        |(required, limit): &(u64, u32)| clob::EquityTier { required: quote(*required), limit: *limit };
    clob::Genesis {
        params: clob::Params {
            rate_limits: rate_limits(orders),
            max_resting: orders.max_resting,
            max_fills: orders.max_fills,
            max_block_fills: orders.max_block_fills,
            liquidation_fills: orders.liquidation_fills,
            taker_band: orders.taker_band_ppm,
            equity_tiers: orders.equity_tiers.iter().map(tier).collect(),
            short_term_equity_tiers: orders.short_term_equity_tiers.iter().map(tier).collect(),
            max_triggers: orders.max_triggers,
            max_slices: orders.max_slices,
        },
        pairs: app.markets.iter().map(pair).collect(),
        ..clob::Genesis::default()
    }
}

fn funding_genesis(app: &AppState) -> funding::Genesis {
    let clock = &app.funding;
    let params = funding::Params {
        tick_seconds: clock.tick_seconds,
        sample_seconds: clock.sample_seconds,
        sample_offset_seconds: clock.sample_offset_seconds,
        measures_per_sample: clock.measures_per_sample,
    };
    funding::Genesis { params, ..funding::Genesis::default() }
}

fn liquidations_genesis(app: &AppState) -> liquidations::Genesis {
    let limits = &app.liquidations;
    let params = liquidations::Params {
        max_fee: Ppm::new(limits.max_fee_ppm),
        min_position_notional: quote(limits.min_position_notional),
        max_position_portion: Ppm::new(limits.max_position_portion_ppm),
        max_account_notional: quote(limits.max_account_notional),
        max_insurance_lost: quote(limits.max_insurance_lost),
        bankruptcy_adjustment: Ppm::new(limits.bankruptcy_adjustment_ppm),
        spread_to_maintenance: Ppm::new(limits.spread_to_maintenance_ppm),
        max_accounts: limits.max_accounts,
        max_deleveragings: limits.max_deleveragings,
        max_counterparties: limits.max_counterparties,
        max_settlements: limits.max_settlements,
    };
    liquidations::Genesis { params, waiting: Vec::new() }
}

fn governance_genesis(genesis: &Genesis) -> Result<governance::Genesis, GenesisError> {
    let validator = |validator: &GenesisValidator| governance::NewValidator {
        public_key: validator.public_key,
        power: validator.power,
        moniker: String::new(),
    };
    let authority = genesis.app.governance.authority.as_deref();
    let authority = authority.map(|text| Address::from_bech32(text, &genesis.app.prefix)).transpose()?;
    Ok(governance::Genesis {
        validators: genesis.validators.iter().map(validator).collect(),
        authority,
        ..governance::Genesis::default()
    })
}
