//! What the authority may change, message by message.
//!
//! A change is tried when its message runs, and takes effect at the start of the next block, before prices and
//! transactions: nobody trades a part of a block under other rules than the rest of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bank::wire::strict;
use clob::state::Status;
use clob::{Books, Size, Window};
use num::{Ppm, QuoteQuantums, SignedPpm};
use proto::dydxprotocol::clob as clob_wire;
use proto::dydxprotocol::perpetuals as perpetuals_wire;
use store::{attempt, Ctx};
use types::{Address, Chain, Malformed, MarketId};

use crate::{Error, Unchangeable};

/// A message of the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msg {
    /// Who must sign, and must be the authority.
    pub authority: Address,
    /// What should change.
    pub change: Change,
    /// Its type on the wire, one of [`TYPES`].
    pub type_url: &'static str,
    /// Its encoding, as it waits for the next block.
    pub(crate) bytes: Vec<u8>,
}

/// What should change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Status and grid of a book.
    Pair {
        /// Which.
        market: MarketId,
        /// Step and tick, which must divide those it has.
        grid: (Size, u32),
        /// Conversion exponent, which must be the one it has.
        exponent: i32,
        /// Its status.
        status: Status,
    },
    /// How liquidations go; what the message does not carry stays.
    Liquidations(liquidations::Params),
    /// Name, default funding and tier of a perpetual.
    Perpetual {
        /// Which.
        market: MarketId,
        /// Name, default funding and tier.
        terms: (String, SignedPpm, u32),
        /// Resolution, which must be the one it has.
        resolution: i32,
    },
    /// Bounds of funding.
    Funding(perpetuals::Params),
    /// How many orders an account may have: those that live until a time, and short-term ones.
    EquityTiers {
        /// Orders that live until a time.
        stateful: Vec<clob::EquityTier>,
        /// Short-term orders.
        short_term: Vec<clob::EquityTier>,
    },
    /// How many messages an owner may send.
    RateLimits(clob::RateLimits),
}

const UPDATE_PAIR: &str = "/dydxprotocol.clob.MsgUpdateClobPair";
const UPDATE_EQUITY_TIERS: &str = "/dydxprotocol.clob.MsgUpdateEquityTierLimitConfiguration";
const UPDATE_RATE_LIMITS: &str = "/dydxprotocol.clob.MsgUpdateBlockRateLimitConfiguration";
const UPDATE_LIQUIDATIONS: &str = "/dydxprotocol.clob.MsgUpdateLiquidationsConfig";
const UPDATE_PERPETUAL: &str = "/dydxprotocol.perpetuals.MsgUpdatePerpetualParams";
const UPDATE_FUNDING: &str = "/dydxprotocol.perpetuals.MsgUpdateParams";

/// Types of the messages that are carried out here.
pub const TYPES: [&str; 6] = [
    UPDATE_PAIR,
    UPDATE_EQUITY_TIERS,
    UPDATE_RATE_LIMITS,
    UPDATE_LIQUIDATIONS,
    UPDATE_PERPETUAL,
    UPDATE_FUNDING,
];

/// Read a message of the authority. Nothing when its type is not one of [`TYPES`].
pub fn decode(type_url: &str, bytes: &[u8], chain: &Chain) -> Option<Result<Msg, Error>> {
    let (read, type_url): (fn(&[u8]) -> Result<(String, Change), Error>, _) = match type_url {
        UPDATE_PAIR => (pair, UPDATE_PAIR),
        UPDATE_EQUITY_TIERS => (equity_tiers, UPDATE_EQUITY_TIERS),
        UPDATE_RATE_LIMITS => (rate_limits, UPDATE_RATE_LIMITS),
        UPDATE_LIQUIDATIONS => (liquidations_config, UPDATE_LIQUIDATIONS),
        UPDATE_PERPETUAL => (perpetual, UPDATE_PERPETUAL),
        UPDATE_FUNDING => (funding, UPDATE_FUNDING),
        _ => return None,
    };
    Some(read(bytes).and_then(|(authority, change)| {
        let authority = Address::from_bech32(&authority, &chain.prefix)?;
        Ok(Msg { authority, change, type_url, bytes: bytes.to_vec() })
    }))
}

impl Msg {
    /// Type of the answer, which is empty.
    pub fn response_type(&self) -> &'static str {
        match self.type_url {
            UPDATE_PAIR => "/dydxprotocol.clob.MsgUpdateClobPairResponse",
            UPDATE_EQUITY_TIERS => "/dydxprotocol.clob.MsgUpdateEquityTierLimitConfigurationResponse",
            UPDATE_RATE_LIMITS => "/dydxprotocol.clob.MsgUpdateBlockRateLimitConfigurationResponse",
            UPDATE_LIQUIDATIONS => "/dydxprotocol.clob.MsgUpdateLiquidationsConfigResponse",
            UPDATE_PERPETUAL => "/dydxprotocol.perpetuals.MsgUpdatePerpetualParamsResponse",
            _ => "/dydxprotocol.perpetuals.MsgUpdateParamsResponse",
        }
    }
}

fn missing(field: &'static str) -> Error {
    Malformed::new(field, "is missing").into()
}

fn pair(bytes: &[u8]) -> Result<(String, Change), Error> {
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

fn equity_tiers(bytes: &[u8]) -> Result<(String, Change), Error> {
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

fn rate_limits(bytes: &[u8]) -> Result<(String, Change), Error> {
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

fn liquidations_config(bytes: &[u8]) -> Result<(String, Change), Error> {
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

fn perpetual(bytes: &[u8]) -> Result<(String, Change), Error> {
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

fn funding(bytes: &[u8]) -> Result<(String, Change), Error> {
    let wire: perpetuals_wire::MsgUpdateParams = strict("MsgUpdateParams", bytes)?;
    let params = wire.params.ok_or_else(|| missing("params"))?;
    let params = perpetuals::Params {
        funding_rate_clamp_factor: Ppm::new(params.funding_rate_clamp_factor_ppm),
        premium_vote_clamp_factor: Ppm::new(params.premium_vote_clamp_factor_ppm),
        min_num_votes_per_sample: params.min_num_votes_per_sample,
    };
    Ok((wire.authority, Change::Funding(params)))
}

/// Whether the change would be accepted now. Changes nothing.
pub(crate) fn rehearse(ctx: &mut Ctx<'_>, books: &mut Books, change: &Change) -> Result<(), Error> {
    /// How a rehearsal ends, so that it is undone in any case.
    enum End {
        Well,
        Badly(Error),
    }
    let end = attempt(ctx, books, |ctx, books| match apply(ctx, books, change, true) {
        Ok(()) => Err::<(), _>(End::Well),
        Err(refusal) => Err(End::Badly(refusal)),
    });
    match end {
        Ok(()) | Err(End::Well) => Ok(()),
        Err(End::Badly(refusal)) => Err(refusal),
    }
}

/// Change it. In a rehearsal what cannot be undone is only looked at.
pub(crate) fn apply(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    change: &Change,
    rehearsal: bool,
) -> Result<(), Error> {
    match change {
        Change::Pair { market, grid, exponent, status } => {
            let old = clob::refined(ctx.state.as_read(), *market, *grid)?;
            if old.quantum_conversion_exponent != *exponent {
                return Err(Unchangeable("the conversion exponent of a book").into());
            }
            if !rehearsal {
                clob::refine(ctx, books, *market, *grid)?;
            }
            set_status(ctx, books, *market, *status)
        }
        Change::Liquidations(new) => {
            let old = liquidations::params(ctx.state.as_read());
            let params = liquidations::Params {
                max_accounts: old.max_accounts,
                max_deleveragings: old.max_deleveragings,
                max_counterparties: old.max_counterparties,
                max_settlements: old.max_settlements,
                ..new.clone()
            };
            Ok(liquidations::set_params(ctx, &params)?)
        }
        Change::Perpetual { market, terms, resolution } => {
            let old = perpetuals::perpetual(ctx.state.as_read(), *market);
            if old.is_some_and(|old| old.atomic_resolution != *resolution) {
                return Err(Unchangeable("the resolution of a perpetual").into());
            }
            Ok(perpetuals::set_terms(ctx, *market, terms.clone())?)
        }
        Change::Funding(params) => Ok(perpetuals::set_params(ctx, params)?),
        Change::EquityTiers { stateful, short_term } => {
            let old = clob::params(ctx.state.as_read());
            let (equity_tiers, short_term_equity_tiers) = (stateful.clone(), short_term.clone());
            Ok(clob::set_params(ctx, &clob::Params { equity_tiers, short_term_equity_tiers, ..old })?)
        }
        Change::RateLimits(limits) => {
            let old = clob::params(ctx.state.as_read());
            Ok(clob::set_params(ctx, &clob::Params { rate_limits: limits.clone(), ..old })?)
        }
    }
}

/// Give a book another status.
fn set_status(ctx: &mut Ctx<'_>, books: &mut Books, market: MarketId, status: Status) -> Result<(), Error> {
    let _ = books;
    let old = clob::pair(ctx.state.as_read(), market).map(|pair| pair.status);
    if old == Some(status) {
        return Ok(());
    }
    Err(Unchangeable("the status of a book").into())
}
