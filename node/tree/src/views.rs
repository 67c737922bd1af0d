//! Committed heights as readers see them: immutable, shared, and never in the writer's way.

use std::collections::VecDeque;
use std::ops::{Bound, RangeInclusive};
use std::sync::{Arc, PoisonError, RwLock};

use imbl::OrdMap;
use store::{Change, Pair, Read};

use crate::forest::Shared;
use crate::hash::Hash;
use crate::proof::Proof;
use crate::Error;

/// All pairs of a height, sharing what did not change with the heights around it.
pub(crate) type Pairs = OrdMap<Arc<[u8]>, Arc<[u8]>>;

/// `pairs` after `changes`, and what undoes them.
pub(crate) fn apply(mut pairs: Pairs, changes: &[Change]) -> (Pairs, Vec<Change>) {
    let mut undo = Vec::with_capacity(changes.len());
    for (key, value) in changes {
        let old = match value {
            Some(value) => pairs.insert(key.clone(), value.clone()),
            None => pairs.remove(key),
        };
        undo.push((key.clone(), old));
    }
    (pairs, undo)
}

/// The state of one height. Cloning is free; it stays readable for as long as somebody holds it.
#[derive(Clone, Debug)]
pub struct View(Arc<Committed>);

#[derive(Debug)]
struct Committed {
    height: u64,
    app_hash: Hash,
    roots: Vec<Hash>,
    pairs: Pairs,
    shared: Arc<Shared>,
}

impl View {
    pub(crate) fn new(shared: &Arc<Shared>, height: u64, roots: Vec<Hash>, pairs: Pairs) -> Self {
        let app_hash = shared.app_hash(&roots);
        Self(Arc::new(Committed { height, app_hash, roots, pairs, shared: shared.clone() }))
    }

    /// Height of this state; 0 before the first commit.
    pub fn height(&self) -> u64 {
        self.0.height
    }

    /// Application hash of this state.
    pub fn app_hash(&self) -> Hash {
        self.0.app_hash
    }

    /// Root of a store, if there is such a store.
    pub fn root(&self, store: &str) -> Option<Hash> {
        let (number, _) = self.0.shared.names.find(store)?;
        self.0.roots.get(number).copied()
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.pairs.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.pairs.is_empty()
    }

    /// All pairs, in key order.
    pub fn pairs(&self) -> impl Iterator<Item = (&Arc<[u8]>, &Arc<[u8]>)> {
        self.0.pairs.iter()
    }

    /// The value of `key` (without the store's byte) in `store`, or its absence, with a proof. A view older
    /// than the heights that the store keeps can be read but not proved from.
    ///
    /// Not to be called from a thread of rayon's global pool, which may be busy with the trees.
    pub fn prove(&self, store: &str, key: &[u8]) -> Result<Proof, Error> {
        let Committed { height, roots, pairs, shared, .. } = &*self.0;
        let values = |key: &[u8]| pairs.get(key).map(|value| value.to_vec());
        shared.prove(*height, roots, (store, key), &values)?.ok_or(Error::Forgotten(*height))
    }

    pub(crate) fn roots(&self) -> &[Hash] {
        &self.0.roots
    }

    pub(crate) fn map(&self) -> &Pairs {
        &self.0.pairs
    }
}

/// Whether some key can lie within the bounds.
fn possible(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(low), Bound::Included(high)) => low <= high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => {
            low < high
        }
    }
}

fn copy((key, value): (&Arc<[u8]>, &Arc<[u8]>)) -> Pair {
    (key.to_vec(), value.to_vec())
}

impl Read for View {
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool {
        self.0.pairs.get(key).map(|value| with(value)).is_some()
    }

    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        possible(from, to).then(|| self.0.pairs.range::<_, [u8]>((from, to)).next().map(copy)).flatten()
    }

    fn prev(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        possible(from, to).then(|| self.0.pairs.range::<_, [u8]>((from, to)).next_back().map(copy)).flatten()
    }
}

/// The heights that are kept.
#[derive(Clone, Debug)]
pub(crate) struct Heights {
    /// All but the last, oldest first.
    pub(crate) older: VecDeque<View>,
    /// The last.
    pub(crate) latest: View,
}

impl Heights {
    /// First height kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.older.front().unwrap_or(&self.latest).height()
    }
}

/// Where the heights that are kept can be taken from and replaced.
#[derive(Debug)]
pub(crate) struct Ring(RwLock<Arc<Heights>>);

impl Ring {
    pub(crate) fn new(heights: Heights) -> Self {
        Self(RwLock::new(Arc::new(heights)))
    }

    pub(crate) fn heights(&self) -> Arc<Heights> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the heights; the lock is held for a pointer swap.
    pub(crate) fn publish(&self, heights: Heights) {
        let mut new = Arc::new(heights);
        std::mem::swap(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), &mut new);
        // The height that falls out may be large, and nobody should wait while it is taken apart.
        rayon::spawn(move || drop(new));
    }
}

/// Reads committed heights from any thread. Reading waits for nobody; a proof may wait while the trees take
/// in a block. Cloning is free.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Arc<Ring>);

impl Reader {
    /// The last committed height.
    pub fn latest(&self) -> View {
        self.0.heights().latest.clone()
    }

    /// The state of a height, if it is committed and still kept.
    pub fn at(&self, height: u64) -> Option<View> {
        let heights = self.0.heights();
        if heights.latest.height() == height {
            return Some(heights.latest.clone());
        }
        let index = heights.older.binary_search_by_key(&height, View::height).ok()?;
        heights.older.get(index).cloned()
    }

    /// First and last of the heights that are kept.
    pub fn heights(&self) -> RangeInclusive<u64> {
        let heights = self.0.heights();
        heights.oldest()..=heights.latest.height()
    }

    /// The value of `key` (without the store's byte) in `store` at a height, or its absence, with a proof.
    ///
    /// Not to be called from a thread of rayon's global pool, which may be busy with the trees.
    pub fn prove(&self, height: u64, store: &str, key: &[u8]) -> Result<Proof, Error> {
        let result = self.at(height).map(|view| view.prove(store, key));
        match result {
            Some(Err(Error::Forgotten(_))) | None => {
                let heights = self.heights();
                Err(Error::NoHeight { height, oldest: *heights.start(), latest: *heights.end() })
            }
            Some(result) => result,
        }
    }
}
