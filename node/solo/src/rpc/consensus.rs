//! The state of consensus as CometBFT tells it. There is none here between two blocks: what is told is a node that
//! has committed the last block and waits for the next one.

use std::sync::Arc;

use serde_json::{json, Value};
use tendermint_proto::v0_38::types::{BlockIdFlag, ExtendedCommit, ExtendedCommitSig};

use crate::chain::vote::signed_power;
use crate::node::NodeState;
use crate::rpc::args::Params;
use crate::rpc::envelope::RpcError;
use crate::rpc::json;

type Answer = Result<Value, RpcError>;

/// The step between two heights.
const NEW_HEIGHT: u8 = 1;
/// Bytes of hashes and signatures in the words of a vote.
const SHORT: usize = 6;

/// `consensus_state`: the short form.
pub(super) fn state(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    let latest = state.latest();
    let (next, proposer) = next_proposer(state);
    Ok(json!({ "round_state": {
        "height/round/step": format!("{next}/0/{NEW_HEIGHT}"),
        "start_time": latest.time.to_rfc3339(),
        "proposal_block_hash": "",
        "locked_block_hash": "",
        "valid_block_hash": "",
        "height_vote_set": [no_votes(state)],
        "proposer": { "address": json::hex(&proposer), "index": index_of(state, &proposer) },
    } }))
}

/// `dump_consensus_state`: the long form.
pub(super) fn dump(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    let latest = state.latest();
    let (next, proposer) = next_proposer(state);
    let last = i64::try_from(latest.height).unwrap_or(i64::MAX);
    let commit = state.store.commit(latest.height)?;
    Ok(json!({
        "round_state": {
            "height": next.to_string(),
            "round": 0,
            "step": NEW_HEIGHT,
            "start_time": latest.time.to_rfc3339(),
            "commit_time": latest.time.to_rfc3339(),
            "validators": validators(state, &proposer),
            "proposal": null,
            "proposal_block": null,
            "proposal_block_parts": null,
            "locked_round": -1,
            "locked_block": null,
            "locked_block_parts": null,
            "valid_round": -1,
            "valid_block": null,
            "valid_block_parts": null,
            "votes": [no_votes(state)],
            "commit_round": -1,
            "last_commit": commit.map(|commit| last_commit(state, &commit)),
            "last_validators": validators(state, &state.chain.validators.proposer(last)),
            "triggered_timeout_precommit": false,
        },
        "peers": [],
    }))
}

fn next_proposer(state: &NodeState) -> (u64, [u8; 20]) {
    let next = state.latest().height.saturating_add(1);
    (next, state.chain.validators.proposer(i64::try_from(next).unwrap_or(i64::MAX)))
}

fn index_of(state: &NodeState, address: &[u8; 20]) -> usize {
    let members = state.chain.validators.members();
    members.iter().position(|member| member.address == *address).unwrap_or_default()
}

fn validators(state: &NodeState, proposer: &[u8; 20]) -> Value {
    let members = state.chain.validators.members();
    json!({
        "validators": members.iter().map(json::validator).collect::<Vec<_>>(),
        "proposer": members.get(index_of(state, proposer)).map(json::validator),
    })
}

/// Votes of a round that has not begun.
fn no_votes(state: &NodeState) -> Value {
    let count = state.chain.validators.members().len();
    let votes = vec!["nil-Vote"; count];
    let bits = bits(&"_".repeat(count), 0, state.chain.validators.total_power());
    json!({
        "round": 0,
        "prevotes": votes,
        "prevotes_bit_array": bits,
        "precommits": votes,
        "precommits_bit_array": bits,
    })
}

fn last_commit(state: &NodeState, commit: &ExtendedCommit) -> Value {
    let votes: Vec<String> = commit
        .extended_signatures
        .iter()
        .enumerate()
        .map(|(index, vote)| vote_words(commit, index, vote))
        .collect();
    let marks = commit.extended_signatures.iter().map(|vote| if signed(vote) { 'x' } else { '_' });
    let power = signed_power(commit, &state.chain.validators);
    json!({
        "votes": votes,
        "votes_bit_array": bits(&marks.collect::<String>(), power, state.chain.validators.total_power()),
        "peer_maj_23s": {},
    })
}

fn signed(vote: &ExtendedCommitSig) -> bool {
    vote.block_id_flag == i32::from(BlockIdFlag::Commit)
}

fn vote_words(commit: &ExtendedCommit, index: usize, vote: &ExtendedCommitSig) -> String {
    if !signed(vote) {
        return "nil-Vote".into();
    }
    let short = |bytes: &[u8]| json::hex(bytes.get(..SHORT).unwrap_or(bytes));
    let block = commit.block_id.as_ref().map(|id| short(&id.hash)).unwrap_or_default();
    format!(
        "Vote{{{index}:{} {}/{:02}/SIGNED_MSG_TYPE_PRECOMMIT(Precommit) {block} {} {} @ {}}}",
        short(&vote.validator_address),
        commit.height,
        commit.round,
        short(&vote.signature),
        short(&vote.extension),
        json::time(vote.timestamp),
    )
}

/// Who voted, their power and all power, and the share of it in hundredths, cut.
fn bits(marks: &str, power: i64, total: i64) -> String {
    let hundredths = power.saturating_mul(100) / total.max(1);
    let share = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("BA{{{}:{marks}}} {power}/{total} = {share}", marks.len())
}
