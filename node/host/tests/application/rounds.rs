//! Rounds, restarts and races: what was proposed, checked or executed but not committed leaves no trace.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use host::{Config, Host};
use scenario::{any, sign, Envelope, Wallet};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    RequestCheckTx, RequestFinalizeBlock, ResponseCheckTx, ResponseFinalizeBlock,
};

use crate::engine::{Engine, CHAIN};

fn open(folder: &Path) -> Host {
    Host::open(&folder.join("state.db"), Config::default(), ()).unwrap()
}

/// Coins from one to the other, so that the order of blocks shows in what is left.
fn send(from: &str, to: &str, sequence: u64, amount: u64) -> Vec<u8> {
    let address = |name| Wallet::new(name).address().to_bech32("ballast");
    let message = cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend {
        from_address: address(from),
        to_address: address(to),
        amount: vec![cosmos_sdk_proto::cosmos::base::v1beta1::Coin {
            denom: "uusdc".into(),
            amount: amount.to_string(),
        }],
    };
    let number = ["alice", "bob"].iter().position(|name| *name == from).unwrap();
    let envelope = Envelope {
        chain_id: CHAIN.into(),
        account_number: number as u64,
        sequence,
        fee: Some((25_000, "uusdc".into())),
        gas: 1_000_000,
        memo: String::new(),
        timeout_height: 0,
    };
    sign(&Wallet::new(from), &[any(&message)], &envelope)
}

impl Engine {
    /// The block that a proposer of the next height makes of `txs`.
    fn proposed(&self, txs: &[Vec<u8>]) -> RequestFinalizeBlock {
        let (request, txs) = (self.prepare(txs), self.host.prepare_proposal(self.prepare(txs)).txs);
        RequestFinalizeBlock {
            txs,
            height: request.height,
            time: request.time,
            ..RequestFinalizeBlock::default()
        }
    }

    /// Execute what was decided and make it permanent.
    fn decided(&mut self, block: &RequestFinalizeBlock) -> ResponseFinalizeBlock {
        let answer = self.host.finalize_block(block.clone());
        self.host.commit();
        self.height = block.height;
        answer
    }
}

/// Two chains with the same beginning, each in a folder.
fn twins(blocks: usize) -> [(Engine, tempfile::TempDir); 2] {
    [(); 2].map(|()| {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Engine::with(open(folder.path()), &["alice", "bob"]);
        for _ in 0..blocks {
            engine.block(&[]);
        }
        (engine, folder)
    })
}

#[test]
fn abci_09_what_other_rounds_proposed_does_not_show_in_the_block_that_is_decided() {
    let [(mut tried, _one), (mut calm, _two)] = twins(3);
    let mut rounds = 0;
    for sequence in 0..5 {
        let (alice, bob) = (send("alice", "bob", sequence, 7), send("bob", "alice", sequence, 11));
        let blocks = [vec![alice.clone(), bob.clone()], vec![bob], vec![alice], Vec::new()];
        // Each of them is proposed and accepted somewhere; what is decided is the first one.
        for txs in blocks.iter().skip(1).chain(&blocks) {
            let other = tried.proposed(txs);
            assert!(tried.process(&other.txs), "an honest proposal is refused");
            rounds += 1;
        }
        let block = calm.proposed(&blocks[0]);
        assert_eq!(tried.decided(&block), calm.decided(&block), "height {}", block.height);
        calm.commit = calm.vote();
        tried.commit = calm.commit.clone();
    }
    println!("{rounds} proposals of 5 heights left no trace");
    assert_eq!(rounds, 35);
}

#[test]
fn abci_08_a_block_that_is_executed_again_after_a_crash_gives_the_same_answer_to_the_byte() {
    let [(mut dies, folder), (mut lives, _other)] = twins(3);
    let mut replays = 0;
    for sequence in 0..6 {
        let block = lives.proposed(&[
            send("alice", "bob", sequence, 7),
            send("bob", "alice", sequence, 11),
            send("bob", "alice", sequence + 50, 11),
        ]);
        let expected = lives.decided(&block);
        assert_eq!(expected.tx_results.len(), 4, "votes and three transactions");
        for _ in 0..=sequence % 3 {
            assert_eq!(dies.host.finalize_block(block.clone()), expected);
            // An engine that died alone asks once more.
            assert_eq!(dies.host.finalize_block(block.clone()), expected);
            // Nothing of it was permanent.
            let spare = tempfile::tempdir().unwrap();
            drop(std::mem::replace(&mut dies.host, open(spare.path())));
            dies.host = open(folder.path());
            assert_eq!(dies.host.last_block().height, u64::try_from(block.height).unwrap() - 1);
            replays += 1;
        }
        assert_eq!(dies.decided(&block), expected);
        lives.commit = lives.vote();
    }
    println!("{replays} replays");
    assert_eq!(replays, 12);
}

#[test]
fn abci_15_checks_that_race_commits_are_all_answered_and_never_from_a_state_that_was_undone() {
    let mut engine = Engine::in_memory(&["alice", "bob"]);
    engine.block(&[]);
    let check = |host: &Host, tx: &[u8], again: bool| -> ResponseCheckTx {
        host.check_tx(RequestCheckTx { tx: tx.to_vec().into(), r#type: i32::from(again) })
    };
    let (host, over) = (engine.host.clone(), AtomicBool::new(false));
    let (first, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    const BLOCKS: u64 = 40;
    let waiting: Vec<Vec<u8>> = (0..BLOCKS).map(|sequence| send("bob", "alice", sequence, 1)).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let done = first.load(Ordering::Acquire);
                    // What is committed stays used, whatever is checked meanwhile.
                    if let Some(used) = done.checked_sub(1) {
                        let answer = check(&host, &waiting[used as usize], false);
                        assert_eq!((answer.codespace.as_str(), answer.code), ("sdk", 32), "{}", answer.log);
                    }
                    for tx in &waiting[done as usize..] {
                        let code = check(&host, tx, true).code;
                        assert!(code == 0 || code == 32, "{code}");
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for (block, tx) in (0..).zip(&waiting) {
            let results = engine.block(std::slice::from_ref(tx)).tx_results;
            assert_eq!(results.last().map(|result| result.code), Some(0));
            first.store(block + 1, Ordering::Release);
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{answered:?} rounds of checks beside {BLOCKS} commits");
    assert!(answered.into_inner() > 0);
    assert_eq!(
        check(&engine.host, &send("bob", "alice", BLOCKS, 1), false).code,
        0,
        "the next one is welcome"
    );
}
