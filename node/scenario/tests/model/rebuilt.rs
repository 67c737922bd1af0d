//! Nothing that matters is only in memory: a machine that is rebuilt from the rows of any block is the machine that
//! wrote them, and goes on like it to the byte.

use app::BlockOutcome;
use sha2::{Digest, Sha256};
use store::Memory;

use crate::crowd::Crowd;
use crate::engine::Engine;
use crate::setting::Setting;
use crate::terms::Op;

/// Blocks that a rebuilt machine goes along.
const ALONG: u64 = 50;

/// A digest of all rows.
fn root(memory: &Memory) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (key, value) in memory.iter() {
        for part in [&*key, &*value] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    digest.finalize().into()
}

/// A machine made of exported rows, and its last block to go along with the others.
struct Twin {
    engine: Engine,
    until: u64,
}

fn outcome(engine: &mut Engine, time: i64, prices: &[(u32, u64)], ops: &[Op]) -> (BlockOutcome, [u8; 32]) {
    engine.block(time, prices, ops).unwrap();
    let root = root(engine.machine.memory());
    (std::mem::take(&mut engine.outcome), root)
}

/// Rebuilds after each of `blocks` blocks; every `each`th time what was rebuilt goes on beside the others.
fn run(seed: u64, blocks: u64, each: u64) -> (u64, usize) {
    let setting = Setting::odd();
    let (mut engine, mut chain) = (Engine::new(&setting), setting.chain());
    let mut crowd = Crowd::new(seed, &setting);
    let mut twins: Vec<Twin> = Vec::new();
    let (mut compared, mut orders) = (0, 0);
    for height in 1..=blocks {
        let (time, prices) = crowd.moment(&chain);
        let count = crowd.dice.within(0, 60);
        let mut batch: Vec<Op> = (0..count).map(|_| crowd.op(&chain)).collect();
        if height == 1 {
            let deposit = |account| Op::Deposit { account, amount: 20_000_000 << (account / 2) };
            batch = (0..setting.accounts.len()).map(deposit).collect();
        }
        batch.iter_mut().for_each(|op| engine.hash(op));
        chain.block(time, &prices, &batch);
        let expected = outcome(&mut engine, time, &prices, &batch);
        let books = engine.machine.books().hash();
        for twin in &mut twins {
            let got = outcome(&mut twin.engine, time, &prices, &batch);
            let from = twin.until - ALONG;
            assert_eq!(got.0.results, expected.0.results, "results of block {height}, rebuilt after {from}");
            assert_eq!(got.0.events, expected.0.events, "events of block {height}, rebuilt after {from}");
            assert_eq!(got.1, expected.1, "root of block {height}, rebuilt after {from}");
            assert_eq!(
                twin.engine.machine.books().hash(),
                books,
                "books of block {height}, rebuilt after {from}"
            );
            compared += 1;
        }
        twins.retain(|twin| twin.until > height);
        let twin = engine.twin();
        assert_eq!(twin.machine.books().hash(), books, "books rebuilt after block {height}");
        if height % each == 0 {
            twins.push(Twin { engine: twin, until: height + ALONG });
        }
        orders += engine.machine.books().len();
    }
    (compared, orders)
}

#[test]
fn what_is_rebuilt_from_rows_is_what_wrote_them_and_goes_on_like_it() {
    let (mut compared, mut orders) = (0, 0);
    for seed in 21..23 {
        let seen = run(seed, 140, 10);
        (compared, orders) = (compared + seen.0, orders + seen.1);
    }
    println!("280 machines rebuilt with {orders} resting orders, {compared} blocks gone along");
    assert!(compared > 1_000 && orders > 3_000, "too little was compared: {compared} {orders}");
}
