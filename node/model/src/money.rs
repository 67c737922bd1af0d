//! Whole numbers without bounds, and the three ways to round a quotient.

pub use num_bigint::BigInt as Int;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// An exact fraction.
pub type Fraction = BigRational;

pub fn int(value: impl Into<Int>) -> Int {
    value.into()
}

/// Toward negative infinity.
pub fn floor(a: &Int, b: &Int) -> Int {
    let quotient = a / b;
    if (a % b).is_zero() || (a.is_negative() == b.is_negative()) {
        quotient
    } else {
        quotient - 1
    }
}

/// Toward positive infinity.
pub fn ceil(a: &Int, b: &Int) -> Int {
    -floor(&-a, b)
}

pub fn power_of_ten(exponent: u32) -> Int {
    int(10).pow(exponent)
}

/// `n * 10^exponent` as a numerator and a denominator.
pub fn scaled(n: Int, exponent: i32) -> (Int, Int) {
    let power = power_of_ten(exponent.unsigned_abs());
    if exponent < 0 {
        (n, power)
    } else {
        (n * power, Int::one())
    }
}

pub fn million() -> Int {
    int(1_000_000)
}

/// A share in millionths, rounded up.
pub fn share_up(amount: &Int, ppm: i64) -> Int {
    ceil(&(amount * ppm), &million())
}

/// The fraction rounded down.
pub fn fraction(a: Int, b: Int) -> Fraction {
    Fraction::new(a, b)
}
