//! Bounds that apply to everybody.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::QuoteQuantums;

use crate::error::Error;

/// Blocks ahead that a short-term order or cancel may be good for, the next block not counted.
pub const SHORT_BLOCK_WINDOW: u32 = 40;

/// Seconds after the previous block's time until which any other order may live: 95 days.
pub const STATEFUL_WINDOW_SECONDS: i64 = 95 * 24 * 60 * 60;

/// Client ids that a batch cancel may name, in all markets together.
pub const MAX_BATCH: usize = 100;

/// What a batch cancel takes of an owner's budget; all other messages take 1.
pub const BATCH_WEIGHT: u32 = 2;

/// Parameters of this module.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Short-term orders and cancels of one owner that a block accepts; 1 to 1,000,000.
    pub short_term_per_block: u32,
    /// Orders of one subaccount that may rest in one market; 1 to 1,000,000.
    pub max_resting: u32,
    /// Resting orders that one order may meet before its rest is dropped; 1 to 100,000.
    pub max_fills: u32,
    /// Orders that live until a time, by what the subaccount is worth; empty for no limit. Requirements rise.
    pub equity_tiers: Vec<EquityTier>,
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
        Self { short_term_per_block: 400, max_resting: 1_000, max_fills: 1_000, equity_tiers: Vec::new() }
    }
}

impl Params {
    /// Whether every field is within its bounds.
    pub fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("short_term_per_block", self.short_term_per_block, 1_000_000),
            ("max_resting", self.max_resting, 1_000_000),
            ("max_fills", self.max_fills, 100_000),
        ];
        for (name, value, most) in bounds {
            if value == 0 || value > most {
                return Err(Error::Param { name, value, most });
            }
        }
        if self.equity_tiers.is_sorted_by(|a, b| a.required < b.required) {
            Ok(())
        } else {
            Err(Error::EquityTiers)
        }
    }

    /// How many orders that live until a time a subaccount worth `net` may have; nothing when there is no limit.
    pub(crate) fn stateful_limit(&self, net: QuoteQuantums) -> Option<u32> {
        self.equity_tiers.first()?;
        let reached = self.equity_tiers.iter().take_while(|tier| tier.required <= net);
        Some(reached.last().map_or(0, |tier| tier.limit))
    }
}
