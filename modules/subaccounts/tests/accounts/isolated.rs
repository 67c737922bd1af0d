//! Isolated markets: own pools, one position, and what is left when everything closes.

use num::{Ppm, QuoteQuantums};
use perpetuals::Collateral;
use proptest::prelude::*;
use subaccounts::{Accounts, Kind, Msg, UpdateResult};
use types::{Address, Coin, Rejection, SubaccountId};

use crate::world::{account, money, person, quote, trade, World, BTC, DOLLAR, ETH, ONE_BTC, TWENTY_TEN};

/// BTC is cross, ETH is isolated; persons 1 to 4 have $10,000 each.
fn start() -> World {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.isolate(ETH);
    for name in 1..=4 {
        world.deposit(name, 10_000_000_000);
    }
    world
}

fn held(world: &World, of: Collateral) -> u128 {
    bank::balance(&world.state, &of.address(subaccounts::POOL), &world.chain.collateral)
}

const OWN: Collateral = Collateral::Isolated(ETH);
const ONE_ETH: i128 = 1_000_000_000;

#[test]
fn mar_13_collateral_follows_the_position_in_and_out_and_no_pool_is_ever_short() {
    let mut world = start();
    world.swap(1, 2, ETH, ONE_ETH, 3_000 * DOLLAR).unwrap();
    assert_eq!((held(&world, OWN), held(&world, Collateral::Cross)), (20_000_000_000, 20_000_000_000));
    world.check();
    // Person 3 takes over half; person 1 keeps half: its collateral stays.
    world.swap(3, 1, ETH, ONE_ETH / 2, 1_600 * DOLLAR).unwrap();
    assert_eq!(held(&world, OWN), 30_000_000_000);
    world.check();
    // All the open interest goes in one trade with the first, then the second.
    world.swap(2, 1, ETH, ONE_ETH / 2, 1_500 * DOLLAR).unwrap();
    assert_eq!(world.get(1).quote, quote(10_100 * DOLLAR));
    world.swap(2, 3, ETH, ONE_ETH / 2, 1_400 * DOLLAR).unwrap();
    assert_eq!((held(&world, OWN), held(&world, Collateral::Cross)), (0, 40_000_000_000));
    assert_eq!(world.accounts.collateral(&account(1)), Collateral::Cross);
    world.check();
}

#[test]
fn an_isolated_position_is_the_only_one_of_its_account() {
    let mut world = start();
    world.swap(1, 2, ETH, ONE_ETH, 3_000 * DOLLAR).unwrap();
    world.swap(3, 4, BTC, ONE_BTC / 10, 5_000 * DOLLAR).unwrap();
    let wrong = UpdateResult::ViolatesIsolatedSubaccountConstraints;
    for (name, buyer, seller, market, index) in [
        ("cross on top of isolated, as taker", 1, 4, BTC, 0),
        ("cross on top of isolated, as maker", 4, 1, BTC, 1),
        ("isolated on top of cross, as taker", 3, 2, ETH, 0),
        ("isolated on top of cross, as maker", 2, 3, ETH, 1),
    ] {
        let refused = world.swap(buyer, seller, market, 1_000, 3).unwrap_err();
        assert_eq!((refused.index, refused.code, refused.code()), (index, wrong, 102), "{name}");
        assert_eq!(refused.code.number(), 5, "{name}");
    }
    // More of the same, a flip, and money are fine.
    world.swap(1, 2, ETH, ONE_ETH, 3_000 * DOLLAR).unwrap();
    world.swap(2, 1, ETH, 3 * ONE_ETH, 9_000 * DOLLAR).unwrap();
    world.deposit(1, 5);
    world.check();
}

#[test]
fn the_whole_open_interest_of_an_isolated_market_closes_in_one_liquidation() {
    let mut world = start();
    world.swap(1, 2, ETH, 10 * ONE_ETH, 30_000 * DOLLAR).unwrap();
    let fund = OWN.address("insurance_fund");
    let denom = world.chain.collateral.clone();
    let coin = |amount| Coin { denom: denom.clone(), amount };
    let (gift, cost) = (coin(5_000_000_000), 19_500 * DOLLAR);
    world.run(|ctx| bank::mint(ctx, &fund, &gift)).unwrap();
    world.set_price(ETH, 1_950_000_000);
    // Person 1 owes $20,000 and sells for $19,500: $500 are missing.
    let missing = 500 * DOLLAR;
    let updates = [trade(1, ETH, -10 * ONE_ETH, -cost - missing), trade(2, ETH, 10 * ONE_ETH, cost)];
    let short = world.update(&updates, Kind::Liquidation).unwrap_err();
    assert_eq!(
        (short.index, short.code),
        (1, UpdateResult::UpdateCausedError),
        "the pool pays only what it has"
    );
    let pay = coin(500_000_000);
    world.run(|ctx| bank::transfer(ctx, &fund, &OWN.address(subaccounts::POOL), &pay)).unwrap();
    world.update(&updates, Kind::Liquidation).unwrap();
    assert_eq!((world.get(1).quote, world.get(2).quote), (quote(0), quote(20_500 * DOLLAR)));
    assert_eq!(held(&world, OWN), 0);
    world.check();
}

#[test]
fn what_would_leave_a_debt_in_the_common_pool_is_refused() {
    let mut world = start();
    world.swap(1, 2, ETH, 10 * ONE_ETH, 30_000 * DOLLAR).unwrap();
    world.set_price(ETH, 1_950_000_000);
    let refused = world.swap(2, 1, ETH, 10 * ONE_ETH, 19_500 * DOLLAR).unwrap_err();
    assert_eq!((refused.index, refused.code()), (1, 102));
}

#[test]
fn money_between_pools_moves_in_the_bank_too() {
    let mut world = start();
    world.swap(1, 2, ETH, ONE_ETH, 3_000 * DOLLAR).unwrap();
    let out = Msg::Transfer { sender: account(1), recipient: account(3), amount: 1_000 };
    world.execute(&out).unwrap();
    world.check();
    let back = Msg::Transfer { sender: account(3), recipient: account(2), amount: 700 };
    world.execute(&back).unwrap();
    world.check();
    let fresh = SubaccountId { owner: person(9), number: 128_000 };
    world.execute(&Msg::Transfer { sender: account(2), recipient: fresh, amount: 9 }).unwrap();
    world.execute(&Msg::Withdraw { sender: account(1), recipient: person(7), amount: 11 }).unwrap();
    world.deposit(2, 13);
    assert_eq!(held(&world, OWN), 20_000_000_000 - 1_000 + 700 - 9 - 11 + 13);
    world.check();
}

#[test]
fn d13_a_debt_in_an_isolated_pool_keeps_only_that_pool_shut() {
    let mut world = start();
    world.swap(1, 2, ETH, ONE_ETH, 3_000 * DOLLAR).unwrap();
    world.run(|ctx| subaccounts::gate_withdrawals(ctx, OWN));
    let blocked = UpdateResult::WithdrawalsAndTransfersBlocked;
    let inside = world.update(&[money(1, -1)], Kind::Withdrawal).unwrap_err();
    assert_eq!(inside.code, blocked);
    let into = world.update(&[money(3, -1), money(1, 1)], Kind::Transfer).unwrap_err();
    assert_eq!(into.code, blocked, "a transfer touches both pools");
    world.deposit(1, 5);
    let out = Msg::Withdraw { sender: account(3), recipient: person(3), amount: 1 };
    world.execute(&out).unwrap();
    world.block.height += 50;
    world.execute(&Msg::Withdraw { sender: account(1), recipient: person(3), amount: 1 }).unwrap();
    world.run(|ctx| subaccounts::gate_withdrawals(ctx, Collateral::Cross));
    world.execute(&Msg::Withdraw { sender: account(1), recipient: person(3), amount: 1 }).unwrap();
    assert_eq!(world.update(&[money(3, -1)], Kind::Withdrawal).unwrap_err().code, blocked);
}

#[test]
fn funding_and_its_dust_stay_in_the_market_s_own_pool() {
    let mut world = start();
    world.swap(1, 2, ETH, ONE_ETH + 1, 3_000 * DOLLAR).unwrap();
    world.move_index(ETH, 7);
    world.deposit(1, 1);
    world.check();
    assert_eq!(subaccounts::funding_dust(&world.state), 0);
    assert_eq!(subaccounts::dust_of(&world.state, OWN), 1_000_000 - 7);
    world.deposit(2, 1);
    assert_eq!(subaccounts::dust_of(&world.state, OWN), 1_000_000);
    world.check();
}

#[test]
fn a_market_that_joins_the_cross_ones_brings_its_pool_and_accounts() {
    let mut world = start();
    world.swap(1, 2, ETH, ONE_ETH + 1, 3_000 * DOLLAR).unwrap();
    world.move_index(ETH, 7);
    world.deposit(1, 1);
    let pool = held(&world, OWN) + held(&world, Collateral::Cross);
    world.with(|ctx, accounts| subaccounts::make_cross(ctx, accounts, ETH)).unwrap();
    assert_eq!((held(&world, OWN), held(&world, Collateral::Cross)), (0, pool));
    assert_eq!(subaccounts::funding_dust(&world.state), 1_000_000 - 7);
    world.check();
    world.swap(1, 2, BTC, 1_000, 500_000).unwrap();
    world.check();
    let again = world.with(|ctx, accounts| subaccounts::make_cross(ctx, accounts, ETH)).unwrap_err();
    assert_eq!((again.codespace(), again.code()), ("perpetuals", 23));
}

#[test]
fn users_cannot_send_to_an_isolated_pool() {
    let mut world = start();
    let out = Msg::Withdraw { sender: account(1), recipient: Address::module("subaccounts:1"), amount: 1 };
    assert_eq!(world.execute(&out).unwrap_err().code(), 4);
}

#[test]
fn mar_12_leverage_raises_initial_margin_alone_and_counts_what_was_set_before() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 10_000_000_000);
    world.deposit(2, 100_000_000_000);
    world.swap(1, 2, BTC, ONE_BTC / 5, 10_000 * DOLLAR).unwrap();
    world.swap(1, 2, ETH, 2 * ONE_ETH, 6_000 * DOLLAR).unwrap();
    let before = world.accounts.risk(&account(1)).unwrap();
    let mut set = |shares: &[(types::MarketId, u32)]| {
        let shares: Vec<_> = shares.iter().map(|(market, ppm)| (*market, Ppm::new(*ppm))).collect();
        let rows = world.rows();
        let done = world.with(|ctx, accounts| subaccounts::set_leverage(ctx, accounts, &account(1), &shares));
        assert!(done.is_ok() || world.rows() == rows, "a refusal leaves a trace");
        let code = done.err().map_or(0, |error| error.code());
        (code, world.accounts.risk(&account(1)).unwrap())
    };
    assert_eq!(set(&[(BTC, 199_999)]), (701, before));
    assert_eq!(set(&[(types::MarketId(9), 500_000)]), (103, before));
    let (code, after) = set(&[(BTC, 500_000)]);
    assert_eq!((code, after.initial), (0, quote(6_200 * DOLLAR)));
    assert_eq!((after.maintenance, after.net_collateral), (before.maintenance, before.net_collateral));
    // Q6: alone the new share would do (2,000 + 5,000), with the one set before it does not (5,000 + 6,000).
    assert_eq!(set(&[(ETH, 1_000_000)]).0, 703);
    assert_eq!(set(&[(ETH, 300_000)]).1.initial, quote(6_800 * DOLLAR));
    assert_eq!(
        subaccounts::leverage(&world.state, &account(1)),
        vec![(BTC, Ppm::new(500_000)), (ETH, Ppm::new(300_000))]
    );
    world.check();
    let out = Msg::Withdraw { sender: account(1), recipient: person(1), amount: 3_200_000_001 };
    assert_eq!(world.execute(&out).unwrap_err().code(), 102);
    let out = Msg::Withdraw { sender: account(1), recipient: person(1), amount: 3_200_000_000 };
    world.execute(&out).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Trade { buyer: u8, seller: u8, eth: bool, size: i128, cost: i128, fee: (i128, i128) },
    Money { name: u8, other: u8, amount: u64, out: bool },
    Index { eth: bool, delta: i128 },
    Price { eth: bool, price: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 1u8..5;
    prop_oneof![
        6 => (name(), name(), any::<bool>(), 1i128..300_000_000, -20i128..20, (-50i128..5_000, 0i128..9_000))
            .prop_map(|(buyer, seller, eth, size, cost, fee)| Step::Trade { buyer, seller, eth, size, cost, fee }),
        2 => (name(), name(), 1u64..4_000_000_000, any::<bool>())
            .prop_map(|(name, other, amount, out)| Step::Money { name, other, amount, out }),
        1 => (any::<bool>(), -90_000i128..90_000).prop_map(|(eth, delta)| Step::Index { eth, delta }),
        1 => (any::<bool>(), 2_000_000_000u64..6_000_000_000).prop_map(|(eth, price)| Step::Price { eth, price }),
    ]
}

fn take(world: &mut World, step: &Step, transfers: &mut [i128; 5], fees: &mut [i128; 5]) {
    match *step {
        Step::Trade { buyer, seller, eth, size, cost, fee } => {
            let market = if eth { ETH } else { BTC };
            let price = world.accounts.oracle(market).unwrap().price.raw();
            let worth = size * i128::from(price) / if eth { 1_000_000_000 } else { 100_000_000 };
            let worth = if eth { worth } else { worth / 10 } + cost;
            let mut updates = [trade(buyer, market, size, worth), trade(seller, market, -size, -worth)];
            for (update, fee) in updates.iter_mut().zip([fee.0, fee.1]) {
                update.fee = quote(fee);
                update.quote -= quote(fee);
            }
            if buyer != seller && world.update(&updates, Kind::Match).is_ok() {
                fees[usize::from(buyer)] += fee.0;
                fees[usize::from(seller)] += fee.1;
                // As `clob` does: net fees leave the market's pool.
                let pool = world.accounts.pool_of(market);
                let total = fee.0 + fee.1;
                let (from, to) = if total > 0 { (pool, person(8)) } else { (person(8), pool) };
                let coin = Coin { denom: world.chain.collateral.clone(), amount: total.unsigned_abs() };
                world.run(|ctx| bank::transfer(ctx, &from, &to, &coin)).unwrap();
            }
        }
        Step::Money { name, other, amount, out } => {
            let before = world.accounts.hash();
            let msg = if !out {
                Msg::Deposit { sender: person(name), recipient: account(name), amount }
            } else if name == other {
                Msg::Withdraw { sender: account(name), recipient: person(name), amount }
            } else {
                Msg::Transfer { sender: account(name), recipient: account(other), amount }
            };
            let amount = i128::from(amount);
            if world.execute(&msg).is_err() {
                assert_eq!(world.accounts.hash(), before, "a refusal leaves a trace");
            } else if !out {
                transfers[usize::from(name)] += amount;
            } else {
                transfers[usize::from(name)] -= amount;
                transfers[usize::from(other)] += if name == other { 0 } else { amount };
            }
        }
        Step::Index { eth, delta } => world.move_index(if eth { ETH } else { BTC }, delta),
        Step::Price { eth, price } => world.set_price(if eth { ETH } else { BTC }, price),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// I7: price profit, funding and fees make up every change of worth that was no transfer, to the unit; I1 per
    /// pool; the rows rebuild what lives in memory; health by words is health by exact numbers.
    #[test]
    fn profit_funding_and_fees_add_up_to_the_change_of_worth(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = start();
        let mut transfers = [0, 10_000 * DOLLAR, 10_000 * DOLLAR, 10_000 * DOLLAR, 10_000 * DOLLAR];
        let mut fees = [0; 5];
        for step in &steps {
            take(&mut world, step, &mut transfers, &mut fees);
            world.check();
        }
        for name in 1..5u8 {
            let held = world.accounts.get(&account(name));
            let ledgers = || held.positions.iter().map(|(_, position)| position.ledger).chain([held.closed]);
            let costs: QuoteQuantums = held.positions.iter().map(|(_, position)| position.cost).sum();
            let earned: QuoteQuantums = ledgers().map(|ledger| ledger.sum().unwrap()).sum();
            if !held.is_empty() {
                prop_assert_eq!(held.quote.raw(), transfers[usize::from(name)] + earned.raw() - costs.raw());
                let paid: QuoteQuantums = ledgers().map(|ledger| ledger.fees).sum();
                prop_assert_eq!(paid.raw(), fees[usize::from(name)]);
            }
            let exact = subaccounts::risk(&world.state, &held).unwrap();
            prop_assert_eq!(world.accounts.risk(&account(name)).unwrap(), exact);
        }
        prop_assert_eq!(Accounts::rebuild(&world.state).hash(), world.accounts.hash());
    }
}
