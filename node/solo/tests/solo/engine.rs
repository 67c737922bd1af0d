//! The order of calls, what a block carries, and restarts at every moment of a step.

use std::sync::{Arc, Mutex};

use crate::support::{config, genesis, keys, open, reap_calls, voters, Disk, Fake};
use solo::{Engine, EngineError, Point, Voter};

#[test]
fn a_step_calls_the_application_in_the_order_of_abci() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 2).unwrap();
    assert_eq!(reap_calls(&disk), ["init_chain"]);
    assert_eq!(engine.submit("a=1").unwrap().code, 0);
    assert_eq!(engine.submit("once=2").unwrap().code, 0);
    assert_eq!(engine.submit("bad=3").unwrap().code, 7);
    engine.submit("b=4").unwrap();
    reap_calls(&disk);
    let decided = engine.step().unwrap();
    let votes = ["extend by 2", "verify", "extend by 1", "verify"];
    let around = [&["prepare 3 txs", "process 4 txs"][..], &votes, &["finalize 1", "commit"]].concat();
    assert_eq!(reap_calls(&disk), around, "stronger validators come first");
    assert_eq!((decided.height, decided.results.tx_results.len()), (1, 4));
    engine.submit("c=5").unwrap();
    engine.submit("once=6").unwrap();
    engine.step().unwrap();
    engine.submit("d=7").unwrap();
    let calls = reap_calls(&disk);
    assert!(calls.iter().all(|call| call != "recheck_tx"), "all were in the block: {calls:?}");
}

#[test]
fn the_next_block_carries_the_votes_and_their_extensions() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 3).unwrap();
    for _ in 0..3 {
        engine.step().unwrap();
    }
    let disk = disk.lock().unwrap();
    let init = &disk.initialised[0];
    let abci = init.consensus_params.as_ref().unwrap().abci.unwrap();
    assert_eq!((init.validators.len(), abci.vote_extensions_enable_height), (3, 1));
    assert_eq!(init.app_state_bytes, r#"{"a":1}"#);
    assert!(disk.prepared[0].local_last_commit.as_ref().unwrap().votes.is_empty());
    let commit = disk.prepared[2].local_last_commit.clone().unwrap();
    let extensions: Vec<_> = commit.votes.iter().map(|vote| vote.vote_extension.clone()).collect();
    assert_eq!(extensions, ["2:3", "2:2", "2:1"]);
    assert!(commit.votes.iter().all(|vote| vote.extension_signature.len() == 64 && vote.block_id_flag == 2));
    let powers: Vec<_> = commit.votes.iter().map(|vote| vote.validator.as_ref().unwrap().power).collect();
    assert_eq!(powers, [12, 11, 10]);
    let decided = &disk.decided[2];
    assert_eq!(decided.decided_last_commit.as_ref().unwrap().votes.len(), 3);
    assert_eq!(decided.txs[0], "votes=2:3,2:2,2:1");
    assert_eq!(decided.time.unwrap().seconds, crate::support::start_time().unix_timestamp() + 1);
}

#[test]
fn each_of_several_voters_verifies_with_its_own_key() {
    use ed25519_consensus::{Signature, VerificationKey};
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 3).unwrap();
    engine.step().unwrap();
    engine.step().unwrap();
    let disk = disk.lock().unwrap();
    let commit = disk.prepared[1].local_last_commit.clone().unwrap();
    for (vote, key) in commit.votes.iter().zip(keys(3).iter().rev()) {
        use prost::Message;
        let message = tendermint_proto::v0_38::types::CanonicalVoteExtension {
            extension: vote.vote_extension.to_vec(),
            height: 1,
            round: 0,
            chain_id: "solo-test-1".into(),
        };
        let signature = Signature::try_from(&vote.extension_signature[..]).unwrap();
        let public = VerificationKey::try_from(key.public()).unwrap();
        public.verify(&signature, &message.encode_length_delimited_to_vec()).unwrap();
    }
}

#[test]
fn a_proposal_that_is_refused_is_followed_by_one_without_the_mempool() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    disk.lock().unwrap().refuse_proposals_with = Some(b"poison".to_vec());
    let mut engine = open(folder.path(), &disk, 1).unwrap();
    engine.submit("a=1").unwrap();
    engine.submit("poison").unwrap();
    let decided = engine.step().unwrap();
    assert_eq!(decided.results.tx_results.len(), 1, "votes only");
    assert_eq!(engine.submit("poison").unwrap_err().to_string(), "tx already exists in cache");
    assert_eq!(engine.step().unwrap().results.tx_results.len(), 1, "the refused ones are gone");
    disk.lock().unwrap().refuse_proposals_with = Some(b"votes=2:1".to_vec());
    assert!(matches!(engine.step(), Err(EngineError::ProposalRefused(3))));
}

#[test]
fn tx_27_transactions_that_stay_behind_are_checked_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let app = Fake::new(disk.clone());
    let mut small = genesis(1);
    small.params.block.as_mut().unwrap().max_bytes = 10_000;
    let mut engine = Engine::open(&config(folder.path()), app.clone(), small, voters(&app, 1)).unwrap();
    let long = |name: &str| format!("{name}={}", "x".repeat(4_000));
    for name in ["a", "b", "once", "c"] {
        engine.submit(long(name)).unwrap();
    }
    assert_eq!(engine.step().unwrap().results.tx_results.len(), 3);
    let calls = reap_calls(&disk);
    assert_eq!(calls[calls.len() - 3..], ["commit", "recheck_tx", "recheck_tx"]);
    assert_eq!(engine.step().unwrap().results.tx_results.len(), 2, "the one that turned bad is gone");
}

#[test]
fn the_mempool_takes_each_transaction_once_and_no_more_than_its_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let app = Fake::new(disk.clone());
    let mut config = config(folder.path());
    config.mempool.max_txs = 3;
    config.mempool.max_tx_bytes = 100;
    config.mempool.max_bytes = 150;
    let mut engine = Engine::open(&config, app.clone(), genesis(1), voters(&app, 1)).unwrap();
    let refused = |engine: &Engine, tx: String| engine.submit(tx).unwrap_err().to_string();
    assert_eq!(refused(&engine, "x".repeat(101)), "tx too large: max size is 100 bytes, but got 101");
    engine.submit("a".repeat(100)).unwrap();
    assert_eq!(
        refused(&engine, "a".repeat(100)),
        "mempool is full: number of txs 1 (max: 3), \
               total txs bytes 100 (max: 150)"
    );
    assert!(refused(&engine, "b".repeat(60)).contains("mempool is full"));
    engine.submit("b").unwrap();
    assert_eq!(refused(&engine, "b".into()), "tx already exists in cache");
    engine.submit("c").unwrap();
    assert!(refused(&engine, "d".into()).contains("number of txs 3 (max: 3)"));
    assert_eq!(engine.step().unwrap().results.tx_results.len(), 4);
    assert_eq!(refused(&engine, "b".into()), "tx already exists in cache");
    assert_eq!(engine.submit("bad").unwrap().code, 7);
    assert_eq!(engine.submit("bad").unwrap().code, 7, "what was refused may be tried again");
}

/// Run blocks 1 to 6, dying at `point` of block `at` each time it is reached, up to `deaths` times.
fn run(point: Option<Point>, at: u64, deaths: usize) -> (Vec<Vec<u8>>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut left = deaths;
    let mut replayed = 0;
    let mut engine = open(folder.path(), &disk, 2).unwrap();
    while engine.height() < 6 {
        let next = engine.height() + 1;
        engine.submit(format!("height={next}")).unwrap();
        if next == at && left > 0 {
            if let Some(point) = point {
                engine.interrupt_at(point);
            }
        }
        match engine.step() {
            Ok(_) => {}
            Err(EngineError::Interrupted(_)) => {
                left -= 1;
                drop(engine);
                engine = open(folder.path(), &disk, 2).unwrap();
                replayed += engine.replayed();
                assert!(engine.height() >= at - 1);
            }
            Err(error) => panic!("{error}"),
        }
    }
    drop(engine);
    let engine = open(folder.path(), &disk, 2).unwrap();
    assert_eq!((engine.height(), engine.replayed()), (6, 0));
    let disk = disk.lock().unwrap();
    assert_eq!(engine.app_hash(), disk.hash);
    let mut heights: Vec<_> = disk.decided.iter().map(|block| (block.height, block.hash.to_vec())).collect();
    heights.dedup();
    (heights.into_iter().map(|(_, hash)| hash).chain([disk.hash.clone()]).collect(), replayed)
}

#[test]
fn a_node_that_dies_at_any_moment_goes_on_as_its_twin_that_did_not() {
    let undisturbed = run(None, 0, 0).0;
    assert_eq!(undisturbed.len(), 7);
    let rows = [
        (Point::Proposed, 0),
        (Point::BlockSaved, 1),
        (Point::Executed, 1),
        (Point::ResultsSaved, 1),
        (Point::Committed, 0),
    ];
    for (point, replays) in rows {
        for at in [1, 2, 5] {
            let (hashes, replayed) = run(Some(point), at, 1);
            assert_eq!(hashes, undisturbed, "{point:?} of block {at}");
            assert_eq!(replayed, replays, "{point:?} of block {at}");
        }
    }
    assert_eq!(run(Some(Point::Proposed), 3, 4).0, undisturbed, "dying again and again");
}

#[test]
fn an_application_that_lost_everything_is_replayed_from_the_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 2).unwrap();
    for height in 1..=5 {
        engine.submit(format!("height={height}")).unwrap();
        engine.step().unwrap();
    }
    let hash = engine.app_hash().to_vec();
    drop(engine);
    let fresh = Arc::<Mutex<Disk>>::default();
    let engine = open(folder.path(), &fresh, 2).unwrap();
    assert_eq!((engine.height(), engine.replayed(), engine.app_hash()), (5, 5, hash.as_slice()));
}

#[test]
fn contradictions_at_the_start_are_refused_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 2).unwrap();
    engine.step().unwrap();
    engine.step().unwrap();
    drop(engine);
    let refused = |disk: &Arc<Mutex<Disk>>| open(folder.path(), disk, 2).err().unwrap();
    disk.lock().unwrap().height = 3;
    assert!(matches!(refused(&disk), EngineError::ApplicationAhead { app: 3, store: 2 }));
    disk.lock().unwrap().height = 2;
    disk.lock().unwrap().hash[0] ^= 1;
    assert!(matches!(refused(&disk), EngineError::StateDiffers { height: 2, .. }));
    disk.lock().unwrap().height = 1;
    assert!(matches!(refused(&disk), EngineError::StateDiffers { height: 1, .. }));
    let other = open(folder.path(), &Arc::default(), 3).err().unwrap();
    assert!(other.to_string().contains("another genesis"), "{other}");
}

#[test]
fn keys_with_two_thirds_of_the_power_or_less_make_no_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let app = Fake::new(Arc::default());
    let mut all = voters(&app, 3);
    let few: Vec<Voter> = all.drain(..2).collect();
    let error = Engine::open(&config(folder.path()), app, genesis(3), few).err().unwrap();
    assert!(matches!(error, EngineError::Power { ours: 21, total: 33 }), "{error}");
}

#[test]
fn a_missing_minority_is_recorded_as_absent() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let app = Fake::new(disk.clone());
    let mut four = voters(&app, 4);
    four.remove(0);
    let mut engine = Engine::open(&config(folder.path()), app, genesis(4), four).unwrap();
    engine.step().unwrap();
    engine.step().unwrap();
    let commit = disk.lock().unwrap().decided[1].decided_last_commit.clone().unwrap();
    let flags: Vec<_> = commit.votes.iter().map(|vote| vote.block_id_flag).collect();
    assert_eq!(flags, [2, 2, 2, 1]);
}

#[test]
fn an_impossible_answer_stops_the_engine_before_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 1).unwrap();
    engine.step().unwrap();
    disk.lock().unwrap().results_missing = true;
    let error = engine.step().unwrap_err();
    assert!(error.to_string().contains("0 results for 1 transactions"), "{error}");
    assert_eq!(disk.lock().unwrap().height, 1);
}

#[test]
fn old_blocks_are_forgotten_and_a_late_application_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let app = Fake::new(disk.clone());
    let mut config = config(folder.path());
    config.retain = 5;
    let mut engine = Engine::open(&config, app.clone(), genesis(1), voters(&app, 1)).unwrap();
    for _ in 0..12 {
        engine.step().unwrap();
    }
    drop(engine);
    let error = Engine::open(&config, Fake::new(Arc::default()), genesis(1), voters(&app, 1)).err().unwrap();
    assert!(matches!(error, EngineError::Pruned { app: 0, first: 8 }), "{error}");
    let engine = Engine::open(&config, app.clone(), genesis(1), voters(&app, 1)).unwrap();
    assert_eq!(engine.height(), 12);
}

#[test]
fn abci_49_a_damaged_block_store_is_reported_and_not_served() {
    let height = 2_u64.to_be_bytes();
    let row = |kind: u8| [&[kind][..], &height].concat();
    let rows = [
        (row(b'B'), Some(b"\xff\xff".to_vec()), "block of height 2 cannot be decoded"),
        (row(b'B'), None, "block of height 2 is missing"),
        (row(b'C'), None, "commit of height 2 is missing"),
        (row(b'C'), Some(Vec::new()), "commit of height 2 is for another block"),
        (row(b'R'), None, "results of height 2 is missing"),
        (b"S/last".to_vec(), Some(b"x".to_vec()), "last height of height 0 is not a height"),
        (b"S/last".to_vec(), Some(1_u64.to_be_bytes().to_vec()), "the application is at height 2"),
    ];
    for (key, value, reason) in rows {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::<Mutex<Disk>>::default();
        let mut engine = open(folder.path(), &disk, 1).unwrap();
        engine.step().unwrap();
        engine.step().unwrap();
        drop(engine);
        let db = rocksdb::DB::open_default(folder.path().join("blocks.db")).unwrap();
        match value {
            Some(value) => db.put(key, value).unwrap(),
            None => db.delete(key).unwrap(),
        }
        drop(db);
        let error = open(folder.path(), &disk, 1).err().unwrap().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn bytes_that_rotted_on_the_disk_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::<Mutex<Disk>>::default();
    let mut engine = open(folder.path(), &disk, 1).unwrap();
    for _ in 0..5 {
        engine.step().unwrap();
    }
    drop(engine);
    let db = rocksdb::DB::open_default(folder.path().join("blocks.db")).unwrap();
    db.flush().unwrap();
    drop(db);
    for file in std::fs::read_dir(folder.path().join("blocks.db")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 4;
            bytes[middle] ^= 0xff;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let error = open(folder.path(), &disk, 1).err().unwrap().to_string();
    assert!(error.contains("block store") && error.contains("Corruption"), "{error}");
}
