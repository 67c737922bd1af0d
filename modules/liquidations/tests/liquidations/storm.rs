//! Whole markets in a fall: random accounts, random books, falling prices, block after block. What must add up
//! adds up after every block, nobody is left with a debt and nothing else, and the outcome does not depend on
//! when the index was built.

use crate::dice::Dice;
use crate::world::{quote, reference, World, BTC, DOLLAR, ETH, ONE_BTC};
use clob::Side::{Buy, Sell};
use liquidations::{Params, Watch};
use types::MarketId;

/// A person, quote quantums and positions.
type Person = (u8, i128, Vec<(MarketId, i128)>);

/// Levered accounts, makers and a small fund.
fn market(dice: &mut Dice) -> World {
    let mut people: Vec<Person> = Vec::new();
    for name in 1..=30 {
        let btc = dice.within(1, 20) * ONE_BTC / 100 / 5 * 5 * if dice.within(0, 3) == 0 { -1 } else { 1 };
        let eth = dice.within(-20, 20) * 50_000_000;
        let worth = btc * 500 + eth * 3;
        let notional = (btc * 500).abs() + (eth * 3).abs();
        let net = notional * dice.within(11, 30) / 100;
        let held = [(BTC, btc), (ETH, eth)].into_iter().filter(|(_, size)| *size != 0).collect();
        people.push((name, net - worth, held));
    }
    people.extend((40..44).map(|name| (name, dice.within(5_000, 400_000) * DOLLAR, Vec::new())));
    let holders: Vec<_> = people.iter().map(|(name, money, held)| (*name, *money, held.as_slice())).collect();
    let mut world = World::new(&holders, dice.within(0, 300) * DOLLAR);
    world.set_params(Params {
        max_position_portion: num::Ppm::new(500_000),
        min_position_notional: quote(1_000 * DOLLAR),
        spread_to_maintenance: num::Ppm::new(1_500_000),
        max_accounts: 8,
        max_deleveragings: 4,
        ..reference()
    });
    world
}

/// Bids below and asks above the oracle prices, where makers can afford them.
fn quote_books(world: &mut World, dice: &mut Dice, prices: [u64; 2]) {
    for (market, price, scale) in [(BTC, prices[0], 10), (ETH, prices[1], 1)] {
        for (side, direction) in [(Buy, -1), (Sell, 1)] {
            let name = u8::try_from(dice.within(40, 43)).unwrap();
            let away = 1_000_000 + direction * dice.within(100, 60_000);
            let subticks = i128::from(price) * scale * away / 1_000_000 / 5 * 5;
            let size = dice.within(1, 30) * if market == BTC { 1_000_000 } else { 50_000_000 };
            world.try_rest(
                name,
                market,
                side,
                u64::try_from(size).unwrap(),
                u64::try_from(subticks).unwrap(),
            );
        }
    }
}

/// What is left of the market after each block, and what happened in all.
fn run(seed: u64, rebuild: bool) -> (World, [u32; 5]) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
    let mut world = market(&mut dice);
    let mut prices = [5_000_000_000_u64, 3_000_000_000];
    let mut sums = [0; 5];
    for _ in 0..12 {
        for (at, market) in [(0, BTC), (1, ETH)] {
            let moved = i128::from(prices[at]) * (1_000_000 + dice.within(-60_000, 25_000)) / 1_000_000;
            prices[at] = u64::try_from(moved).unwrap();
            world.set_price(market, prices[at]);
        }
        quote_books(&mut world, &mut dice, prices);
        if rebuild {
            world.watch = Watch::rebuild(&world.state);
        }
        let report = world.liquidate();
        let more =
            [report.liquidations, report.deleveragings, report.offsets, report.negative, report.failed];
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        let gated = subaccounts::gate::gate(&world.state).negative_seen == world.block.height;
        assert_eq!(gated, report.negative > 0, "seed {seed}");
        for (id, held) in subaccounts::page(&world.state, None, usize::MAX) {
            assert!(!held.positions.is_empty() || !held.quote.is_negative(), "seed {seed}: {id} owes");
        }
        assert!(world.fund() >= 0);
        world.next_block();
    }
    (world, sums)
}

#[test]
fn liq_18_everything_adds_up_while_a_market_falls() {
    let mut all = [0; 5];
    for seed in 1..=60 {
        let (world, sums) = run(seed, false);
        let (again, _) = run(seed, true);
        assert!(world.state.iter().eq(again.state.iter()), "seed {seed}: the index decides");
        all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
    }
    let [liquidations, deleveragings, offsets, negative, failed] = all;
    println!(
        "{liquidations} liquidations, {deleveragings} deleveragings ({offsets} offsets), {negative} negative"
    );
    assert!(liquidations > 500 && deleveragings > 20 && offsets > deleveragings, "{all:?}");
    assert_eq!(failed, 0);
}
