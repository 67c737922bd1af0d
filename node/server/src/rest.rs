//! REST: the same methods as gRPC over HTTP/1.1 with JSON, by the routes that stand at them in the schema.
//!
//! Nothing here knows a method: `schema` reads routes from descriptors, `decode` makes the request's message of
//! path, query and body, the method is called as over gRPC, and `encode` writes what it answers. The `OpenAPI`
//! document and its page come from the same descriptors.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use prost::Message;
use prost_reflect::DynamicMessage;
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use crate::activity::Activity;
use crate::dispatch::{self, boxed, AnyBody, Node};
use crate::stream;
use crate::unary::{self, Answer};

mod cors;
mod decode;
mod encode;
mod json;
mod openapi;
mod scalar;
mod schema;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use json::Json;
use schema::{Found, Route, Schema};

/// Messages that are turned into JSON, or JSON into messages, at a time; more wait.
const MAX_TRANSCODED: usize = 4;
/// The page that shows the `OpenAPI` document, and its script.
const PAGE: (&str, &str) = (include_str!("rest/page.html"), include_str!("rest/page.js"));

/// Where REST listens, and what it holds at most beside the limits of gRPC.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// The address; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Connections at a time; a further one is closed at once.
    pub max_connections: usize,
    /// Requests at a time; a further one is answered with 429.
    pub max_requests: usize,
    /// Bytes of a request's body; a longer one is answered with 413.
    pub max_body_bytes: usize,
    /// Bytes of an answer; a longer one is refused with 429.
    pub max_response_bytes: usize,
    /// Origins whose web pages may call; `*` for all.
    pub cors_origins: Vec<String>,
}

impl Default for RestConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1317),
            max_connections: 256,
            max_requests: 64,
            max_body_bytes: 2 << 20,
            max_response_bytes: 16 << 20,
            cors_origins: Vec::new(),
        }
    }
}

/// A way to call a method: the verb, the template of the path, the gRPC path.
pub fn routes() -> Vec<(String, String, String)> {
    let schema = Schema::new();
    let routes = schema.routes().iter();
    routes.map(|route| (route.verb.to_string(), route.template.plain(), route.path.clone())).collect()
}

/// What all connections share.
pub(crate) struct Gateway {
    node: Arc<Node>,
    config: RestConfig,
    schema: Schema,
    document: Bytes,
    requests: Arc<Semaphore>,
    transcoders: Arc<Semaphore>,
}

impl Gateway {
    pub(crate) fn new(node: Arc<Node>, config: RestConfig) -> Self {
        let schema = Schema::new();
        Self {
            node,
            document: openapi::document(&schema).into(),
            schema,
            requests: Arc::new(Semaphore::new(config.max_requests)),
            transcoders: Arc::new(Semaphore::new(MAX_TRANSCODED)),
            config,
        }
    }

    /// Do work that takes memory and time in turn, outside the tasks that serve connections.
    async fn transcode<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let stopping = |_| Status::unavailable("the node stops");
        let place = self.transcoders.clone().acquire_owned().await.map_err(stopping)?;
        let this = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&this)
        });
        work.await.unwrap_or_else(|_| Err(Status::internal("the request failed inside the node")))
    }
}

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for Gate {
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

impl Gate {
    async fn answer(self, request: Request<Incoming>) -> Response<AnyBody> {
        let _call = self.activity.call();
        let asked = request.headers().clone();
        let preflight = request.method() == Method::OPTIONS;
        let patience = self.gateway.node.limits.call_timeout;
        let mut response = if preflight {
            let mut response = Response::new(boxed(Empty::new()));
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        } else {
            let answer = tokio::time::timeout(patience, self.respond(request)).await;
            let late = || Status::deadline_exceeded(format!("no answer within {} ms", patience.as_millis()));
            answer.unwrap_or_else(|_| Err(late())).unwrap_or_else(|status| refusal(&status))
        };
        let headers = response.headers_mut();
        let last = self.gateway.node.host.last_block().height;
        headers.entry(dispatch::HEIGHT).or_insert(HeaderValue::from(last));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        cors::allow(&self.gateway.config.cors_origins, &asked, preflight, headers);
        response
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<AnyBody>, Status> {
        let gateway = &self.gateway;
        let full = |_| Status::resource_exhausted("the server runs as many requests as it can; try again");
        let _place = gateway.requests.clone().try_acquire_owned().map_err(full)?;
        if let Some(asked) = stream::asked(request.uri().path()) {
            if !cors::takes(&gateway.config.cors_origins, request.headers()) {
                let words = "pages of this origin may not connect; name it in rest.cors_origins";
                return Err(Status::permission_denied(words));
            }
            return stream::upgrade(&gateway.node, asked, request);
        }
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        if let Some(page) = self.page(&head.method, path)? {
            return Ok(page);
        }
        let (route, values) = match gateway.schema.find(&head.method, path) {
            Found::Route(route, values) => (route, values),
            // The words of a gateway, which clients know.
            Found::OtherVerb => return Err(Status::unimplemented("Method Not Allowed")),
            Found::Nothing => return Err(Status::unimplemented("Not Implemented")),
        };
        let invalid = |words: String| unary::status(Code::InvalidArgument, &words);
        let values = template::unescaped(&values).map_err(invalid)?;
        let height = dispatch::height(&head.headers)?;
        let request = if route.body {
            self.posted(route, values, body).await?
        } else {
            let mut request = DynamicMessage::new(route.method.input());
            put(&gateway.schema, &mut request, &values).map_err(invalid)?;
            let query = head.uri.query().unwrap_or_default();
            decode::query(&gateway.schema, &mut request, query, &values).map_err(invalid)?;
            request.encode_to_vec()
        };
        let (answer, height) = gateway.node.call(&route.path, request.into(), height).await?;
        let limit = gateway.config.max_response_bytes;
        let kind = route.method.output();
        let text = gateway.transcode(move |gateway| written(gateway, kind, &answer, limit)).await?;
        let mut response = self.document(text.into(), "application/json")?;
        response.headers_mut().insert(dispatch::HEIGHT, HeaderValue::from(height));
        Ok(response)
    }

    /// The request's message from its body, with what stands in the path.
    async fn posted(
        &self,
        route: &Route,
        values: Vec<(String, String)>,
        body: Incoming,
    ) -> Result<Vec<u8>, Status> {
        let gateway = &self.gateway;
        let (body, held) = read(body, gateway.config.max_body_bytes, &gateway.node.requests).await?;
        let kind = route.method.input();
        let work = move |gateway: &Gateway| {
            let invalid = |words: String| unary::status(Code::InvalidArgument, &words);
            let _held = held;
            let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
            let json = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
            let mut request = decode::message(&gateway.schema, &kind, &json).map_err(invalid)?;
            put(&gateway.schema, &mut request, &values).map_err(invalid)?;
            Ok(request.encode_to_vec())
        };
        gateway.transcode(work).await
    }

    /// The `OpenAPI` document and its page.
    fn page(&self, verb: &Method, path: &str) -> Result<Option<Response<AnyBody>>, Status> {
        let (bytes, kind) = match (verb, path) {
            (&Method::GET, "/" | "/swagger" | "/swagger/") => (PAGE.0.into(), "text/html; charset=utf-8"),
            (&Method::GET, "/swagger/page.js") => (PAGE.1.into(), "text/javascript; charset=utf-8"),
            (&Method::GET, "/openapi.json") => (self.gateway.document.clone(), "application/json"),
            _ => return Ok(None),
        };
        let mut response = self.document(bytes, kind)?;
        let policy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'";
        let policy = HeaderValue::from_static(policy);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        Ok(Some(response))
    }

    fn document(&self, bytes: Bytes, kind: &'static str) -> Result<Response<AnyBody>, Status> {
        let sending = self.activity.answer();
        let answer = Answer::document(bytes, &self.gateway.node.answers, sending)?;
        let mut response = Response::new(boxed(answer));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(response)
    }
}

/// Set what stands in the path.
fn put(schema: &Schema, request: &mut DynamicMessage, values: &[(String, String)]) -> Result<(), String> {
    for (name, value) in values {
        decode::set(schema, request, name, value)?;
    }
    Ok(())
}

fn written(
    gateway: &Gateway,
    kind: prost_reflect::MessageDescriptor,
    answer: &[u8],
    limit: usize,
) -> Result<String, Status> {
    let long =
        || Status::resource_exhausted(format!("the answer has more than {limit} bytes: ask for a page"));
    if answer.len() > limit {
        return Err(long());
    }
    let answer = DynamicMessage::decode(kind, answer);
    let answer = answer.map_err(|error| unary::status(Code::Internal, &error.to_string()))?;
    encode::json(&gateway.schema, &answer, limit).map_err(|encode::TooLong| long())
}

/// Read a body, which counts against the budget of all requests.
async fn read<B>(
    body: B,
    limit: usize,
    budget: &Arc<Semaphore>,
) -> Result<(Bytes, Vec<tokio::sync::OwnedSemaphorePermit>), Status>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = std::pin::pin!(body);
    let (mut read, mut held) = (BytesMut::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Status::cancelled(format!("the request broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if read.len().saturating_add(data.len()) > limit {
            return Err(Status::out_of_range(format!("the body has more than {limit} bytes")));
        }
        let full = || Status::resource_exhausted("the server holds as many requests as it can; try again");
        let size = u32::try_from(data.len()).map_err(|_| full())?;
        held.push(budget.clone().try_acquire_many_owned(size).map_err(|_| full())?);
        read.put(data);
    }
    Ok((read.freeze(), held))
}

/// Why there is no answer, as gateways say it.
fn refusal(status: &Status) -> Response<AnyBody> {
    let text = serde_json::json!({
        "code": i32::from(status.code()),
        "message": status.message(),
        "details": [],
    });
    let mut response = Response::new(boxed(Full::new(Bytes::from(text.to_string()))));
    *response.status_mut() = http_status(status.code());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status.code() == Code::ResourceExhausted {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The status of HTTP that gateways have for a code of gRPC; only bodies are out of range here.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
        Code::OutOfRange => StatusCode::PAYLOAD_TOO_LARGE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
