//! Going back, and letting go.

mod support;

use std::collections::BTreeMap;

use store::Change;
use support::{changes, Random, TABLE};
use tree::{Error, Hash, Pair, Store};

const KEEP: usize = 10;

/// A chain of `blocks` blocks in `folder`: hash and pairs after each, and what each changed.
struct Chain {
    folder: std::path::PathBuf,
    blocks: Vec<(Hash, Vec<Pair>, Vec<Change>)>,
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn chain(name: &str, blocks: u64) -> Chain {
    let folder = std::env::temp_dir().join(format!("ballast-rollback-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let (mut store, _) = Store::open(&folder, TABLE, KEEP).unwrap();
    let mut random = Random(name.len() as u64);
    let mut all = Vec::new();
    for height in 1..=blocks {
        let mut made: BTreeMap<_, _> = BTreeMap::new();
        for byte in [0x10, 0x17, 0x11] {
            made.extend(changes(&mut random, byte, 40, 12));
        }
        let made: Vec<Change> = made.into_iter().collect();
        let hash = store.stage(height, &made);
        store.commit(&[]).unwrap();
        all.push((hash, pairs(&store), made));
    }
    Chain { folder, blocks: all }
}

fn pairs(store: &Store) -> Vec<Pair> {
    store.reader().latest().pairs().map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Chain {
    fn is_at(&self, height: u64) -> Store {
        let (store, loaded) = Store::open(&self.folder, TABLE, KEEP).unwrap();
        let (hash, pairs, _) = &self.blocks[height as usize - 1];
        assert_eq!((loaded.height, &loaded.app_hash, &loaded.pairs), (height, hash, pairs));
        store
    }
}

#[test]
fn abci_28_a_store_goes_back_to_each_kept_height_and_on_again_to_the_same_hashes() {
    let mut tried = 0;
    for back in 1..KEEP as u64 {
        let chain = chain(&format!("back{back}"), 25);
        let (height, hash) = tree::roll_back(&chain.folder, TABLE, Some(25 - back)).unwrap();
        assert_eq!(height, 25 - back);
        assert_eq!(hash, chain.blocks[24 - back as usize].0);
        let mut store = chain.is_at(25 - back);
        for height in 26 - back..=25 {
            let (hash, after, made) = &chain.blocks[height as usize - 1];
            assert_eq!(store.stage(height, made), *hash, "height {height}");
            store.commit(&[]).unwrap();
            assert_eq!(pairs(&store), *after);
        }
        drop(store);
        chain.is_at(25);
        tried += 1;
    }
    println!("{tried} heights gone back");
    assert_eq!(tried, 9);
}

#[test]
fn abci_28_going_back_twice_works_until_the_oldest_kept_height_and_no_further() {
    let chain = chain("twice", 25);
    for height in (16..25).rev() {
        assert_eq!(tree::roll_back(&chain.folder, TABLE, None).unwrap().0, height);
        chain.is_at(height);
    }
    for height in [0, 15, 16, 17, u64::MAX] {
        let error = tree::roll_back(&chain.folder, TABLE, Some(height)).unwrap_err();
        assert!(matches!(error, Error::NoHeight { oldest: 16, latest: 15, .. }), "{height}: {error}");
    }
    chain.is_at(16);
}

#[test]
fn an_open_store_is_not_taken_back() {
    let chain = chain("open", 5);
    let store = chain.is_at(5);
    assert!(matches!(tree::roll_back(&chain.folder, TABLE, Some(4)), Err(Error::Locked(_))));
    assert!(matches!(tree::prune(&chain.folder, 1), Err(Error::Locked(_))));
    drop(store);
    chain.is_at(5);
}

#[test]
fn history_is_let_go_and_the_state_stays() {
    let chain = chain("prune", 25);
    assert_eq!(tree::prune(&chain.folder, 4).unwrap(), (22, 6));
    assert_eq!(tree::prune(&chain.folder, 4).unwrap(), (22, 0), "once is enough");
    let store = chain.is_at(25);
    assert_eq!(store.reader().heights(), 22..=25);
    assert!(store.reader().at(21).is_none());
    drop(store);
    let error = tree::roll_back(&chain.folder, TABLE, Some(21)).unwrap_err();
    assert!(matches!(error, Error::NoHeight { oldest: 22, latest: 24, .. }), "{error}");
    tree::roll_back(&chain.folder, TABLE, Some(22)).unwrap();
    chain.is_at(22);
    assert_eq!(tree::prune(&chain.folder, 0).unwrap(), (22, 0));
}
