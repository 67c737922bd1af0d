//! Which call goes where: reflection and health to their services, everything else to the host or the engine as
//! one message each way. Heights come and go in the metadata `x-cosmos-block-height`.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host::Host;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::sync::{watch, OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};

use crate::activity::{Activity, InCall};
use crate::engine::Engine;
use crate::limits::Limits;
use crate::reflection::Reflection;
use crate::stream::Hub;
use crate::unary::{self, Answer};
use crate::web::{self, Form, Undressed};
use crate::{health, methods, reflection, stream};

/// Metadata that names the height a question is about, and in answers the height they are of.
pub(crate) const HEIGHT: HeaderName = HeaderName::from_static("x-cosmos-block-height");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Body of any answer.
pub(crate) type AnyBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// What all calls share.
pub(crate) struct Node {
    pub(crate) host: Host,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) limits: Limits,
    pub(crate) reflection: Arc<Reflection>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) streams: Hub,
    pub(crate) requests: Arc<Semaphore>,
    paths: BTreeSet<String>,
    queries: Arc<Semaphore>,
    broadcasts: Arc<Semaphore>,
    pub(crate) answers: Arc<Semaphore>,
}

impl Node {
    pub(crate) fn new(
        host: Host,
        engine: Arc<dyn Engine>,
        limits: Limits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let bytes = usize::try_from(limits.max_buffered_bytes).unwrap_or(usize::MAX);
        let budget = || Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
        Self {
            streams: Hub::start(&host, &limits.streams),
            host,
            engine,
            reflection: Arc::new(Reflection::new()),
            stopping,
            paths: methods::methods().into_iter().collect(),
            queries: Arc::new(Semaphore::new(limits.max_queries)),
            broadcasts: Arc::new(Semaphore::new(limits.max_broadcasts)),
            requests: budget(),
            answers: budget(),
            limits,
        }
    }

    /// A place among the calls of the kind of `path` that run.
    fn place(&self, path: &str) -> Result<OwnedSemaphorePermit, Status> {
        let lane = if path == methods::BROADCAST { &self.broadcasts } else { &self.queries };
        let full = || Status::resource_exhausted("the server runs as many calls as it can; try again");
        lane.clone().try_acquire_owned().map_err(|_| full())
    }

    /// Answer the method at `path`.
    pub(crate) async fn call(
        &self,
        path: &str,
        request: Bytes,
        height: u64,
    ) -> Result<(Vec<u8>, u64), Status> {
        let place = self.place(path)?;
        if let Some(answer) = methods::call(self, path, &request).await {
            drop(place);
            return answer.map(|bytes| (bytes, self.host.last_block().height));
        }
        let (host, method) = (self.host.clone(), path.to_owned());
        // The place is held until the work is done, even if nobody waits for it any more.
        let work = aside::run(move || {
            let _place = place;
            host.call(&method, &request, height)
        });
        match work.await {
            Ok(Ok(answer)) => Ok((answer.value, answer.height)),
            Ok(Err(failure)) => Err(unary::status(Code::from_i32(failure.kind as i32), &failure.message)),
            Err(_) => {
                tracing::error!(path, "a query panicked");
                Err(Status::internal("the query failed inside the node"))
            }
        }
    }
}

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) node: Arc<Node>,
    pub(crate) activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for Dispatch {
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

impl Dispatch {
    async fn answer(self, request: Request<Incoming>) -> Response<AnyBody> {
        let call = self.activity.call();
        let origin = web::origin(&request, &self.node.limits.origins);
        let mut response = if web::is_preflight(&request) {
            web::preflight(origin.is_some())
        } else {
            // Trailers, with which gRPC itself ends, need HTTP/2.
            let whole = |form: &Form| *form != Form::Plain || request.version() == Version::HTTP_2;
            match Form::of(request.headers()).filter(whole) {
                Some(form) => form.dress(self.route(request, form, call).await),
                None => {
                    let mut response = Response::new(boxed(Empty::new()));
                    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                    response
                }
            }
        };
        if let Some(origin) = origin {
            web::allow(response.headers_mut(), origin);
        }
        response
    }

    async fn route(&self, request: Request<Incoming>, form: Form, call: InCall) -> Response<AnyBody> {
        let path = request.uri().path().to_owned();
        let is_of = |paths: &[&str]| paths.contains(&path.as_str());
        let (reflects, heals, streams) =
            (is_of(&reflection::PATHS), is_of(&health::PATHS), is_of(&stream::PATHS));
        let mut response = if form == Form::Text && (reflects || heals || streams) {
            Status::unimplemented("this service speaks gRPC-Web in bytes only").into_http().map(boxed)
        } else if reflects {
            reflection::serve(&self.node, request, call).await.map(boxed)
        } else if heals {
            health::serve(&self.node, &path, request, call).await.map(boxed)
        } else if streams {
            let answer = stream::serve(&self.node, request, &self.activity, call).await;
            answer.map_or_else(|status| status.into_http().map(boxed), |stream| stream.map(boxed))
        } else {
            let _call = call;
            let patience = patience(request.headers(), self.node.limits.call_timeout);
            let answer = tokio::time::timeout(patience, self.unary(&path, request, form)).await;
            let late = || Status::deadline_exceeded(format!("no answer within {} ms", patience.as_millis()));
            answer.unwrap_or_else(|_| Err(late())).unwrap_or_else(|status| status.into_http().map(boxed))
        };
        if !response.headers().contains_key(HEIGHT) {
            response.headers_mut().insert(HEIGHT, HeaderValue::from(self.node.host.last_block().height));
        }
        response
    }

    async fn unary(
        &self,
        path: &str,
        request: Request<Incoming>,
        form: Form,
    ) -> Result<Response<AnyBody>, Status> {
        let node = &self.node;
        if !node.paths.contains(path) {
            return Err(unary::status(Code::Unimplemented, &format!("there is no method {path}")));
        }
        let (head, body) = request.into_parts();
        let height = height(&head.headers)?;
        let body = body.map_err(unary::broken);
        let (limit, budget) = (node.limits.max_request_bytes, &node.requests);
        let request = match form {
            Form::Text => unary::read(Undressed::new(body), limit, budget).await?,
            Form::Plain | Form::Bytes => unary::read(body, limit, budget).await?,
        };
        let (answer, height) = node.call(path, request.message.clone(), height).await?;
        let (limit, sending) = (node.limits.max_response_bytes, self.activity.answer());
        let mut response = Answer::respond(&answer, limit, &node.answers, sending)?;
        response.headers_mut().insert(HEIGHT, HeaderValue::from(height));
        Ok(response.map(boxed))
    }
}

/// A body of the type of all.
pub(crate) fn boxed<B>(body: B) -> AnyBody
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// The height that is asked for; 0, the latest, if none is.
pub(crate) fn height(headers: &HeaderMap) -> Result<u64, Status> {
    let mut values = headers.get_all(HEIGHT).iter();
    let (Some(value), further) = (values.next(), values.next()) else { return Ok(0) };
    let height = value.to_str().ok().and_then(|text| text.parse::<u64>().ok()).filter(|_| further.is_none());
    height.ok_or_else(|| {
        let words = format!("{HEIGHT} must be one height, a whole number from 0 on, not {value:?}");
        unary::status(Code::InvalidArgument, &words)
    })
}

/// How long the call may take: what the client says, but no longer than ours.
fn patience(headers: &HeaderMap, ours: Duration) -> Duration {
    let text = headers.get(TIMEOUT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let theirs = text.char_indices().last().and_then(|(end, unit)| {
        let number = text.get(..end).filter(|digits| (1..=8).contains(&digits.len()))?.parse::<u64>().ok()?;
        Some(match unit {
            'H' => Duration::from_secs(number.saturating_mul(3_600)),
            'M' => Duration::from_secs(number.saturating_mul(60)),
            'S' => Duration::from_secs(number),
            'm' => Duration::from_millis(number),
            'u' => Duration::from_micros(number),
            'n' => Duration::from_nanos(number),
            _ => return None,
        })
    });
    theirs.map_or(ours, |theirs| theirs.min(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_patience_counts() {
        let ours = Duration::from_secs(10);
        for (text, expected) in [
            ("100m", Duration::from_millis(100)),
            ("1S", Duration::from_secs(1)),
            ("5u", Duration::from_micros(5)),
            ("7n", Duration::from_nanos(7)),
            ("1H", ours),
            ("99999999M", ours),
            ("100", ours),
            ("m", ours),
            ("", ours),
            ("123456789m", ours),
            ("-1m", ours),
        ] {
            let headers = HeaderMap::from_iter([(TIMEOUT, HeaderValue::from_static(text))]);
            assert_eq!(patience(&headers, ours), expected, "{text}");
        }
        assert_eq!(patience(&HeaderMap::new(), ours), ours);
    }
}
