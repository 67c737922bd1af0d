//! One block, from the proposal to the commit.

use bytes::Bytes;
use prost::Message;
use tendermint::Time;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::response_process_proposal::ProposalStatus;
use tendermint_proto::v0_38::abci::response_verify_vote_extension::VerifyStatus;
use tendermint_proto::v0_38::abci::{
    RequestExtendVote, RequestPrepareProposal, RequestProcessProposal, RequestVerifyVoteExtension,
};
use tendermint_proto::v0_38::types::{
    Block, BlockIdFlag, BlockMeta, ExtendedCommit, ExtendedCommitSig, Header,
};

use crate::chain::block::{block_id, build, max_tx_bytes, results_hash, tx_cost, Contents};
use crate::chain::vote::{
    commit_info, extended_info, extension_bytes, plain_commit, precommit_bytes, signed_power,
};
use crate::clock::after;
use crate::engine::{Decided, Engine, EngineError, Point, Tip};
use crate::store::StoredBlock;
use crate::voter::Voter;

/// Time of an absent vote, as CometBFT writes it.
const NO_TIME: Timestamp = Timestamp { seconds: -62_135_596_800, nanos: 0 };

impl Engine {
    /// Make, execute and commit the next block. After an error the engine is not to be used again: open a new
    /// one, which replays what was stored.
    pub fn step(&mut self) -> Result<Decided, EngineError> {
        let height = self.tip.height + 1;
        let stored = self.propose(height)?;
        let commit = self.vote(height, &stored)?;
        self.reached(Point::Proposed)?;
        self.store.save_block(&stored, &commit)?;
        self.reached(Point::BlockSaved)?;
        let results = self.execute(height, &stored)?;
        self.reached(Point::Executed)?;
        self.save_results(height, &stored, &results)?;
        self.reached(Point::ResultsSaved)?;
        let data = stored.block.data.as_ref();
        let txs = data.map(|data| data.txs.as_slice()).unwrap_or_default();
        // No transaction is checked between the commit and the new check of those that wait.
        let paused = self.mempool.pause();
        self.app.commit();
        self.reached(Point::Committed)?;
        paused.committed(txs);
        let time = block_time(&stored.block).unwrap_or(self.tip.time);
        self.tip = Tip {
            height,
            time,
            block_id: stored.meta.block_id.clone().unwrap_or_default(),
            commit,
            app_hash: results.app_hash.to_vec(),
            results_hash: results_hash(&results.tx_results),
        };
        self.store.prune(self.retain)?;
        Ok(Decided { height, time, stored, results })
    }

    /// A block that the application accepts.
    fn propose(&self, height: u64) -> Result<StoredBlock, EngineError> {
        let time = self.clock.block_time(height, self.tip.time);
        let params = self.chain.genesis.params.block.unwrap_or_default();
        let max_bytes = max_tx_bytes(params.max_bytes, self.chain.validators.members().len());
        let waiting = self.mempool.reap(max_bytes, params.max_gas);
        let txs = self.prepare(height, time, max_bytes, waiting.clone());
        match self.process(height, time, max_bytes, txs)? {
            Ok(stored) => return Ok(stored),
            Err(reason) => {
                let dropped = waiting.len();
                tracing::error!(height, %reason, dropped, "proposal refused; an empty one follows");
                self.mempool.discard(&waiting);
            }
        }
        let txs = self.prepare(height, time, max_bytes, Vec::new());
        let stored = self.process(height, time, max_bytes, txs)?;
        stored.map_err(|_| EngineError::ProposalRefused(height))
    }

    fn prepare(&self, height: u64, time: Time, max_tx_bytes: i64, txs: Vec<Bytes>) -> Vec<Bytes> {
        let height = signed(height);
        let answer = self.app.prepare_proposal(RequestPrepareProposal {
            max_tx_bytes,
            txs,
            local_last_commit: Some(extended_info(&self.tip.commit, &self.chain.validators)),
            misbehavior: Vec::new(),
            height,
            time: Some(time.into()),
            next_validators_hash: self.chain.validators.hash().to_vec().into(),
            proposer_address: self.chain.validators.proposer(height).to_vec().into(),
        });
        answer.txs
    }

    /// The block of these transactions, if the application accepts it; otherwise the reason why not.
    fn process(
        &self,
        height: u64,
        time: Time,
        max_bytes: i64,
        txs: Vec<Bytes>,
    ) -> Result<Result<StoredBlock, &'static str>, EngineError> {
        let bytes = txs.iter().fold(0_i64, |sum, tx| sum.saturating_add(tx_cost(tx)));
        if bytes > max_bytes {
            return Ok(Err("larger than a block may be"));
        }
        let stored = self.build(height, time, &txs)?;
        let header = header(&stored.block);
        let last_commit = stored.block.last_commit.clone().unwrap_or_default();
        let answer = self.app.process_proposal(RequestProcessProposal {
            txs,
            proposed_last_commit: Some(commit_info(&last_commit, &self.chain.validators)),
            misbehavior: Vec::new(),
            hash: stored.meta.block_id.clone().unwrap_or_default().hash.into(),
            height: header.height,
            time: header.time,
            next_validators_hash: header.next_validators_hash.into(),
            proposer_address: header.proposer_address.into(),
        });
        let accepted = answer.status == i32::from(ProposalStatus::Accept);
        Ok(if accepted { Ok(stored) } else { Err("the application rejects it") })
    }

    fn build(&self, height: u64, time: Time, txs: &[Bytes]) -> Result<StoredBlock, EngineError> {
        let chain = &self.chain;
        let block = build(Contents {
            chain_id: &chain.genesis.chain_id,
            app_version: chain.app.app_version,
            height: signed(height),
            time,
            last_block_id: self.tip.block_id.clone(),
            last_commit: plain_commit(&self.tip.commit),
            validators_hash: chain.validators.hash(),
            consensus_hash: chain.consensus_hash,
            app_hash: self.tip.app_hash.clone(),
            last_results_hash: self.tip.results_hash.to_vec(),
            proposer: chain.validators.proposer(signed(height)),
            txs: txs.iter().map(|tx| tx.to_vec()).collect(),
        });
        let encoded = block.encode_to_vec();
        let id = block_id(&block, &encoded).ok_or_else(|| EngineError::Answer {
            height,
            reason: "no header can be made with its app hash".into(),
        })?;
        let meta = BlockMeta {
            block_id: Some(id),
            block_size: i64::try_from(encoded.len()).unwrap_or(i64::MAX),
            header: block.header.clone(),
            num_txs: i64::try_from(txs.len()).unwrap_or(i64::MAX),
        };
        Ok(StoredBlock { meta, block })
    }

    /// The commit of all our validators for the block.
    fn vote(&self, height: u64, stored: &StoredBlock) -> Result<ExtendedCommit, EngineError> {
        let mut votes = Vec::new();
        for (voter, member) in self.voters.iter().zip(self.chain.validators.members()) {
            votes.push(match voter {
                Some(voter) => self.vote_of(voter, member.address, height, stored)?,
                None => ExtendedCommitSig {
                    block_id_flag: BlockIdFlag::Absent.into(),
                    timestamp: Some(NO_TIME),
                    ..ExtendedCommitSig::default()
                },
            });
        }
        let commit = ExtendedCommit {
            height: signed(height),
            round: 0,
            block_id: stored.meta.block_id.clone(),
            extended_signatures: votes,
        };
        let validators = &self.chain.validators;
        let (ours, total) = (signed_power(&commit, validators), validators.total_power());
        if i128::from(ours) * 3 <= i128::from(total) * 2 {
            return Err(EngineError::Power { ours, total });
        }
        Ok(commit)
    }

    fn vote_of(
        &self,
        voter: &Voter,
        address: [u8; 20],
        height: u64,
        stored: &StoredBlock,
    ) -> Result<ExtendedCommitSig, EngineError> {
        let id = stored.meta.block_id.clone().unwrap_or_default();
        let time = block_time(&stored.block).unwrap_or(self.tip.time);
        let time: Timestamp = after(time, std::time::Duration::from_millis(1)).into();
        let chain_id = &self.chain.genesis.chain_id;
        let bytes = precommit_bytes(chain_id, signed(height), &id, time);
        let mut vote = ExtendedCommitSig {
            block_id_flag: BlockIdFlag::Commit.into(),
            validator_address: address.to_vec(),
            timestamp: Some(time),
            signature: voter.key.sign(&bytes),
            ..ExtendedCommitSig::default()
        };
        if self.chain.genesis.extensions_from().is_some_and(|from| signed(height) >= from) {
            vote.extension = self.extension(voter, height, stored)?;
            let bytes = extension_bytes(chain_id, signed(height), &vote.extension);
            vote.extension_signature = voter.key.sign(&bytes);
        }
        Ok(vote)
    }

    fn extension(&self, voter: &Voter, height: u64, stored: &StoredBlock) -> Result<Vec<u8>, EngineError> {
        let header = header(&stored.block);
        let hash = stored.meta.block_id.clone().unwrap_or_default().hash;
        let last_commit = stored.block.last_commit.clone().unwrap_or_default();
        let txs = stored.block.data.clone().unwrap_or_default().txs;
        let extension = (voter.extend)(RequestExtendVote {
            hash: hash.clone().into(),
            height: header.height,
            time: header.time,
            txs: txs.into_iter().map(Into::into).collect(),
            proposed_last_commit: Some(commit_info(&last_commit, &self.chain.validators)),
            misbehavior: Vec::new(),
            next_validators_hash: header.next_validators_hash.into(),
            proposer_address: header.proposer_address.into(),
        });
        let answer = self.app.verify_vote_extension(RequestVerifyVoteExtension {
            hash: hash.into(),
            validator_address: voter.key.address().to_vec().into(),
            height: header.height,
            vote_extension: extension.vote_extension.clone(),
        });
        if answer.status != i32::from(VerifyStatus::Accept) {
            return Err(EngineError::ExtensionRefused(height));
        }
        Ok(extension.vote_extension.to_vec())
    }
}

fn header(block: &Block) -> Header {
    block.header.clone().unwrap_or_default()
}

fn block_time(block: &Block) -> Option<Time> {
    block.header.as_ref()?.time?.try_into().ok()
}

fn signed(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}
