//! The chain as a light client sees it: headers, commits and sets over JSON-RPC, verified by others' code.

use crate::support::net::Running;
use serde_json::json;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::{Info, Set};
use tendermint::Hash;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};
use tendermint_rpc::endpoint;

fn signed_header(node: &Running, height: u64) -> SignedHeader {
    let commit = node.call("commit", json!({ "height": height }));
    serde_json::from_value::<endpoint::commit::Response>(commit).unwrap().signed_header
}

fn validators(node: &Running, height: u64) -> Set {
    let answer = node.call("validators", json!({ "height": height, "per_page": 30 }));
    let answer: endpoint::validators::Response = serde_json::from_value(answer).unwrap();
    let infos: Vec<Info> = answer.validators;
    Set::without_proposer(infos)
}

fn verdict(node: &Running, trusted: u64, header: &SignedHeader) -> Verdict {
    let height = header.header.height.value();
    let (set, next) = (validators(node, height), validators(node, height + 1));
    let known = signed_header(node, trusted);
    let trusted_next = validators(node, trusted + 1);
    let untrusted =
        UntrustedBlockState { signed_header: header, validators: &set, next_validators: Some(&next) };
    let chain_id = known.header.chain_id.clone();
    let trusted = TrustedBlockState {
        chain_id: &chain_id,
        header_time: known.header.time,
        height: known.header.height,
        next_validators: &trusted_next,
        next_validators_hash: known.header.next_validators_hash,
    };
    let options = Options {
        trust_threshold: Default::default(),
        trusting_period: std::time::Duration::from_secs(3_600),
        clock_drift: std::time::Duration::from_secs(1),
    };
    let now = tendermint::Time::from_unix_timestamp(1_760_000_060, 0).unwrap();
    ProdVerifier::default().verify_update_header(untrusted, trusted, &options, now)
}

#[test]
fn a_light_client_follows_the_chain_step_by_step_and_in_leaps() {
    let node = Running::with_blocks();
    for (trusted, height) in [(1, 2), (2, 3), (3, 4), (1, 4)] {
        let verdict = verdict(&node, trusted, &signed_header(&node, height));
        assert!(matches!(verdict, Verdict::Success), "{trusted} to {height}: {verdict:?}");
    }
}

#[test]
fn a_light_client_refuses_a_header_that_was_changed() {
    let node = Running::with_blocks();
    let mut forged = signed_header(&node, 3);
    forged.header.app_hash = vec![7; 32].try_into().unwrap();
    assert!(!matches!(verdict(&node, 2, &forged), Verdict::Success));
    let mut forged = signed_header(&node, 3);
    forged.commit.block_id.part_set_header.total = 2;
    assert!(!matches!(verdict(&node, 2, &forged), Verdict::Success));
}

#[test]
fn headers_are_chained_and_commit_to_what_the_block_holds() {
    use sha2::{Digest, Sha256};
    let node = Running::with_blocks();
    let block = |height: u64| {
        let answer = node.call("block", json!({ "height": height }));
        serde_json::from_value::<endpoint::block::Response>(answer).unwrap()
    };
    let root = |leaves: &[Vec<u8>]| {
        Hash::Sha256(tendermint::merkle::simple_hash_from_byte_vectors::<Sha256>(leaves))
    };
    for height in 2..=4 {
        let (before, this) = (block(height - 1), block(height));
        assert_eq!(this.block.header.last_block_id, Some(before.block_id));
        assert_eq!(this.block.last_commit.as_ref().unwrap().block_id, before.block_id);
        let hashes: Vec<Vec<u8>> = this.block.data.iter().map(|tx| Sha256::digest(tx).to_vec()).collect();
        assert_eq!(this.block.header.data_hash, Some(root(&hashes)));
        let results = node.call("block_results", json!({ "height": height - 1 }));
        let state = results["app_hash"].as_str().unwrap();
        let state = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, state).unwrap();
        assert_eq!(this.block.header.app_hash.as_bytes(), state);
        assert_eq!(this.block.header.validators_hash, validators(&node, height).hash());
        assert!(this.block.header.time > before.block.header.time);
    }
    assert_ne!(block(3).block.header.last_results_hash, block(2).block.header.last_results_hash);
}
