//! Blocks and validators of `cosmos.base.tendermint.v1beta1.Service`.

use app::query::NOT_BEGUN;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::crypto::ed25519::PubKey;
use cosmos_sdk_proto::Any;
use prost::Message;
use tonic::{Code, Status};

use super::record::{consensus_address, sdk_block};
use super::{invalid, page, refused};
use crate::dispatch::Node;
use crate::unary::status;
use crate::BlockRecord;

/// Validators of one page at most.
const MAX_PAGE: u64 = 100;

/// The prefix of addresses; unavailable before the first block.
fn prefix(node: &Node) -> Result<String, Status> {
    let chain = node.host.chain();
    chain.map(|chain| chain.prefix).ok_or_else(|| status(Code::Unavailable, NOT_BEGUN))
}

/// The block at a height that a client names.
pub(super) async fn at(node: &Node, height: i64) -> Result<BlockRecord, Status> {
    let named = u64::try_from(height).ok().filter(|height| *height > 0);
    let named = named.ok_or_else(|| invalid(&format!("height {height} is none; the first is 1")))?;
    let last = node.host.last_block().height;
    if named > last {
        return Err(invalid(&format!("height {named} must not be above the last, {last}")));
    }
    let block = node.engine.block(Some(named)).await.map_err(refused)?;
    block.ok_or_else(|| status(Code::NotFound, &format!("the block of height {named} is not kept")))
}

/// One block.
pub(super) async fn by_height(
    node: &Node,
    request: wire::GetBlockByHeightRequest,
) -> Result<wire::GetBlockByHeightResponse, Status> {
    let record = at(node, request.height).await?;
    let sdk_block = Some(sdk_block(&record.block, &prefix(node)?));
    Ok(wire::GetBlockByHeightResponse {
        block_id: Some(record.block_id),
        block: Some(record.block),
        sdk_block,
    })
}

/// The last block.
pub(super) async fn latest(
    node: &Node,
    _: wire::GetLatestBlockRequest,
) -> Result<wire::GetLatestBlockResponse, Status> {
    let record = node.engine.block(None).await.map_err(refused)?;
    let record = record.ok_or_else(|| status(Code::Unavailable, NOT_BEGUN))?;
    let sdk_block = Some(sdk_block(&record.block, &prefix(node)?));
    Ok(wire::GetLatestBlockResponse { block_id: Some(record.block_id), block: Some(record.block), sdk_block })
}

/// Validators of the last block.
pub(super) async fn latest_validators(
    node: &Node,
    request: wire::GetLatestValidatorSetRequest,
) -> Result<wire::GetLatestValidatorSetResponse, Status> {
    let height = node.host.last_block().height;
    let (validators, pagination) = validators(node, height, request.pagination)?;
    let block_height = i64::try_from(height).unwrap_or(i64::MAX);
    Ok(wire::GetLatestValidatorSetResponse { block_height, validators, pagination: Some(pagination) })
}

/// Validators of one block.
pub(super) async fn validators_by_height(
    node: &Node,
    request: wire::GetValidatorSetByHeightRequest,
) -> Result<wire::GetValidatorSetByHeightResponse, Status> {
    let last = node.host.last_block().height;
    let height = u64::try_from(request.height).ok().filter(|height| (1..=last).contains(height));
    let height = height
        .ok_or_else(|| invalid(&format!("height {} is not from 1 to the last, {last}", request.height)))?;
    let (validators, pagination) = validators(node, height, request.pagination)?;
    let block_height = request.height;
    Ok(wire::GetValidatorSetByHeightResponse { block_height, validators, pagination: Some(pagination) })
}

/// Validators whose votes count for `height`, as the state has them: it keeps the sets of all heights.
fn validators(
    node: &Node,
    height: u64,
    pagination: Option<PageRequest>,
) -> Result<(Vec<wire::Validator>, PageResponse), Status> {
    let prefix = prefix(node)?;
    let set = governance::set_at(&node.host.reader().latest(), height).into_iter();
    let rows = set.map(|validator| wire::Validator {
        address: consensus_address(&validator.address, &prefix),
        pub_key: Some(Any {
            type_url: "/cosmos.crypto.ed25519.PubKey".into(),
            value: PubKey { key: validator.public_key.to_vec() }.encode_to_vec(),
        }),
        voting_power: i64::try_from(validator.power).unwrap_or(i64::MAX),
        proposer_priority: 0,
    });
    page(rows.collect(), pagination, MAX_PAGE)
}
