//! A small application that remembers every call, and chains made with it.

pub mod net;
pub mod socket;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sha2::{Digest, Sha256};
use solo::{ChainValidator, Config, Engine, Genesis, Key, Production, VirtualClock, Voter};
use tendermint::Time;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::*;

/// What survives a crash of the application, and what it was asked.
#[derive(Default)]
pub struct Disk {
    pub height: i64,
    pub hash: Vec<u8>,
    pub calls: Vec<String>,
    /// A transaction that makes a proposal refused.
    pub refuse_proposals_with: Option<Vec<u8>>,
    pub decided: Vec<RequestFinalizeBlock>,
    pub prepared: Vec<RequestPrepareProposal>,
    pub initialised: Vec<RequestInitChain>,
    pub results_missing: bool,
}

/// Height and state of a block that is executed but not committed.
type Staged = (i64, Vec<u8>);

/// The application: transactions are `key=value`, the state is a running hash over them.
#[derive(Clone)]
pub struct Fake {
    pub disk: Arc<Mutex<Disk>>,
    staged: Arc<Mutex<Option<Staged>>>,
    genesis: Arc<Mutex<Vec<u8>>>,
}

impl Fake {
    pub fn new(disk: Arc<Mutex<Disk>>) -> Self {
        Self { disk, staged: Arc::default(), genesis: Arc::default() }
    }

    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    fn called(&self, name: impl Into<String>) {
        self.disk().calls.push(name.into());
    }

    fn state(&self) -> Vec<u8> {
        let disk = self.disk();
        if disk.height == 0 {
            self.genesis.lock().unwrap().clone()
        } else {
            disk.hash.clone()
        }
    }
}

pub fn reap_calls(disk: &Arc<Mutex<Disk>>) -> Vec<String> {
    std::mem::take(&mut disk.lock().unwrap().calls)
}

impl Application for Fake {
    fn info(&self, _: RequestInfo) -> ResponseInfo {
        let disk = self.disk();
        ResponseInfo {
            data: "fake".into(),
            version: "1".into(),
            app_version: 1,
            last_block_height: disk.height,
            last_block_app_hash: disk.hash.clone().into(),
        }
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        self.called("init_chain");
        let hash = Sha256::digest(&request.app_state_bytes).to_vec();
        *self.genesis.lock().unwrap() = hash.clone();
        self.disk().initialised.push(request);
        ResponseInitChain { app_hash: hash.into(), ..Default::default() }
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        let height = self.disk().height;
        match request.path.as_str() {
            "/panic" => panic!("told to"),
            "/echo" => ResponseQuery { value: request.data, height, ..Default::default() },
            path => ResponseQuery {
                code: 22,
                codespace: "sdk".into(),
                log: format!("rpc error: code = NotFound desc = {path} not found"),
                height,
                ..Default::default()
            },
        }
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        let again = request.r#type == i32::from(CheckTxType::Recheck);
        self.called(if again { "recheck_tx" } else { "check_tx" });
        let bad = request.tx.starts_with(b"bad") || (again && request.tx.starts_with(b"once"));
        ResponseCheckTx {
            code: u32::from(bad) * 7,
            codespace: if bad { "fake".into() } else { String::new() },
            log: if bad { "it is bad".into() } else { String::new() },
            gas_wanted: 10,
            ..Default::default()
        }
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        self.called(format!("prepare {} txs", request.txs.len()));
        let commit = request.local_last_commit.clone().unwrap_or_default();
        let votes =
            commit.votes.iter().map(|vote| String::from_utf8_lossy(&vote.vote_extension).into_owned());
        let mut txs = vec![format!("votes={}", votes.collect::<Vec<_>>().join(",")).into_bytes().into()];
        txs.extend(request.txs.clone());
        self.disk().prepared.push(request);
        ResponsePrepareProposal { txs }
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        self.called(format!("process {} txs", request.txs.len()));
        let poison = self.disk().refuse_proposals_with.clone();
        let refused = poison.is_some_and(|poison| request.txs.iter().any(|tx| *tx == poison));
        let status = if refused {
            response_process_proposal::ProposalStatus::Reject
        } else {
            response_process_proposal::ProposalStatus::Accept
        };
        ResponseProcessProposal { status: status.into() }
    }

    fn extend_vote(&self, request: RequestExtendVote) -> ResponseExtendVote {
        self.called("extend");
        ResponseExtendVote { vote_extension: format!("p{}", request.height).into_bytes().into() }
    }

    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        self.called("verify");
        let status = if request.vote_extension.is_empty() {
            response_verify_vote_extension::VerifyStatus::Reject
        } else {
            response_verify_vote_extension::VerifyStatus::Accept
        };
        ResponseVerifyVoteExtension { status: status.into() }
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        self.called(format!("finalize {}", request.height));
        let request_height = request.height;
        let mut hash = Sha256::new_with_prefix(self.state());
        hash.update(request.height.to_be_bytes());
        hash.update(request.time.unwrap().seconds.to_be_bytes());
        let mut tx_results = Vec::new();
        for tx in &request.txs {
            hash.update(tx);
            let text = String::from_utf8_lossy(tx).into_owned();
            let (key, value) = text.split_once('=').unwrap_or((&text, ""));
            let attribute =
                |key: &str, value: &str| EventAttribute { key: key.into(), value: value.into(), index: true };
            let attributes = vec![attribute("key", key), attribute("value", value)];
            tx_results.push(ExecTxResult {
                code: u32::from(key == "fail"),
                data: tx.slice(..tx.len().min(4)),
                gas_wanted: 10,
                gas_used: 5,
                events: vec![Event { r#type: "kv".into(), attributes }],
                ..Default::default()
            });
        }
        if self.disk().results_missing {
            tx_results.pop();
        }
        let hash = hash.finalize().to_vec();
        *self.staged.lock().unwrap() = Some((request.height, hash.clone()));
        self.disk().decided.push(request);
        let at = request_height.to_string();
        let attribute = EventAttribute { key: "at".into(), value: at, index: true };
        let events = vec![Event { r#type: "block".into(), attributes: vec![attribute] }];
        ResponseFinalizeBlock { events, tx_results, app_hash: hash.into(), ..Default::default() }
    }

    fn commit(&self) -> ResponseCommit {
        self.called("commit");
        let (height, hash) = self.staged.lock().unwrap().take().unwrap();
        let mut disk = self.disk();
        (disk.height, disk.hash) = (height, hash);
        ResponseCommit::default()
    }
}

pub fn keys(count: u8) -> Vec<Key> {
    (1..=count).map(|number| Key::from_seed([number; 32])).collect()
}

pub fn start_time() -> Time {
    Time::from_unix_timestamp(1_760_000_000, 0).unwrap()
}

pub fn genesis(count: u8) -> Genesis {
    let validators = keys(count).into_iter().zip(10..);
    let validators = validators.map(|(key, power)| ChainValidator::new(key.public(), power));
    Genesis::new("solo-test-1", start_time(), validators.collect(), serde_json::json!({ "a": 1 }))
}

pub fn config(folder: &Path) -> Config {
    Config {
        production: Production::OnDemand,
        clock: Arc::new(VirtualClock { start: start_time(), interval: Duration::from_millis(500) }),
        rpc: None,
        ..Config::new(folder)
    }
}

/// The voters of [`genesis`], each with a price of its own.
pub fn voters(app: &Fake, count: u8) -> Vec<Voter> {
    let voter = |(key, number): (Key, u8)| {
        let app = app.clone();
        Voter::new(key, move |request| {
            app.called(format!("extend by {number}"));
            ResponseExtendVote { vote_extension: format!("{}:{number}", request.height).into_bytes().into() }
        })
    };
    keys(count).into_iter().zip(1..).map(voter).collect()
}

pub fn open(folder: &Path, disk: &Arc<Mutex<Disk>>, count: u8) -> Result<Engine, solo::EngineError> {
    let app = Fake::new(disk.clone());
    Engine::open(&config(folder), app.clone(), genesis(count), voters(&app, count))
}
