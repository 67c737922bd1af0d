//! Medians and means of samples.

use crate::{mul_div, Round};

/// F9: the middle value; sorts. An even count averages its two middles, rounding away from zero. Nothing
/// for an empty list.
pub fn median_i32(values: &mut [i32]) -> Option<i32> {
    values.sort_unstable();
    let upper = values.len().checked_shr(1)?;
    let high = *values.get(upper)?;
    if values.len() & 1 == 1 {
        return Some(high);
    }
    let low = *values.get(upper.checked_sub(1)?)?;
    let sum = i128::from(low).checked_add(high.into())?;
    let away = if sum < 0 { Round::Floor } else { Round::Ceil };
    i32::try_from(mul_div(sum, 1, 2, away)?).ok()
}

/// F10: `sum / n`, toward zero; nothing when `n` is zero.
pub fn mean_i64_trunc(sum: i64, n: i64) -> Option<i64> {
    i64::try_from(mul_div(sum.into(), 1, n.into(), Round::Trunc)?).ok()
}
