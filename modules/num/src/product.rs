//! Products and quotients of whole numbers: in 128 bits where that suffices, in 256 otherwise.
//!
//! Both ways give the same number; the second is only slower. Nothing here wraps or saturates.

use ruint::Uint;

use crate::Round;

type U256 = Uint<256, 4>;

/// `a / b`, rounded. Nothing when `b` is zero or the answer does not fit.
pub(crate) fn div(a: i128, b: i128, round: Round) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    // Multiplying back is much cheaper than a second division of 128 bits.
    if quotient.checked_mul(b)? == a {
        return Some(quotient);
    }
    let negative = (a < 0) != (b < 0);
    match (round.is_away(negative), negative) {
        (false, _) => Some(quotient),
        (true, false) => quotient.checked_add(1),
        (true, true) => quotient.checked_sub(1),
    }
}

/// All powers of ten that fit.
#[expect(clippy::indexing_slicing, reason = "computed when compiled, and refused there")]
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = 10 * powers[at - 1];
        at += 1;
    }
    powers
};

/// `10^exponent`; nothing from 10^39 on.
#[inline]
fn power(exponent: u32) -> Option<i128> {
    POWERS.get(usize::try_from(exponent).ok()?).copied()
}

fn magnitude(x: i128) -> U256 {
    U256::from(x.unsigned_abs())
}

/// The number of this sign and magnitude; nothing when it does not fit.
fn signed(negative: bool, magnitude: U256) -> Option<i128> {
    let magnitude = u128::try_from(magnitude).ok()?;
    if negative {
        0_i128.checked_sub_unsigned(magnitude)
    } else {
        i128::try_from(magnitude).ok()
    }
}

/// `numerator / denominator` with the given sign, rounded.
fn div_wide(negative: bool, numerator: U256, denominator: U256, round: Round) -> Option<i128> {
    if denominator.is_zero() {
        return None;
    }
    let (quotient, remainder) = numerator.div_rem(denominator);
    let further = !remainder.is_zero() && round.is_away(negative);
    signed(negative, quotient.checked_add(U256::from(u8::from(further)))?)
}

/// `10^exponent`; nothing from 10^78 on.
fn pow10(exponent: u32) -> Option<U256> {
    U256::from(10_u8).checked_pow(U256::from(exponent))
}

/// F6: `a * b / c` with a product of full width. Nothing when `c` is zero or the answer does not fit.
pub fn mul_div(a: i128, b: i128, c: i128, round: Round) -> Option<i128> {
    if let Some(product) = a.checked_mul(b) {
        return div(product, c, round);
    }
    let negative = (a < 0) != (b < 0);
    let product = magnitude(a).checked_mul(magnitude(b))?;
    div_wide(negative != (c < 0), product, magnitude(c), round)
}

/// F7: `x * 10^exponent`; rounds only when the exponent is negative. Nothing when the answer does not fit.
pub fn mul_pow10(x: i128, exponent: i32, round: Round) -> Option<i128> {
    match power(exponent.unsigned_abs()) {
        Some(factor) if exponent >= 0 => x.checked_mul(factor),
        Some(divisor) => div(x, divisor, round),
        None if x == 0 => Some(0),
        None if exponent > 0 => None,
        // The divisor, 10^39 or more, exceeds any x: only the direction is left.
        None if round.is_away(x < 0) => Some(x.signum()),
        None => Some(0),
    }
}

/// `a * b * 10^exponent`; rounds only when the exponent is negative. Nothing when the answer does not fit.
pub(crate) fn mul_mul_pow10(a: i128, b: i128, exponent: i32, round: Round) -> Option<i128> {
    if let Some(product) = a.checked_mul(b) {
        return mul_pow10(product, exponent, round);
    }
    if exponent >= 0 {
        // Without a division the answer is no smaller than the product, which did not fit.
        return None;
    }
    // 10^77 exceeds any product of two numbers of 128 bits, so greater divisors round alike.
    let divisor = pow10(exponent.unsigned_abs().min(77))?;
    let product = magnitude(a).checked_mul(magnitude(b))?;
    div_wide((a < 0) != (b < 0), product, divisor, round)
}

/// `x * 10^exponent / divisor`, rounded once. Nothing when the divisor is zero or the answer does not fit.
pub(crate) fn mul_pow10_div(x: i128, exponent: i32, divisor: u64, round: Round) -> Option<i128> {
    if divisor == 0 {
        return None;
    }
    if x == 0 {
        return Some(0);
    }
    let factor = power(exponent.unsigned_abs());
    let divisor = i128::from(divisor);
    if exponent < 0 {
        return match factor.and_then(|factor| factor.checked_mul(divisor)) {
            Some(divisor) => div(x, divisor, round),
            // The divisor exceeds any x: only the direction is left.
            None if round.is_away(x < 0) => Some(x.signum()),
            None => Some(0),
        };
    }
    if let Some(scaled) = factor.and_then(|factor| x.checked_mul(factor)) {
        return div(scaled, divisor, round);
    }
    // Beyond 256 bits no divisor of 64 bits brings the answer back into 128.
    let scaled = magnitude(x).checked_mul(pow10(exponent.unsigned_abs())?)?;
    div_wide(x < 0, scaled, magnitude(divisor), round)
}

/// F8: the nearest multiple of `m` in the given direction. Nothing when `m` is not positive or the
/// multiple does not fit.
pub fn round_to_multiple(x: i128, m: i128, round: Round) -> Option<i128> {
    if m <= 0 {
        return None;
    }
    div(x, m, round)?.checked_mul(m)
}
