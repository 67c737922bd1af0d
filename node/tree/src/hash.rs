//! The hashes that trees are made of: those of the `jmt` crate with SHA-256, so that its proofs are ours.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Root of a store without pairs, and the hash of every empty place in a tree.
pub const EMPTY: Hash = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

/// What the bytes of a leaf begin with.
pub(crate) const LEAF: &[u8; 13] = b"JMT::LeafNode";

/// What the bytes of an inner node begin with.
pub(crate) const INNER: &[u8; 16] = b"JMT::IntrnalNode";

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Hash of the leaf for a key with this hash and this value.
pub(crate) fn leaf(at: &Hash, value: &[u8]) -> Hash {
    Sha256::new().chain_update(LEAF).chain_update(at).chain_update(sha256(committed(value))).finalize().into()
}

/// Hash of the inner node above two others.
pub(crate) fn inner(left: &Hash, right: &Hash) -> Hash {
    // One piece: this runs for most of a block's time.
    let mut bytes = [0; INNER.len() + 64];
    for (part, from) in [(0, INNER.as_slice()), (INNER.len(), left), (INNER.len() + 32, right)] {
        bytes[part..part + from.len()].copy_from_slice(from);
    }
    sha256(&bytes)
}

/// The value as the tree commits to it. ICS-23 cannot speak of empty values, and a leaf without a provable
/// value would also spoil the proofs that its neighbours are absent: an empty value counts as one zero byte.
pub(crate) fn committed(value: &[u8]) -> &[u8] {
    if value.is_empty() {
        &[0]
    } else {
        value
    }
}

/// Bytes in hexadecimal, for messages.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
