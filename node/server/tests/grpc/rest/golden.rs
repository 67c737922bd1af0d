//! Answers to the letter, as wallets and explorers parse them.

use http::StatusCode;
use serde_json::{json, Value as Json};

use super::{base64, rest, Gateway};
use crate::cases::alice;

async fn golden(gateway: &Gateway, path: &str, expected: Json) {
    let got = gateway.get(path).await;
    assert_eq!(got.status, StatusCode::OK, "{path}: {got:?}");
    assert_eq!(got.json(), expected, "{path}: {}", got.text);
}

#[tokio::test]
async fn accounts_and_balances_have_the_form_that_wallets_parse() {
    let (gateway, alice) = (rest().await, alice());
    let account = json!({ "account": {
        "@type": "/cosmos.auth.v1beta1.BaseAccount",
        "address": alice,
        "pub_key": null,
        "account_number": "0",
        "sequence": "0",
    }});
    golden(&gateway, &format!("/cosmos/auth/v1beta1/accounts/{alice}"), account).await;
    let balances = json!({
        "balances": [{ "denom": "uballast", "amount": "1000000000" }],
        "pagination": { "next_key": "dXVzZGM=", "total": "2" },
    });
    golden(&gateway, &format!("/cosmos/bank/v1beta1/balances/{alice}?pagination.limit=1"), balances).await;
    let rest = json!({
        "balances": [{ "denom": "uusdc", "amount": "1000000000" }],
        "pagination": { "next_key": null, "total": "0" },
    });
    let next = format!("/cosmos/bank/v1beta1/spendable_balances/{alice}?pagination.key=dXVzZGM%3D");
    golden(&gateway, &next, rest).await;
    let one = json!({ "balance": { "denom": "uusdc", "amount": "1000000000" } });
    golden(&gateway, &format!("/cosmos/bank/v1beta1/balances/{alice}/by_denom?denom=uusdc"), one).await;
}

#[tokio::test]
async fn what_wallets_probe_has_the_status_and_code_that_they_expect() {
    let gateway = rest().await;
    let stranger = scenario::Wallet::new("nobody").address().to_bech32("ballast");
    for (path, status, code) in [
        (format!("/cosmos/auth/v1beta1/accounts/{stranger}"), 404, 5),
        ("/cosmos/bank/v1beta1/spendable_balances/test".into(), 400, 3),
        (format!("/cosmos/tx/v1beta1/txs/{}", "0".repeat(64)), 404, 5),
        ("/cosmos/tx/v1beta1/txs/zz".into(), 400, 3),
        ("/ibc/apps/transfer/v1/params".into(), 501, 12),
        ("/dydxprotocol/clob/clob_pair/4000000000".into(), 404, 5),
    ] {
        let got = gateway.get(&path).await;
        got.is_sound(&path);
        assert_eq!(
            (got.status.as_u16(), got.json()["code"].as_i64()),
            (status, Some(code)),
            "{path}: {got:?}"
        );
    }
    // An unknown margin account is an empty one.
    let path = format!("/dydxprotocol/subaccounts/subaccount/{stranger}/7");
    let subaccount = json!({ "subaccount": {
        "id": { "owner": stranger, "number": 7 },
        "asset_positions": [],
        "perpetual_positions": [],
        "margin_enabled": true,
    }});
    golden(&gateway, &path, subaccount).await;
}

#[tokio::test]
async fn the_latest_block_has_the_form_that_explorers_parse() {
    let gateway = rest().await;
    let got = gateway.get("/cosmos/base/tendermint/v1beta1/blocks/latest").await.json();
    assert_eq!(got["block_id"], json!({ "hash": base64(&[9; 32]), "part_set_header": null }));
    let header = |proposer: &str| {
        json!({
            "version": null,
            "chain_id": "ballast-test-1",
            "height": "3",
            "time": "2026-01-01T00:00:03.000000005Z",
            "last_block_id": null,
            "last_commit_hash": null,
            "data_hash": null,
            "validators_hash": base64(&[2; 32]),
            "next_validators_hash": null,
            "consensus_hash": null,
            "app_hash": null,
            "last_results_hash": null,
            "evidence_hash": null,
            "proposer_address": proposer,
        })
    };
    assert_eq!(got["block"]["header"], header(&base64(&[1; 20])));
    assert_eq!(got["block"]["data"], json!({ "txs": [] }));
    assert_eq!(got["sdk_block"]["header"], header("ballastvalcons1qyqszqgpqyqszqgpqyqszqgpqyqszqgpu06wvq"));
    let info = gateway.get("/cosmos/base/tendermint/v1beta1/node_info").await.json();
    assert_eq!(info["default_node_info"]["network"], "ballast-test-1");
    assert_eq!(info["default_node_info"]["channels"], Json::Null);
    assert_eq!(info["application_version"]["cosmos_sdk_version"], "v0.50.9");
    assert_eq!(info["application_version"]["build_deps"][1]["path"], "github.com/cometbft/cometbft");
}

#[tokio::test]
async fn a_transaction_is_shown_with_its_messages_in_the_open() {
    let gateway = rest().await;
    let tx = crate::transactions::signed(&gateway.chain, "alice", 0);
    gateway.chain.engine.txs.lock().unwrap().push(tx.clone());
    let hash = hex::encode_upper(crate::engine::hash(&tx));
    let got = gateway.get(&format!("/cosmos/tx/v1beta1/txs/{hash}")).await.json();
    let body = json!({
        "messages": [{
            "@type": "/cosmos.bank.v1beta1.MsgSend",
            "from_address": alice(),
            "to_address": scenario::Wallet::new("bob").address().to_bech32("ballast"),
            "amount": [{ "denom": "uusdc", "amount": "5" }],
        }],
        "memo": "",
        "timeout_height": "0",
        "extension_options": [],
        "non_critical_extension_options": [],
    });
    assert_eq!(got["tx"]["body"], body);
    let signer = &got["tx"]["auth_info"]["signer_infos"][0];
    assert_eq!(signer["public_key"]["@type"], "/cosmos.crypto.secp256k1.PubKey");
    assert_eq!(signer["mode_info"], json!({ "single": { "mode": "SIGN_MODE_DIRECT" } }));
    let fee = json!({
        "amount": [{ "denom": "uusdc", "amount": "5000" }],
        "gas_limit": "200000",
        "payer": "",
        "granter": "",
    });
    assert_eq!(got["tx"]["auth_info"]["fee"], fee);
    let mut response = got["tx_response"].clone();
    let shown = response["tx"].take();
    assert_eq!((shown["@type"].as_str(), &shown["body"]), (Some("/cosmos.tx.v1beta1.Tx"), &body));
    let expected = json!({
        "height": "2",
        "txhash": hash,
        "codespace": "sdk",
        "code": 5,
        "data": "ABCD",
        "raw_log": "insufficient funds",
        "logs": [],
        "info": "",
        "gas_wanted": "100",
        "gas_used": "42",
        "tx": null,
        "timestamp": "2026-01-01T00:00:02Z",
        "events": [{
            "type": "message",
            "attributes": [{ "key": "sender", "value": "alice", "index": true }],
        }],
    });
    assert_eq!(response, expected);
}

#[tokio::test]
async fn transactions_are_sent_and_simulated_as_wallets_post_them() {
    let gateway = rest().await;
    let tx = crate::transactions::signed(&gateway.chain, "alice", 0);
    for mode in [json!("BROADCAST_MODE_SYNC"), json!(2)] {
        let body = json!({ "tx_bytes": base64(&tx), "mode": mode });
        let got = gateway.post("/cosmos/tx/v1beta1/txs", body.to_string()).await;
        // What the mempool refuses is an answer.
        assert_eq!((got.status, got.json()["tx_response"]["code"].as_i64()), (StatusCode::OK, Some(4)));
    }
    assert_eq!(gateway.chain.engine.sent.lock().unwrap().len(), 2);
    let body = json!({ "tx_bytes": base64(&crate::transactions::unsigned()) });
    let got = gateway.post("/cosmos/tx/v1beta1/simulate", body.to_string()).await;
    assert_eq!(got.status, StatusCode::OK, "{got:?}");
    let used = got.json()["gas_info"]["gas_used"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(used > 0);
    assert!(got.json()["result"]["events"].is_array(), "{got:?}");
    let got = gateway.post("/cosmos/tx/v1beta1/simulate", json!({ "tx_bytes": "AAAA" }).to_string()).await;
    got.is_sound("no transaction");
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn markets_have_the_form_that_traders_parse() {
    let gateway = rest().await;
    let pair = json!({ "clob_pair": {
        "id": 0,
        "perpetual_clob_metadata": { "perpetual_id": 0 },
        "step_base_quantums": "1000000",
        "subticks_per_tick": 100_000,
        "quantum_conversion_exponent": -9,
        "status": "STATUS_ACTIVE",
    }});
    golden(&gateway, "/dydxprotocol/clob/clob_pair/0", pair).await;
    let perpetual = json!({ "perpetual": {
        "params": {
            "id": 0,
            "ticker": "BTC-USD",
            "market_id": 0,
            "atomic_resolution": -10,
            "default_funding_ppm": 0,
            "liquidity_tier": 0,
            "market_type": "PERPETUAL_MARKET_TYPE_CROSS",
        },
        "funding_index": "0",
        "open_interest": "0",
    }});
    golden(&gateway, "/dydxprotocol/perpetuals/perpetual/0", perpetual).await;
    let prices = gateway.get("/dydxprotocol/prices/market").await.json();
    assert_eq!(prices["market_prices"][0], json!({ "id": 0, "exponent": -5, "price": "2868819524" }));
    assert_eq!(prices["pagination"], json!({ "next_key": null, "total": "10" }));
    let validators = gateway.get("/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED").await.json();
    let validator = &validators["validators"][0];
    assert_eq!(
        validator["consensus_pubkey"],
        json!({
            "@type": "/cosmos.crypto.ed25519.PubKey",
            "key": base64(&[7; 32]),
        })
    );
    assert_eq!(validator["delegator_shares"], "10.000000000000000000");
    assert_eq!(validator["status"], "BOND_STATUS_BONDED");
}
