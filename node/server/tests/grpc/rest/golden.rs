//! Answers to the letter, as wallets and explorers parse them.

use http::StatusCode;
use serde_json::{json, Value as Json};

use super::{base64, rest, Gateway};
use crate::methods::alice;

async fn golden(gateway: &Gateway, path: &str, expected: Json) {
    let got = gateway.get(path).await;
    assert_eq!(got.status, StatusCode::OK, "{path}: {got:?}");
    assert_eq!(got.json(), expected, "{path}: {}", got.text);
}

#[tokio::test]
async fn dump() {
    let gateway = rest().await;
    let alice = alice();
    gateway.chain.engine.txs.lock().unwrap().push(crate::transactions::signed(&gateway.chain, "alice", 0));
    let hash = hex::encode_upper(crate::engine::hash(&gateway.chain.engine.txs.lock().unwrap()[0]));
    for path in [
        format!("/cosmos/auth/v1beta1/accounts/{alice}"),
        format!("/cosmos/bank/v1beta1/balances/{alice}?pagination.limit=1"),
        "/cosmos/base/tendermint/v1beta1/blocks/latest".into(),
        "/cosmos/base/tendermint/v1beta1/node_info".into(),
        format!("/cosmos/tx/v1beta1/txs/{hash}"),
        format!("/dydxprotocol/subaccounts/subaccount/{alice}/0"),
        "/dydxprotocol/clob/clob_pair/0".into(),
        "/dydxprotocol/prices/market".into(),
        "/dydxprotocol/perpetuals/perpetual/0".into(),
        "/cosmos/staking/v1beta1/validators".into(),
    ] {
        println!("GOT {path}\n{}", gateway.get(&path).await.text);
    }
    let _ = (base64(b""), json!({}));
    golden(&gateway, "/cosmos/base/node/v1beta1/status", json!({})).await;
}
