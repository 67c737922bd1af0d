//! The embedded engine as the gRPC server asks it.

use bytes::Bytes;
use server::{
    Answering, BlockRecord, Checked, Engine, EngineError, Found, NodeStatus, Search, TxRecord, Wait,
};
use sha2::{Digest, Sha256};
use solo::{Handle, StoredTx, SubmitError};
use tendermint_proto::v0_38::p2p::{DefaultNodeInfo, DefaultNodeInfoOther, ProtocolVersion};
use tendermint_proto::v0_38::types::ConsensusParams;
use tokio::task::JoinError;

/// Transactions that one search looks at.
const MAX_FOUND: usize = 100;
/// Channels that a CometBFT node names; nobody connects to ours.
const CHANNELS: [u8; 11] = [0x40, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x60, 0x61, 0x00, 0x01];

/// A running embedded engine.
pub(crate) struct SoloEngine {
    handle: Handle,
    moniker: String,
    node_id: String,
}

impl SoloEngine {
    /// The engine behind `handle`, which was started with `config`.
    pub(crate) fn new(handle: Handle, config: &solo::Config) -> Self {
        Self { handle, moniker: config.moniker.clone(), node_id: config.node_id.clone() }
    }

    /// Run what reads on a thread that gives way to consensus.
    fn ask<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Handle) -> Result<T, EngineError> + Send + 'static,
    ) -> Answering<'_, T> {
        let handle = self.handle.clone();
        Box::pin(async move { told(aside::run(move || f(&handle)).await) })
    }
}

/// What a thread that was asked told, or that it ended without an answer.
fn told<T>(answer: Result<Result<T, EngineError>, JoinError>) -> Result<T, EngineError> {
    answer.unwrap_or_else(|error| Err(failed(error)))
}

fn failed(error: impl std::fmt::Display) -> EngineError {
    EngineError::Failed(error.to_string())
}

fn refused(error: SubmitError) -> EngineError {
    match error {
        SubmitError::Seen => EngineError::Known,
        SubmitError::TooLarge { .. } => EngineError::TooLarge(error.to_string()),
        SubmitError::Full { .. } => EngineError::Full(error.to_string()),
    }
}

fn record(found: StoredTx) -> TxRecord {
    TxRecord {
        hash: Sha256::digest(&found.tx).into(),
        height: found.height,
        index: found.index,
        tx: found.tx.into(),
        result: found.result,
    }
}

fn submit(handle: &Handle, tx: Bytes) -> Result<Checked, EngineError> {
    let hash = Sha256::digest(&tx).into();
    let check = handle.submit_tx(tx).map_err(refused)?;
    Ok(Checked { code: check.code, codespace: check.codespace, log: check.log, data: check.data, hash })
}

/// The part of `found` (newest first) that `search` asks for.
fn page(mut found: Vec<StoredTx>, search: &Search) -> Found {
    if !search.descending {
        found.reverse();
    }
    let place = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let skip = place(search.page.saturating_sub(1)).saturating_mul(place(search.limit));
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    Found { total, txs: found.into_iter().skip(skip).take(place(search.limit)).map(record).collect() }
}

impl Engine for SoloEngine {
    fn broadcast(&self, tx: Bytes, wait: Wait) -> Answering<'_, Checked> {
        match wait {
            // A block waits for the lock of what is checked: no thread for this gives way.
            Wait::Check => {
                let handle = self.handle.clone();
                Box::pin(async move { told(tokio::task::spawn_blocking(move || submit(&handle, tx)).await) })
            }
            Wait::Nothing => {
                let (hash, handle) = (Sha256::digest(&tx).into(), self.handle.clone());
                // Its fate is not asked for.
                drop(tokio::task::spawn_blocking(move || handle.submit_tx(tx)));
                Box::pin(std::future::ready(Ok(Checked { hash, ..Checked::default() })))
            }
        }
    }

    fn tx(&self, hash: [u8; 32]) -> Answering<'_, Option<TxRecord>> {
        self.ask(move |handle| Ok(handle.tx_by_hash(&hash).map_err(failed)?.map(record)))
    }

    fn search(&self, search: Search) -> Answering<'_, Found> {
        self.ask(move |handle| {
            let found = handle.search_txs(&search.to_string(), MAX_FOUND).map_err(EngineError::Invalid)?;
            Ok(page(found, &search))
        })
    }

    fn block(&self, height: Option<u64>) -> Answering<'_, Option<BlockRecord>> {
        self.ask(move |handle| {
            let stored = handle.block(height).map_err(failed)?;
            Ok(stored.map(|stored| BlockRecord {
                block_id: stored.meta.block_id.unwrap_or_default(),
                block: stored.block,
            }))
        })
    }

    fn consensus_params(&self) -> Answering<'_, ConsensusParams> {
        Box::pin(std::future::ready(Ok(self.handle.genesis().params.clone())))
    }

    fn status(&self) -> Answering<'_, NodeStatus> {
        let rpc_address = self.handle.rpc_address().map(|address| format!("tcp://{address}"));
        let info = DefaultNodeInfo {
            protocol_version: Some(ProtocolVersion { p2p: 8, block: 11, app: 1 }),
            default_node_id: self.node_id.clone(),
            listen_addr: "tcp://127.0.0.1:26656".into(),
            network: self.handle.genesis().chain_id.clone(),
            version: solo::COMETBFT_VERSION.into(),
            channels: CHANNELS.to_vec(),
            moniker: self.moniker.clone(),
            other: Some(DefaultNodeInfoOther {
                tx_index: "on".into(),
                rpc_address: rpc_address.unwrap_or_default(),
            }),
        };
        Box::pin(std::future::ready(Ok(NodeStatus { info, catching_up: false })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_answered_page_by_page_in_the_order_asked_for() {
        let tx = |height| StoredTx { height, index: 0, tx: vec![], result: Default::default() };
        let newest_first = || vec![tx(3), tx(2), tx(1)];
        let heights = |page_number, descending| {
            let search = Search { conditions: vec![], page: page_number, limit: 2, descending };
            let found = page(newest_first(), &search);
            assert_eq!(found.total, 3);
            found.txs.iter().map(|tx| tx.height).collect::<Vec<_>>()
        };
        assert_eq!(heights(1, true), [3, 2]);
        assert_eq!(heights(2, false), [3]);
        assert!(heights(3, true).is_empty());
    }
}
