//! Methods about transactions: sending, finding, and those that wait.

use std::sync::Arc;

use serde_json::{json, Value};
use tendermint_proto::v0_38::abci::{ExecTxResult, ResponseCheckTx};

use crate::chain::block::tx_hash;
use crate::index::{search, Place, Scope};
use crate::node::NodeState;
use crate::query::Query;
use crate::rpc::args::{paging, Params};
use crate::rpc::envelope::RpcError;
use crate::rpc::json;
use crate::store::StoredTx;

type Answer = Result<Value, RpcError>;

/// Most bytes of blocks in the answer to a search; one block may be larger.
const MAX_BLOCK_BYTES: i64 = 32 << 20;

/// The bytes of a transaction that is sent.
pub(super) fn sent(params: &Params<'_>) -> Result<Vec<u8>, RpcError> {
    params.base64("tx")?.ok_or_else(|| RpcError::params("tx is missing"))
}

fn broadcast_answer(check: &ResponseCheckTx, tx: &[u8]) -> Value {
    json!({
        "code": check.code,
        "data": json::hex(&check.data),
        "log": check.log,
        "codespace": check.codespace,
        "hash": json::hex(&tx_hash(tx)),
    })
}

pub(super) fn broadcast_sync(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let tx = sent(params)?;
    let check = state.mempool.submit(tx.clone().into());
    let check = check.map_err(|error| RpcError::internal(error.to_string()))?;
    Ok(broadcast_answer(&check, &tx))
}

/// The check is made all the same, since it is short; only its verdict is not told.
pub(super) fn broadcast_async(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let tx = sent(params)?;
    let check = state.mempool.submit(tx.clone().into());
    check.map_err(|error| RpcError::internal(error.to_string()))?;
    Ok(broadcast_answer(&ResponseCheckTx::default(), &tx))
}

/// What the application says of a transaction, which is not kept.
pub(super) fn check(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let check = state.mempool.probe(sent(params)?.into());
    Ok(json::check_result(&check.map_err(|error| RpcError::internal(error.to_string()))?))
}

/// What `broadcast_tx_commit` answers.
pub(super) fn commit_answer(check: &ResponseCheckTx, found: Option<&StoredTx>, tx: &[u8]) -> Value {
    let nothing = ExecTxResult::default();
    json!({
        "check_tx": json::check_result(check),
        "tx_result": json::tx_result(found.map_or(&nothing, |found| &found.result)),
        "hash": json::hex(&tx_hash(tx)),
        "height": found.map_or(0, |found| found.height).to_string(),
    })
}

fn with_proof(state: &NodeState, found: &StoredTx, prove: bool) -> Result<Value, RpcError> {
    let mut answer = json::tx(found);
    if prove {
        let stored = state.store.block(found.height)?;
        let txs = stored.and_then(|stored| stored.block.data).unwrap_or_default().txs;
        let index = usize::try_from(found.index).unwrap_or(usize::MAX);
        answer["proof"] = json::tx_proof(&txs, index).unwrap_or(Value::Null);
    }
    Ok(answer)
}

pub(super) fn tx(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let hash = params.hash("hash")?;
    let prove = params.boolean("prove")?;
    match state.tx(&hash)? {
        Some(found) => with_proof(state, &found, prove),
        None => Err(RpcError::internal(format!("tx ({}) not found", json::hex(&hash)))),
    }
}

/// Places that answer the query of a call, in the order it asks for.
fn found(state: &NodeState, scope: Scope, params: &Params<'_>) -> Result<Vec<Place>, RpcError> {
    let text = params.text("query")?.unwrap_or_default();
    let query = Query::parse(&text).map_err(|error| RpcError::internal(error.to_string()))?;
    let newest_first = match params.text("order_by")?.as_deref() {
        // Without an order, transactions come oldest first and blocks newest first.
        None | Some("") => scope == Scope::Blocks,
        Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(RpcError::internal("expected order_by to be either `asc` or `desc` or empty")),
    };
    let places = search(&state.store, scope, &query, state.latest().height);
    let mut places = places.map_err(|error| RpcError::internal(error.to_string()))?;
    if newest_first {
        places.reverse();
    }
    Ok(places)
}

pub(super) fn tx_search(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let prove = params.boolean("prove")?;
    let places = found(state, Scope::Txs, params)?;
    let (skip, take) = paging(params, places.len())?;
    let found = state.store.txs_at(places.iter().copied().skip(skip).take(take))?;
    let txs = found.iter().map(|found| with_proof(state, found, prove));
    Ok(json!({
        "txs": txs.collect::<Result<Vec<_>, _>>()?,
        "total_count": places.len().to_string(),
    }))
}

pub(super) fn block_search(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let places = found(state, Scope::Blocks, params)?;
    let (skip, take) = paging(params, places.len())?;
    let (mut blocks, mut bytes) = (Vec::new(), 0_i64);
    for (height, _) in places.iter().skip(skip).take(take) {
        // What was pruned meanwhile is left out.
        let Some(stored) = state.store.block(*height)? else { continue };
        bytes = bytes.saturating_add(stored.meta.block_size);
        if bytes > MAX_BLOCK_BYTES && !blocks.is_empty() {
            let reason = format!("blocks of more than {MAX_BLOCK_BYTES} bytes; ask for a smaller per_page");
            return Err(RpcError::internal(reason));
        }
        blocks.push(json::block_answer(Some(&stored)));
    }
    Ok(json!({ "blocks": blocks, "total_count": places.len().to_string() }))
}

pub(super) fn unconfirmed(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let limit = usize::try_from(params.integer("limit")?.unwrap_or(30)).unwrap_or_default();
    let limit = if limit == 0 { 30 } else { limit.min(100) };
    let txs = state.mempool.first(limit);
    let (total, bytes) = state.mempool.size();
    Ok(json!({
        "n_txs": txs.len().to_string(),
        "total": total.to_string(),
        "total_bytes": bytes.to_string(),
        "txs": txs.iter().map(|tx| json::base64(tx)).collect::<Vec<_>>(),
    }))
}

pub(super) fn num_unconfirmed(state: &Arc<NodeState>, _: &Params<'_>) -> Answer {
    let (total, bytes) = state.mempool.size();
    Ok(json!({
        "n_txs": total.to_string(),
        "total": total.to_string(),
        "total_bytes": bytes.to_string(),
        "txs": null,
    }))
}
