//! Power failures: a node under load is killed at random moments. Nothing that was acknowledged is lost, and
//! the blocks that it went through give a twin that was never disturbed the same state at each height.
//!
//! BALLAST_KILLS says how often (8); BALLAST_SEED repeats the moments of a run, which prints its seed.

mod support;

use std::time::Duration;

use client::Keyring;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::load::{check, compare_with_twin, connect, Told, Traders};
use support::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_again_and_again_loses_nothing_and_stays_the_same_chain() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("BALLAST_KILLS").unwrap_or(8);
    let seed = number("BALLAST_SEED").unwrap_or_else(rand::random);
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let home = Home::with_chain(&["alice", "bob"]);
    let keyring = Keyring::new(home.file("keyring-test"));
    let mut told = Told::default();
    for kill in 0..kills {
        if random.gen_ratio(1, 4) {
            // Also while it opens, replays and makes its first blocks.
            home.start_and_kill(Duration::from_millis(random.gen_range(0..250)));
        }
        let node = home.start(&["--block-interval", "20"]);
        let client = connect(&node.grpc).await;
        check(&client, &told).await;
        let mut traders = Traders::new(&node.grpc, &keyring).await.unwrap();
        if kill == 0 {
            traders.deposit(&mut told).await;
        }
        let moment = Duration::from_millis(random.gen_range(30..1200));
        let load = async {
            let mut random = ChaCha8Rng::seed_from_u64(seed ^ kill);
            while traders.round(&mut told, &mut random).await.is_ok() {}
        };
        // The load is cut off in the middle of whatever it does.
        let _ = tokio::time::timeout(moment, load).await;
        node.kill();
    }
    let node = home.start(&["--block-interval", "20"]);
    let client = connect(&node.grpc).await;
    check(&client, &told).await;
    let (blocks, txs) = compare_with_twin(&client, &home).await;
    assert_eq!(node.stop(), 0);
    println!(
        "{kills} kills, {blocks} blocks with {txs} transactions compared with a twin, {} sent, {} acknowledged",
        told.sent,
        told.txs.len()
    );
    assert!(blocks > kills && txs > 0 && !told.txs.is_empty());
}
