//! What an operator may choose; none of it changes what a block does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Production {
    /// One after each interval, with or without transactions; zero means as fast as possible.
    Every(Duration),
    /// Only when asked, for tests.
    OnDemand,
}

/// Bounds of the mempool.
#[derive(Clone, Copy, Debug)]
pub struct MempoolConfig {
    /// Most transactions that wait.
    pub max_txs: usize,
    /// Most bytes that wait.
    pub max_bytes: usize,
    /// Longest transaction, in bytes.
    pub max_tx_bytes: usize,
    /// How many hashes of transactions seen lately are remembered to refuse repetitions.
    pub cache: usize,
    /// Check again after each block whether the waiting transactions are still good.
    pub recheck: bool,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self {
            max_txs: 5_000,
            max_bytes: 64 * 1024 * 1024,
            max_tx_bytes: 1024 * 1024,
            cache: 10_000,
            recheck: true,
        }
    }
}

/// The JSON-RPC server.
#[derive(Clone, Debug)]
pub struct RpcConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Longest request body, in bytes.
    pub max_body_bytes: usize,
    /// Most calls in one batch.
    pub max_batch: usize,
    /// Most connections at a time; more wait to be accepted.
    pub max_connections: usize,
    /// Most requests worked on at a time, and as many that wait for a block; more are answered with 503.
    pub max_requests: usize,
    /// Time after which a request is given up.
    pub timeout: Duration,
    /// How long `broadcast_tx_commit` waits for the block; must be below `timeout`.
    pub commit_timeout: Duration,
    /// Web origins whose pages may call; `*` for all, none by default.
    pub cors_origins: Vec<String>,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 26657)),
            max_body_bytes: 1_000_000,
            max_batch: 100,
            max_connections: 900,
            max_requests: 64,
            timeout: Duration::from_secs(15),
            commit_timeout: Duration::from_secs(10),
            cors_origins: Vec::new(),
        }
    }
}

/// Choices of one node.
#[derive(Clone)]
pub struct Config {
    /// Folder of the block database (`blocks.db` is made in it).
    pub data: PathBuf,
    /// When blocks are made.
    pub production: Production,
    /// Where block times come from.
    pub clock: Arc<dyn Clock>,
    /// Stop by itself after this height.
    pub stop_at: Option<u64>,
    /// How many blocks are kept with their results; 0 keeps all.
    pub retain: u64,
    /// Bounds of the mempool.
    pub mempool: MempoolConfig,
    /// The JSON-RPC server; none means that only the library interface answers.
    pub rpc: Option<RpcConfig>,
    /// Name of the node as `status` tells it.
    pub moniker: String,
    /// Id of the node: 40 digits of lower-case hex, see [`crate::Key::node_id`].
    pub node_id: String,
}

impl Config {
    /// Defaults for a node whose data is in `data`: a block each 500 ms, the last 100,000 blocks kept.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            production: Production::Every(Duration::from_millis(500)),
            clock: Arc::new(SystemClock),
            stop_at: None,
            retain: 100_000,
            mempool: MempoolConfig::default(),
            rpc: Some(RpcConfig::default()),
            moniker: "ballast".into(),
            node_id: "0".repeat(40),
        }
    }
}
