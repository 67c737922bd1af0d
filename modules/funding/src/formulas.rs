//! All arithmetic of funding. Nothing here reads state.

use alloc::vec::Vec;
use core::cmp::Ordering;

use num::{
    mean_i64_trunc, median_i32, mul_div, mul_pow10, FundingIndex, Price, Ratio, Round, SignedPpm, Wide,
};

/// Seconds that a funding rate is quoted for: eight hours.
pub const RATE_SECONDS: i128 = 28_800;

const MILLION: i128 = 1_000_000;

/// F1: how far the book is from the oracle price, in ppm toward zero: zero while the oracle price lies between
/// the two impact prices, else `impact / oracle - 1` of the nearer one. A side without enough liquidity
/// (`None`) has no premium. All three are in one unit. Nothing when the oracle price is zero or the prices are
/// too large to compare.
pub fn premium(bid: Option<Ratio>, ask: Option<Ratio>, oracle: Ratio) -> Option<i128> {
    let beyond = |side: Option<Ratio>, wrong: Ordering| match side {
        Some(impact) => Some((oracle.compare(&impact)? == wrong).then_some(impact)),
        None => Some(None),
    };
    let (below_bid, above_ask) = (beyond(bid, Ordering::Less)?, beyond(ask, Ordering::Greater)?);
    let Some(impact) = below_bid.or(above_ask) else { return Some(0) };
    impact.sub(oracle)?.div(oracle)?.mul(Ratio::new(MILLION, 1_i128)?)?.to_integer(Round::Trunc)
}

/// F2: `ppm` held within `-bound..=bound`; nothing when that is beyond 32 bits.
pub fn clamped(ppm: i128, bound: u64) -> Option<SignedPpm> {
    let bound = i128::from(bound);
    i32::try_from(ppm.clamp(bound.saturating_neg(), bound)).ok().map(SignedPpm::new)
}

/// F7: a sample of the premiums that were measured, in ppm: their median, away from zero between two, where
/// measurements that are missing from `expected` count as zero. Zero for none.
pub fn sample(mut premiums: Vec<i32>, expected: u32) -> SignedPpm {
    let expected = usize::try_from(expected).unwrap_or(usize::MAX);
    premiums.resize(premiums.len().max(expected), 0);
    SignedPpm::new(median_i32(&mut premiums).unwrap_or_default())
}

/// F3: average premium, in ppm toward zero, over at least `expected` samples: missing ones count as zero.
pub fn average(sum: i64, count: u32, expected: u32) -> Option<i64> {
    mean_i64_trunc(sum, i64::from(count.max(expected)))
}

/// F4: the rate for eight hours, in ppm: average premium plus default rate, within the bound.
pub fn rate(average: i64, default: SignedPpm, bound: u64) -> Option<SignedPpm> {
    clamped(i128::from(average).checked_add(i128::from(default.raw()))?, bound)
}

/// F5: what `seconds` at `rate` add to the funding index:
/// `trunc(trunc(rate * seconds * price * 10^exponent) / 28,800)`. `exponent` turns price times base quantums
/// into quote quantums. Positive when longs pay.
pub fn index_delta(rate: SignedPpm, seconds: u32, price: Price, exponent: i32) -> Option<FundingIndex> {
    let charged =
        i128::from(rate.raw()).checked_mul(i128::from(seconds))?.checked_mul(i128::from(price.raw()))?;
    let scaled = mul_pow10(charged, exponent, Round::Trunc)?;
    mul_div(scaled, 1, RATE_SECONDS, Round::Trunc).map(FundingIndex::new)
}

/// F6: an oracle price in subticks, exactly: `price * 10^(exponent - qce)`.
pub fn in_subticks(price: Price, exponent: i32, quantum_conversion_exponent: i32) -> Option<Ratio> {
    let shift = exponent.checked_sub(quantum_conversion_exponent)?;
    let (value, power) = (Wide::from(i128::from(price.raw())), Wide::pow10(shift.unsigned_abs())?);
    if shift < 0 {
        Ratio::new(value, power)
    } else {
        Ratio::new(value.mul(power)?, 1_i128)
    }
}
