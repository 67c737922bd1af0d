//! What whole crowds go through: claims on one fund, dust, rounds of deleveraging, gaps of the price.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::world::{quote, reference, Holder, World, BTC, DOLLAR, ETH, ONE_BTC};
use clob::Side::Sell;
use liquidations::formulas::{liquidatable_size, Holding, Scale};
use liquidations::Params;
use num::{BaseQuantums, Ppm, Price};
use types::MarketId;

const ONE_ETH: i128 = 1_000_000_000;

fn worth(world: &World, name: u8) -> i128 {
    subaccounts::risk(&world.state, &world.get(name)).unwrap().net_collateral.raw()
}

#[test]
fn liq_05_two_markets_claim_one_fund_and_the_other_side_covers_exactly_what_it_lacks() {
    // Each is worth -300 dollars and would cost the fund as much; the book sells at the oracle price.
    for fund in [0, 1, 300, 599, 600, 601] {
        let mut world = World::new(
            &[
                (1, 49_700 * DOLLAR, &[(BTC, -ONE_BTC)]),
                (2, 2_700 * DOLLAR, &[(ETH, -ONE_ETH)]),
                (3, 500_000 * DOLLAR, &[]),
            ],
            fund * DOLLAR,
        );
        world.rest(3, BTC, Sell, 100_000_000, 50_000_000_000);
        world.rest(3, ETH, Sell, 1_000_000_000, 3_000_000_000);
        let report = world.liquidate();
        let paid = fund / 300 * 300;
        assert_eq!(world.fund(), (fund - paid) * DOLLAR, "{fund}");
        assert_eq!((world.holds(1, BTC), world.holds(2, ETH)), ((0, 0), (0, 0)), "{fund}");
        let liquidated = u32::try_from(fund / 300).unwrap();
        assert_eq!((report.liquidations, report.deleveragings), (liquidated, 2 - liquidated), "{fund}");
        assert_eq!(report.negative, 0, "{fund}");
    }
}

#[test]
fn liq_08_dust_accounts_close_in_one_step_and_never_keep_a_whale_waiting() {
    // Two hundred accounts are short 5 dollars' worth each, and worth less than their margin of 50 cents.
    let dust = [(BTC, -10_000)];
    let mut holders: Vec<Holder<'_>> =
        (1..=98).chain(100..=201).map(|name| (name, 5_200_000, dust.as_slice())).collect();
    let whale = [(BTC, -ONE_BTC)];
    holders.push((220, 50_499 * DOLLAR, whale.as_slice()));
    holders.push((221, 1_000_000 * DOLLAR, &[]));
    let mut world = World::new(&holders, 0);
    world.set_params(Params { max_accounts: 50, ..Params::default() });
    world.rest(221, BTC, Sell, 200_000_000, 50_000_000_000);
    let mut blocks = 0;
    let dust =
        |world: &World| (1..=98).chain(100..=201).filter(|name| world.holds(*name, BTC).1 != 0).count();
    while dust(&world) > 0 {
        let (before, whale) = (dust(&world), world.holds(220, BTC).1);
        let report = world.liquidate();
        assert_eq!(report.attempted, 50.min(report.below), "the work of a block is bounded");
        let closed = before - dust(&world);
        assert!(closed >= 49.min(before), "each of {closed} in one step");
        assert!(world.holds(220, BTC).1 > whale, "the whale has its turn in each block");
        blocks += 1;
        world.next_block();
    }
    assert_eq!(blocks, 5, "four times 49, and the rest");
}

#[test]
fn liq_09_no_liquidation_leaves_a_position_that_is_dust() {
    let mut dice = Dice(9);
    let (mut whole, mut part) = (0, 0);
    for _ in 0..20_000 {
        let step = [1, 5, 1_000, 1_000_000][usize::try_from(dice.within(0, 3)).unwrap()];
        let size = dice.within(1, 40_000_000) / step * step + step;
        // A base quantum of BTC is worth 500 quote quantums at 50,000 dollars.
        let notional = size * 500;
        let min = dice.within(1, 5_000) * DOLLAR / 10;
        let left = dice.within(1, 30_000) * DOLLAR;
        let params = Params {
            min_position_notional: quote(min),
            max_position_portion: Ppm::new(u32::try_from(dice.within(1, 1_000_000)).unwrap()),
            ..reference()
        };
        let scale = Scale { price: Price::new(5_000_000_000), exponent: -7, step: BaseQuantums::new(step) };
        let holding = Holding {
            base: BaseQuantums::new(size),
            notional: quote(notional),
            maintenance: quote(notional / 10),
        };
        let closed = liquidatable_size(&holding, &scale, quote(left), &params).unwrap().raw();
        let rest = (size - closed) * 500;
        let cut = notional > left;
        assert!(rest == 0 || rest >= min || cut, "{rest} of {notional} remain, {min} is the least");
        assert!(closed * 500 <= left || closed == step || size <= step, "beyond what the account may");
        whole += u32::from(rest == 0);
        part += u32::from(rest > 0);
    }
    assert!(whole > 500 && part > 500, "{whole} whole, {part} in part");
}

#[test]
fn liq_09_what_a_block_would_leave_below_the_minimum_is_closed_with_the_rest() {
    for (dollars, left) in [(1_000, 0), (1_999, 0), (2_000, 1_000), (9_000, 8_000)] {
        let size = ONE_BTC / 50_000 * dollars;
        let held = [(BTC, -size)];
        let money = dollars * DOLLAR * 105 / 100;
        let mut world = World::new(&[(1, money, &held), (3, 500_000 * DOLLAR, &[])], 0);
        world.set_params(Params::default());
        world.rest(3, BTC, Sell, 100_000_000, 50_000_000_000);
        world.liquidate();
        assert_eq!(world.holds(1, BTC).1, -ONE_BTC / 50_000 * left, "{dollars}");
    }
}

#[test]
fn liq_17_rounds_of_deleveraging_in_one_block_take_from_each_by_its_size_and_never_more_than_its_worth() {
    // Twenty accounts owe; five hold the other side, in sizes 1 to 5, with money for a tenth of it.
    let short = [(BTC, -ONE_BTC / 10)];
    let mut holders: Vec<Holder<'_>> =
        (1..=20).map(|name| (name, 4_950 * DOLLAR, short.as_slice())).collect();
    let longs: Vec<_> = (1..=5).map(|size| [(BTC, ONE_BTC / 5 * size)]).collect();
    for (name, long) in (31..).zip(&longs) {
        holders.push((name, -long[0].1 * 450, long.as_slice()));
    }
    let mut world = World::new(&holders, 0);
    world.set_params(Params { max_deleveragings: 100, ..reference() });
    let before: BTreeMap<u8, i128> = (31..=35).map(|name| (name, worth(&world, name))).collect();
    let report = world.liquidate();
    assert_eq!((report.deleveragings, report.offsets, report.negative), (20, 100, 0), "{report:?}");
    let (total, needed) = (ONE_BTC * 3, ONE_BTC * 2);
    let mut closed_in_all = 0;
    for (name, long) in (31..).zip(&longs) {
        let (size, closed) = (long[0].1, long[0].1 - world.holds(name, BTC).1);
        closed_in_all += closed;
        // A round is exact to a step of 5; twenty rounds to twenty steps.
        assert!((closed - size * needed / total).abs() <= 100, "{name} closes {closed} of {size}");
        // 50 dollars for a tenth of a BTC: 5 quote quantums for each base quantum.
        let lost = before[&name] - worth(&world, name);
        assert!((lost - closed * 5).abs() <= 100, "{name} loses {lost}");
        assert!(worth(&world, name) > 0, "nobody pays more than it is worth");
    }
    assert_eq!(closed_in_all, needed, "not a quantum more than was needed");
}

/// Somebody, their money, and what they hold.
type Person = (u8, i128, Vec<(MarketId, i128)>);

/// A crowd at all leverages, long and short, in two markets, and a small fund.
fn crowd(dice: &mut Dice) -> World {
    let mut people: Vec<Person> = Vec::new();
    for name in 1..=12 {
        let sign = [-1, 1][usize::try_from(dice.within(0, 1)).unwrap()];
        let btc = sign * dice.within(1, 20) * ONE_BTC / 100;
        let eth = dice.within(-20, 20) * ONE_ETH / 20;
        let notional = (btc * 500).abs() + (eth * 3).abs();
        let net = notional * dice.within(11, 120) / 100;
        let held = [(BTC, btc), (ETH, eth)].into_iter().filter(|(_, size)| *size != 0).collect();
        people.push((name, net - btc * 500 - eth * 3, held));
    }
    let holders: Vec<_> = people.iter().map(|(name, money, held)| (*name, *money, held.as_slice())).collect();
    World::new(&holders, dice.within(0, 3_000) * DOLLAR)
}

#[test]
fn liq_18_after_gaps_of_10_to_99_percent_both_ways_no_debt_is_left_without_its_owner() {
    let (mut tapes, mut deleveraged, mut gated, mut stuck) = (0, 0, 0, 0);
    for gap in 10..=99_u64 {
        for up in [false, true] {
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * gap + u64::from(up)) | 1);
            let mut world = crowd(&mut dice);
            let all = |world: &World| -> i128 {
                let accounts = subaccounts::page(&world.state, None, usize::MAX);
                let money: i128 = accounts.iter().map(|(_, held)| held.quote.raw()).sum();
                money + world.fund()
            };
            let before = all(&world);
            let factor = if up { 100 + gap } else { 100 - gap };
            world.set_price(BTC, 5_000_000_000 / 100 * factor);
            world.set_price(ETH, 3_000_000_000 / 100 * factor);
            for _ in 0..6 {
                let report = world.liquidate();
                assert_eq!(report.failed, 0, "{gap} {up}: {report:?}");
                let shut = subaccounts::gate::gate(&world.state).negative_seen == world.block.height;
                assert_eq!(shut, report.negative > 0, "{gap} {up}");
                deleveraged += report.deleveragings;
                gated += report.negative;
                for (id, held) in subaccounts::page(&world.state, None, usize::MAX) {
                    let owes = held.positions.is_empty() && held.quote.is_negative();
                    assert!(!owes, "{gap} {up}: {id} owes and holds nothing");
                }
                assert!(world.fund() >= 0, "{gap} {up}");
                world.next_block();
            }
            assert_eq!(all(&world), before, "{gap} {up}");
            // Who still owes holds a position that nobody of the other side can take, and money is shut in.
            let owing = (1..=12).filter(|name| worth(&world, *name) < 0).count();
            let seen = subaccounts::gate::gate(&world.state).negative_seen;
            assert_eq!(owing > 0, seen + 1 == world.block.height, "{gap} {up}");
            stuck += owing;
            tapes += 1;
        }
    }
    println!("{tapes} tapes, {deleveraged} deleveragings, {gated} waits below zero, {stuck} at the end");
    assert!(tapes == 180 && deleveraged > 500 && stuck < 20, "{tapes} {deleveraged} {stuck}");
}
