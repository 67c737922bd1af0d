//! What the authority may change, message by message.
//!
//! A change is tried when its message runs, and takes effect at the start of the next block, before prices and
//! transactions: nobody trades a part of a block under other rules than the rest of it.

use alloc::string::String;
use alloc::vec::Vec;

use clob::state::Status;
use clob::{Books, Size};
use num::{Ppm, QuoteQuantums, SignedPpm};
use store::{attempt, Ctx};
use types::{Address, Chain, MarketId};

use crate::{read, upgrade, Error, Plan, Unchangeable};

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
    /// Bounds of funding; what the message does not carry stays.
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
    /// A liquidity tier. Margins that rise do so over [`RAMP_BLOCKS`] blocks.
    Tier(perpetuals::Tier),
    /// An isolated market joins those that share collateral and insurance.
    Cross(MarketId),
    /// What the open interest of a market may be worth at most, in quote quantums; 0 for no cap.
    OpenInterestCap(MarketId, QuoteQuantums),
    /// What must be left in an account that money leaves, as a share of the notional of its positions.
    WithdrawalMargin(Ppm),
    /// The table of fees.
    FeeTiers(Vec<fees::FeeTier>),
    /// Lower fees in some markets for a time, in place of what they have.
    Discounts(Vec<(MarketId, fees::Discount)>),
    /// Another release goes on from a height.
    Upgrade(Plan),
    /// It does not.
    CancelUpgrade,
}

/// Blocks over which margins rise, so that nobody falls below them from one block to the next.
pub const RAMP_BLOCKS: u32 = 1_000;

const UPDATE_PAIR: &str = "/dydxprotocol.clob.MsgUpdateClobPair";
const UPDATE_EQUITY_TIERS: &str = "/dydxprotocol.clob.MsgUpdateEquityTierLimitConfiguration";
const UPDATE_RATE_LIMITS: &str = "/dydxprotocol.clob.MsgUpdateBlockRateLimitConfiguration";
const SET_TIER: &str = "/dydxprotocol.perpetuals.MsgSetLiquidityTier";
const MAKE_CROSS: &str = "/dydxprotocol.listing.MsgUpgradeIsolatedPerpetualToCross";
const SET_OPEN_INTEREST_CAP: &str = "/ballast.perpetuals.v1.MsgSetOpenInterestCap";
const SET_WITHDRAWAL_MARGIN: &str = "/ballast.perpetuals.v1.MsgSetWithdrawalMargin";
const UPDATE_FEES: &str = "/dydxprotocol.feetiers.MsgUpdatePerpetualFeeParams";
const SET_DISCOUNTS: &str = "/dydxprotocol.feetiers.MsgSetMarketFeeDiscountParams";
const UPDATE_LIQUIDATIONS: &str = "/dydxprotocol.clob.MsgUpdateLiquidationsConfig";
const UPDATE_PERPETUAL: &str = "/dydxprotocol.perpetuals.MsgUpdatePerpetualParams";
const UPDATE_FUNDING: &str = "/dydxprotocol.perpetuals.MsgUpdateParams";
const UPGRADE: &str = "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade";
const CANCEL_UPGRADE: &str = "/cosmos.upgrade.v1beta1.MsgCancelUpgrade";

/// Types of the messages that are carried out here.
pub const TYPES: [&str; 14] = [
    UPDATE_PAIR,
    UPDATE_EQUITY_TIERS,
    UPDATE_RATE_LIMITS,
    UPDATE_LIQUIDATIONS,
    SET_TIER,
    MAKE_CROSS,
    UPDATE_FEES,
    SET_DISCOUNTS,
    UPDATE_PERPETUAL,
    UPDATE_FUNDING,
    SET_OPEN_INTEREST_CAP,
    SET_WITHDRAWAL_MARGIN,
    UPGRADE,
    CANCEL_UPGRADE,
];

/// Reads the authority and the change of one type of message.
type Read = fn(&[u8]) -> Result<(String, Change), Error>;

/// Read a message of the authority. Nothing when its type is not one of [`TYPES`].
pub fn decode(type_url: &str, bytes: &[u8], chain: &Chain) -> Option<Result<Msg, Error>> {
    let (read, type_url): (Read, _) = match type_url {
        UPDATE_PAIR => (read::pair, UPDATE_PAIR),
        UPDATE_EQUITY_TIERS => (read::equity_tiers, UPDATE_EQUITY_TIERS),
        UPDATE_RATE_LIMITS => (read::rate_limits, UPDATE_RATE_LIMITS),
        UPDATE_LIQUIDATIONS => (read::liquidations_config, UPDATE_LIQUIDATIONS),
        UPDATE_PERPETUAL => (read::perpetual, UPDATE_PERPETUAL),
        UPDATE_FUNDING => (read::funding, UPDATE_FUNDING),
        SET_TIER => (read::tier, SET_TIER),
        MAKE_CROSS => (read::cross, MAKE_CROSS),
        SET_OPEN_INTEREST_CAP => (read::open_interest_cap, SET_OPEN_INTEREST_CAP),
        SET_WITHDRAWAL_MARGIN => (read::withdrawal_margin, SET_WITHDRAWAL_MARGIN),
        UPDATE_FEES => (read::fee_tiers, UPDATE_FEES),
        SET_DISCOUNTS => (read::discounts, SET_DISCOUNTS),
        UPGRADE => (read::upgrade, UPGRADE),
        CANCEL_UPGRADE => (read::cancel_upgrade, CANCEL_UPGRADE),
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
            SET_TIER => "/dydxprotocol.perpetuals.MsgSetLiquidityTierResponse",
            MAKE_CROSS => "/dydxprotocol.listing.MsgUpgradeIsolatedPerpetualToCrossResponse",
            SET_OPEN_INTEREST_CAP => "/ballast.perpetuals.v1.MsgSetOpenInterestCapResponse",
            SET_WITHDRAWAL_MARGIN => "/ballast.perpetuals.v1.MsgSetWithdrawalMarginResponse",
            UPDATE_FEES => "/dydxprotocol.feetiers.MsgUpdatePerpetualFeeParamsResponse",
            SET_DISCOUNTS => "/dydxprotocol.feetiers.MsgSetMarketFeeDiscountParamsResponse",
            UPDATE_LIQUIDATIONS => "/dydxprotocol.clob.MsgUpdateLiquidationsConfigResponse",
            UPDATE_PERPETUAL => "/dydxprotocol.perpetuals.MsgUpdatePerpetualParamsResponse",
            UPGRADE => "/cosmos.upgrade.v1beta1.MsgSoftwareUpgradeResponse",
            CANCEL_UPGRADE => "/cosmos.upgrade.v1beta1.MsgCancelUpgradeResponse",
            _ => "/dydxprotocol.perpetuals.MsgUpdateParamsResponse",
        }
    }
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
            Ok(clob::set_status(ctx, books, *market, *status)?)
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
        Change::Funding(params) => {
            let withdrawal_margin = perpetuals::module_params(ctx.state.as_read()).withdrawal_margin;
            Ok(perpetuals::set_params(ctx, &perpetuals::Params { withdrawal_margin, ..params.clone() })?)
        }
        Change::EquityTiers { stateful, short_term } => {
            let old = clob::params(ctx.state.as_read());
            let (equity_tiers, short_term_equity_tiers) = (stateful.clone(), short_term.clone());
            Ok(clob::set_params(ctx, &clob::Params { equity_tiers, short_term_equity_tiers, ..old })?)
        }
        Change::Tier(tier) => Ok(perpetuals::set_tier(ctx, tier, RAMP_BLOCKS)?),
        Change::Cross(market) => {
            // A change is carried out before anybody trades; a rehearsal is undone before they are paid.
            let own = perpetuals::Collateral::Isolated(*market).address(subaccounts::POOL);
            if !rehearsal {
                books.desk.require_paid(&own)?;
            }
            fees::move_debts(ctx, &own, &perpetuals::Collateral::Cross.address(subaccounts::POOL));
            subaccounts::make_cross(ctx, &mut books.accounts, *market)?;
            Ok(insurance::merge(ctx, *market)?)
        }
        Change::OpenInterestCap(market, cap) => Ok(perpetuals::set_open_interest_cap(ctx, *market, *cap)?),
        Change::WithdrawalMargin(share) => Ok(perpetuals::set_withdrawal_margin(ctx, *share)?),
        Change::FeeTiers(tiers) => Ok(fees::set_tiers(ctx, tiers)?),
        Change::Discounts(discounts) => discounts.iter().try_for_each(|(market, discount)| {
            if clob::pair(ctx.state.as_read(), *market).is_none() {
                return Err(clob::Error::NoPair(*market).into());
            }
            Ok(fees::set_discount(ctx, *market, discount)?)
        }),
        Change::Upgrade(plan) => upgrade::schedule(ctx, plan),
        Change::CancelUpgrade => upgrade::cancel(ctx),
        Change::RateLimits(limits) => {
            let old = clob::params(ctx.state.as_read());
            Ok(clob::set_params(ctx, &clob::Params { rate_limits: limits.clone(), ..old })?)
        }
    }
}
