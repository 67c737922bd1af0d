//! gRPC-Web as a browser's page speaks it: HTTP/1.1, trailers in the body, and permission of the origin.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use prost::Message;
use proto::dydxprotocol::clob;
use server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic_health::pb::HealthCheckResponse;

use crate::support::{host, start, start_with, Chain, HEIGHT};

const PAIR: &str = "/dydxprotocol.clob.Query/ClobPair";
const PAGE: &str = "https://page.example";

/// What came back: status, headers, body.
struct Seen(StatusCode, HeaderMap, Bytes);

async fn send(chain: &Chain, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Seen {
    let stream = tokio::net::TcpStream::connect(chain.server.local_addr()).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder().method(method).uri(path).header("host", "node");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Seen(head.status, head.headers, body.collect().await.unwrap().to_bytes())
}

fn framed(message: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(u32::try_from(message.len()).unwrap());
    out.put_slice(message);
    out.freeze()
}

/// The message and the trailers of an answer's body.
fn parts(mut body: Bytes) -> (Bytes, String) {
    let (mut message, mut trailers) = (Bytes::new(), String::new());
    while body.has_remaining() {
        let (flag, length) = (body.get_u8(), body.get_u32());
        let part = body.split_to(usize::try_from(length).unwrap());
        match flag {
            0 => message = part,
            0x80 => trailers = String::from_utf8(part.to_vec()).unwrap(),
            other => panic!("flag {other}"),
        }
    }
    (message, trailers)
}

#[tokio::test]
async fn a_page_is_answered_in_bytes_and_in_text() {
    let chain = start().await;
    let request = framed(&clob::QueryGetClobPairRequest { id: 1 }.encode_to_vec());
    let kind = ("content-type", "application/grpc-web+proto");
    let Seen(status, headers, body) =
        send(&chain, Method::POST, PAIR, &[kind, ("x-grpc-web", "1")], request.clone()).await;
    assert_eq!((status, headers["content-type"].as_bytes()), (StatusCode::OK, kind.1.as_bytes()));
    assert_eq!(headers["x-cosmos-block-height"], HEIGHT.to_string().as_str());
    assert!(!headers.contains_key("access-control-allow-origin"));
    let (message, trailers) = parts(body);
    assert_eq!(trailers, "grpc-status:0\r\n");
    let answer = clob::QueryClobPairResponse::decode(message.clone()).unwrap();
    assert_eq!(answer.clob_pair.unwrap().id, 1);
    // One piece of base64, and one for each part.
    let pieces = [request.slice(..5), request.slice(5..)].map(|piece| STANDARD.encode(piece)).concat();
    for text in [STANDARD.encode(&request), pieces] {
        let kind = ("content-type", "application/grpc-web-text");
        let Seen(status, headers, body) = send(&chain, Method::POST, PAIR, &[kind], text.into()).await;
        assert_eq!(
            (status, &headers["content-type"] == "application/grpc-web-text+proto"),
            (StatusCode::OK, true)
        );
        let body = STANDARD.decode(body).unwrap();
        assert_eq!(parts(body.into()), (message.clone(), trailers.clone()));
    }
}

#[tokio::test]
async fn a_long_answer_comes_whole_in_text() {
    let chain = start().await;
    let path = "/dydxprotocol.stats.Query/EpochStats";
    let bytes = ("content-type", "application/grpc-web");
    let text = ("content-type", "application/grpc-web-text");
    for path in [path, "/dydxprotocol.clob.Query/ClobPairAll", "/cosmos.auth.v1beta1.Query/Accounts"] {
        let Seen(_, _, whole) = send(&chain, Method::POST, path, &[bytes], framed(b"")).await;
        let Seen(_, _, letters) =
            send(&chain, Method::POST, path, &[text], STANDARD.encode(framed(b"")).into()).await;
        assert_eq!(STANDARD.decode(letters).unwrap(), whole, "{path}");
    }
}

#[tokio::test]
async fn refusals_stand_in_the_headers() {
    let chain = start().await;
    let kind = ("content-type", "application/grpc-web");
    let text = ("content-type", "application/grpc-web-text");
    for (path, kind, body, code) in [
        (PAIR, kind, framed(&clob::QueryGetClobPairRequest { id: 999 }.encode_to_vec()), "5"),
        ("/no.such.Service/Method", kind, framed(b""), "12"),
        (PAIR, kind, Bytes::from_static(b"\0\0"), "3"),
        (PAIR, text, Bytes::from_static(b"%%%%"), "3"),
        (PAIR, text, Bytes::from_static(b"AAA"), "3"),
        (PAIR, text, Bytes::from_static(b"AAAA"), "3"),
        ("/grpc.health.v1.Health/Check", text, Bytes::from_static(b"AAAAAAA="), "12"),
    ] {
        let Seen(status, headers, _) = send(&chain, Method::POST, path, &[kind], body.clone()).await;
        assert_eq!(
            (status, headers["grpc-status"].to_str().unwrap()),
            (StatusCode::OK, code),
            "{path} {body:?}"
        );
    }
}

#[tokio::test]
async fn health_is_told_to_pages_too() {
    let chain = start().await;
    let kind = ("content-type", "application/grpc-web");
    let Seen(_, _, body) =
        send(&chain, Method::POST, "/grpc.health.v1.Health/Check", &[kind], framed(b"")).await;
    let (message, trailers) = parts(body);
    assert_eq!(HealthCheckResponse::decode(message).unwrap().status, 1);
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn only_pages_of_chosen_origins_may_read() {
    let limits = Limits { origins: vec![PAGE.into()], ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    let all = start_with(host(&[], HEIGHT), Limits { origins: vec!["*".into()], ..Limits::default() }).await;
    let none = start().await;
    let kind = ("content-type", "application/grpc-web");
    for (chain, origin, allowed) in [
        (&chain, PAGE, true),
        (&chain, "https://other.example", false),
        (&chain, "https://page.example.other", false),
        (&all, "https://other.example", true),
        (&none, PAGE, false),
    ] {
        let asked = [("origin", origin), ("access-control-request-method", "POST")];
        let Seen(status, headers, _) = send(chain, Method::OPTIONS, PAIR, &asked, Bytes::new()).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(headers.contains_key("access-control-allow-headers"), allowed, "{origin}");
        let Seen(_, answered, _) =
            send(chain, Method::POST, PAIR, &[kind, ("origin", origin)], framed(b"")).await;
        for headers in [headers, answered] {
            let told = headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
            assert_eq!(told, allowed.then_some(origin));
        }
    }
}

#[tokio::test]
async fn grpc_itself_and_other_requests_are_not_taken_over_the_older_http() {
    let chain = start().await;
    for (method, kind) in [
        (Method::POST, "application/grpc"),
        (Method::POST, "application/json"),
        (Method::GET, "text/html"),
        (Method::OPTIONS, "text/html"),
    ] {
        let Seen(status, _, _) = send(&chain, method, PAIR, &[("content-type", kind)], framed(b"")).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
}

#[tokio::test]
async fn net_02_a_client_that_never_finishes_its_headers_or_sends_garbage_is_let_go() {
    let limits = Limits { handshake_timeout: std::time::Duration::from_millis(300), ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    let long = format!("POST / HTTP/1.1\r\nx: {}", "y".repeat(60_000));
    for beginning in ["POST / HTTP/1.1\r\nhost: x", "\x16\x03\x01\x02\x00\x01", "\r\n\r\n\r\n", &long] {
        let mut stream = tokio::net::TcpStream::connect(chain.server.local_addr()).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), closed).await.expect("it is closed");
        let status = String::from_utf8_lossy(&answer).into_owned();
        assert!(status.is_empty() || status.starts_with("HTTP/1.1 4"), "{status}");
    }
    chain.raw(PAIR, Vec::new()).await.unwrap();
}
