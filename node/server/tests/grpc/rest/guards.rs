//! Bounds, and whose pages may call.

use std::time::Duration;

use http::StatusCode;
use server::{Limits, RestConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{rest, rest_with, Gateway};

const PAIRS: &str = "/dydxprotocol/clob/clob_pair";
const INFO: &str = "/cosmos/base/tendermint/v1beta1/node_info";
const SEND: &str = "/cosmos/tx/v1beta1/txs";

async fn preflight(gateway: &Gateway, origin: &str) -> super::Got {
    let request = gateway.request(reqwest::Method::OPTIONS, SEND).header("origin", origin);
    let request = request.header("access-control-request-headers", "content-type");
    Gateway::send(request.header("access-control-request-method", "POST")).await
}

#[tokio::test]
async fn net_18_only_pages_of_chosen_origins_may_read() {
    let origin = "https://app.example";
    let closed = rest().await;
    assert!(!preflight(&closed, origin).await.headers.contains_key("access-control-allow-origin"));
    for (origins, allowed) in
        [(vec![origin], true), (vec!["*"], true), (vec!["https://other.example"], false)]
    {
        let cors_origins = origins.iter().map(ToString::to_string).collect();
        let config = RestConfig { cors_origins, ..RestConfig::default() };
        let gateway = rest_with(Limits::default(), config).await;
        let got = preflight(&gateway, origin).await;
        assert_eq!(got.status, StatusCode::NO_CONTENT);
        assert_eq!(
            got.header("access-control-allow-origin"),
            if allowed { origin } else { "" },
            "{origins:?}"
        );
        assert_eq!(got.header("access-control-allow-headers").contains("Content-Type"), allowed);
        let request = gateway.request(reqwest::Method::GET, PAIRS).header("origin", origin);
        let got = Gateway::send(request).await;
        assert_eq!(got.header("access-control-allow-origin"), if allowed { origin } else { "" });
        assert_eq!(got.header("access-control-expose-headers").is_empty(), !allowed);
        // Also what is refused must be read by the page.
        let request = gateway.request(reqwest::Method::GET, "/nothing").header("origin", origin);
        assert_eq!(Gateway::send(request).await.header("access-control-allow-origin").is_empty(), !allowed);
    }
}

#[tokio::test]
async fn bodies_and_answers_beyond_their_sizes_are_refused() {
    let config = RestConfig { max_body_bytes: 1_000, max_response_bytes: 600, ..RestConfig::default() };
    let gateway = rest_with(Limits::default(), config).await;
    let got = gateway.post(SEND, "x".repeat(1_001)).await;
    got.is_sound("a long body");
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(gateway.post(SEND, "x".repeat(1_000)).await.status, StatusCode::BAD_REQUEST);
    let got = gateway.get(PAIRS).await;
    got.is_sound("a long answer");
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS, "{got:?}");
    assert_eq!(gateway.get("/cosmos/bank/v1beta1/params").await.status, StatusCode::OK);
}

#[tokio::test]
async fn net_14_requests_beyond_the_number_are_refused_and_the_rest_goes_on() {
    let config = RestConfig { max_requests: 1, ..RestConfig::default() };
    let gateway = rest_with(Limits::default(), config).await;
    *gateway.chain.engine.delay.lock().unwrap() = Duration::from_millis(600);
    let later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        gateway.get(PAIRS).await
    };
    let (slow, full) = tokio::join!(gateway.get(INFO), later);
    assert_eq!((slow.status, full.status), (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(full.header("retry-after"), "1");
    assert_eq!(gateway.get(PAIRS).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended_also_when_its_body_does_not_come() {
    let limits = Limits { call_timeout: Duration::from_millis(300), ..Limits::default() };
    let gateway = rest_with(limits, RestConfig::default()).await;
    *gateway.chain.engine.delay.lock().unwrap() = Duration::from_secs(30);
    let got = gateway.get(INFO).await;
    got.is_sound("late");
    assert_eq!(got.status, StatusCode::GATEWAY_TIMEOUT);
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = format!("POST {SEND} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 504");
}

#[tokio::test]
async fn net_11_connections_beyond_the_number_are_closed_and_silent_ones_end() {
    let limits = Limits { handshake_timeout: Duration::from_millis(300), ..Limits::default() };
    let config = RestConfig { max_connections: 1, ..RestConfig::default() };
    let gateway = rest_with(limits, config).await;
    let mut silent = TcpStream::connect(gateway.address()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut second = TcpStream::connect(gateway.address()).await.unwrap();
    let mut byte = [0];
    assert!(matches!(second.read(&mut byte).await, Ok(0) | Err(_)), "it is closed at once");
    assert!(matches!(silent.read(&mut byte).await, Ok(0) | Err(_)), "it ends when no request comes");
    assert_eq!(gateway.get(PAIRS).await.status, StatusCode::OK);
}

#[tokio::test]
async fn net_01_long_headers_are_refused_and_the_server_lives_on() {
    let gateway = rest().await;
    let request = gateway.request(reqwest::Method::GET, PAIRS).header("x-long", "x".repeat(100_000));
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let mut raw = TcpStream::connect(gateway.address()).await.unwrap();
    raw.write_all(b"\x00\xff garbage\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = raw.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
    assert_eq!(gateway.get(PAIRS).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rest_stops_with_the_server() {
    let gateway = rest().await;
    assert_eq!(gateway.get(PAIRS).await.status, StatusCode::OK);
    let address = gateway.address().to_owned();
    gateway.chain.server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}
