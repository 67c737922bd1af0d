//! The numbers of an account, funding settled: formulas F1 to F6 of the README.

use alloc::vec::Vec;

use num::{mul_div, BaseQuantums, Ppm, Price, QuoteQuantums, Round};
use perpetuals::margin::share_of;
use perpetuals::{Margin, Terms};
use store::Read;
use subaccounts::{Accounts, Ledger, Risk, Subaccount};
use types::{MarketId, SubaccountId};

use crate::threshold::liquidation_price;
use crate::Error;

/// One million: all of it, in ppm.
const WHOLE: i128 = 1_000_000;

/// A position and its part in the account. Amounts in quote quantums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// Which market.
    pub market: MarketId,
    /// Its size; below zero is short.
    pub base: BaseQuantums,
    /// Oracle price that everything here is counted at, whatever its age.
    pub price: Price,
    /// F1: what one coin of it cost on average, in the unit of oracle prices; against the holder: up for a long
    /// position, down for a short one. The largest price when it is larger.
    pub entry: Price,
    /// What was paid for it, fees aside; below zero was received.
    pub cost: QuoteQuantums,
    /// What it is worth and requires.
    pub margin: Margin,
    /// F2: worth less cost.
    pub unrealised: QuoteQuantums,
    /// What it has brought in since it was opened, funding up to now included.
    pub ledger: Ledger,
    /// Initial margin share that counts: the market's at its open interest, or the larger one the account set.
    pub initial_share: Ppm,
    /// F6: oracle price of this market at which the account may be liquidated, if no other price moves; nothing
    /// when no price does that.
    pub liquidation_price: Option<Price>,
}

/// An account with its funding settled. Amounts in quote quantums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its collateral; below zero is debt against its positions.
    pub collateral: QuoteQuantums,
    /// What it is worth and must be worth.
    pub risk: Risk,
    /// Worth of all positions, longs and shorts alike.
    pub gross: QuoteQuantums,
    /// F3: worth less initial margin; below zero it lacks that.
    pub free: QuoteQuantums,
    /// F4: what may leave, if money may leave at all.
    pub withdrawable: QuoteQuantums,
    /// Its positions, in order of market.
    pub positions: Vec<PositionView>,
}

impl AccountView {
    /// F5: maintenance margin per worth in ppm, rounded up: from 1,000,001 on it is liquidated. Nothing when it is
    /// worth nothing and needs some, or when the number does not fit.
    pub fn margin_ratio(&self) -> Option<u64> {
        share(self.risk.maintenance, self.risk.net_collateral)
    }

    /// F5: worth of all positions per worth in ppm, rounded up. Nothing as for the margin ratio.
    pub fn leverage(&self) -> Option<u64> {
        share(self.gross, self.risk.net_collateral)
    }
}

fn share(part: QuoteQuantums, whole: QuoteQuantums) -> Option<u64> {
    if part.is_zero() {
        return Some(0);
    }
    if !whole.is_positive() {
        return None;
    }
    u64::try_from(mul_div(part.raw(), WHOLE, whole.raw(), Round::Ceil)?).ok()
}

/// The account in `state` as it stands at the latest oracle prices; one that is not there holds nothing. Refused
/// when a market of its positions has no price or a number does not fit.
pub fn view(state: &dyn Read, id: &SubaccountId) -> Result<AccountView, Error> {
    of(state, &Accounts::some(state, &[*id]), id)
}

/// The account as it stands in `accounts`.
pub(crate) fn of(state: &dyn Read, accounts: &Accounts, id: &SubaccountId) -> Result<AccountView, Error> {
    let settled = accounts.settled(id)?;
    let risk = accounts.risk(id)?;
    let free = risk.net_collateral.checked_sub(risk.initial).ok_or(Error::OutOfRange)?;
    let mut view = AccountView {
        collateral: settled.quote,
        risk,
        gross: QuoteQuantums::ZERO,
        free,
        withdrawable: QuoteQuantums::ZERO,
        positions: Vec::with_capacity(settled.positions.len()),
    };
    for (market, margin, owed) in accounts.margins(id)? {
        let seen = position(state, accounts, (id, &settled, &risk), (market, margin, owed))?;
        view.gross = view.gross.checked_add(margin.notional.abs()).ok_or(Error::OutOfRange)?;
        view.positions.push(seen);
    }
    view.withdrawable = withdrawable(state, &view).ok_or(Error::OutOfRange)?;
    Ok(view)
}

/// F4: what is left above the larger of initial margin and withdrawal margin.
fn withdrawable(state: &dyn Read, view: &AccountView) -> Option<QuoteQuantums> {
    let least = share_of(view.gross, perpetuals::module_params(state).withdrawal_margin)?;
    let left = view.risk.net_collateral.checked_sub(view.risk.initial.max(least))?;
    Some(left.max(QuoteQuantums::ZERO))
}

fn position(
    state: &dyn Read,
    accounts: &Accounts,
    (id, settled, risk): (&SubaccountId, &Subaccount, &Risk),
    (market, margin, owed): (MarketId, Margin, QuoteQuantums),
) -> Result<PositionView, Error> {
    let mut terms = perpetuals::terms(state, market)?;
    if let Some(open) = accounts.open_interest(market) {
        terms.open_interest = open;
    }
    let held = settled.position(market).unwrap_or_default();
    let price = accounts.oracle(market).map(|oracle| oracle.price).unwrap_or_default();
    let custom = accounts.leverage(id).iter().find(|(of, _)| *of == market).map(|(_, share)| *share);
    let mut ledger = held.ledger;
    ledger.funding = ledger.funding.checked_add(owed).ok_or(Error::OutOfRange)?;
    Ok(PositionView {
        market,
        base: held.base,
        price,
        entry: entry(&terms, held.base, held.cost),
        cost: held.cost,
        margin,
        unrealised: margin.notional.checked_sub(held.cost).ok_or(Error::OutOfRange)?,
        ledger,
        initial_share: terms.initial_ppm(price)?.max(custom.unwrap_or_default()),
        liquidation_price: liquidation_price(&terms, risk, (held.base, &margin))?,
    })
}

/// F1: cost per base quantum as an oracle price.
fn entry(terms: &Terms, base: BaseQuantums, cost: QuoteQuantums) -> Price {
    let round = if base.is_negative() { Round::Floor } else { Round::Ceil };
    // A position that closed at a profit beyond its cost has none that a price could say.
    let cost = if base.is_negative() { -cost } else { cost }.max(QuoteQuantums::ZERO);
    let exact = || {
        let cost = num::Ratio::new(cost.raw(), base.abs().raw())?;
        let unit = num::Wide::pow10(terms.exponent.unsigned_abs())?;
        let one = num::Wide::from(1_i128);
        let unit = if terms.exponent < 0 { num::Ratio::new(unit, one) } else { num::Ratio::new(one, unit) };
        cost.mul(unit?)?.to_integer(round)
    };
    Price::new(exact().and_then(|price| u64::try_from(price).ok()).unwrap_or(u64::MAX))
}
