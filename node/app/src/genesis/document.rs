//! The `app_state` document, field by field.

use serde::{Deserialize, Serialize};

use super::continued::Continued;
use super::describe;

/// The `app_state` of a genesis file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppState {
    /// Bech32 prefix of addresses.
    pub prefix: String,
    /// Denomination of the collateral.
    pub collateral: String,
    /// Minimum gas prices; a fee must reach one of them.
    pub gas_prices: Vec<String>,
    /// Highest gas limit of a transaction.
    pub max_gas: u64,
    /// Who holds what; `module:NAME` stands for a module account.
    pub balances: Vec<Balance>,
    /// Seconds after which an oracle price is stale.
    pub price_max_age_seconds: u32,
    /// Furthest that an oracle price moves from one block to the next, ppm; 0 for as far as votes say.
    #[serde(default)]
    pub price_max_step_ppm: u32,
    /// What follows when prices stayed away for long.
    #[serde(default)]
    pub recovery: Recovery,
    /// Liquidity tiers, in rising order of id.
    pub liquidity_tiers: Vec<LiquidityTier>,
    /// Markets, in rising order of id.
    pub markets: Vec<Market>,
    /// Fee tiers, the one without requirements first.
    pub fee_tiers: Vec<FeeTier>,
    /// What becomes of fees.
    #[serde(default)]
    pub fees: Fees,
    /// Funding clock.
    pub funding: Funding,
    /// Liquidation limits.
    pub liquidations: Liquidations,
    /// Order limits.
    pub orders: Orders,
    /// What must be left in accounts that money leaves.
    #[serde(default)]
    pub withdrawals: Withdrawals,
    /// Who decides.
    #[serde(default)]
    pub governance: Governance,
    /// The state of a chain that this one goes on from; missing on a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued: Option<Continued>,
}

/// Recovery of a market whose prices stayed away.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recovery {
    /// Age of a price in seconds from which on its market halts and recovers; 0 for never.
    pub after_seconds: u32,
    /// Consecutive blocks with a price that it takes.
    pub blocks: u8,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { after_seconds: 0, blocks: 10 }
    }
}

/// Who decides.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Governance {
    /// Bech32 address that may change parameters; nobody may when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// What must be left in accounts that money leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Withdrawals {
    /// Share of the notional of all positions; never less than initial margin.
    pub margin_ppm: u32,
}

impl Default for Withdrawals {
    fn default() -> Self {
        Self { margin_ppm: perpetuals::Params::default().withdrawal_margin.raw() }
    }
}

/// What one account holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Bech32 address, or `module:NAME`.
    pub address: String,
    /// Its coins, in rising order of denomination.
    pub coins: Vec<GenesisCoin>,
}

/// A coin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisCoin {
    /// Which.
    pub denom: String,
    /// Smallest units, a decimal string.
    pub amount: String,
}

/// What markets of similar liquidity share; amounts in quote quantums.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiquidityTier {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Initial margin of notional.
    pub initial_margin_ppm: u32,
    /// Maintenance margin of initial margin.
    pub maintenance_fraction_ppm: u32,
    /// Notional of the impact price.
    pub impact_notional: u64,
    /// Open interest up to which initial margin is not scaled.
    pub open_interest_lower_cap: u64,
    /// Open interest from which initial margin is all of notional; 0 for no scaling.
    pub open_interest_upper_cap: u64,
}

/// One market: oracle price, perpetual and book.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// Its number.
    pub id: u32,
    /// Its name, `BTC-USD`.
    pub ticker: String,
    /// An oracle price stands for price times 10^exponent USD.
    pub price_exponent: i32,
    /// First oracle price; 0 for none.
    pub price: u64,
    /// Smallest change worth a vote.
    pub min_price_change_ppm: u32,
    /// A base quantum is 10^atomic_resolution coins.
    pub atomic_resolution: i32,
    /// Funding rate of 8 hours on top of the premium.
    pub default_funding_ppm: i32,
    /// Number of its liquidity tier.
    pub liquidity_tier: u32,
    /// Order sizes are multiples of this.
    pub step_base_quantums: u64,
    /// Order prices are multiples of this.
    pub subticks_per_tick: u32,
    /// Quote quantums per base quantum are subticks times 10 to this power.
    pub quantum_conversion_exponent: i32,
    /// Whether its positions stand on collateral and insurance of their own.
    #[serde(default)]
    pub isolated: bool,
    /// What its open interest may be worth at most, in quote quantums at the oracle price; 0 for no cap.
    #[serde(default)]
    pub open_interest_cap: u64,
}

/// One fee tier; volumes in quote quantums.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeTier {
    /// Its name.
    pub name: String,
    /// Volume of 30 days that it requires.
    pub volume: u64,
    /// Share of all volume that it requires.
    pub total_share_ppm: u32,
    /// Share of all maker volume that it requires.
    pub maker_share_ppm: u32,
    /// Fee of a maker; negative for a rebate.
    pub maker_ppm: i32,
    /// Fee of a taker.
    pub taker_ppm: i32,
}

/// What becomes of fees.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fees {
    /// How long a volume counts, in seconds.
    pub window_seconds: u32,
    /// Share of fees that goes to the insurance fund of the market; the rest goes to the collector.
    pub insurance_share_ppm: u32,
    /// Most that a builder may ask for.
    pub builder_cap_ppm: u32,
    /// Markets whose fees are lowered for a time, in rising order of market.
    pub discounts: Vec<Discount>,
}

impl Default for Fees {
    fn default() -> Self {
        let params = fees::Params::default();
        Self {
            window_seconds: params.window_seconds,
            insurance_share_ppm: params.insurance_share.raw(),
            builder_cap_ppm: params.builder_cap.raw(),
            discounts: Vec::new(),
        }
    }
}

/// Lower fees in one market.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// Which market.
    pub market: u32,
    /// First second, since 1970.
    pub start: i64,
    /// First second after it.
    pub end: i64,
    /// Part of the rate that is still charged.
    pub charge_ppm: u32,
}

/// Funding clock, in seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Funding {
    /// From one funding to the next.
    pub tick_seconds: u32,
    /// From one premium sample to the next.
    pub sample_seconds: u32,
    /// Moment of a sample within its period.
    pub sample_offset_seconds: u32,
    /// Measurements of the premium for each sample.
    pub measures_per_sample: u32,
}

impl Default for Funding {
    fn default() -> Self {
        Self { tick_seconds: 3600, sample_seconds: 60, sample_offset_seconds: 30, measures_per_sample: 1 }
    }
}

/// Limits of liquidations; amounts in quote quantums.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Liquidations {
    /// Highest fee that goes to the insurance fund.
    pub max_fee_ppm: u32,
    /// Positions up to this notional are closed at once.
    pub min_position_notional: u64,
    /// Share of a position that one block closes.
    pub max_position_portion_ppm: u32,
    /// Notional of one account that one block closes.
    pub max_account_notional: u64,
    /// Insurance that one account may cost in one block.
    pub max_insurance_lost: u64,
    /// How fast the fillable price goes to the bankruptcy price.
    pub bankruptcy_adjustment_ppm: u32,
    /// How far the fillable price may go beyond it.
    pub spread_to_maintenance_ppm: u32,
    /// Accounts that one block attempts.
    pub max_accounts: u32,
    /// Deleveragings that one block makes.
    pub max_deleveragings: u32,
    /// Counterparties that one deleveraging looks at.
    pub max_counterparties: u32,
    /// Pairs of positions that one block closes in a market that is over.
    pub max_settlements: u32,
}

impl Default for Liquidations {
    fn default() -> Self {
        describe::liquidations(&liquidations::Params::default())
    }
}

/// Limits of orders.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Orders {
    /// Short-term orders and cancels of one owner: how many in so many blocks (blocks first); empty for no limit.
    pub short_term_rates: Vec<(u32, u32)>,
    /// The same for orders that live until a time.
    pub stateful_rates: Vec<(u32, u32)>,
    /// The same for changes of leverage.
    pub leverage_rates: Vec<(u32, u32)>,
    /// Resting orders of one subaccount in one market.
    pub max_resting: u32,
    /// Resting orders that one order may meet.
    pub max_fills: u32,
    /// Resting orders that the orders of one block may meet, in all markets.
    pub max_block_fills: u32,
    /// Resting orders and counterparties that liquidations of one block may meet beside those.
    pub liquidation_fills: u32,
    /// How far from the oracle price a taker trades, in millionths; 0 for any price.
    pub taker_band_ppm: u32,
    /// Equity (quote quantums) and how many long-term orders it allows; empty for no limit.
    pub equity_tiers: Vec<(u64, u32)>,
    /// Equity (quote quantums) and how many resting short-term orders it allows; empty for no limit.
    pub short_term_equity_tiers: Vec<(u64, u32)>,
    /// Conditional orders that a block places because their trigger was reached.
    pub max_triggers: u32,
    /// Slices of TWAP orders that a block places.
    pub max_slices: u32,
}

impl Default for Orders {
    fn default() -> Self {
        describe::orders(clob::Params {
            equity_tiers: Vec::new(),
            short_term_equity_tiers: Vec::new(),
            ..clob::Params::default()
        })
    }
}
