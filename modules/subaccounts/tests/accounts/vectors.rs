//! Margin, transition and funding against the reference's vectors (M13 to M19, F5, D11).

use std::cmp::Ordering;

use crate::world::{
    account, base, holding, money, quote, trade, Terms, World, BTC, DOLLAR, ETH, ONE_BTC, TWENTY_TEN,
};
use num::FundingIndex;
use subaccounts::settle::{settle, settlement_ppm};
use subaccounts::transition::transition;
use subaccounts::{risk_of, Kind, Position, Risk, UpdateResult};
use types::Value;

fn risk(net: i128, initial: i128, maintenance: i128) -> Risk {
    Risk { net_collateral: quote(net), initial: quote(initial), maintenance: quote(maintenance) }
}

#[test]
fn m13_health_after_changes_of_two_positions() {
    let btc = Terms { initial: 500_000, fraction: 800_000, caps: (0, 0) };
    let world = World::new(btc, TWENTY_TEN);
    // 1 USDC, +1 BTC, +0.5 ETH, then -2 BTC, +0.25 ETH.
    let after = holding(DOLLAR, &[(BTC, -ONE_BTC), (ETH, 750_000_000)]);
    let expected = risk(-47_749_000_000, 25_450_000_000, 20_225_000_000);
    assert_eq!(risk_of(&world.state, &after), Ok(expected));
}

#[test]
fn m15_health_is_a_plain_sum() {
    let terms = Terms { initial: 100_000, fraction: 500_000, caps: (0, 0) };
    let mut world = World::new(terms, terms);
    // Both prices such that one base quantum is worth 100 and 200: BTC has exponent -7, ETH -9.
    world.set_price(BTC, 1_000_000_000);
    world.set_price(ETH, 200_000_000_000);
    let held = holding(110, &[(BTC, 100), (ETH, -25)]);
    assert_eq!(risk_of(&world.state, &held), Ok(risk(5_110, 1_500, 750)));
}

#[test]
fn transitions_follow_margin_and_ratio() {
    use UpdateResult::{NewlyUndercollateralized as Newly, StillUndercollateralized as Still};
    for (name, old, new, expected) in [
        ("M17: flat, negative, improving", (-2, 0, 0), (-1, 0, 0), Ok(())),
        ("flat, negative, unchanged", (-1, 0, 0), (-1, 0, 0), Err(Still)),
        ("flat, negative, worse", (-1, 0, 0), (-2, 0, 0), Err(Still)),
        ("flat, to below zero", (0, 0, 0), (-1, 0, 0), Err(Newly)),
        ("with initial margin anything goes", (10, 100, 50), (20, 20, 10), Ok(())),
        ("losing initial margin", (100, 100, 50), (99, 100, 50), Err(Newly)),
        ("losing worth below initial margin", (99, 100, 50), (98, 100, 50), Err(Still)),
        ("gaining worth below initial margin", (98, 100, 50), (99, 100, 50), Ok(())),
        ("nothing changes", (98, 100, 50), (98, 100, 50), Ok(())),
        ("needs more maintenance", (50, 100, 50), (90, 120, 51), Err(Still)),
        ("same ratio, half the size", (40, 100, 50), (20, 50, 25), Ok(())),
        ("lower ratio, half the size", (40, 100, 50), (19, 50, 25), Err(Still)),
        ("same ratio below zero", (-40, 100, 50), (-20, 50, 25), Ok(())),
        ("lower ratio below zero", (-40, 100, 50), (-21, 50, 25), Err(Still)),
        ("higher ratio below zero", (-40, 100, 50), (-19, 50, 25), Ok(())),
        ("closes the last position and owes", (-40, 100, 50), (-1, 0, 0), Err(Still)),
        ("closes the last position at zero", (-40, 100, 50), (0, 0, 0), Ok(())),
        ("loses margin by closing", (100, 100, 50), (49, 50, 25), Err(Newly)),
        ("loses initial margin at a better ratio", (100, 100, 50), (99, 100, 49), Ok(())),
        ("opens from flat below margin", (5, 0, 0), (5, 10, 5), Err(Newly)),
        (
            "ratio differs in the last digit",
            (i128::MAX - 1, i128::MAX, i128::MAX - 1),
            (i128::MAX - 2, i128::MAX, i128::MAX - 1),
            Err(Still),
        ),
    ] {
        let (old, new) = (risk(old.0, old.1, old.2), risk(new.0, new.1, new.2));
        assert_eq!(transition(&old, &new), expected, "{name}");
    }
}

#[test]
fn risk_compares_worth_per_maintenance_margin() {
    for (name, one, other, expected) in [
        ("lower ratio is riskier", (1, 0, 2), (2, 0, 2), Ordering::Greater),
        ("same ratio, larger margin is riskier", (2, 0, 4), (1, 0, 2), Ordering::Greater),
        ("same", (1, 0, 2), (1, 0, 2), Ordering::Equal),
        ("negative worth, smaller margin is riskier", (-1, 0, 1), (-1, 0, 2), Ordering::Greater),
        ("no margin: lower worth is riskier", (-2, 0, 0), (-1, 0, 0), Ordering::Greater),
        ("no margin against some, both worth something", (1, 0, 0), (1, 0, 1), Ordering::Less),
    ] {
        let (one, other) = (risk(one.0, one.1, one.2), risk(other.0, other.1, other.2));
        assert_eq!(one.compare(&other), expected, "{name}");
        assert_eq!(other.compare(&one), expected.reverse(), "{name}, reversed");
    }
}

#[test]
fn liquidatable_means_worth_strictly_less_than_maintenance() {
    for (net, maintenance, expected) in [(49, 50, true), (50, 50, false), (-1, 0, false), (-1, 1, true)] {
        assert_eq!(risk(net, 100, maintenance).is_liquidatable(), expected, "{net} {maintenance}");
    }
    assert!(risk(100, 100, 50).is_initially_margined());
    assert!(!risk(99, 100, 50).is_initially_margined());
}

#[test]
fn m19_open_interest_scales_initial_margin_to_all_of_notional() {
    let caps = (25_000_000 * DOLLAR, 50_000_000 * DOLLAR);
    let terms = Terms { caps, ..TWENTY_TEN };
    // Prior open interest of 10^12 quantums is 10,000 BTC, ten times the upper cap: 90 BTC need $4,500,000.
    for (name, collateral, expected) in [
        ("M19", 4_500_000, Ok(())),
        ("a dollar less", 4_499_999, Err(UpdateResult::NewlyUndercollateralized)),
    ] {
        let mut world = World::with_open_interest(terms, TWENTY_TEN, 1_000_000_000_000);
        world.deposit(1, collateral * 1_000_000);
        world.deposit(2, collateral * 1_000_000);
        let result = world.swap(1, 2, BTC, 90 * ONE_BTC, 4_500_000 * DOLLAR);
        assert_eq!(result.map_err(|refused| refused.code), expected, "{name}");
        world.check();
    }
    // Without prior open interest 20 % suffice.
    let mut world = World::new(terms, TWENTY_TEN);
    world.deposit(1, 900_000_000_000);
    world.deposit(2, 900_000_000_000);
    assert_eq!(world.swap(1, 2, BTC, 90 * ONE_BTC, 4_500_000 * DOLLAR), Ok(()));
}

#[test]
fn the_trade_itself_counts_as_open_interest() {
    // 1,000 BTC are $50,000,000, the upper cap: the trade that opens them needs all of its notional.
    let terms = Terms { caps: (25_000_000 * DOLLAR, 50_000_000 * DOLLAR), ..TWENTY_TEN };
    let mut world = World::new(terms, TWENTY_TEN);
    world.deposit(1, 49_999_999_000_000);
    world.deposit(2, 50_000_000_000_000);
    let cost = 50_000_000 * DOLLAR;
    let refused = world.swap(1, 2, BTC, 1_000 * ONE_BTC, cost).unwrap_err();
    assert_eq!((refused.index, refused.code), (0, UpdateResult::NewlyUndercollateralized));
    world.deposit(1, 1_000_000);
    assert_eq!(world.swap(1, 2, BTC, 1_000 * ONE_BTC, cost), Ok(()));
    world.check();
}

#[test]
fn f5_funding_is_settled_before_the_update() {
    let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, holding(0, &[(BTC, ONE_BTC)]))]);
    world.move_index(BTC, -30);
    // Settles at -30: a long receives what the index falls. What is received goes to person 2.
    world.update(&[money(1, 0), money(2, 0)], Kind::Transfer).unwrap();
    assert_eq!(world.get(1).quote, quote(3_000));
    world.update(&[money(1, -3_000), money(2, 3_000)], Kind::Transfer).unwrap();
    world.events.clear();
    world.move_index(BTC, 20);
    world.update(&[money(1, -100), money(2, 100)], Kind::Transfer).unwrap();
    assert_eq!(world.get(1).quote, quote(-2_100));
    world.check();
    let position = world.get(1).position(BTC).unwrap();
    assert_eq!(
        position,
        Position { base: base(ONE_BTC), funding_index: FundingIndex::new(-10), ..Default::default() }
    );
    let paid: Vec<_> = world.events.iter().filter(|event| event.kind == "funding_paid").collect();
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0].get("amount"), Some(Value::Signed(2_000)));
}

#[test]
fn settlement_floors_once_over_the_sum_and_keeps_the_remainder() {
    let at = |size, index| Position {
        base: base(size),
        funding_index: FundingIndex::new(index),
        ..Default::default()
    };
    assert_eq!(settlement_ppm(&at(ONE_BTC, -30), FundingIndex::new(-10)), Some(-2_000_000_000));
    for (name, btc, eth, whole, dust, paid) in [
        ("two halves make a whole", 500_000, 500_000, 1, 0, [0, 0]),
        ("two debts of a half make one", -500_000, -500_000, -1, 0, [1, 1]),
        ("a bit is kept by the pool", 1, 0, 0, 1, [0, 0]),
        ("a debt of a bit costs a whole", -1, 0, -1, 999_999, [1, 0]),
        ("gain and loss cancel", 700_000, -700_000, 0, 0, [0, 1]),
        ("floor, not truncation", -1_500_000, 0, -2, 500_000, [2, 0]),
    ] {
        let mut account = holding(0, &[(BTC, 1), (ETH, 1)]);
        account.positions[0].1.funding_index = FundingIndex::new(btc);
        account.positions[1].1.funding_index = FundingIndex::new(eth);
        let settled = settle(&account, |_| Some(FundingIndex::ZERO)).unwrap();
        assert_eq!((settled.account.quote, settled.dust), (quote(whole), dust), "{name}");
        let named: Vec<i128> = settled.paid.iter().map(|(_, paid)| paid.raw()).collect();
        let expected: Vec<i128> =
            [(btc, paid[0]), (eth, paid[1])].iter().filter(|(ppm, _)| *ppm != 0).map(|row| row.1).collect();
        assert_eq!(named, expected, "{name}");
    }
}

#[test]
fn settlement_that_does_not_fit_is_refused_and_not_guessed() {
    let account = holding(0, &[(BTC, i128::MAX)]);
    assert_eq!(settle(&account, |_| Some(FundingIndex::new(2))), None);
    let mut far = holding(0, &[(BTC, 1)]);
    far.positions[0].1.funding_index = FundingIndex::new(i128::MIN);
    assert_eq!(settle(&far, |_| Some(FundingIndex::new(1))), None);
    assert_eq!(settle(&far, |_| None), None);
}

#[test]
fn d11_deleveraging_at_the_bankruptcy_price_passes_for_both_sides() {
    // Oracle 4,999,999,937 e-5; 49,999,991 of 10^8 change hands at the price at which the first account's
    // worth falls in step with its margin.
    for (name, collateral, size) in [
        ("short, worth something", 54_999 * DOLLAR, -ONE_BTC),
        ("long, in debt", -45_001 * DOLLAR, ONE_BTC),
        ("long, barely worth something", -49_999 * DOLLAR, ONE_BTC),
        ("short, worth less than nothing", 49_000 * DOLLAR, -ONE_BTC),
    ] {
        let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, holding(collateral, &[(BTC, size)]))]);
        world.set_price(BTC, 4_999_999_937);
        let before = risk_of(&world.state, &world.get(1)).unwrap();
        let delta = -size.signum() * 49_999_991;
        let rest = risk_of(&world.state, &holding(0, &[(BTC, size + delta)])).unwrap();
        // Worth after the close must be at least before * rest margin / margin: rounded up for the payer.
        let net = num::mul_div(
            before.net_collateral.raw(),
            rest.maintenance.raw(),
            before.maintenance.raw(),
            num::Round::Ceil,
        );
        let cost = collateral - (net.unwrap() - rest.net_collateral.raw());
        let updates = [trade(1, BTC, delta, cost), trade(99, BTC, -delta, -cost)];
        assert_eq!(world.update(&updates, Kind::Liquidation), Ok(()), "{name}");
        world.check();
    }
}

#[test]
fn health_settles_funding_first_and_writes_nothing() {
    let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, holding(0, &[(BTC, ONE_BTC)]))]);
    world.move_index(BTC, 1_000);
    let rows = world.rows();
    let stored = subaccounts::get(&world.state, &account(1));
    let net = subaccounts::risk(&world.state, &stored).unwrap().net_collateral;
    assert_eq!(net, quote(50_000 * DOLLAR - 100_000));
    assert_eq!(subaccounts::settled(&world.state, &stored).unwrap().quote, quote(-100_000));
    assert_eq!(world.rows(), rows);
}
