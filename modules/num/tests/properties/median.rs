//! Medians and means.

use num::{mean_i64_trunc, median_i32, Round};
use num_traits::Signed;
use proptest::prelude::*;

use crate::model::{config, rounded, whole};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_median_is_the_middle_or_the_mean_of_the_middles_away_from_zero(
        mut values in prop::collection::vec(any::<i32>(), 0..9),
    ) {
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let middles: Vec<_> = match sorted.len() {
            0 => vec![],
            n => sorted[(n - 1) >> 1..=n >> 1].to_vec(),
        };
        let expected = match middles.as_slice() {
            [one] => Some(*one),
            [low, high] => {
                let mean = (whole(*low) + whole(*high)) / whole(2);
                let away = if mean.is_negative() { Round::Floor } else { Round::Ceil };
                i32::try_from(rounded(&mean, away)).ok()
            }
            _ => None,
        };
        prop_assert_eq!(median_i32(&mut values), expected);
    }

    #[test]
    fn a_mean_is_the_exact_mean_toward_zero(sum in any::<i64>(), n in any::<i32>(), narrow in any::<bool>()) {
        let n = if narrow { i64::from(n % 100) } else { i64::from(n) };
        let expected = (n != 0)
            .then(|| rounded(&(whole(sum) / whole(n)), Round::Trunc))
            .and_then(|mean| i64::try_from(mean).ok());
        prop_assert_eq!(mean_i64_trunc(sum, n), expected);
    }
}
