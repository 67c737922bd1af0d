//! The table of methods, and those about the node itself.

use std::sync::Arc;

use serde_json::{json, Value};
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseInfo};

use crate::chain::block::{BLOCK_VERSION, P2P_VERSION};
use crate::engine::COMETBFT_VERSION;
use crate::genesis::params_out;
use crate::node::{End, NodeState};
use crate::rpc::args::{paging, Args, Params};
use crate::rpc::envelope::RpcError;
use crate::rpc::{blocks, consensus, json, txs};

type Answer = Result<Value, RpcError>;
type Method = fn(&Arc<NodeState>, &Params<'_>) -> Answer;

/// One method: its name, its arguments in their order, and what it does.
struct Row {
    name: &'static str,
    params: &'static [&'static str],
    run: Method,
}

const fn row(name: &'static str, params: &'static [&'static str], run: Method) -> Row {
    Row { name, params, run }
}

/// All methods that do not wait. `broadcast_tx_commit` waits for a block and is the server's own.
const METHODS: &[Row] = &[
    row("abci_info", &[], abci_info),
    row("abci_query", &["path", "data", "height", "prove"], abci_query),
    row("block", &["height"], blocks::block),
    row("block_by_hash", &["hash"], blocks::block_by_hash),
    row("block_results", &["height"], blocks::block_results),
    row("block_search", &["query", "page", "per_page", "order_by"], txs::block_search),
    row("blockchain", &["minHeight", "maxHeight"], blocks::blockchain),
    row("broadcast_evidence", &["evidence"], broadcast_evidence),
    row("broadcast_tx_async", &["tx"], txs::broadcast_async),
    row("broadcast_tx_sync", &["tx"], txs::broadcast_sync),
    row("check_tx", &["tx"], txs::check),
    row("commit", &["height"], blocks::commit),
    row("consensus_params", &["height"], consensus_params),
    row("consensus_state", &[], consensus::state),
    row("dump_consensus_state", &[], consensus::dump),
    row("genesis", &[], genesis),
    row("genesis_chunked", &["chunk"], genesis_chunked),
    row("header", &["height"], blocks::header),
    row("header_by_hash", &["hash"], blocks::header_by_hash),
    row("health", &[], health),
    row("net_info", &[], net_info),
    row("num_unconfirmed_txs", &[], txs::num_unconfirmed),
    row("status", &[], status),
    row("tx", &["hash", "prove"], txs::tx),
    row("tx_search", &["query", "prove", "page", "per_page", "order_by"], txs::tx_search),
    row("unconfirmed_txs", &["limit"], txs::unconfirmed),
    row("validators", &["height", "page", "per_page"], validators),
];

/// Methods that a WebSocket has only.
const SOCKET_ONLY: [&str; 3] = ["subscribe", "unsubscribe", "unsubscribe_all"];

/// Bytes of the genesis document in one chunk; it is answered whole if it fits one.
const MAX_CHUNK: usize = 16 << 20;

/// The method that waits.
pub(super) const BROADCAST_COMMIT: &str = "broadcast_tx_commit";

/// Whether the method has a transaction checked.
pub(super) fn is_broadcast(method: &str) -> bool {
    method.starts_with("broadcast_tx_") || method == "check_tx"
}

/// Names of all methods, for the index page.
pub(super) fn names() -> impl Iterator<Item = String> {
    METHODS.iter().map(|row| format!("{}?{}", row.name, row.params.join("&")))
}

/// Do what a call asks for.
pub(super) fn run(state: &Arc<NodeState>, method: &str, args: &Args) -> Answer {
    let Some(row) = METHODS.iter().find(|row| row.name == method) else {
        let why = if SOCKET_ONLY.contains(&method) { "only over a WebSocket at /websocket" } else { method };
        return Err(RpcError::method(why));
    };
    (row.run)(state, &Params::new(args, row.params)?)
}

/// Answers as long as blocks can come.
fn health(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    match &*state.end.borrow() {
        None => Ok(json!({})),
        Some(End::Stopped) => Err(RpcError::internal("the engine has stopped")),
        Some(End::Failed(reason)) => Err(RpcError::internal(format!("the engine failed: {reason}"))),
    }
}

fn status(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    let latest = state.latest();
    let first = state.store.span()?.map_or(0, |(first, _)| first);
    let earliest = if first <= latest.height { state.store.meta(first)? } else { None };
    let header = earliest.as_ref().and_then(|meta| meta.header.clone()).unwrap_or_default();
    let earliest_hash = earliest.and_then(|meta| meta.block_id).unwrap_or_default().hash;
    let members = state.chain.validators.members();
    let ours = state.validator.and_then(|key| members.iter().find(|member| member.public_key == key));
    let validator = ours.or(members.first());
    Ok(json!({
        "node_info": {
            "protocol_version": {
                "p2p": P2P_VERSION.to_string(),
                "block": BLOCK_VERSION.to_string(),
                "app": state.chain.app.app_version.to_string(),
            },
            "id": state.config.node_id,
            "listen_addr": "tcp://127.0.0.1:26656",
            "network": state.chain.genesis.chain_id,
            "version": COMETBFT_VERSION,
            "channels": "40202122233038606100",
            "moniker": state.config.moniker,
            "other": {
                "tx_index": "on",
                "rpc_address": state.config.rpc.as_ref().map(|rpc| format!("tcp://{}", rpc.listen)),
            },
        },
        "sync_info": {
            "latest_block_hash": json::hex(&latest.hash),
            "latest_app_hash": json::hex(&latest.app_hash),
            "latest_block_height": latest.height.to_string(),
            "latest_block_time": latest.time.to_rfc3339(),
            "earliest_block_hash": json::hex(&earliest_hash),
            "earliest_app_hash": json::hex(&header.app_hash),
            "earliest_block_height": header.height.to_string(),
            "earliest_block_time": json::time(header.time),
            "catching_up": false,
        },
        "validator_info": {
            "address": validator.map(|member| json::hex(&member.address)),
            "pub_key": validator.map(|member| json::public_key(&member.public_key)),
            "voting_power": validator.map_or(0, |member| member.power).to_string(),
        },
    }))
}

fn abci_info(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    let latest = state.latest();
    let info = ResponseInfo {
        last_block_height: i64::try_from(latest.height).unwrap_or(i64::MAX),
        last_block_app_hash: latest.app_hash.clone().into(),
        ..state.chain.app.clone()
    };
    Ok(json::abci_info(&info))
}

fn abci_query(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let height = params.integer("height")?.unwrap_or_default();
    if height < 0 {
        return Err(RpcError::internal("height must be non-negative"));
    }
    let answer = state.app.query(RequestQuery {
        data: params.hex("data")?.unwrap_or_default().into(),
        path: params.text("path")?.unwrap_or_default(),
        height,
        prove: params.boolean("prove")?,
    });
    Ok(json::abci_query(&answer))
}

fn genesis(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    let document = state.chain.genesis.to_json();
    if document.to_string().len() > MAX_CHUNK {
        let reason = "genesis response is large, please use the genesis_chunked API instead";
        return Err(RpcError::internal(reason));
    }
    Ok(json!({ "genesis": document }))
}

fn genesis_chunked(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let chunk = params.integer("chunk")?.unwrap_or_default();
    let document = state.chain.genesis.to_json().to_string();
    let mut chunks = document.as_bytes().chunks(MAX_CHUNK);
    let total = chunks.len();
    let found = usize::try_from(chunk).ok().and_then(|chunk| chunks.nth(chunk));
    let Some(data) = found else {
        let last = total.saturating_sub(1);
        return Err(RpcError::internal(format!("there are {last} chunks, {chunk} is invalid")));
    };
    Ok(json!({ "chunk": chunk.to_string(), "total": total.to_string(), "data": json::base64(data) }))
}

/// There is one engine, and it does not sign twice: no evidence can be true.
fn broadcast_evidence(_: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    Err(RpcError::internal(match params.given("evidence") {
        false => "no evidence was provided",
        true => "the embedded engine takes no evidence: it has no other validators to accuse",
    }))
}

fn consensus_params(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let height = blocks::height_to_come(state, params)?;
    Ok(json!({
        "block_height": height.to_string(),
        "consensus_params": params_out(&state.chain.genesis.params),
    }))
}

fn validators(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let height = blocks::height_to_come(state, params)?;
    let members = state.chain.validators.members();
    let (skip, take) = paging(params, members.len())?;
    let page: Vec<Value> = members.iter().skip(skip).take(take).map(json::validator).collect();
    Ok(json!({
        "block_height": height.to_string(),
        "count": page.len().to_string(),
        "total": members.len().to_string(),
        "validators": page,
    }))
}

fn net_info(_: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    Ok(json!({ "listening": true, "listeners": [], "n_peers": "0", "peers": [] }))
}
