//! The index of accounts below their margin against a full sweep: never one too few, never one too many, and
//! far fewer looks than accounts.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::world::{account, World, BTC, DOLLAR, ETH, ONE_BTC, REST, SOL};
use liquidations::Watch;
use subaccounts::Risk;
use types::{MarketId, SubaccountId};

/// Every account below its margin, by looking at all.
fn sweep(world: &World) -> BTreeMap<SubaccountId, Risk> {
    subaccounts::page(&world.state, None, usize::MAX)
        .into_iter()
        .filter(|(_, held)| !held.positions.is_empty())
        .map(|(id, held)| (id, subaccounts::risk(&world.state, &held).unwrap()))
        .filter(|(_, risk)| risk.maintenance > risk.net_collateral)
        .collect()
}

const START: [(MarketId, u64, i128); 3] = [
    (BTC, 5_000_000_000, 100_000_000),
    (ETH, 3_000_000_000, 1_000_000_000),
    (SOL, 5_000_000_000, 10_000_000),
];

/// A person, quote quantums and positions.
type Person = (u8, i128, Vec<(MarketId, i128)>);

/// Accounts with one to three positions each, from hardly to very levered.
fn crowd(dice: &mut Dice, people: u8) -> Vec<Person> {
    (1..=people)
        .map(|name| {
            let mut positions = Vec::new();
            let mut worth = 0;
            let mut notional = 0;
            for (market, _, coin) in START {
                if dice.below(2) == 0 && !(market == SOL && positions.is_empty()) {
                    continue;
                }
                let scale = [1, 1_000, 100_000, 10_000_000][usize::try_from(dice.below(4)).unwrap()];
                let size = dice.within(1, coin / 100) * scale / 1_000 + 1;
                let size = if dice.below(2) == 0 { size } else { -size };
                let dollars = size
                    * if market == BTC {
                        500
                    } else if market == ETH {
                        3
                    } else {
                        5
                    };
                positions.push((market, size));
                worth += dollars;
                notional += dollars.abs();
            }
            // Net collateral of 10 to 60 % of notional; maintenance margin is 10 %.
            let net = notional * dice.within(100, 600) / 1_000 + dice.within(0, 5);
            (name, net - worth, positions)
        })
        .collect()
}

/// Change prices, funding and positions at random.
fn step(world: &mut World, dice: &mut Dice, prices: &mut [u64; 3], people: u8) {
    for (at, price) in prices.iter_mut().enumerate() {
        if dice.below(2) == 0 {
            let ppm = dice.within(-30_000, 30_000) * if dice.below(20) == 0 { 8 } else { 1 };
            let moved = i128::from(*price) * (1_000_000 + ppm) / 1_000_000;
            *price = u64::try_from(moved.max(1)).unwrap();
            world.set_price(START[at].0, *price);
        }
        if dice.below(4) == 0 {
            world.move_index(START[at].0, dice.within(-3_000_000, 3_000_000));
        }
    }
    for _ in 0..dice.below(4) {
        let (buyer, seller) = (dice.within(1, people.into()), dice.within(1, people.into()));
        let (buyer, seller) = (u8::try_from(buyer).unwrap(), u8::try_from(seller).unwrap());
        let seller = if dice.below(3) == 0 { REST } else { seller };
        let (market, _, coin) = START[usize::try_from(dice.below(3)).unwrap()];
        let size = dice.within(1, coin / 50);
        // Many are refused; those that pass change who holds what.
        if buyer != seller {
            let _refused = world.swap(buyer, seller, (market, size), size * 5);
        }
    }
}

#[test]
fn it_finds_exactly_the_accounts_that_a_full_sweep_finds() {
    let (mut found, mut recovered, mut looks, mut sweeps) = (0, 0, 0, 0);
    for seed in 1..=240 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let people = 24;
        let crowd = crowd(&mut dice, people);
        let holders: Vec<_> =
            crowd.iter().map(|(name, money, held)| (*name, *money, held.as_slice())).collect();
        let mut world = World::new(&holders, 0);
        let mut watch = Watch::rebuild(&world.state);
        assert_eq!(*watch.below(), sweep(&world), "seed {seed} at the start");
        let mut prices = START.map(|(_, price, _)| price);
        let mut before = 0;
        for at in 0..25 {
            step(&mut world, &mut dice, &mut prices, people);
            looks += watch.refresh(&world.state);
            sweeps += watch.len();
            let expected = sweep(&world);
            assert_eq!(*watch.below(), expected, "seed {seed} step {at}");
            found += expected.len().saturating_sub(before);
            recovered += before.saturating_sub(expected.len());
            before = expected.len();
            if at % 3 == 0 {
                assert_eq!(*Watch::rebuild(&world.state).below(), expected);
                world.state.take_changes();
            }
        }
    }
    assert!(found > 1_000 && recovered > 100, "the walks reach the margin: {found} {recovered}");
    assert!(looks < sweeps, "{looks} looks, a sweep would take {sweeps}");
}

#[test]
fn a_small_move_wakes_few_of_many() {
    let crowd: Vec<(u8, Vec<(MarketId, i128)>)> =
        (1..=90).map(|name| (name, vec![(BTC, i128::from(name) * ONE_BTC), (ETH, -1_000_000)])).collect();
    // 20 to 110 % of notional.
    let holders: Vec<_> = crowd
        .iter()
        .map(|(name, held)| {
            let margin = i128::from(*name) * 50_000 * DOLLAR * (20 + i128::from(*name)) / 100;
            (*name, margin - i128::from(*name) * 50_000 * DOLLAR, held.as_slice())
        })
        .collect();
    let mut world = World::new(&holders, 0);
    let mut watch = Watch::rebuild(&world.state);
    assert_eq!((watch.len(), watch.hot()), (91, 0));
    world.set_price(BTC, 4_995_000_000);
    assert_eq!(watch.refresh(&world.state), 0, "0.1 % wakes nobody with a tenth to lose");
    world.set_price(BTC, 4_350_000_000);
    let looked = watch.refresh(&world.state);
    assert!((1..20).contains(&looked), "{looked}");
    assert_eq!(*watch.below(), sweep(&world));
    assert_eq!(watch.below().len(), 1, "the one with 21 % of margin");
    assert!(watch.below().contains_key(&account(1)));
}

#[test]
fn doing_it_twice_looks_at_nobody_but_those_near_their_margin() {
    let mut world =
        World::new(&[(1, -38_000 * DOLLAR, &[(BTC, ONE_BTC)]), (2, 80_000 * DOLLAR, &[(BTC, -ONE_BTC)])], 0);
    let mut watch = Watch::rebuild(&world.state);
    world.swap(1, 2, (ETH, 1_000_000_000), 3_000 * DOLLAR).unwrap();
    assert_eq!(watch.refresh(&world.state), 2);
    assert_eq!(watch.refresh(&world.state), 0);
    world.set_price(BTC, 4_200_000_000);
    assert!(watch.refresh(&world.state) > 0);
    assert_eq!(watch.below().len(), 1);
    assert_eq!(watch.refresh(&world.state), watch.hot());
}

#[test]
fn an_account_that_leaves_is_forgotten() {
    let mut world = World::new(&[(1, -40_000 * DOLLAR, &[(BTC, ONE_BTC)])], 0);
    let mut watch = Watch::rebuild(&world.state);
    assert_eq!(watch.len(), 2);
    world.swap(REST, 1, (BTC, ONE_BTC), 50_000 * DOLLAR).unwrap();
    watch.refresh(&world.state);
    assert!(watch.is_empty() && watch.below().is_empty() && watch.hot() == 0);
}
