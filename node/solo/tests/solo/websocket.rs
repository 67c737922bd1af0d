//! Subscriptions and calls over WebSockets.

use serde_json::{json, Value};
use tendermint_rpc::event::v0_38::DeEvent;
use tendermint_rpc::event::EventData;
use tokio_tungstenite::tungstenite::Message;

use crate::support::net::{any_port, Running};
use crate::support::socket::{Heard, Socket};

fn refused(answer: &Value) -> &str {
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    answer["error"]["data"].as_str().unwrap()
}

/// Whether the types of the tendermint-rpc crate take it for what it is.
fn tendermint_reads(message: &Value) -> bool {
    let event = serde_json::from_value::<DeEvent>(message["result"].clone()).unwrap();
    match EventData::from(event.data) {
        EventData::NewBlock { block, result_finalize_block, .. } => {
            block.is_some() && result_finalize_block.is_some()
        }
        EventData::Tx { tx_result } => !tx_result.result.events.is_empty(),
        _ => false,
    }
}

#[test]
fn subscribers_are_told_of_blocks_headers_events_and_transactions() {
    let node = Running::with_blocks();
    let mut socket = Socket::open(&node);
    let queries = [
        "tm.event='NewBlock'",
        "tm.event = 'NewBlockHeader'",
        "tm.event='NewBlockEvents' AND block.at>=5",
        "tm.event='Tx' AND kv.key='x'",
        "tm.event='Vote'",
    ];
    for (id, query) in queries.iter().enumerate() {
        socket.subscribe(id, query);
    }
    node.handle.submit_tx("x=1").unwrap();
    node.handle.submit_tx("y=1").unwrap();
    node.step();

    for _ in 0..3 {
        let vote = socket.json();
        assert_eq!((&vote["id"], &vote["result"]["query"]), (&json!(4), &json!(queries[4])));
        assert_eq!(vote["result"]["data"]["value"]["Vote"]["height"], "5");
    }
    let block = socket.json();
    assert_eq!((&block["id"], &block["result"]["query"]), (&json!(0), &json!(queries[0])));
    assert_eq!(block["result"]["data"]["type"], "tendermint/event/NewBlock");
    assert_eq!(block["result"]["events"]["tm.event"], json!(["NewBlock"]));
    assert_eq!(block["result"]["events"]["block.at"], json!(["5"]));
    let value = &block["result"]["data"]["value"];
    let mut expected = node.call("block", json!({ "height": "5" }));
    let results = node.call("block_results", json!({ "height": "5" }));
    assert_eq!(value["result_finalize_block"]["tx_results"], results["txs_results"]);
    assert_eq!(value["result_finalize_block"]["app_hash"], results["app_hash"]);
    expected["result_finalize_block"] = value["result_finalize_block"].clone();
    assert_eq!(*value, expected);

    assert!(tendermint_reads(&block));

    let header = socket.json();
    assert_eq!((&header["id"], &header["result"]["query"]), (&json!(1), &json!(queries[1])));
    assert_eq!(header["result"]["data"]["value"]["header"], expected["block"]["header"]);
    assert_eq!(header["result"]["events"], json!({ "tm.event": ["NewBlockHeader"] }));

    let events = socket.json();
    assert_eq!((&events["id"], &events["result"]["query"]), (&json!(2), &json!(queries[2])));
    assert_eq!(events["result"]["data"]["value"]["height"], "5");
    assert_eq!(events["result"]["data"]["value"]["num_txs"], "3");
    assert_eq!(events["result"]["events"]["block.height"], json!(["5"]));

    let tx = socket.json();
    assert_eq!((&tx["id"], &tx["result"]["query"]), (&json!(3), &json!(queries[3])));
    assert_eq!(tx["result"]["data"]["type"], "tendermint/event/Tx");
    assert!(tendermint_reads(&tx));
    let found = node.call("tx_search", json!({ "query": "kv.key='x'" }))["txs"][0].clone();
    let told = &tx["result"]["data"]["value"]["TxResult"];
    assert_eq!(
        (&told["height"], &told["index"], &told["tx"]),
        (&found["height"], &found["index"], &found["tx"])
    );
    assert_eq!(told["result"], found["tx_result"]);
    assert_eq!(tx["result"]["events"]["tx.hash"], json!([found["hash"]]));
    assert_eq!(tx["result"]["events"]["kv.value"], json!(["1"]));
    // Nothing else waits: what is heard next is the answer to a call.
    assert_eq!(socket.call("last", "health", json!({}))["result"], json!({}));
}

#[test]
fn subscriptions_are_bounded_and_end_when_told_to() {
    let node = Running::with_blocks();
    let mut socket = Socket::open(&node);
    assert_eq!(refused(&socket.call(1, "unsubscribe_all", json!({}))), "subscription not found");
    for number in 1..=5 {
        // Named and listed arguments, numbers and texts as ids.
        let params = json!([format!("tx.height={number}")]);
        assert_eq!(socket.call(format!("id {number}"), "subscribe", params)["result"], json!({}));
    }
    let sixth = socket.call(6, "subscribe", json!({ "query": "tx.height=6" }));
    assert_eq!(refused(&sixth), "max_subscriptions_per_client 5 reached");
    let gone = socket.call(7, "unsubscribe", json!({ "query": "tx.height=9" }));
    assert_eq!(refused(&gone), "subscription not found");
    assert_eq!(socket.call(8, "unsubscribe", json!({ "query": "tx.height=5" }))["result"], json!({}));
    let again = socket.call(9, "subscribe", json!({ "query": "tx.height=4" }));
    assert_eq!(refused(&again), "already subscribed");
    let malformed = socket.call(10, "subscribe", json!({ "query": "tx.height" }));
    assert!(refused(&malformed).starts_with("failed to parse query: offset 9: EOF"), "{malformed}");
    assert!(refused(&socket.call(11, "subscribe", json!({}))).contains("offset 0: EOF"));
    assert_eq!(socket.call(12, "subscribe", json!({ "query": 5 }))["error"]["code"], -32602);
    assert_eq!(socket.call(13, "unsubscribe_all", json!({}))["result"], json!({}));
    node.step();
    assert_eq!(socket.call(14, "health", json!({}))["result"], json!({}), "nothing is told any more");
}

#[test]
fn clients_beyond_the_bound_are_told_so_and_have_a_place_when_another_leaves() {
    let node = Running::with_blocks();
    let mut sockets: Vec<Socket<'_>> = (0..100).map(|_| Socket::open(&node)).collect();
    for socket in &mut sockets {
        socket.subscribe(1, "tm.event='NewBlock'");
    }
    let mut one_more = Socket::open(&node);
    let params = json!({ "query": "tm.event='NewBlock'" });
    let answer = one_more.call(1, "subscribe", params.clone());
    assert_eq!(refused(&answer), "max_subscription_clients 100 reached");
    assert_eq!(sockets[0].call(2, "unsubscribe_all", json!({}))["result"], json!({}));
    assert_eq!(one_more.call(2, "subscribe", params)["result"], json!({}));
    node.step();
    for socket in &mut sockets[1..] {
        assert_eq!(socket.json()["result"]["data"]["value"]["block"]["header"]["height"], "5");
    }
    let others: Vec<Socket<'_>> = (101..200).map(|_| Socket::open(&node)).collect();
    assert!(Socket::try_open(&node).err().unwrap().contains("503"));
    println!("sockets: {}", sockets.len() + others.len() + 1);
}

#[test]
fn every_call_goes_over_a_websocket_and_refusals_leave_it_open() {
    let node = Running::with_blocks();
    let mut socket = Socket::open(&node);
    let status = socket.call("a-b", "status", json!({}));
    assert_eq!(status["result"], node.call("status", json!({})));
    assert_eq!(socket.call(5, "block", json!(["3"]))["result"], node.call("block", json!({ "height": 3 })));
    let nothing = socket.call(u64::MAX, "nothing", json!({}));
    assert_eq!(nothing["error"]["code"], -32601);
    for (text, code) in [
        ("{", -32700),
        ("", -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"health"}]"#, -32600),
        (r#"{"id":{},"method":"health"}"#, -32600),
        (r#"{"id":1,"method":"subscribe","params":5}"#, -32602),
        (r#"{"id":1,"method":"subscribe","params":["a=1","b=1"]}"#, -32602),
    ] {
        socket.send(Message::text(text));
        assert_eq!(socket.json()["error"]["code"], code, "{text}");
    }
    socket.send(Message::binary(r#"{"jsonrpc":"2.0","id":1,"method":"health"}"#));
    assert_eq!(socket.json()["result"], json!({}), "bytes do as well as text");
    // What has no id is not answered.
    socket.send(Message::text(r#"{"jsonrpc":"2.0","method":"subscribe","params":["a=1"]}"#));
    assert_eq!(socket.call(9, "health", json!({}))["result"], json!({}));
    // A transaction can be waited for while its block is told.
    socket.subscribe("s", "tm.event='Tx' AND kv.key='w'");
    let call =
        json!({ "jsonrpc": "2.0", "id": "c", "method": "broadcast_tx_commit", "params": { "tx": "dz0x" } });
    socket.send(Message::text(call.to_string()));
    while node.handle.mempool_size().0 == 0 {
        std::thread::yield_now();
    }
    node.step();
    let mut heard = [socket.json()["id"].clone(), socket.json()["id"].clone()];
    heard.sort_by_key(Value::to_string);
    assert_eq!(heard, ["c", "s"]);
}

#[test]
fn the_end_of_the_node_is_told() {
    let node = Running::start(any_port());
    let mut socket = Socket::open(&node);
    socket.subscribe(1, "tm.event='Tx'");
    node.runtime.block_on(node.handle.stop());
    assert_eq!(socket.hear(), Heard::Closed(1001, "the node stops".into()));
}
