//! Accounts at the start of a chain.

use num::{BaseQuantums, FundingIndex};
use store::Memory;
use subaccounts::genesis::{export, init, Genesis};
use subaccounts::Error;
use types::Rejection;

use crate::world::{account, holding, quote, World, BTC, DOLLAR, ONE_BTC, TWENTY_TEN};

/// A chain with everything that this module keeps.
fn busy() -> World {
    let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, holding(7, &[(BTC, ONE_BTC + 1)]))]);
    world.move_index(BTC, -3);
    world.deposit(1, 1);
    world.move_index(BTC, 1);
    world.deposit(2, 9);
    world.run(|ctx| subaccounts::gate_withdrawals(ctx, perpetuals::Collateral::Cross));
    world.check();
    world
}

/// The state of `world` without this module.
fn without_accounts(world: &World) -> Memory {
    let own = |key: &[u8]| key.first() == Some(&0x15);
    let pairs = world.state.iter().filter(|(key, _)| !own(key));
    Memory::from_pairs(pairs.map(|(key, value)| (key.clone(), value.clone())))
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_accounts() {
    let mut world = busy();
    let genesis = export(&world.state);
    let before = world.rows();
    assert_eq!(genesis.accounts.len(), 3);
    world.state = without_accounts(&world);
    world.run(|ctx| init(ctx, &genesis)).unwrap();
    assert_eq!(world.rows(), before);
}

#[test]
fn a_genesis_that_does_not_add_up_is_refused_by_code() {
    type Spoil = fn(&mut Genesis);
    let rows: [(&str, Spoil, u32); 12] = [
        ("a quantum too many", |g| g.accounts[0].1.quote += quote(1), 1_003),
        ("a quantum too few", |g| g.accounts[1].1.quote -= quote(1), 1_003),
        ("dust from nowhere", |g| g.funding_dust += 1, 1_003),
        (
            "negative dust",
            |g| {
                (g.funding_dust, g.accounts[0].1.quote) =
                    (g.funding_dust - 1_000_000, g.accounts[0].1.quote + quote(1))
            },
            1_003,
        ),
        (
            "index of a position",
            |g| g.accounts[0].1.positions[0].1.funding_index = FundingIndex::new(5),
            1_003,
        ),
        ("repeated", |g| g.accounts[1].0 = g.accounts[0].0, 202),
        ("out of order", |g| g.accounts.swap(0, 1), 202),
        ("empty", |g| g.accounts[1].1 = Default::default(), 202),
        ("number", |g| g.accounts[2].0.number = 128_001, 202),
        ("zero position", |g| g.accounts[0].1.positions[0].1.base = BaseQuantums::ZERO, 202),
        (
            "position twice",
            |g| {
                let twice = g.accounts[0].1.positions[0];
                g.accounts[0].1.positions.push(twice);
            },
            202,
        ),
        (
            "longs without shorts",
            |g| {
                g.accounts[2].1.positions.clear();
                // The pool still adds up: what the position owed is now plain collateral.
                g.accounts[2].1.quote -= quote(201);
                g.funding_dust += 999_998;
            },
            1_002,
        ),
    ];
    for (name, spoil, code) in rows {
        let mut world = busy();
        let mut genesis = export(&world.state);
        spoil(&mut genesis);
        world.state = without_accounts(&world);
        let refused = world.run(|ctx| init(ctx, &genesis)).unwrap_err();
        assert_eq!(refused.code(), code, "{name}: {refused}");
    }
}

#[test]
fn money_in_the_pool_that_nobody_owns_is_refused() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 5);
    world.state = without_accounts(&world);
    let refused = world.run(|ctx| init(ctx, &Genesis::default())).unwrap_err();
    assert_eq!(refused, Error::GenesisPool { pool: 5, owed: 0 });
}

#[test]
fn changes_of_a_block_can_be_asked_for() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 5);
    world.deposit(2, u64::try_from(DOLLAR).unwrap());
    world.state.take_changes();
    assert_eq!(subaccounts::changed(&world.state), vec![]);
    world.deposit(2, 1);
    world.deposit(3, 1);
    assert_eq!(subaccounts::changed(&world.state), vec![account(2), account(3)]);
    assert_eq!(subaccounts::before(&world.state, &account(2)), holding(DOLLAR, &[]));
    assert_eq!(subaccounts::before(&world.state, &account(3)), holding(0, &[]));
}

proptest::proptest! {
    /// Every number comes back from its bytes, and small ones take few.
    #[test]
    fn accounts_come_back_from_their_bytes(
        numbers in proptest::collection::vec(proptest::prelude::any::<i128>(), 16),
        small in proptest::prelude::any::<bool>(),
    ) {
        let number = |at: usize| if small { numbers[at] % 1_000_000_000 } else { numbers[at] };
        let ledger = |at| subaccounts::Ledger {
            realised: quote(number(at)),
            funding: quote(number(at + 1)),
            fees: quote(number(at + 2)),
        };
        let position = |at| subaccounts::Position {
            base: crate::world::base(number(at)),
            funding_index: num::FundingIndex::new(number(at + 1)),
            cost: quote(number(at + 2)),
            ledger: ledger(at + 3),
        };
        let positions = vec![(types::MarketId(0), position(0)), (types::MarketId(u32::MAX), position(6))];
        let held = subaccounts::Subaccount { quote: quote(number(12)), positions, closed: ledger(13) };
        let bytes = borsh::to_vec(&held).unwrap();
        proptest::prop_assert!(!small || bytes.len() < 90);
        proptest::prop_assert_eq!(borsh::from_slice::<subaccounts::Subaccount>(&bytes).unwrap(), held);
        proptest::prop_assert!(borsh::from_slice::<subaccounts::Subaccount>(&bytes[..bytes.len() - 1]).is_err());
    }
}
