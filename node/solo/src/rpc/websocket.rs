//! WebSockets: ordinary calls, and subscriptions to events.
//!
//! A connection is one task with three parts: it reads calls one after the other, picks what it subscribed to
//! from the feed of all events, and writes what waits. What waits is bounded, and who does not take it is cut
//! off and told why: no connection holds up another one or the engine.

mod connection;
mod outbox;

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::WebSocketStream;

use crate::node::NodeState;
use crate::rpc::events::{self, Emitted};
use crate::rpc::server::{busy, Server};

/// Most connections that are WebSockets.
pub(super) const MAX_SOCKETS: usize = 200;
/// Most of them that subscribe to something.
pub(super) const MAX_CLIENTS: usize = 100;
/// Blocks that the feed holds for those who are busy.
const FEED: usize = 64;

/// The events of one block, or how many blocks were missed instead.
#[derive(Clone)]
pub(super) enum Published {
    Events(Arc<Vec<Arc<Emitted>>>),
    Missed(u64),
}

pub(super) type Feed = broadcast::Sender<Published>;

pub(super) fn feed() -> Feed {
    broadcast::channel(FEED).0
}

/// Tell all sockets of each block, until the engine is gone. Costs nothing while there is no socket.
pub(super) async fn publish(
    state: Arc<NodeState>,
    mut blocks: broadcast::Receiver<Arc<crate::Decided>>,
    feed: Feed,
) {
    loop {
        let published = match blocks.recv().await {
            Err(RecvError::Closed) => return,
            Err(RecvError::Lagged(count)) => Published::Missed(count),
            Ok(_) if feed.receiver_count() == 0 => continue,
            Ok(decided) => {
                let state = state.clone();
                let work = aside::run(move || {
                    let commit = state.store.commit(decided.height);
                    events::of_block(&decided, commit.ok().flatten().as_ref())
                });
                match work.await {
                    Ok(events) => Published::Events(Arc::new(events)),
                    Err(_) => Published::Missed(1),
                }
            }
        };
        // That the last socket has just gone is fine.
        let _ = feed.send(published);
    }
}

/// `GET /websocket`: switch to the protocol of WebSockets.
pub(super) async fn upgrade(State(server): State<Arc<Server>>, mut request: Request<HttpBody>) -> Response {
    let response = match create_response_with_body(&request, HttpBody::empty) {
        Ok(response) => response,
        Err(error) => {
            let reason = format!("this address takes WebSockets only, post calls to /: {error}\n");
            return (StatusCode::BAD_REQUEST, reason).into_response();
        }
    };
    if !server.takes_origin(request.headers()) {
        let reason = "pages of this origin may not connect; name it in rpc.cors_origins\n";
        return (StatusCode::FORBIDDEN, reason).into_response();
    }
    let Ok(place) = server.sockets.clone().try_acquire_owned() else { return busy() };
    let upgrade = hyper::upgrade::on(&mut request);
    let config = WebSocketConfig::default()
        .max_message_size(Some(server.config.max_body_bytes))
        .max_frame_size(Some(server.config.max_body_bytes));
    let wait = server.config.timeout;
    tokio::spawn(async move {
        if let Ok(Ok(upgraded)) = tokio::time::timeout(wait, upgrade).await {
            let stream = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
            connection::serve(server, socket).await;
        }
        drop(place);
    });
    response
}
