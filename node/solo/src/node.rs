//! A running node: the engine in its own thread, the JSON-RPC server, and a handle for everything else.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tendermint::Time;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseCheckTx, ResponseQuery};
use tokio::sync::{broadcast, oneshot, watch};

use crate::abci::{Abci, Shared};
use crate::config::{Config, Production};
use crate::engine::{Chain, Decided, Engine, EngineError};
use crate::genesis::Genesis;
use crate::index::Scope;
use crate::mempool::{Mempool, SubmitError};
use crate::rpc;
use crate::store::{Store, StoreError, StoredBlock, StoredTx};
use crate::voter::Voter;

/// Blocks that a slow subscriber may lag behind before it is told that it missed some.
const BLOCKS_BUFFERED: usize = 64;
/// Commands to the engine that may wait.
const COMMANDS: usize = 16;

/// Why a node does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The JSON-RPC server cannot listen.
    #[error("JSON-RPC cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The node is not running any more.
    #[error("the node has stopped")]
    Stopped,
    /// A background task died.
    #[error("the node's {0} died")]
    Died(&'static str),
}

/// Why a transaction that was to be waited for has no result.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// It was not taken.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// No block held it in time; it may still come.
    #[error("timed out waiting for tx to be included in a block")]
    Timeout,
    /// The block store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// Height of the last committed block; one below the first when there is none.
    pub height: u64,
    /// Its time; the time of the genesis when there is none.
    pub time: Time,
    /// Hash of the block; empty when there is none.
    pub hash: Vec<u8>,
    /// State after it.
    pub app_hash: Vec<u8>,
}

/// How a node ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to, or reached the height to stop at.
    Stopped,
    /// The engine failed; the text says how.
    Failed(String),
}

enum Command {
    Step(oneshot::Sender<Arc<Decided>>),
    Stop,
}

/// What all parts of a running node share.
pub(crate) struct NodeState {
    pub(crate) app: Arc<dyn Abci>,
    pub(crate) store: Arc<Store>,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) config: Config,
    /// Public key of the validator that `status` tells about.
    pub(crate) validator: Option<[u8; 32]>,
    pub(crate) blocks: broadcast::Sender<Arc<Decided>>,
    pub(crate) end: watch::Receiver<Option<End>>,
    latest: RwLock<Arc<Latest>>,
}

impl NodeState {
    pub(crate) fn latest(&self) -> Arc<Latest> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, engine: &Engine) {
        let latest = Arc::new(engine.latest());
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = latest;
    }

    /// A transaction in a committed block.
    pub(crate) fn tx(&self, hash: &[u8; 32]) -> Result<Option<StoredTx>, StoreError> {
        let last = self.latest().height;
        Ok(self.store.tx(hash)?.filter(|found| found.height <= last))
    }

    /// Submit and wait for the block. The first answer is what the check said; the second is missing if it
    /// was refused.
    pub(crate) async fn submit_and_wait(
        self: &Arc<Self>,
        tx: Bytes,
        timeout: Duration,
    ) -> Result<(ResponseCheckTx, Option<StoredTx>), CommitError> {
        let mut blocks = self.blocks.subscribe();
        let hash = crate::chain::block::tx_hash(&tx);
        let node = self.clone();
        let check = tokio::task::spawn_blocking(move || node.mempool.submit(tx)).await;
        let check = check.map_err(|_| CommitError::Timeout)??;
        if check.code != 0 {
            return Ok((check, None));
        }
        let wait = async {
            loop {
                if let Some(found) = self.tx(&hash)? {
                    return Ok(found);
                }
                // Having missed some is no harm: the store is asked again.
                if let Err(broadcast::error::RecvError::Closed) = blocks.recv().await {
                    return Err(CommitError::Timeout);
                }
            }
        };
        let found = tokio::time::timeout(timeout, wait).await.map_err(|_| CommitError::Timeout)??;
        Ok((check, Some(found)))
    }
}

/// Starts nodes.
pub struct Node;

impl Node {
    /// Start: replay what is stored, listen, and make blocks. Must be called within a tokio runtime.
    pub async fn start(
        mut config: Config,
        application: impl Application,
        genesis: Genesis,
        voters: Vec<Voter>,
    ) -> Result<Handle, NodeError> {
        let listener = match &config.rpc {
            Some(rpc) => Some(rpc::listen(rpc.listen).await?),
            None => None,
        };
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        if let (Some(rpc), Some(address)) = (&mut config.rpc, address) {
            // Port 0 has become a real one, which `status` tells.
            rpc.listen = address;
        }
        let app: Arc<dyn Abci> = Arc::new(Shared::new(application));
        let validator = voters.first().map(|voter| voter.key.public());
        let (for_engine, opening) = (config.clone(), app.clone());
        let opened =
            tokio::task::spawn_blocking(move || Engine::start(&for_engine, opening, genesis, voters));
        let engine = opened.await.map_err(|_| NodeError::Died("start"))??;
        let (ended, end) = watch::channel(None);
        let state = Arc::new(NodeState {
            app,
            store: engine.store.clone(),
            mempool: engine.mempool.clone(),
            chain: engine.chain.clone(),
            validator,
            blocks: broadcast::channel(BLOCKS_BUFFERED).0,
            end,
            latest: RwLock::new(Arc::new(engine.latest())),
            config,
        });
        let (commands, inbox) = std::sync::mpsc::sync_channel(COMMANDS);
        let running = Running { engine, state: state.clone(), inbox, ended };
        std::thread::Builder::new()
            .name("solo-engine".into())
            .spawn(move || running.run())
            .map_err(|_| NodeError::Died("engine thread"))?;
        let server = match (listener, state.config.rpc.clone()) {
            (Some(listener), Some(rpc)) => {
                Some(tokio::spawn(rpc::serve(listener, rpc, state.clone())).abort_handle())
            }
            _ => None,
        };
        Ok(Handle { inner: Arc::new(Inner { state, commands, server, address }) })
    }
}

/// A running node. Cheap to clone; the node stops when it is told to, or when the last handle is gone.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    state: Arc<NodeState>,
    commands: SyncSender<Command>,
    server: Option<tokio::task::AbortHandle>,
    address: Option<std::net::SocketAddr>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl Handle {
    /// Check a transaction and keep it for the next blocks. Takes as long as the check: call it from a thread
    /// that may block.
    pub fn submit_tx(&self, tx: impl Into<Bytes>) -> Result<ResponseCheckTx, SubmitError> {
        self.inner.state.mempool.submit(tx.into())
    }

    /// Submit, then wait for the block at most for `timeout`. The place and result are missing if the check
    /// refused the transaction.
    pub async fn submit_and_wait(
        &self,
        tx: impl Into<Bytes>,
        timeout: Duration,
    ) -> Result<(ResponseCheckTx, Option<StoredTx>), CommitError> {
        self.inner.state.submit_and_wait(tx.into(), timeout).await
    }

    /// A transaction in a committed block, by the SHA-256 of its bytes.
    pub fn tx_by_hash(&self, hash: &[u8; 32]) -> Result<Option<StoredTx>, StoreError> {
        self.inner.state.tx(hash)
    }

    /// A committed block; the last for nothing. Nothing if there is none or it was pruned.
    pub fn block(&self, height: Option<u64>) -> Result<Option<StoredBlock>, StoreError> {
        let last = self.latest().height;
        match height.unwrap_or(last) {
            height if height <= last => self.inner.state.store.block(height),
            _ => Ok(None),
        }
    }

    /// Transactions found by the query language of `tx_search`, newest first, at most `limit` (up to 100).
    pub fn search_txs(&self, query: &str, limit: usize) -> Result<Vec<StoredTx>, String> {
        Ok(self.search_page(query, true, 0..limit.min(100))?.1)
    }

    /// The same, page by page: how many there are, and those of `page`, counted from 0 in the order asked
    /// for.
    pub fn search_page(
        &self,
        query: &str,
        newest_first: bool,
        page: std::ops::Range<usize>,
    ) -> Result<(usize, Vec<StoredTx>), String> {
        let query = crate::query::Query::parse(query).map_err(|error| error.to_string())?;
        let store = &self.inner.state.store;
        let places = crate::index::search(store, Scope::Txs, &query, self.latest().height);
        let mut places = places.map_err(|error| error.to_string())?;
        if newest_first {
            places.reverse();
        }
        let wanted = places.iter().copied().skip(page.start).take(page.len());
        let found = store.txs_at(wanted).map_err(|error| error.to_string())?;
        Ok((places.len(), found))
    }

    /// Ask the application; never waits for a block.
    pub fn query(&self, request: RequestQuery) -> ResponseQuery {
        self.inner.state.app.query(request)
    }

    /// Where the chain is.
    pub fn latest(&self) -> Arc<Latest> {
        self.inner.state.latest()
    }

    /// The lowest height whose block is kept.
    pub fn earliest(&self) -> Result<u64, StoreError> {
        let span = self.inner.state.store.span()?;
        Ok(span.map_or(self.inner.state.chain.genesis.initial_height, |(first, _)| first))
    }

    /// Where the chain began.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.state.chain.genesis
    }

    /// Transactions that wait, and their bytes.
    pub fn mempool_size(&self) -> (usize, usize) {
        self.inner.state.mempool.size()
    }

    /// Where JSON-RPC listens, if it does.
    pub fn rpc_address(&self) -> Option<std::net::SocketAddr> {
        self.inner.address
    }

    /// Each block after it is committed. A receiver that lags more than 64 blocks is told how many it missed.
    pub fn subscribe_blocks(&self) -> broadcast::Receiver<Arc<Decided>> {
        self.inner.state.blocks.subscribe()
    }

    /// Make the next block now.
    pub async fn step(&self) -> Result<Arc<Decided>, NodeError> {
        let (answer, block) = oneshot::channel();
        self.inner.commands.try_send(Command::Step(answer)).map_err(|_| NodeError::Stopped)?;
        block.await.map_err(|_| NodeError::Stopped)
    }

    /// Wait until the engine has ended, by itself or because it was told to.
    pub async fn ended(&self) -> End {
        let mut end = self.inner.state.end.clone();
        loop {
            if let Some(end) = end.borrow_and_update().clone() {
                return end;
            }
            if end.changed().await.is_err() {
                return End::Failed("the engine's thread died".into());
            }
        }
    }

    /// Stop after the block at hand; returns when no more blocks can come and nothing listens any more.
    pub async fn stop(&self) -> End {
        while let Err(TrySendError::Full(_)) = self.inner.commands.try_send(Command::Stop) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let end = self.ended().await;
        if let Some(server) = &self.inner.server {
            server.abort();
        }
        end
    }
}

/// The engine's thread.
struct Running {
    engine: Engine,
    state: Arc<NodeState>,
    inbox: Receiver<Command>,
    ended: watch::Sender<Option<End>>,
}

impl Running {
    fn run(mut self) {
        let end = match self.blocks() {
            Ok(()) => End::Stopped,
            Err(error) => {
                tracing::error!(%error, "the engine stops");
                End::Failed(format!("at block {}: {error}", self.engine.height().saturating_add(1)))
            }
        };
        // What the engine holds is released before anyone hears that it has ended.
        let Self { engine, state, ended, inbox } = self;
        drop((engine, state, inbox));
        ended.send_replace(Some(end));
    }

    fn blocks(&mut self) -> Result<(), EngineError> {
        let mut due = Instant::now();
        while self.state.config.stop_at.is_none_or(|height| self.engine.height() < height) {
            let command = match self.state.config.production {
                Production::OnDemand => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Production::Every(interval) => {
                    // A block that took longer than the interval is followed at once, without catching up.
                    let now = Instant::now();
                    due = (due + interval).max(now);
                    self.inbox.recv_timeout(due.saturating_duration_since(now))
                }
            };
            match command {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    self.step()?;
                }
                Ok(Command::Step(answer)) => {
                    let decided = self.step()?;
                    // The one who asked may have gone.
                    let _ = answer.send(decided);
                }
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Arc<Decided>, EngineError> {
        let begun = Instant::now();
        let decided = Arc::new(self.engine.step()?);
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.state.publish(&self.engine);
        tracing::debug!(
            height = decided.height,
            txs = decided.results.tx_results.len(),
            took_us = took,
            app_hash = %hex::encode_upper(&decided.results.app_hash),
            "block committed"
        );
        // Nobody listening is fine.
        let _ = self.state.blocks.send(decided.clone());
        Ok(decided)
    }
}
