//! What several tests need: seeded numbers, and the `jmt` crate over a map as a second opinion.

// Each test binary uses a part of this.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Sha256Jmt, Version};
use store::Change;
use tree::Table;

/// Stores of the tests. `empty` never has a pair.
pub const TABLE: Table = &[(0x10, "bank"), (0x17, "clob"), (0x11, "prices"), (0x01, "app"), (0x7f, "empty")];

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

pub fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Change {
    (Arc::from(key.as_ref()), Some(Arc::from(value.as_ref())))
}

pub fn remove(key: impl AsRef<[u8]>) -> Change {
    (Arc::from(key.as_ref()), None)
}

/// Up to `most` changes of random keys of store `byte`, out of `space` possible ones; a third are removals.
pub fn changes(random: &mut Random, byte: u8, space: u64, most: u64) -> Vec<Change> {
    let mut changes = BTreeMap::new();
    for _ in 0..random.below(most + 1) {
        let mut key = vec![byte, 0];
        key.extend(random.below(space).to_be_bytes());
        let value = (random.below(3) > 0).then(|| {
            let length = random.below(60);
            Arc::from(random.bytes(length))
        });
        changes.insert(Arc::from(key), value);
    }
    changes.into_iter().collect()
}

/// Changes in all stores that have pairs.
pub fn block(random: &mut Random, space: u64, most: u64) -> Vec<Change> {
    [0x01, 0x10, 0x11, 0x17].into_iter().flat_map(|byte| changes(random, byte, space, most)).collect()
}

pub type Plain = BTreeMap<Arc<[u8]>, Arc<[u8]>>;

pub fn apply(plain: &mut Plain, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) => plain.insert(key.clone(), value.clone()),
            None => plain.remove(key),
        };
    }
}

/// The `jmt` crate's tree.
#[derive(Default)]
pub struct Jmt {
    nodes: Mutex<HashMap<NodeKey, Node>>,
    version: Version,
}

impl TreeReader for Jmt {
    fn get_node_option(&self, key: &NodeKey) -> Result<Option<Node>, anyhow::Error> {
        Ok(self.nodes.lock().unwrap().get(key).cloned())
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> Result<Option<OwnedValue>, anyhow::Error> {
        Ok(None)
    }

    fn get_rightmost_leaf(&self) -> Result<Option<(NodeKey, LeafNode)>, anyhow::Error> {
        Ok(None)
    }
}

impl Jmt {
    /// Applies changes of one store and returns the root. That crate is given what our tree commits to for
    /// an empty value.
    pub fn apply(&mut self, changes: &[Change]) -> [u8; 32] {
        let set: Vec<_> = changes
            .iter()
            .map(|(key, value)| {
                let value = value.as_ref().map(|v| if v.is_empty() { vec![0] } else { v.to_vec() });
                (KeyHash::with::<sha2::Sha256>(&key[1..]), value)
            })
            .collect();
        let (root, batch) = Sha256Jmt::new(self).put_value_set(set, self.version).unwrap();
        self.nodes.lock().unwrap().extend(batch.node_batch.nodes().clone());
        self.version += 1;
        root.0
    }
}
