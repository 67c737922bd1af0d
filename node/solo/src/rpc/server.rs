//! Connections and limits: how many, how long, how large; then from HTTP to calls and back.

use std::net::SocketAddr;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{header, HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::middleware::{from_fn_with_state, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{watch, Semaphore};

use crate::config::RpcConfig;
use crate::node::{NodeError, NodeState};
use crate::rpc::args::{Arg, Args, Params};
use crate::rpc::envelope::{answer, Body, Call, Parsed, RpcError};
use crate::rpc::lenient::Lenient;
use crate::rpc::websocket::{self, Feed};
use crate::rpc::{methods, txs};

/// Time within which a client must have sent its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Rest after the system refused to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What is told of a call that panicked.
const DIED: &str = "the call failed within the node";
/// Most arguments in a URI.
const MAX_URI_ARGS: usize = 16;

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).await.map_err(|source| NodeError::Listen { address, source })
}

pub(super) struct Server {
    state: Arc<NodeState>,
    pub(super) config: RpcConfig,
    requests: Arc<Semaphore>,
    /// Those who wait for a block have places of their own, so that they keep nobody else out.
    waiting: Arc<Semaphore>,
    /// Places of WebSockets, and of those among them that subscribe.
    pub(super) sockets: Arc<Semaphore>,
    pub(super) subscribers: Arc<Semaphore>,
    pub(super) feed: Feed,
    /// Changes when the server ends.
    pub(super) dying: watch::Receiver<()>,
}

/// Accept until the task is aborted, which closes all connections.
pub(crate) async fn serve(listener: TcpListener, config: RpcConfig, state: Arc<NodeState>) {
    let connections = Arc::new(Semaphore::new(config.max_connections.max(1)));
    // Dropped with this task, which the sockets see.
    let (_alive, dying) = watch::channel(());
    let feed = websocket::feed();
    let mut open = tokio::task::JoinSet::new();
    open.spawn(websocket::publish(state.clone(), state.blocks.subscribe(), feed.clone()));
    let router = router(config, state, feed, dying);
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: going on at once would spin.
                tracing::warn!(%error, "JSON-RPC cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        open.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(Lenient::new(stream)), service)
                .with_upgrades();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "JSON-RPC connection ended");
            }
            drop(permit);
        });
        while open.try_join_next().is_some() {}
    }
}

fn router(config: RpcConfig, state: Arc<NodeState>, feed: Feed, dying: watch::Receiver<()>) -> Router {
    let limit = config.max_body_bytes;
    let places = config.max_requests.max(1);
    let (requests, waiting) = (Arc::new(Semaphore::new(places)), Arc::new(Semaphore::new(places)));
    let sockets = Arc::new(Semaphore::new(websocket::MAX_SOCKETS));
    let subscribers = Arc::new(Semaphore::new(websocket::MAX_CLIENTS));
    let server = Server { state, config, requests, waiting, sockets, subscribers, feed, dying };
    let server = Arc::new(server);
    Router::new()
        .route("/", post(posted).get(index))
        .route("/websocket", get(websocket::upgrade).post(posted))
        .route("/:method", get(by_uri).post(posted))
        .layer(DefaultBodyLimit::max(limit))
        .layer(from_fn_with_state(server.clone(), in_time))
        .layer(from_fn_with_state(server.clone(), cors))
        .with_state(server)
}

/// Give up on requests that take too long, also on those whose body does not come.
async fn in_time(State(server): State<Arc<Server>>, request: Request<HttpBody>, next: Next) -> Response {
    match tokio::time::timeout(server.config.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let error = RpcError::internal("the request took too long").answer(&Value::Null);
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(error)).into_response()
        }
    }
}

/// Let the pages of chosen origins call.
async fn cors(State(server): State<Arc<Server>>, request: Request<HttpBody>, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| server.allows(origin));
    let preflight = request.method() == Method::OPTIONS;
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    if let Some(origin) = allowed {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if preflight {
            let methods = HeaderValue::from_static("GET, POST, OPTIONS");
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            let accepted = HeaderValue::from_static("Origin, Accept, Content-Type, X-Requested-With");
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, accepted);
        }
    }
    response
}

pub(super) fn busy() -> Response {
    let error = RpcError::internal("too many requests at a time; try again").answer(&Value::Null);
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], axum::Json(error)).into_response()
}

async fn index() -> String {
    let mut lines = vec!["Methods (GET /method?argument=..., or JSON-RPC 2.0 by POST /):".to_owned()];
    lines.extend(methods::names());
    lines.push(format!("{}?tx", methods::BROADCAST_COMMIT));
    lines.join("\n") + "\n"
}

async fn posted(State(server): State<Arc<Server>>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let error = RpcError::request(rejection.body_text()).answer(&Value::Null);
            return (rejection.status(), axum::Json(error)).into_response();
        }
    };
    match Body::parse(&body, server.config.max_batch) {
        Err(error) => {
            let answer = error.answer(&Value::Null);
            (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(answer)).into_response()
        }
        Ok(Body::Single(call)) => match server.answer(vec![call]).await {
            None => busy(),
            Some(mut answers) => match answers.pop() {
                Some(answer) => {
                    let no_call = RpcError::is_of_no_call(&answer);
                    let status = if no_call { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
                    (status, axum::Json(answer)).into_response()
                }
                None => StatusCode::OK.into_response(),
            },
        },
        Ok(Body::Batch(calls)) => match server.answer(calls).await {
            None => busy(),
            Some(answers) if answers.is_empty() => StatusCode::OK.into_response(),
            Some(answers) => axum::Json(answers).into_response(),
        },
    }
}

async fn by_uri(
    State(server): State<Arc<Server>>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    // The id that CometBFT gives to calls that have none.
    let id = Value::from(-1);
    let args = uri_args(query.as_deref().unwrap_or_default());
    let call = args.map(|args| Call { id: Some(id.clone()), method, args }).map_err(|error| (id, error));
    match server.answer(vec![call]).await {
        None => busy(),
        Some(mut answers) => {
            let answer = answers.pop().unwrap_or_default();
            (status_of(&answer), axum::Json(answer)).into_response()
        }
    }
}

/// The status that CometBFT gives to the answer to a URI.
fn status_of(answer: &Value) -> StatusCode {
    match RpcError::code_in(answer) {
        None => StatusCode::OK,
        Some(RpcError::NO_METHOD) => StatusCode::NOT_FOUND,
        Some(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The arguments that a URI has behind its question mark.
pub(super) fn uri_args(query: &str) -> Result<Args, RpcError> {
    let mut named = std::collections::BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        named.insert(decode_percent(name)?, Arg::from_uri(&decode_percent(value)?)?);
        if named.len() > MAX_URI_ARGS {
            return Err(RpcError::params(format!("more than {MAX_URI_ARGS} arguments")));
        }
    }
    Ok(Args::Named(named))
}

/// Undo the escapes of a query string.
fn decode_percent(text: &str) -> Result<String, RpcError> {
    let malformed = || RpcError::params("an escape in the URI is malformed");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [rest.next().ok_or_else(malformed)?, rest.next().ok_or_else(malformed)?];
                let mut decoded = [0];
                hex::decode_to_slice(pair, &mut decoded).map_err(|_| malformed())?;
                decoded[0]
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

impl Server {
    /// Whether the pages of this origin may call.
    fn allows(&self, origin: &HeaderValue) -> bool {
        let origins = &self.config.cors_origins;
        origins.iter().any(|each| each == "*" || each.as_bytes() == origin.as_bytes())
    }

    /// Whether a WebSocket may be opened: by programs, by the node's own pages, and by those of allowed origins.
    pub(super) fn takes_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
        let own = origin.as_bytes().splitn(2, |byte| *byte == b'/').nth(1);
        self.allows(origin) || own.is_some_and(|own| own.strip_prefix(b"/") == host)
    }

    /// Answer calls one after the other, outside the tasks that serve connections. Nothing when too many
    /// others are being answered.
    pub(super) async fn answer(self: &Arc<Self>, calls: Vec<Parsed>) -> Option<Vec<Value>> {
        let waits = |call: &Parsed| call.as_ref().is_ok_and(|call| call.method == methods::BROADCAST_COMMIT);
        if calls.iter().any(waits) {
            let _place = self.waiting.clone().try_acquire_owned().ok()?;
            let mut answers = Vec::new();
            for call in calls {
                answers.extend(self.answer_waiting(call).await);
            }
            return Some(answers);
        }
        let place = self.requests.clone().try_acquire_owned().ok()?;
        let server = self.clone();
        // Blocks wait for the lock of what is checked: its threads must be as good as theirs.
        let checks =
            calls.iter().any(|call| call.as_ref().is_ok_and(|call| methods::is_broadcast(&call.method)));
        let work = move || {
            let answers = calls.into_iter().filter_map(|call| server.answer_one(call)).collect();
            // The place is taken until the work is done, even if the client has gone.
            drop(place);
            answers
        };
        let work = if checks { tokio::task::spawn_blocking(work) } else { aside::run(work) };
        Some(work.await.unwrap_or_else(|_| vec![died()]))
    }

    fn answer_one(&self, call: Parsed) -> Option<Value> {
        match call {
            Err((id, error)) => Some(error.answer(&id)),
            Ok(call) => {
                let run = || methods::run(&self.state, &call.method, &call.args);
                // The next call begins anew with what is stored, whatever this one left behind.
                let result = catch_unwind(AssertUnwindSafe(run));
                told(call.id, result.unwrap_or_else(|_| Err(RpcError::internal(DIED))))
            }
        }
    }

    async fn answer_waiting(self: &Arc<Self>, call: Parsed) -> Option<Value> {
        match call {
            Ok(call) if call.method == methods::BROADCAST_COMMIT => {
                told(call.id, self.broadcast_commit(&call.args).await)
            }
            other => {
                let server = self.clone();
                let task = tokio::task::spawn_blocking(move || server.answer_one(other));
                task.await.unwrap_or_else(|_| Some(died()))
            }
        }
    }

    async fn broadcast_commit(&self, args: &Args) -> Result<Value, RpcError> {
        let tx = txs::sent(&Params::new(args, &["tx"])?)?;
        let done = self.state.submit_and_wait(tx.clone().into(), self.config.commit_timeout).await;
        let (check, found) = done.map_err(|error| RpcError::internal(error.to_string()))?;
        Ok(txs::commit_answer(&check, found.as_ref(), &tx))
    }
}

/// The answer, unless nobody waits for one.
fn told(id: Option<Value>, result: Result<Value, RpcError>) -> Option<Value> {
    let id = id?;
    Some(result.map_or_else(|error| error.answer(&id), |result| answer(&id, result)))
}

fn died() -> Value {
    RpcError::internal(DIED).answer(&Value::Null)
}
