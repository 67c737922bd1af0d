//! The handle: what those who embed the node see.

use std::time::Duration;

use crate::support::net::Running;
use sha2::{Digest, Sha256};
use solo::{End, Production};

#[test]
fn blocks_come_by_themselves_and_end_at_the_height_asked_for() {
    let node = Running::start_with(|config| {
        config.production = Production::Every(Duration::from_millis(5));
        config.stop_at = Some(6);
    });
    assert_eq!(node.runtime.block_on(node.handle.ended()), End::Stopped);
    assert_eq!(node.handle.latest().height, 6);
    assert_eq!(node.handle.latest().app_hash, node.disk.lock().unwrap().hash);
    assert_eq!(node.runtime.block_on(node.handle.stop()), End::Stopped, "stopping again is no harm");
}

#[test]
fn subscribers_see_each_block_with_its_results() {
    let node = Running::start_with(|_| {});
    let mut blocks = node.handle.subscribe_blocks();
    node.handle.submit_tx("a=1").unwrap();
    node.step();
    node.step();
    let first = node.runtime.block_on(blocks.recv()).unwrap();
    assert_eq!((first.height, first.results.tx_results.len()), (1, 2));
    assert_eq!(node.runtime.block_on(blocks.recv()).unwrap().height, 2);
    for _ in 0..70 {
        node.step();
    }
    assert!(node.runtime.block_on(blocks.recv()).is_err(), "a slow one is told that it missed some");
    assert_eq!(node.runtime.block_on(blocks.recv()).unwrap().height, 9);
}

#[test]
fn the_handle_reads_what_is_committed() {
    let node = Running::start_with(|config| config.retain = 3);
    assert_eq!((node.handle.latest().height, node.handle.block(None).unwrap().is_none()), (0, true));
    let tx = b"a=1".to_vec();
    node.handle.submit_tx(tx.clone()).unwrap();
    assert_eq!(node.handle.mempool_size(), (1, 3));
    let decided = node.step();
    let hash: [u8; 32] = Sha256::digest(&tx).into();
    let found = node.handle.tx_by_hash(&hash).unwrap().unwrap();
    assert_eq!((found.height, found.index, found.tx), (1, 1, tx));
    let stored = node.handle.block(Some(1)).unwrap().unwrap();
    assert_eq!(stored.meta.block_id, decided.stored.meta.block_id);
    assert_eq!(node.handle.latest().hash, stored.meta.block_id.unwrap().hash);
    assert_eq!(node.handle.search_txs("kv.key='a'", 10).unwrap().len(), 1);
    let (total, page) = node.handle.search_page("tx.height=1", false, 1..2).unwrap();
    assert_eq!((total, page.len(), page[0].index), (2, 1, 1));
    assert!(node.handle.search_txs("kv.key", 10).is_err());
    assert!(node.handle.block(Some(2)).unwrap().is_none());
    for _ in 0..5 {
        node.step();
    }
    assert_eq!(node.handle.earliest().unwrap(), 4);
    assert!(node.handle.tx_by_hash(&hash).unwrap().is_none(), "pruned with its block");
    assert_eq!(node.handle.search_txs("kv.key='a'", 10).unwrap().len(), 0);
}

#[test]
fn an_engine_that_fails_says_why_and_the_node_goes_on_answering() {
    let node = Running::start_with(|config| config.rpc = Some(crate::support::net::any_port()));
    node.step();
    node.disk.lock().unwrap().results_missing = true;
    assert!(node.runtime.block_on(node.handle.step()).is_err());
    let End::Failed(reason) = node.runtime.block_on(node.handle.ended()) else { panic!("it did not fail") };
    assert!(reason.contains("0 results for 1 transactions"), "{reason}");
    let health = node.try_call("health", serde_json::json!({})).unwrap_err();
    assert!(health["data"].as_str().unwrap().contains("0 results"), "{health}");
    assert_eq!(node.call("status", serde_json::json!({}))["sync_info"]["latest_block_height"], "1");
}

#[test]
fn a_failed_repetition_does_not_hide_the_first_inclusion() {
    let node = Running::start_with(|config| config.mempool.cache = 0);
    let tx = b"once=1".to_vec();
    node.handle.submit_tx(tx.clone()).unwrap();
    node.step();
    node.handle.submit_tx(tx.clone()).unwrap();
    node.step();
    let hash: [u8; 32] = Sha256::digest(&tx).into();
    assert_eq!(node.handle.tx_by_hash(&hash).unwrap().unwrap().height, 2, "a later success counts");
}
