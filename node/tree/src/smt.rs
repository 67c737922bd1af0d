//! One store's sparse binary Merkle tree, in memory.
//!
//! A pair rests at the SHA-256 of its key, in the highest place that it has for itself; an inner node exists
//! only above at least two pairs. The upper levels are dense arrays that grow with the number of pairs, the
//! pairs lie in small sorted buckets below. A block's writes are sorted by place; each dirty place is hashed
//! once, deepest level first, and large trees are split into shards that threads work on side by side.
//!
//! Each block leaves behind what it replaced, under names that do not depend on the shape of the arrays, so
//! the tree can answer for heights before (see [`Then`](crate::past::Then)) and take its last block back.

use std::cmp::Ordering;
use std::collections::VecDeque;

use rayon::prelude::*;
use store::Change;

use crate::hash::{self, Hash};
use crate::node::{prefix, Leaf, Node, STORE_BYTE};
use crate::past::Past;
use crate::shard::{Heap, Shard, ShardPast, Write};

/// Writes below which a second thread costs more than it brings.
const PARALLEL: usize = 128;

/// Depth from which a tree is split into shards.
const SHARDED: usize = 10;

/// Depth at which a large tree is split: 64 shards.
const SHARD_BITS: usize = 6;

/// Levels by which the arrays grow at once.
const GROWTH: usize = 2;

/// Deepest level of arrays: beyond four thousand million buckets, buckets grow instead.
const DEEPEST: usize = 30;

/// The Merkle tree of one store, with what its last blocks replaced.
#[derive(Debug)]
pub struct Tree {
    shape: Shape,
    /// The places above the shards; its deepest level repeats their tops.
    top: Heap,
    shards: Vec<Shard>,
    count: usize,
    /// Oldest first.
    pasts: VecDeque<Past>,
}

/// How places are laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Levels of arrays: buckets are at this depth.
    pub(crate) depth: usize,
    /// Depth of the shards' tops.
    pub(crate) shard_bits: usize,
}

/// Where the shape keeps a place.
pub(crate) enum Spot {
    /// In the heap above the shards.
    Top,
    /// At this level and index of this shard.
    Shard(usize, usize, usize),
}

impl Shape {
    fn of(depth: usize) -> Self {
        Self { depth, shard_bits: if depth < SHARDED { 0 } else { SHARD_BITS } }
    }

    /// Where place number `index` of `depth` is; `depth` is at most that of the buckets.
    pub(crate) fn spot(&self, depth: usize, index: usize) -> Spot {
        if depth <= self.shard_bits {
            return Spot::Top;
        }
        let level = depth - self.shard_bits;
        Spot::Shard(index >> level, level, index & ((1 << level) - 1))
    }
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Self {
            shape: Shape::of(0),
            top: Heap::above(0, &[Node::EMPTY]),
            shards: Vec::new(),
            count: 0,
            pasts: VecDeque::new(),
        };
        tree.lay_out(0, Vec::new());
        tree
    }
}

impl Tree {
    /// Root hash; [`EMPTY`](hash::EMPTY) without pairs.
    pub fn root(&self) -> Hash {
        self.top.top().hash
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Makes a block's changes, and returns the new root. Keys are state keys of this store, with the byte
    /// that names it. The last change of a key counts.
    pub fn apply(&mut self, changes: &[Change]) -> Hash {
        let mut writes = writes(changes);
        self.reserve(self.count + writes.iter().filter(|write| write.leaf.is_some()).count());
        let parts = self.apply_to_shards(&mut writes);
        let tops: Vec<(usize, Node)> =
            parts.iter().map(|(number, _)| (*number, self.shards[*number].heap().top())).collect();
        let top = self.top.update(tops);
        let inserted: usize = parts.iter().map(|(_, part)| part.inserted).sum();
        let removed: usize = parts.iter().map(|(_, part)| part.removed).sum();
        self.count = (self.count + inserted).saturating_sub(removed);
        self.pasts.push_back(Past::new(self.shape, top, parts));
        self.root()
    }

    /// Takes the last block back, if what it replaced is still kept.
    pub fn undo(&mut self) {
        let Some(past) = self.pasts.pop_back() else { return };
        for (number, heap, leaves) in past.parts() {
            self.shards[number].restore(heap, leaves);
        }
        self.top.restore(past.top());
        let (before, after) = past.counts();
        self.count = (self.count + before).saturating_sub(after);
    }

    /// Keeps what the last `blocks` blocks replaced, and forgets what was before.
    pub fn forget(&mut self, blocks: usize) {
        while self.pasts.len() > blocks {
            self.pasts.pop_front();
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(crate) fn pasts(&self) -> &VecDeque<Past> {
        &self.pasts
    }

    /// Place number `index` of `depth`, which is at most that of the buckets.
    pub(crate) fn node(&self, depth: usize, index: usize) -> Node {
        match self.shape.spot(depth, index) {
            Spot::Top => self.top.node(depth, index),
            Spot::Shard(shard, level, index) => self.shards[shard].heap().node(level, index),
        }
    }

    /// All pairs below place number `index` of `depth`, which is at most that of the buckets and at least
    /// that of the shards.
    pub(crate) fn leaves(&self, depth: usize, index: usize) -> impl Iterator<Item = &Leaf> {
        let span = 1 << (self.shape.depth - depth);
        let in_shard = self.shape.depth - self.shape.shard_bits;
        let (first, last) = (index * span, index * span + span - 1);
        let (low, high) = (first >> in_shard, last >> in_shard);
        (low..=high).flat_map(move |number| {
            let begin = number << in_shard;
            let from = first.saturating_sub(begin);
            let to = (last + 1 - begin).min(1 << in_shard);
            self.shards[number].leaves(from, to)
        })
    }

    fn apply_to_shards(&mut self, writes: &mut [Write]) -> Vec<(usize, ShardPast)> {
        let (bits, parallel) = (self.shape.shard_bits, writes.len() >= PARALLEL);
        let mut rest = writes;
        let mut jobs = Vec::new();
        for (number, shard) in self.shards.iter_mut().enumerate() {
            let (mine, others) =
                rest.split_at_mut(rest.partition_point(|write| prefix(&write.at, bits) <= number));
            rest = others;
            if !mine.is_empty() {
                jobs.push((number, shard, mine));
            }
        }
        let work = |(number, shard, writes): (usize, &mut Shard, &mut [Write])| (number, shard.apply(writes));
        if parallel {
            jobs.into_par_iter().map(work).collect()
        } else {
            jobs.into_iter().map(work).collect()
        }
    }

    /// Makes room for `count` pairs: between half a pair and two pairs in a bucket.
    fn reserve(&mut self, count: usize) {
        let mut depth = self.shape.depth;
        while depth < DEEPEST && count > 2 << depth {
            depth += GROWTH;
        }
        if depth > self.shape.depth {
            let leaves = self.shards.iter_mut().flat_map(Shard::take_leaves).collect();
            self.lay_out(depth, leaves);
        }
    }

    /// Lays these sorted pairs out anew.
    fn lay_out(&mut self, depth: usize, mut leaves: Vec<Leaf>) {
        let shape = Shape::of(depth);
        let mut parts = Vec::new();
        for number in (0..1 << shape.shard_bits).rev() {
            let mine = leaves.partition_point(|leaf| prefix(&leaf.at, shape.shard_bits) < number);
            parts.push(leaves.split_off(mine));
        }
        let levels = depth - shape.shard_bits;
        let build = |leaves: Vec<Leaf>| Shard::new(shape.shard_bits, levels, leaves);
        self.shards = parts.into_par_iter().rev().map(build).collect();
        let tops: Vec<Node> = self.shards.iter().map(|shard| shard.heap().top()).collect();
        self.top = Heap::above(shape.shard_bits, &tops);
        self.shape = shape;
    }
}

/// The writes for these changes, sorted by place.
fn writes(changes: &[Change]) -> Vec<Write> {
    let mut writes: Vec<Write> = if changes.len() < PARALLEL {
        changes.iter().map(write).collect()
    } else {
        changes.par_iter().with_min_len(PARALLEL / 2).map(write).collect()
    };
    if writes.len() < PARALLEL {
        writes.sort_by(by_place);
    } else {
        writes.par_sort_by(by_place);
    }
    writes.dedup_by(|later, kept| {
        let same = later.at == kept.at;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    writes
}

/// By place; the first bytes decide almost always, and as a number they are compared at once.
fn by_place(a: &Write, b: &Write) -> Ordering {
    let first = |write: &Write| write.at.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    first(a).cmp(&first(b)).then_with(|| a.at.cmp(&b.at))
}

fn write((key, value): &Change) -> Write {
    let at = hash::sha256(key.get(STORE_BYTE..).unwrap_or_default());
    let leaf = value.as_ref().map(|value| Leaf { at, hash: hash::leaf(&at, value), key: key.clone() });
    Write { at, leaf }
}
