//! Bad input, one row each: the exact codespace and code, and a state that is the same as that of a twin whose
//! block did not have the transaction. What a refused transaction may leave is said by its row: nothing; its
//! sequence; or its sequence and its fee.

mod envelope;
mod money;
mod orders;

use std::collections::BTreeSet;
use std::sync::Arc;

use num::Price;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side};
use scenario::World;
use store::Memory;
use types::{Address, Denom, MarketId};

pub(crate) const USDC: u64 = 1_000_000;
pub(crate) const BTC: u32 = 0;
pub(crate) const ETH: u32 = 1;
/// A hundredth of a BTC.
pub(crate) const SIZE: u64 = 100_000_000;
/// 28,688 USD.
pub(crate) const PRICE: u64 = 2_868_800_000;
/// What [`World::envelope`] offers.
pub(crate) const FEE: u128 = 25_000;

/// What a refused transaction leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It was not admitted, or has no sequence: nothing.
    Nothing,
    /// It was admitted without a fee, and its message failed.
    Sequence,
    /// It was admitted, and its message failed.
    SequenceAndFee,
}

/// One bad transaction.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) refusal: (&'static str, u32),
    pub(crate) left: Left,
    pub(crate) tx: fn(&World) -> Vec<u8>,
}

pub(crate) fn row(
    name: &'static str,
    refusal: (&'static str, u32),
    left: Left,
    tx: fn(&World) -> Vec<u8>,
) -> Row {
    Row { name, refusal, left, tx }
}

/// Alice and bob hold a BTC each way; alice has a resting ask `1`, a long-term bid `2`, a filled order `3` and a
/// cancelled id `9`; the price of ETH is stale.
fn base() -> World {
    let mut world = World::new(&["alice", "bob", "carl"], 1_000_000 * USDC);
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 100_000 * USDC);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    let ask = world.order("alice", BTC, 3, (Side::Sell, 100 * SIZE, PRICE));
    assert_eq!(world.run("alice", &[world.place(ask)]).refusal, None);
    let bid = world.order("bob", BTC, 3, (Side::Buy, 100 * SIZE, PRICE));
    assert_eq!(world.run("bob", &[world.place(bid)]).refusal, None);
    let ask = resting_ask(&world);
    assert_eq!(world.run("alice", &[world.place(ask)]).refusal, None);
    let bid = long_term(&world, 2);
    assert_eq!(world.run("alice", &[world.place(bid)]).refusal, None);
    // Now both have the same sequence, so that it does not give a stranger away before the key does.
    let deposit = world.deposit("bob", 1);
    assert_eq!(world.run("bob", &[deposit]).refusal, None);
    let mut id = world.order("alice", BTC, 9, (Side::Buy, SIZE, PRICE)).order_id.unwrap();
    id.client_id = 9;
    let cancel = world.cancel(id, wire::msg_cancel_order::GoodTilOneof::GoodTilBlock(30));
    assert_eq!(world.run("alice", &[cancel]).refusal, None);
    world.prices.remove(&MarketId(ETH));
    world.pass(31);
    world.block();
    assert_eq!(world.machine.books().len(), 2);
    world
}

/// The order `1` that rests, again.
pub(crate) fn resting_ask(world: &World) -> wire::Order {
    let mut order = world.order("alice", BTC, 1, (Side::Sell, SIZE, 3_000_000_000));
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(40));
    order
}

/// A long-term bid far from the market, good for about a day.
pub(crate) fn long_term(world: &World, client_id: u32) -> wire::Order {
    let mut order = world.order("alice", BTC, client_id, (Side::Buy, SIZE, 2_000_000_000));
    order.order_id.as_mut().unwrap().order_flags = 64;
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(seconds(world) + 86_400));
    order
}

/// Time of the last block.
pub(crate) fn seconds(world: &World) -> u32 {
    u32::try_from(world.machine.last_block().1.seconds()).unwrap()
}

/// The Merkle root over everything in the state.
fn root(memory: &Memory) -> [u8; 32] {
    let mut store = tree::Store::in_memory(app::STORES, 1);
    let rows: Vec<_> = memory.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    store.stage(1, &rows)
}

/// Keys whose values differ.
fn differing(one: &Memory, other: &Memory) -> BTreeSet<Arc<[u8]>> {
    let one: BTreeSet<_> = one.iter().collect();
    let other: BTreeSet<_> = other.iter().collect();
    one.symmetric_difference(&other).map(|(key, _)| (*key).clone()).collect()
}

fn fee_coins(world: &World, address: &Address) -> u128 {
    bank::balance(world.machine.state(), address, &Denom::new("uballast").unwrap())
}

/// Whether a row counts what an owner used of a budget: a refused message uses it too.
fn is_budget(key: &Arc<[u8]>) -> bool {
    key.starts_with(&[0x17, 0x0a])
}

/// Compares a world whose block had the refused transaction with one whose block did not.
fn compare(row: &Row, world: &mut World, absent: &mut World) -> Result<(), String> {
    let differing = differing(world.machine.memory(), absent.machine.memory());
    if row.left == Left::Nothing {
        let same = root(world.machine.memory()) == root(absent.machine.memory());
        return if same && differing.is_empty() {
            Ok(())
        } else {
            Err(format!("the state root differs, at {differing:?}"))
        };
    }
    let (now, before) = (world.envelope("alice").sequence, absent.envelope("alice").sequence);
    if now != before + 1 {
        return Err(format!("the sequence went from {before} to {now}"));
    }
    let differing: Vec<_> = differing.iter().filter(|key| !is_budget(key)).collect();
    let (fee, rows) = if row.left == Left::Sequence { (0, 1) } else { (FEE, 3) };
    let (alice, collector) = (world.id("alice").owner, Address::module(bank::FEE_COLLECTOR));
    let paid = fee_coins(absent, &alice) - fee_coins(world, &alice);
    let got = fee_coins(world, &collector) - fee_coins(absent, &collector);
    if (paid, got, differing.len()) != (fee, fee, rows) {
        return Err(format!("paid {paid}, got {got}, differing rows {differing:?}"));
    }
    let kinds: BTreeSet<u8> = differing.iter().map(|key| key[0]).collect();
    if !kinds.is_subset(&BTreeSet::from([0x10, 0x12])) {
        return Err(format!("rows of {kinds:?} differ"));
    }
    Ok(())
}

#[test]
fn bad_input_is_refused_with_its_code_and_leaves_no_trace() {
    let mut base = base();
    let mut rows = envelope::rows();
    rows.extend(money::rows());
    rows.extend(orders::rows());
    let mut wrong = Vec::new();
    for row in &rows {
        let (mut world, mut absent) = (base.twin(), base.twin());
        let input = world.input(vec![(row.tx)(&world)]);
        let results = world.apply(&input).expect("the conservation laws hold");
        let empty = absent.input(Vec::new());
        absent.apply(&empty).expect("the conservation laws hold");
        let refusal = results[0].refusal.clone().unwrap_or_default();
        if (refusal.codespace.as_str(), refusal.code) != row.refusal {
            wrong.push(format!("{}: expected {:?}, got {refusal:?}", row.name, row.refusal));
        }
        if let Err(reason) = compare(row, &mut world, &mut absent) {
            wrong.push(format!("{}: {reason}", row.name));
        }
    }
    println!("{} rows of bad input", rows.len());
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 60);
    let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "every row has a name of its own");
}

#[test]
fn the_mempool_refuses_for_the_same_reason_and_everything_that_is_wrong_with_an_envelope() {
    let mut base = base();
    let (mut refused, mut passed) = (0, 0);
    let surroundings = envelope::rows().into_iter().map(|row| (row, true));
    for (row, envelope) in surroundings
        .chain(money::rows().into_iter().map(|row| (row, false)))
        .chain(orders::rows().into_iter().map(|row| (row, false)))
    {
        let mut world = base.twin();
        let (tx, last) = ((row.tx)(&world), world.machine.last_block());
        let before = root(world.machine.memory());
        let result = app::check::check(
            world.machine.memory(),
            &tx,
            last,
            app::check::Mode::New,
            &app::Signatures::default(),
        );
        match result.refusal {
            Some(refusal) => {
                assert_eq!((refusal.codespace.as_str(), refusal.code), row.refusal, "{}", row.name);
                assert_eq!(root(world.machine.memory()), before, "{}", row.name);
                refused += 1;
            }
            None => {
                assert!(!envelope, "{} is let into the mempool", row.name);
                passed += 1;
            }
        }
    }
    println!("the mempool refuses {refused} rows of bad input, only a block can refuse {passed}");
    assert!(refused > 4 * passed);
}

#[test]
fn the_comparison_notices_a_transaction_that_succeeds() {
    let mut base = base();
    let good = row("a withdrawal within the margin", ("", 0), Left::SequenceAndFee, |world| {
        world.sign("alice", &[world.withdraw("alice", 1)])
    });
    let (mut world, mut absent) = (base.twin(), base.twin());
    let input = world.input(vec![(good.tx)(&world)]);
    assert_eq!(world.apply(&input).unwrap()[0].refusal, None);
    absent.block();
    assert!(compare(&good, &mut world, &mut absent).is_err());
    assert_ne!(root(world.machine.memory()), root(absent.machine.memory()));
}

#[test]
fn a_price_that_nobody_voted_for_is_stale_in_the_base() {
    let world = base();
    let block = app::state::previous_block(world.machine.state());
    assert!(!prices::is_fresh(world.machine.state(), &block, MarketId(ETH)));
    assert!(prices::is_fresh(world.machine.state(), &block, MarketId(BTC)));
    assert_eq!(world.prices.get(&MarketId(BTC)), Some(&Price::new(2_868_819_524)));
}
