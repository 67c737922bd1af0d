//! The slow, plain second opinion, and where cases come from.

use num::{Ratio, Round, Wide};
use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{Pow, Signed};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// How each property is run.
pub(crate) fn config() -> Config {
    Config { cases: 10_000, failure_persistence: None, ..Config::default() }
}

pub(crate) fn whole(x: impl Into<BigInt>) -> BigRational {
    BigRational::from_integer(x.into())
}

pub(crate) fn ten_to(exponent: i32) -> BigRational {
    let power = whole(Pow::pow(BigInt::from(10), exponent.unsigned_abs()));
    if exponent < 0 {
        power.recip()
    } else {
        power
    }
}

pub(crate) fn rounded(x: &BigRational, round: Round) -> BigInt {
    match round {
        Round::Floor => x.floor().to_integer(),
        Round::Ceil => x.ceil().to_integer(),
        Round::Trunc => x.trunc().to_integer(),
    }
}

/// The rounded number where it fits 128 bits.
pub(crate) fn narrow(x: &BigRational, round: Round) -> Option<i128> {
    i128::try_from(rounded(x, round)).ok()
}

/// Whether a magnitude fits 512 bits.
pub(crate) fn fits_512(x: &BigInt) -> bool {
    x.abs().bits() <= 512
}

/// The decimal text is the only thing the two sides have in common.
pub(crate) fn big(x: Wide) -> BigInt {
    x.to_string().parse().expect("decimal")
}

pub(crate) fn big_ratio(x: Ratio) -> BigRational {
    BigRational::new(big(x.numerator()), big(x.denominator()))
}

pub(crate) fn any_round() -> impl Strategy<Value = Round> {
    prop_oneof![Just(Round::Floor), Just(Round::Ceil), Just(Round::Trunc)]
}

/// All widths alike (so that both short and long ways are taken), both signs, and the edges.
pub(crate) fn any_number() -> impl Strategy<Value = i128> {
    prop_oneof![
        8 => (any::<i128>(), 0_u32..128).prop_map(|(x, shift)| x >> shift),
        1 => prop::sample::select(vec![
            i128::MIN,
            i128::MIN + 1,
            i128::from(i64::MIN),
            -1,
            0,
            1,
            i128::from(u64::MAX),
            1 << 80,
            i128::MAX - 1,
            i128::MAX,
        ]),
    ]
}

pub(crate) fn any_price() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => (any::<u64>(), 0_u32..64).prop_map(|(x, shift)| x >> shift),
        1 => prop::sample::select(vec![0, 1, u64::MAX]),
    ]
}

/// Exponents of real markets most of the time; far beyond them otherwise.
pub(crate) fn any_exponent() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -20_i32..=20, 1 => -90_i32..=90]
}

/// One to four digits of 128 bits: any signed number of up to 512 bits, with the same number as a model.
pub(crate) fn any_wide() -> impl Strategy<Value = (Wide, BigInt)> {
    let digit = prop_oneof![4 => any::<u128>(), 1 => Just(0), 1 => Just(1), 1 => Just(u128::MAX)];
    (prop::collection::vec(digit, 1..=4), 0_u32..128, any::<bool>()).prop_map(
        |(mut digits, shift, negative)| {
            digits[0] >>= shift;
            let base = Wide::from(u128::MAX).add(Wide::from(1_i128)).expect("2^128");
            let mut wide = Wide::ZERO;
            let mut bytes = Vec::new();
            for digit in digits {
                wide = wide.mul(base).and_then(|x| x.add(Wide::from(digit))).expect("512 bits");
                bytes.extend(digit.to_be_bytes());
            }
            let model = BigInt::from_bytes_be(Sign::Plus, &bytes);
            if negative {
                (wide.neg(), -model)
            } else {
                (wide, model)
            }
        },
    )
}

/// The same without zero.
pub(crate) fn any_divisor() -> impl Strategy<Value = (Wide, BigInt)> {
    any_wide().prop_map(|(wide, model)| if wide.is_zero() { (Wide::ONE, 1.into()) } else { (wide, model) })
}

/// A fraction of two numbers of 128 bits, with the same number as a model.
pub(crate) fn any_ratio() -> impl Strategy<Value = (Ratio, BigRational)> {
    (any_number(), any_number().prop_filter("a denominator", |d| *d != 0)).prop_map(|(n, d)| {
        let model = BigRational::new(n.into(), d.into());
        (Ratio::new(n, d).expect("the denominator is not zero"), model)
    })
}
