//! Merkle trees of lists, as block hashes use them (RFC 6962 shape): roots and inclusion proofs.

use sha2::{Digest, Sha256};

/// A node of the tree.
pub(crate) type Hash = [u8; 32];

/// Hash of one leaf.
pub(crate) fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root over `leaves` in their order; the hash of nothing when there are none.
pub(crate) fn root(leaves: &[impl AsRef<[u8]>]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => leaf_hash(leaf.as_ref()),
        _ => {
            let (left, right) = leaves.split_at(split_point(leaves.len()));
            inner_hash(&root(left), &root(right))
        }
    }
}

/// The sibling hashes from leaf `index` up to the root, lowest first; nothing when there is no such leaf.
pub(crate) fn aunts(leaves: &[impl AsRef<[u8]>], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let at = split_point(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, sibling) =
        if index < at { (aunts(left, index)?, root(right)) } else { (aunts(right, index - at)?, root(left)) };
    path.push(sibling);
    Some(path)
}

/// The largest power of two below `count` (which is at least 2).
fn split_point(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Vec<u8>> {
        (0..count).map(|number| vec![number; usize::from(number) + 1]).collect()
    }

    #[test]
    fn roots_are_those_of_the_tendermint_crate() {
        for count in 0..40 {
            let leaves = leaves(count);
            let theirs = tendermint::merkle::simple_hash_from_byte_vectors::<Sha256>(&leaves);
            assert_eq!(root(&leaves), theirs, "{count} leaves");
        }
    }

    #[test]
    fn a_proof_leads_from_its_leaf_to_the_root_and_from_no_other() {
        let leaves = leaves(11);
        for index in 0..leaves.len() {
            let path = aunts(&leaves, index).unwrap();
            assert_eq!(climb(&leaves[index], index, leaves.len(), &path), root(&leaves));
            assert_ne!(climb(&leaves[(index + 1) % 11], index, leaves.len(), &path), root(&leaves));
        }
        assert_eq!(aunts(&leaves, 11), None);
    }

    fn climb(leaf: &[u8], index: usize, count: usize, path: &[Hash]) -> Hash {
        let Some((sibling, rest)) = path.split_last() else {
            return leaf_hash(leaf);
        };
        let at = split_point(count);
        if index < at {
            inner_hash(&climb(leaf, index, at, rest), sibling)
        } else {
            inner_hash(sibling, &climb(leaf, index - at, count - at, rest))
        }
    }
}
