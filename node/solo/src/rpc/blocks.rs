//! Methods about blocks. Only committed heights are told.

use std::sync::Arc;

use serde_json::{json, Value};

use crate::chain::vote::plain_commit;
use crate::node::NodeState;
use crate::rpc::args::Params;
use crate::rpc::envelope::RpcError;
use crate::rpc::json;

type Answer = Result<Value, RpcError>;

/// Most headers that `blockchain` answers with.
const MAX_HEADERS: u64 = 20;

/// The height asked for, or the last. Clients find the tip by the words of this refusal.
fn height(state: &NodeState, params: &Params<'_>) -> Result<u64, RpcError> {
    let latest = state.latest().height;
    Ok(bounded(state, params, latest)?.unwrap_or(latest))
}

/// The same where the next block is known already.
pub(super) fn height_to_come(state: &NodeState, params: &Params<'_>) -> Result<u64, RpcError> {
    let latest = state.latest().height;
    Ok(bounded(state, params, latest + 1)?.unwrap_or(latest))
}

/// The height asked for, if any, between the first that is kept and `last`.
fn bounded(state: &NodeState, params: &Params<'_>, last: u64) -> Result<Option<u64>, RpcError> {
    let Some(given) = params.integer("height")? else { return Ok(None) };
    let height = u64::try_from(given).unwrap_or_default();
    if height == 0 {
        return Err(RpcError::internal(format!("height must be greater than 0, but got {given}")));
    }
    if height > last {
        let latest = state.latest().height;
        return Err(RpcError::internal(format!(
            "height {height} must be less than or equal to the current blockchain height {latest}"
        )));
    }
    let first = state.store.span()?.map_or(state.chain.genesis.initial_height, |(first, _)| first);
    if height < first {
        return Err(RpcError::internal(format!(
            "height {height} is not available, lowest height is {first}"
        )));
    }
    Ok(Some(height))
}

pub(super) fn block(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let stored = state.store.block(height(state, params)?)?;
    Ok(json::block_answer(stored.as_ref()))
}

pub(super) fn block_by_hash(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let stored = match by_hash(state, params)? {
        Some(height) => state.store.block(height)?,
        None => None,
    };
    Ok(json::block_answer(stored.as_ref()))
}

fn by_hash(state: &NodeState, params: &Params<'_>) -> Result<Option<u64>, RpcError> {
    let found = state.store.height_of(&params.hash("hash")?)?;
    Ok(found.filter(|height| *height <= state.latest().height))
}

pub(super) fn header(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let meta = state.store.meta(height(state, params)?)?;
    Ok(json!({ "header": meta.map(|meta| json::header(meta.header.as_ref())) }))
}

pub(super) fn header_by_hash(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let meta = match by_hash(state, params)? {
        Some(height) => state.store.meta(height)?,
        None => None,
    };
    Ok(json!({ "header": meta.map(|meta| json::header(meta.header.as_ref())) }))
}

pub(super) fn commit(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let height = height(state, params)?;
    let (Some(meta), Some(commit)) = (state.store.meta(height)?, state.store.commit(height)?) else {
        return Err(RpcError::internal(format!("there is no block at height {height} yet")));
    };
    Ok(json!({
        "signed_header": {
            "header": json::header(meta.header.as_ref()),
            "commit": json::commit(&plain_commit(&commit)),
        },
        // The next block carries the same commit; until it is there, others could in principle exist.
        "canonical": height < state.latest().height,
    }))
}

pub(super) fn block_results(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let height = height(state, params)?;
    match state.store.results(height)? {
        Some(results) => Ok(json::block_results(height, &results)),
        None => Err(RpcError::internal(format!("could not find results for height #{height}"))),
    }
}

pub(super) fn blockchain(state: &Arc<NodeState>, params: &Params<'_>) -> Answer {
    let latest = state.latest().height;
    let first = state.store.span()?.map_or(1, |(first, _)| first);
    let read = |name| -> Result<u64, RpcError> {
        let given = params.integer(name)?.unwrap_or_default();
        u64::try_from(given).map_err(|_| RpcError::internal("heights must be non-negative"))
    };
    let (low, high) = (read("minHeight")?, read("maxHeight")?);
    let high = if high == 0 { latest } else { high.min(latest) };
    let low = low.max(first).max((high + 1).saturating_sub(MAX_HEADERS));
    if low > high && latest >= first {
        return Err(RpcError::internal(format!("min height {low} can't be greater than max height {high}")));
    }
    let mut metas = Vec::new();
    for height in (low..=high).rev() {
        metas.extend(state.store.meta(height)?.as_ref().map(json::block_meta));
    }
    Ok(json!({ "last_height": latest.to_string(), "block_metas": metas }))
}
