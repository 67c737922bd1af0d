//! What this module keeps in the store. Module byte `0x16`. The money itself is a balance of the bank.

use borsh::{BorshDeserialize, BorshSerialize};
use num::QuoteQuantums;
use store::{fault, Collection, Item, Read};
use types::{Address, Denom, MarketId};

/// Name of the module account that is the fund of all cross markets.
pub const FUND: &str = "insurance_fund";

/// Name of the module account that holds the collateral of margin accounts.
pub(crate) const POOL: &str = "subaccounts";

/// What went in and out since the start.
pub(crate) const TOTALS: Item<Totals> = Item::new([0x16, 0x00], "insurance/totals");

/// What this module keeps.
pub fn layout() -> [Collection; 1] {
    [TOTALS.collection()]
}

/// What went in and out since the start; balance = start + paid in - paid out (I2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    /// Balance at genesis.
    pub start: QuoteQuantums,
    /// Paid in by liquidations.
    pub paid_in: QuoteQuantums,
    /// Paid out for accounts that ended below zero.
    pub paid_out: QuoteQuantums,
    /// Payments in.
    pub payments_in: u64,
    /// Payments out.
    pub payments_out: u64,
}

impl Totals {
    /// What the fund must hold (I2); nothing when the sum does not fit.
    pub fn sum(&self) -> Option<QuoteQuantums> {
        self.start.checked_add(self.paid_in)?.checked_sub(self.paid_out)
    }
}

/// Account of the fund.
pub fn fund() -> Address {
    Address::module(FUND)
}

/// Account of the fund that stands behind `market`: the one fund, as no market is isolated.
pub fn fund_of(_market: MarketId) -> Address {
    fund()
}

/// What the fund holds of the collateral `denom`; never negative (I1).
pub fn balance(state: &dyn Read, denom: &Denom) -> QuoteQuantums {
    match i128::try_from(bank::balance(state, &fund(), denom)) {
        Ok(amount) => QuoteQuantums::new(amount),
        Err(_) => fault("the insurance fund holds more than 2^127"),
    }
}

/// What went in and out since the start.
pub fn totals(state: &dyn Read) -> Totals {
    TOTALS.get(state).unwrap_or_default()
}
