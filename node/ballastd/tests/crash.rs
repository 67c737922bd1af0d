//! Crash points: a node under load dies where it is told to, again and again. Nothing that was acknowledged is
//! lost, and a twin that executes the same blocks without a crash has the same state after each of them.
//!
//! BALLAST_CRASHES says how often (6; scripts/crashtest asks for more); BALLAST_SEED repeats a run, which
//! prints its seed.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::chain::Chain;
use support::socket::call;
use support::{setting, Ended, Home};
use tendermint_proto::v0_38::abci::{request, response};
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestFlush, RequestInfo, RequestListSnapshots, RequestLoadSnapshotChunk,
    RequestOfferSnapshot,
};

/// Calls that the embedded engine does not make: they are tried over the socket.
const OVER_THE_SOCKET: [&str; 5] =
    ["flush", "list_snapshots", "load_snapshot_chunk", "offer_snapshot", "apply_snapshot_chunk"];

/// Deaths of one chain before another begins.
const CHAIN: usize = 40;

/// How long a point may take to be reached.
const PATIENCE: Duration = Duration::from_secs(20);

const ABORTED: i32 = 6;

fn group(point: &str) -> &str {
    point.split_once(':').unwrap().0
}

/// It died because it was told to.
fn died_at(point: &str, ended: &Ended) {
    assert!(
        ended.signal == Some(ABORTED) && ended.said.contains("crash point reached"),
        "{point}: {ended:?}"
    );
}

/// The visits of a point at which a node under load dies soon.
fn visit(point: &str, random: &mut ChaCha8Rng) -> u64 {
    match group(point) {
        "info" | "init_chain" => 1,
        _ if point == "store:prune" => 1,
        "recheck" | "query" => random.gen_range(1..4),
        _ => random.gen_range(1..25),
    }
}

/// Die once, at this point.
async fn die(chain: &mut Chain, point: &str, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    if point == "store:prune" {
        chain.leave_rows_to_prune().await;
    }
    let armed = format!("{point}:{}", visit(point, &mut random));
    let started = chain.home.start_to_crash(&armed, &["--block-interval", "20"]);
    let Some(node) = started.map_err(|ended| died_at(&armed, &ended)).ok() else { return };
    let ended = chain.load_until_it_ends(node, PATIENCE, &mut random).await;
    died_at(&armed, &ended.unwrap_or_else(|| panic!("{armed} is not reached")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abci_01_abci_02_a_node_that_dies_at_any_point_of_a_block_loses_nothing_and_stays_the_same_chain() {
    let crashes = usize::try_from(setting("BALLAST_CRASHES", 6)).unwrap();
    let seed = setting("BALLAST_SEED", rand::random());
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut all = tree::crash::points();
    all.retain(|point| !OVER_THE_SOCKET.contains(&group(point)));
    // Every point once, in any order, before any of them comes again.
    let mut plan = Vec::new();
    while plan.len() < crashes {
        all.shuffle(&mut random);
        plan.extend(all.iter().take(crashes - plan.len()).cloned());
    }
    let (mut hit, mut blocks, mut txs) = (BTreeMap::<String, u32>::new(), 0, 0);
    let (mut sent, mut acknowledged) = (0, 0);
    for plan in plan.chunks_mut(CHAIN) {
        // A chain begins once: what happens then comes first.
        plan.sort_by_key(|point| group(point) != "init_chain");
        let mut chain = Chain::new();
        let mut begun = false;
        for point in plan.iter() {
            if !begun && group(point) != "init_chain" {
                begun = true;
                chain.deposit().await;
            }
            die(&mut chain, point, random.gen()).await;
            *hit.entry(point.clone()).or_default() += 1;
        }
        let (compared, count) = chain.finish().await;
        blocks += compared;
        txs += count;
        sent += chain.told.sent;
        acknowledged += chain.told.txs.len();
    }
    println!(
        "{crashes} crashes at {} of {} points, {blocks} blocks with {txs} transactions compared with a twin, \
         {sent} sent, {acknowledged} acknowledged and found again",
        hit.len(),
        all.len()
    );
    assert!(crashes > 0 && hit.len() == crashes.min(all.len()) && blocks > 0 && txs > 0 && acknowledged > 0);
}

fn only_over_the_socket(group: &str) -> request::Value {
    match group {
        "flush" => request::Value::Flush(RequestFlush {}),
        "list_snapshots" => request::Value::ListSnapshots(RequestListSnapshots {}),
        "load_snapshot_chunk" => request::Value::LoadSnapshotChunk(RequestLoadSnapshotChunk::default()),
        "offer_snapshot" => request::Value::OfferSnapshot(RequestOfferSnapshot::default()),
        "apply_snapshot_chunk" => request::Value::ApplySnapshotChunk(RequestApplySnapshotChunk::default()),
        other => panic!("{other} is called by the embedded engine"),
    }
}

#[test]
fn abci_01_a_node_that_dies_in_a_call_that_only_cometbft_makes_is_where_it_was() {
    let home = Home::with_chain(&["alice"]);
    let node = home.start(&["--block-interval", "0", "--stop-at", "20"]);
    assert_eq!(node.ended().0, 0);
    let info = || {
        let node = home.start_for_comet("tcp://127.0.0.1:0");
        let answer = call(&node.rpc, request::Value::Info(RequestInfo::default()));
        let Some(response::Value::Info(answer)) = answer else { panic!("{answer:?}") };
        assert_eq!(node.stop(), 0);
        (answer.last_block_height, answer.last_block_app_hash)
    };
    let before = info();
    assert_eq!(before.0, 20);
    let mut tried = BTreeSet::new();
    for point in tree::crash::points() {
        if !OVER_THE_SOCKET.contains(&group(&point)) {
            continue;
        }
        let node = home.start_for_comet_to_crash(&format!("{point}:1"));
        let answer = call(&node.rpc, only_over_the_socket(group(&point)));
        assert_eq!(answer.is_some(), point.ends_with(":after"), "{point}: {answer:?}");
        died_at(&point, &node.end());
        tried.insert(point);
    }
    assert_eq!(info(), before);
    assert_eq!(tried.len(), 15);
}

#[test]
fn a_crash_point_that_does_not_exist_is_refused_and_one_that_does_is_announced() {
    let home = Home::with_chain(&[]);
    let ended = home.start_to_crash("commit:never:1", &[]).err().unwrap();
    assert_eq!(ended.code, Some(2));
    assert!(ended.said.contains("there is no crash point \"commit:never\""), "{ended:?}");
    let ended = home.start_to_crash("info:entry:1", &[]).err().unwrap();
    assert!(ended.said.contains("this node is going to crash on purpose"), "{ended:?}");
}
