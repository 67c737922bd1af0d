//! The ends of every range, zero divisors, exponents beyond reason, and the bytes of stored numbers.

use num::{
    fill_quote, mean_i64_trunc, median_i32, mul_div, mul_pow10, oracle_value, ppm_mul, quote_to_base,
    round_to_multiple, BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, Ratio, Round, SignedPpm,
    Subticks, Wide,
};

const ROUNDS: [Round; 3] = [Round::Floor, Round::Ceil, Round::Trunc];
const MIN: i128 = i128::MIN;
const MAX: i128 = i128::MAX;

fn ratio(numerator: i128, denominator: i128) -> Option<Ratio> {
    Ratio::new(numerator, denominator)
}

#[test]
fn division_by_zero_is_nothing() {
    for round in ROUNDS {
        for x in [0, 1, MIN, MAX] {
            assert_eq!(mul_div(x, 1, 0, round), None);
            assert_eq!(mul_div(x, MAX, 0, round), None);
            assert_eq!(Wide::from(x).div(Wide::ZERO, round), None);
            assert_eq!(round_to_multiple(x, 0, round), None);
            assert_eq!(round_to_multiple(x, -5, round), None);
            assert_eq!(ratio(x, 0), None);
            assert_eq!(quote_to_base(QuoteQuantums::new(x), Price::new(0), 0), None);
        }
    }
    assert_eq!(ratio(1, 1).and_then(|one| one.div(Ratio::default())), None);
    assert_eq!(mean_i64_trunc(1, 0), None);
    assert_eq!(median_i32(&mut []), None);
}

#[test]
fn products_at_the_ends_of_128_bits_are_exact_or_nothing() {
    for round in ROUNDS {
        let rows = [
            (MIN, 1, 1, Some(MIN)),
            (MIN, 1, -1, None),
            (MIN, -1, 1, None),
            (MIN, -1, -1, Some(MIN)),
            (MAX, 1, -1, Some(-MAX)),
            (MIN, MIN, MIN, Some(MIN)),
            (MIN, MAX, MAX, Some(MIN)),
            (MIN, MAX, MIN, Some(MAX)),
            (MAX, MAX, MAX, Some(MAX)),
            (MIN, MIN, MAX, None),
            (MAX, 2, 1, None),
            (MAX, 2, 2, Some(MAX)),
            (0, MIN, -1, Some(0)),
        ];
        for (a, b, c, expected) in rows {
            assert_eq!(mul_div(a, b, c, round), expected, "{a} * {b} / {c} {round:?}");
        }
    }
}

#[test]
fn a_direction_holds_on_both_sides_of_zero() {
    let rows = [
        (7, 2, [3, 4, 3]),
        (-7, 2, [-4, -3, -3]),
        (7, -2, [-4, -3, -3]),
        (-7, -2, [3, 4, 3]),
        (1, MAX, [0, 1, 0]),
        (-1, MAX, [-1, 0, 0]),
        (6, -2, [-3, -3, -3]),
    ];
    for (a, c, expected) in rows {
        assert_eq!(ROUNDS.map(|round| mul_div(a, 1, c, round)), expected.map(Some), "{a} / {c}");
        // The same quotient with a product that takes the long way.
        let ratio = Ratio::new(
            Wide::from(a).mul(Wide::from(MAX)).unwrap(),
            Wide::from(c).mul(Wide::from(MAX)).unwrap(),
        );
        assert_eq!(ROUNDS.map(|round| ratio.unwrap().to_integer(round)), expected.map(Some), "{a} / {c}");
    }
}

#[test]
fn exponents_beyond_reason_leave_only_a_direction() {
    for exponent in [-39, -77, -78, -400, i32::MIN] {
        assert_eq!(ROUNDS.map(|round| mul_pow10(MAX, exponent, round)), [Some(0), Some(1), Some(0)]);
        assert_eq!(ROUNDS.map(|round| mul_pow10(MIN, exponent, round)), [Some(-1), Some(0), Some(0)]);
    }
    for exponent in [39, 78, 400, i32::MAX] {
        assert_eq!(ROUNDS.map(|round| mul_pow10(1, exponent, round)), [None; 3]);
        assert_eq!(ROUNDS.map(|round| mul_pow10(0, exponent, round)), [Some(0); 3]);
    }
    let (great, price) = (BaseQuantums::new(MAX), u64::MAX);
    for exponent in [-78, -155, -400, i32::MIN] {
        assert_eq!(fill_quote(great, Subticks::new(price), exponent), Some(QuoteQuantums::ZERO));
        assert_eq!(oracle_value(great, Price::new(price), exponent), Some(QuoteQuantums::ZERO));
    }
    for exponent in [1, 78, 400, i32::MAX] {
        assert_eq!(fill_quote(great, Subticks::new(price), exponent), None);
        assert_eq!(oracle_value(great, Price::new(price), exponent), None);
        assert_eq!(oracle_value(BaseQuantums::ZERO, Price::new(price), exponent), Some(QuoteQuantums::ZERO));
        assert_eq!(oracle_value(great, Price::new(0), exponent), Some(QuoteQuantums::ZERO));
    }
    for exponent in [59, 78, 400, i32::MAX] {
        let base = quote_to_base(QuoteQuantums::new(MAX), Price::new(1), exponent);
        assert_eq!(base, Some(BaseQuantums::ZERO));
        assert_eq!(quote_to_base(QuoteQuantums::new(1), Price::new(price), -exponent), None);
        assert_eq!(
            quote_to_base(QuoteQuantums::ZERO, Price::new(price), -exponent),
            Some(BaseQuantums::ZERO)
        );
    }
}

#[test]
fn the_least_number_has_a_cost_where_its_magnitude_does_not_fit() {
    let least = BaseQuantums::new(MIN);
    assert_eq!(fill_quote(least, Subticks::new(1), 0), None);
    assert_eq!(fill_quote(least, Subticks::new(0), 0), Some(QuoteQuantums::ZERO));
    let tenth = QuoteQuantums::new(17_014_118_346_046_923_173_168_730_371_588_410_572);
    assert_eq!(fill_quote(least, Subticks::new(1), -1), Some(tenth));
    assert_eq!(oracle_value(least, Price::new(1), 0), Some(QuoteQuantums::new(MIN)));
    assert_eq!(quote_to_base(QuoteQuantums::new(MIN), Price::new(1), 0), Some(least));
    assert_eq!(quote_to_base(QuoteQuantums::new(MIN), Price::new(1), -1), None);
}

#[test]
fn multiples_at_the_ends_fit_or_are_nothing() {
    assert_eq!(round_to_multiple(MAX, 2, Round::Floor), Some(MAX - 1));
    assert_eq!(round_to_multiple(MAX, 2, Round::Ceil), None);
    assert_eq!(round_to_multiple(MIN, 2, Round::Floor), Some(MIN));
    assert_eq!(round_to_multiple(MIN, 3, Round::Floor), None);
    assert_eq!(ROUNDS.map(|round| round_to_multiple(-7, 5, round)), [Some(-10), Some(-5), Some(-5)]);
}

#[test]
fn shares_at_the_ends_fit_or_are_nothing() {
    let (least, most) = (QuoteQuantums::new(MIN), QuoteQuantums::new(MAX));
    for round in ROUNDS {
        assert_eq!(Ppm::ONE.of(least, round), Some(least));
        assert_eq!(Ppm::ONE.of(most, round), Some(most));
        assert_eq!(Ppm::new(1_000_001).of(most, round), None);
        assert_eq!(SignedPpm::new(-1_000_000).of(least, round), None);
        assert_eq!(SignedPpm::new(-1_000_000).of(most, round), Some(QuoteQuantums::new(-MAX)));
        assert_eq!(ppm_mul(Ppm::new(u32::MAX), Ppm::ONE, round), Some(Ppm::new(u32::MAX)));
        assert_eq!(ppm_mul(Ppm::new(u32::MAX), Ppm::new(1_000_001), round), None);
    }
    // A rebate rounds against the one who receives it: up, which is toward zero.
    assert_eq!(SignedPpm::new(-110).of(QuoteQuantums::new(5_001), Round::Ceil), Some(QuoteQuantums::ZERO));
}

#[test]
fn amounts_from_outside_are_bounded_on_both_sides() {
    let bound = 1 << 80;
    assert_eq!(BaseQuantums::bounded(bound), Some(BaseQuantums::new(bound)));
    assert_eq!(BaseQuantums::bounded(-bound), Some(BaseQuantums::new(-bound)));
    for beyond in [bound + 1, -bound - 1, MAX, MIN] {
        assert_eq!(QuoteQuantums::bounded(beyond), None);
        assert_eq!(FundingIndex::bounded(beyond), None);
    }
}

#[test]
#[should_panic(expected = "overflow")]
fn a_sum_beyond_128_bits_is_a_fault() {
    let _ = BaseQuantums::new(MAX) + BaseQuantums::new(1);
}

#[test]
#[should_panic(expected = "overflow")]
fn a_difference_beyond_128_bits_is_a_fault() {
    let _ = QuoteQuantums::new(MIN) - QuoteQuantums::new(1);
}

#[test]
#[should_panic(expected = "overflow")]
fn the_magnitude_of_the_least_number_is_a_fault() {
    let _ = FundingIndex::new(MIN).abs();
}

#[test]
fn wide_numbers_end_at_512_bits() {
    let half = Wide::from(1_i128 << 126).mul(Wide::from(4_i128)).unwrap();
    let quarter = half.mul(half).unwrap();
    let top = quarter.mul(half).and_then(|x| x.mul(Wide::from(1_i128 << 126))).unwrap();
    let top = top.mul(Wide::from(2_i128)).unwrap();
    let rest = top.sub(Wide::ONE).unwrap();
    let most = top.add(rest).unwrap();
    assert_eq!(most.add(Wide::ONE), None);
    assert_eq!(most.neg().sub(Wide::ONE), None);
    assert_eq!(top.mul(Wide::from(2_i128)), None);
    assert_eq!(most.sub(most), Some(Wide::ZERO));
    assert!(!Wide::ZERO.neg().is_negative());
    assert!(Wide::pow10(154).is_some());
    assert_eq!(Wide::pow10(155), None);
    assert_eq!(Wide::pow10(u32::MAX), None);
    assert_eq!(Wide::pow10(0), Some(Wide::ONE));
}

#[test]
fn medians_and_means_at_the_ends_are_exact() {
    assert_eq!(median_i32(&mut [i32::MIN, i32::MIN]), Some(i32::MIN));
    assert_eq!(median_i32(&mut [i32::MAX, i32::MAX]), Some(i32::MAX));
    assert_eq!(median_i32(&mut [i32::MAX, i32::MIN]), Some(-1));
    assert_eq!(median_i32(&mut [3]), Some(3));
    assert_eq!(mean_i64_trunc(i64::MIN, -1), None);
    assert_eq!(mean_i64_trunc(-7, 2), Some(-3));
}

#[test]
fn stored_numbers_are_fixed_little_endian_bytes() {
    let bytes = borsh::to_vec(&QuoteQuantums::new(-2)).unwrap();
    let mut expected = vec![0xff; 16];
    expected[0] = 0xfe;
    assert_eq!(bytes, expected);
    assert_eq!(borsh::from_slice::<QuoteQuantums>(&bytes).unwrap(), QuoteQuantums::new(-2));
    assert_eq!(borsh::to_vec(&Price::new(258)).unwrap(), [2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(borsh::to_vec(&Ppm::ONE).unwrap(), [0x40, 0x42, 0x0f, 0]);
    assert!(borsh::from_slice::<Subticks>(&[1, 2, 3]).is_err());
}

#[test]
fn numbers_read_as_plain_decimals() {
    assert_eq!(BaseQuantums::new(-15).to_string(), "-15");
    assert_eq!(SignedPpm::new(-7).to_string(), "-7");
    assert_eq!(Wide::from(MIN).to_string(), MIN.to_string());
    assert_eq!(ratio(3, -6).unwrap().to_string(), "-3/6");
}
