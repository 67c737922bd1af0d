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

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use num::{mul_pow10, Price, Round};
use perpetuals::Terms;
use sha2::{Digest, Sha256};
use store::{Read, State};
use subaccounts::{Risk, Side, Subaccount};
use types::{MarketId, SubaccountId};

use crate::shelf::Shelves;

/// Values are counted in 10^-18 of a quote quantum per base quantum.
pub(crate) const SCALE: i128 = 1_000_000_000_000_000_000;

/// [`SCALE`] as a power of ten.
const SCALE_DIGITS: i32 = 18;

/// A whole in ppm of ppm.
const WHOLE: i128 = 1_000_000_000_000;

/// Accounts read at a time while the index is built.
const PAGE: usize = 1_000;

/// Accounts for which room is made at least.
const SMALLEST: usize = 64;

/// A side of a market.
pub(crate) type Slot = (MarketId, Side);

/// Where an account is filed: the number of a shelf, and the threshold there in units of the shelf.
pub(crate) type Filed = (u32, i32);

/// An account as it was filed.
#[derive(Clone, Debug)]
struct Entry {
    id: SubaccountId,
    /// 128 bits of a digest of the account.
    digest: [u8; 16],
    /// Nowhere when it has to be looked at every time.
    filed: Box<[Filed]>,
}

/// The index. Bring it up to date with [`Watch::refresh`] after everything in a block that changes accounts,
/// prices, funding or margins, and before the block ends.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Numbers of entries.
    accounts: BTreeMap<SubaccountId, u32>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    shelves: Shelves,
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

impl Watch {
    /// The index of all accounts. Reads every account.
    pub fn rebuild(state: &dyn Read) -> Self {
        let mut watch = Self::default();
        watch.shelves.turn(values(state), &mut Vec::new());
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
        let mut due: BTreeSet<SubaccountId> = core::mem::take(&mut self.hot);
        let mut crossed = Vec::new();
        self.shelves.turn(values(state.as_read()), &mut crossed);
        due.extend(crossed.into_iter().filter_map(|number| self.entry(number)).map(|entry| entry.id));
        for id in subaccounts::changed(state) {
            let account = subaccounts::get(state.as_read(), &id);
            let entry = self.accounts.get(&id).and_then(|number| self.entry(*number));
            if entry.is_none_or(|entry| entry.digest != digest(&account)) {
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
            .and_then(|budget| self.shelves.places(&account, budget));
        if filed.is_none() {
            self.hot.insert(*id);
        }
        if let Some(risk) = risk.filter(|risk| risk.maintenance > risk.net_collateral) {
            self.below.insert(*id, risk);
        }
        let filed = filed.unwrap_or_default();
        let number = self.free.pop().unwrap_or_else(|| {
            if self.entries.len() == self.entries.capacity() {
                // An eighth more, so that no more than that stands empty.
                self.entries.reserve_exact((self.entries.len() >> 3).max(SMALLEST));
            }
            self.entries.push(None);
            u32::try_from(self.entries.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        self.shelves.file(number, &filed);
        let entry = Entry { id: *id, digest: digest(&account), filed: filed.into_boxed_slice() };
        if let Some(place) = usize::try_from(number).ok().and_then(|place| self.entries.get_mut(place)) {
            *place = Some(entry);
        }
        self.accounts.insert(*id, number);
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)?.as_ref()
    }

    /// Take an account out of everything.
    fn forget(&mut self, id: &SubaccountId) {
        self.hot.remove(id);
        self.below.remove(id);
        let Some(number) = self.accounts.remove(id) else { return };
        let place = usize::try_from(number).ok().and_then(|place| self.entries.get_mut(place));
        if let Some(entry) = place.and_then(Option::take) {
            self.shelves.strike(number, &entry.filed);
            self.free.push(number);
        }
    }
}

/// What tells one state of an account from another.
fn digest(account: &Subaccount) -> [u8; 16] {
    let bytes = borsh::to_vec(account).unwrap_or_default();
    let mut digest = [0; 16];
    digest.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    digest
}
