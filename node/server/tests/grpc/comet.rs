//! The engine over CometBFT's JSON-RPC, on answers of its form.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::prelude::{Engine as _, BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{json, Value};
use server::{CometEngine, Condition, Engine, EngineError, Search, Value as Wanted, Wait};

/// A node that gives one answer, or those of a list one after the other, and remembers the last question.
#[derive(Clone)]
struct Comet {
    answers: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Mutex<Value>>,
}

async fn comet(answer: Value) -> (CometEngine, Arc<Mutex<Value>>) {
    async fn reply(State(comet): State<Comet>, Json(call): Json<Value>) -> Json<Value> {
        let mut answers = comet.answers.lock().unwrap();
        let mut answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        answer["jsonrpc"] = "2.0".into();
        answer["id"] = call["id"].clone();
        *comet.asked.lock().unwrap() = call;
        Json(answer)
    }
    let asked = Arc::new(Mutex::new(Value::Null));
    let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
    let comet = Comet { answers: Arc::new(Mutex::new(answers)), asked: asked.clone() };
    let router = Router::new().route("/", post(reply)).with_state(comet);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (CometEngine::new(&format!("tcp://{address}")).unwrap(), asked)
}

fn refusal(data: &str) -> Value {
    json!({ "error": { "code": -32603, "message": "Internal error", "data": data } })
}

fn tx() -> Value {
    json!({
        "hash": "AB".repeat(32), "height": "18", "index": 3, "tx": BASE64_STANDARD.encode(b"bytes"),
        "tx_result": {
            "code": 5, "data": BASE64_STANDARD.encode(b"data"), "log": "why", "info": "", "codespace": "sdk",
            "gas_wanted": "200000", "gas_used": "61234",
            "events": [{ "type": "message", "attributes": [
                { "key": "sender", "value": "a", "index": true }, { "key": "empty", "value": null, "index": false }
            ]}, { "type": "bare", "attributes": null }],
        },
    })
}

#[tokio::test]
async fn a_transaction_is_sent_in_base64_and_its_check_read() {
    let answer =
        json!({ "code": 4, "data": "0A0B", "log": "no", "codespace": "sdk", "hash": "CD".repeat(32) });
    for (wait, method) in [(Wait::Check, "broadcast_tx_sync"), (Wait::Nothing, "broadcast_tx_async")] {
        let (engine, asked) = comet(json!({ "result": answer.clone() })).await;
        let checked = engine.broadcast(Bytes::from_static(b"tx"), wait).await.unwrap();
        assert_eq!((checked.code, checked.codespace.as_str(), checked.log.as_str()), (4, "sdk", "no"));
        assert_eq!((checked.hash, checked.data.as_ref()), ([0xcd; 32], [10, 11].as_slice()));
        let asked = asked.lock().unwrap().clone();
        assert_eq!((&asked["method"], &asked["params"]), (&json!(method), &json!({ "tx": "dHg=" })));
    }
}

#[tokio::test]
async fn words_of_the_mempool_become_errors_of_their_kind() {
    let full = "mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)";
    let large = "tx too large. Max size is 1048576, but got 1048580";
    for (words, expected) in [
        ("tx already exists in cache", EngineError::Known),
        (full, EngineError::Full(full.into())),
        (large, EngineError::TooLarge(large.into())),
        ("something else", EngineError::Invalid("something else".into())),
    ] {
        let (engine, _) = comet(refusal(words)).await;
        let sent = engine.broadcast(Bytes::from_static(b"tx"), Wait::Check).await;
        assert_eq!(sent.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_transaction_is_read_with_its_result() {
    let (engine, asked) = comet(json!({ "result": tx() })).await;
    let record = engine.tx([1; 32]).await.unwrap().unwrap();
    assert_eq!((record.hash, record.height, record.index), ([0xab; 32], 18, 3));
    assert_eq!((record.tx.as_ref(), record.result.data.as_ref()), (b"bytes".as_slice(), b"data".as_slice()));
    assert_eq!((record.result.gas_wanted, record.result.gas_used, record.result.code), (200_000, 61_234, 5));
    assert_eq!(record.result.events[0].attributes[0].key, "sender");
    assert_eq!(record.result.events.len(), 2);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked["params"], json!({ "hash": BASE64_STANDARD.encode([1; 32]), "prove": false }));

    let missing = format!("tx ({}) not found, err: %!w(<nil>)", "AB".repeat(32));
    let (engine, _) = comet(refusal(&missing)).await;
    assert_eq!(engine.tx([1; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn a_search_is_asked_in_text_and_counted() {
    let (engine, asked) = comet(json!({ "result": { "txs": [tx()], "total_count": "41" } })).await;
    let conditions = vec![
        Condition { key: "message.sender".into(), value: Wanted::Text("a".into()) },
        Condition { key: "tx.height".into(), value: Wanted::Number(18) },
    ];
    let search = Search { conditions, page: 2, limit: 40, descending: true };
    let found = engine.search(search).await.unwrap();
    assert_eq!((found.total, found.txs.len()), (41, 1));
    let expected = json!({
        "query": "message.sender='a' AND tx.height=18", "prove": false, "page": "2", "per_page": "40",
        "order_by": "desc",
    });
    assert_eq!(asked.lock().unwrap()["params"], expected);
}

#[tokio::test]
async fn a_block_is_read_also_the_first_and_none() {
    let part = json!({ "hash": "", "parts": { "total": 0, "hash": "" } });
    let hash = "EF".repeat(32);
    let block = json!({
        "header": {
            "version": { "block": "11", "app": "1" }, "chain_id": "c-1", "height": "1",
            "time": "2026-11-20T22:00:00.123456789Z", "last_block_id": part,
            "last_commit_hash": hash, "data_hash": hash, "validators_hash": hash, "next_validators_hash": hash,
            "consensus_hash": hash, "app_hash": "", "last_results_hash": hash, "evidence_hash": hash,
            "proposer_address": "01".repeat(20),
        },
        "data": { "txs": ["dHg="] }, "evidence": { "evidence": [] },
        "last_commit": { "height": "0", "round": 0, "block_id": part, "signatures": [] },
    });
    let id = json!({ "hash": hash, "parts": { "total": 1, "hash": hash } });
    let (engine, asked) = comet(json!({ "result": { "block_id": id, "block": block } })).await;
    let record = engine.block(Some(1)).await.unwrap().unwrap();
    let header = record.block.header.unwrap();
    assert_eq!((record.block_id.hash, header.height, header.chain_id.as_str()), (vec![0xef; 32], 1, "c-1"));
    assert_eq!(
        (header.time.unwrap().nanos, record.block.data.unwrap().txs),
        (123_456_789, vec![b"tx".to_vec()])
    );
    assert_eq!(asked.lock().unwrap()["params"], json!({ "height": "1" }));

    let (engine, asked) = comet(json!({ "result": { "block_id": part, "block": null } })).await;
    assert_eq!(engine.block(None).await.unwrap(), None);
    assert_eq!(asked.lock().unwrap()["params"], json!({}));
    let above = "height 1017 must be less than or equal to the current blockchain height 17";
    let (engine, _) = comet(refusal(above)).await;
    assert_eq!(engine.block(Some(1017)).await.unwrap(), None);
}

fn rules() -> Value {
    json!({ "result": { "block_height": "18", "consensus_params": {
        "block": { "max_bytes": "22020096", "max_gas": "-1" },
        "evidence": { "max_age_num_blocks": "100000", "max_age_duration": "172800000000001", "max_bytes": "5" },
        "validator": { "pub_key_types": ["ed25519"] }, "version": {},
        "abci": { "vote_extensions_enable_height": "2" },
    }}})
}

#[tokio::test]
async fn while_a_block_is_executed_the_rules_that_it_was_made_by_are_read() {
    let early = refusal("could not find consensus params for height #18: value retrieved from db is empty");
    let last = json!({ "result": { "block": { "header": { "height": "17" } } } });
    let (engine, asked) = comet(json!([early, last, rules()])).await;
    assert_eq!(engine.consensus_params().await.unwrap().block.unwrap().max_gas, -1);
    assert_eq!(asked.lock().unwrap()["params"], json!({ "height": "17" }));
}

#[tokio::test]
async fn rules_and_status_are_read() {
    let (engine, _) = comet(rules()).await;
    let params = engine.consensus_params().await.unwrap();
    assert_eq!((params.block.unwrap().max_bytes, params.block.unwrap().max_gas), (22_020_096, -1));
    let age = params.evidence.unwrap().max_age_duration.unwrap();
    assert_eq!((age.seconds, age.nanos), (172_800, 1));
    assert_eq!(params.abci.unwrap().vote_extensions_enable_height, 2);

    let (engine, _) = comet(json!({ "result": {
        "node_info": {
            "protocol_version": { "p2p": "8", "block": "11", "app": "1" }, "id": "aa", "network": "c-1",
            "listen_addr": "tcp://0.0.0.0:26656", "version": "0.38.15", "channels": "4020", "moniker": "n0",
            "other": { "tx_index": "on", "rpc_address": "tcp://0.0.0.0:26657" },
        },
        "sync_info": { "catching_up": true }, "validator_info": {},
    }}))
    .await;
    let status = engine.status().await.unwrap();
    assert!(status.catching_up);
    assert_eq!((status.info.network.as_str(), status.info.channels), ("c-1", vec![0x40, 0x20]));
    assert_eq!(status.info.protocol_version.unwrap().block, 11);
}

#[tokio::test]
async fn a_node_that_is_gone_or_babbles_is_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let engine = CometEngine::new(&format!("http://{free}")).unwrap();
    assert!(matches!(engine.status().await, Err(EngineError::Unavailable(_))));
    for answer in
        [json!({}), json!({ "result": {} }), json!({ "result": { "hash": "x" } }), json!({ "result": 5 })]
    {
        let (engine, _) = comet(answer.clone()).await;
        assert!(matches!(engine.status().await, Err(EngineError::Failed(_))), "{answer}");
        assert!(matches!(engine.tx([0; 32]).await, Err(EngineError::Failed(_))), "{answer}");
    }
    for url in ["https://127.0.0.1", "unix:///run/x", "nonsense"] {
        assert!(matches!(CometEngine::new(url), Err(EngineError::Invalid(_))), "{url}");
    }
}
