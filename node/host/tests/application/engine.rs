//! A minimal engine: four validators that vote, sign their extensions and agree on everything.

use std::collections::BTreeMap;

use ed25519_consensus::SigningKey;
use host::{Config, Host};
use num::Price;
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{
    ExtendedCommitInfo, ExtendedVoteInfo, Misbehavior, RequestExtendVote, RequestFinalizeBlock,
    RequestInitChain, RequestPrepareProposal, RequestProcessProposal, ResponseFinalizeBlock, Validator,
    ValidatorUpdate,
};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};
use tendermint_proto::v0_38::types::{AbciParams, ConsensusParams};
use types::MarketId;

pub const CHAIN: &str = "ballast-test-1";
const START: i64 = 1_767_225_600;

struct Prices(BTreeMap<MarketId, Price>);

impl host::PriceSource for Prices {
    fn prices(&self, _: u64) -> BTreeMap<MarketId, Price> {
        self.0.clone()
    }
}

pub struct Engine {
    pub host: Host,
    pub keys: Vec<SigningKey>,
    pub height: i64,
    pub commit: ExtendedCommitInfo,
    pub app_hash: Vec<u8>,
}

fn validator(key: &SigningKey, power: i64) -> ValidatorUpdate {
    let key = key.verification_key().to_bytes().to_vec();
    ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(key)) }), power }
}

fn time(height: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: START + height, nanos: 0 })
}

/// The devnet's document with coins for `people`.
fn document(people: &[&str]) -> Vec<u8> {
    let mut app = app::Genesis::from_json(include_bytes!("../../../../genesis/devnet.json")).unwrap().app;
    let coin =
        |denom: &str, amount: &str| app::genesis::GenesisCoin { denom: denom.into(), amount: amount.into() };
    for person in people {
        app.balances.push(app::genesis::Balance {
            address: scenario::Wallet::new(person).address().to_bech32(&app.prefix),
            coins: vec![coin("uballast", "1000000000"), coin("uusdc", "1000000000000")],
        });
    }
    serde_json::to_vec(&app).unwrap()
}

impl Engine {
    pub fn in_memory(people: &[&str]) -> Self {
        let prices = [(0, 2_868_819_524), (1, 1_811_985_252)];
        let prices = prices.map(|(market, price)| (MarketId(market), Price::new(price)));
        // A slow machine must not make for empty votes.
        let config = Config { vote_budget_ms: 60_000, ..Config::default() };
        Self::with(Host::in_memory(config, Prices(prices.into())), people)
    }

    /// A chain that `host`, which has no state yet, begins.
    pub fn with(host: Host, people: &[&str]) -> Self {
        let keys: Vec<SigningKey> = (1..=4).map(|byte| SigningKey::from([byte; 32])).collect();
        let genesis = host.init_chain(RequestInitChain {
            time: time(0),
            chain_id: CHAIN.into(),
            consensus_params: Some(ConsensusParams {
                abci: Some(AbciParams { vote_extensions_enable_height: 1 }),
                ..ConsensusParams::default()
            }),
            validators: keys.iter().map(|key| validator(key, 10)).collect(),
            app_state_bytes: document(people).into(),
            initial_height: 1,
        });
        let app_hash = genesis.app_hash.to_vec();
        Self { host, keys, height: 0, commit: ExtendedCommitInfo::default(), app_hash }
    }

    /// What the proposer of the next block is offered.
    pub fn prepare(&self, txs: &[Vec<u8>]) -> RequestPrepareProposal {
        RequestPrepareProposal {
            max_tx_bytes: 1 << 22,
            txs: txs.iter().map(|tx| tx.clone().into()).collect(),
            local_last_commit: Some(self.commit.clone()),
            height: self.height + 1,
            time: time(self.height + 1),
            ..RequestPrepareProposal::default()
        }
    }

    pub fn process(&self, txs: &[prost::bytes::Bytes]) -> bool {
        let response = self.host.process_proposal(RequestProcessProposal {
            txs: txs.to_vec(),
            height: self.height + 1,
            time: time(self.height + 1),
            ..RequestProcessProposal::default()
        });
        response.status == 1
    }

    /// Propose, accept, vote, execute and commit one block.
    pub fn block(&mut self, txs: &[Vec<u8>]) -> ResponseFinalizeBlock {
        self.block_with(txs, Vec::new())
    }

    /// The same, with evidence that the engine found.
    pub fn block_with(&mut self, txs: &[Vec<u8>], misbehavior: Vec<Misbehavior>) -> ResponseFinalizeBlock {
        let proposal = self.host.prepare_proposal(self.prepare(txs));
        assert!(self.process(&proposal.txs), "our own proposal is refused");
        self.height += 1;
        self.commit = self.vote();
        let result = self.host.finalize_block(RequestFinalizeBlock {
            txs: proposal.txs,
            height: self.height,
            time: time(self.height),
            misbehavior,
            ..RequestFinalizeBlock::default()
        });
        self.host.commit();
        self.app_hash = result.app_hash.to_vec();
        result
    }

    /// All votes for the block at the present height, in the order of the stored set.
    pub fn vote(&self) -> ExtendedCommitInfo {
        let mut votes: Vec<ExtendedVoteInfo> = self.keys.iter().map(|key| self.signed(key)).collect();
        votes.sort_by_key(|vote| vote.validator.as_ref().unwrap().address.to_vec());
        ExtendedCommitInfo { round: 0, votes }
    }

    /// What a validator votes at the present height.
    pub fn extension(&self) -> prost::bytes::Bytes {
        let request = RequestExtendVote { height: self.height, ..RequestExtendVote::default() };
        self.host.extend_vote(request).vote_extension
    }

    fn signed(&self, key: &SigningKey) -> ExtendedVoteInfo {
        let extension = self.extension();
        let bytes = app::oracle::sign_bytes(CHAIN, self.height, 0, &extension);
        let address = governance::Validator::new(key.verification_key().to_bytes(), 10, "").address;
        ExtendedVoteInfo {
            validator: Some(Validator { address: address.to_vec().into(), power: 10 }),
            vote_extension: extension,
            extension_signature: key.sign(&bytes).to_bytes().to_vec().into(),
            block_id_flag: 2,
        }
    }
}
