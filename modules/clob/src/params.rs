//! Bounds that apply to everybody.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::QuoteQuantums;

use crate::error::Error;
use crate::limits::RateLimits;

/// Blocks ahead that a short-term order or cancel may be good for, the next block not counted.
pub const SHORT_BLOCK_WINDOW: u32 = 40;

/// Seconds after the previous block's time until which any other order may live: 95 days.
pub const STATEFUL_WINDOW_SECONDS: i64 = 95 * 24 * 60 * 60;

/// Client ids that a batch cancel may name, in all markets together.
pub const MAX_BATCH: usize = 100;

/// What a builder may ask of a fill, in millionths of its worth.
pub const MAX_BUILDER_FEE: u32 = 10_000;

/// What a batch cancel takes of an owner's budget; all other messages take 1.
pub const BATCH_WEIGHT: u32 = 2;

/// Parameters of this module.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Messages of one owner that blocks accept.
    pub rate_limits: RateLimits,
    /// Orders of one subaccount that may rest in one market; 1 to 1,000,000.
    pub max_resting: u32,
    /// Resting orders that one order may meet before its rest is dropped; 1 to 100,000.
    pub max_fills: u32,
    /// Resting orders that the orders of one block may meet in all markets; 1 to 10,000,000.
    pub max_block_fills: u32,
    /// Resting orders and counterparties that a block's liquidations may meet beside what its orders left of
    /// `max_block_fills`; 4 to 10,000,000.
    pub liquidation_fills: u32,
    /// How far from the oracle price a taker trades, in millionths; at most 10,000,000, 0 for any price.
    pub taker_band: u32,
    /// Orders that live until a time, by what the subaccount is worth; empty for no limit. Requirements rise.
    pub equity_tiers: Vec<EquityTier>,
    /// Short-term orders that rest, by what the subaccount is worth; empty for no limit. Requirements rise.
    pub short_term_equity_tiers: Vec<EquityTier>,
    /// Conditional orders that a block places because their trigger was reached; 1 to 100,000.
    pub max_triggers: u32,
    /// Slices of TWAP orders that a block places; 1 to 100,000.
    pub max_slices: u32,
}

/// How many orders that live until a time a subaccount may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EquityTier {
    /// For subaccounts whose net collateral is this or more.
    pub required: QuoteQuantums,
    /// How many; 0 refuses all.
    pub limit: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rate_limits: RateLimits::default(),
            max_resting: 1_000,
            max_fills: 1_000,
            max_block_fills: 50_000,
            liquidation_fills: 10_000,
            taker_band: 100_000,
            equity_tiers: Vec::new(),
            short_term_equity_tiers: Vec::new(),
            max_triggers: 2_000,
            max_slices: 1_000,
        }
    }
}

impl Params {
    /// Whether every field is within its bounds.
    pub fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("max_resting", self.max_resting, 1_000_000),
            ("max_fills", self.max_fills, 100_000),
            ("max_block_fills", self.max_block_fills, 10_000_000),
            // Less would not reach the account that waits longest.
            ("liquidation_fills", self.liquidation_fills.saturating_sub(3), 10_000_000 - 3),
            // Nothing is allowed here: it means that any price is.
            ("taker_band", self.taker_band.max(1), 10_000_000),
            ("max_triggers", self.max_triggers, 100_000),
            ("max_slices", self.max_slices, 100_000),
        ];
        for (name, value, most) in bounds {
            if value == 0 || value > most {
                return Err(Error::Param { name, value, most });
            }
        }
        self.rate_limits.check()?;
        let rises = |tiers: &[EquityTier]| tiers.is_sorted_by(|a, b| a.required < b.required);
        if rises(&self.equity_tiers) && rises(&self.short_term_equity_tiers) {
            Ok(())
        } else {
            Err(Error::EquityTiers)
        }
    }
}

/// How many orders tiers allow a subaccount worth `net`; nothing when there is no limit.
pub(crate) fn limit_of(tiers: &[EquityTier], net: QuoteQuantums) -> Option<u32> {
    tiers.first()?;
    let reached = tiers.iter().take_while(|tier| tier.required <= net);
    Some(reached.last().map_or(0, |tier| tier.limit))
}
