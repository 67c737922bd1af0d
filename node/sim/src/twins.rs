//! Nodes that must agree: the same application, each kept in a way of its own.

use std::collections::BTreeMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};

use host::{Config, Host, Stopped, EXIT_STORE};
use num::Price;
use prost::bytes::Bytes;
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{
    ExtendedCommitInfo, RequestCheckTx, RequestExtendVote, RequestFinalizeBlock, RequestInitChain,
    RequestPrepareProposal, RequestProcessProposal, RequestVerifyVoteExtension, ResponseFinalizeBlock,
    ValidatorUpdate,
};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};
use tendermint_proto::v0_38::types::{AbciParams, ConsensusParams};
use tree::{Breakage, Medium};
use types::{MarketId, Time};

use crate::faults::Trouble;
use crate::network::CHAIN;

/// What is particular about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It hears of every transaction, and never stops.
    Live,
    /// It never hears of a transaction before it is in a block, and its tables hash under another seed.
    Deaf,
    /// It is killed and started again before each block.
    Reborn,
    /// It computes on four threads.
    Threaded,
}

/// Prices as a node sees them now.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<BTreeMap<MarketId, Price>>>);

impl host::PriceSource for Feed {
    fn prices(&self, _: u64) -> BTreeMap<MarketId, Price> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A node.
pub(crate) struct Twin {
    pub(crate) kind: Kind,
    host: Host,
    feed: Feed,
    medium: Medium,
    threads: Option<rayon::ThreadPool>,
    done: host::LastBlock,
    stumbling: Option<u64>,
}

/// The blocks that the engine keeps, with what became of them; the first has height 1.
pub(crate) type History = Vec<(Block, ResponseFinalizeBlock)>;

/// A block that everybody has decided on.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) height: u64,
    pub(crate) time: Time,
    pub(crate) txs: Vec<Bytes>,
}

impl Twin {
    /// A node at genesis.
    pub(crate) fn new(kind: Kind, genesis: &app::Genesis) -> Result<Self, String> {
        let (feed, medium) = (Feed::default(), Medium::default());
        let threads =
            (kind == Kind::Threaded).then(|| rayon::ThreadPoolBuilder::new().num_threads(4).build());
        let threads = threads.transpose().map_err(|error| error.to_string())?;
        let host = Host::on(&medium, config(kind), feed.clone()).map_err(|error| error.to_string())?;
        let twin =
            Self { kind, host, feed, medium, threads, done: host::LastBlock::default(), stumbling: None };
        twin.host.init_chain(init(genesis)?);
        Ok(twin)
    }

    /// Let some of what blocks do by themselves fail.
    pub(crate) fn stumble(&mut self, seed: Option<u64>) {
        self.stumbling = seed;
        self.host.stumble(seed);
    }

    /// The disk of this node.
    pub(crate) fn medium(&self) -> &Medium {
        &self.medium
    }

    /// The prices that this node's source has from now on.
    pub(crate) fn feed(&self, prices: &BTreeMap<MarketId, Price>) {
        *self.feed.0.lock().unwrap_or_else(PoisonError::into_inner) = prices.clone();
    }

    /// The vote extension of this node at a height.
    pub(crate) fn extend(&self, height: u64) -> Vec<u8> {
        let height = i64::try_from(height).unwrap_or(i64::MAX);
        let request = RequestExtendVote { height, ..RequestExtendVote::default() };
        self.host.extend_vote(request).vote_extension.to_vec()
    }

    /// Whether the node accepts the extension of a peer.
    pub(crate) fn verify(&self, extension: &[u8]) -> bool {
        let vote_extension = extension.to_vec().into();
        let request = RequestVerifyVoteExtension { vote_extension, ..Default::default() };
        self.host.verify_vote_extension(request).status == 1
    }

    /// Hear of a transaction, again or for the first time.
    pub(crate) fn hear(&self, tx: &[u8], again: bool) {
        if self.kind != Kind::Deaf {
            self.host.check_tx(RequestCheckTx { tx: tx.to_vec().into(), r#type: i32::from(again) });
        }
    }

    /// The proposal that this node makes.
    pub(crate) fn propose(
        &self,
        (height, time): (u64, Time),
        txs: &[Vec<u8>],
        commit: ExtendedCommitInfo,
        max_tx_bytes: u64,
    ) -> Vec<Bytes> {
        let request = RequestPrepareProposal {
            max_tx_bytes: i64::try_from(max_tx_bytes).unwrap_or(i64::MAX),
            txs: txs.iter().map(|tx| tx.clone().into()).collect(),
            local_last_commit: Some(commit),
            height: i64::try_from(height).unwrap_or(i64::MAX),
            time: Some(stamp(time)),
            ..RequestPrepareProposal::default()
        };
        self.host.prepare_proposal(request).txs
    }

    /// Whether the node votes for a proposal.
    pub(crate) fn accepts(&self, (height, time): (u64, Time), txs: &[Bytes]) -> bool {
        let request = RequestProcessProposal {
            txs: txs.to_vec(),
            height: i64::try_from(height).unwrap_or(i64::MAX),
            time: Some(stamp(time)),
            ..RequestProcessProposal::default()
        };
        self.host.process_proposal(request).status == 1
    }

    /// Execute and commit a block in spite of `trouble`.
    pub(crate) fn run(
        &mut self,
        block: &Block,
        trouble: Trouble,
        (genesis, history): (&app::Genesis, &History),
    ) -> Result<ResponseFinalizeBlock, String> {
        let back = |twin: &mut Self| twin.start(genesis).and_then(|()| twin.replay(history));
        match trouble {
            Trouble::None => {}
            Trouble::Killed => {
                self.medium.cut(0, true);
                back(self)?;
            }
            Trouble::Twice => {
                // The engine died between the block and its commit, and this node did not.
                let first = self.execute(block);
                if first != self.execute(block) {
                    return Err("a block that comes twice is answered in two ways".into());
                }
                self.commit();
                return Ok(first);
            }
            Trouble::KilledBeforeCommit => {
                self.execute(block);
                self.medium.cut(0, true);
                back(self)?;
            }
            Trouble::KilledAfterCommit => {
                let response = self.execute(block);
                self.commit();
                self.medium.cut(0, true);
                self.start(genesis)?;
                if self.host.last_block().height != block.height {
                    return Err("a block that was committed is lost".into());
                }
                return Ok(response);
            }
            Trouble::Breaks(breakage, kept) => {
                self.medium.set(breakage);
                let ended = catch_unwind(AssertUnwindSafe(|| {
                    self.execute(block);
                    self.commit();
                }));
                self.medium.set(Breakage::None);
                let told = ended.err().and_then(|panic| panic.downcast::<Stopped>().ok());
                let stops = breakage != Breakage::Lie;
                if stops != told.is_some_and(|stopped| stopped.code == EXIT_STORE) {
                    return Err(format!("{breakage:?} of the disk: the node does not stop as it should"));
                }
                self.medium.cut(usize::from(kept), breakage != Breakage::Lie);
                back(self)?;
                if self.host.last_block().height == block.height {
                    // What the sync did not promise is there after all: the engine sends it once more.
                    return self.again(block, (genesis, history));
                }
            }
            Trouble::Flipped(at) => {
                self.medium.cut(0, true);
                self.medium.flip(at);
                let refused = self.start(genesis).is_err();
                if refused {
                    self.anew(genesis)?;
                }
                self.replay(history)?;
            }
        }
        let response = self.execute(block);
        self.commit();
        Ok(response)
    }

    /// The answer to a block that is committed already: from a node that begins anew.
    fn again(
        &mut self,
        block: &Block,
        (genesis, history): (&app::Genesis, &History),
    ) -> Result<ResponseFinalizeBlock, String> {
        let hash = self.host.last_block().app_hash;
        self.anew(genesis)?;
        self.replay(history)?;
        let response = self.execute(block);
        self.commit();
        if response.app_hash[..] != hash {
            return Err("a block that survived a failed sync is another one".into());
        }
        Ok(response)
    }

    fn execute(&self, block: &Block) -> ResponseFinalizeBlock {
        let request = RequestFinalizeBlock {
            txs: block.txs.clone(),
            height: i64::try_from(block.height).unwrap_or(i64::MAX),
            time: Some(stamp(block.time)),
            ..RequestFinalizeBlock::default()
        };
        match &self.threads {
            Some(threads) => threads.install(|| self.host.finalize_block(request)),
            None => self.host.finalize_block(request),
        }
    }

    fn commit(&mut self) {
        self.host.commit();
        self.done = self.host.last_block();
    }

    /// Start again on what the disk has.
    fn start(&mut self, genesis: &app::Genesis) -> Result<(), String> {
        // One store at a time: what was there before ends first.
        self.host = Host::in_memory(config(self.kind), self.feed.clone());
        let host = Host::on(&self.medium, config(self.kind), self.feed.clone());
        self.host = host.map_err(|error| format!("the node does not start: {error}"))?;
        if self.host.last_block().height == 0 {
            self.host.init_chain(init(genesis)?);
        }
        self.host.stumble(self.stumbling);
        Ok(())
    }

    /// Begin with an empty disk.
    fn anew(&mut self, genesis: &app::Genesis) -> Result<(), String> {
        self.medium = Medium::default();
        self.start(genesis)
    }

    /// What the engine has and the node has not. Each block must give what it gave.
    fn replay(&mut self, history: &History) -> Result<(), String> {
        let have = usize::try_from(self.host.last_block().height).unwrap_or(usize::MAX);
        for (block, then) in history.iter().skip(have) {
            let now = self.execute(block);
            self.commit();
            if now != *then {
                return Err(format!("I-28: block {} is another one when it is replayed", block.height));
            }
        }
        let hash = history.last().map(|(_, then)| then.app_hash.clone()).unwrap_or_default();
        if history.len() == have && !history.is_empty() && self.host.last_block().app_hash[..] != hash[..] {
            return Err("I-28: a node that was started again has another app hash".into());
        }
        Ok(())
    }

    /// The last block that the node committed, as it told of it then.
    pub(crate) fn done(&self) -> &host::LastBlock {
        &self.done
    }

    /// Height and hash of what the node shows to readers.
    pub(crate) fn shown(&self) -> (u64, [u8; 32]) {
        let view = self.host.reader().latest();
        (view.height(), view.app_hash())
    }
}

fn config(kind: Kind) -> Config {
    let state_seed = if kind == Kind::Deaf { 0x5eed } else { 0 };
    // A slow machine must not make for empty votes.
    Config { vote_budget_ms: 600_000, keep_heights: 3, state_seed, ..Config::default() }
}

fn stamp(time: Time) -> Timestamp {
    Timestamp { seconds: time.seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}

fn init(genesis: &app::Genesis) -> Result<RequestInitChain, String> {
    let validator = |validator: &app::GenesisValidator| ValidatorUpdate {
        pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(validator.public_key.to_vec())) }),
        power: i64::try_from(validator.power).unwrap_or(i64::MAX),
    };
    Ok(RequestInitChain {
        time: Some(stamp(genesis.time)),
        chain_id: CHAIN.into(),
        consensus_params: Some(ConsensusParams {
            abci: Some(AbciParams { vote_extensions_enable_height: 1 }),
            ..ConsensusParams::default()
        }),
        validators: genesis.validators.iter().map(validator).collect(),
        app_state_bytes: serde_json::to_vec(&genesis.app).map_err(|error| error.to_string())?.into(),
        initial_height: 1,
    })
}
