//! The margin formulas against the reference's vectors (M1 to M11) and V-DX1 to V-DX5.
#![cfg(test)]

use num::{BaseQuantums, Ppm, Price, QuoteQuantums};
use perpetuals::margin::{
    maintenance_margin, maintenance_ppm, max_rate, notional, scaled_initial_ppm, share_of, Caps,
};
use proptest::prelude::*;

fn quote(raw: i128) -> QuoteQuantums {
    QuoteQuantums::new(raw)
}

fn ppm(raw: u32) -> Ppm {
    Ppm::new(raw)
}

#[test]
fn maintenance_share_is_a_share_of_the_initial_one_rounded_down() {
    for (id, initial, fraction, expected) in [
        ("M1", 150_000, 800_000, 120_000),
        ("M1", 450_000, 770_000, 346_500),
        ("M1", 637_239, 289_284, 184_343),
        ("none", 20_000, 0, 0),
        ("whole", 1_000_000, 1_000_000, 1_000_000),
    ] {
        assert_eq!(maintenance_ppm(ppm(initial), ppm(fraction)), ppm(expected), "{id}");
    }
}

#[test]
fn initial_margin_rounds_up_and_ignores_the_side() {
    for (id, share, notional, expected) in [
        ("M3", 200_000, 500_000, 100_000),
        ("M3", 100_000, 1, 1),
        ("M3", 567_243, 123_456, 70_030),
        ("V-DX3", 271_393, 500_000, 135_697),
        ("nothing", 200_000, 0, 0),
    ] {
        assert_eq!(share_of(quote(notional), ppm(share)), Some(quote(expected)), "{id}");
        assert_eq!(share_of(quote(-notional), ppm(share)), Some(quote(expected)), "{id} short");
    }
}

#[test]
fn initial_share_grows_with_open_interest_between_the_caps() {
    let million = |n: i128| n * 1_000_000;
    for (id, base, lower, upper, open, expected) in [
        ("M5", 200_000, 1_000_000, 2_000_000, 0, 200_000),
        ("M5", 200_000, 1_000_000, 2_000_000, 1_500_000, 600_000),
        ("M5", 200_000, 1_000_000, 2_000_000, 1_234_567, 387_653),
        ("M5", 200_000, 1_000_000, 2_000_000, 1_000_000, 200_000),
        ("M5", 200_000, 1_000_000, 2_000_000, 2_000_000, 1_000_000),
        ("M5", 200_000, 1_000_000, 2_000_000, 9_000_000, 1_000_000),
        ("V-DX3", 200_000, million(25_000_000), million(60_000_000), 28_123_456_789_123, 271_393),
        ("off", 200_000, 0, 0, 9_000_000, 200_000),
        ("one step", 200_000, 1_000_000, 1_000_000, 1_000_000, 200_000),
        ("one step", 200_000, 1_000_000, 1_000_000, 1_000_001, 1_000_000),
    ] {
        let caps = Caps { lower: quote(lower), upper: quote(upper) };
        assert_eq!(scaled_initial_ppm(ppm(base), caps, quote(open)), Some(ppm(expected)), "{id} {open}");
    }
}

#[test]
fn notional_and_margins_of_a_position() {
    // price, price exponent, atomic resolution, size, initial share, fraction; initial, maintenance
    for (id, price, exponent, resolution, size, initial, fraction, expected) in [
        ("M7", 42_000_000, -2, -6, -5_000, 10_000, 500_000, (21_000_000, 10_500_000)),
        ("M7", 55_550, -1, -6, 7_000, 1_000_000, 1_000_000, (38_885_000, 38_885_000)),
        ("M7", 55_550, -1, -6, 7_000, 10_000, 1_000_000, (388_850, 388_850)),
        ("M7", 55_550, -1, -6, 7_000, 10_000, 500_000, (388_850, 194_425)),
        (
            "M9",
            u64::MAX,
            -1,
            -6,
            i128::from(u64::MAX),
            100,
            1_000_000,
            (3_402_823_669_209_384_634_264_811_192_843_492, 3_402_823_669_209_384_634_264_811_192_843_492),
        ),
    ] {
        let worth = notional(BaseQuantums::new(size), Price::new(price), exponent + resolution + 6).unwrap();
        assert_eq!(worth.signum(), BaseQuantums::new(size).signum());
        let margins = (
            share_of(worth, ppm(initial)).unwrap().raw(),
            maintenance_margin(worth, ppm(initial), ppm(fraction)).unwrap().raw(),
        );
        assert_eq!(margins, expected, "{id}");
    }
}

#[test]
fn m11_notional_goes_toward_zero_on_both_sides() {
    for (size, expected) in [(1_000_000_000_000, 123_456_789), (-1_000_000_000_000, -123_456_789)] {
        let worth = notional(BaseQuantums::new(size), Price::new(123_456_789_123), -5 - 16 + 6);
        assert_eq!(worth, Some(quote(expected)));
    }
}

#[test]
fn maintenance_margin_rounds_up_twice() {
    // 10 % of 11 is 2 after rounding up, 60 % of that is 2 again; 6 % of 11 in one step would be 1.
    for (notional, expected) in [(1, 1), (11, 2), (10, 1), (21, 2)] {
        assert_eq!(maintenance_margin(quote(notional), ppm(100_000), ppm(600_000)), Some(quote(expected)));
    }
}

#[test]
fn a_margin_that_does_not_fit_is_no_margin() {
    assert_eq!(notional(BaseQuantums::new(1 << 80), Price::new(u64::MAX), 20), None);
}

#[test]
fn the_largest_rate_is_the_room_between_the_margins() {
    for (id, initial, fraction, factor, expected) in [
        ("large-cap funding", 20_000, 600_000, 6_000_000, 48_000),
        ("large-cap premium", 20_000, 600_000, 60_000_000, 480_000),
        ("no room", 200_000, 1_000_000, 6_000_000, 0),
        ("F13, AR 0 tier 2", 1_000_000, 0, 6_000_000, 6_000_000),
        ("F9, 20 % and 18 %", 200_000, 900_000, 6_000_000, 120_000),
    ] {
        assert_eq!(max_rate(ppm(initial), ppm(fraction), ppm(factor)), expected, "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn margin_in_machine_words_is_margin_in_exact_numbers(
        base in prop_oneof![any::<i64>().prop_map(i128::from), any::<i128>(), -100_000_000_000_i128..100_000_000_000],
        price in prop_oneof![any::<u64>(), 1_u64..10_000_000_000],
        exponent in -24_i32..4,
        shares in (1_u32..=1_000_000, 0_u32..=1_000_000, 0_u32..=1_000_000),
        open in 0_i128..1_000_000_000_000_000,
        caps in (0_i128..1_000_000_000_000, 0_i128..1_000_000_000_000),
    ) {
        let tier = perpetuals::Tier {
            id: 0,
            name: "tier".into(),
            initial_margin: Ppm::new(shares.0),
            maintenance_fraction: Ppm::new(shares.1),
            impact_notional: QuoteQuantums::new(1),
            open_interest_lower_cap: QuoteQuantums::new(caps.0.min(caps.1)),
            open_interest_upper_cap: QuoteQuantums::new(caps.0.max(caps.1)),
        };
        let terms = perpetuals::Terms {
            market: types::MarketId(0),
            price_exponent: 0,
            atomic_resolution: 0,
            exponent,
            tier,
            open_interest: BaseQuantums::new(open),
            open_interest_cap: None,
            funding_index: num::FundingIndex::ZERO,
        };
        let (base, price, custom) = (BaseQuantums::new(base), Price::new(price), Ppm::new(shares.2));
        if let Some(rates) = perpetuals::Rates::new(&terms, price) {
            prop_assert_eq!(rates.margin(base, custom), terms.margin(base, price, Some(custom)).ok());
            prop_assert_eq!(rates.notional(base), terms.notional(base, price).ok());
        } else {
            prop_assert!(terms.margin(base, price, None).is_err());
        }
    }
}
