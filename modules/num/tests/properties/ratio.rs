//! Exact fractions.

use num::{Ratio, Wide};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;

use crate::model::{
    any_divisor, any_number, any_ratio, any_round, any_wide, big, big_ratio, config, fits_512, narrow, whole,
};

fn parts(ratio: Ratio) -> [BigInt; 2] {
    [big(ratio.numerator()), big(ratio.denominator())]
}

/// Numerator and denominator where both fit.
fn bounded(parts: [BigInt; 2]) -> Option<[BigInt; 2]> {
    parts.iter().all(fits_512).then_some(parts)
}

/// The same for a sum, whose terms must fit too.
fn bounded_sum(terms: &[BigInt; 2], sum: BigInt, denominator: BigInt) -> Option<[BigInt; 2]> {
    bounded([sum, denominator]).filter(|_| terms.iter().all(fits_512))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_fraction_keeps_its_value_and_a_positive_denominator(n in any_number(), d in any_number()) {
        let ratio = Ratio::new(n, d);
        prop_assert_eq!(ratio.is_none(), d == 0);
        if let Some(ratio) = ratio {
            prop_assert!(ratio.denominator() > Wide::ZERO);
            prop_assert_eq!(big_ratio(ratio), BigRational::new(n.into(), d.into()));
        }
    }

    #[test]
    fn the_four_operations_are_exact((a, x) in any_ratio(), (b, y) in any_ratio()) {
        // Four numbers of 128 bits never outgrow 512, so there is always an answer but for division by zero.
        prop_assert_eq!(a.add(b).map(big_ratio), Some(&x + &y));
        prop_assert_eq!(a.sub(b).map(big_ratio), Some(&x - &y));
        prop_assert_eq!(a.mul(b).map(big_ratio), Some(&x * &y));
        let quotient = (!y.is_zero()).then(|| &x / &y);
        prop_assert_eq!(a.div(b).map(big_ratio), quotient);
    }

    #[test]
    fn operations_on_long_fractions_are_exact_or_nothing(
        (n, x) in any_wide(), (d, y) in any_divisor(), (b, _) in any_ratio(),
    ) {
        let a = Ratio::new(n, d).expect("the denominator is not zero");
        let (x, y) = if y.is_negative() { (-x, -y) } else { (x, y) };
        let (z, w) = (big(b.numerator()), big(b.denominator()));
        let cross = [&x * &w, &z * &y];
        prop_assert_eq!(a.mul(b).map(parts), bounded([&x * &z, &y * &w]));
        prop_assert_eq!(a.add(b).map(parts), bounded_sum(&cross, &cross[0] + &cross[1], &y * &w));
        prop_assert_eq!(a.sub(b).map(parts), bounded_sum(&cross, &cross[0] - &cross[1], &y * &w));
        if z.is_zero() {
            prop_assert_eq!(a.div(b), None);
        } else {
            let sign = z.signum();
            prop_assert_eq!(a.div(b).map(parts), bounded([&cross[0] * &sign, &cross[1] * &sign]));
        }
    }

    #[test]
    fn fractions_are_ordered_by_value_at_any_width(
        (a, x) in any_wide(), (b, y) in any_divisor(), (c, z) in any_wide(), (d, w) in any_divisor(),
    ) {
        let left = Ratio::new(a, b).expect("the denominator is not zero");
        let right = Ratio::new(c, d).expect("the denominator is not zero");
        let expected = BigRational::new(x, y).cmp(&BigRational::new(z, w));
        prop_assert_eq!(left.cmp(&right), expected);
        prop_assert_eq!(left.compare(&right), Some(expected));
        prop_assert_eq!(left == right, expected.is_eq());
    }

    #[test]
    fn a_fraction_expanded_is_the_same_fraction((a, _) in any_ratio(), k in any_number()) {
        prop_assume!(k != 0);
        let k = Wide::from(k);
        let expanded = a.numerator().mul(k).zip(a.denominator().mul(k)).and_then(|(n, d)| Ratio::new(n, d));
        prop_assert_eq!(expanded, Some(a));
    }

    #[test]
    fn a_fraction_rounds_as_its_exact_value((a, x) in any_ratio(), by in 1_i128.., round in any_round()) {
        prop_assert_eq!(a.to_integer(round), narrow(&x, round));
        let small = a.div(Ratio::new(by, 1_i128).expect("one")).expect("512 bits");
        prop_assert_eq!(small.to_integer(round), narrow(&(x / whole(by)), round));
        prop_assert!(fits_512(big_ratio(small).numer()));
    }
}
