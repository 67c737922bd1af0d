//! Shares of amounts, and the operators of amounts.

use num::{ppm_mul, BaseQuantums, Ppm, QuoteQuantums, SignedPpm};
use num_bigint::BigInt;
use num_traits::Signed;
use proptest::prelude::*;

use crate::model::{any_number, any_round, config, narrow, rounded, whole};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_share_is_the_exact_share_rounded(x in any_number(), share in any::<u32>(), round in any_round()) {
        let expected = narrow(&(whole(x) * whole(share) / whole(1_000_000)), round);
        let answer = Ppm::new(share).of(QuoteQuantums::new(x), round);
        prop_assert_eq!(answer.map(QuoteQuantums::raw), expected);
    }

    #[test]
    fn a_signed_share_is_the_exact_share_rounded(
        x in any_number(), share in any::<i32>(), round in any_round(),
    ) {
        let expected = narrow(&(whole(x) * whole(share) / whole(1_000_000)), round);
        let answer = SignedPpm::new(share).of(QuoteQuantums::new(x), round);
        prop_assert_eq!(answer.map(QuoteQuantums::raw), expected);
    }

    #[test]
    fn a_share_of_a_share_is_the_exact_product_rounded(
        a in any::<u32>(), b in any::<u32>(), round in any_round(),
    ) {
        let expected = u32::try_from(rounded(&(whole(a) * whole(b) / whole(1_000_000)), round)).ok();
        prop_assert_eq!(ppm_mul(Ppm::new(a), Ppm::new(b), round).map(Ppm::raw), expected);
    }

    #[test]
    fn checked_sums_and_differences_are_exact_or_nothing(a in any_number(), b in any_number()) {
        let (x, y) = (BaseQuantums::new(a), BaseQuantums::new(b));
        let sum = i128::try_from(BigInt::from(a) + b).ok();
        prop_assert_eq!(x.checked_add(y).map(BaseQuantums::raw), sum);
        let difference = i128::try_from(BigInt::from(a) - b).ok();
        prop_assert_eq!(x.checked_sub(y).map(BaseQuantums::raw), difference);
    }

    #[test]
    fn operators_of_bounded_amounts_are_exact(a in any_number(), b in any_number()) {
        let within = |x: i128| BigInt::from(x).abs() <= BigInt::from(1_u128 << 80);
        let amounts = (QuoteQuantums::bounded(a), QuoteQuantums::bounded(b));
        prop_assert_eq!((amounts.0.is_some(), amounts.1.is_some()), (within(a), within(b)));
        if let (Some(x), Some(y)) = amounts {
            prop_assert_eq!(BigInt::from((x + y).raw()), BigInt::from(a) + b);
            prop_assert_eq!(BigInt::from((x - y).raw()), BigInt::from(a) - b);
            prop_assert_eq!(BigInt::from((-x).raw()), -BigInt::from(a));
            prop_assert_eq!(BigInt::from(x.abs().raw()), BigInt::from(a).abs());
            prop_assert_eq!(i128::from(x.signum()), a.signum());
            prop_assert_eq!([x, y, x].into_iter().sum::<QuoteQuantums>(), x + y + x);
        }
    }
}
