//! State sync as an engine drives it, with peers that lie.

use std::path::Path;
use std::time::Duration;

use host::{Config, Host};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::response_apply_snapshot_chunk::Result as Applied;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestInfo, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    ResponseApplySnapshotChunk, Snapshot,
};
use tree::snapshot::{cut_at, Manifest};

use crate::engine::Engine;

const HEIGHT: u64 = 6;

fn open(folder: &Path, snapshot_interval: u64) -> Host {
    let config = Config { snapshot_interval, keep_snapshots: 2, ..Config::default() };
    Host::open(&folder.join("state.db"), config, ()).unwrap()
}

/// A chain that made snapshots two blocks before [`HEIGHT`] and at it, and its folder.
fn chain() -> (Engine, tempfile::TempDir) {
    let mut chains = std::iter::repeat_with(some_chain).take(10);
    let made = chains.find(|(engine, _)| heights(engine) == [HEIGHT, HEIGHT - 2]);
    made.expect("a chain whose snapshots are all written in time")
}

fn heights(engine: &Engine) -> Vec<u64> {
    engine.host.list_snapshots().snapshots.iter().map(|snapshot| snapshot.height).collect()
}

/// A chain whose snapshots are waited for. One is written at a time, and one that is listed may not be at its end:
/// then the next one is left out.
fn some_chain() -> (Engine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(open(folder.path(), 2), &["alice", "bob"]);
    for height in 1..=HEIGHT {
        engine.block(&[]);
        for _ in 0..400 {
            if heights(&engine).first().copied().unwrap_or_default() == height - height % 2 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    (engine, folder)
}

/// The rows of the chain's last height in small chunks.
fn small(engine: &Engine) -> (Snapshot, Vec<Vec<u8>>) {
    let mut chunks = Vec::new();
    let put = |_, chunk: &[u8]| {
        chunks.push(chunk.to_vec());
        Ok::<_, ()>(())
    };
    let manifest = cut_at(1_000, &engine.host.reader().latest(), put).unwrap();
    (offer(&manifest), chunks)
}

fn offer(manifest: &Manifest) -> Snapshot {
    Snapshot {
        height: manifest.height,
        format: 1,
        chunks: manifest.chunks.len() as u32,
        hash: manifest.hash().to_vec().into(),
        metadata: manifest.metadata().into(),
    }
}

fn offered(host: &Host, snapshot: &Snapshot, app_hash: &[u8]) -> Offered {
    let request =
        RequestOfferSnapshot { snapshot: Some(snapshot.clone()), app_hash: app_hash.to_vec().into() };
    Offered::try_from(host.offer_snapshot(request).result).unwrap()
}

fn apply(host: &Host, index: usize, chunk: &[u8]) -> (Applied, ResponseApplySnapshotChunk) {
    let request = RequestApplySnapshotChunk {
        index: index as u32,
        chunk: chunk.to_vec().into(),
        sender: "liar".into(),
    };
    let response = host.apply_snapshot_chunk(request);
    (Applied::try_from(response.result).unwrap(), response)
}

fn rows(host: &Host) -> Vec<(Vec<u8>, Vec<u8>)> {
    host.reader().latest().pairs().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn abci_27_a_node_restored_from_a_snapshot_has_the_rows_and_makes_the_blocks_of_the_original() {
    let (mut original, _folder) = chain();
    let listed = original.host.list_snapshots().snapshots;
    assert_eq!(heights(&original), [6, 4]);
    let other = tempfile::tempdir().unwrap();
    let joined = open(other.path(), 0);
    assert_eq!(offered(&joined, &listed[0], &original.app_hash), Offered::Accept);
    for chunk in 0..listed[0].chunks {
        let request = RequestLoadSnapshotChunk { height: HEIGHT, format: 1, chunk };
        let bytes = original.host.load_snapshot_chunk(request).chunk;
        assert_eq!(apply(&joined, chunk as usize, &bytes).0, Applied::Accept);
    }
    let info = joined.info(RequestInfo::default());
    assert_eq!(info.last_block_height, 6);
    assert_eq!(info.last_block_app_hash.to_vec(), original.app_hash);
    assert_eq!(rows(&joined), rows(&original.host));
    drop(joined);
    let joined = open(other.path(), 0);
    assert_eq!(rows(&joined), rows(&original.host), "after a restart");
    assert_eq!(offered(&joined, &listed[0], &original.app_hash), Offered::Abort, "it has a state by now");
    // What a block becomes depends on books in memory too.
    let mut twin = Engine {
        host: joined,
        keys: original.keys.clone(),
        height: original.height,
        commit: original.commit.clone(),
        app_hash: original.app_hash.clone(),
    };
    for _ in 0..3 {
        assert_eq!(twin.block(&[]), original.block(&[]));
    }
}

#[test]
fn abci_25_snapshots_that_contradict_themselves_are_refused_before_anything_is_fetched() {
    let (engine, _folder) = chain();
    let (good, _) = small(&engine);
    let other = tempfile::tempdir().unwrap();
    let node = open(other.path(), 0);
    let bomb = vec![7_u8; 32 * 100_001];
    let changed = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = good.clone();
        change(&mut snapshot);
        offered(&node, &snapshot, &engine.app_hash)
    };
    assert_eq!(changed(&|snapshot| snapshot.format = 2), Offered::RejectFormat);
    assert_eq!(changed(&|snapshot| snapshot.format = 0), Offered::RejectFormat);
    assert_eq!(changed(&|snapshot| snapshot.chunks += 1), Offered::Reject);
    assert_eq!(changed(&|snapshot| snapshot.chunks = 0), Offered::Reject);
    assert_eq!(changed(&|snapshot| snapshot.chunks = u32::MAX), Offered::Reject);
    assert_eq!(changed(&|snapshot| snapshot.height += 1), Offered::Reject);
    assert_eq!(changed(&|snapshot| snapshot.height = 0), Offered::Reject);
    assert_eq!(changed(&|snapshot| snapshot.hash = vec![1; 32].into()), Offered::Reject);
    assert_eq!(changed(&|snapshot| snapshot.metadata = bomb.clone().into()), Offered::Reject);
    let many = Manifest { height: 6, chunks: vec![[7; 32]; 100_001] };
    assert_eq!(offered(&node, &offer(&many), &engine.app_hash), Offered::Reject);
    assert_eq!(offered(&node, &good, &[1; 31]), Offered::Reject);
    assert_eq!(node.offer_snapshot(RequestOfferSnapshot::default()).result, Offered::Reject as i32);
    assert_eq!(apply(&node, 0, b"").0, Applied::Abort, "none of them was begun");
}

#[test]
fn abci_25_chunks_that_are_not_the_ones_named_are_fetched_again_from_somebody_else() {
    let (engine, _folder) = chain();
    let (good, chunks) = small(&engine);
    assert!(chunks.len() > 3, "{}", chunks.len());
    let other = tempfile::tempdir().unwrap();
    let node = open(other.path(), 0);
    assert_eq!(offered(&node, &good, &engine.app_hash), Offered::Accept);
    let last = chunks.len() - 1;
    for (index, chunk) in chunks.iter().enumerate().rev() {
        let mut flipped = chunk.clone();
        flipped[chunk.len() / 2] ^= 1;
        let lies = [flipped, chunk[1..].to_vec(), Vec::new(), [&chunk[..], b"x"].concat()];
        for lie in lies.iter().chain([&chunks[(index + 1) % chunks.len()]]) {
            let (result, response) = apply(&node, index, lie);
            assert_eq!(result, Applied::Retry);
            assert_eq!(response.refetch_chunks, [index as u32]);
            assert_eq!(response.reject_senders, ["liar"]);
        }
        if index > 0 {
            assert_eq!(apply(&node, index, chunk).0, Applied::Accept);
            assert_eq!(apply(&node, index, chunk).0, Applied::Accept, "twice does no harm");
        }
    }
    assert_eq!(node.last_block().height, 0);
    assert_eq!(apply(&node, 0, &chunks[0]).0, Applied::Accept);
    assert_eq!(rows(&node), rows(&engine.host));

    let third = tempfile::tempdir().unwrap();
    let node = open(third.path(), 0);
    assert_eq!(offered(&node, &good, &engine.app_hash), Offered::Accept);
    assert_eq!(apply(&node, last + 1, &chunks[0]).0, Applied::RejectSnapshot, "there is no such chunk");
}

/// Bytes of memory that a chunk takes: its own, and 96 for each row.
fn memory(chunk: &[u8]) -> u64 {
    let (mut at, mut parts) = (0, 0);
    while at < chunk.len() {
        at += 4 + u32::from_be_bytes(chunk[at..at + 4].try_into().unwrap()) as usize;
        parts += 1;
    }
    chunk.len() as u64 + parts / 2 * 96
}

#[test]
fn abci_25_a_snapshot_of_more_bytes_than_the_node_takes_is_given_up_at_the_first_byte_too_many() {
    let (engine, _folder) = chain();
    let (good, chunks) = small(&engine);
    let bytes = |chunks: &[Vec<u8>]| chunks.iter().map(|chunk| memory(chunk)).sum::<u64>();
    for (room, taken) in [(bytes(&chunks[..3]) - 1, 2), (bytes(&chunks[..3]), 3), (0, 0)] {
        let other = tempfile::tempdir().unwrap();
        let config = Config { max_restore_bytes: room, ..Config::default() };
        let node = Host::open(&other.path().join("state.db"), config, ()).unwrap();
        assert_eq!(offered(&node, &good, &engine.app_hash), Offered::Accept);
        for (index, chunk) in chunks.iter().enumerate().take(taken) {
            assert_eq!(apply(&node, index, chunk).0, Applied::Accept);
            assert_eq!(apply(&node, index, chunk).0, Applied::Accept, "what is there already takes no room");
        }
        assert_eq!(apply(&node, taken, &chunks[taken]).0, Applied::RejectSnapshot);
        assert_eq!(apply(&node, taken, &chunks[taken]).0, Applied::Abort, "it is forgotten");
        assert_eq!(node.last_block().height, 0);
    }
}

#[test]
fn abci_25_a_state_that_is_not_the_trusted_one_is_never_written() {
    let (engine, _folder) = chain();
    let (good, chunks) = small(&engine);
    let other = tempfile::tempdir().unwrap();
    let node = open(other.path(), 0);
    // Every chunk is as it is named, but nobody signed the whole.
    let mut lies = vec![(good.clone(), chunks.clone(), vec![9; 32])];
    let without = chunks[1..].to_vec();
    let swapped: Vec<_> = chunks.iter().rev().cloned().collect();
    let twice: Vec<_> = chunks.iter().chain(&chunks[..1]).cloned().collect();
    let junk = vec![b"\0\0\0\x01".to_vec()];
    let unowned = vec![b"\0\0\0\x01\xff\0\0\0\x01\xff".to_vec()];
    for chunks in [without, swapped, twice, junk, unowned] {
        let hashes = chunks.iter().map(|chunk| sha256(chunk)).collect();
        let manifest = Manifest { height: HEIGHT, chunks: hashes };
        lies.push((offer(&manifest), chunks, engine.app_hash.clone()));
    }
    for (snapshot, chunks, trusted) in &lies {
        assert_eq!(offered(&node, snapshot, trusted), Offered::Accept);
        let results: Vec<_> =
            chunks.iter().enumerate().map(|(index, chunk)| apply(&node, index, chunk).0).collect();
        assert_eq!(results.last(), Some(&Applied::RejectSnapshot), "{results:?}");
        assert_eq!((node.last_block().height, rows(&node).len()), (0, 0));
    }
    println!("{} lies refused", lies.len());
    drop(node);
    let node = open(other.path(), 0);
    assert_eq!(node.last_block().height, 0, "nothing was written");
    assert_eq!(offered(&node, &good, &engine.app_hash), Offered::Accept);
    for (index, chunk) in chunks.iter().enumerate() {
        assert_eq!(apply(&node, index, chunk).0, Applied::Accept);
    }
    assert_eq!(rows(&node), rows(&engine.host));
}

#[test]
fn abci_26_a_restore_that_is_cut_off_at_any_chunk_leaves_a_node_without_a_state() {
    let (engine, _folder) = chain();
    let (good, chunks) = small(&engine);
    let other = tempfile::tempdir().unwrap();
    for stop in 0..chunks.len() {
        let node = open(other.path(), 0);
        assert_eq!((node.last_block().height, rows(&node).len()), (0, 0), "cut off after {stop}");
        assert_eq!(offered(&node, &good, &engine.app_hash), Offered::Accept);
        for (index, chunk) in chunks.iter().take(stop).enumerate() {
            assert_eq!(apply(&node, index, chunk).0, Applied::Accept);
        }
    }
    println!("cut off at {} chunks", chunks.len());
}

#[test]
fn a_damaged_chunk_is_not_served_and_an_unfinished_snapshot_goes_at_the_next_start() {
    let (engine, folder) = chain();
    let shelf = folder.path().join("snapshots");
    let request = RequestLoadSnapshotChunk { height: HEIGHT, format: 1, chunk: 0 };
    assert!(!engine.host.load_snapshot_chunk(request).chunk.is_empty());
    for (height, format, chunk) in [(HEIGHT, 2, 0), (HEIGHT, 1, 99), (5, 1, 0), (0, 1, 0), (u64::MAX, 1, 0)] {
        let request = RequestLoadSnapshotChunk { height, format, chunk };
        assert!(engine.host.load_snapshot_chunk(request).chunk.is_empty());
    }
    let file = shelf.join("6/0");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert!(engine.host.load_snapshot_chunk(request).chunk.is_empty());
    std::fs::create_dir(shelf.join("8.part")).unwrap();
    drop(engine);
    let node = open(folder.path(), 2);
    assert!(!shelf.join("8.part").exists());
    assert_eq!(node.list_snapshots().snapshots.len(), 2);
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
