//! A chain's committed state: Merkle trees in memory, recent heights for readers, RocksDB for recovery.
//!
//! Reading order: [`Store`] (stage, commit, open), [`View`] and [`Reader`] (what others see), `forest` (which
//! key belongs to which tree) and `simple` (the application hash above them), [`Tree`] (one store's sparse
//! Merkle tree) with `node`, `shard` and `past`, [`Proof`] (ICS-23), then `open`, `disk`, `base`, `rows` and
//! `witness` (what is on disk and how damage shows), and [`roll_back`]; [`crash`] and [`Medium`] are for tests.
//!
//! A block is staged when it was executed, which gives its application hash, and committed when consensus
//! decided it. Committed heights are immutable and shared: readers in any thread hold them for as long as
//! they like and neither wait for the writer nor keep it waiting.
//!
//! Never: decides what a key or value means, executes anything, serves a state whose application hash it
//! did not recompute, or goes on after the disk contradicted it.

pub mod crash;
pub mod snapshot;

mod base;
mod disk;
mod error;
mod facade;
mod forest;
mod hash;
mod medium;
mod node;
mod open;
mod past;
mod proof;
mod rollback;
mod rows;
mod shard;
mod simple;
mod smt;
mod views;
mod witness;

pub use error::Error;
pub use facade::{Loaded, Pair, Store};
pub use forest::Table;
pub use hash::{Hash, EMPTY};
pub use medium::{Breakage, Medium};
pub use proof::{store_spec, verify, Op, Proof, SIMPLE_OP, STORE_OP};
pub use rollback::{prune, roll_back};
pub use smt::Tree;
pub use views::{Reader, View};
