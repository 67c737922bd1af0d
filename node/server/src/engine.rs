//! What the server needs of the consensus engine: sending transactions, finding them again, and blocks.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tendermint_proto::v0_38::abci::ExecTxResult;
use tendermint_proto::v0_38::p2p::DefaultNodeInfo;
use tendermint_proto::v0_38::types::{Block, BlockId, ConsensusParams};

use crate::Search;

/// An answer to wait for. An engine whose calls block wraps them in `tokio::task::spawn_blocking`.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// A consensus engine as its clients see it. Every call is bounded in time by the server, which drops it.
pub trait Engine: Send + Sync + 'static {
    /// Hand a transaction to the mempool.
    fn broadcast(&self, tx: Bytes, wait: Wait) -> Answering<'_, Checked>;

    /// A transaction of a committed block, by the SHA-256 of its bytes.
    fn tx(&self, hash: [u8; 32]) -> Answering<'_, Option<TxRecord>>;

    /// Transactions of committed blocks, by their events.
    fn search(&self, search: Search) -> Answering<'_, Found>;

    /// The block of a height, or the last one. Nothing when there is none or it is no longer kept.
    fn block(&self, height: Option<u64>) -> Answering<'_, Option<BlockRecord>>;

    /// The rules of consensus in force.
    fn consensus_params(&self) -> Answering<'_, ConsensusParams>;

    /// How the node introduces itself, and whether it is still catching up.
    fn status(&self) -> Answering<'_, NodeStatus>;
}

/// What to wait for when a transaction is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: it may turn out to be refused.
    Nothing,
    /// The check of the mempool.
    Check,
}

/// What the mempool said of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// 0 if it was taken.
    pub code: u32,
    /// Whose code it is.
    pub codespace: String,
    /// Why, in words.
    pub log: String,
    /// What the check returned.
    pub data: Bytes,
    /// SHA-256 of the transaction's bytes.
    pub hash: [u8; 32],
}

/// A transaction of a block, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TxRecord {
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// Height of its block.
    pub height: u64,
    /// Its place in the block.
    pub index: u32,
    /// The bytes.
    pub tx: Bytes,
    /// What became of it.
    pub result: ExecTxResult,
}

/// A page of what a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Transactions that meet the conditions, on all pages.
    pub total: u64,
    /// Those of the page.
    pub txs: Vec<TxRecord>,
}

/// A committed block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockRecord {
    /// Its hashes.
    pub block_id: BlockId,
    /// The block.
    pub block: Block,
}

/// How a node introduces itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeStatus {
    /// Name of the chain, id, version of the engine, addresses.
    pub info: DefaultNodeInfo,
    /// Whether it is behind the others and knows it.
    pub catching_up: bool,
}

/// Why an engine does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The mempool has seen this transaction.
    #[error("tx already in mempool")]
    Known,
    /// The mempool is full.
    #[error("mempool is full: {0}")]
    Full(String),
    /// The transaction is longer than the mempool takes.
    #[error("tx too large: {0}")]
    TooLarge(String),
    /// The question makes no sense to the engine.
    #[error("{0}")]
    Invalid(String),
    /// The engine cannot be reached.
    #[error("the consensus engine does not answer: {0}")]
    Unavailable(String),
    /// The engine answered what is not understood.
    #[error("the consensus engine answered what is not understood: {0}")]
    Failed(String),
}
