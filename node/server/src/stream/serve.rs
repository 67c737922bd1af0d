//! One call that is answered by a stream.

use std::sync::Arc;

use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use prost::Message;
use proto::dydxprotocol::clob as wire;
use tonic::Status;

use super::filter::Filter;
use super::queue::Stream;
use crate::activity::{Activity, InCall};
use crate::dispatch::Node;
use crate::unary;

/// What is answered here.
pub(crate) const PATHS: [&str; 1] = ["/dydxprotocol.clob.Query/StreamOrderbookUpdates"];
/// Bytes of a request, which names markets and accounts.
const MAX_REQUEST: usize = 128 << 10;

/// Begin a stream. It is bounded in time only by its subscriber.
pub(crate) async fn serve(
    node: &Node,
    request: Request<Incoming>,
    activity: &Arc<Activity>,
    call: InCall,
) -> Result<Response<Stream>, Status> {
    let filter = async {
        let request =
            unary::read(request.into_body().map_err(unary::broken), MAX_REQUEST, &node.requests).await?;
        let wrong = |error: prost::DecodeError| Status::invalid_argument(error.to_string());
        let request = wire::StreamOrderbookUpdatesRequest::decode(request.message).map_err(wrong)?;
        let chain = node.host.chain().ok_or_else(|| Status::unavailable("the chain has no block yet"))?;
        Filter::of(request, &chain)
    };
    let late = |_| Status::deadline_exceeded("the request did not come");
    let filter = tokio::time::timeout(node.limits.call_timeout, filter).await.map_err(late)??;
    let queue = node.streams.subscribe(filter, activity.clone())?;
    let mut response = Response::new(Stream::new(queue, call));
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    Ok(response)
}
