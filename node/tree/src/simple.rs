//! The application hash: Tendermint's simple Merkle root over (store name, hash of store root), as in a
//! Cosmos multistore.

use ics23::commitment_proof::Proof as Body;
use ics23::{ExistenceProof, HashOp, InnerOp};

use crate::hash::{sha256, Hash};

/// Application hash over the stores, which are sorted by name.
pub(crate) fn app_hash<'a>(stores: impl Iterator<Item = (&'a str, Hash)>) -> Hash {
    root(&leaves(stores))
}

/// Proof that store number `index` of the stores, which are sorted by name, has its root, and the
/// application hash against which that is proved.
pub(crate) fn prove(stores: &[(&str, Hash)], index: usize) -> Option<(Body, Hash)> {
    let (name, store_root) = stores.get(index)?;
    let leaves = leaves(stores.iter().copied());
    let mut path = Vec::new();
    climb(&leaves, index, &mut path);
    let proof = ExistenceProof {
        key: name.as_bytes().to_vec(),
        value: store_root.to_vec(),
        leaf: ics23::tendermint_spec().leaf_spec,
        path,
    };
    Some((Body::Exist(proof), root(&leaves)))
}

fn leaves<'a>(stores: impl Iterator<Item = (&'a str, Hash)>) -> Vec<Hash> {
    stores.map(|(name, root)| leaf(name, &root)).collect()
}

/// `0x00 | length | name | 32 | sha256(root)`, hashed.
fn leaf(name: &str, root: &Hash) -> Hash {
    let mut bytes = vec![0];
    prost::encoding::encode_varint(u64::try_from(name.len()).unwrap_or(u64::MAX), &mut bytes);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(32);
    bytes.extend_from_slice(&sha256(root));
    sha256(&bytes)
}

/// `0x01 | left | right`, hashed.
fn inner(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left.as_slice(), right.as_slice()].concat())
}

/// The two halves below a node: the left one holds the largest power of two that leaves something for the
/// right one.
fn halves(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(leaves.len().div_ceil(2).next_power_of_two())
}

fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = halves(leaves);
            inner(&root(left), &root(right))
        }
    }
}

/// Steps from the leaf at `index` to the root.
fn climb(leaves: &[Hash], index: usize, path: &mut Vec<InnerOp>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = halves(leaves);
    let (prefix, suffix) = if index < left.len() {
        climb(left, index, path);
        (vec![1], root(right).to_vec())
    } else {
        climb(right, index - left.len(), path);
        ([&[1], root(left).as_slice()].concat(), Vec::new())
    };
    path.push(InnerOp { hash: HashOp::Sha256.into(), prefix, suffix });
}
