//! The trees of all stores, at the last height and as they were at recent ones.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rayon::prelude::*;
use store::Change;

use crate::hash::Hash;
use crate::past::Then;
use crate::proof::{self, Op, Proof, Values, SIMPLE_OP, STORE_OP};
use crate::simple;
use crate::smt::Tree;
use crate::Error;

/// Which first byte of a state key belongs to which store.
pub type Table = &'static [(u8, &'static str)];

/// The stores, sorted by name.
#[derive(Clone, Debug)]
pub(crate) struct Names(Vec<(u8, &'static str)>);

impl Names {
    /// Bytes and names are different from each other, and names are not empty: anything else is a fault of
    /// the program.
    fn new(table: Table) -> Self {
        let mut names = table.to_vec();
        names.sort_by_key(|(_, name)| *name);
        let mut bytes: Vec<u8> = table.iter().map(|(byte, _)| *byte).collect();
        bytes.sort_unstable();
        let distinct = bytes.is_sorted_by(|a, b| a < b) && names.is_sorted_by(|(_, a), (_, b)| a < b);
        if !distinct || names.iter().any(|(_, name)| name.is_empty()) {
            store::fault("stores must have different bytes and names");
        }
        Self(names)
    }

    /// Names in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(_, name)| *name)
    }

    /// Number and byte of a store.
    pub(crate) fn find(&self, store: &str) -> Option<(usize, u8)> {
        let number = self.0.binary_search_by_key(&store, |(_, name)| *name).ok()?;
        self.0.get(number).map(|(byte, _)| (number, *byte))
    }

    /// Whether the key belongs to one of the stores.
    pub(crate) fn own(&self, key: &[u8]) -> bool {
        key.first().is_some_and(|first| self.0.iter().any(|(byte, _)| byte == first))
    }
}

/// What writer and readers of the trees share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) names: Names,
    forest: RwLock<Forest>,
}

/// One tree for each store, in the order of names. A store without pairs counts with the empty root, so the
/// set of stores that the application hash speaks of never changes by itself.
#[derive(Debug)]
pub(crate) struct Forest {
    trees: Vec<(u8, Tree)>,
    /// Height of the trees.
    height: u64,
    /// Heights before each of the blocks that can be taken back, oldest first.
    before: VecDeque<u64>,
}

impl Shared {
    pub(crate) fn new(table: Table) -> Self {
        let names = Names::new(table);
        let trees = names.0.iter().map(|(byte, _)| (*byte, Tree::default())).collect();
        Self { forest: RwLock::new(Forest { trees, height: 0, before: VecDeque::new() }), names }
    }

    /// The trees, to change them. Proofs wait for as long as this is held.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Forest> {
        self.forest.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trees, to prove from. A block waits for as long as this is held: for one proof.
    fn read(&self) -> RwLockReadGuard<'_, Forest> {
        self.forest.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Application hash over these roots, which are in the order of names.
    pub(crate) fn app_hash(&self, roots: &[Hash]) -> Hash {
        simple::app_hash(self.names.iter().zip(roots.iter().copied()))
    }

    /// Proof about `key` in `store` as of the height that had these roots; `None` if that is forgotten.
    pub(crate) fn prove(
        &self,
        height: u64,
        roots: &[Hash],
        (store, key): (&str, &[u8]),
        values: Values,
    ) -> Result<Option<Proof>, Error> {
        let (number, _) = self.names.find(store).ok_or_else(|| Error::NoStore(store.into()))?;
        let stores: Vec<(&str, Hash)> = self.names.iter().zip(roots.iter().copied()).collect();
        let Some((second, app_hash)) = simple::prove(&stores, number) else { return Ok(None) };
        let forest = self.read();
        let Some(then) = forest.then(number, height, roots.get(number)) else { return Ok(None) };
        let (value, first) = proof::prove(&then, key, values)
            .ok_or_else(|| Error::corrupt("the state in memory", "a tree has a pair that the state lacks"))?;
        let ops = [Op::new(STORE_OP, key, first), Op::new(SIMPLE_OP, store.as_bytes(), second)];
        Ok(Some(Proof { height, value, ops, app_hash }))
    }
}

impl Forest {
    /// Makes a block's changes, which are sorted by key and each belong to a store; the trees are at `height`
    /// then. Returns their roots.
    pub(crate) fn apply(&mut self, height: u64, changes: &[Change]) -> Vec<Hash> {
        let parts: Vec<&[Change]> = changes.chunk_by(|(a, _), (b, _)| a.first() == b.first()).collect();
        let belongs =
            |part: &&&[Change], byte: u8| part.first().is_some_and(|(key, _)| key.first() == Some(&byte));
        let apply = |(byte, tree): &mut (u8, Tree)| {
            let part = parts.iter().find(|part| belongs(part, *byte));
            tree.apply(part.copied().unwrap_or_default())
        };
        self.before.push_back(self.height);
        self.height = height;
        self.trees.par_iter_mut().map(apply).collect()
    }

    /// Takes the last block back.
    pub(crate) fn undo(&mut self) {
        let Some(height) = self.before.pop_back() else { return };
        self.height = height;
        self.trees.iter_mut().for_each(|(_, tree)| tree.undo());
    }

    /// Forgets how to take back any but the last `blocks` blocks.
    pub(crate) fn forget(&mut self, blocks: usize) {
        while self.before.len() > blocks {
            self.before.pop_front();
        }
        self.trees.iter_mut().for_each(|(_, tree)| tree.forget(blocks));
    }

    /// Tree number `number` as it was at `height`, when it had this root.
    fn then(&self, number: usize, height: u64, root: Option<&Hash>) -> Option<Then<'_>> {
        let (_, tree) = self.trees.get(number)?;
        let is = |then: &Then| root == Some(&then.node(&then.top()).hash);
        let now = (height == self.height).then(|| Then::new(tree, 0)).flatten().filter(is);
        now.or_else(|| {
            let kept = self.before.iter().rposition(|before| *before == height)?;
            Then::new(tree, self.before.len() - kept).filter(is)
        })
    }
}
