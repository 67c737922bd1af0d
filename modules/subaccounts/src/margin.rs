//! Health of an account: formulas F3 and F4 of the README.

use core::cmp::Ordering;

use num::{QuoteQuantums, Wide};
use store::{fault, Read};

use crate::market::Markets;
use crate::state::Subaccount;
use crate::Error;

/// What an account is worth and what it must be worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// Collateral plus the signed worth of all positions.
    pub net_collateral: QuoteQuantums,
    /// What it must be worth to take on more.
    pub initial: QuoteQuantums,
    /// What it must be worth not to be liquidated.
    pub maintenance: QuoteQuantums,
}

impl Risk {
    /// Whether it may take on more: worth at least the initial margin.
    pub fn is_initially_margined(&self) -> bool {
        self.net_collateral >= self.initial
    }

    /// Whether it may be liquidated: it needs maintenance margin and is worth less.
    pub fn is_liquidatable(&self) -> bool {
        self.maintenance.is_positive() && self.maintenance > self.net_collateral
    }

    /// F4: which of two is riskier; the greater one is. Worth is compared per maintenance margin, exactly; on a
    /// tie the larger margin is riskier, and without any margin the smaller worth.
    pub fn compare(&self, other: &Self) -> Ordering {
        if self.maintenance.is_zero() && other.maintenance.is_zero() {
            return other.net_collateral.cmp(&self.net_collateral);
        }
        let cross = |worth: QuoteQuantums, margin: QuoteQuantums| match Wide::from(worth.raw())
            .mul(Wide::from(margin.raw()))
        {
            Some(product) => product,
            None => fault("a product of two 128-bit numbers does not fit 512 bits"),
        };
        let ours = cross(self.net_collateral, other.maintenance);
        let theirs = cross(other.net_collateral, self.maintenance);
        theirs.cmp(&ours).then(self.maintenance.cmp(&other.maintenance))
    }
}

/// Health of `account` with all funding settled first. State does not change.
pub fn risk(state: &dyn Read, account: &Subaccount) -> Result<Risk, Error> {
    let markets = Markets::of(state, account.positions.iter().map(|(market, _)| *market))?;
    markets.risk(&markets.settle(account)?.account)
}

/// F3: health of an account whose funding is settled: plain sums over its positions at the oracle prices.
/// Refused when a market is missing, has no price, or a number does not fit.
pub fn risk_of(state: &dyn Read, settled: &Subaccount) -> Result<Risk, Error> {
    Markets::of(state, settled.positions.iter().map(|(market, _)| *market))?.risk(settled)
}
