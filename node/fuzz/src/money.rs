//! Formulas of money against exact fractions.

use funding::formulas;
use num::{BaseQuantums, Ppm, Price, QuoteQuantums, Ratio, SignedPpm, Subticks};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use perpetuals::margin;

use crate::input::Input;

/// Numbers: a width, then bytes.
pub(crate) fn numbers() -> Vec<Vec<u8>> {
    (0..10_u8)
        .map(|at| (0..90).map(|byte: u8| byte.wrapping_mul(at.wrapping_mul(29).wrapping_add(3))).collect())
        .collect()
}

pub(crate) fn big(value: impl Into<BigInt>) -> BigRational {
    BigRational::from_integer(value.into())
}

pub(crate) fn pow10(exponent: i32) -> BigRational {
    let power = big(BigInt::from(10).pow(exponent.unsigned_abs()));
    if exponent < 0 {
        power.recip()
    } else {
        power
    }
}

pub(crate) fn million() -> BigRational {
    big(1_000_000)
}

/// What fits 128 bits.
pub(crate) fn whole(value: &BigRational) -> Option<i128> {
    value.to_integer().to_i128()
}

fn raw(value: Option<QuoteQuantums>) -> Option<i128> {
    value.map(|value| value.raw())
}

/// Worth, margin and cost of a position, its share of open interest, and what a rate may be.
pub(crate) fn margin_vs_rational(data: &[u8]) {
    let mut input = Input(data);
    let (base, price, exponent) = (input.i128(), input.amount(), input.within(40));
    let exact = big(base) * big(price) * pow10(exponent);
    let notional = margin::notional(BaseQuantums::new(base), Price::new(price), exponent);
    assert_eq!(raw(notional), whole(&exact.trunc()), "notional of {base} at {price} e{exponent}");
    let cost = num::fill_quote(BaseQuantums::new(base), Subticks::new(price), exponent);
    assert_eq!(raw(cost), whole(&exact.abs().floor()), "cost of {base} at {price} e{exponent}");

    let worth = input.i128();
    let sized = num::quote_to_base(QuoteQuantums::new(worth), Price::new(price), exponent);
    let exact = (price > 0).then(|| big(worth) * pow10(-exponent) / big(price));
    let expected = exact.and_then(|exact| whole(&exact.trunc()));
    assert_eq!(sized.map(|base| base.raw()), expected, "base for {worth} at {price} e{exponent}");

    let (initial, fraction) = (input.u32() % 1_000_001, input.u32() % 1_000_001);
    shares(input.i128(), initial, fraction);
    let (lower, upper, open) = (input.amount(), input.amount(), input.amount());
    scaled(initial, lower.into(), upper.into(), open.into());
    let factor = input.u32();
    let share = (big(initial) * big(fraction) / million()).floor();
    let rate = (big(factor) * (big(initial) - share) / million()).floor().to_integer().to_u64();
    assert_eq!(Some(margin::max_rate(Ppm::new(initial), Ppm::new(fraction), Ppm::new(factor))), rate);
}

fn shares(notional: i128, initial: u32, fraction: u32) {
    // Nothing is owed beyond 128 bits, and the least number has no counterpart above zero.
    let notional = notional.max(-i128::MAX);
    let exact = (big(notional).abs() * big(initial) / million()).ceil();
    let (first, second) = (Ppm::new(initial), Ppm::new(fraction));
    assert_eq!(raw(margin::share_of(QuoteQuantums::new(notional), first)), whole(&exact), "initial margin");
    let kept = (exact * big(fraction) / million()).ceil();
    let maintenance = margin::maintenance_margin(QuoteQuantums::new(notional), first, second);
    assert_eq!(raw(maintenance), whole(&kept), "maintenance margin of {notional}");
}

fn scaled(initial: u32, lower: i128, upper: i128, open: i128) {
    if upper < lower {
        return;
    }
    let quote = QuoteQuantums::new;
    let caps = margin::Caps { lower: quote(lower), upper: quote(upper) };
    let expected = if upper == 0 || open <= lower {
        big(initial)
    } else if open >= upper {
        million()
    } else {
        (big(initial) + big(1_000_000 - initial) * big(open - lower) / big(upper - lower)).floor()
    };
    let answer = margin::scaled_initial_ppm(Ppm::new(initial), caps, quote(open));
    assert_eq!(answer.map(|share| share.raw()), expected.to_integer().to_u32(), "scaled initial margin");
}

/// Premium, samples, average, rate, and what a rate adds to the index.
pub(crate) fn funding_vs_rational(data: &[u8]) {
    let mut input = Input(data);
    premium(&mut input);
    let count = usize::from(input.u8() % 20);
    let premiums: Vec<i32> = (0..count).map(|_| input.u32().cast_signed()).collect();
    let expected = u32::from(input.u8() % 20);
    assert_eq!(formulas::sample(premiums.clone(), expected).raw(), median(premiums, expected));

    let (sum, count) = (input.u64().cast_signed() >> 12, u32::from(input.u16()));
    let most = count.max(expected);
    let mean = (most > 0).then(|| sum / i64::from(most));
    if mean.is_some() {
        assert_eq!(formulas::average(sum, count, expected), mean, "the average of {sum} over {most}");
    }
    let (default, bound) = (input.u32().cast_signed(), input.amount());
    let rate = formulas::rate(mean.unwrap_or_default(), SignedPpm::new(default), bound);
    let within = i128::from(mean.unwrap_or_default()) + i128::from(default);
    let within = within.clamp(-i128::from(bound), i128::from(bound));
    assert_eq!(rate.map(|rate| rate.raw()), i32::try_from(within).ok(), "the rate");

    let (rate, seconds, price, exponent) = (default, input.u32(), input.amount(), input.within(20));
    let delta = formulas::index_delta(SignedPpm::new(rate), seconds, Price::new(price), exponent);
    let charged = (big(rate) * big(seconds) * big(price) * pow10(exponent)).trunc();
    if whole(&charged).is_some() {
        let exact = (charged / big(28_800)).trunc();
        assert_eq!(
            delta.map(|delta| delta.raw()),
            whole(&exact),
            "{rate} ppm, {seconds} s, {price} e{exponent}"
        );
    }
}

/// Away from zero between the two in the middle.
fn median(mut premiums: Vec<i32>, expected: u32) -> i32 {
    while premiums.len() < usize::try_from(expected).unwrap_or_default() {
        premiums.push(0);
    }
    premiums.sort_unstable();
    let middle = premiums.len() / 2;
    match premiums.len() {
        0 => 0,
        length if length % 2 == 1 => premiums[middle],
        _ => {
            let sum = big(premiums[middle - 1]) + big(premiums[middle]);
            let half = sum / big(2);
            let away = if half.is_negative() { half.floor() } else { half.ceil() };
            away.to_integer().to_i32().unwrap_or_default()
        }
    }
}

fn premium(input: &mut Input<'_>) {
    let mut impact = || {
        let (there, numerator, denominator) = (input.u8() % 4, input.amount(), input.amount().max(1));
        (there > 0).then_some((numerator, denominator))
    };
    let (bid, ask) = (impact(), impact());
    let (price, exponent) = (input.amount(), input.within(20));
    let ratio = |side: (u64, u64)| Ratio::new(i128::from(side.0), i128::from(side.1));
    let exact = |side: (u64, u64)| big(side.0) / big(side.1);
    let oracle = big(price) * pow10(exponent);
    let Some(ours) = formulas::in_subticks(Price::new(price), exponent, 0) else {
        panic!("no price in subticks of {price} e{exponent}");
    };
    let premium = formulas::premium(bid.and_then(ratio), ask.and_then(ratio), ours);
    if oracle.is_zero() {
        return;
    }
    let beyond = bid.map(exact).filter(|bid| oracle < *bid).or(ask.map(exact).filter(|ask| oracle > *ask));
    let rate = beyond.map_or_else(BigRational::zero, |impact| impact / oracle - BigRational::one());
    let expected = whole(&(rate * million()).trunc());
    assert_eq!(premium, expected, "premium");
}
