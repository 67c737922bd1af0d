//! What this module keeps in the store. Module byte `0x16`. The money itself is a balance of the bank.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::QuoteQuantums;
use perpetuals::Collateral;
use store::{fault, Collection, Item, Map, Read, State};
use types::{Address, Denom, MarketId};

/// Name of the module account that is the fund of all cross markets.
pub const FUND: &str = "insurance_fund";

/// Name of the module account that holds the collateral of margin accounts.
pub(crate) const POOL: &str = "subaccounts";

/// What went in and out since the start.
pub(crate) const TOTALS: Item<Totals> = Item::new([0x16, 0x00], "insurance/totals");

/// The same of the fund of each isolated market that ever moved: `market -> totals`.
pub(crate) const ISOLATED: Map<MarketId, Totals> = Map::new([0x16, 0x01], "insurance/isolated");

/// What this module keeps.
pub fn layout() -> [Collection; 2] {
    [TOTALS.collection(), ISOLATED.collection()]
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

/// What the fund of all cross markets holds of the collateral `denom`; never negative (I1).
pub fn balance(state: &dyn Read, denom: &Denom) -> QuoteQuantums {
    held(state, Collateral::Cross, denom)
}

/// What the fund that stands behind `market` holds; never negative (I1).
pub fn balance_of(state: &dyn Read, market: MarketId, denom: &Denom) -> QuoteQuantums {
    held(state, perpetuals::collateral(state, market), denom)
}

pub(crate) fn held(state: &dyn Read, of: Collateral, denom: &Denom) -> QuoteQuantums {
    match i128::try_from(bank::balance(state, &of.address(FUND), denom)) {
        Ok(amount) => QuoteQuantums::new(amount),
        Err(_) => fault("the insurance fund holds more than 2^127"),
    }
}

/// What went into the fund of all cross markets and out of it since the start.
pub fn totals(state: &dyn Read) -> Totals {
    TOTALS.get(state).unwrap_or_default()
}

/// What went into the fund that stands behind `market` and out of it since the start.
pub fn totals_of(state: &dyn Read, market: MarketId) -> Totals {
    moved(state, perpetuals::collateral(state, market))
}

pub(crate) fn moved(state: &dyn Read, of: Collateral) -> Totals {
    match of {
        Collateral::Cross => totals(state),
        Collateral::Isolated(market) => ISOLATED.get(state, &market).unwrap_or_default(),
    }
}

pub(crate) fn set_totals(state: &mut dyn State, of: Collateral, totals: &Totals) {
    match of {
        Collateral::Cross => TOTALS.set(state, totals),
        Collateral::Isolated(market) => ISOLATED.set(state, &market, totals),
    }
}

/// Every fund with its totals: the cross one, then those of isolated markets in order.
pub fn funds(state: &dyn Read) -> Vec<(Collateral, Totals)> {
    let own = perpetuals::isolated(state).into_iter().map(Collateral::Isolated);
    core::iter::once(Collateral::Cross).chain(own).map(|of| (of, moved(state, of))).collect()
}

/// The first fund that does not hold what its totals say, or less than nothing (I1, I2), with both.
pub fn unsound(state: &dyn Read, denom: &Denom) -> Option<(Collateral, Totals, QuoteQuantums)> {
    let funds = funds(state).into_iter().map(|(of, totals)| (of, totals, held(state, of, denom)));
    funds.into_iter().find(|(_, totals, held)| totals.sum() != Some(*held) || held.is_negative())
}

/// What all funds got and paid since the start.
pub fn flows(state: &dyn Read) -> (QuoteQuantums, QuoteQuantums) {
    let funds = funds(state);
    let sum = |of: fn(&Totals) -> QuoteQuantums| funds.iter().map(|(_, totals)| of(totals)).sum();
    (sum(|totals| totals.paid_in), sum(|totals| totals.paid_out))
}
