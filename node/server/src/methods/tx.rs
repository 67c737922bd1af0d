//! `cosmos.tx.v1beta1.Service`, but for Simulate, which the host answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxResponse;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageResponse;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as wire;
use sha2::{Digest, Sha256};
use tendermint_proto::google::protobuf::Timestamp;
use tonic::{Code, Status};

use super::record::{checked, decoded, hash_text, tx_response};
use super::{blocks, invalid, page, refused};
use crate::dispatch::Node;
use crate::search::{parse, MAX_CONDITIONS, MAX_PAGE};
use crate::unary::status;
use crate::{Checked, EngineError, Search, Wait};

/// Send a transaction. What the mempool refuses is an answer, not a failure.
pub(super) async fn broadcast(
    node: &Node,
    request: wire::BroadcastTxRequest,
) -> Result<wire::BroadcastTxResponse, Status> {
    let wait = match wire::BroadcastMode::try_from(request.mode) {
        Ok(wire::BroadcastMode::Sync) => Wait::Check,
        Ok(wire::BroadcastMode::Async) => Wait::Nothing,
        _ => return Err(invalid("the mode must be BROADCAST_MODE_SYNC or BROADCAST_MODE_ASYNC")),
    };
    if request.tx_bytes.is_empty() {
        return Err(invalid("the transaction is empty"));
    }
    let tx = Bytes::from(request.tx_bytes);
    let answer = match node.engine.broadcast(tx.clone(), wait).await {
        Ok(answer) => answer,
        // The codes that Cosmos nodes have for what their mempool does not even check.
        Err(error @ EngineError::Known) => unchecked(&tx, 19, &error),
        Err(error @ EngineError::Full(_)) => unchecked(&tx, 20, &error),
        Err(error @ EngineError::TooLarge(_)) => unchecked(&tx, 21, &error),
        Err(error) => return Err(refused(error)),
    };
    Ok(wire::BroadcastTxResponse { tx_response: Some(checked(answer)) })
}

fn unchecked(tx: &[u8], code: u32, error: &EngineError) -> Checked {
    let hash = Sha256::digest(tx).into();
    Checked { code, codespace: "sdk".into(), log: error.to_string(), data: Bytes::new(), hash }
}

/// A transaction by its hash.
pub(super) async fn get(node: &Node, request: wire::GetTxRequest) -> Result<wire::GetTxResponse, Status> {
    let text = request.hash.trim_start_matches("0x");
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|_| invalid("the hash must be 64 hexadecimal digits"))?;
    let record = node.engine.tx(hash).await.map_err(refused)?;
    // Clients that wait for a transaction look for these words.
    let missing = || status(Code::NotFound, &format!("tx not found: {}", hash_text(&hash)));
    let record = record.ok_or_else(missing)?;
    let time = time_of(node, record.height).await?;
    Ok(wire::GetTxResponse { tx: decoded(&record.tx), tx_response: Some(tx_response(&record, time)) })
}

/// Time of the block of a height, if it is still kept.
async fn time_of(node: &Node, height: u64) -> Result<Option<Timestamp>, Status> {
    let block = node.engine.block(Some(height)).await.map_err(refused)?;
    Ok(block.and_then(|block| block.block.header).and_then(|header| header.time))
}

/// Transactions by their events.
pub(super) async fn search(
    node: &Node,
    request: wire::GetTxsEventRequest,
) -> Result<wire::GetTxsEventResponse, Status> {
    let found = node.engine.search(asked(&request)?).await.map_err(refused)?;
    let mut times: BTreeMap<u64, Option<Timestamp>> = BTreeMap::new();
    let (mut txs, mut tx_responses) = (Vec::new(), Vec::<TxResponse>::new());
    for record in &found.txs {
        let time = match times.get(&record.height) {
            Some(time) => *time,
            None => time_of(node, record.height).await?,
        };
        times.insert(record.height, time);
        txs.push(decoded(&record.tx).unwrap_or_default());
        tx_responses.push(tx_response(record, time));
    }
    #[allow(deprecated, reason = "older clients read the total there")]
    Ok(wire::GetTxsEventResponse {
        txs,
        tx_responses,
        pagination: Some(PageResponse { next_key: Vec::new(), total: found.total }),
        total: found.total,
    })
}

/// What is searched for, in the newer or the older form.
#[allow(deprecated, reason = "older clients still send lists of conditions, and offsets")]
fn asked(request: &wire::GetTxsEventRequest) -> Result<Search, Status> {
    let mut conditions = Vec::new();
    if request.query.is_empty() {
        for event in request.events.iter().take(MAX_CONDITIONS.saturating_add(1)) {
            conditions.extend(parse(event).map_err(|error| invalid(&error))?);
        }
    } else {
        conditions = parse(&request.query).map_err(|error| invalid(&error))?;
    }
    if conditions.is_empty() || conditions.len() > MAX_CONDITIONS {
        return Err(invalid(&format!("a search has 1 to {MAX_CONDITIONS} conditions")));
    }
    let old = request.pagination.clone().unwrap_or_default();
    let limit = if request.limit == 0 { old.limit } else { request.limit };
    let limit = match u32::try_from(limit).unwrap_or(MAX_PAGE) {
        0 => MAX_PAGE,
        limit => limit.min(MAX_PAGE),
    };
    let page = match request.page {
        0 => old.offset.checked_div(u64::from(limit)).unwrap_or(0).saturating_add(1),
        page => page,
    };
    let page = u32::try_from(page).map_err(|_| invalid("there are no so many pages"))?;
    let descending = request.order_by() == wire::OrderBy::Desc || old.reverse;
    Ok(Search { conditions, page, limit, descending })
}

/// A block and its transactions, without those that are not of accounts.
pub(super) async fn block_with_txs(
    node: &Node,
    request: wire::GetBlockWithTxsRequest,
) -> Result<wire::GetBlockWithTxsResponse, Status> {
    let record = blocks::at(node, request.height).await?;
    let all = record.block.data.as_ref().map(|data| data.txs.as_slice()).unwrap_or_default();
    let txs: Vec<wire::Tx> = all.iter().filter_map(|tx| decoded(tx)).collect();
    let (txs, pagination) = page(txs, request.pagination, u64::from(MAX_PAGE))?;
    Ok(wire::GetBlockWithTxsResponse {
        txs,
        block_id: Some(record.block_id),
        block: Some(record.block),
        pagination: Some(pagination),
    })
}
