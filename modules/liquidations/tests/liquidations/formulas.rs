//! The formulas against known answers: BTC has atomic resolution -8 and costs $50,000, ETH -9 and $3,000;
//! initial margin 20 %, maintenance 10 %.

use liquidations::formulas::{
    bankruptcy_quote, fillable_price, insurance_delta, limit, liquidatable_notional, liquidatable_size,
    Holding, Scale, Slice,
};
use liquidations::Params;
use num::{oracle_value, BaseQuantums, Ppm, Price, QuoteQuantums, Ratio, Subticks};
use subaccounts::Risk;

use crate::world::reference;

const DOLLAR: i128 = 1_000_000;

/// A market: oracle price and the exponent that turns price times base into quote.
type Market = (u64, i32);
const BTC: Market = (5_000_000_000, -7);
const ETH: Market = (3_000_000_000, -9);

fn quote(raw: i128) -> QuoteQuantums {
    QuoteQuantums::new(raw)
}

fn holding(market: Market, base: i128) -> Holding {
    let base = BaseQuantums::new(base);
    let notional = oracle_value(base, Price::new(market.0), market.1).unwrap();
    Holding { base, notional, maintenance: quote(notional.abs().raw() / 10) }
}

/// An account: collateral in dollars and its positions.
fn account(dollars: i128, positions: &[(Market, i128)]) -> (Risk, Vec<Holding>) {
    let holdings: Vec<Holding> = positions.iter().map(|(market, base)| holding(*market, *base)).collect();
    let worth: QuoteQuantums = holdings.iter().map(|held| held.notional).sum();
    let maintenance = holdings.iter().map(|held| held.maintenance).sum();
    let net_collateral = quote(dollars * DOLLAR) + worth;
    (Risk { net_collateral, maintenance, ..Risk::default() }, holdings)
}

fn bankruptcy(dollars: i128, positions: &[(Market, i128)], close: usize, base: i128) -> i128 {
    let (health, holdings) = account(dollars, positions);
    let (before, market) = (holdings[close], positions[close].0);
    let after = holding(market, before.base.raw() + base);
    let slice = Slice {
        base: BaseQuantums::new(base),
        notional: after.notional - before.notional,
        maintenance: before.maintenance - after.maintenance,
    };
    bankruptcy_quote(&health, &slice, before.base).unwrap().raw()
}

#[test]
fn bankruptcy_quotes_leave_the_ratio_of_health_as_it_is() {
    let tenth = 10_000_000;
    for (id, dollars, positions, close, base, expected) in [
        ("L1a", -4_501, vec![(BTC, tenth)], 0, -tenth, 4_501_000_000),
        ("L1c all", -5_000, vec![(BTC, tenth)], 0, -tenth, 5_000_000_000),
        ("L1c half", -5_000, vec![(BTC, tenth)], 0, -tenth / 2, 2_500_000_000),
        ("L1e long", -5_100, vec![(BTC, tenth)], 0, -tenth, 5_100_000_000),
        ("L1e short", 4_900, vec![(BTC, -tenth)], 0, tenth, -4_900_000_000),
        ("L1g a", 510, vec![(BTC, -400_000), (ETH, -100_000_000)], 1, 100_000_000, -306_000_000),
        ("L1g b", 110, vec![(BTC, 400_000), (ETH, -100_000_000)], 1, 100_000_000, -306_000_000),
        ("L1i", 1, vec![(BTC, 100_000_000)], 0, -100_000_000, -1_000_000),
        ("V-DX11", 5_499, vec![(BTC, -tenth)], 0, tenth, -5_499_000_000),
        ("V-DX15", -490, vec![(BTC, 400_000), (ETH, 100_000_000)], 1, -100_000_000, 294_000_000),
        ("V-DX18", -13, vec![(BTC, 100_000_000)], 0, -21_347, 2_776),
    ] {
        assert_eq!(bankruptcy(dollars, &positions, close, base), expected, "{id}");
    }
}

#[test]
fn fillable_prices_leave_the_oracle_price_as_health_falls() {
    let params = reference();
    let with = |adjustment: u32, spread: u32| Params {
        bankruptcy_adjustment: Ppm::new(adjustment),
        spread_to_maintenance: Ppm::new(spread),
        ..params.clone()
    };
    let (long, short) = (10_000_000, -10_000_000);
    for (id, dollars, base, params, expected) in [
        ("L2a", -4_501, long, params.clone(), (49_999_i128, 100_i128)),
        ("L2c", 5_499, short, params.clone(), (50_001, 100)),
        ("L2c adjustment", 5_499, short, with(2_000_000, 100_000), (50_002, 100)),
        ("L2c spread", 5_499, short, with(1_000_000, 200_000), (50_002, 100)),
        ("L2e", 5_000, short, params.clone(), (505, 1)),
        ("L2e below zero", 4_500, short, params.clone(), (505, 1)),
        ("L2g adjustment", -4_501, long, with(u32::MAX, 100_000), (495, 1)),
        ("L2g least spread", -4_501, long, with(1_000_000, 1), (4_999_999_999, 10_000_000)),
        ("L2g full spread", -4_501, long, with(1_000_000, 1_000_000), (49_990, 100)),
        ("V-DX12", -5_000, long, params.clone(), (49_500, 100)),
    ] {
        let (health, holdings) = account(dollars, &[(BTC, base)]);
        let price = fillable_price(&health, &holdings[0], &params).unwrap();
        let expected = Ratio::new(expected.0, expected.1).unwrap();
        assert_eq!(price.compare(&expected), Some(core::cmp::Ordering::Equal), "{id}");
    }
}

#[test]
fn limits_round_in_favour_of_the_closed_account_and_stay_on_the_grid() {
    let ratio = |over: i128, under: i128| Ratio::new(over, under).unwrap();
    // A multiple of five.
    let highest = u64::MAX;
    for (price, long, tick, qce, expected) in [
        (ratio(49_999, 100), true, 5, -8, 49_999_000_000),
        (ratio(1, 3), true, 5, -2, 35),
        (ratio(1, 3), false, 5, -2, 30),
        (ratio(1, 3), true, 1, -2, 34),
        (ratio(1, 3), false, 1, -2, 33),
        (ratio(1, 1_000), false, 5, 0, 5),
        (ratio(-7, 1), true, 5, 0, 5),
        (ratio(-7, 1), false, 5, 0, 5),
        (ratio(i128::MAX, 1), true, 5, -20, highest),
        (ratio(i128::MAX, 1), false, 5, 0, highest),
        (ratio(2_999, 1), true, 5, 2, 30),
    ] {
        assert_eq!(
            limit(price, long, tick, qce),
            Some(Subticks::new(expected)),
            "{price:?} {long} {tick} {qce}"
        );
    }
}

#[test]
fn liq_13_the_fund_gets_surplus_up_to_the_fee_and_pays_every_shortfall() {
    let (long, short) = (10_000_000, -10_000_000);
    let (from_long, from_short) = ((-5_100, long), (4_900, short));
    for (id, (dollars, base), subticks, fee, expected) in [
        ("L3a", from_long, 56_100_000_000, 5_000, 28_050_000),
        ("L3a 25,000", from_long, 56_100_000_000, 25_000, 140_250_000),
        ("L3a all", from_long, 56_100_000_000, 1_000_000, 510_000_000),
        ("L3c long", from_long, 51_051_000_000, 5_000, 5_100_000),
        ("L3c short", from_short, 48_951_000_000, 5_000, 4_900_000),
        ("L3e long", from_long, 50_490_000_000, 5_000, -51_000_000),
        ("L3e short", from_short, 49_490_000_000, 5_000, -49_000_000),
    ] {
        let paid = num::fill_quote(BaseQuantums::new(base), Subticks::new(subticks), -8).unwrap();
        let signed = if base > 0 { paid } else { -paid };
        let at_bankruptcy = quote(bankruptcy(dollars, &[(BTC, base)], 0, -base));
        assert_eq!(insurance_delta(signed, at_bankruptcy, Ppm::new(fee)), Some(quote(expected)), "{id}");
    }
    assert_eq!(insurance_delta(quote(0), quote(5), Ppm::ONE), Some(quote(0)), "no quote");
}

#[test]
fn a_block_closes_a_share_of_a_position_but_all_of_a_small_one() {
    let params = |min: i128, portion: u32| Params {
        min_position_notional: quote(min),
        max_position_portion: Ppm::new(portion),
        ..reference()
    };
    let coin = 100_000_000;
    for (id, base, params, expected) in [
        ("L5", coin, params(100, 1_000_000), 50_000_000_000),
        ("L5 half", coin, params(100, 500_000), 25_000_000_000),
        ("L5 small", 10_000, params(10_000_000, 1_000_000), 5_000_000),
        ("L5 small, small share", 10_000, params(10_000_000, 100_000), 5_000_000),
        ("L7", -coin, params(1_000_000_000, 100_000), 5_000_000_000),
    ] {
        let notional = holding(BTC, base).notional;
        assert_eq!(liquidatable_notional(notional, &params), Some(quote(expected)), "{id}");
    }
    let scale = |step| Scale { price: Price::new(BTC.0), exponent: BTC.1, step: BaseQuantums::new(step) };
    for (id, base, step, left, params, expected) in [
        ("L7", -coin, 5, i128::MAX, params(1_000_000_000, 100_000), 10_000_000),
        ("L9", -coin, 5, 5_000_000_000, params(1_000, 1_000_000), 10_000_000),
        ("all of it", coin, 5, i128::MAX, params(1_000, 1_000_000), coin),
        ("down to a step", coin, 30_000_000, i128::MAX, params(1_000, 500_000), 30_000_000),
        ("at least a step", coin, 60_000_000, i128::MAX, params(1_000, 500_000), 60_000_000),
        ("a step is all", coin, coin, i128::MAX, params(1_000, 500_000), coin),
        ("nothing left: a step", coin, 5, 0, params(1_000, 500_000), 5),
    ] {
        let size = liquidatable_size(&holding(BTC, base), &scale(step), quote(left), &params);
        assert_eq!(size, Some(BaseQuantums::new(expected)), "{id}");
    }
}

#[test]
fn an_account_without_maintenance_margin_settles_by_size() {
    let health = Risk { net_collateral: quote(-9), ..Risk::default() };
    let slice =
        |base: i128| Slice { base: BaseQuantums::new(base), notional: quote(0), maintenance: quote(0) };
    assert_eq!(bankruptcy_quote(&health, &slice(-4), BaseQuantums::new(4)), Some(quote(9)));
    assert_eq!(bankruptcy_quote(&health, &slice(-2), BaseQuantums::new(4)), Some(quote(5)));
    let worthless = Holding { base: BaseQuantums::new(4), notional: quote(0), maintenance: quote(0) };
    assert!(fillable_price(&health, &worthless, &reference()).is_none());
}
