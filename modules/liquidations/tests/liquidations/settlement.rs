//! Markets that are over: every position is closed, at the oracle price or at the bankruptcy price.

use crate::world::{account, reference, World, BTC, DOLLAR, ETH, ONE_BTC, REST};
use clob::state::Status;
use clob::Side;
use liquidations::Params;
use proptest::prelude::*;

const CARL: u8 = 1;
const DAVE: u8 = 2;

/// Carl is short 1 BTC, Dave is long 1 BTC, the market is over at this price.
fn over(carl: i128, dave: i128, price: u64) -> World {
    let mut world =
        World::new(&[(CARL, carl * DOLLAR, &[(BTC, -ONE_BTC)]), (DAVE, dave * DOLLAR, &[(BTC, ONE_BTC)])], 0);
    world.set_status(BTC, Status::FinalSettlement);
    world.set_price(BTC, price);
    world
}

#[test]
fn liq_19_d3_who_is_worth_something_settles_at_the_oracle_price_and_who_owes_at_the_bankruptcy_price() {
    for (price, carl, dave) in [
        // Carl owes 1 at 55,000: he is closed at 54,999.
        (5_500_000_000, 0, 104_999),
        // He is worth 4,999 at 50,000, and keeps it.
        (5_000_000_000, 4_999, 100_000),
    ] {
        let mut world = over(54_999, 50_000, price);
        let report = world.liquidate();
        assert_eq!(world.holds(CARL, BTC), (carl * DOLLAR, 0), "{price}");
        assert_eq!(world.holds(DAVE, BTC), (dave * DOLLAR, 0), "{price}");
        let bankrupt = u32::from(carl == 0);
        assert_eq!((report.settlements, report.deleveragings), (1 - bankrupt, bankrupt));
        assert_eq!((report.failed, report.negative), (0, 0));
    }
}

#[test]
fn an_active_market_is_not_settled() {
    let mut world = over(54_999, 50_000, 5_000_000_000);
    world.set_status(BTC, Status::Active);
    let report = world.liquidate();
    assert_eq!(report.settlements, 0);
    assert_eq!(world.holds(CARL, BTC), (54_999 * DOLLAR, -ONE_BTC));
}

#[test]
fn an_old_price_settles_too() {
    let mut world = over(54_999, 50_000, 5_000_000_000);
    world.block.time = world.block.time.plus_seconds(1_000_000);
    world.refresh();
    assert_eq!(world.liquidate().settlements, 1);
    assert_eq!(world.holds(DAVE, BTC).1, 0);
}

#[test]
fn the_other_positions_and_markets_stay() {
    let mut world = World::new(
        &[
            (CARL, 90_000 * DOLLAR, &[(BTC, -ONE_BTC), (ETH, -1_000_000_000)]),
            (DAVE, 50_000 * DOLLAR, &[(BTC, ONE_BTC)]),
        ],
        0,
    );
    assert!(world.try_rest(REST, ETH, Side::Sell, 1_000_000_000, 3_500_000_000));
    world.next_block();
    world.set_status(BTC, Status::FinalSettlement);
    assert_eq!(world.liquidate().settlements, 1);
    assert_eq!(world.holds(CARL, ETH), (40_000 * DOLLAR, -1_000_000_000));
    assert_eq!(world.books.len(), 1);
}

#[test]
fn many_positions_take_as_many_blocks_as_the_cap_allows() {
    let holders: Vec<_> = (1..=40_u8)
        .map(|name| {
            let size = if name % 2 == 0 { ONE_BTC } else { -ONE_BTC / 2 };
            (name, 100_000 * DOLLAR, [(BTC, size)])
        })
        .collect();
    let holders: Vec<crate::world::Holder<'_>> =
        holders.iter().map(|(name, quantums, positions)| (*name, *quantums, &positions[..])).collect();
    let mut world = World::new(&holders, 0);
    world.set_params(Params { max_settlements: 7, ..reference() });
    world.set_status(BTC, Status::FinalSettlement);
    let (mut blocks, mut steps) = (0, 0);
    while perpetuals::perpetual(&world.state, BTC).unwrap().open_interest.is_positive() {
        let report = world.liquidate();
        assert!((1..=7).contains(&report.settlements));
        steps += report.settlements;
        blocks += 1;
        world.next_block();
    }
    assert_eq!(blocks, steps.div_ceil(7));
    assert!(steps <= 40, "each step leaves a position fewer: {steps}");
    for name in (1..=40).chain([REST]) {
        assert_eq!(world.holds(name, BTC).1, 0, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn whatever_people_hold_and_owe_everybody_keeps_what_it_is_worth_and_nothing_is_left(
        people in prop::collection::vec((0_i128..200_000, -300_i128..300, -50_i128..50), 2..20),
        (price, index, cap) in (1_000_000_000_u64..9_000_000_000, -100_000_i128..100_000, 1_u32..30),
    ) {
        let held: Vec<_> = people
            .iter()
            .map(|(quote, btc, eth)| {
                let sizes = [(BTC, btc * 1_234_565), (ETH, eth * 10_000_015)];
                (quote * DOLLAR + 37, sizes.into_iter().filter(|(_, size)| *size != 0).collect::<Vec<_>>())
            })
            .collect();
        let holders: Vec<crate::world::Holder<'_>> = (1_u8..)
            .zip(&held)
            .map(|(name, (quote, positions))| (name, *quote, &positions[..]))
            .collect();
        let mut world = World::new(&holders, 1_000 * DOLLAR);
        world.set_params(Params { max_settlements: cap, max_deleveragings: 100, ..reference() });
        world.move_index(BTC, index);
        world.set_price(BTC, price);
        world.set_status(BTC, Status::FinalSettlement);
        let worth = |world: &World, name: u8| {
            let account = subaccounts::get(&world.state, &account(name));
            subaccounts::risk(&world.state, &account).unwrap().net_collateral.raw()
        };
        let names: Vec<u8> = (1..=u8::try_from(people.len()).unwrap()).chain([REST]).collect();
        let before: Vec<i128> = names.iter().map(|name| worth(&world, *name)).collect();
        for _ in 0..60 {
            let open = perpetuals::perpetual(&world.state, BTC).unwrap().open_interest;
            let report = world.liquidate();
            prop_assert!(report.settlements <= cap);
            let left = perpetuals::perpetual(&world.state, BTC).unwrap().open_interest;
            prop_assert!(left <= open);
            world.next_block();
        }
        prop_assert!(perpetuals::perpetual(&world.state, BTC).unwrap().open_interest.is_zero());
        let debts: i128 = before.iter().map(|worth| (*worth).min(0)).sum();
        if debts == 0 && world.books.is_empty() {
            // Nobody owed anything: everybody keeps its worth but for the quantum that a step rounds.
            for (name, was) in names.iter().zip(&before) {
                let lost = was - worth(&world, *name);
                prop_assert!((-30..=30).contains(&lost), "{name} lost {lost}");
            }
        }
    }
}
