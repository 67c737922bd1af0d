//! What the node says of itself: versions, prices, progress, rules; and `abci_query` by another door.

use cosmos_sdk_proto::cosmos::base::node::v1beta1 as node_wire;
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as wire;
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::RequestQuery;
use tendermint_proto::v0_38::types::ConsensusParams;
use tonic::Status;

use super::{invalid, refused};
use crate::dispatch::Node;

/// The version of the Cosmos SDK whose interface this node speaks; clients choose their dialect by it.
const SDK_VERSION: &str = "v0.50.9";

/// `cosmos.consensus.v1.QueryParamsResponse`, which the crate of the Cosmos types leaves out.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ParamsResponse {
    #[prost(message, optional, tag = "1")]
    params: Option<ConsensusParams>,
}

/// Prices, and how much state is kept.
pub(super) async fn config(
    node: &Node,
    _: node_wire::ConfigRequest,
) -> Result<node_wire::ConfigResponse, Status> {
    // Prices are the chain's: all nodes ask for the same.
    let prices = app::state::gas_prices(&node.host.reader().latest());
    let prices = prices.iter().filter_map(|text| accounts::GasPrice::parse(text).ok());
    Ok(node_wire::ConfigResponse {
        minimum_gas_price: prices.map(|price| price.to_string()).collect::<Vec<_>>().join(","),
        pruning_keep_recent: node.host.config().keep_heights.to_string(),
        pruning_interval: "1".into(),
        halt_height: 0,
    })
}

/// How far the node is.
pub(super) async fn status(
    node: &Node,
    _: node_wire::StatusRequest,
) -> Result<node_wire::StatusResponse, Status> {
    let last = node.host.last_block();
    let block = node.engine.block(None).await.map_err(refused)?;
    let header = block.and_then(|block| block.block.header);
    let nanos = last.time.nanos_total().rem_euclid(1_000_000_000);
    Ok(node_wire::StatusResponse {
        earliest_store_height: *node.host.reader().heights().start(),
        height: last.height,
        timestamp: Some(Timestamp {
            seconds: last.time.seconds(),
            nanos: i32::try_from(nanos).unwrap_or_default(),
        }),
        app_hash: last.app_hash.to_vec(),
        validator_hash: header.map(|header| header.validators_hash).unwrap_or_default(),
    })
}

/// The rules of consensus.
pub(super) async fn params(node: &Node, (): ()) -> Result<ParamsResponse, Status> {
    let params = node.engine.consensus_params().await.map_err(refused)?;
    Ok(ParamsResponse { params: Some(params) })
}

/// Who this node is.
pub(super) async fn node_info(
    node: &Node,
    _: wire::GetNodeInfoRequest,
) -> Result<wire::GetNodeInfoResponse, Status> {
    let info = node.engine.status().await.map_err(refused)?.info;
    let module =
        |path: &str, version: String| wire::Module { path: path.into(), version, sum: String::new() };
    let application_version = wire::VersionInfo {
        name: "ballast".into(),
        app_name: "ballastd".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        git_commit: String::new(),
        build_tags: String::new(),
        go_version: String::new(),
        build_deps: vec![
            module("github.com/cosmos/cosmos-sdk", SDK_VERSION.into()),
            module("github.com/cometbft/cometbft", format!("v{}", info.version)),
        ],
        cosmos_sdk_version: SDK_VERSION.into(),
    };
    Ok(wire::GetNodeInfoResponse {
        default_node_info: Some(info),
        application_version: Some(application_version),
    })
}

/// Whether the node is still catching up.
pub(super) async fn syncing(
    node: &Node,
    _: wire::GetSyncingRequest,
) -> Result<wire::GetSyncingResponse, Status> {
    let syncing = node.engine.status().await.map_err(refused)?.catching_up;
    Ok(wire::GetSyncingResponse { syncing })
}

/// `abci_query`.
pub(super) async fn abci_query(
    node: &Node,
    request: wire::AbciQueryRequest,
) -> Result<wire::AbciQueryResponse, Status> {
    if request.height < 0 {
        return Err(invalid("the height must not be below 0"));
    }
    let host = node.host.clone();
    let (data, path) = (request.data.into(), request.path);
    let query = RequestQuery { data, path, height: request.height, prove: request.prove };
    let answer = aside::run(move || host.query(query)).await;
    let answer = answer.map_err(|_| Status::internal("the query failed inside the node"))?;
    let op = |op: tendermint_proto::v0_38::crypto::ProofOp| wire::ProofOp {
        r#type: op.r#type,
        key: op.key,
        data: op.data,
    };
    Ok(wire::AbciQueryResponse {
        code: answer.code,
        log: answer.log,
        info: answer.info,
        index: answer.index,
        key: answer.key.to_vec(),
        value: answer.value.to_vec(),
        proof_ops: answer.proof_ops.map(|ops| wire::ProofOps { ops: ops.ops.into_iter().map(op).collect() }),
        height: answer.height,
        codespace: answer.codespace,
    })
}
