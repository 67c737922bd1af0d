//! A part of a tree that one thread works on: a dense heap of places above buckets of pairs.

use crate::hash::Hash;
use crate::node::{join, prefix, subtree, Leaf, Node};

/// A dense binary heap of places: the top one has index 1, those below `i` have `2 i` and `2 i + 1`.
#[derive(Clone, Debug)]
pub(crate) struct Heap {
    levels: usize,
    nodes: Vec<Node>,
}

/// What a heap's changed places were before: level by level, the deepest first, each sorted by index.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeapPast {
    /// Where each level begins in `old`.
    starts: Vec<usize>,
    old: Vec<(u32, Node)>,
}

/// What a write does to one pair: a new leaf, or none.
pub(crate) struct Write {
    pub(crate) at: Hash,
    pub(crate) leaf: Option<Leaf>,
}

/// The part of a tree below one place.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    /// Depth of the shard's top in the tree.
    above: usize,
    heap: Heap,
    /// Pairs below each place of the deepest level, sorted by place.
    buckets: Vec<Vec<Leaf>>,
}

/// What a block did to a shard.
#[derive(Debug, Default)]
pub(crate) struct ShardPast {
    pub(crate) heap: HeapPast,
    /// Pairs that were written, sorted by place, as they were before.
    pub(crate) leaves: Vec<(Hash, Option<Leaf>)>,
    pub(crate) inserted: usize,
    pub(crate) removed: usize,
}

impl Heap {
    /// A heap above these deepest places, of which there are 2 to the `levels`.
    pub(crate) fn above(levels: usize, deepest: &[Node]) -> Self {
        let mut nodes = vec![Node::EMPTY; deepest.len()];
        nodes.extend_from_slice(deepest);
        for i in (1..deepest.len()).rev() {
            nodes[i] = join(&nodes[2 * i], &nodes[2 * i + 1]);
        }
        Self { levels, nodes }
    }

    /// The top place.
    pub(crate) fn top(&self) -> Node {
        self.nodes[1]
    }

    /// Place number `index` of `level`.
    pub(crate) fn node(&self, level: usize, index: usize) -> Node {
        self.nodes[(1 << level) + index]
    }

    /// Gives the deepest places new contents and brings everything above them up to date. Sorted.
    pub(crate) fn update(&mut self, deepest: Vec<(usize, Node)>) -> HeapPast {
        let first = 1 << self.levels;
        let mut past = HeapPast::default();
        // Ways share the levels near the top: about one place in each of them, and one per way below.
        let shared = deepest.len().checked_ilog2().map_or(0, |bits| bits as usize);
        past.old.reserve(deepest.len() * (self.levels.saturating_sub(shared) + 2));
        past.starts.push(0);
        let mut dirty = Vec::with_capacity(deepest.len());
        for (index, node) in deepest {
            past.replace(&mut self.nodes, first + index, node);
            dirty.push(first + index);
        }
        for _ in 0..self.levels {
            past.starts.push(past.old.len());
            dirty.iter_mut().for_each(|i| *i /= 2);
            dirty.dedup();
            for i in &dirty {
                let node = join(&self.nodes[2 * i], &self.nodes[2 * i + 1]);
                past.replace(&mut self.nodes, *i, node);
            }
        }
        past
    }

    /// Takes the last update back.
    pub(crate) fn restore(&mut self, past: &HeapPast) {
        for (index, node) in &past.old {
            self.nodes[widen(*index)] = *node;
        }
    }
}

impl HeapPast {
    fn replace(&mut self, nodes: &mut [Node], index: usize, node: Node) {
        let old = std::mem::replace(&mut nodes[index], node);
        self.old.push((u32::try_from(index).unwrap_or(u32::MAX), old));
    }

    /// What place number `index` of `level` was, if it was changed.
    pub(crate) fn node(&self, level: usize, index: usize) -> Option<Node> {
        let from_deepest = self.starts.len().checked_sub(level + 1)?;
        let start = *self.starts.get(from_deepest)?;
        let end = self.starts.get(from_deepest + 1).copied().unwrap_or(self.old.len());
        let changed = self.old.get(start..end)?;
        let found = changed.binary_search_by_key(&((1 << level) + index), |(i, _)| widen(*i)).ok()?;
        changed.get(found).map(|(_, node)| *node)
    }
}

fn widen(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Shard {
    /// A shard whose top is at depth `above`, with 2 to the `levels` buckets for these sorted pairs.
    pub(crate) fn new(above: usize, levels: usize, leaves: Vec<Leaf>) -> Self {
        let mut buckets = vec![Vec::new(); 1 << levels];
        for leaf in leaves {
            buckets[bucket(&leaf.at, above, levels)].push(leaf);
        }
        let deepest: Vec<Node> = buckets.iter().map(|bucket| subtree(bucket, above + levels)).collect();
        Self { above, heap: Heap::above(levels, &deepest), buckets }
    }

    /// The places of this shard.
    pub(crate) fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Pairs of the buckets from number `from` to before number `to`.
    pub(crate) fn leaves(&self, from: usize, to: usize) -> impl Iterator<Item = &Leaf> {
        self.buckets[from..to].iter().flatten()
    }

    /// All pairs, sorted; the shard is of no use afterwards.
    pub(crate) fn take_leaves(&mut self) -> Vec<Leaf> {
        std::mem::take(&mut self.buckets).into_iter().flatten().collect()
    }

    /// Makes these sorted writes.
    pub(crate) fn apply(&mut self, writes: &mut [Write]) -> ShardPast {
        let levels = self.heap.levels;
        let mut past = ShardPast::default();
        past.leaves.reserve(writes.len());
        let mut deepest = Vec::with_capacity(writes.len());
        let number = |write: &Write| bucket(&write.at, self.above, levels);
        for run in writes.chunk_by_mut(|a, b| number(a) == number(b)) {
            let Some(index) = run.first().map(number) else { continue };
            for write in run {
                let leaf = write.leaf.take();
                let old = set(&mut self.buckets[index], &write.at, leaf, &mut past);
                past.leaves.push((write.at, old));
            }
            deepest.push((index, subtree(&self.buckets[index], self.above + levels)));
        }
        past.heap = self.heap.update(deepest);
        past
    }

    /// Takes the last [`apply`](Self::apply) back: `leaves` are its pairs.
    pub(crate) fn restore(&mut self, heap: &HeapPast, leaves: &[(Hash, Option<Leaf>)]) {
        let mut ignored = ShardPast::default();
        for (at, old) in leaves {
            let index = bucket(at, self.above, self.heap.levels);
            set(&mut self.buckets[index], at, old.clone(), &mut ignored);
        }
        self.heap.restore(heap);
    }
}

/// Which bucket of a shard a pair belongs to.
fn bucket(at: &Hash, above: usize, levels: usize) -> usize {
    prefix(at, above + levels) & ((1 << levels) - 1)
}

/// Puts a leaf in its place, or clears the place, and returns what was there.
fn set(bucket: &mut Vec<Leaf>, at: &Hash, leaf: Option<Leaf>, count: &mut ShardPast) -> Option<Leaf> {
    match (bucket.binary_search_by(|resting| resting.at.cmp(at)), leaf) {
        (Ok(index), Some(leaf)) => Some(std::mem::replace(&mut bucket[index], leaf)),
        (Ok(index), None) => {
            count.removed += 1;
            Some(bucket.remove(index))
        }
        (Err(index), Some(leaf)) => {
            count.inserted += 1;
            bucket.insert(index, leaf);
            None
        }
        (Err(_), None) => None,
    }
}
