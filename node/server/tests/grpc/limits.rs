//! Bounds: what is over them is refused, and the rest goes on.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cosmos_sdk_proto::cosmos::tx::v1beta1::BroadcastTxRequest;
use prost::Message;
use server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::HealthCheckRequest;

use crate::support::{call, connect, host, start, start_with, HEIGHT};

const PAIRS: &str = "/dydxprotocol.clob.Query/ClobPairAll";
const PAIR: &str = "/dydxprotocol.clob.Query/ClobPair";
const INFO: &str = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo";
const SEND: &str = "/cosmos.tx.v1beta1.Service/BroadcastTx";

#[tokio::test]
async fn net_14_calls_beyond_the_number_are_refused_and_sending_has_its_own() {
    let limits = Limits { max_queries: 2, max_broadcasts: 1, ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    *chain.engine.delay.lock().unwrap() = Duration::from_millis(600);
    let slow = || call(&chain.channel, INFO, Request::new(Bytes::new()));
    let later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let full = chain.raw(PAIRS, Vec::new()).await.unwrap_err();
        assert_eq!(full.code(), Code::ResourceExhausted);
        let send = || chain.raw(SEND, BroadcastTxRequest { tx_bytes: vec![1], mode: 2 }.encode_to_vec());
        let (first, second) = tokio::join!(send(), send());
        let codes = [first, second].map(|answer| answer.map_or_else(|status| status.code(), |_| Code::Ok));
        assert!(codes.contains(&Code::Ok) && codes.contains(&Code::ResourceExhausted), "{codes:?}");
    };
    let (first, second, ()) = tokio::join!(slow(), slow(), later);
    first.unwrap();
    second.unwrap();
    chain.raw(PAIRS, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let limits = Limits { call_timeout: Duration::from_millis(300), ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    *chain.engine.delay.lock().unwrap() = Duration::from_secs(30);
    let begun = Instant::now();
    let late = chain.raw(INFO, Vec::new()).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_secs(5));
    chain.raw(PAIRS, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn an_answer_beyond_the_size_is_refused() {
    let limits = Limits { max_response_bytes: 100, ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    let status = chain.raw(PAIRS, Vec::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    chain.raw("/dydxprotocol.clob.Query/NextClobPairId", Vec::new()).await.unwrap();
}

#[tokio::test]
async fn bytes_that_are_held_are_bounded_and_given_back() {
    let limits = Limits { max_buffered_bytes: 100_000, ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    for _ in 0..5 {
        let over = chain.raw(PAIR, vec![0; 200_000]).await.unwrap_err();
        assert_eq!(over.code(), Code::ResourceExhausted);
        let under = chain.raw(PAIR, vec![0; 90_000]).await.unwrap_err();
        assert_eq!(under.code(), Code::InvalidArgument, "{under:?}");
        chain.raw(PAIRS, Vec::new()).await.unwrap();
    }
}

#[tokio::test]
async fn connections_beyond_the_number_are_closed_at_once() {
    let limits = Limits { max_connections: 2, ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    let address = chain.server.local_addr();
    let _second = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut third = tokio::net::TcpStream::connect(address).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), third.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    chain.raw(PAIRS, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn net_02_a_connection_that_says_nothing_is_closed_and_gives_its_place_back() {
    let limits = Limits { max_connections: 2, idle_timeout: Duration::from_millis(300), ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    let address = chain.server.local_addr();
    let mut silent = tokio::net::TcpStream::connect(address).await.unwrap();
    silent.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let closed = async { while silent.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    let channel = connect(&chain.server).await;
    call(&channel, PAIRS, Request::new(Bytes::new())).await.unwrap();
}

#[tokio::test]
async fn net_02_clients_that_never_finish_a_greeting_lose_their_places_while_others_call() {
    let limits = Limits { handshake_timeout: Duration::from_millis(400), ..Limits::default() };
    let places = limits.max_connections;
    let chain = start_with(host(&[], HEIGHT), limits).await;
    chain.raw(PAIRS, Vec::new()).await.unwrap();
    let address = chain.server.local_addr();
    let mut slow = Vec::new();
    for number in 1..places {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".split_at(number % 24).0;
        stream.write_all(greeting).await.unwrap();
        slow.push(stream);
    }
    chain.raw(PAIRS, Vec::new()).await.unwrap();
    let mut closed = 0;
    for stream in &mut slow {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 64])).await.unwrap();
        closed += usize::from(matches!(read, Ok(0) | Err(_)));
    }
    assert_eq!(closed, places - 1);
    let channel = connect(&chain.server).await;
    call(&channel, PAIRS, Request::new(Bytes::new())).await.unwrap();
}

#[tokio::test]
async fn health_is_told_for_the_server_and_for_each_service() {
    let chain = start().await;
    let mut client = HealthClient::new(chain.channel.clone());
    let ask = |service: &str| HealthCheckRequest { service: service.into() };
    for service in ["", "dydxprotocol.clob.Query", "cosmos.tx.v1beta1.Service", "grpc.health.v1.Health"] {
        let answer = client.check(ask(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    assert_eq!(client.check(ask("no.such.Service")).await.unwrap_err().code(), Code::NotFound);
    let mut unknown = client.watch(ask("no.such.Service")).await.unwrap().into_inner();
    assert_eq!(unknown.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
}

#[tokio::test]
async fn a_server_that_stops_answers_what_runs_and_takes_nothing_new() {
    let limits = Limits { drain_timeout: Duration::from_secs(2), ..Limits::default() };
    let chain = start_with(host(&[], HEIGHT), limits).await;
    let mut client = HealthClient::new(chain.channel.clone());
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    *chain.engine.delay.lock().unwrap() = Duration::from_millis(500);
    let channel = chain.channel.clone();
    let running = tokio::spawn(async move { call(&channel, INFO, Request::new(Bytes::new())).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let address = chain.server.local_addr();
    let begun = Instant::now();
    let stopped = tokio::spawn(chain.server.stop());
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    running.await.unwrap().unwrap();
    stopped.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "a watcher does not hold the server for ever");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
