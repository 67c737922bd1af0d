//! JSON-RPC: the fields and types that clients need, read by `tendermint-rpc` and field by field.

use crate::support::net::{any_port, Running};
use serde_json::{json, Value};
use tendermint_rpc::endpoint;

/// What a field must be. Upper-case hex and base64 of a length in bytes; `Text` may be empty, `Filled` not.
#[derive(Clone, Copy, Debug)]
enum Is {
    Text,
    Filled,
    Int64,
    Number,
    Flag,
    Hex(usize),
    Base64(usize),
    Time,
    List,
    Null,
}

fn check(method: &str, value: &Value, rows: &[(&str, Is)]) {
    for (path, is) in rows {
        let found = value.pointer(&format!("/{}", path.replace('.', "/")));
        let found = found.unwrap_or_else(|| panic!("{method}: {path} is missing in {value:#}"));
        let text = found.as_str().unwrap_or_default();
        let upper_hex = || text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        let good = match is {
            Is::Text => found.is_string(),
            Is::Filled => !text.is_empty(),
            Is::Int64 => !text.is_empty() && text.parse::<i64>().is_ok(),
            Is::Number => found.is_u64(),
            Is::Flag => found.is_boolean(),
            Is::Hex(bytes) => text.len() == 2 * bytes && upper_hex(),
            Is::Base64(bytes) => found.is_string() && decode(text).len() == *bytes,
            Is::Time => text.ends_with('Z') && tendermint::Time::parse_from_rfc3339(text).is_ok(),
            Is::List => found.is_array(),
            Is::Null => found.is_null(),
        };
        assert!(good, "{method}: {path} is {found}, expected {is:?}");
    }
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn prefixed(prefix: &str, rows: &[(&'static str, Is)]) -> Vec<(&'static str, Is)> {
    let join = |path: &str| -> &'static str { Box::leak(format!("{prefix}.{path}").into_boxed_str()) };
    rows.iter().map(|(path, is)| (join(path), *is)).collect()
}

const BLOCK_ID: [(&str, Is); 3] =
    [("hash", Is::Hex(32)), ("parts.total", Is::Number), ("parts.hash", Is::Hex(32))];

const HEADER: [(&str, Is); 15] = [
    ("version.block", Is::Int64),
    ("chain_id", Is::Filled),
    ("height", Is::Int64),
    ("time", Is::Time),
    ("last_block_id.hash", Is::Text),
    ("last_block_id.parts.total", Is::Number),
    ("last_commit_hash", Is::Hex(32)),
    ("data_hash", Is::Hex(32)),
    ("validators_hash", Is::Hex(32)),
    ("next_validators_hash", Is::Hex(32)),
    ("consensus_hash", Is::Hex(32)),
    ("app_hash", Is::Hex(32)),
    ("last_results_hash", Is::Hex(32)),
    ("evidence_hash", Is::Hex(32)),
    ("proposer_address", Is::Hex(20)),
];

const COMMIT: [(&str, Is); 7] = [
    ("height", Is::Int64),
    ("round", Is::Number),
    ("block_id.hash", Is::Hex(32)),
    ("signatures.0.block_id_flag", Is::Number),
    ("signatures.0.validator_address", Is::Hex(20)),
    ("signatures.0.timestamp", Is::Time),
    ("signatures.0.signature", Is::Base64(64)),
];

const TX_RESULT: [(&str, Is); 10] = [
    ("code", Is::Number),
    ("data", Is::Base64(3)),
    ("log", Is::Text),
    ("info", Is::Text),
    ("gas_wanted", Is::Int64),
    ("gas_used", Is::Int64),
    ("events.0.type", Is::Filled),
    ("events.0.attributes.0.key", Is::Filled),
    ("events.0.attributes.0.index", Is::Flag),
    ("codespace", Is::Text),
];

const TX: [(&str, Is); 4] =
    [("hash", Is::Hex(32)), ("height", Is::Int64), ("index", Is::Number), ("tx", Is::Base64(3))];

const PROOF: [(&str, Is); 6] = [
    ("root_hash", Is::Hex(32)),
    ("data", Is::Base64(3)),
    ("proof.total", Is::Int64),
    ("proof.index", Is::Int64),
    ("proof.leaf_hash", Is::Base64(32)),
    ("proof.aunts", Is::List),
];

#[test]
fn status_says_who_and_where_the_node_is() {
    let node = Running::with_blocks();
    let status = node.call("status", json!({}));
    let rows = [
        ("node_info.protocol_version.p2p", Is::Int64),
        ("node_info.protocol_version.block", Is::Int64),
        ("node_info.protocol_version.app", Is::Int64),
        ("node_info.id", Is::Filled),
        ("node_info.listen_addr", Is::Filled),
        ("node_info.channels", Is::Text),
        ("node_info.moniker", Is::Filled),
        ("node_info.other.tx_index", Is::Filled),
        ("node_info.other.rpc_address", Is::Filled),
        ("sync_info.latest_block_hash", Is::Hex(32)),
        ("sync_info.latest_app_hash", Is::Hex(32)),
        ("sync_info.latest_block_height", Is::Int64),
        ("sync_info.latest_block_time", Is::Time),
        ("sync_info.earliest_block_hash", Is::Hex(32)),
        ("sync_info.earliest_app_hash", Is::Hex(32)),
        ("sync_info.earliest_block_height", Is::Int64),
        ("sync_info.earliest_block_time", Is::Time),
        ("sync_info.catching_up", Is::Flag),
        ("validator_info.address", Is::Hex(20)),
        ("validator_info.pub_key.type", Is::Filled),
        ("validator_info.pub_key.value", Is::Base64(32)),
        ("validator_info.voting_power", Is::Int64),
    ];
    check("status", &status, &rows);
    assert_eq!(status["node_info"]["version"], "0.38.25");
    assert_eq!(status["node_info"]["network"], "solo-test-1");
    assert_eq!(status["sync_info"]["latest_block_height"], "4");
    assert_eq!(status["sync_info"]["earliest_block_height"], "1");
    let theirs: endpoint::status::Response = serde_json::from_value(status).unwrap();
    assert!(!theirs.sync_info.catching_up);
    assert_eq!(theirs.sync_info.latest_block_height.value(), 4);
}

#[test]
fn status_answers_before_the_first_block() {
    let node = Running::start(any_port());
    let status = node.call("status", json!({}));
    assert_eq!(status["sync_info"]["latest_block_height"], "0");
    assert!(node.try_call("header", json!({ "height": "1" })).is_err());
    assert_eq!(node.call("blockchain", json!({}))["block_metas"], json!([]));
    assert_eq!(node.call("block", json!({}))["block"], Value::Null);
}

#[test]
fn blocks_headers_and_commits_are_whole() {
    let node = Running::with_blocks();
    for height in 1..=4 {
        let block = node.call("block", json!({ "height": height.to_string() }));
        check("block", &block, &prefixed("block_id", &BLOCK_ID));
        check("block", &block, &prefixed("block.header", &HEADER));
        let rest = [
            ("block.data.txs", Is::List),
            ("block.evidence.evidence", Is::List),
            ("block.last_commit.height", Is::Int64),
            ("block.last_commit.round", Is::Number),
            ("block.last_commit.block_id.hash", Is::Text),
            ("block.last_commit.signatures", Is::List),
        ];
        check("block", &block, &rest);
        let theirs: endpoint::block::Response = serde_json::from_value(block.clone()).unwrap();
        assert_eq!(theirs.block.header.height.value(), height);
        assert_eq!(theirs.block.header.hash(), theirs.block_id.hash);
        let hash = decode_hex(block["block_id"]["hash"].as_str().unwrap());
        assert_eq!(node.call("block_by_hash", json!({ "hash": hash })), block);
        let header = node.call("header", json!({ "height": height }));
        assert_eq!(header["header"], block["block"]["header"]);
        assert_eq!(node.call("header_by_hash", json!({ "hash": hash })), header);
        let commit = node.call("commit", json!({ "height": height }));
        check("commit", &commit, &prefixed("signed_header.header", &HEADER));
        check("commit", &commit, &prefixed("signed_header.commit", &COMMIT));
        assert_eq!(commit["canonical"], height < 4);
        serde_json::from_value::<endpoint::commit::Response>(commit).unwrap();
    }
    let first = &node.call("block", json!({ "height": 1 }))["block"];
    let nothing = json!({ "hash": "", "parts": { "total": 0, "hash": "" } });
    assert_eq!(first["header"]["last_block_id"], nothing);
    assert_eq!(
        first["last_commit"],
        json!({ "height": "0", "round": 0, "block_id": nothing, "signatures": [] })
    );
    assert_eq!(node.call("commit", json!({ "height": null }))["signed_header"]["header"]["height"], "4");
    assert_eq!(node.call("block_by_hash", json!({ "hash": "00".repeat(32) }))["block"], Value::Null);
}

fn decode_hex(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(hex::decode(text).unwrap())
}

#[test]
fn block_results_and_the_chain_of_headers() {
    let node = Running::with_blocks();
    let results = node.call("block_results", json!({ "height": "2" }));
    check("block_results", &results, &[("height", Is::Int64), ("finalize_block_events", Is::List)]);
    check(
        "block_results",
        &results,
        &[("validator_updates", Is::Null), ("consensus_param_updates", Is::Null)],
    );
    check("block_results", &results, &[("app_hash", Is::Base64(32))]);
    check("block_results", &results, &prefixed("txs_results.1", &TX_RESULT));
    let theirs: endpoint::block_results::Response = serde_json::from_value(results).unwrap();
    assert_eq!(theirs.txs_results.unwrap().len(), 4);
    assert_eq!(theirs.finalize_block_events[0].kind, "block");
    let chain = node.call("blockchain", json!({ "minHeight": "2", "maxHeight": "3" }));
    assert_eq!(chain["last_height"], "4");
    check("blockchain", &chain, &prefixed("block_metas.0.header", &HEADER));
    let theirs: endpoint::blockchain::Response = serde_json::from_value(chain).unwrap();
    assert_eq!(theirs.block_metas.iter().map(|meta| meta.header.height.value()).collect::<Vec<_>>(), [3, 2]);
    assert!(node.try_call("blockchain", json!({ "minHeight": "4", "maxHeight": "3" })).is_err());
    let all = node.call("blockchain", json!({ "minHeight": 0, "maxHeight": i64::MAX }));
    assert_eq!(all["block_metas"].as_array().unwrap().len(), 4);
}

#[test]
fn what_the_chain_is_made_of() {
    let node = Running::with_blocks();
    let set = node.call("validators", json!({ "height": "5", "per_page": "2" }));
    assert_eq!((&set["block_height"], &set["count"], &set["total"]), (&json!("5"), &json!("2"), &json!("3")));
    let rows = [
        ("validators.0.address", Is::Hex(20)),
        ("validators.0.pub_key.type", Is::Filled),
        ("validators.0.pub_key.value", Is::Base64(32)),
        ("validators.0.voting_power", Is::Int64),
        ("validators.0.proposer_priority", Is::Int64),
    ];
    check("validators", &set, &rows);
    serde_json::from_value::<endpoint::validators::Response>(set).unwrap();
    let rest = node.call("validators", json!({ "page": "2", "per_page": "2" }));
    assert_eq!(rest["validators"].as_array().unwrap().len(), 1);
    assert!(node.try_call("validators", json!({ "height": "6" })).is_err());
    let genesis = node.call("genesis", json!({}));
    assert_eq!(genesis["genesis"]["app_state"], json!({ "a": 1 }));
    serde_json::from_value::<endpoint::genesis::Response<Value>>(genesis).unwrap();
    let params = node.call("consensus_params", json!({ "height": "4" }));
    let theirs: endpoint::consensus_params::Response = serde_json::from_value(params).unwrap();
    assert_eq!(theirs.consensus_params.block.max_gas, -1);
    serde_json::from_value::<endpoint::net_info::Response>(node.call("net_info", json!({}))).unwrap();
    assert_eq!(node.call("health", json!({})), json!({}));
}

#[test]
fn the_application_answers_queries() {
    let node = Running::with_blocks();
    let info = node.call("abci_info", json!({}));
    let theirs: endpoint::abci_info::Response = serde_json::from_value(info.clone()).unwrap();
    assert_eq!(theirs.response.last_block_height.value(), 4);
    check("abci_info", &info, &[("response.last_block_app_hash", Is::Base64(32))]);
    let found = node.call("abci_query", json!({ "path": "/echo", "data": "0a0b", "prove": false }));
    let rows = [
        ("response.code", Is::Number),
        ("response.log", Is::Text),
        ("response.info", Is::Text),
        ("response.index", Is::Int64),
        ("response.key", Is::Null),
        ("response.value", Is::Base64(2)),
        ("response.proofOps", Is::Null),
        ("response.height", Is::Int64),
        ("response.codespace", Is::Text),
    ];
    check("abci_query", &found, &rows);
    let theirs: endpoint::abci_query::Response = serde_json::from_value(found).unwrap();
    assert_eq!((theirs.response.value, theirs.response.height.value()), (vec![10, 11], 4));
    let missing = node.call("abci_query", json!({ "path": "/else", "data": "" }));
    assert_eq!(missing["response"]["code"], 22);
    assert_eq!(missing["response"]["value"], Value::Null);
    assert!(missing["response"]["log"].as_str().unwrap().starts_with("rpc error: code = NotFound"));
}

#[test]
fn transactions_are_sent_waited_for_and_found() {
    let node = Running::with_blocks();
    let sent = node.call("broadcast_tx_sync", json!({ "tx": "Yz01" }));
    check("broadcast_tx_sync", &sent, &[("code", Is::Number), ("data", Is::Text), ("log", Is::Text)]);
    check("broadcast_tx_sync", &sent, &[("codespace", Is::Text), ("hash", Is::Hex(32))]);
    serde_json::from_value::<endpoint::broadcast::tx_sync::Response>(sent.clone()).unwrap();
    let again = node.try_call("broadcast_tx_sync", json!({ "tx": "Yz01" })).unwrap_err();
    assert_eq!(
        again,
        json!({ "code": -32603, "message": "Internal error", "data": "tx already exists in cache" })
    );
    let bad = node.call("broadcast_tx_sync", json!({ "tx": "YmFk" }));
    assert_eq!(
        (&bad["code"], &bad["codespace"], &bad["log"]),
        (&json!(7), &json!("fake"), &json!("it is bad"))
    );
    let told = node.call("broadcast_tx_async", json!({ "tx": "YmFkZGVy" }));
    assert_eq!(told["code"], 0, "the verdict is not waited for");
    serde_json::from_value::<endpoint::broadcast::tx_async::Response>(told).unwrap();
    let waiting = node.call("unconfirmed_txs", json!({ "limit": "5" }));
    assert_eq!(waiting, json!({ "n_txs": "1", "total": "1", "total_bytes": "3", "txs": ["Yz01"] }));
    assert_eq!(node.call("num_unconfirmed_txs", json!({}))["total"], "1");
    let hash = sent["hash"].as_str().unwrap();
    assert!(node.try_call("tx", json!({ "hash": decode_hex(hash) })).unwrap_err()["data"]
        .as_str()
        .unwrap()
        .contains("not found"));
    node.step();
    let found = node.call("tx", json!({ "hash": decode_hex(hash), "prove": true }));
    check("tx", &found, &TX);
    check("tx", &found, &prefixed("tx_result", &TX_RESULT));
    check("tx", &found, &prefixed("proof", &PROOF));
    let theirs: endpoint::tx::Response = serde_json::from_value(found.clone()).unwrap();
    assert_eq!((theirs.height.value(), theirs.index), (5, 1));
    assert_eq!(theirs.proof.unwrap().proof.index, 1);
    let header = node.call("header", json!({ "height": 5 }));
    assert_eq!(found["proof"]["root_hash"], header["header"]["data_hash"]);
}

#[test]
fn a_commit_is_answered_with_the_block() {
    let node = Running::start_with(|config| {
        config.rpc = Some(any_port());
        config.production = solo::Production::Every(std::time::Duration::from_millis(20));
    });
    let done = node.call("broadcast_tx_commit", json!({ "tx": "ZD03" }));
    check("broadcast_tx_commit", &done, &[("hash", Is::Hex(32)), ("height", Is::Int64)]);
    check("broadcast_tx_commit", &done, &prefixed("tx_result", &TX_RESULT));
    let rows =
        [("check_tx.code", Is::Number), ("check_tx.gas_wanted", Is::Int64), ("check_tx.events", Is::List)];
    check("broadcast_tx_commit", &done, &rows);
    let theirs: endpoint::broadcast::tx_commit::Response = serde_json::from_value(done).unwrap();
    assert!(theirs.height.value() > 0 && theirs.tx_result.code.is_ok());
    let refused = node.call("broadcast_tx_commit", json!({ "tx": "YmFk" }));
    assert_eq!((&refused["check_tx"]["code"], &refused["height"]), (&json!(7), &json!("0")));
    check("broadcast_tx_commit", &refused, &[("tx_result.code", Is::Number), ("check_tx.data", Is::Null)]);
}

#[test]
fn a_commit_that_does_not_come_is_given_up() {
    let mut rpc = any_port();
    rpc.commit_timeout = std::time::Duration::from_millis(50);
    let node = Running::start(rpc);
    let error = node.try_call("broadcast_tx_commit", json!({ "tx": "ZD03" })).unwrap_err();
    assert_eq!(error["data"], "timed out waiting for tx to be included in a block");
}

#[test]
fn searches_find_by_hash_height_and_events() {
    let node = Running::with_blocks();
    let search = |query: &str| {
        let found = node.call("tx_search", json!({ "query": query, "page": "1" }));
        serde_json::from_value::<endpoint::tx_search::Response>(found.clone()).unwrap();
        let texts = found["txs"].as_array().unwrap().iter();
        let texts: Vec<String> =
            texts.map(|tx| String::from_utf8(decode(tx["tx"].as_str().unwrap())).unwrap()).collect();
        assert_eq!(found["total_count"], texts.len().to_string());
        texts
    };
    let hash = node.call("tx_search", json!({ "query": "kv.key='b'" }))["txs"][0]["hash"].clone();
    assert_eq!(search(&format!("tx.hash='{}'", hash.as_str().unwrap())), ["b=2"]);
    assert_eq!(search(&format!("tx.hash = '{}' AND tx.height=9", hash.as_str().unwrap())), [""; 0]);
    assert_eq!(search(&format!("tx.hash='{}'", "00".repeat(32))), [""; 0]);
    assert_eq!(search("kv.key='a'"), ["a=1", "a=3"]);
    assert_eq!(search("kv.key='a' AND kv.value='3'"), ["a=3"]);
    assert_eq!(search("kv.key='a' AND tx.height>2"), [""; 0]);
    assert_eq!(search("kv.key='fail'"), ["fail=1"]);
    assert_eq!(search("tx.height=2 AND tm.event='Tx'").len(), 4);
    assert_eq!(search("tx.height>=2 AND tx.height<4").len(), 6);
    assert_eq!(search("kv.key='nothing'"), [""; 0]);
    assert_eq!(search("kv.value>1 AND tx.height=2 AND kv.value<3.5"), ["b=2", "a=3"]);
    assert_eq!(search("kv.value<=2 AND kv.key='b'"), ["b=2"]);
    assert_eq!(search("kv.key CONTAINS 'ai'"), ["fail=1"]);
    assert_eq!(search("kv.key EXISTS AND tx.height=3 AND kv.value>=1"), ["votes=2:3,2:2,2:1", "fail=1"]);
    assert_eq!(search("kv.key EXISTS AND kv.nothing EXISTS"), [""; 0]);
    assert_eq!(search("tx.height EXISTS").len(), 8);
    assert_eq!(search("tx.height > 2.5 AND tx.height < 3.5 AND kv.key='fail'"), ["fail=1"]);
    let page = |page: u64, order: &str| {
        let params = json!({ "query": "tx.height=2", "page": page, "per_page": "3", "order_by": order });
        node.try_call("tx_search", params)
    };
    let second = page(2, "asc").unwrap();
    assert_eq!((&second["total_count"], second["txs"].as_array().unwrap().len()), (&json!("4"), 1));
    assert_eq!(second["txs"][0]["index"], 3);
    assert_eq!(page(1, "desc").unwrap()["txs"][0]["index"], 3);
    assert!(page(3, "asc").is_err() && page(1, "sideways").is_err());
    let proven = node.call("tx_search", json!({ "query": "kv.key='b'", "prove": true }));
    check("tx_search", &proven, &prefixed("txs.0.proof", &PROOF));
}

#[test]
fn blocks_are_found_by_height_and_events() {
    let node = Running::with_blocks();
    let search = |query: &str, order: Value| {
        let params = json!({ "query": query, "order_by": order, "page": "1", "per_page": "50" });
        let found = node.call("block_search", params);
        let blocks = found["blocks"].as_array().unwrap();
        assert_eq!(found["total_count"], blocks.len().to_string());
        let heights =
            blocks.iter().map(|block| block["block"]["header"]["height"].as_str().unwrap().to_owned());
        heights.collect::<Vec<_>>()
    };
    assert_eq!(search("block.height=2", Value::Null), ["2"]);
    assert_eq!(search("block.height>2", Value::Null), ["4", "3"]);
    assert_eq!(search("block.at<=2", "asc".into()), ["1", "2"]);
    assert_eq!(
        search("block.at EXISTS AND block.height<4 AND tm.event='NewBlock'", "desc".into()),
        ["3", "2", "1"]
    );
    assert_eq!(search("block.at='2' AND block.at>=2", Value::Null), ["2"]);
    assert_eq!(search("kv.key='a'", Value::Null), [""; 0]);
    let block = node.call("block_search", json!({ "query": "block.at=2" }))["blocks"][0].clone();
    assert_eq!(block, node.call("block", json!({ "height": "2" })));
}

#[test]
fn arguments_in_the_uri_do_the_same() {
    let node = Running::with_blocks();
    let get = |path: &str| {
        let answer = node.get(path);
        let status = answer.status;
        let answer = answer.json();
        // The statuses of CometBFT.
        let expected = match answer["error"]["code"].as_i64() {
            None => 200,
            Some(-32601) => 404,
            Some(_) => 500,
        };
        assert_eq!(status, expected, "{path}");
        assert_eq!(answer["id"], -1);
        answer
    };
    assert_eq!(get("/block?height=2")["result"], node.call("block", json!({ "height": 2 })));
    assert_eq!(get("/block?height=\"2\"")["result"]["block"]["header"]["height"], "2");
    assert_eq!(get("/status")["result"]["sync_info"]["latest_block_height"], "4");
    assert_eq!(get("/abci_query?path=%22/echo%22&data=0x0a0b")["result"]["response"]["value"], "Cgs=");
    assert_eq!(get("/tx_search?query=\"kv.key='b'\"&per_page=1")["result"]["total_count"], "1");
    let hash = node.call("tx_search", json!({ "query": "kv.key='b'" }))["txs"][0]["hash"].clone();
    assert_eq!(get(&format!("/tx?hash=0x{}", hash.as_str().unwrap()))["result"]["height"], "2");
    assert_eq!(get("/broadcast_tx_sync?tx=\"k=v\"")["result"]["code"], 0);
    assert_eq!(get("/broadcast_tx_sync?tx=0x6b3d77")["result"]["code"], 0);
    assert_eq!(get("/nothing")["error"]["code"], -32601);
    assert_eq!(node.get("/websocket").status, 400);
    assert_eq!(get("/subscribe?query=\"tm.event='Tx'\"")["error"]["code"], -32601);
    assert_eq!(get("/block?height=two")["error"]["code"], -32602);
    assert_eq!(get("/tx?hash=0xzz")["error"]["code"], -32602);
    assert_eq!(get("/block?height=%zz")["error"]["code"], -32602);
    assert!(String::from_utf8(node.get("/").body).unwrap().contains("tx_search?query&prove"));
}

#[test]
fn heights_that_are_not_there_are_refused_in_the_words_clients_read() {
    let node = Running::with_blocks();
    for method in ["block", "block_results", "commit", "header"] {
        let refused = |height: Value| {
            let error = node.try_call(method, json!({ "height": height })).unwrap_err();
            assert_eq!(error["code"], -32603);
            error["data"].as_str().unwrap().to_owned()
        };
        let future = "height 1017 must be less than or equal to the current blockchain height 4";
        assert_eq!(refused("1017".into()), future);
        assert_eq!(refused(json!(0)), "height must be greater than 0, but got 0");
        assert_eq!(refused(json!("-3")), "height must be greater than 0, but got -3");
    }
}
