//! The exact JSON of CometBFT 0.38: 64-bit integers as strings, hashes in upper-case hex, bytes in base64.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Value};
use tendermint::Time;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{
    Event, ExecTxResult, ResponseCheckTx, ResponseFinalizeBlock, ResponseInfo, ResponseQuery, ValidatorUpdate,
};
use tendermint_proto::v0_38::crypto::public_key::Sum;
use tendermint_proto::v0_38::types::{Block, BlockId, BlockMeta, Commit, Header};

use crate::chain::block::{tx_hash, tx_hashes};
use crate::chain::merkle;
use crate::chain::validators::ChainValidator;
use crate::genesis::params_out;
use crate::store::{StoredBlock, StoredTx};

pub(super) fn hex(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64, or null for nothing.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        Value::Null
    } else {
        base64(bytes).into()
    }
}

pub(super) fn time(time: Option<Timestamp>) -> String {
    match time.and_then(|time| Time::try_from(time).ok()) {
        Some(time) => time.to_rfc3339(),
        None => "0001-01-01T00:00:00Z".into(),
    }
}

pub(super) fn public_key(key: &[u8]) -> Value {
    json!({ "type": "tendermint/PubKeyEd25519", "value": base64(key) })
}

pub(super) fn block_id(id: Option<&BlockId>) -> Value {
    let id = id.cloned().unwrap_or_default();
    let parts = id.part_set_header.unwrap_or_default();
    json!({ "hash": hex(&id.hash), "parts": { "total": parts.total, "hash": hex(&parts.hash) } })
}

pub(super) fn header(header: Option<&Header>) -> Value {
    let header = header.cloned().unwrap_or_default();
    let version = header.version.unwrap_or_default();
    let mut versions = json!({ "block": version.block.to_string() });
    if version.app != 0 {
        versions["app"] = version.app.to_string().into();
    }
    json!({
        "version": versions,
        "chain_id": header.chain_id,
        "height": header.height.to_string(),
        "time": time(header.time),
        "last_block_id": block_id(header.last_block_id.as_ref()),
        "last_commit_hash": hex(&header.last_commit_hash),
        "data_hash": hex(&header.data_hash),
        "validators_hash": hex(&header.validators_hash),
        "next_validators_hash": hex(&header.next_validators_hash),
        "consensus_hash": hex(&header.consensus_hash),
        "app_hash": hex(&header.app_hash),
        "last_results_hash": hex(&header.last_results_hash),
        "evidence_hash": hex(&header.evidence_hash),
        "proposer_address": hex(&header.proposer_address),
    })
}

pub(super) fn commit(commit: &Commit) -> Value {
    let signatures = commit.signatures.iter().map(|vote| {
        json!({
            "block_id_flag": vote.block_id_flag,
            "validator_address": hex(&vote.validator_address),
            "timestamp": time(vote.timestamp),
            "signature": bytes(&vote.signature),
        })
    });
    json!({
        "height": commit.height.to_string(),
        "round": commit.round,
        "block_id": block_id(commit.block_id.as_ref()),
        "signatures": signatures.collect::<Vec<_>>(),
    })
}

fn block(block: &Block) -> Value {
    let txs = block.data.as_ref().map(|data| data.txs.as_slice()).unwrap_or_default();
    json!({
        "header": header(block.header.as_ref()),
        "data": { "txs": txs.iter().map(|tx| base64(tx)).collect::<Vec<_>>() },
        "evidence": { "evidence": [] },
        "last_commit": block.last_commit.as_ref().map(commit),
    })
}

/// The result of `block`; both fields are there but empty when there is no such block.
pub(super) fn block_answer(stored: Option<&StoredBlock>) -> Value {
    match stored {
        Some(stored) => {
            json!({ "block_id": block_id(stored.meta.block_id.as_ref()), "block": block(&stored.block) })
        }
        None => json!({ "block_id": block_id(None), "block": null }),
    }
}

pub(super) fn block_meta(meta: &BlockMeta) -> Value {
    json!({
        "block_id": block_id(meta.block_id.as_ref()),
        "block_size": meta.block_size.to_string(),
        "header": header(meta.header.as_ref()),
        "num_txs": meta.num_txs.to_string(),
    })
}

pub(super) fn events(events: &[Event]) -> Value {
    let event = |event: &Event| {
        // A client fails on an attribute without a name, and no other could find it.
        let attributes = event.attributes.iter().filter(|attribute| !attribute.key.is_empty());
        let attributes = attributes.map(
            |attribute| json!({ "key": attribute.key, "value": attribute.value, "index": attribute.index }),
        );
        json!({ "type": event.r#type, "attributes": attributes.collect::<Vec<_>>() })
    };
    events.iter().map(event).collect::<Vec<_>>().into()
}

pub(super) fn tx_result(result: &ExecTxResult) -> Value {
    json!({
        "code": result.code,
        "data": bytes(&result.data),
        "log": result.log,
        "info": result.info,
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "events": events(&result.events),
        "codespace": result.codespace,
    })
}

pub(super) fn check_result(result: &ResponseCheckTx) -> Value {
    json!({
        "code": result.code,
        "data": bytes(&result.data),
        "log": result.log,
        "info": result.info,
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "events": events(&result.events),
        "codespace": result.codespace,
    })
}

pub(super) fn tx(found: &StoredTx) -> Value {
    json!({
        "hash": hex(&tx_hash(&found.tx)),
        "height": found.height.to_string(),
        "index": found.index,
        "tx_result": tx_result(&found.result),
        "tx": base64(&found.tx),
    })
}

/// Proof that transaction `index` is one of `txs`, whose root is the header's `data_hash`.
pub(super) fn tx_proof(txs: &[Vec<u8>], index: usize) -> Option<Value> {
    let hashes = tx_hashes(txs);
    let aunts = merkle::aunts(&hashes, index)?;
    let (tx, leaf) = (txs.get(index)?, hashes.get(index)?);
    Some(json!({
        "root_hash": hex(&merkle::root(&hashes)),
        "data": base64(tx),
        "proof": {
            "total": txs.len().to_string(),
            "index": index.to_string(),
            "leaf_hash": base64(&merkle::leaf_hash(leaf)),
            "aunts": aunts.iter().map(|aunt| base64(aunt)).collect::<Vec<_>>(),
        },
    }))
}

fn validator_update(update: &ValidatorUpdate) -> Value {
    let key = match update.pub_key.as_ref().and_then(|key| key.sum.as_ref()) {
        Some(Sum::Ed25519(key)) => {
            json!({ "type": "tendermint.crypto.PublicKey_Ed25519", "value": { "ed25519": base64(key) } })
        }
        Some(Sum::Secp256k1(key)) => {
            json!({ "type": "tendermint.crypto.PublicKey_Secp256K1", "value": { "secp256k1": base64(key) } })
        }
        None => Value::Null,
    };
    json!({ "pub_key": { "Sum": key }, "power": update.power.to_string() })
}

/// A list, or null for an empty one.
fn list<'a, T: 'a>(items: impl IntoIterator<Item = &'a T>, one: fn(&T) -> Value) -> Value {
    let items: Vec<Value> = items.into_iter().map(one).collect();
    if items.is_empty() {
        Value::Null
    } else {
        items.into()
    }
}

pub(super) fn block_results(height: u64, results: &ResponseFinalizeBlock) -> Value {
    json!({
        "height": height.to_string(),
        "txs_results": list(&results.tx_results, tx_result),
        "finalize_block_events": events(&results.events),
        "validator_updates": list(&results.validator_updates, validator_update),
        "consensus_param_updates": results.consensus_param_updates.as_ref().map(params_out),
        "app_hash": base64(&results.app_hash),
    })
}

/// The same as subscribers are told it. Rust's clients fail on results that are null.
pub(super) fn finalized(results: &ResponseFinalizeBlock) -> Value {
    json!({
        "events": events(&results.events),
        "tx_results": results.tx_results.iter().map(tx_result).collect::<Vec<_>>(),
        "validator_updates": list(&results.validator_updates, validator_update),
        "consensus_param_updates": results.consensus_param_updates.as_ref().map(params_out),
        "app_hash": base64(&results.app_hash),
    })
}

pub(super) fn validator(validator: &ChainValidator) -> Value {
    json!({
        "address": hex(&validator.address),
        "pub_key": public_key(&validator.public_key),
        "voting_power": validator.power.to_string(),
        "proposer_priority": "0",
    })
}

pub(super) fn abci_info(info: &ResponseInfo) -> Value {
    json!({ "response": {
        "data": info.data,
        "version": info.version,
        "app_version": info.app_version.to_string(),
        "last_block_height": info.last_block_height.to_string(),
        "last_block_app_hash": base64(&info.last_block_app_hash),
    } })
}

pub(super) fn abci_query(answer: &ResponseQuery) -> Value {
    let ops = answer.proof_ops.as_ref().map(|proof| {
        let ops = proof
            .ops
            .iter()
            .map(|op| json!({ "type": op.r#type, "key": base64(&op.key), "data": base64(&op.data) }));
        json!({ "ops": ops.collect::<Vec<_>>() })
    });
    json!({ "response": {
        "code": answer.code,
        "log": answer.log,
        "info": answer.info,
        "index": answer.index.to_string(),
        "key": bytes(&answer.key),
        "value": bytes(&answer.value),
        "proofOps": ops,
        "height": answer.height.to_string(),
        "codespace": answer.codespace,
    } })
}
