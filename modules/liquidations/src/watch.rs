//! Which accounts are below their maintenance margin, without looking at all of them.
//!
//! A base quantum held long is worth `V = p * (1 - m) - F`, held short `W = -p * (1 + m) + F`, net of the
//! maintenance margin `m` it needs and of the funding `F` it has paid; an account's health moves by its sizes
//! times what these values move. When an account is looked at, its health is dealt out to its positions as an
//! allowance each, and the account is filed under `value - allowance` in every market it has a position in. As
//! long as no value falls below the account's threshold there, the account is healthy: no other account needs
//! to be looked at. The argument with all roundings is in the README (I1).
//!
//! The index lives in memory only and may differ between nodes; the set of accounts it answers may not.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use num::{mul_pow10, Price, Ratio, Round, Wide};
use perpetuals::Terms;
use store::{Read, State};
use subaccounts::{Risk, Side, Subaccount};
use types::{MarketId, SubaccountId};

/// Values are counted in 10^-18 of a quote quantum per base quantum.
const SCALE: i128 = 1_000_000_000_000_000_000;

/// [`SCALE`] as a power of ten.
const SCALE_DIGITS: i32 = 18;

/// A whole in ppm of ppm.
const WHOLE: i128 = 1_000_000_000_000;

/// Accounts read at a time while the index is built.
const PAGE: usize = 1_000;

/// A side of a market.
type Slot = (MarketId, Side);

/// An account as it was filed.
#[derive(Clone, Debug)]
struct Entry {
    account: Subaccount,
    /// Where it is filed; nowhere when it has to be looked at every time.
    filed: Vec<(Slot, i128)>,
}

/// The index. Bring it up to date with [`Watch::refresh`] after everything in a block that changes accounts,
/// prices, funding or margins, and before the block ends.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    accounts: BTreeMap<SubaccountId, Entry>,
    /// Accounts by the value below which they have to be looked at.
    thresholds: BTreeMap<Slot, BTreeSet<(i128, SubaccountId)>>,
    /// Values at the last refresh; nothing where a value does not fit.
    values: BTreeMap<Slot, Option<i128>>,
    /// Accounts that are looked at every time: too near their margin for any allowance.
    hot: BTreeSet<SubaccountId>,
    /// Accounts below their maintenance margin.
    below: BTreeMap<SubaccountId, Risk>,
}

/// `10^18 * (p * 10^exponent * (1 -+ m) -+ funding)`, rounded down: what a base quantum on this side is worth
/// net of its maintenance margin and of the funding it has paid since the market began.
fn value(terms: &Terms, price: Price, side: Side) -> Option<i128> {
    let margin = i128::from(terms.tier.initial_margin.raw())
        .checked_mul(i128::from(terms.tier.maintenance_fraction.raw()))?;
    // Funding is kept in millionths.
    let funding = mul_pow10(terms.funding_index.raw(), SCALE_DIGITS.checked_sub(6)?, Round::Floor)?;
    let (kept, funding) = match side {
        Side::Long => (WHOLE.checked_sub(margin)?, funding.checked_neg()?),
        Side::Short => (WHOLE.checked_add(margin)?.checked_neg()?, funding),
    };
    let product = i128::from(price.raw()).checked_mul(kept)?;
    let exponent = terms.exponent.checked_add(SCALE_DIGITS)?.checked_sub(12)?;
    mul_pow10(product, exponent, Round::Floor)?.checked_add(funding)
}

/// Values of all markets with a price, on both sides.
fn values(state: &dyn Read) -> BTreeMap<Slot, Option<i128>> {
    let mut values = BTreeMap::new();
    for perpetual in perpetuals::all(state) {
        let market = perpetual.market;
        let known = perpetuals::terms(state, market).ok().zip(prices::price(state, market));
        for side in [Side::Long, Side::Short] {
            let value = known.as_ref().and_then(|(terms, price)| value(terms, price.price, side));
            values.insert((market, side), value);
        }
    }
    values
}

/// Health that is dealt out: what is left of it after all roundings that two looks at an account with this many
/// positions can differ by. Nothing when nothing is left.
fn budget(risk: &Risk, positions: usize) -> Option<i128> {
    let health = risk.net_collateral.checked_sub(risk.maintenance)?;
    let slack = i128::try_from(positions).ok()?.checked_mul(5)?.checked_add(1)?;
    health.raw().checked_sub(slack).filter(|left| *left > 0)
}

/// Where an account with this budget is filed: allowances in proportion to value, so that every market may move
/// against it by the same fraction. Nothing when an allowance is too small to be counted.
fn file(
    account: &Subaccount,
    budget: i128,
    values: &BTreeMap<Slot, Option<i128>>,
) -> Option<Vec<(Slot, i128)>> {
    let mut at = Vec::with_capacity(account.positions.len());
    let mut sum = Wide::ZERO;
    for (market, position) in &account.positions {
        let slot = (*market, Side::of(position.base)?);
        let value = values.get(&slot).copied()??;
        let worth = Wide::from(position.base.abs().raw()).mul(Wide::from(value.checked_abs()?))?;
        sum = sum.add(worth)?;
        at.push((slot, value));
    }
    let total = Wide::from(budget).mul(Wide::from(SCALE))?;
    for (_, value) in &mut at {
        let part = total.mul(Wide::from(value.checked_abs()?))?;
        let allowance = Ratio::new(part, sum)?.to_integer(Round::Floor)?;
        // The value itself was rounded down: one unit of the allowance is that.
        *value = value.checked_sub(allowance.checked_sub(1).filter(|kept| *kept >= 0)?)?;
    }
    Some(at)
}

impl Watch {
    /// The index of all accounts. Reads every account.
    pub fn rebuild(state: &dyn Read) -> Self {
        let mut watch = Self { values: values(state), ..Self::default() };
        let mut from: Option<SubaccountId> = None;
        loop {
            let rows = subaccounts::page(state, from.as_ref(), PAGE);
            let full = rows.len() >= PAGE;
            from = rows.last().map(|(id, _)| *id);
            for (id, account) in rows {
                watch.look(state, &id, account);
            }
            if !full {
                return watch;
            }
        }
    }

    /// Bring the index up to date with the block so far: accounts that were written, accounts whose thresholds
    /// were crossed, and those near their margin. Returns how many were looked at. Doing it twice changes
    /// nothing.
    pub fn refresh(&mut self, state: &dyn State) -> usize {
        self.values = values(state.as_read());
        let mut due: BTreeSet<SubaccountId> = core::mem::take(&mut self.hot);
        for (slot, filed) in &mut self.thresholds {
            match self.values.get(slot).copied().flatten() {
                // Every threshold above the value; ids of a threshold equal to it stay.
                Some(value) => {
                    while let Some((threshold, id)) = filed.last().copied().filter(|(at, _)| *at > value) {
                        filed.remove(&(threshold, id));
                        due.insert(id);
                    }
                }
                None => due.extend(core::mem::take(filed).into_iter().map(|(_, id)| id)),
            }
        }
        for id in subaccounts::changed(state) {
            let account = subaccounts::get(state.as_read(), &id);
            let same = self.accounts.get(&id).is_some_and(|entry| entry.account == account);
            if !same {
                due.insert(id);
            }
        }
        for id in &due {
            let account = subaccounts::get(state.as_read(), id);
            self.look(state.as_read(), id, account);
        }
        due.len()
    }

    /// Accounts whose maintenance margin is above their worth, in order of id: exactly these, as of the last
    /// refresh.
    pub fn below(&self) -> &BTreeMap<SubaccountId, Risk> {
        &self.below
    }

    /// How many accounts have positions.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether no account has a position.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// How many accounts are looked at every time.
    pub fn hot(&self) -> usize {
        self.hot.len()
    }

    /// Judge an account exactly and file it anew.
    fn look(&mut self, state: &dyn Read, id: &SubaccountId, account: Subaccount) {
        self.forget(id);
        if account.positions.is_empty() {
            return;
        }
        // An account that cannot be judged (no terms, no price) is not below anything; try again next time.
        let risk = subaccounts::risk(state, &account).ok();
        let filed = risk
            .as_ref()
            .and_then(|risk| budget(risk, account.positions.len()))
            .and_then(|budget| file(&account, budget, &self.values));
        match &filed {
            None => {
                self.hot.insert(*id);
            }
            Some(filed) => {
                for (slot, threshold) in filed {
                    self.thresholds.entry(*slot).or_default().insert((*threshold, *id));
                }
            }
        }
        if let Some(risk) = risk.filter(|risk| risk.maintenance > risk.net_collateral) {
            self.below.insert(*id, risk);
        }
        self.accounts.insert(*id, Entry { account, filed: filed.unwrap_or_default() });
    }

    /// Take an account out of everything.
    fn forget(&mut self, id: &SubaccountId) {
        self.hot.remove(id);
        self.below.remove(id);
        let Some(entry) = self.accounts.remove(id) else { return };
        for (slot, threshold) in entry.filed {
            if let Some(filed) = self.thresholds.get_mut(&slot) {
                filed.remove(&(threshold, *id));
            }
        }
    }
}
