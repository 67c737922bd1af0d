//! Why an engine does not start, or stops.

use crate::engine::Point;
use crate::genesis::GenesisError;
use crate::store::StoreError;

/// Why the engine does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The genesis document starts no chain.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The block store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The application has executed blocks that the block store does not have.
    #[error(
        "the application is at height {app}, the block store only at {store}: restore the block store that \
         belongs to it, or start both from nothing"
    )]
    ApplicationAhead {
        /// Height of the application.
        app: u64,
        /// Height of the block store.
        store: u64,
    },
    /// Blocks that the application still needs are gone.
    #[error(
        "the application is at height {app}, but blocks below {first} were pruned: restore its state from a \
         copy"
    )]
    Pruned {
        /// Height of the application.
        app: u64,
        /// First block there is.
        first: u64,
    },
    /// The application's state is not the one that the chain committed to.
    #[error(
        "at height {height} the application has state {app}, the chain {chain}: its data is of another chain \
         or damaged"
    )]
    StateDiffers {
        /// The height.
        height: u64,
        /// What the application has, hex.
        app: String,
        /// What the chain says, hex.
        chain: String,
    },
    /// Too little of the voting power is in this process.
    #[error("the keys of this process hold {ours} of {total} voting power; more than two thirds are needed")]
    Power {
        /// Power of the keys at hand.
        ours: i64,
        /// All power.
        total: i64,
    },
    /// The application refused even a proposal without transactions of the mempool.
    #[error("the application refuses its own empty proposal at height {0}")]
    ProposalRefused(u64),
    /// The application refused a vote extension that it made.
    #[error("the application refuses its own vote extension at height {0}")]
    ExtensionRefused(u64),
    /// The application answered something impossible.
    #[error("the application's answer to block {height} cannot be used: {reason}")]
    Answer {
        /// The height.
        height: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A test ended the step here.
    #[error("interrupted {0:?}")]
    Interrupted(Point),
}
