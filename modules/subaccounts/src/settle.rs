//! Funding owed into collateral: formulas F1 and F2 of the README.

use alloc::vec::Vec;

use num::{mul_div, BaseQuantums, FundingIndex, QuoteQuantums, Round};
use store::Read;
use types::MarketId;

use crate::market::Markets;
use crate::state::{Position, Subaccount};
use crate::Error;

/// Millionths of a quote quantum in one.
pub const PPM: i128 = 1_000_000;

/// An account after settlement, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// The account with every position at its market's present index.
    pub account: Subaccount,
    /// What each position paid, rounded against it; below zero was received. Positions that owed nothing are
    /// not named.
    pub paid: Vec<(MarketId, QuoteQuantums)>,
    /// What rounding left in the pool: 0 to 999,999 millionths of a quote quantum.
    pub dust: i128,
}

/// F1: what a position receives, in millionths of a quote quantum:
/// `-(index - position's index) * size`. Nothing when it does not fit 128 bits.
pub fn settlement_ppm(position: &Position, index: FundingIndex) -> Option<i128> {
    received_ppm(position.base, position.funding_index, index)
}

/// F1 of a position of this size that was settled at `settled`.
#[inline]
pub(crate) fn received_ppm(base: BaseQuantums, settled: FundingIndex, index: FundingIndex) -> Option<i128> {
    let moved = settled.checked_sub(index)?;
    match (i64::try_from(moved.raw()), i64::try_from(base.raw())) {
        // A product of two words fits.
        (Ok(moved), Ok(base)) => i128::from(moved).checked_mul(base.into()),
        _ => mul_div(moved.raw(), base.raw(), 1, Round::Trunc),
    }
}

/// F2: settle every position at the index that `index_of` names for its market, with **one** floor over the
/// sum. Nothing when a market has no index or a number does not fit.
pub fn settle(
    account: &Subaccount,
    index_of: impl Fn(MarketId) -> Option<FundingIndex>,
) -> Option<Settlement> {
    let mut settled = Settlement { account: account.clone(), ..Settlement::default() };
    let mut sum: i128 = 0;
    for (market, position) in &mut settled.account.positions {
        let index = index_of(*market)?;
        let ppm = settlement_ppm(position, index)?;
        if ppm != 0 {
            // Rounded against the account in the report; the money is rounded once, below.
            let received = mul_div(ppm, 1, PPM, Round::Floor)?;
            settled.paid.push((*market, QuoteQuantums::new(received.checked_neg()?)));
        }
        sum = sum.checked_add(ppm)?;
        position.funding_index = index;
    }
    let whole = mul_div(sum, 1, PPM, Round::Floor)?;
    settled.dust = sum.checked_rem_euclid(PPM)?;
    settled.account.quote = settled.account.quote.checked_add(QuoteQuantums::new(whole))?;
    Some(settled)
}

/// `account` with all funding settled at the present indexes. State does not change.
pub fn settled(state: &dyn Read, account: &Subaccount) -> Result<Subaccount, Error> {
    let markets = Markets::of(state, account.positions.iter().map(|(market, _)| *market))?;
    markets.settle(account).map(|settlement| settlement.account)
}
