//! What the node says of itself, its blocks and its validators.

use cosmos_sdk_proto::cosmos::base::node::v1beta1 as node;
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as base;
use prost::Message;
use server::EngineError;
use tonic::Code;
use types::Address;

use crate::support::{start, CHAIN, HEIGHT, START};

const BASE: &str = "/cosmos.base.tendermint.v1beta1.Service";
const NODE: &str = "/cosmos.base.node.v1beta1.Service";

#[tokio::test]
async fn a_node_tells_its_chain_and_versions_that_parse() {
    let chain = start().await;
    let answer: base::GetNodeInfoResponse =
        chain.call(&format!("{BASE}/GetNodeInfo"), &base::GetNodeInfoRequest {}).await.unwrap();
    let info = answer.default_node_info.unwrap();
    assert_eq!((info.network.as_str(), info.version.as_str()), (CHAIN, "0.38.15"));
    let version = answer.application_version.unwrap();
    assert_eq!((version.name.as_str(), version.app_name.as_str()), ("ballast", "ballastd"));
    assert_eq!(version.cosmos_sdk_version, "v0.50.9");
    let numbers =
        |text: &str| text.trim_start_matches('v').split('.').filter_map(|n| n.parse::<u32>().ok()).count();
    assert_eq!((numbers(&version.version), numbers(&version.cosmos_sdk_version)), (3, 3));
    let engine = version.build_deps.iter().find(|module| module.path == "github.com/cometbft/cometbft");
    assert_eq!(engine.unwrap().version, "v0.38.15");
    let answer: base::GetSyncingResponse =
        chain.call(&format!("{BASE}/GetSyncing"), &base::GetSyncingRequest {}).await.unwrap();
    assert!(answer.syncing);
}

#[tokio::test]
async fn prices_of_gas_are_those_of_the_chain() {
    let chain = start().await;
    let config: node::ConfigResponse =
        chain.call(&format!("{NODE}/Config"), &node::ConfigRequest {}).await.unwrap();
    assert_eq!(config.minimum_gas_price, "0.025000000000000000uusdc,0.025000000000000000uballast");
    let status: node::StatusResponse =
        chain.call(&format!("{NODE}/Status"), &node::StatusRequest {}).await.unwrap();
    let last = chain.host.last_block();
    assert_eq!((status.height, status.app_hash), (HEIGHT, last.app_hash.to_vec()));
    let time = status.timestamp.unwrap();
    assert_eq!((time.seconds, time.nanos), (START + 3, 5));
    assert_eq!((status.validator_hash, status.earliest_store_height), (vec![2; 32], 2));
}

#[tokio::test]
async fn a_block_comes_in_both_forms() {
    let chain = start().await;
    let answer: base::GetLatestBlockResponse =
        chain.call(&format!("{BASE}/GetLatestBlock"), &base::GetLatestBlockRequest {}).await.unwrap();
    let (old, new) = (answer.block.unwrap().header.unwrap(), answer.sdk_block.unwrap().header.unwrap());
    assert_eq!((old.height, new.height, answer.block_id.unwrap().hash), (3, 3, vec![9; 32]));
    assert_eq!(old.proposer_address, vec![1; 20]);
    assert_eq!(new.proposer_address, Address::new([1; 20]).to_bech32("ballastvalcons"));
    assert_eq!((old.chain_id, old.time), (new.chain_id, new.time));
}

#[tokio::test]
async fn heights_without_a_block_are_told_apart() {
    let chain = start().await;
    for (height, code) in [
        (2, Code::Ok),
        (3, Code::Ok),
        (1, Code::NotFound),
        (0, Code::InvalidArgument),
        (-1, Code::InvalidArgument),
        (i64::MIN, Code::InvalidArgument),
        (4, Code::InvalidArgument),
        (i64::MAX, Code::InvalidArgument),
    ] {
        let request = base::GetBlockByHeightRequest { height }.encode_to_vec();
        for path in [format!("{BASE}/GetBlockByHeight"), "/cosmos.tx.v1beta1.Service/GetBlockWithTxs".into()]
        {
            let answer = chain.raw(&path, request.clone()).await;
            assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), code, "{path} {height}");
        }
    }
}

#[tokio::test]
async fn validators_come_from_the_state_by_height() {
    let chain = start().await;
    let latest: base::GetLatestValidatorSetResponse = chain
        .call(&format!("{BASE}/GetLatestValidatorSet"), &base::GetLatestValidatorSetRequest::default())
        .await
        .unwrap();
    let [validator] = latest.validators.as_slice() else { panic!("{latest:?}") };
    assert_eq!((validator.voting_power, latest.block_height), (10, 3));
    assert!(validator.address.starts_with("ballastvalcons1"));
    assert_eq!(validator.pub_key.as_ref().unwrap().type_url, "/cosmos.crypto.ed25519.PubKey");
    let path = format!("{BASE}/GetValidatorSetByHeight");
    for (height, code) in
        [(1, Code::Ok), (3, Code::Ok), (0, Code::InvalidArgument), (4, Code::InvalidArgument)]
    {
        let request = base::GetValidatorSetByHeightRequest { height, pagination: None };
        let answer = chain.call::<_, base::GetValidatorSetByHeightResponse>(&path, &request).await;
        match answer {
            Ok(answer) => {
                assert_eq!((answer.validators.as_slice(), code), (&latest.validators[..], Code::Ok))
            }
            Err(status) => assert_eq!(status.code(), code, "{height}"),
        }
    }
}

#[tokio::test]
async fn stored_values_come_with_proofs() {
    let chain = start().await;
    let ask =
        |path: &str, height| base::AbciQueryRequest { path: path.into(), data: vec![1], height, prove: true };
    let path = format!("{BASE}/ABCIQuery");
    let good: base::AbciQueryResponse = chain.call(&path, &ask("/store/bank/key", 2)).await.unwrap();
    assert_eq!((good.code, good.height, good.proof_ops.unwrap().ops.len()), (0, 2, 2));
    let bad: base::AbciQueryResponse = chain.call(&path, &ask("/store/nothing/key", 2)).await.unwrap();
    assert_eq!((bad.code, bad.codespace.as_str()), (18, "sdk"));
    let negative = chain.call::<_, base::AbciQueryResponse>(&path, &ask("/store/bank/key", -2)).await;
    assert_eq!(negative.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_engine_that_is_gone_is_unavailable_and_state_is_not() {
    let chain = start().await;
    for (error, code) in [
        (EngineError::Unavailable("refused".into()), Code::Unavailable),
        (EngineError::Failed("garbage".into()), Code::Internal),
        (EngineError::Invalid("no".into()), Code::InvalidArgument),
    ] {
        *chain.engine.error.lock().unwrap() = Some(error);
        for path in [
            format!("{BASE}/GetLatestBlock"),
            format!("{BASE}/GetNodeInfo"),
            format!("{NODE}/Status"),
            "/cosmos.consensus.v1.Query/Params".into(),
        ] {
            assert_eq!(chain.raw(&path, Vec::new()).await.unwrap_err().code(), code, "{path}");
        }
        for path in [format!("{NODE}/Config"), "/dydxprotocol.clob.Query/ClobPairAll".into()] {
            chain.raw(&path, Vec::new()).await.unwrap();
        }
    }
}
