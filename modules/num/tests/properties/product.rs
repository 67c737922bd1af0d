//! Products and quotients of 128 bits.

use num::{mul_div, mul_pow10, round_to_multiple};
use proptest::prelude::*;

use crate::model::{any_exponent, any_number, any_round, config, narrow, rounded, ten_to, whole};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn mul_div_is_the_exact_quotient_rounded(
        a in any_number(), b in any_number(), c in any_number(), round in any_round(),
    ) {
        let expected = (c != 0).then(|| whole(a) * whole(b) / whole(c)).and_then(|x| narrow(&x, round));
        prop_assert_eq!(mul_div(a, b, c, round), expected);
    }

    #[test]
    fn a_product_beyond_128_bits_divides_exactly(
        a in any::<i128>(), b in any::<i128>(), shift in 0_u32..4, round in any_round(),
    ) {
        // The divisor is about as great as a factor, so the answer mostly fits.
        let c = (a >> shift) | 1;
        prop_assert_eq!(mul_div(a, b, c, round), narrow(&(whole(a) * whole(b) / whole(c)), round));
    }

    #[test]
    fn mul_pow10_is_the_exact_product_rounded(
        x in any_number(), exponent in any_exponent(), round in any_round(),
    ) {
        prop_assert_eq!(mul_pow10(x, exponent, round), narrow(&(whole(x) * ten_to(exponent)), round));
    }

    #[test]
    fn a_rounded_number_is_the_nearest_multiple(x in any_number(), m in any_number(), round in any_round()) {
        let expected = (m > 0)
            .then(|| rounded(&(whole(x) / whole(m)), round) * m)
            .and_then(|multiple| i128::try_from(multiple).ok());
        prop_assert_eq!(round_to_multiple(x, m, round), expected);
    }
}
