//! Queries of the past: what is kept is answered as it was, what is not is refused in words.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use host::{Config, Host};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};

use crate::engine::Engine;

const KEEP: usize = 5;

fn ask(host: &Host, height: i64, prove: bool) -> ResponseQuery {
    // The row of the last block, which begins with its height.
    host.query(RequestQuery { path: "/store/app/key".into(), data: vec![0x01].into(), height, prove })
}

fn height_of(answer: &ResponseQuery) -> i64 {
    i64::from_le_bytes(answer.value[..8].try_into().unwrap())
}

fn engine() -> Engine {
    let config = Config { keep_heights: KEEP, ..Config::default() };
    Engine::with(Host::in_memory(config, ()), &["alice"])
}

#[test]
fn abci_46_kept_heights_are_answered_as_they_were_and_others_are_refused_in_words() {
    let mut engine = engine();
    for _ in 0..12 {
        engine.block(&[]);
    }
    for prove in [false, true] {
        for height in 8..=12 {
            let answer = ask(&engine.host, height, prove);
            assert_eq!((answer.code, answer.height, height_of(&answer)), (0, height, height), "{answer:?}");
            assert_eq!(answer.proof_ops.is_some(), prove);
        }
        for height in [7, 1, 13, 14, i64::MAX] {
            let answer = ask(&engine.host, height, prove);
            assert_ne!(answer.code, 0, "{height}");
            assert!(answer.log.contains("8") && answer.log.contains("12"), "{}", answer.log);
            assert!(answer.value.is_empty() && answer.proof_ops.is_none());
        }
        for height in [-1, i64::MIN] {
            let answer = ask(&engine.host, height, prove);
            assert!(answer.code != 0 && answer.log.contains("below zero"), "{}", answer.log);
        }
    }
    assert_eq!(height_of(&ask(&engine.host, 0, false)), 12);
    // The header that holds this hash is the next one.
    assert_eq!(height_of(&ask(&engine.host, 0, true)), 11);
}

#[test]
fn abci_46_queries_during_commits_see_one_height_each() {
    let mut engine = engine();
    for _ in 0..KEEP {
        engine.block(&[]);
    }
    let (host, over) = (engine.host.clone(), AtomicBool::new(false));
    let (answered, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for prove in [false, false, true] {
            let (host, over, answered, refused) = (&host, &over, &answered, &refused);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let answer = ask(host, 0, prove);
                    if prove && answer.code != 0 {
                        // It waited for the tree until its height was no longer kept.
                        let late = answer.log.contains("kept") || answer.log.contains("not available");
                        assert!(late, "{}", answer.log);
                        refused.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    assert_eq!((answer.code, answer.height), (0, height_of(&answer)), "{}", answer.log);
                    let oldest = answer.height - KEEP as i64 + 2;
                    let answer = ask(host, oldest, prove);
                    if answer.code == 0 {
                        assert_eq!(height_of(&answer), oldest);
                        answered.fetch_add(1, Ordering::Relaxed);
                    } else {
                        assert!(answer.log.contains("kept") || answer.log.contains("not available"));
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for _ in 0..60 {
            engine.block(&[]);
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{answered:?} heights answered during commits, {refused:?} refused");
    assert!(answered.into_inner() > 0);
}
