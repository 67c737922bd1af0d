//! WebSockets in hostile hands: each ends with its reason, and the others do not notice.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::net::{any_port, Running};
use crate::support::socket::{Heard, Socket};

const ASK: &str =
    "GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/// What comes back when these bytes follow the handshake, up to the end of the connection.
fn after_handshake(node: &Running, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("{ASK}\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    // The example of the RFC has another key; this one's answer is as it prescribes.
    assert!(String::from_utf8_lossy(&answer).to_lowercase().contains("sec-websocket-accept: "));
    let _ = stream.write_all(bytes);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    rest
}

#[test]
fn net_11_frames_that_break_the_protocol_end_the_connection_with_its_code() {
    let node = Running::with_blocks();
    let masked = |first: u8, length: &[u8], text: &[u8]| [&[first], length, &[0; 4], text].concat();
    let rows: [(&str, Vec<u8>, u16); 8] = [
        ("not masked", b"\x81\x01x".to_vec(), 1002),
        ("a kind that is reserved", masked(0x83, &[0x80], b""), 1002),
        ("reserved bits", masked(0xf1, &[0x80], b""), 1002),
        ("a ping in parts", masked(0x09, &[0x80], b""), 1002),
        ("a ping that is too long", masked(0x89, &[0xfe, 0, 200], &[0; 200]), 1002),
        ("a part without a beginning", masked(0x80, &[0x80], b""), 1002),
        ("text that is not UTF-8", masked(0x81, &[0x82], b"\xff\xfe"), 1007),
        ("a length of 2^62", masked(0x81, &[0xff, 0x40, 0, 0, 0, 0, 0, 0, 0], b""), 1009),
    ];
    for (what, bytes, code) in &rows {
        let answer = after_handshake(&node, bytes);
        assert_eq!(answer.first(), Some(&0x88), "{what}: {answer:?}");
        assert_eq!(answer[2..4], code.to_be_bytes(), "{what}: {}", String::from_utf8_lossy(&answer));
    }
    // A message in parts is as long as all of them.
    let mut parts = masked(0x01, &[0xff, 0, 0, 0, 0, 0, 0x0a, 0, 0], &[b' '; 0x0a_00_00]);
    parts.extend(masked(0x80, &[0xff, 0, 0, 0, 0, 0, 0x0a, 0, 0], &[b' '; 0x0a_00_00]));
    let answer = after_handshake(&node, &parts);
    assert!(answer.is_empty() || answer[2..4] == 1009_u16.to_be_bytes(), "{answer:?}");
    assert_eq!(node.call("health", json!({})), json!({}));
    println!("broken protocols: {}", rows.len() + 1);
}

#[test]
fn handshakes_that_ask_for_something_else_are_refused() {
    let mut rpc = any_port();
    rpc.cors_origins = vec!["https://a.example".into()];
    let node = Running::start(rpc);
    let answer = |request: String| node.send(format!("{request}Connection: close\r\n\r\n").as_bytes()).status;
    let rows = [
        (ASK.replace("Upgrade: websocket\r\n", ""), 400),
        (ASK.replace("websocket\r\nSec", "h2c\r\nSec"), 400),
        (ASK.replace("Version: 13", "Version: 8"), 400),
        (ASK.replace("AAAA", ""), 400),
        (ASK.replace("GET", "PUT"), 405),
        (format!("{ASK}Origin: https://b.example\r\n"), 403),
        (format!("{ASK}Origin: null\r\n"), 403),
        (format!("{ASK}X: {}\r\n", "y".repeat(1_000_000)), 431),
    ];
    for (request, status) in &rows {
        let got = answer(request.clone());
        assert!(got == *status || (*status == 431 && got == 0), "{got} {request:.200}");
    }
    for origin in ["https://a.example", "http://x"] {
        let request = format!("{ASK}Origin: {origin}\r\n\r\n");
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101", "{origin}");
    }
    println!("handshakes refused: {}", rows.len());
}

#[test]
fn net_11_a_message_that_is_too_long_and_a_flood_of_pings_harm_nobody() {
    let node = Running::with_blocks();
    let mut long = Socket::open(&node);
    long.send(Message::text("x".repeat(10_000_000)));
    assert!(matches!(long.hear(), Heard::Closed(1009, _) | Heard::Gone));
    let mut flood = Socket::open(&node);
    for _ in 0..10_000 {
        flood.send(Message::Ping(vec![7; 125].into()));
    }
    assert_eq!(flood.call(1, "health", json!({}))["result"], json!({}));
    let mut many = Socket::open(&node);
    let mut taken = 0;
    for number in 0..2_000 {
        let answer = many.call(number, "subscribe", json!({ "query": format!("a.b={number}") }));
        taken += usize::from(answer["error"].is_null());
    }
    assert_eq!(taken, 5);
}

#[test]
fn net_11_who_does_not_read_is_cut_off_and_who_reads_is_told_all() {
    let node = Running::start(any_port());
    let (mut slow, mut fast) = (Socket::open(&node), Socket::open(&node));
    slow.subscribe("slow", "tm.event='NewBlock'");
    fast.subscribe("fast", "tm.event='NewBlock'");
    let blocks = 20;
    for block in 0..blocks {
        for tx in 0..10 {
            node.handle.submit_tx(format!("{block}-{tx}={}", "x".repeat(200_000))).unwrap();
        }
        let height = node.step().height.to_string();
        assert_eq!(fast.json()["result"]["data"]["value"]["block"]["header"]["height"], height);
    }
    let mut heard = 0;
    let end = loop {
        match slow.hear() {
            Heard::Json(_) => heard += 1,
            end => break end,
        }
    };
    let told = Heard::Closed(1008, "client is not pulling messages fast enough".into());
    // If the time to tell it is over, the connection is gone.
    assert!(end == told || end == Heard::Gone, "{end:?}");
    assert!(heard < blocks, "{heard} blocks of some megabytes each were kept for it");
    assert_eq!(fast.call(1, "health", json!({}))["result"], json!({}));
    println!("blocks told to the slow one: {heard} of {blocks}");
}
