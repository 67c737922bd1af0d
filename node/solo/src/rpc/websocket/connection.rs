//! One connection, from its beginning to the reason of its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{json, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, OwnedSemaphorePermit};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::WebSocketStream;

use super::outbox::{outbox, Full, Inbox, Outbox, Subscription};
use super::{Published, MAX_CLIENTS};
use crate::query::Query;
use crate::rpc::args::Params;
use crate::rpc::envelope::{answer, Body, Call, Parsed, RpcError};
use crate::rpc::events::Emitted;
use crate::rpc::server::Server;

/// Most subscriptions of one connection.
const MAX_SUBSCRIPTIONS: usize = 5;
/// Time without a word, be it the answer to a ping, after which a client is taken for gone.
const READ_WAIT: Duration = Duration::from_secs(60);
/// Time from ping to ping.
const PING_EVERY: Duration = Duration::from_secs(27);
/// Time within which a client must take a message.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Time to tell a client why it is cut off.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// Events that are looked at before other tasks have their turn.
const TURN: usize = 64;

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The client has gone: nobody is there to be told.
    Gone,
    /// It is cut off.
    Cut(CloseCode, String),
}

impl End {
    fn cut(code: CloseCode, reason: impl Into<String>) -> Self {
        Self::Cut(code, reason.into())
    }

    fn missed(count: u64) -> Self {
        Self::cut(CloseCode::Again, format!("{count} blocks were missed; connect and subscribe again"))
    }
}

impl From<Full> for End {
    fn from(_: Full) -> Self {
        Self::cut(CloseCode::Policy, "client is not pulling messages fast enough")
    }
}

/// Answer and tell until either side ends it.
pub(super) async fn serve<S>(server: Arc<Server>, socket: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, stream) = socket.split();
    let (outbox, inbox) = outbox();
    let feed = server.feed.subscribe();
    let mut dying = server.dying.clone();
    let subscriber = Subscriber { server: server.clone(), outbox, held: Mutex::default() };
    let end = tokio::select! {
        end = subscriber.read(stream) => end,
        end = subscriber.pick(feed) => end,
        end = write(&mut sink, inbox) => end,
        _ = dying.changed() => End::cut(CloseCode::Away, "the node stops"),
    };
    // The node must not wait for those that are told.
    drop((subscriber, server, dying));
    if let End::Cut(code, reason) = end {
        tracing::debug!(%reason, "WebSocket cut off");
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = timeout(CLOSE_WAIT, sink.send(Message::Close(Some(frame)))).await;
    }
}

struct Subscriber {
    server: Arc<Server>,
    outbox: Outbox,
    held: Mutex<Held>,
}

/// What a connection subscribed to; with its place among the subscribers while there is something.
#[derive(Default)]
struct Held {
    subscriptions: Vec<Arc<Subscription>>,
    place: Option<OwnedSemaphorePermit>,
}

impl Subscriber {
    async fn read<S>(&self, mut stream: SplitStream<WebSocketStream<S>>) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let message = match timeout(READ_WAIT, stream.next()).await {
                Err(_) => return End::cut(CloseCode::Policy, "nothing heard for 60 s, not even pongs"),
                Ok(None) => return End::Gone,
                Ok(Some(Err(error))) => return of_error(&error),
                Ok(Some(Ok(message))) => message,
            };
            let text = match message {
                Message::Text(text) => bytes::Bytes::from(text),
                // Not every client tells text from bytes.
                Message::Binary(bytes) => bytes,
                Message::Close(_) => return End::Gone,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            if let Err(full) = self.told(&text).await {
                return full.into();
            }
        }
    }

    /// Do what a message asks for.
    async fn told(&self, text: &[u8]) -> Result<(), Full> {
        let call = match Body::parse(text, 1) {
            Ok(Body::Single(call)) => call,
            Ok(Body::Batch(_)) => {
                let error = RpcError::request("over a WebSocket, each call is a message of its own");
                return self.outbox.answer(&error.answer(&Value::Null));
            }
            Err(error) => return self.outbox.answer(&error.answer(&Value::Null)),
        };
        match call {
            Ok(Call { id: Some(id), method, args }) if is_own(&method) => {
                let done = Params::new(&args, params_of(&method)).and_then(|params| {
                    let query = params.text("query")?.unwrap_or_default();
                    self.change(&method, query, &id)
                });
                let error = done.err().map(|error| error.answer(&id));
                // Those that went well have answered, before the first event could come.
                error.map_or(Ok(()), |error| self.outbox.answer(&error))
            }
            Ok(call) if is_own(&call.method) => Ok(()),
            other => self.ordinary(other).await,
        }
    }

    async fn ordinary(&self, call: Parsed) -> Result<(), Full> {
        let id = match &call {
            Ok(call) => call.id.clone(),
            Err((id, _)) => Some(id.clone()),
        };
        match self.server.answer(vec![call]).await {
            Some(answers) => answers.iter().try_for_each(|answer| self.outbox.answer(answer)),
            None => id.map_or(Ok(()), |id| {
                let error = RpcError::internal("too many requests at a time; try again");
                self.outbox.answer(&error.answer(&id))
            }),
        }
    }

    fn change(&self, method: &str, query: String, id: &Value) -> Result<(), RpcError> {
        let mut held = self.held();
        let full = |_| RpcError::internal("too many answers wait");
        match method {
            "subscribe" => {
                let subscription = self.admit(&mut held, query, id)?;
                self.outbox.answer(&answer(id, json!({}))).map_err(full)?;
                held.subscriptions.push(Arc::new(subscription));
                return Ok(());
            }
            "unsubscribe" => {
                let before = held.subscriptions.len();
                held.subscriptions.retain(|each| each.text != query);
                if held.subscriptions.len() == before {
                    return Err(RpcError::internal("subscription not found"));
                }
            }
            _ if held.subscriptions.is_empty() => return Err(RpcError::internal("subscription not found")),
            _ => held.subscriptions.clear(),
        }
        if held.subscriptions.is_empty() {
            held.place = None;
        }
        self.outbox.answer(&answer(id, json!({}))).map_err(full)
    }

    /// A subscription that is within the bounds.
    fn admit(&self, held: &mut Held, text: String, id: &Value) -> Result<Subscription, RpcError> {
        if held.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let reason = format!("max_subscriptions_per_client {MAX_SUBSCRIPTIONS} reached");
            return Err(RpcError::internal(reason));
        }
        let query = Query::parse(&text).map_err(|error| RpcError::internal(error.to_string()))?;
        if held.subscriptions.iter().any(|each| each.text == text) {
            return Err(RpcError::internal("already subscribed"));
        }
        if held.place.is_none() {
            let place = self.server.subscribers.clone().try_acquire_owned();
            let reason = format!("max_subscription_clients {MAX_CLIENTS} reached");
            held.place = Some(place.map_err(|_| RpcError::internal(reason))?);
        }
        Ok(Subscription::new(text, query, id))
    }

    /// Pick what was subscribed to from all that happens.
    async fn pick(&self, mut feed: broadcast::Receiver<Published>) -> End {
        loop {
            let events = match feed.recv().await {
                Ok(Published::Events(events)) => events,
                Err(RecvError::Closed) => return End::cut(CloseCode::Away, "the node stops"),
                Ok(Published::Missed(count)) | Err(RecvError::Lagged(count)) => {
                    if self.held().subscriptions.is_empty() {
                        continue;
                    }
                    return End::missed(count);
                }
            };
            for turn in events.chunks(TURN) {
                if let Err(full) = self.put(turn) {
                    return full.into();
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Put what was subscribed to into the outbox.
    fn put(&self, events: &[Arc<Emitted>]) -> Result<(), Full> {
        let subscriptions = self.held().subscriptions.clone();
        for event in events {
            for subscription in subscriptions.iter().filter(|each| each.query.matches(&event.events)) {
                self.outbox.event(subscription, event)?;
            }
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_own(method: &str) -> bool {
    matches!(method, "subscribe" | "unsubscribe" | "unsubscribe_all")
}

fn params_of(method: &str) -> &'static [&'static str] {
    if method == "unsubscribe_all" {
        &[]
    } else {
        &["query"]
    }
}

async fn write<S>(sink: &mut SplitSink<WebSocketStream<S>, Message>, mut inbox: Inbox) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.reset();
    loop {
        let message = tokio::select! {
            text = inbox.next() => match text {
                Some(text) => Message::text(text),
                None => return End::Gone,
            },
            _ = pings.tick() => Message::Ping(bytes::Bytes::new()),
        };
        match timeout(WRITE_WAIT, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Gone,
            Err(_) => return Full.into(),
        }
    }
}

fn of_error(error: &Error) -> End {
    match error {
        Error::Capacity(reason) => End::cut(CloseCode::Size, reason.to_string()),
        Error::Utf8(_) => End::cut(CloseCode::Invalid, "text must be UTF-8"),
        Error::Protocol(reason) => End::cut(CloseCode::Protocol, reason.to_string()),
        _ => End::Gone,
    }
}
