//! Random histories: nothing gets lost, nothing comes from nowhere, and refusals leave no trace.

use num::{FundingIndex, QuoteQuantums};
use proptest::prelude::*;
use subaccounts::settle::{settle, settlement_ppm, PPM};
use subaccounts::{risk_of, Kind, Msg, Position, Subaccount, Update};
use types::MarketId;

use crate::world::{account, base, person, quote, trade, World, BTC, DOLLAR, ETH, ONE_BTC, TWENTY_TEN};

/// One thing that may happen. People are 1 to 5.
#[derive(Clone, Debug)]
enum Step {
    Deposit { who: u8, amount: u64 },
    Withdraw { who: u8, amount: u64 },
    Transfer { from: u8, to: u8, amount: u64 },
    Trade { buyer: u8, seller: u8, market: MarketId, size: i128, price_ppm: i128 },
    Funding { market: MarketId, delta: i128 },
    Price { market: MarketId, ppm: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 1u8..6;
    let market = || prop_oneof![Just(BTC), Just(ETH)];
    let size = prop_oneof![1i128..20, 1i128..(3 * ONE_BTC)];
    let delta = prop_oneof![-5i128..5, -3_000_000i128..3_000_000];
    prop_oneof![
        (who(), 1u64..50_000_000_000).prop_map(|(who, amount)| Step::Deposit { who, amount }),
        (who(), 1u64..50_000_000_000).prop_map(|(who, amount)| Step::Withdraw { who, amount }),
        (who(), who(), 1u64..20_000_000_000).prop_map(|(from, to, amount)| Step::Transfer {
            from,
            to,
            amount
        }),
        (who(), who(), market(), size, 900_000i128..1_100_000).prop_map(
            |(buyer, seller, market, size, price_ppm)| Step::Trade { buyer, seller, market, size, price_ppm }
        ),
        (market(), delta).prop_map(|(market, delta)| Step::Funding { market, delta }),
        (market(), 900_000u64..1_100_000).prop_map(|(market, ppm)| Step::Price { market, ppm }),
    ]
}

/// Run one step; says whether it was done.
fn run(world: &mut World, step: &Step) -> bool {
    let execute = |world: &mut World, msg: Msg| {
        let before = world.rows();
        let done = world.execute(&msg).is_ok();
        assert!(done || world.rows() == before, "a refusal leaves a trace");
        done
    };
    match *step {
        Step::Deposit { who, amount } => {
            execute(world, Msg::Deposit { sender: person(who), recipient: account(who), amount })
        }
        Step::Withdraw { who, amount } => {
            execute(world, Msg::Withdraw { sender: account(who), recipient: person(who), amount })
        }
        Step::Transfer { from, to, amount } => {
            execute(world, Msg::Transfer { sender: account(from), recipient: account(to), amount })
        }
        Step::Trade { buyer, seller, market, size, price_ppm } => {
            let terms = perpetuals::terms(&world.state, market).unwrap();
            let price = prices::price(&world.state, market).unwrap().price;
            let worth = terms.notional(base(size), price).unwrap().raw();
            let cost = worth * price_ppm / 1_000_000;
            // A taker's fee of 500 ppm, a maker's of 100, each rounded up.
            let fee = |rate| num::mul_div(cost, rate, PPM, num::Round::Ceil).unwrap();
            let (taker, maker) = (fee(500), fee(100));
            let updates =
                [trade(buyer, market, size, cost + taker), trade(seller, market, -size, maker - cost)];
            let done = world.update(&updates, Kind::Match).is_ok();
            if done {
                pay(world, taker + maker);
            }
            done
        }
        Step::Funding { market, delta } => {
            world.move_index(market, delta);
            true
        }
        Step::Price { market, ppm } => {
            let old = prices::price(&world.state, market).unwrap().price.raw();
            world.set_price(market, old / 1_000 * ppm / 1_000);
            true
        }
    }
}

/// Fees leave the pool, as the book pays them out.
fn pay(world: &mut World, fees: i128) {
    let coin = types::Coin { denom: world.chain.collateral.clone(), amount: u128::try_from(fees).unwrap() };
    let collector = types::Address::module("fee_collector");
    // The pool may hold less than it owes after large losses; then nothing may be paid.
    let paid = world.run(|ctx| bank::transfer(ctx, &subaccounts::pool(), &collector, &coin));
    assert_eq!(paid, Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// I1 to I4 hold after every step of any history.
    #[test]
    fn whatever_happens_the_pool_is_exact_and_longs_equal_shorts(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
        // A whale keeps the pool above zero, so that fees can always be paid.
        world.deposit(9, 1_000_000_000_000_000);
        let mut done = 0;
        for step in &steps {
            done += u32::from(run(&mut world, step));
            world.check();
        }
        prop_assert!(done > 0 || steps.len() < 40, "a history in which nothing happens tests nothing");
    }

    /// I5: after any accepted trade or payment of its own, an account has initial margin, or is safer than
    /// before.
    #[test]
    fn what_is_accepted_is_safe(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
        world.deposit(9, 1_000_000_000_000_000);
        for step in &steps {
            let before: Vec<_> = (1..6).map(|name| world.get(name)).collect();
            let old: Vec<_> =
                before.iter().map(|held| subaccounts::risk(&world.state, held).unwrap()).collect();
            let moves = matches!(step, Step::Funding { .. } | Step::Price { .. });
            if !run(&mut world, step) || moves {
                continue;
            }
            for ((name, held), old) in (1..6).zip(&before).zip(&old) {
                let after = world.get(name);
                let new = risk_of(&world.state, &subaccounts::settled(&world.state, &after).unwrap()).unwrap();
                let safer = new.maintenance <= old.maintenance && new.compare(old).is_le();
                prop_assert!(after == *held || new.is_initially_margined() || safer);
            }
        }
    }

    /// F2: what all accounts of a market receive together is never more than nothing, and the rest is dust.
    #[test]
    fn settlement_never_creates_value(
        sizes in prop::collection::vec(-1_000_000_000i128..1_000_000_000, 1..20),
        indexes in prop::collection::vec(-1_000_000i128..1_000_000, 20),
        now in -1_000_000i128..1_000_000,
    ) {
        let mut received = 0;
        let mut dust = 0;
        let mut exact = 0;
        for (size, index) in sizes.iter().filter(|size| **size != 0).zip(&indexes) {
            let position = Position {
                base: base(*size),
                funding_index: FundingIndex::new(*index),
                ..Position::default()
            };
            let held = Subaccount { positions: vec![(BTC, position)], ..Subaccount::default() };
            let settled = settle(&held, |_| Some(FundingIndex::new(now))).unwrap();
            prop_assert!((0..PPM).contains(&settled.dust));
            received += settled.account.quote.raw();
            dust += settled.dust;
            exact += settlement_ppm(&position, FundingIndex::new(now)).unwrap();
        }
        prop_assert_eq!(received * PPM + dust, exact);
    }

    /// MAR-08: settling often or once is the same to one quantum for each time, and often is never better.
    #[test]
    fn settling_often_never_pays(
        size in -1_000_000_000i128..1_000_000_000,
        moves in prop::collection::vec(-9_999i128..9_999, 1..20),
    ) {
        prop_assume!(size != 0);
        let position = Position { base: base(size), funding_index: FundingIndex::ZERO, ..Default::default() };
        let start = Subaccount { quote: QuoteQuantums::ZERO, positions: vec![(BTC, position)], ..Default::default() };
        let mut often = start.clone();
        let mut index = 0;
        for delta in &moves {
            index += delta;
            often = settle(&often, |_| Some(FundingIndex::new(index))).unwrap().account;
        }
        let once = settle(&start, |_| Some(FundingIndex::new(index))).unwrap().account;
        let lost = once.quote - often.quote;
        prop_assert!(!lost.is_negative() && lost <= quote(i128::try_from(moves.len()).unwrap()));
        prop_assert_eq!(once.positions, often.positions);
    }
}

#[test]
fn opening_and_closing_in_tiny_steps_never_pays() {
    // MAR-01: fees of a trade round up, funding rounds down: the two people together only lose.
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 1_000_000);
    world.deposit(2, 1_000_000);
    for round in 0..500i128 {
        let size = 1 + round % 3;
        let flow: [Update; 2] = [trade(1, BTC, size, size * 500 + 1), trade(2, BTC, -size, 1 - size * 500)];
        world.update(&flow, Kind::Match).unwrap();
        pay(&mut world, 2);
        world.move_index(BTC, 333_333 * (round % 5 - 2));
        let flow = [trade(1, BTC, -size, 1 - size * 500), trade(2, BTC, size, size * 500 + 1)];
        world.update(&flow, Kind::Match).unwrap();
        pay(&mut world, 2);
    }
    world.check();
    let left = world.get(1).quote + world.get(2).quote;
    assert!(left <= quote(2 * DOLLAR - 2_000), "{left}");
}
