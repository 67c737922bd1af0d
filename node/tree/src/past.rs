//! What a tree was before its last blocks.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::node::{halves, prefix, subtree, Kind, Leaf, Node};
use crate::shard::{HeapPast, ShardPast};
use crate::smt::{Shape, Spot, Tree};

/// What one block replaced in a tree.
#[derive(Debug)]
pub(crate) struct Past {
    shape: Shape,
    top: HeapPast,
    /// By number of the shard, with how many of `leaves` are its own.
    shards: Vec<(usize, HeapPast, usize)>,
    /// Pairs that were written, sorted by place, as they were before.
    leaves: Vec<(Hash, Option<Leaf>)>,
    inserted: usize,
    removed: usize,
}

impl Past {
    pub(crate) fn new(shape: Shape, top: HeapPast, parts: Vec<(usize, ShardPast)>) -> Self {
        let mut leaves = Vec::with_capacity(parts.iter().map(|(_, part)| part.leaves.len()).sum());
        let (mut inserted, mut removed) = (0, 0);
        let mut shards = Vec::with_capacity(parts.len());
        for (number, part) in parts {
            inserted += part.inserted;
            removed += part.removed;
            shards.push((number, part.heap, part.leaves.len()));
            leaves.extend(part.leaves);
        }
        Self { shape, top, shards, leaves, inserted, removed }
    }

    pub(crate) fn top(&self) -> &HeapPast {
        &self.top
    }

    /// How many pairs the block removed and inserted.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.removed, self.inserted)
    }

    /// What was replaced in each shard that was touched.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, &HeapPast, &[(Hash, Option<Leaf>)])> {
        let mut rest = self.leaves.as_slice();
        self.shards.iter().map(move |(number, heap, count)| {
            let (mine, others) = rest.split_at(*count);
            rest = others;
            (*number, heap, mine)
        })
    }

    /// What place number `index` of `depth` was, if the block changed it.
    fn node(&self, depth: usize, index: usize) -> Option<Node> {
        match self.shape.spot(depth, index) {
            Spot::Top => self.top.node(depth, index),
            Spot::Shard(shard, level, index) => {
                let found = self.shards.binary_search_by_key(&shard, |(number, ..)| *number).ok()?;
                self.shards.get(found)?.1.node(level, index)
            }
        }
    }

    /// The pairs written below place number `index` of `depth`.
    fn leaves(&self, depth: usize, index: usize) -> &[(Hash, Option<Leaf>)] {
        let from = self.leaves.partition_point(|(at, _)| prefix(at, depth) < index);
        let to = self.leaves.partition_point(|(at, _)| prefix(at, depth) <= index);
        self.leaves.get(from..to).unwrap_or_default()
    }
}

/// A tree as it was some blocks ago.
pub(crate) struct Then<'a> {
    tree: &'a Tree,
    /// What the blocks since then replaced, oldest first.
    since: Vec<&'a Past>,
    /// Depth down to which places are known; below it they are computed from pairs.
    depth: usize,
}

/// A place of a tree as it was.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// By number, at a depth where places are known.
    Known { depth: usize, index: usize },
    /// By the pairs below it, sorted.
    Listed { depth: usize, leaves: Vec<Leaf> },
}

impl<'a> Then<'a> {
    /// `tree` as it was before its last `blocks` blocks; `None` if that is forgotten.
    pub(crate) fn new(tree: &'a Tree, blocks: usize) -> Option<Self> {
        let kept = tree.pasts().len().checked_sub(blocks)?;
        let since: Vec<&Past> = tree.pasts().range(kept..).collect();
        let depth = since.iter().map(|past| past.shape.depth).fold(tree.shape().depth, usize::min);
        Some(Self { tree, since, depth })
    }

    /// The top place.
    pub(crate) fn top(&self) -> Place {
        Place::Known { depth: 0, index: 0 }
    }

    /// Hash and kind of a place.
    pub(crate) fn node(&self, place: &Place) -> Node {
        match place {
            Place::Known { depth, index } => {
                let replaced = self.since.iter().find_map(|past| past.node(*depth, *index));
                replaced.unwrap_or_else(|| self.tree.node(*depth, *index))
            }
            Place::Listed { depth, leaves } => subtree(leaves, *depth),
        }
    }

    /// The left and the right place below a place.
    pub(crate) fn below(&self, place: &Place) -> (Place, Place) {
        match place {
            Place::Known { depth, index } if *depth < self.depth => {
                let known = |index| Place::Known { depth: depth + 1, index };
                (known(2 * index), known(2 * index + 1))
            }
            Place::Known { depth, index } => listed_halves(*depth, &self.leaves(*depth, *index)),
            Place::Listed { depth, leaves } => listed_halves(*depth, leaves),
        }
    }

    /// The pair that rests at a place: the only one at or below it.
    pub(crate) fn leaf(&self, place: &Place) -> Option<Leaf> {
        let mut place = place.clone();
        loop {
            place = match &place {
                Place::Known { depth, index } if *depth == self.depth => {
                    return self.leaves(*depth, *index).into_iter().next();
                }
                Place::Listed { leaves, .. } => return leaves.first().cloned(),
                Place::Known { .. } => {
                    let (left, right) = self.below(&place);
                    if self.node(&left).kind == Kind::Empty {
                        right
                    } else {
                        left
                    }
                }
            }
        }
    }

    /// The pairs below a known place of the deepest known level, sorted.
    fn leaves(&self, depth: usize, index: usize) -> Vec<Leaf> {
        let now = self.tree.leaves(depth, index).map(|leaf| (leaf.at, leaf.clone()));
        let mut leaves: BTreeMap<Hash, Leaf> = now.collect();
        for past in self.since.iter().rev() {
            for (at, old) in past.leaves(depth, index) {
                match old {
                    Some(old) => leaves.insert(*at, old.clone()),
                    None => leaves.remove(at),
                };
            }
        }
        leaves.into_values().collect()
    }
}

fn listed_halves(depth: usize, leaves: &[Leaf]) -> (Place, Place) {
    let (left, right) = halves(leaves, depth);
    let listed = |leaves: &[Leaf]| Place::Listed { depth: depth + 1, leaves: leaves.to_vec() };
    (listed(left), listed(right))
}
