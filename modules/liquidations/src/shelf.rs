//! Thresholds of accounts, by side of a market. A threshold is kept in 32 bits, in units of its shelf, rounded up:
//! an account may be looked at a little early, never late.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use num::{Ratio, Round, Wide};
use subaccounts::{Side, Subaccount};

use crate::watch::{Filed, Slot, SCALE};

/// Bits that a value has in units of its shelf when the unit is chosen.
const BITS: u32 = 26;

/// Bits between which the value may move before another unit is chosen.
const KEPT: core::ops::RangeInclusive<u32> = 16..=30;

/// One side of a market: accounts by the value below which they have to be looked at.
#[derive(Clone, Debug, Default)]
struct Shelf {
    /// Value at the last turn; nothing where it does not fit.
    value: Option<i128>,
    /// The unit is 2^scale.
    scale: u32,
    filed: BTreeSet<(i32, u32)>,
}

fn bits(value: i128) -> u32 {
    value.unsigned_abs().checked_ilog2().map_or(0, |highest| highest.saturating_add(1))
}

impl Shelf {
    /// Its value in its units, rounded down; nothing when the unit no longer suits it.
    fn mark(&self) -> Option<i32> {
        let value = self.value?;
        let left = bits(value).saturating_sub(self.scale);
        let suits = left <= *KEPT.end() && (self.scale == 0 || left >= *KEPT.start());
        i32::try_from(value.wrapping_shr(self.scale)).ok().filter(|_| suits)
    }

    /// A threshold in its units, rounded up; nothing when that does not fit.
    fn unit(&self, threshold: i128) -> Option<i32> {
        let up = threshold.checked_neg()?.wrapping_shr(self.scale).checked_neg()?;
        // Further below than 32 bits reach is below every value that suits the unit.
        i32::try_from(up.max(i32::MIN.into())).ok()
    }

    /// Move to `value` and hand out whoever is filed above it; everyone when that cannot be told.
    fn turn(&mut self, value: Option<i128>, due: &mut Vec<u32>) {
        self.value = value;
        match self.mark() {
            // Every threshold above the value; those equal to it stay.
            Some(mark) => {
                while let Some(last) = self.filed.last().copied().filter(|(threshold, _)| *threshold > mark) {
                    self.filed.remove(&last);
                    due.push(last.1);
                }
            }
            None => {
                due.extend(core::mem::take(&mut self.filed).into_iter().map(|(_, number)| number));
                self.scale = value.map_or(0, bits).saturating_sub(BITS);
            }
        }
    }
}

/// All sides of all markets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelves {
    numbers: BTreeMap<Slot, u32>,
    rows: Vec<Shelf>,
}

impl Shelves {
    fn row(&self, number: u32) -> Option<&Shelf> {
        self.rows.get(usize::try_from(number).ok()?)
    }

    fn row_mut(&mut self, number: u32) -> Option<&mut Shelf> {
        self.rows.get_mut(usize::try_from(number).ok()?)
    }

    /// Move to these values and hand out whoever is filed above them.
    pub(crate) fn turn(&mut self, mut values: BTreeMap<Slot, Option<i128>>, due: &mut Vec<u32>) {
        for slot in values.keys() {
            let next = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            if *self.numbers.entry(*slot).or_insert(next) == next {
                self.rows.push(Shelf::default());
            }
        }
        for (slot, number) in &self.numbers {
            let row = usize::try_from(*number).ok().and_then(|number| self.rows.get_mut(number));
            if let Some(row) = row {
                row.turn(values.remove(slot).flatten(), due);
            }
        }
    }

    /// Where an account with this budget is filed: allowances in proportion to value, so that every market may
    /// move against it by the same fraction. Nothing when an allowance is too small to be counted.
    pub(crate) fn places(&self, account: &Subaccount, budget: i128) -> Option<Vec<Filed>> {
        let mut at = Vec::with_capacity(account.positions.len());
        let mut sum = Wide::ZERO;
        for (market, position) in &account.positions {
            let number = *self.numbers.get(&(*market, Side::of(position.base)?))?;
            let value = self.row(number)?.value?;
            let worth = Wide::from(position.base.abs().raw()).mul(Wide::from(value.checked_abs()?))?;
            sum = sum.add(worth)?;
            at.push((number, value));
        }
        let total = Wide::from(budget).mul(Wide::from(SCALE))?;
        let threshold = |(number, value): (u32, i128)| {
            let part = total.mul(Wide::from(value.checked_abs()?))?;
            let allowance = Ratio::new(part, sum)?.to_integer(Round::Floor)?;
            // The value itself was rounded down: one unit of the allowance is that.
            let allowance = allowance.checked_sub(1).filter(|kept| *kept >= 0)?;
            let row = self.row(number)?;
            let unit = row.unit(value.checked_sub(allowance)?)?;
            // Rounded up beyond the value, it would be looked at again before anything moves.
            let holds = row.mark().is_some_and(|mark| unit <= mark);
            holds.then_some((number, unit))
        };
        at.into_iter().map(threshold).collect()
    }

    /// File the account of this number there.
    pub(crate) fn file(&mut self, number: u32, places: &[Filed]) {
        for (shelf, threshold) in places {
            if let Some(row) = self.row_mut(*shelf) {
                row.filed.insert((*threshold, number));
            }
        }
    }

    /// Take the account of this number away from there.
    pub(crate) fn strike(&mut self, number: u32, places: &[Filed]) {
        for (shelf, threshold) in places {
            if let Some(row) = self.row_mut(*shelf) {
                row.filed.remove(&(*threshold, number));
            }
        }
    }
}
