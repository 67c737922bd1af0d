//! Every method with good, extreme and hostile arguments, in each form a call can have.

use serde_json::{json, Value};

use crate::support::net::{any_port, Running};
use crate::support::socket::Socket;

/// Longest answer to arguments that nobody who means well would send; a chain of five small blocks is told in it.
const MAX_ANSWER: usize = 100_000;

/// A call that goes well for each method that an address has, with all of its arguments.
fn good(node: &Running) -> Vec<(&'static str, Value)> {
    let block = node.call("block", json!({ "height": "2" }))["block_id"]["hash"].clone();
    let tx = node.call("tx_search", json!({ "query": "kv.key='b'" }))["txs"][0]["hash"].clone();
    let page =
        json!({ "query": "tx.height=2", "prove": true, "page": "1", "per_page": "2", "order_by": "desc" });
    vec![
        ("abci_info", json!({})),
        ("abci_query", json!({ "path": "/echo", "data": "0a0b", "height": "0", "prove": false })),
        ("block", json!({ "height": "2" })),
        ("block_by_hash", json!({ "hash": block })),
        ("block_results", json!({ "height": "2" })),
        ("block_search", json!({ "query": "block.at>1", "page": "1", "per_page": "1", "order_by": "asc" })),
        ("blockchain", json!({ "minHeight": "1", "maxHeight": "2" })),
        ("broadcast_tx_async", json!({ "tx": "bT0x" })),
        ("broadcast_tx_commit", json!({ "tx": "YmFk" })),
        ("broadcast_tx_sync", json!({ "tx": "bT0y" })),
        ("check_tx", json!({ "tx": "bT0z" })),
        ("commit", json!({ "height": "2" })),
        ("consensus_params", json!({ "height": "2" })),
        ("consensus_state", json!({})),
        ("dump_consensus_state", json!({})),
        ("genesis", json!({})),
        ("genesis_chunked", json!({ "chunk": "0" })),
        ("header", json!({ "height": "2" })),
        ("header_by_hash", json!({ "hash": block })),
        ("health", json!({})),
        ("net_info", json!({})),
        ("num_unconfirmed_txs", json!({})),
        ("status", json!({})),
        ("tx", json!({ "hash": tx, "prove": true })),
        ("tx_search", page),
        ("unconfirmed_txs", json!({ "limit": "5" })),
        ("validators", json!({ "height": "2", "page": "1", "per_page": "2" })),
    ]
}

/// The node's own list: methods and the names of their arguments.
fn listed(node: &Running) -> Vec<(String, Vec<String>)> {
    let page = String::from_utf8(node.get("/").body).unwrap();
    let rows = page.lines().filter_map(|line| line.split_once('?'));
    let rows = rows.filter(|(name, _)| !name.contains(' '));
    rows.map(|(name, params)| {
        (name.to_owned(), params.split('&').filter(|param| !param.is_empty()).map(str::to_owned).collect())
    })
    .collect()
}

fn hostile_values() -> Vec<Value> {
    let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let mut values = vec![json!(true), json!({}), json!([]), json!({ "a": { "b": [null] } }), deep(100)];
    values.extend([json!(0), json!(-1), json!(1.5), json!(i64::MAX), json!(i64::MIN), json!(u64::MAX)]);
    let texts = [
        "",
        "0",
        "-1",
        "1e9",
        "+1",
        "0x",
        "0xzz",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999999999999999",
        "\u{0}\u{1}\u{7f}",
        "\u{202e}\u{1f4a9}\u{e4}",
        "'; DROP TABLE blocks; --",
        "<script>alert(1)</script>",
        "../../../../etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "${jndi:ldap://x}",
        "%00%0d%0aX: y",
        "tx.height>0 AND ",
        "a.b CONTAINS 'x' AND tx.height>-1",
        "====",
        "AAAA",
    ];
    values.extend(texts.into_iter().map(Value::from));
    values.extend([
        Value::from("x".repeat(20_000)),
        Value::from("f".repeat(64)),
        Value::from("A".repeat(43)),
    ]);
    values
}

/// An answer is one, is bounded, and is an error of the kinds that there are or a result.
fn judge(answer: &Value, what: &str) -> bool {
    assert_eq!(answer["jsonrpc"], "2.0", "{what}");
    assert!(answer.to_string().len() < MAX_ANSWER, "{what}: {} bytes", answer.to_string().len());
    let code = answer["error"]["code"].as_i64();
    assert_ne!(code.is_some(), answer.get("result").is_some(), "{what}: {answer}");
    assert!(code.is_none_or(|code| [-32602, -32603].contains(&code)), "{what}: {answer}");
    assert!(!answer["error"]["data"].as_str().unwrap_or_default().contains("within the node"), "{what}");
    code.is_none()
}

fn node() -> Running {
    let mut rpc = any_port();
    rpc.commit_timeout = std::time::Duration::from_millis(20);
    Running::blocks_with(rpc)
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn every_method_answers_good_arguments_alike_in_every_form() {
    let node = node();
    let good = good(&node);
    let mut names: Vec<&str> = good.iter().map(|(name, _)| *name).collect();
    let mut known: Vec<String> = listed(&node).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    known.retain(|name| name != "broadcast_evidence");
    known.sort_unstable();
    assert_eq!(names, known, "the table has all methods that can go well");
    let mut socket = Socket::open(&node);
    let mut calls = 0;
    for (name, params) in good {
        let order = listed(&node).into_iter().find(|(each, _)| each == name).unwrap().1;
        // What is sent again is refused as known: each form has a transaction of its own.
        let with = |tx: &str| {
            let mut params = params.clone();
            if name.starts_with("broadcast_tx") {
                params["tx"] = format!("{}{tx}", params["tx"].as_str().unwrap()).into();
            }
            params
        };
        let listed_as = |params: Value| order.iter().map(|param| params[param].clone()).collect::<Vec<_>>();
        let list = listed_as(params.clone());
        assert_eq!(list.len(), params.as_object().unwrap().len(), "{name}: all arguments are given");
        let uri: Vec<String> =
            order.iter().zip(&list).map(|(param, value)| uri_argument(param, value)).collect();
        let forms = [
            json!({ "result": node.call(name, params.clone()) }),
            json!({ "result": node.call(name, listed_as(with("AAAA")).into()) }),
            node.get(&format!("/{name}?{}", uri.join("&"))).json(),
            socket.call(1, name, with("BBBB")),
        ];
        for form in &forms {
            assert!(form["error"].is_null(), "{name}: {form}");
            // What waits has changed meanwhile.
            if !name.contains("unconfirmed") && !name.starts_with("broadcast") {
                assert_eq!(form["result"], forms[0]["result"], "{name}");
            }
            calls += 1;
        }
    }
    println!("good calls: {calls} of {} methods", names.len());
    assert!(calls >= 4 * 27);
}

/// As clients write it: numbers and flags bare, bytes after `0x`, texts in quotes.
fn uri_argument(param: &str, value: &Value) -> String {
    let Value::String(text) = value else { return format!("{param}={value}") };
    match param {
        "hash" | "data" => format!("{param}=0x{text}"),
        "tx" => {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
            // Another one, since the same is refused as known.
            format!("{param}=0x{}75", hex::encode(bytes))
        }
        "query" | "path" | "order_by" => format!("{param}={}", escaped(&format!("\"{text}\""))),
        _ => format!("{param}={text}"),
    }
}

#[test]
fn every_argument_of_every_method_may_be_hostile() {
    let node = node();
    let mut socket = Socket::open(&node);
    let (mut calls, mut refused) = (0, 0);
    let mut count = |answered: bool| {
        calls += 1;
        refused += usize::from(!answered);
    };
    let methods = listed(&node);
    for (name, params) in &methods {
        for (place, param) in params.iter().enumerate() {
            for value in hostile_values() {
                let what =
                    format!("{name} {param}={}", value.to_string().chars().take(60).collect::<String>());
                count(judge(&socket.call(what.as_str(), name, json!({ param.as_str(): value })), &what));
                let mut list = vec![Value::Null; place];
                list.push(value.clone());
                count(judge(&socket.call(7, name, Value::from(list)), &what));
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                for text in [escaped(&text), escaped(&value.to_string()), format!("0x{}", hex::encode(&text))]
                {
                    // A first line may not be as long as a body.
                    if text.len() > 8_000 {
                        continue;
                    }
                    let answer = node.get(&format!("/{name}?{param}={text}"));
                    let went_well = answer.json().get("error").is_none();
                    assert_eq!(answer.status, if went_well { 200 } else { 500 }, "{what}");
                    assert!(answer.head.contains("content-type: application/json"), "nothing is a page");
                    count(judge(&answer.json(), &what));
                }
            }
        }
        for params in [json!({ "no": "such" }), json!([1, 2, 3, 4, 5, 6, 7]), json!({ "\u{0}": null })] {
            judge(&node.post_call(name, params), name);
            count(true);
        }
    }
    println!("hostile calls: {calls}, refused: {refused}, methods: {}", methods.len());
    assert!(calls > 3_000 && refused > calls / 2);
    assert_eq!(node.call("health", json!({})), json!({}));
    assert_eq!(node.step().height, 5, "blocks are made as before");
}

#[test]
fn net_19_a_call_that_panics_is_one_error() {
    let node = node();
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "abci_query", "params": { "path": "/panic" } },
        { "jsonrpc": "2.0", "id": 2, "method": "health" },
    ]);
    let answers = node.post(batch.to_string()).json();
    assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&json!(1), &json!(-32603)));
    assert_eq!((&answers[1]["id"], &answers[1]["result"]), (&json!(2), &json!({})));
    let mut socket = Socket::open(&node);
    let answer = socket.call("p", "abci_query", json!({ "path": "/panic" }));
    assert_eq!(answer["error"]["data"], "the call failed within the node");
    assert_eq!(socket.call("h", "health", json!({}))["result"], json!({}));
    node.step();
}
