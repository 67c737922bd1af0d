//! Parameters, with the bounds they must keep.

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ppm, QuoteQuantums};

use crate::Error;

/// Largest number of accounts, deleveragings or counterparties that a block may be given.
pub const MAX_WORK: u32 = 10_000;

/// How liquidations go. The first seven are the LiquidationsConfig of the wire.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Largest share of a fill's quote that goes to the insurance fund; above 0, at most 1,000,000.
    pub max_fee: Ppm,
    /// Positions of this notional or less are closed at once; at least 0.
    pub min_position_notional: QuoteQuantums,
    /// Largest share of a position that is closed in a block; above 0, at most 1,000,000.
    pub max_position_portion: Ppm,
    /// Largest notional at the oracle price that is closed of one account in a block; above 0.
    pub max_account_notional: QuoteQuantums,
    /// Most that the insurance fund pays for one account in a block; above 0.
    pub max_insurance_lost: QuoteQuantums,
    /// How fast the limit price leaves the oracle price as health falls; at least 1,000,000.
    pub bankruptcy_adjustment: Ppm,
    /// How far the limit price leaves the oracle price at most, as a share of maintenance margin; above 0.
    pub spread_to_maintenance: Ppm,
    /// Accounts that are attempted in a block; 2 to [`MAX_WORK`].
    pub max_accounts: u32,
    /// Positions that are deleveraged in a block; 1 to [`MAX_WORK`].
    pub max_deleveragings: u32,
    /// Counterparties that one deleveraging tries; 1 to [`MAX_WORK`].
    pub max_counterparties: u32,
    /// Times that positions of one market that is over are closed against each other in a block; 1 to
    /// [`MAX_WORK`].
    pub max_settlements: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_fee: Ppm::new(15_000),
            min_position_notional: QuoteQuantums::new(1_000_000_000),
            max_position_portion: Ppm::new(100_000),
            max_account_notional: QuoteQuantums::new(100_000_000_000),
            max_insurance_lost: QuoteQuantums::new(1_000_000_000_000),
            bankruptcy_adjustment: Ppm::ONE,
            spread_to_maintenance: Ppm::new(1_500_000),
            max_accounts: 50,
            max_deleveragings: 10,
            max_counterparties: 500,
            max_settlements: 500,
        }
    }
}

fn share(ppm: Ppm) -> bool {
    !ppm.is_zero() && ppm <= Ppm::ONE
}

impl Params {
    /// Refuse values outside their bounds.
    pub fn check(&self) -> Result<(), Error> {
        let rules = [
            (share(self.max_fee), "max_fee"),
            (!self.min_position_notional.is_negative(), "min_position_notional"),
            (share(self.max_position_portion), "max_position_portion"),
            (self.max_account_notional.is_positive(), "max_account_notional"),
            (self.max_insurance_lost.is_positive(), "max_insurance_lost"),
            (self.bankruptcy_adjustment >= Ppm::ONE, "bankruptcy_adjustment"),
            (!self.spread_to_maintenance.is_zero(), "spread_to_maintenance"),
            ((2..=MAX_WORK).contains(&self.max_accounts), "max_accounts"),
            ((1..=MAX_WORK).contains(&self.max_deleveragings), "max_deleveragings"),
            ((1..=MAX_WORK).contains(&self.max_counterparties), "max_counterparties"),
            ((1..=MAX_WORK).contains(&self.max_settlements), "max_settlements"),
        ];
        match rules.iter().find(|(kept, _)| !kept) {
            Some((_, name)) => Err(Error::Params(name)),
            None => Ok(()),
        }
    }
}
