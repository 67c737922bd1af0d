//! Names and types of all fields against those that a node of CometBFT 0.38 answered with.
//!
//! `RECORD_RPC=127.0.0.1:26657` asks the node behind that address and writes `tests/recorded/shapes.txt` anew; it
//! must have a height of 5 and trade, see `scripts/localnet`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Value};

use crate::support::net::{post_to, Running};
use crate::support::socket::Socket;

/// Types by path, as `method path`. Elements of lists have `[]` for their place.
type Shapes = BTreeMap<String, BTreeSet<&'static str>>;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/shapes.txt");

/// What CometBFT leaves out of events where it is zero, empty or absent; clients read it all the same.
const LEFT_OUT: [&str; 5] = [
    "no_such_method error.data",
    "subscribe error.data",
    "event Tx data.value.TxResult.index",
    "event Tx data.value.TxResult.result.",
    "event NewBlock data.value.result_finalize_block.consensus_param_updates",
];

fn look(value: &Value, path: &str, shapes: &mut Shapes) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    shapes.entry(path.to_owned()).or_default().insert(kind);
    // What the application names is its own.
    if path.ends_with("genesis.app_state") {
        return;
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| look(value, &format!("{path}[]"), shapes)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let names_of_events = path.starts_with("event ") && path.ends_with(" events");
                let name = if names_of_events && name != "tm.event" { "*" } else { name };
                let joint = if path.ends_with(' ') { "" } else { "." };
                look(value, &format!("{path}{joint}{name}"), shapes);
            }
        }
        _ => {}
    }
}

fn calls(address: SocketAddr) -> Vec<(&'static str, Value)> {
    let ask = |method: &str, params: Value| post_to(address, method, params)["result"].clone();
    let block = ask("block", json!({ "height": "2" }))["block_id"]["hash"].as_str().unwrap().to_owned();
    let block = STANDARD.encode(hex::decode(block).unwrap());
    let txs = ask("tx_search", json!({ "query": "tx.height>1 AND tx.height<4" }))["txs"].clone();
    let tx = STANDARD.encode(hex::decode(txs[0]["hash"].as_str().unwrap()).unwrap());
    let mut calls = vec![
        ("abci_query", json!({ "path": "/nope", "data": "00" })),
        ("block", json!({})),
        ("block", json!({ "height": "1" })),
        ("block_by_hash", json!({ "hash": block })),
        ("block_by_hash", json!({ "hash": tx })),
        ("block_results", json!({})),
        ("block_results", json!({ "height": "1" })),
        ("block_results", json!({ "height": "3" })),
        ("block_search", json!({ "query": "block.height=3" })),
        ("block_search", json!({ "query": "no.such='x'" })),
        ("broadcast_evidence", json!({})),
        ("commit", json!({ "height": "2" })),
        ("header_by_hash", json!({ "hash": hex::encode(STANDARD.decode(&block).unwrap()) })),
        ("tx", json!({ "hash": tx, "prove": true })),
        ("tx", json!({ "hash": tx })),
        ("tx_search", json!({ "query": "tx.height=3", "prove": true })),
        ("tx_search", json!({ "query": "tx.height" })),
        // Refused by the check, so that nothing has to be waited for.
        ("broadcast_tx_async", json!({ "tx": "YmFkMQ==" })),
        ("broadcast_tx_commit", json!({ "tx": "YmFkMg==" })),
        ("broadcast_tx_sync", json!({ "tx": "YmFkMw==" })),
        ("check_tx", json!({ "tx": "YmFkNA==" })),
        ("no_such_method", json!({})),
        ("subscribe", json!({ "query": "tm.event='Tx'" })),
    ];
    let plain = "abci_info blockchain commit consensus_params consensus_state dump_consensus_state genesis \
        genesis_chunked header health net_info num_unconfirmed_txs status unconfirmed_txs validators";
    calls.extend(plain.split(' ').filter(|name| !name.is_empty()).map(|name| (name, json!({}))));
    calls
}

/// Everything that the node behind `address` answers; `step` makes it go on to the next block.
fn shapes_of(runtime: &tokio::runtime::Runtime, address: SocketAddr, step: impl FnOnce()) -> Shapes {
    let mut shapes = Shapes::new();
    for (method, params) in calls(address) {
        look(&post_to(address, method, params), &format!("{method} "), &mut shapes);
    }
    let kinds = ["NewBlock", "NewBlockHeader", "NewBlockEvents", "Tx", "Vote"];
    let mut socket = Socket::connect(runtime, address).unwrap();
    for kind in kinds {
        let answer = socket.call(kind, "subscribe", json!({ "query": format!("tm.event='{kind}'") }));
        look(&answer, "subscribed ", &mut shapes);
    }
    step();
    let mut heard = BTreeSet::new();
    while heard.len() < kinds.len() {
        let told = socket.json();
        let kind = told["id"].as_str().unwrap().to_owned();
        look(&told["result"], &format!("event {kind} "), &mut shapes);
        heard.insert(kind);
    }
    shapes
}

/// Whether something that contains `path` is never more than null or empty in `shapes`.
fn is_hidden(path: &str, shapes: &Shapes) -> bool {
    let ends = path.char_indices().filter(|(_, letter)| ".[".contains(*letter)).map(|(at, _)| at);
    ends.map(|end| &path[..end]).any(|outer| {
        let kinds = shapes.get(outer);
        let inside = |end: &str| shapes.range(format!("{outer}{end}")..).next();
        let has = |end: &str| inside(end).is_some_and(|(next, _)| next.starts_with(&format!("{outer}{end}")));
        kinds.is_some_and(|kinds| kinds.iter().all(|kind| *kind == "null") || !(has(".") || has("[]")))
    })
}

#[test]
fn all_fields_have_the_names_and_types_that_cometbft_gives_them() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(address) = std::env::var("RECORD_RPC") {
        let mut text =
            "# What CometBFT 0.38.25 answers: method, path of a field, and its types.\n".to_owned();
        for (path, kinds) in shapes_of(&runtime, address.parse().unwrap(), || ()) {
            text += &format!("{path}: {}\n", kinds.into_iter().collect::<Vec<_>>().join(" "));
        }
        std::fs::write(FILE, text).unwrap();
    }
    let text = std::fs::read_to_string(FILE).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let recorded: BTreeMap<&str, BTreeSet<&str>> = lines
        .map(|line| line.rsplit_once(": ").unwrap())
        .map(|(path, kinds)| (path, kinds.split(' ').collect()))
        .collect();
    let as_shapes: Shapes = recorded.keys().map(|path| ((*path).to_owned(), BTreeSet::from([""]))).collect();

    let node = Running::with_blocks();
    let ours = shapes_of(&runtime, node.address(), || {
        node.step();
    });
    let (mut same, mut unseen, mut wrong) = (0, 0, Vec::new());
    for (path, kinds) in &recorded {
        match ours.get(*path) {
            Some(found) => {
                let known = |kinds: &BTreeSet<&str>| -> BTreeSet<String> {
                    kinds.iter().filter(|kind| **kind != "null").map(|kind| (*kind).to_owned()).collect()
                };
                let (theirs, found) = (known(kinds), known(found));
                match theirs.is_empty() || found.is_empty() || theirs == found {
                    true => same += 1,
                    false => wrong.push(format!("{path}: {found:?} instead of {theirs:?}")),
                }
            }
            None if is_hidden(path, &ours) => unseen += 1,
            None => wrong.push(format!("{path} is missing")),
        }
    }
    for path in ours.keys().filter(|path| !recorded.contains_key(path.as_str())) {
        let hidden = is_hidden(path, &as_shapes) || LEFT_OUT.iter().any(|left| path.starts_with(left));
        if !hidden {
            wrong.push(format!("{path} is none of CometBFT's"));
        }
    }
    println!("fields as recorded: {same}, not seen here: {unseen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same > 300 && unseen < same / 10, "{same} {unseen}");
}
