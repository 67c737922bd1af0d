//! The arithmetic vectors of the trading rules, by their ids.

use num::{
    fill_quote, median_i32, oracle_value, ppm_mul, quote_to_base, BaseQuantums, Ppm, Price, QuoteQuantums,
    Ratio, Round, Subticks, Wide,
};

/// From the price exponent and the atomic resolution to the exponent of a conversion.
fn value(base: i128, resolution: i32, price: u64, exponent: i32) -> Option<i128> {
    let exponent = exponent.checked_add(resolution)?.checked_add(6)?;
    oracle_value(BaseQuantums::new(base), Price::new(price), exponent).map(QuoteQuantums::raw)
}

fn size(quote: i128, resolution: i32, price: u64, exponent: i32) -> Option<i128> {
    let exponent = exponent.checked_add(resolution)?.checked_add(6)?;
    quote_to_base(QuoteQuantums::new(quote), Price::new(price), exponent).map(BaseQuantums::raw)
}

#[test]
fn a1_base_is_worth_its_price() {
    let rows = [
        (1, -6, 1, 1, 10),
        (-100, -6, 1, 1, -1_000),
        (5_000_000, -6, 7, -5, 350),
        (5_000_000, -6, 7, 0, 35_000_000),
        (5_000_000, -8, 7, 0, 350_000),
        (5_000_000, -4, 7, 1, 35_000_000_000),
    ];
    for (base, resolution, price, exponent, expected) in rows {
        assert_eq!(value(base, resolution, price, exponent), Some(expected), "{base} {resolution} {price}");
    }
}

#[test]
fn a3_the_greatest_unsigned_size_is_worth_twice_itself_at_price_two() {
    assert_eq!(value(u64::MAX.into(), -6, 2, 0), Some(36_893_488_147_419_103_230));
    let fill = fill_quote(BaseQuantums::new(u64::MAX.into()), Subticks::new(2), 0);
    assert_eq!(fill.map(QuoteQuantums::raw), Some(36_893_488_147_419_103_230));
}

#[test]
fn a5_quote_buys_whole_quantums_toward_zero() {
    assert_eq!(size(99, -6, 1, 1), Some(9));
    assert_eq!(size(-99, -6, 1, 1), Some(-9));
}

#[test]
fn a7_a_median_between_two_middles_goes_away_from_zero() {
    let rows = [
        ([5, 12, 1, 3, 12, 50], 9),
        ([-5, -12, -1, -3, -12, -50], -9),
        ([-12, 20, 100, -9, 0, -50], -5),
        ([-12, 5, 100, -10, 20, -50], -3),
        ([-12, 2, 100, -9, 20, -50], -4),
    ];
    for (mut values, expected) in rows {
        assert_eq!(median_i32(&mut values), Some(expected), "{values:?}");
    }
}

fn ratio(numerator: i128, denominator: i128) -> Option<Ratio> {
    Ratio::new(numerator, denominator)
}

/// Average price of a walk, in subticks: `quote / base / 10^qce`.
fn average(quote: i128, base: i128, qce: i32) -> Option<Ratio> {
    let power = Wide::pow10(qce.unsigned_abs())?;
    let (over, under) = if qce < 0 { (power, Wide::ONE) } else { (Wide::ONE, power) };
    Ratio::new(quote, base)?.mul(Ratio::new(over, under)?)
}

#[test]
fn a9_an_average_price_is_an_exact_fraction() {
    assert_eq!(average(10, 1, 1), ratio(1, 1));
    assert_eq!(average(500_000, 1_000, -4), ratio(5_000_000, 1));
    assert_eq!(average(24_001_111, 5_000_000, -2), ratio(24_001_111, 50_000));
    assert_ne!(average(24_001_111, 5_000_000, -2), ratio(24_001_112, 50_000));
}

#[test]
fn m1_maintenance_is_a_share_of_the_initial_margin_fraction() {
    for (initial, fraction, expected) in
        [(150_000, 800_000, 120_000), (450_000, 770_000, 346_500), (637_239, 289_284, 184_343)]
    {
        let maintenance = ppm_mul(Ppm::new(initial), Ppm::new(fraction), Round::Floor);
        assert_eq!(maintenance, Some(Ppm::new(expected)), "{initial} {fraction}");
    }
}

#[test]
fn m3_initial_margin_rounds_up() {
    for (share, notional, expected) in
        [(200_000, 500_000, 100_000), (100_000, 1, 1), (567_243, 123_456, 70_030)]
    {
        let margin = Ppm::new(share).of(QuoteQuantums::new(notional), Round::Ceil);
        assert_eq!(margin, Some(QuoteQuantums::new(expected)), "{share} ppm of {notional}");
    }
}

#[test]
fn m9_the_greatest_size_at_the_greatest_price_needs_exact_margin() {
    let notional = value(u64::MAX.into(), -6, u64::MAX, -1).map(QuoteQuantums::new).unwrap();
    let initial = Ppm::new(100).of(notional, Round::Ceil).unwrap();
    assert_eq!(initial.raw(), 3_402_823_669_209_384_634_264_811_192_843_492);
    assert_eq!(Ppm::ONE.of(initial, Round::Ceil), Some(initial));
}

#[test]
fn m11_a_value_truncates_toward_zero_on_both_sides() {
    for (base, expected) in [(1_000_000_000_000, 123_456_789), (-1_000_000_000_000, -123_456_789)] {
        assert_eq!(value(base, -16, 123_456_789_123, -5), Some(expected));
    }
}
