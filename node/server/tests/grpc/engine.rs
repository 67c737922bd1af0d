//! An engine that remembers what it is told.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use host::Host;
use server::{
    Answering, BlockRecord, Checked, Engine, EngineError, Found, NodeStatus, Search, TxRecord, Wait,
};
use sha2::{Digest, Sha256};
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{Event, EventAttribute, ExecTxResult};
use tendermint_proto::v0_38::p2p::DefaultNodeInfo;
use tendermint_proto::v0_38::types::{Block, BlockId, BlockParams, ConsensusParams, Data, Header};

use crate::support::{CHAIN, START};

pub(crate) struct FakeEngine {
    host: Host,
    /// What was sent, and how.
    pub(crate) sent: Mutex<Vec<(Bytes, Wait)>>,
    /// Transactions of block 2.
    pub(crate) txs: Mutex<Vec<Bytes>>,
    /// The last search.
    pub(crate) searched: Mutex<Option<Search>>,
    /// How long each answer takes.
    pub(crate) delay: Mutex<Duration>,
    /// What to answer instead.
    pub(crate) error: Mutex<Option<EngineError>>,
}

pub(crate) fn hash(tx: &[u8]) -> [u8; 32] {
    Sha256::digest(tx).into()
}

impl FakeEngine {
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            sent: Mutex::default(),
            txs: Mutex::default(),
            searched: Mutex::default(),
            delay: Mutex::default(),
            error: Mutex::default(),
        }
    }

    fn answer<T: Send + 'static>(&self, value: T) -> Answering<'_, T> {
        let (delay, error) = (*self.delay.lock().unwrap(), self.error.lock().unwrap().clone());
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            error.map_or(Ok(value), Err)
        })
    }

    fn record(index: usize, tx: &Bytes) -> TxRecord {
        let attribute = EventAttribute { key: "sender".into(), value: "alice".into(), index: true };
        TxRecord {
            hash: hash(tx),
            height: 2,
            index: u32::try_from(index).unwrap(),
            tx: tx.clone(),
            result: ExecTxResult {
                code: 5,
                data: vec![0xab, 0xcd].into(),
                log: "insufficient funds".into(),
                gas_wanted: 100,
                gas_used: 42,
                events: vec![Event { r#type: "message".into(), attributes: vec![attribute] }],
                codespace: "sdk".into(),
                ..ExecTxResult::default()
            },
        }
    }
}

impl Engine for FakeEngine {
    fn broadcast(&self, tx: Bytes, wait: Wait) -> Answering<'_, Checked> {
        self.sent.lock().unwrap().push((tx.clone(), wait));
        let log = String::from_utf8_lossy(&tx).into_owned();
        self.answer(Checked { code: 4, codespace: "sdk".into(), log, data: Bytes::new(), hash: hash(&tx) })
    }

    fn tx(&self, wanted: [u8; 32]) -> Answering<'_, Option<TxRecord>> {
        let txs = self.txs.lock().unwrap();
        let found = txs.iter().enumerate().find(|(_, tx)| hash(tx) == wanted);
        self.answer(found.map(|(index, tx)| Self::record(index, tx)))
    }

    fn search(&self, search: Search) -> Answering<'_, Found> {
        *self.searched.lock().unwrap() = Some(search);
        let txs: Vec<_> =
            self.txs.lock().unwrap().iter().enumerate().map(|(index, tx)| Self::record(index, tx)).collect();
        self.answer(Found { total: 17, txs })
    }

    fn block(&self, height: Option<u64>) -> Answering<'_, Option<BlockRecord>> {
        let last = self.host.last_block().height;
        let height = height.unwrap_or(last);
        let kept = (1..=last).contains(&height) && height != 1;
        let height_out = i64::try_from(height).unwrap();
        let txs = if height == 2 { self.txs.lock().unwrap().clone() } else { Vec::new() };
        let block = Block {
            header: Some(Header {
                chain_id: CHAIN.into(),
                height: height_out,
                time: Some(Timestamp { seconds: START + height_out, nanos: 5 }),
                proposer_address: vec![1; 20],
                validators_hash: vec![2; 32],
                ..Header::default()
            }),
            data: Some(Data { txs: txs.iter().map(|tx| tx.to_vec()).collect() }),
            ..Block::default()
        };
        let block_id = BlockId { hash: vec![9; 32], part_set_header: None };
        self.answer(kept.then_some(BlockRecord { block_id, block }))
    }

    fn consensus_params(&self) -> Answering<'_, ConsensusParams> {
        let block = Some(BlockParams { max_bytes: 1_000, max_gas: -1 });
        self.answer(ConsensusParams { block, ..ConsensusParams::default() })
    }

    fn status(&self) -> Answering<'_, NodeStatus> {
        let info = DefaultNodeInfo {
            network: CHAIN.into(),
            version: "0.38.15".into(),
            moniker: "tester".into(),
            ..DefaultNodeInfo::default()
        };
        self.answer(NodeStatus { info, catching_up: true })
    }
}
