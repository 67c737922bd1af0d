//! The same streams over WebSockets, as JSON: `GET /ws/orderbook` and `GET /ws/blocks` of the REST listener.
//!
//! The client's first message is the request as JSON; every message of the server is one of the stream. Before the
//! server ends a stream it says why: `{"code": 8, "message": "..."}`, with the codes of gRPC.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::WebSocketStream;
use tonic::Status;

use super::filter::Form;
use super::queue::{Next, Queue, Stream};
use super::serve::{self, MAX_REQUEST};
use crate::activity::Activity;
use crate::dispatch::{boxed, AnyBody, Node};
use crate::rest::Json;

/// What is answered here, the method of gRPC that it is, and its request.
const PATHS: [(&str, Asked); 2] = [
    ("/ws/orderbook", (serve::DYDX, "dydxprotocol.clob.StreamOrderbookUpdatesRequest")),
    ("/ws/blocks", (serve::BLOCKS, "ballast.stream.v1.BlocksRequest")),
];

/// How long a client that was told to go may take to say so too.
const GOODBYE: Duration = Duration::from_secs(2);

/// A method of gRPC, and the name of its request.
pub(crate) type Asked = (&'static str, &'static str);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What `path` asks for; nothing when it is none of ours.
pub(crate) fn asked(path: &str) -> Option<Asked> {
    PATHS.into_iter().find(|(ours, _)| *ours == path).map(|(_, asked)| asked)
}

/// Switch to the protocol of WebSockets.
pub(crate) fn upgrade(
    node: &Arc<Node>,
    (method, name): Asked,
    mut request: Request<Incoming>,
) -> Result<Response<AnyBody>, Status> {
    let no_socket = |error: Error| {
        let words = format!("this address takes WebSockets only: {error}");
        Status::failed_precondition(words)
    };
    let response = create_response_with_body(&request, || boxed(Empty::new())).map_err(no_socket)?;
    let (socket_place, place) = (node.streams.socket()?, node.streams.place()?);
    let node = node.clone();
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let _place = socket_place;
        let Ok(Ok(upgraded)) = tokio::time::timeout(node.limits.call_timeout, upgrade).await else { return };
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_REQUEST)).max_frame_size(Some(MAX_REQUEST));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config));
        let mut socket = socket.await;
        let begun = async {
            let late = |_| Status::deadline_exceeded("the request did not come");
            let request = tokio::time::timeout(node.limits.call_timeout, first(&mut socket));
            let request = request.await.map_err(late)??;
            let chain = node.host.chain().ok_or_else(|| Status::unavailable("the chain has no block yet"))?;
            let wanted = serve::read(method, &Json::get().request(name, &request)?, &chain)?;
            Ok(node.streams.subscribe(wanted, Form::Json, Arc::new(Activity::new()), place))
        };
        let end = match begun.await {
            Ok(queue) => serve_queue(&mut socket, &queue, &node).await,
            Err(status) => Some(status),
        };
        if let Some(status) = end {
            let _ = tokio::time::timeout(node.limits.send_timeout, say(&mut socket, &status)).await;
        }
    });
    Ok(response)
}

/// The client's first message.
async fn first(socket: &mut Socket) -> Result<Bytes, Status> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.into()),
            Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(_)) | None => return Err(Status::cancelled("the client left")),
            Some(Err(error)) => return Err(Status::invalid_argument(error.to_string())),
        }
    }
}

/// Give the client what comes, until it leaves (nothing) or the stream ends (why).
async fn serve_queue(socket: &mut Socket, queue: &Arc<Queue>, node: &Node) -> Option<Status> {
    // However this ends, its place is free then.
    let _leaving = Stream::new(queue.clone(), queue.call());
    let (every, patience) = (node.limits.keepalive.0, node.limits.send_timeout);
    let mut watch = tokio::time::interval(every.max(Duration::from_millis(1)));
    let mut silent = 0_u32;
    loop {
        let message = tokio::select! {
            next = poll_fn(|context| queue.poll_next(context)) => match next {
                Next::Message(bytes) => Message::Text(Utf8Bytes::try_from(bytes).ok()?),
                Next::End(status) => return Some(status),
            },
            heard = socket.next() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {
                    silent = 0;
                    continue;
                }
            },
            _ = watch.tick() => {
                silent = silent.saturating_add(1);
                if silent > 3 {
                    return None;
                }
                Message::Ping(Bytes::new())
            }
        };
        tokio::time::timeout(patience, socket.send(message)).await.ok()?.ok()?;
    }
}

/// Say why it ends, and close; both sides do, since a system takes back what it has not delivered yet when somebody
/// leaves without having read all.
async fn say(socket: &mut Socket, status: &Status) {
    let text = serde_json::json!({ "code": i32::from(status.code()), "message": status.message() });
    let said = socket.send(Message::Text(text.to_string().into())).await;
    if said.is_ok() && socket.close(None).await.is_ok() {
        let _ = tokio::time::timeout(GOODBYE, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
}
