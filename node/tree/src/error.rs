//! What can go wrong, said so that an operator knows what to do.

use std::path::PathBuf;

use crate::hash::{Hash, Hex};

/// What an operator does about a database that cannot be trusted.
const REMEDY: &str = "restore the data folder from a snapshot or resync it from peers";

/// Why a store could not be opened, written, read or proved from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pairs on disk do not hash to the application hash that was committed with them.
    #[error(
        "state at height {height} has application hash {}, but {} was committed: {REMEDY}",
        Hex(computed),
        Hex(stored)
    )]
    AppHash {
        /// Height of the state.
        height: u64,
        /// Application hash that was committed.
        stored: Hash,
        /// Application hash of the pairs found.
        computed: Hash,
    },
    /// Bytes are not those that were written.
    #[error("{what} is corrupt ({detail}): {REMEDY}")]
    Corrupt {
        /// What was being read or written.
        what: String,
        /// What was found.
        detail: String,
    },
    /// Something is not there without which the rest cannot be trusted.
    #[error("{0} is missing: {REMEDY}")]
    Missing(String),
    /// The database lost blocks that it had synced.
    #[error("the database is at height {found}, but height {committed} was committed to it: {REMEDY}")]
    Behind {
        /// Height found.
        found: u64,
        /// Height that was committed.
        committed: u64,
    },
    /// The database was written by a program with other stores.
    #[error(
        "the database has the stores {found}, this program has {expected}: use the program that wrote it"
    )]
    Stores {
        /// Names on disk.
        found: String,
        /// Names in this program.
        expected: String,
    },
    /// Another process has the database open.
    #[error("the database {} is in use by another process: stop that one first", .0.display())]
    Locked(PathBuf),
    /// The disk or the database refused for another reason, such as a full disk.
    #[error("{what}: {detail}: free or repair the disk, then start again")]
    Disk {
        /// What was being done.
        what: String,
        /// What the system said.
        detail: String,
    },
    /// There is nothing to commit.
    #[error("no block is staged")]
    NothingStaged,
    /// The height is not among those kept, or not committed yet.
    #[error("height {height} is not available: heights {oldest} to {latest} are")]
    NoHeight {
        /// Height asked for.
        height: u64,
        /// First height kept.
        oldest: u64,
        /// Last height committed.
        latest: u64,
    },
    /// The height was let go since the view was taken: it can be read but not proved from.
    #[error("height {0} is not kept any more")]
    Forgotten(u64),
    /// There is no store of this name.
    #[error("there is no store {0:?}")]
    NoStore(String),
    /// A proof does not show what it should.
    #[error("the proof fails at its {0}")]
    Unproven(&'static str),
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into(), detail: detail.into() }
    }

    pub(crate) fn disk(what: &str, detail: impl ToString) -> Self {
        Self::Disk { what: what.into(), detail: detail.to_string() }
    }
}
