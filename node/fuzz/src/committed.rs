//! State that others show us: proofs of a pair, and snapshots to begin with. And what anybody may ask of ours.

use std::cell::RefCell;
use std::sync::Arc;

use host::{Config, Host};
use ics23::commitment_proof::Proof as Body;
use ics23::{CommitmentProof, ExistenceProof};
use prost::Message;
use proto::dydxprotocol::clob::order::Side;
use scenario::World;
use sha2::{Digest, Sha256};
use store::Change;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::response_apply_snapshot_chunk::Result as Applied;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestOfferSnapshot, RequestQuery, Snapshot,
};
use tree::snapshot::{cut_at, Manifest, FORMAT};
use tree::{Op, View, SIMPLE_OP, STORE_OP};

use crate::input::Input;

/// Bytes of a chunk of the real snapshot.
const CHUNK: usize = 1_500;
/// Bytes that a node under test takes; the real snapshot fits.
const ROOM: u64 = 300_000;

/// A chain on which something happened, as it was committed.
struct Scene {
    view: View,
    rows: Vec<Change>,
    manifest: Manifest,
    chunks: Vec<Vec<u8>>,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new(&["ann", "bob"], 1_000_000_000_000);
        world.blocks(2);
        for person in ["ann", "bob"] {
            let deposit = world.deposit(person, 500_000_000_000);
            world.run(person, &[deposit]);
        }
        for (id, (ask, bid)) in [(3_000, 3_000), (3_100, 2_500)].into_iter().enumerate() {
            let (id, unit) = (u32::try_from(id).unwrap_or_default(), 1_000_000);
            let sell = world.order("ann", 0, id, (Side::Sell, 10 * unit, ask * unit));
            let buy = world.order("bob", 0, id, (Side::Buy, 10 * unit, bid * unit));
            let (sell, buy) = (world.place(sell), world.place(buy));
            world.run("ann", &[sell]);
            world.run("bob", &[buy]);
        }
        world.blocks(2);
        assert!(!world.account("ann").positions.is_empty(), "the scene of committed state has a position");
        let rows: Vec<Change> =
            world.machine.memory().iter().map(|(key, value)| (key, Some(value))).collect();
        let mut store = tree::Store::in_memory(app::STORES, 1);
        store.stage(world.height(), &rows);
        store.commit(&[]).expect("memory takes every commit");
        let (view, mut chunks) = (store.reader().latest(), Vec::new());
        let manifest = cut_at(CHUNK, &view, |_, chunk: &[u8]| {
            chunks.push(chunk.to_vec());
            Ok::<_, std::convert::Infallible>(())
        });
        let manifest = manifest.unwrap_or_else(|never| match never {});
        assert!(chunks.len() > 3 && chunks.concat().len() < usize::try_from(ROOM).unwrap_or_default());
        let rows = view.pairs().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        Self { view, rows, manifest, chunks }
    }

    /// Name of a store, key in it, and value of a row.
    fn row(&self, number: usize) -> (&'static str, &[u8], &[u8]) {
        let (key, value) = &self.rows[number % self.rows.len()];
        let store = app::STORES.iter().find(|(byte, _)| *byte == key[0]).map_or("", |(_, name)| name);
        (store, &key[1..], value.as_deref().unwrap_or_default())
    }

    /// What the state really has there.
    fn value(&self, store: &str, key: &[u8]) -> Option<Arc<[u8]>> {
        let byte = app::STORES.iter().find(|(_, name)| *name == store)?.0;
        let whole = [&[byte], key].concat();
        let at = self.rows.binary_search_by(|(key, _)| (**key).cmp(&whole[..])).ok()?;
        self.rows[at].1.clone()
    }
}

thread_local! {
    static SCENE: Scene = Scene::new();
    /// A node that has no state yet.
    static EMPTY: RefCell<Host> = RefCell::new(empty());
    /// One that has the scene's.
    static FULL: Host = SCENE.with(|scene| {
        let host = empty();
        assert_eq!(offer(&host, &scene.manifest, &scene.view.app_hash()), Offered::Accept);
        let last = (0..).zip(&scene.chunks).map(|(index, chunk)| apply(&host, index, chunk)).last();
        assert_eq!((last, host.last_block().height), (Some(Applied::Accept), scene.view.height()));
        host
    });
}

fn empty() -> Host {
    Host::in_memory(Config { max_restore_bytes: ROOM, state_seed: 1, ..Config::default() }, ())
}

fn flip(bytes: &mut [u8], at: usize, by: u8) {
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(at % length) {
        *byte ^= by;
    }
}

/// First byte 0: what is claimed, and two operations as bytes. Else: a row, whether a key beside it is meant, and
/// edits of the proof and of the claim.
pub(crate) fn proofs() -> Vec<Vec<u8>> {
    let honest = SCENE.with(|scene| {
        let (store, key, _) = scene.row(40);
        scene.view.prove(store, key).expect("the scene is kept").ops.map(|op| op.data)
    });
    let long = honest[0].len().to_le_bytes();
    let raw = [&[0, 40, 0, 0, long[0], long[1]], &honest[0][..], &honest[1][..]].concat();
    let mut out = vec![raw, vec![1, 9, 0, 0], vec![1, 9, 0, 3]];
    out.extend((0..12).map(|edit| vec![1, edit * 3, 0, edit % 2, edit, 7, 0, 1, 0]));
    out
}

/// Changes one thing about an operation that is not noticed when it is read.
fn rework(proof: &mut CommitmentProof, other: Option<ExistenceProof>, what: u8, at: usize, by: u8) {
    let exist = match (&mut proof.proof, other) {
        (Some(Body::Nonexist(absent)), other) if what == 0 => return absent.left = other,
        (Some(Body::Nonexist(absent)), other) if what == 1 => return absent.right = other,
        (Some(Body::Nonexist(absent)), _) if what == 2 => return flip(&mut absent.key, at, by),
        (Some(Body::Nonexist(absent)), _) if by & 1 == 0 => absent.left.as_mut(),
        (Some(Body::Nonexist(absent)), _) => absent.right.as_mut(),
        (Some(Body::Exist(exist)), Some(other)) if what == 0 => {
            exist.path.extend(other.path);
            Some(exist)
        }
        (Some(Body::Exist(exist)), _) => Some(exist),
        _ => None,
    };
    let Some(exist) = exist else { return };
    let steps = exist.path.len().max(1);
    match what {
        0 | 1 => flip(&mut exist.value, at, by),
        2 => flip(&mut exist.key, at, by),
        3 if !exist.path.is_empty() => drop(exist.path.remove(at % steps)),
        4 if !exist.path.is_empty() => exist.path.swap(at % steps, usize::from(by) % steps),
        5 => exist.path.get_mut(at % steps).into_iter().for_each(|step| step.prefix.push(by)),
        6 => exist.path.get_mut(at % steps).into_iter().for_each(|step| {
            // What stood before the child stands behind it, and the other way round.
            let behind = step.suffix.clone();
            step.suffix = step.prefix.split_off(step.prefix.len().min(16));
            step.prefix.extend(behind);
        }),
        7 => exist.path.get_mut(at % steps).into_iter().for_each(|step| step.hash = i32::from(by % 12)),
        8 => exist.leaf.iter_mut().for_each(|leaf| leaf.prefix.push(by)),
        9 => exist.leaf.iter_mut().for_each(|leaf| leaf.length = i32::from(by % 12)),
        10 => exist.leaf.iter_mut().for_each(|leaf| leaf.prehash_key = i32::from(by % 12)),
        _ => exist.leaf = None,
    }
}

fn edit(op: &mut Vec<u8>, other: &[u8], input: &mut Input<'_>) {
    let (what, at, by) = (input.u8() % 16, usize::from(input.u16()), input.u8());
    match what {
        0 => flip(op, at, by),
        1 => op.truncate(at),
        2 => op.insert(at.min(op.len()), by),
        3 => *op = other.to_vec(),
        _ => {
            let Ok(mut proof) = CommitmentProof::decode(&op[..]) else { return };
            let exist = CommitmentProof::decode(other).ok().and_then(|other| match other.proof {
                Some(Body::Exist(exist)) => Some(exist),
                _ => None,
            });
            rework(&mut proof, exist, what - 4, at, by);
            *op = proof.encode_to_vec();
        }
    }
}

/// What is shown with a proof is true of the state that has this hash, whatever the proof is made of; and what is
/// true can be shown.
pub(crate) fn proof_of_state(data: &[u8]) {
    SCENE.with(|scene| {
        let mut input = Input(data);
        let (kind, number, what) = (input.u8(), usize::from(input.u16()), input.u8());
        let (store, key, value) = scene.row(number);
        let (mut store, mut key, mut value) = (store, key.to_vec(), Some(value.to_vec()));
        if what & 1 == 1 {
            flip(&mut key, usize::from(input.u8()), input.u8());
            value = scene.value(store, &key).map(|value| value.to_vec());
        }
        let op = |kind, data| Op { kind, key: Vec::new(), data };
        let [mut first, mut second] = if kind == 0 {
            let long = usize::from(input.u16());
            [input.bytes(long).to_vec(), input.bytes(usize::MAX).to_vec()]
        } else {
            let proof = scene.view.prove(store, &key).expect("the scene is kept");
            assert_eq!(proof.value, value, "a proof carries another value");
            let shown = tree::verify(&scene.view.app_hash(), store, &key, value.as_deref(), &proof.ops);
            shown.expect("what is true can be shown");
            proof.ops.map(|op| op.data)
        };
        for _ in 0..6 {
            if input.is_empty() {
                break;
            }
            let target = input.u8();
            let (there, beside, _) = scene.row(usize::from(input.u8()));
            let other = scene.view.prove(there, beside).expect("the scene is kept").ops.map(|op| op.data);
            match target % 6 {
                0..=2 => edit(&mut first, &other[0], &mut input),
                3 => edit(&mut second, &other[1], &mut input),
                4 => store = there,
                _ => match input.u8() % 4 {
                    0 => value = None,
                    1 => value.iter_mut().for_each(|value| flip(value, input.u8().into(), input.u8())),
                    2 => key = beside.to_vec(),
                    _ => value = Some(input.bytes(3).to_vec()),
                },
            }
        }
        let ops = [op(STORE_OP, first), op(SIMPLE_OP, second)];
        if tree::verify(&scene.view.app_hash(), store, &key, value.as_deref(), &ops).is_ok() {
            let real = scene.value(store, &key);
            assert_eq!(value.as_deref(), real.as_deref(), "something untrue of {store}/{key:x?} is shown");
        }
    });
}

fn offer(host: &Host, manifest: &Manifest, app_hash: &[u8]) -> Offered {
    let snapshot = Snapshot {
        height: manifest.height,
        format: FORMAT,
        chunks: u32::try_from(manifest.chunks.len()).unwrap_or_default(),
        hash: manifest.hash().to_vec().into(),
        metadata: manifest.metadata().into(),
    };
    take(host, snapshot, app_hash)
}

fn take(host: &Host, snapshot: Snapshot, app_hash: &[u8]) -> Offered {
    let request = RequestOfferSnapshot { snapshot: Some(snapshot), app_hash: app_hash.to_vec().into() };
    Offered::try_from(host.offer_snapshot(request).result).expect("an answer that there is")
}

fn apply(host: &Host, index: u32, chunk: &[u8]) -> Applied {
    let chunk = chunk.to_vec().into();
    let response =
        host.apply_snapshot_chunk(RequestApplySnapshotChunk { index, chunk, sender: "one".into() });
    let result = Applied::try_from(response.result).expect("an answer that there is");
    assert_eq!(response.refetch_chunks.is_empty(), result != Applied::Retry, "a chunk is fetched again");
    result
}

/// First byte 0: an offer as its fields, then a chunk. 1: chunks of the peer's own, which its hashes fit. Else:
/// edits of the real chunks, whether the hashes are made to fit, and the order in which they come.
pub(crate) fn snapshots() -> Vec<Vec<u8>> {
    let own: &[u8] = &[1, 10, 0, 0, 0, 0, 1, 0x10, 0, 0, 0, 1, 5];
    let two: &[u8] = &[1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut out = vec![vec![0, 6, 1, 1, 1, 2, 3], own.to_vec(), two.to_vec(), vec![2]];
    out.extend(
        (0..14).map(|edit| vec![2 + edit % 2, 1 + edit % 3, edit, 1, 40, 0, 9, edit, 2, 30, 0, 3, 0, 4]),
    );
    out
}

/// Chunks as a hostile peer would change them, in place.
fn garble(chunks: &mut Vec<Vec<u8>>, input: &mut Input<'_>) {
    for _ in 0..input.u8() % 5 {
        let (what, number) = (input.u8() % 8, usize::from(input.u8()) % chunks.len().max(1));
        let (at, by) = (usize::from(input.u16()), input.u8());
        let count = chunks.len();
        let Some(chunk) = chunks.get_mut(number) else { return };
        match what {
            0 => flip(chunk, at, by),
            1 => chunk.truncate(at),
            2 => chunk.extend_from_slice(input.bytes(at % 64)),
            3 => chunks.swap(number, usize::from(by) % count),
            4 => drop(chunks.remove(number)),
            5 => {
                let again = chunk.clone();
                chunks.insert(number, again);
            }
            6 => chunk.clear(),
            _ => {
                // The same rows, cut elsewhere.
                let next = chunks.get(number + 1).cloned().unwrap_or_default();
                chunks[number].extend(next);
                if number + 1 < count {
                    chunks.remove(number + 1);
                }
            }
        }
    }
}

fn invented(input: &mut Input<'_>) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while !input.is_empty() && chunks.len() < 8 {
        let long = usize::from(input.u16());
        chunks.push(input.bytes(long).to_vec());
    }
    chunks
}

fn raw_offer(host: &Host, input: &mut Input<'_>, trusted: &[u8]) -> Offered {
    let height = input.u8().into();
    let (format, chunks) = (u32::from(input.u8() % 3), input.u8().into());
    let long = usize::from(input.u8());
    let metadata = input.bytes(long).to_vec();
    let hash = input.bytes(32).to_vec();
    take(host, Snapshot { height, format, chunks, hash: hash.into(), metadata: metadata.into() }, trusted)
}

/// A node takes a state over only when it is the trusted one, holds no more than it may meanwhile, and is as empty
/// as before when nothing came of it.
pub(crate) fn snapshot_restore(data: &[u8]) {
    SCENE.with(|scene| {
        EMPTY.with_borrow_mut(|host| {
            let mut input = Input(data);
            let (kind, trusted) = (input.u8(), scene.view.app_hash());
            if kind == 0 {
                raw_offer(host, &mut input, &trusted);
                apply(host, input.u8().into(), input.bytes(usize::MAX));
            } else {
                let mut chunks = if kind == 1 { invented(&mut input) } else { scene.chunks.clone() };
                let honest = chunks.clone();
                garble(&mut chunks, &mut input);
                let named = if kind % 2 == 1 { &chunks } else { &honest };
                let hash = |chunk: &Vec<u8>| <[u8; 32]>::from(Sha256::digest(chunk));
                let hashes = named.iter().map(hash).collect();
                let manifest = Manifest { height: scene.manifest.height, chunks: hashes };
                offer(host, &manifest, &trusted);
                feed(host, &chunks, &mut input);
            }
            let last = host.last_block();
            if last.height > 0 {
                assert_eq!((last.height, last.app_hash), (scene.view.height(), trusted));
                let rows = host.reader().latest();
                let rows = rows.pairs().map(|(key, value)| (key.clone(), Some(value.clone())));
                assert!(rows.eq(scene.rows.iter().cloned()), "another state has the trusted hash");
                *host = empty();
            } else {
                assert!(
                    host.reader().latest().is_empty(),
                    "something is left of a snapshot that was refused"
                );
            }
        });
    });
}

/// Hands the chunks over: first as the input says, then those that are missing.
fn feed(host: &Host, chunks: &[Vec<u8>], input: &mut Input<'_>) {
    let mut taken = 0;
    let mut put = |index: usize, chunk: &[u8]| {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let result = apply(host, number, chunk);
        taken += if result == Applied::Accept { chunk.len() } else { 0 };
        result
    };
    for _ in 0..4 {
        if input.is_empty() {
            break;
        }
        let (index, which) = (usize::from(input.u8()), usize::from(input.u8()));
        if let Some(chunk) = chunks.get(which % chunks.len().max(1)) {
            put(index, chunk);
        }
    }
    for (index, chunk) in chunks.iter().enumerate() {
        if matches!(put(index, chunk), Applied::Abort | Applied::RejectSnapshot) {
            break;
        }
    }
    assert!(taken <= 5 * usize::try_from(ROOM).unwrap_or_default(), "more is taken than there is room for");
}

/// A method by its number, then the request. First byte 255: the path itself, with its length.
pub(crate) fn questions() -> Vec<Vec<u8>> {
    let methods = app::query::methods();
    let mut out: Vec<Vec<u8>> =
        (0..methods.len()).step_by(3).map(|at| vec![at.to_le_bytes()[0], 0]).collect();
    let account = SCENE.with(|scene| scene.row(0).1.to_vec());
    out.push([&[255, 15], &b"/store/acc/key\0"[..], &account].concat());
    let owner = World::new(&["ann"], 1).address("ann");
    let asked = proto::dydxprotocol::subaccounts::QueryGetSubaccountRequest { owner, number: 0 };
    let at = methods.iter().position(|path| path.ends_with("subaccounts.Query/Subaccount"));
    out.push([vec![at.unwrap_or_default().to_le_bytes()[0], 0], asked.encode_to_vec()].concat());
    out
}

/// Every question has an answer or a reason, and changes nothing.
pub(crate) fn query(data: &[u8]) {
    FULL.with(|host| {
        let mut input = Input(data);
        let (number, flags) = (input.u8(), input.u8());
        let methods = METHODS.with(std::rc::Rc::clone);
        let path = if number == 255 {
            String::from_utf8_lossy(input.bytes(flags.into())).into_owned()
        } else {
            methods[usize::from(number) % methods.len()].clone()
        };
        let height = if number == 255 { 0 } else { i64::from(flags % 4) * 3 - 3 };
        let height = if flags % 4 == 0 { 0 } else { height };
        let data = input.bytes(usize::MAX).to_vec().into();
        let answer = host.query(RequestQuery { data, path, height, prove: flags & 4 > 0 });
        assert_eq!(host.query_faults(), 0, "a question made the node fail: {}", answer.log);
        assert!(answer.code == 0 || !answer.log.is_empty(), "a refusal without a reason");
        let last = host.last_block().height;
        assert!(answer.height <= i64::try_from(last).unwrap_or_default(), "an answer of the future");
    });
}

thread_local!(static METHODS: std::rc::Rc<Vec<String>> = std::rc::Rc::new(app::query::methods()));
