//! The same streams over WebSockets: the same messages, as JSON.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value};
use proto::ballast::stream::v1 as wire;
use proto::dydxprotocol::clob::{StreamOrderbookUpdatesRequest, StreamOrderbookUpdatesResponse};
use serde_json::Value as Json;
use server::{Limits, RestConfig, Server, StreamLimits};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{client_async, WebSocketStream};

use super::listener::Known;
use crate::support::connect;
use crate::trading::{Trading, PEOPLE};

type Socket = WebSocketStream<TcpStream>;

async fn serve(trading: &Trading, streams: StreamLimits) -> Server {
    let mut server = trading.serve(Limits { streams, ..Limits::default() }).await;
    let listen = "127.0.0.1:0".parse().unwrap();
    server.serve_rest(RestConfig { listen, ..RestConfig::default() }).await.unwrap();
    server
}

async fn open(server: &Server, path: &str, request: &str) -> Socket {
    let stream = TcpStream::connect(server.rest_addr().unwrap()).await.unwrap();
    on(stream, server, path, request).await
}

async fn on(stream: TcpStream, server: &Server, path: &str, request: &str) -> Socket {
    let address = server.rest_addr().unwrap();
    let (mut socket, _) = client_async(format!("ws://{address}{path}"), stream).await.unwrap();
    socket.send(Message::text(request)).await.unwrap();
    socket
}

/// The next text; nothing when the socket closes.
async fn next(socket: &mut Socket) -> Option<String> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return Some(text.to_string()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn kind(name: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    pool.get_message_by_name(name).unwrap()
}

/// The message that a text of JSON is.
fn read(kind: &MessageDescriptor, text: &str) -> DynamicMessage {
    let json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    message(kind, &json)
}

fn message(kind: &MessageDescriptor, json: &Json) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    if let (true, Some(text)) = (kind.full_name() == "google.protobuf.Timestamp", json.as_str()) {
        let format = time::format_description::well_known::Rfc3339;
        let time = time::OffsetDateTime::parse(text, &format).unwrap();
        message.set_field_by_name("seconds", Value::I64(time.unix_timestamp()));
        message.set_field_by_name("nanos", Value::I32(i32::try_from(time.nanosecond()).unwrap()));
        return message;
    }
    for (name, json) in json.as_object().unwrap().iter().filter(|(_, json)| !json.is_null()) {
        let field = kind.get_field_by_name(name).unwrap_or_else(|| panic!("{name} of {}", kind.full_name()));
        let value = match json {
            Json::Array(items) if field.is_list() => {
                Value::List(items.iter().map(|item| value(&field.kind(), item)).collect())
            }
            json => value(&field.kind(), json),
        };
        // What has no presence is there without saying so.
        if field.supports_presence() || value != Value::default_value_for_field(&field) {
            message.set_field(&field, value);
        }
    }
    message
}

fn value(kind: &Kind, json: &Json) -> Value {
    // Numbers of 64 bits are texts.
    let text = || json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    match kind {
        Kind::Message(kind) => Value::Message(message(kind, json)),
        Kind::Enum(kind) => {
            Value::EnumNumber(kind.get_value_by_name(json.as_str().unwrap()).unwrap().number())
        }
        Kind::Bool => Value::Bool(json.as_bool().unwrap()),
        Kind::String => Value::String(json.as_str().unwrap().to_owned()),
        Kind::Bytes => Value::Bytes(STANDARD.decode(json.as_str().unwrap()).unwrap().into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(text().parse().unwrap()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(text().parse().unwrap()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(text().parse().unwrap()),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(text().parse().unwrap()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_gets_what_grpc_gets() {
    let mut trading = Trading::new(51);
    let server = serve(&trading, StreamLimits::default()).await;
    let channel = connect(&server).await;
    let mut stream = super::begin(&channel, "/ballast.stream.v1.Query/Blocks", Vec::new()).await.unwrap();
    let mut socket = open(&server, "/ws/blocks", "{}").await;
    let ours = kind("ballast.stream.v1.BlocksResponse");
    let first = (stream.message().await.unwrap().unwrap(), next(&mut socket).await.unwrap());
    let mut messages = vec![first];
    for _ in 0..20 {
        trading.trade();
        messages.push((stream.message().await.unwrap().unwrap(), next(&mut socket).await.unwrap()));
    }
    for (bytes, text) in &messages {
        let told = wire::BlocksResponse::decode(read(&ours, text).encode_to_vec().as_slice()).unwrap();
        assert_eq!(told, wire::BlocksResponse::decode(bytes.clone()).unwrap(), "{text}");
    }
    println!("{} messages are the same, the last of {} bytes", messages.len(), messages[20].1.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_that_asks_for_nonsense_is_told_why_it_ends_and_others_go_on() {
    let mut trading = Trading::new(53);
    let streams = StreamLimits { max_subscribers: 3, ..StreamLimits::default() };
    let server = serve(&trading, streams).await;
    let many = format!("{{\"clob_pair_id\": [{}0]}}", "0,".repeat(1_000));
    for (path, request) in [
        ("/ws/orderbook", "{}"),
        ("/ws/orderbook", "nonsense"),
        ("/ws/blocks", "[]"),
        ("/ws/blocks", r#"{"no_such_field": 1}"#),
        ("/ws/blocks", r#"{"risk": true}"#),
        ("/ws/blocks", r#"{"accounts": [{"owner": "nobody"}]}"#),
        ("/ws/orderbook", many.as_str()),
    ] {
        let mut socket = open(&server, path, request).await;
        let said: serde_json::Value = serde_json::from_str(&next(&mut socket).await.unwrap()).unwrap();
        assert_eq!(said["code"], 3, "{request}: {said}");
        assert_eq!(next(&mut socket).await, None);
    }
    let mut bytes = open(&server, "/ws/blocks", "{}").await;
    next(&mut bytes).await.unwrap();
    let mut other = open(&server, "/ws/blocks", "{}").await;
    next(&mut other).await.unwrap();
    // Whatever somebody says later is not heard, but for what is no WebSocket, or too much.
    other.send(Message::text("again")).await.unwrap();
    bytes.send(Message::binary(vec![0; 200_000])).await.unwrap();
    while next(&mut bytes).await.is_some() {}
    for _ in 0..10 {
        trading.trade();
        assert!(next(&mut other).await.unwrap().contains("\"events\""));
    }
    let mut fast = other;
    server.stop().await;
    let said: serde_json::Value = serde_json::from_str(&next(&mut fast).await.unwrap()).unwrap();
    assert_eq!(said["code"], 14, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_listens_on_a_web_socket_knows_books_and_accounts_as_the_node_does() {
    let mut trading = Trading::new(52);
    let server = serve(&trading, StreamLimits::default()).await;
    let theirs = kind("dydxprotocol.clob.StreamOrderbookUpdatesResponse");
    let request = StreamOrderbookUpdatesRequest {
        clob_pair_id: vec![0, 1],
        subaccount_ids: PEOPLE[..2].iter().map(|person| trading.world.wire_id(person)).collect(),
        market_ids: vec![0, 1],
        filter_orders_by_subaccount_id: false,
    };
    let ids = PEOPLE.map(|person| format!(r#"{{"owner": "{}"}}"#, trading.world.wire_id(person).owner));
    let asked = format!(
        r#"{{"clob_pair_id": [0, 1], "market_ids": [0, 1], "subaccount_ids": [{}]}}"#,
        ids[..2].join(",")
    );
    let mut socket = open(&server, "/ws/orderbook", &asked).await;
    let mut known = Known::default();
    let mut texts = 0;
    for _ in 0..30 {
        while known.height < trading.world.height() || !known.begun(&request) {
            let text = next(&mut socket).await.unwrap();
            let message = read(&theirs, &text).encode_to_vec();
            known.hear(&request, StreamOrderbookUpdatesResponse::decode(message.as_slice()).unwrap());
            texts += 1;
        }
        known.equals(&trading.world, &request);
        trading.trade();
    }
    println!("{texts} texts, {:?}", known.counts);
    assert!(known.counts.fills > 10, "{:?}", known.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_that_takes_nothing_is_cut_off_with_the_reason_and_its_place_comes_back() {
    let mut trading = Trading::with(54, 3, 20);
    let streams = StreamLimits { max_queue_messages: 5, max_sockets: 1, ..StreamLimits::default() };
    let server = serve(&trading, streams).await;
    let stream = TcpStream::connect(server.rest_addr().unwrap()).await.unwrap();
    let mut slow = on(stream, &server, "/ws/blocks", "{}").await;
    next(&mut slow).await.unwrap();
    let url = format!("ws://{}/ws/blocks", server.rest_addr().unwrap());
    let stream = TcpStream::connect(server.rest_addr().unwrap()).await.unwrap();
    let refused = client_async(&url, stream).await.unwrap_err();
    assert!(refused.to_string().contains("429"), "{refused}");
    // The system takes megabytes for a client that reads nothing.
    for _ in 0..250 {
        trading.trade();
    }
    let (mut taken, mut bytes, mut last) = (0, 0, String::new());
    let patience = std::time::Duration::from_secs(20);
    let late = |_| panic!("it is not cut off");
    while let Some(text) = tokio::time::timeout(patience, next(&mut slow)).await.unwrap_or_else(late) {
        (taken, bytes, last) = (taken + 1, bytes + text.len(), text);
    }
    println!("the slow one took {taken} messages of {bytes} bytes");
    let said: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!(said["code"], 8, "{}", last.chars().take(300).collect::<String>());
    for _ in 0..200 {
        let stream = TcpStream::connect(server.rest_addr().unwrap()).await.unwrap();
        if client_async(&url, stream).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no place came back");
}
