//! Bytes that clients should not send, each with its exact status.

use bytes::{BufMut, Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::Code;

use crate::support::{start, Chain};

const PAIR: &str = "/dydxprotocol.clob.Query/ClobPair";
const GET_TX: &str = "/cosmos.tx.v1beta1.Service/GetTx";

/// A message with its prefix.
fn framed(flag: u8, length: u32, bytes: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(flag);
    out.put_u32(length);
    out.put_slice(bytes);
    out.freeze()
}

/// What comes back for a body that a proper client would not send: HTTP's status and gRPC's.
async fn post(
    chain: &Chain,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> (StatusCode, Option<Code>) {
    let stream = tokio::net::TcpStream::connect(chain.server.local_addr()).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri(format!("http://{}{path}", chain.server.local_addr()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let status = head.headers.get("grpc-status").or_else(|| body.trailers()?.get("grpc-status"));
    (head.status, status.map(|status| Code::from_bytes(status.as_bytes())))
}

#[tokio::test]
async fn net_01_bodies_are_taken_whole_uncompressed_and_alone() {
    let chain = start().await;
    let kind = [("content-type", "application/grpc"), ("te", "trailers")];
    let twice = [framed(0, 0, b""), framed(0, 0, b"")].concat();
    for (body, code) in [
        (framed(0, 0, b""), Code::Ok),
        (Bytes::new(), Code::InvalidArgument),
        (Bytes::from_static(b"\0\0\0"), Code::InvalidArgument),
        (framed(0, 5, b"abc"), Code::InvalidArgument),
        (framed(0, 1, b"abc"), Code::InvalidArgument),
        (Bytes::from(twice), Code::InvalidArgument),
        (framed(1, 0, b""), Code::Unimplemented),
        (framed(7, 0, b""), Code::Unimplemented),
        (framed(0, u32::MAX, b"abc"), Code::ResourceExhausted),
        (framed(0, (4 << 20) + 1, b"abc"), Code::ResourceExhausted),
        (framed(0, 3, b"\xff\xff\xff"), Code::InvalidArgument),
    ] {
        let answer = post(&chain, PAIR, &kind, body.clone()).await;
        assert_eq!(answer, (StatusCode::OK, Some(code)), "{body:?}");
    }
}

#[tokio::test]
async fn what_is_not_grpc_is_not_answered_as_grpc() {
    let chain = start().await;
    for (kind, expected) in [
        ("application/grpc", StatusCode::OK),
        ("application/grpc+proto", StatusCode::OK),
        ("application/grpc; charset=x", StatusCode::OK),
        ("application/grpc+json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/grpc-web+json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let answer = post(&chain, PAIR, &[("content-type", kind)], framed(0, 0, b"")).await;
        assert_eq!(answer.0, expected, "{kind}");
    }
}

#[tokio::test]
async fn unknown_methods_are_unimplemented() {
    let chain = start().await;
    for path in [
        "/no.such.Service/Method",
        "/dydxprotocol.clob.Query/NoSuchMethod",
        "/dydxprotocol.clob.Msg/PlaceOrder",
        "/cosmos.tx.v1beta1.Service/TxDecodeAmino",
        "/cosmos.tx.v1beta1.Service",
        "/",
        "//",
        "/dydxprotocol.clob.Query/ClobPairAll/",
        "/DYDXPROTOCOL.CLOB.QUERY/ClobPairAll",
        "/store/bank/key",
    ] {
        assert_eq!(chain.raw(path, Vec::new()).await.unwrap_err().code(), Code::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn garbage_in_a_message_is_an_invalid_argument_for_every_method_that_reads_it() {
    let chain = start().await;
    let mut refused = 0;
    for path in server::methods() {
        // A length-delimited field that promises more than there is: no message has this form.
        let answer = chain.raw(&path, vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]).await;
        if let Err(status) = answer {
            assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
            refused += 1;
        }
    }
    // The others take no argument, and look at no byte.
    assert!(refused > 40, "{refused}");
}

#[tokio::test]
async fn net_01_long_messages_and_headers_are_refused_and_the_connection_lives_on() {
    let chain = start().await;
    let status = chain.raw(GET_TX, vec![0; (4 << 20) + 1]).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let most = chain.raw(GET_TX, vec![0; 4 << 20]).await.unwrap_err();
    assert_eq!(most.code(), Code::InvalidArgument, "{most:?}");
    let long = "x".repeat(20_000);
    let kind = [("content-type", "application/grpc"), ("x-long", long.as_str())];
    let (status, _) = post(&chain, PAIR, &kind, framed(0, 0, b"")).await;
    assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    chain.raw(PAIR, Vec::new()).await.unwrap();
}
