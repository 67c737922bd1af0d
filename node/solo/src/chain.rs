//! The data structures of the chain and their hashes, as light clients check them.

pub(crate) mod block;
pub(crate) mod merkle;
pub(crate) mod validators;
pub(crate) mod vote;
