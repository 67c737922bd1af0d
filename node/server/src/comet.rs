//! CometBFT as the engine: its JSON-RPC over plain HTTP, answers bounded in size and time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::prelude::{Engine as _, BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde_json::{json, Value};
use tendermint_proto::v0_38::types::ConsensusParams;

use crate::{
    Answering, BlockRecord, Checked, Engine, EngineError, Found, NodeStatus, Search, TxRecord, Wait,
};

mod wire;

/// How long to wait for a connection, and for a whole answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer: the largest block that CometBFT allows, in base64, and some.
const MAX_ANSWER: usize = 160 << 20;

/// A CometBFT node, spoken to over its JSON-RPC.
#[derive(Debug)]
pub struct CometEngine {
    url: String,
    client: reqwest::Client,
    next: AtomicU64,
}

/// Why there is no result.
enum Refusal {
    /// Neither an answer nor an understandable one.
    Broken(EngineError),
    /// The node says why.
    Words(String),
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Broken(error) => error,
            Refusal::Words(words) => Self::Invalid(words),
        }
    }
}

fn failed(error: impl ToString) -> Refusal {
    Refusal::Broken(EngineError::Failed(error.to_string()))
}

impl CometEngine {
    /// The node whose JSON-RPC is at `url`, such as `http://127.0.0.1:26657`; `tcp://` means the same. Nothing
    /// is sent yet.
    pub fn new(url: &str) -> Result<Self, EngineError> {
        let url = url.strip_prefix("tcp://").map_or_else(|| url.to_owned(), |rest| format!("http://{rest}"));
        let parsed =
            reqwest::Url::parse(&url).map_err(|error| EngineError::Invalid(format!("{url}: {error}")))?;
        if parsed.scheme() != "http" {
            return Err(EngineError::Invalid(format!("{url}: only http:// and tcp:// are spoken")));
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| EngineError::Unavailable(error.to_string()))?;
        Ok(Self { url, client, next: AtomicU64::new(1) })
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, Refusal> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let gone = |error: reqwest::Error| {
            Refusal::Broken(EngineError::Unavailable(format!("{method}: {}", error.without_url())))
        };
        let mut response = self.client.post(&self.url).json(&call).send().await.map_err(gone)?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(gone)? {
            if bytes.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(failed(format!("{method}: more than {MAX_ANSWER} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer: wire::Answer<T> = serde_json::from_slice(&bytes)
            .map_err(|error| failed(format!("{method}: {} {error}", response.status())))?;
        match (answer.result, answer.error) {
            (_, Some(error)) => Err(Refusal::Words(error.words())),
            (Some(result), None) => Ok(result),
            (None, None) => Err(failed(format!("{method}: neither a result nor an error"))),
        }
    }

    async fn send(&self, tx: Bytes, wait: Wait) -> Result<Checked, EngineError> {
        let method = match wait {
            Wait::Check => "broadcast_tx_sync",
            Wait::Nothing => "broadcast_tx_async",
        };
        let params = json!({ "tx": BASE64_STANDARD.encode(&tx) });
        let checked = self.call::<wire::Broadcast>(method, params).await;
        checked.and_then(|checked| checked.read().map_err(failed)).map_err(|refusal| match refusal {
            Refusal::Words(words) if words.contains("already exists in cache") => EngineError::Known,
            Refusal::Words(words) if words.contains("mempool is full") => EngineError::Full(words),
            Refusal::Words(words) if words.to_lowercase().contains("too large") => {
                EngineError::TooLarge(words)
            }
            other => other.into(),
        })
    }

    async fn find(&self, hash: [u8; 32]) -> Result<Option<TxRecord>, EngineError> {
        let params = json!({ "hash": BASE64_STANDARD.encode(hash), "prove": false });
        match self.call::<wire::Tx>("tx", params).await {
            Ok(tx) => Ok(Some(tx.read().map_err(failed)?)),
            Err(Refusal::Words(words)) if words.contains("not found") => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn find_all(&self, search: Search) -> Result<Found, EngineError> {
        let params = json!({
            "query": search.to_string(),
            "prove": false,
            "page": search.page.to_string(),
            "per_page": search.limit.to_string(),
            "order_by": if search.descending { "desc" } else { "asc" },
        });
        let found = self.call::<wire::Found>("tx_search", params).await?;
        Ok(found.read().map_err(failed)?)
    }

    async fn read_block(&self, height: Option<u64>) -> Result<Option<BlockRecord>, EngineError> {
        let params = height.map_or_else(|| json!({}), |height| json!({ "height": height.to_string() }));
        match self.call::<wire::Block>("block", params).await {
            // Before the first block, the node answers with empty hashes.
            Ok(block) => Ok(block.read()),
            // A height that is not there yet, or no longer.
            Err(Refusal::Words(words)) if words.contains("height") => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn read_params(&self) -> Result<ConsensusParams, EngineError> {
        let params = match self.call::<wire::Params>("consensus_params", json!({})).await {
            // Without a height CometBFT looks for those of the next block, which are not there yet while the last
            // one is executed. Those that the last one was made by are.
            Err(Refusal::Words(words)) if words.contains("could not find consensus params") => {
                let last = self.call::<Value>("block", json!({})).await?;
                let height = &last["block"]["header"]["height"];
                self.call::<wire::Params>("consensus_params", json!({ "height": height })).await?
            }
            answer => answer?,
        };
        Ok(params.read().map_err(failed)?)
    }

    async fn read_status(&self) -> Result<NodeStatus, EngineError> {
        let status = self.call::<wire::Status>("status", json!({})).await?;
        Ok(status.read().map_err(failed)?)
    }
}

impl Engine for CometEngine {
    fn broadcast(&self, tx: Bytes, wait: Wait) -> Answering<'_, Checked> {
        Box::pin(self.send(tx, wait))
    }

    fn tx(&self, hash: [u8; 32]) -> Answering<'_, Option<TxRecord>> {
        Box::pin(self.find(hash))
    }

    fn search(&self, search: Search) -> Answering<'_, Found> {
        Box::pin(self.find_all(search))
    }

    fn block(&self, height: Option<u64>) -> Answering<'_, Option<BlockRecord>> {
        Box::pin(self.read_block(height))
    }

    fn consensus_params(&self) -> Answering<'_, ConsensusParams> {
        Box::pin(self.read_params())
    }

    fn status(&self) -> Answering<'_, NodeStatus> {
        Box::pin(self.read_status())
    }
}
