//! Requests that nobody who means well would send: each has an answer, and the node goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::net::{any_port, Running};
use serde_json::{json, Value};

#[test]
fn net_12_malformed_requests_are_answered_with_their_error() {
    let node = Running::with_blocks();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("[{}]", vec![r#"{"id":1,"method":"health"}"#; 101].join(","));
    let deep_params = format!(r#"{{"id":1,"method":"tx","params":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let long_method = json!({ "id": 1, "method": "x".repeat(100_000) }).to_string();
    let rows: [(&str, i64); 20] = [
        ("", -32700),
        ("{", -32700),
        ("\u{1}\u{2}", -32700),
        (&deep, -32700),
        (&deep_params, -32700),
        ("null", -32600),
        ("[]", -32600),
        (&wide, -32600),
        (r#"{"id":1}"#, -32600),
        (r#"{"id":1.5,"method":"status"}"#, -32600),
        (r#"{"id":[1],"method":"status"}"#, -32600),
        (r#"{"id":123456789012345678901234567890,"method":"status"}"#, -32600),
        (r#"{"id":1,"method":"unsafe_dial_peers"}"#, -32601),
        (r#"{"id":1,"method":"dial_peers"}"#, -32601),
        (&long_method, -32601),
        (r#"{"id":1,"method":"block","params":{"height":{}}}"#, -32602),
        (r#"{"id":1,"method":"block","params":{"height":"99999999999999999999999"}}"#, -32602),
        (r#"{"id":1,"method":"tx","params":{"hash":"AA=="}}"#, -32602),
        (r#"{"id":1,"method":"status","params":[1,2,3]}"#, -32602),
        (r#"{"id":1,"method":"broadcast_tx_sync","params":{"tx":"***"}}"#, -32602),
    ];
    for (body, code) in rows {
        let answer = node.post(body);
        let expected = if [-32700, -32600].contains(&code) { 500 } else { 200 };
        assert_eq!(answer.status, expected, "as CometBFT: what is no call is answered with 500");
        assert_eq!(answer.json()["error"]["code"], code, "{}", &body[..body.len().min(80)]);
        assert!(answer.body.len() < 1_000, "errors are short");
    }
    assert_eq!(node.call("health", json!({})), json!({}));
}

#[test]
fn net_12_a_batch_is_answered_call_by_call() {
    let node = Running::with_blocks();
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "health" },
        5,
        { "jsonrpc": "2.0", "method": "health" },
        { "jsonrpc": "2.0", "id": "x", "method": "nothing" },
        { "jsonrpc": "2.0", "id": 1, "method": "block", "params": ["3"] },
    ]);
    let answers = node.post(batch.to_string()).json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 4, "a notification has no answer");
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    assert_eq!(answers[1]["error"]["code"], -32600);
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&json!("x"), &json!(-32601)));
    assert_eq!(answers[3]["result"]["block"]["header"]["height"], "3");
    let quiet = node.post(json!({ "jsonrpc": "2.0", "method": "health" }).to_string());
    assert_eq!((quiet.status, quiet.body.len()), (200, 0));
    let quiet = node.post(json!([{ "jsonrpc": "2.0", "method": "health" }]).to_string());
    assert_eq!((quiet.status, quiet.body.len()), (200, 0));
}

#[test]
fn net_12_a_body_that_is_too_long_is_refused() {
    let mut rpc = any_port();
    rpc.max_body_bytes = 1_000;
    let node = Running::start(rpc);
    let body = format!("{{\"id\":1,\"method\":\"health\"{}}}", " ".repeat(1_000));
    let answer = node.post(&body);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["code"], -32600);
    let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    assert_eq!(node.send(chunked.as_bytes()).status, 413);
    assert_eq!(node.call("health", json!({})), json!({}));
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let mut rpc = any_port();
    rpc.timeout = Duration::from_millis(100);
    let node = Running::start(rpc);
    let answer = node.send(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 50\r\n\r\n{");
    assert_eq!(answer.status, 503);
}

#[test]
fn net_14_requests_beyond_the_limit_are_told_to_come_back() {
    let mut rpc = any_port();
    rpc.max_requests = 1;
    let node = Running::start(rpc);
    let mut waiting = TcpStream::connect(node.address()).unwrap();
    let body = json!({ "id": 1, "method": "broadcast_tx_commit", "params": { "tx": "YT0x" } }).to_string();
    let head =
        format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    waiting.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while node.handle.mempool_size().0 == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let busy = node.get("/broadcast_tx_commit?tx=\"b=2\"");
    assert_eq!(busy.status, 503);
    assert!(busy.head.contains("retry-after: 1"));
    assert_eq!(node.get("/health").status, 200, "those who do not wait are let in");
    node.step();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"height\":\"1\""), "{answer}");
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    let mut rpc = any_port();
    rpc.max_connections = 2;
    let node = Running::start(rpc);
    let idle: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(node.address()).unwrap()).collect();
    let mut third = TcpStream::connect(node.address()).unwrap();
    third.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    third.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut answer = [0; 15];
    assert!(third.read_exact(&mut answer).is_err(), "it must wait");
    drop(idle);
    third.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    third.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[test]
fn pages_of_foreign_origins_are_not_let_in_unless_chosen() {
    let ask = |node: &Running, origin: &str, method: &str| {
        let head =
            format!("{method} /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: {origin}\r\n\r\n");
        node.send(head.as_bytes())
    };
    let closed = Running::start(any_port());
    assert!(!ask(&closed, "https://a.example", "GET").head.contains("access-control"));
    let mut rpc = any_port();
    rpc.cors_origins = vec!["https://a.example".into()];
    let open = Running::start(rpc);
    let answer = ask(&open, "https://a.example", "GET");
    assert!(answer.head.contains("access-control-allow-origin: https://a.example"), "{}", answer.head);
    assert!(!ask(&open, "https://b.example", "GET").head.contains("access-control"));
    let preflight = ask(&open, "https://a.example", "OPTIONS");
    assert_eq!(preflight.status, 204);
    assert!(
        preflight.head.contains("access-control-allow-methods: get, post, options"),
        "{}",
        preflight.head
    );
}

#[test]
fn net_10_heights_asked_for_by_many_at_once_are_answered_or_refused() {
    let node = Running::with_blocks();
    let heights = ["0", "1", "4", "5", "6", "1017", "9223372036854775807"];
    let methods = ["block", "block_results", "commit", "header", "validators", "consensus_params"];
    let (mut answered, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let ask = |lane: usize| {
            let pairs = heights.iter().flat_map(|height| methods.iter().map(move |method| (method, height)));
            let answers = pairs.map(|(method, height)| {
                let answer = node.get(&format!("/{method}?height={height}"));
                assert!([200, 500, 503].contains(&answer.status), "{method} {height} {lane}");
                assert_eq!(
                    answer.json()["error"].is_null(),
                    answer.status == 200,
                    "{method} {height} {lane}"
                );
                answer.status == 200
            });
            answers.collect::<Vec<bool>>()
        };
        let lanes: Vec<_> = (0..16).map(|lane| scope.spawn(move || ask(lane))).collect();
        for good in lanes.into_iter().flat_map(|lane| lane.join().unwrap()) {
            *(if good { &mut answered } else { &mut refused }) += 1;
        }
    });
    println!("heights answered: {answered}, refused: {refused}");
    assert_eq!(answered + refused, 16 * heights.len() * methods.len());
    assert!(answered > 0 && refused > 0);
    node.step();
}

#[test]
fn net_15_a_transaction_sent_again_and_again_is_executed_once() {
    let node = Running::with_blocks();
    for _ in 0..3 {
        let sent = node.try_call("broadcast_tx_sync", json!({ "tx": "cj0x" }));
        assert!(sent.is_ok() || sent.unwrap_err()["data"] == "tx already exists in cache");
    }
    node.step();
    assert!(node.try_call("broadcast_tx_sync", json!({ "tx": "cj0x" })).is_err(), "after its block, too");
    node.step();
    assert_eq!(node.call("tx_search", json!({ "query": "kv.key='r'" }))["total_count"], "1");
}

#[test]
fn net_18_names_of_methods_are_neither_paths_nor_pages() {
    let node = Running::with_blocks();
    let names = [
        "%2e%2e%2fetc%2fpasswd",
        "<script>alert(1)</script>",
        "..%5c..",
        "%00",
        "http:%2f%2fx",
        "%ff",
        ";id",
    ];
    for name in names {
        let answer = node.get(&format!("/{name}?x=<b>"));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!answer.head.contains("text/html"), "{name}: {}", answer.head);
        let nothing = [400, 404].contains(&answer.status) && answer.body.len() < 100;
        assert!(nothing || answer.json()["error"]["code"] == -32601, "{name}: {text}");
    }
    for path in ["/../../etc/passwd", "/a/b/c", "//", "/status/../genesis"] {
        let answer = node.get(path);
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{path}");
    }
}

#[test]
fn garbage_on_the_wire_closes_the_connection_and_nothing_else() {
    let node = Running::start(any_port());
    for garbage in [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n"] {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    let long_header = format!("GET /health HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1_000_000));
    assert_ne!(node.send(long_header.as_bytes()).status, 200);
    assert_eq!(node.call("health", Value::Null), json!({}));
}

#[test]
fn net_22_a_port_that_is_taken_is_told_before_anything_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut rpc = any_port();
    rpc.listen = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::support::config(folder.path());
    config.rpc = Some(rpc);
    let app = crate::support::Fake::new(Default::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let voters = crate::support::voters(&app, 1);
    let started = runtime.block_on(solo::Node::start(config, app, crate::support::genesis(1), voters));
    let error = started.err().unwrap().to_string();
    assert!(error.contains("JSON-RPC cannot listen on 127.0.0.1"), "{error}");
    assert!(!folder.path().join("blocks.db").exists());
}
