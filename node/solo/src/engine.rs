//! The engine: takes the application through one block after the other.
//!
//! A step is the whole cycle of ABCI 2.0: prepare, process, extend and verify votes, sign; store the block;
//! execute; store the results; commit. What is signed is only shown to others after it is stored.

mod cycle;
mod error;
mod handshake;

pub use error::EngineError;
pub use handshake::COMETBFT_VERSION;

use std::sync::Arc;

use tendermint::Time;
use tendermint_proto::v0_38::abci::{ResponseCheckTx, ResponseFinalizeBlock, ResponseInfo};
use tendermint_proto::v0_38::types::{BlockId, ExtendedCommit};

use crate::abci::{Abci, Shared};
use crate::chain::validators::ValidatorSet;
use crate::clock::Clock;
use crate::config::Config;
use crate::genesis::Genesis;
use crate::mempool::Mempool;
use crate::store::{Store, StoredBlock};
use crate::voter::Voter;

/// Moments of a step between which a node can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// The block is made and voted for, but nothing is stored.
    Proposed,
    /// Block and commit are stored.
    BlockSaved,
    /// The application has executed the block.
    Executed,
    /// The results are stored.
    ResultsSaved,
    /// The application has committed.
    Committed,
}

/// A block that is decided, executed and committed.
#[derive(Debug)]
pub struct Decided {
    /// Its height.
    pub height: u64,
    /// Its time.
    pub time: Time,
    /// The block and its identity.
    pub stored: StoredBlock,
    /// What became of it; `app_hash` is the state after it.
    pub results: ResponseFinalizeBlock,
}

/// Where the chain ends at present.
#[derive(Clone, Debug)]
pub(crate) struct Tip {
    pub(crate) height: u64,
    pub(crate) time: Time,
    pub(crate) block_id: BlockId,
    pub(crate) commit: ExtendedCommit,
    /// State after the last block.
    pub(crate) app_hash: Vec<u8>,
    pub(crate) results_hash: [u8; 32],
}

/// What of a chain never changes.
pub(crate) struct Chain {
    pub(crate) genesis: Genesis,
    pub(crate) validators: ValidatorSet,
    pub(crate) consensus_hash: [u8; 32],
    /// How the application introduced itself at the start.
    pub(crate) app: ResponseInfo,
}

/// The embedded engine; one per process and home.
pub struct Engine {
    pub(crate) app: Arc<dyn Abci>,
    pub(crate) store: Arc<Store>,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) chain: Arc<Chain>,
    /// One per validator, in the order of the set; nothing where the key is elsewhere.
    voters: Vec<Option<Voter>>,
    clock: Arc<dyn Clock>,
    retain: u64,
    tip: Tip,
    replayed: u64,
    interrupt_at: Option<Point>,
}

impl Engine {
    /// Open the block store in `config.data`, bring the application up to it, be ready for the next block.
    pub fn open(
        config: &Config,
        application: impl tendermint_abci::Application,
        genesis: Genesis,
        voters: Vec<Voter>,
    ) -> Result<Self, EngineError> {
        Self::start(config, Arc::new(Shared::new(application)), genesis, voters)
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.tip.height
    }

    /// State after the last block.
    pub fn app_hash(&self) -> &[u8] {
        &self.tip.app_hash
    }

    /// How many stored blocks the application had to execute again at the start.
    pub fn replayed(&self) -> u64 {
        self.replayed
    }

    /// Check a transaction and keep it for the next blocks.
    pub fn submit(&self, tx: impl Into<bytes::Bytes>) -> Result<ResponseCheckTx, crate::SubmitError> {
        self.mempool.submit(tx.into())
    }

    /// For tests of restarts: the next step ends with an error at `point`, as if the process had died there.
    pub fn interrupt_at(&mut self, point: Point) {
        self.interrupt_at = Some(point);
    }

    fn reached(&self, point: Point) -> Result<(), EngineError> {
        if self.interrupt_at == Some(point) {
            return Err(EngineError::Interrupted(point));
        }
        Ok(())
    }

    pub(crate) fn latest(&self) -> crate::Latest {
        crate::Latest {
            height: self.tip.height,
            time: self.tip.time,
            hash: self.tip.block_id.hash.clone(),
            app_hash: self.tip.app_hash.clone(),
        }
    }
}
