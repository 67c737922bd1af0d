//! Nodes that must agree: the same application, each kept in a way of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use host::{Config, Host};
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
use types::{MarketId, Time};

use crate::network::CHAIN;

/// What is particular about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It hears of every transaction, and never stops.
    Live,
    /// It never hears of a transaction before it is in a block.
    Deaf,
}

/// Prices as a node sees them now.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<BTreeMap<MarketId, Price>>>);

impl host::PriceSource for Feed {
    fn prices(&self) -> BTreeMap<MarketId, Price> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A node.
pub(crate) struct Twin {
    pub(crate) kind: Kind,
    host: Host,
    feed: Feed,
}

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
        let feed = Feed::default();
        let host = Host::in_memory(config(), feed.clone());
        let twin = Self { kind, host, feed };
        twin.host.init_chain(init(genesis)?);
        Ok(twin)
    }

    /// The prices that this node's source has from now on.
    pub(crate) fn feed(&self, prices: &BTreeMap<MarketId, Price>) {
        *self.feed.0.lock().unwrap_or_else(PoisonError::into_inner) = prices.clone();
    }

    /// The vote extension of this node.
    pub(crate) fn extend(&self) -> Vec<u8> {
        self.host.extend_vote(RequestExtendVote::default()).vote_extension.to_vec()
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

    /// Execute and commit.
    pub(crate) fn run(&mut self, block: &Block) -> ResponseFinalizeBlock {
        let response = self.host.finalize_block(RequestFinalizeBlock {
            txs: block.txs.clone(),
            height: i64::try_from(block.height).unwrap_or(i64::MAX),
            time: Some(stamp(block.time)),
            ..RequestFinalizeBlock::default()
        });
        self.host.commit();
        response
    }

    /// The last block as the node tells of it.
    pub(crate) fn last(&self) -> host::LastBlock {
        self.host.last_block()
    }

    /// Height and hash of what the node shows to readers.
    pub(crate) fn shown(&self) -> (u64, [u8; 32]) {
        let view = self.host.reader().latest();
        (view.height(), view.app_hash())
    }
}

fn config() -> Config {
    // A slow machine must not make for empty votes.
    Config { vote_budget_ms: 600_000, keep_heights: 3, ..Config::default() }
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
