//! Votes: what is signed, and commits in their three forms (in a block, as stored, as the application sees
//! them).

use prost::Message;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{CommitInfo, ExtendedCommitInfo, ExtendedVoteInfo, VoteInfo};
use tendermint_proto::v0_38::types::{
    BlockId, BlockIdFlag, CanonicalBlockId, CanonicalPartSetHeader, CanonicalVote, CanonicalVoteExtension,
    Commit, CommitSig, ExtendedCommit, SignedMsgType,
};

use super::validators::ValidatorSet;

/// The bytes that a precommit for `block_id` signs.
pub(crate) fn precommit_bytes(chain_id: &str, height: i64, block_id: &BlockId, time: Timestamp) -> Vec<u8> {
    let parts = block_id.part_set_header.clone().unwrap_or_default();
    let vote = CanonicalVote {
        r#type: SignedMsgType::Precommit.into(),
        height,
        round: 0,
        block_id: Some(CanonicalBlockId {
            hash: block_id.hash.clone(),
            part_set_header: Some(CanonicalPartSetHeader { total: parts.total, hash: parts.hash }),
        }),
        timestamp: Some(time),
        chain_id: chain_id.to_owned(),
    };
    vote.encode_length_delimited_to_vec()
}

/// The bytes that a vote extension signs.
pub(crate) fn extension_bytes(chain_id: &str, height: i64, extension: &[u8]) -> Vec<u8> {
    let vote = CanonicalVoteExtension {
        extension: extension.to_vec(),
        height,
        round: 0,
        chain_id: chain_id.to_owned(),
    };
    vote.encode_length_delimited_to_vec()
}

/// The commit as the next block carries it: without extensions.
pub(crate) fn plain_commit(commit: &ExtendedCommit) -> Commit {
    Commit {
        height: commit.height,
        round: commit.round,
        block_id: commit.block_id.clone(),
        signatures: commit
            .extended_signatures
            .iter()
            .map(|vote| CommitSig {
                block_id_flag: vote.block_id_flag,
                validator_address: vote.validator_address.clone(),
                timestamp: vote.timestamp,
                signature: vote.signature.clone(),
            })
            .collect(),
    }
}

/// What the application hears about the commit within a block.
pub(crate) fn commit_info(commit: &Commit, validators: &ValidatorSet) -> CommitInfo {
    let votes = commit.signatures.iter().zip(validators.members());
    let votes = votes
        .map(|(vote, member)| VoteInfo { validator: Some(member.abci()), block_id_flag: vote.block_id_flag });
    CommitInfo { round: commit.round, votes: votes.collect() }
}

/// What the proposer hears about the votes for the block before: extensions included.
pub(crate) fn extended_info(commit: &ExtendedCommit, validators: &ValidatorSet) -> ExtendedCommitInfo {
    let votes = commit.extended_signatures.iter().zip(validators.members());
    let votes = votes.map(|(vote, member)| ExtendedVoteInfo {
        validator: Some(member.abci()),
        vote_extension: vote.extension.clone().into(),
        extension_signature: vote.extension_signature.clone().into(),
        block_id_flag: vote.block_id_flag,
    });
    ExtendedCommitInfo { round: commit.round, votes: votes.collect() }
}

/// Power of those who voted for the block.
pub(crate) fn signed_power(commit: &ExtendedCommit, validators: &ValidatorSet) -> i64 {
    commit
        .extended_signatures
        .iter()
        .zip(validators.members())
        .filter(|(vote, _)| vote.block_id_flag == i32::from(BlockIdFlag::Commit))
        .fold(0, |sum, (_, member)| sum.saturating_add(member.power))
}
