//! What subscribers are told of a block: each event once as JSON, shared by all who are sent it.

use std::sync::Arc;

use serde_json::{json, Value};
use tendermint_proto::v0_38::abci::Event;
use tendermint_proto::v0_38::types::{BlockIdFlag, ExtendedCommit};

use crate::chain::block::tx_hash;
use crate::engine::Decided;
use crate::query::EventMap;
use crate::rpc::json;

/// Type of signed votes that are told: precommits.
const PRECOMMIT: u8 = 2;

/// One event.
pub(super) struct Emitted {
    /// What queries are matched with.
    pub(super) events: EventMap,
    /// `"data":{...},"events":{...}`, the part of a message that is the same for all.
    pub(super) body: String,
}

impl Emitted {
    fn new(kind: &str, value: Value, mut events: EventMap) -> Arc<Self> {
        events.entry("tm.event".into()).or_default().push(kind.into());
        let data = json!({ "type": format!("tendermint/event/{kind}"), "value": value });
        let body = format!("\"data\":{data},\"events\":{}", json!(events));
        Arc::new(Self { events, body })
    }
}

/// All events of a block: its precommits, the block, its header, its events, then each transaction.
pub(super) fn of_block(decided: &Decided, commit: Option<&ExtendedCommit>) -> Vec<Arc<Emitted>> {
    let stored = &decided.stored;
    let txs = stored.block.data.as_ref().map(|data| data.txs.as_slice()).unwrap_or_default();
    let height = decided.height.to_string();
    let of_block = values(&decided.results.events);
    let mut emitted = commit.map(votes).unwrap_or_default();

    let mut block = json::block_answer(Some(stored));
    block["result_finalize_block"] = json::finalized(&decided.results);
    emitted.push(Emitted::new("NewBlock", block, of_block.clone()));

    let header = json!({ "header": json::header(stored.block.header.as_ref()) });
    emitted.push(Emitted::new("NewBlockHeader", header, EventMap::new()));

    let told = json!({
        "height": height,
        "events": json::events(&decided.results.events),
        "num_txs": txs.len().to_string(),
    });
    let mut with_height = of_block;
    with_height.entry("block.height".into()).or_default().push(height.clone());
    emitted.push(Emitted::new("NewBlockEvents", told, with_height));

    for ((index, tx), result) in (0_u32..).zip(txs).zip(&decided.results.tx_results) {
        let mut events = values(&result.events);
        events.entry("tx.hash".into()).or_default().push(json::hex(&tx_hash(tx)));
        events.entry("tx.height".into()).or_default().push(height.clone());
        let value = json!({ "TxResult": {
            "height": height,
            "index": index,
            "tx": json::base64(tx),
            "result": json::tx_result(result),
        } });
        emitted.push(Emitted::new("Tx", value, events));
    }
    emitted
}

/// The values of each attribute. What has no name cannot be asked for.
fn values(events: &[Event]) -> EventMap {
    let mut map = EventMap::new();
    for event in events.iter().filter(|event| !event.r#type.is_empty()) {
        for attribute in event.attributes.iter().filter(|attribute| !attribute.key.is_empty()) {
            let key = format!("{}.{}", event.r#type, attribute.key);
            map.entry(key).or_default().push(attribute.value.clone());
        }
    }
    map
}

fn votes(commit: &ExtendedCommit) -> Vec<Arc<Emitted>> {
    let mut emitted = Vec::new();
    for (index, vote) in commit.extended_signatures.iter().enumerate() {
        if vote.block_id_flag != i32::from(BlockIdFlag::Commit) {
            continue;
        }
        let value = json!({ "Vote": {
            "type": PRECOMMIT,
            "height": commit.height.to_string(),
            "round": commit.round,
            "block_id": json::block_id(commit.block_id.as_ref()),
            "timestamp": json::time(vote.timestamp),
            "validator_address": json::hex(&vote.validator_address),
            "validator_index": index,
            "signature": json::bytes(&vote.signature),
            "extension": json::bytes(&vote.extension),
            "extension_signature": json::bytes(&vote.extension_signature),
        } });
        emitted.push(Emitted::new("Vote", value, EventMap::new()));
    }
    emitted
}
