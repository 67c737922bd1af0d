//! Signed integers of 512 bits.

use num::Wide;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;

use crate::model::{any_number, any_round, any_wide, big, config, fits_512, rounded};

/// The model's answer where its magnitude fits 512 bits.
fn bounded(x: BigInt) -> Option<BigInt> {
    fits_512(&x).then_some(x)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_number_of_128_bits_survives_the_way_there_and_back(x in any_number()) {
        prop_assert_eq!(Wide::from(x).to_i128(), Some(x));
        prop_assert_eq!(big(Wide::from(x)), BigInt::from(x));
    }

    #[test]
    fn sums_and_differences_are_exact_or_nothing((a, x) in any_wide(), (b, y) in any_wide()) {
        prop_assert_eq!(a.add(b).map(big), bounded(&x + &y));
        prop_assert_eq!(a.sub(b).map(big), bounded(&x - &y));
    }

    #[test]
    fn products_are_exact_or_nothing((a, x) in any_wide(), (b, y) in any_wide()) {
        prop_assert_eq!(a.mul(b).map(big), bounded(&x * &y));
    }

    #[test]
    fn quotients_are_exact_quotients_rounded(
        (a, x) in any_wide(), (b, y) in any_wide(), round in any_round(),
    ) {
        let expected = (!y.is_zero())
            .then(|| rounded(&BigRational::new(x, y), round));
        prop_assert_eq!(a.div(b, round).map(big), expected);
    }

    #[test]
    fn signs_order_and_narrowing_are_those_of_the_number((a, x) in any_wide(), (b, y) in any_wide()) {
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a == b, x == y);
        prop_assert_eq!(a.cmp(&a), core::cmp::Ordering::Equal);
        prop_assert_eq!((a.is_negative(), a.is_zero()), (x.is_negative(), x.is_zero()));
        prop_assert_eq!(a.to_i128(), i128::try_from(&x).ok());
        prop_assert_eq!(big(a.abs()), x.abs());
        prop_assert_eq!(big(a.neg()), -x);
    }
}
