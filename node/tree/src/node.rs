//! Places of a tree and the pairs that rest in them.

use std::sync::Arc;

use crate::hash::{self, Hash};

/// State keys begin with one byte that names the store; the tree of that store knows the rest.
pub(crate) const STORE_BYTE: usize = 1;

/// A place in a tree: its hash, and what is at or below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) hash: Hash,
    pub(crate) kind: Kind,
}

/// How many pairs are at or below a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None.
    Empty,
    /// One: it rests here, and the hash is that of the pair.
    Leaf,
    /// More.
    Inner,
}

impl Node {
    /// A place with nothing below it.
    pub(crate) const EMPTY: Self = Self { hash: hash::EMPTY, kind: Kind::Empty };
}

/// A pair, as the tree knows it. Values are not kept here: who asks for one has the state.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Hash of the key: where the pair rests.
    pub(crate) at: Hash,
    pub(crate) hash: Hash,
    /// The state key.
    pub(crate) key: Arc<[u8]>,
}

impl Leaf {
    /// The key as its store knows it: without the byte that names the store.
    pub(crate) fn store_key(&self) -> &[u8] {
        self.key.get(STORE_BYTE..).unwrap_or_default()
    }
}

/// Whether a pair at `at` lies in the right half below a place at `depth`.
pub(crate) fn goes_right(at: &Hash, depth: usize) -> bool {
    at.get(depth / 8).is_some_and(|byte| byte & (0x80 >> (depth % 8)) != 0)
}

/// The first `depth` bits of `at`, at most 32: which of the places at that depth is above it.
pub(crate) fn prefix(at: &Hash, depth: usize) -> usize {
    let first = at.first_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_be_bytes(*bytes)));
    usize::try_from(first << depth >> 32).unwrap_or_default()
}

/// The place above two others: a lone pair moves up.
pub(crate) fn join(left: &Node, right: &Node) -> Node {
    match (left.kind, right.kind) {
        (Kind::Empty, Kind::Empty | Kind::Leaf) => *right,
        (Kind::Leaf, Kind::Empty) => *left,
        _ => Node { hash: hash::inner(&left.hash, &right.hash), kind: Kind::Inner },
    }
}

/// The left and the right half of sorted leaves that lie below a place at `depth`.
pub(crate) fn halves(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !goes_right(&leaf.at, depth)))
}

/// The place at `depth` below which exactly these sorted leaves lie.
pub(crate) fn subtree(leaves: &[Leaf], depth: usize) -> Node {
    match leaves {
        [] => Node::EMPTY,
        [leaf] => Node { hash: leaf.hash, kind: Kind::Leaf },
        _ => {
            let (left, right) = halves(leaves, depth);
            join(&subtree(left, depth + 1), &subtree(right, depth + 1))
        }
    }
}
