//! The formulas against known answers.

#![cfg(test)]

use funding::formulas::{average, clamped, in_subticks, index_delta, premium, rate, sample};
use num::{FundingIndex, Ppm, Price, Ratio, SignedPpm};
use perpetuals::margin::max_rate;

const RATE_CLAMP: Ppm = Ppm::new(6_000_000);

fn ratio(over: i128, under: i128) -> Option<Ratio> {
    Ratio::new(over, under)
}

#[test]
fn index_deltas_multiply_before_they_truncate() {
    for (id, price, exponent, rate, seconds, expected) in [
        ("F1", 1_000, -6, 1_001_999, 28_800, 1_001),
        ("F1 negative", 1_000, -6, -1_001_999, 28_800, -1_001),
        ("F3", 1_000, 0, -1_001_999, 3_600, -125_249_875),
        ("V-DX8", 1_000, 4, -1_001_999, 14_400, -5_009_995_000_000),
        ("F7", 5_000_000_000, -9, 1_000, 3_600, 625),
        ("F7 negative", 5_000_000_000, -9, -1_000, 3_600, -625),
        ("F9", 5_000_000_000, -9, 2_000, 3_600, 1_250),
        ("F9 clamped", 5_000_000_000, -9, 120_000, 3_600, 75_000),
        ("F11 ETH", 3_000_000_000, -9, 1_000, 3_600, 375),
        ("F13", 5_000_000_000, 1, 6_000_000, 3_600, 37_500_000_000_000_000),
        ("F17", 2_700_000_000, -9, 1_430, 3_600, 482),
    ] {
        let delta = index_delta(SignedPpm::new(rate), seconds, Price::new(price), exponent);
        assert_eq!(delta, Some(FundingIndex::new(expected)), "{id}");
    }
}

#[test]
fn rates_average_all_samples_of_the_period_and_keep_their_bound() {
    let tier = |initial, fraction| max_rate(Ppm::new(initial), Ppm::new(fraction), RATE_CLAMP);
    let (plain, narrow, widest) = (tier(1_000_000, 750_000), tier(200_000, 900_000), tier(1_000_000, 0));
    for (id, sum, count, default, bound, expected) in [
        ("F7", 60_000, 60, 0, plain, 1_000),
        ("F7 negative", -60_000, 60, 0, plain, -1_000),
        ("F9 clamped", 60 * 150_000, 60, 0, narrow, 120_000),
        ("F9 clamped below", -60 * 150_000, 60, 0, narrow, -120_000),
        ("F9 at the bound", 60 * 120_000, 60, 0, narrow, 120_000),
        ("F13 default", 60_000, 60, 1_000, plain, 2_000),
        ("F13 more samples than expected", 75 * 1_000 + 25 * 5_000, 100, 0, plain, 2_000),
        ("F13 largest", 60 * i64::from(i32::MAX), 60, 0, widest, 6_000_000),
        ("F13 no samples", 0, 0, -1_000, plain, -1_000),
        ("padded with zeros", 30_000, 30, 0, plain, 500),
        ("toward zero", -119, 1, 0, plain, -1),
        ("no room", 60_000, 60, 500, 0, 0),
    ] {
        let premium = average(sum, count, 60).unwrap();
        assert_eq!(rate(premium, SignedPpm::new(default), bound), Some(SignedPpm::new(expected)), "{id}");
    }
    assert_eq!((plain, narrow, widest), (1_500_000, 120_000, 6_000_000));
}

#[test]
fn f15_a_sample_is_the_median_of_what_was_measured_and_of_zeros() {
    for (id, premiums, expected, median) in [
        ("F15: nothing", vec![], 4, 0),
        ("F15: one of four", vec![1_000], 4, 0),
        ("F15: two of four", vec![-5, -10], 4, -3),
        ("F15: three of four", vec![200, -100, 100], 4, 50),
        ("F15: four of six", vec![-5, -10, 2, -1], 6, -1),
        ("F15: five of six", vec![200, -100, 100, 30, 40], 6, 35),
        ("one of one", vec![1_000], 1, 1_000),
        ("more than expected", vec![1, 2, 9], 1, 2),
        ("away from zero", vec![2, 3], 2, 3),
        ("away from zero, below", vec![-2, -3], 2, -3),
        ("the largest", vec![i32::MAX, i32::MAX], 2, i32::MAX),
        ("the smallest", vec![i32::MIN, i32::MIN], 2, i32::MIN),
    ] {
        assert_eq!(sample(premiums, expected), SignedPpm::new(median), "{id}");
    }
}

#[test]
fn premiums_measure_the_impact_price_beyond_the_oracle_price() {
    // In dollars times 100.
    let at = |cents: i128| ratio(cents, 100);
    for (id, bid, ask, oracle, bound, expected) in [
        ("P1", at(999_900), at(1_000_100), 1_000_000, 1_000_000, 0),
        ("P3", at(999_900), at(1_000_170), 1_000_300, 1_000_000, -129),
        ("P5", at(999_990), at(1_000_100), 999_750, 1_000_000, 240),
        ("P7 low", at(999_990), at(1_000_100), 600_000, 100_000, 100_000),
        ("P7 high", at(999_990), at(1_000_100), 1_500_000, 100_000, -100_000),
        ("P9", None, at(1_000_010), 1_000_100, 100_000, -89),
        ("P9 no bid", None, at(1_000_010), 900_000, 100_000, 0),
        ("no ask", at(1_000_000), None, 2_000_000, 100_000, 0),
        ("no book", None, None, 1_000_000, 100_000, 0),
        ("at the bid", at(1_000_000), at(1_000_100), 1_000_000, 100_000, 0),
        ("F17", at(2_800_000), at(2_800_500), 2_796_000, 1_000_000, 1_430),
    ] {
        let ppm = premium(bid, ask, at(oracle).unwrap()).unwrap();
        assert_eq!(clamped(ppm, bound), Some(SignedPpm::new(expected)), "{id}");
    }
    assert_eq!(premium(at(1), at(2), at(0).unwrap()), None);
}

#[test]
fn what_does_not_fit_32_bits_is_no_rate_and_no_fault() {
    let large = u64::try_from(i32::MAX).unwrap();
    assert_eq!(clamped(i128::MAX, large), Some(SignedPpm::new(i32::MAX)));
    assert_eq!(clamped(i128::MIN, large), Some(SignedPpm::new(-i32::MAX)));
    assert_eq!(clamped(i128::MAX, u64::MAX), None);
    assert_eq!(rate(i64::MAX, SignedPpm::new(i32::MAX), u64::MAX), None);
    assert_eq!(average(i64::MAX, 0, 0), None, "no samples of none expected");
    assert_eq!(index_delta(SignedPpm::new(i32::MAX), u32::MAX, Price::new(u64::MAX), 30), None);
}

#[test]
fn an_oracle_price_in_subticks_is_exact() {
    // BTC with atomic resolution -10: $50,000 at exponent -5 and subticks of 10^-8 quote per base quantum.
    let price = in_subticks(Price::new(5_000_000_000), -9, -8).unwrap();
    assert_eq!(price.compare(&ratio(500_000_000, 1).unwrap()), Some(core::cmp::Ordering::Equal));
    let odd = in_subticks(Price::new(5_000_000_007), -9, -8).unwrap();
    assert_eq!(odd.compare(&ratio(5_000_000_007, 10).unwrap()), Some(core::cmp::Ordering::Equal));
    let up = in_subticks(Price::new(7), 0, -2).unwrap();
    assert_eq!(up.compare(&ratio(700, 1).unwrap()), Some(core::cmp::Ordering::Equal));
}
