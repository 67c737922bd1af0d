//! One call that is answered by a stream.

use std::sync::Arc;

use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use prost::Message;
use proto::ballast::stream::v1 as own;
use proto::dydxprotocol::clob as wire;
use tonic::Status;
use types::Chain;

use super::filter::{Books, Events, Filter, Form};
use super::queue::Stream;
use crate::activity::{Activity, InCall};
use crate::dispatch::Node;
use crate::unary;

/// What is answered here.
pub(crate) const PATHS: [&str; 2] = [DYDX, BLOCKS];
pub(super) const DYDX: &str = "/dydxprotocol.clob.Query/StreamOrderbookUpdates";
pub(super) const BLOCKS: &str = "/ballast.stream.v1.Query/Blocks";
/// Bytes of a request, which names markets and accounts.
pub(super) const MAX_REQUEST: usize = 128 << 10;

/// Begin a stream. It is bounded in time only by its subscriber.
pub(crate) async fn serve(
    node: &Node,
    request: Request<Incoming>,
    activity: &Arc<Activity>,
    call: InCall,
) -> Result<Response<Stream>, Status> {
    let path = request.uri().path().to_owned();
    let wanted = async {
        let body = request.into_body().map_err(unary::broken);
        let request = unary::read(body, MAX_REQUEST, &node.requests).await?;
        let chain = node.host.chain().ok_or_else(|| Status::unavailable("the chain has no block yet"))?;
        read(&path, &request.message, &chain)
    };
    let late = |_| Status::deadline_exceeded("the request did not come");
    let wanted = tokio::time::timeout(node.limits.call_timeout, wanted).await.map_err(late)??;
    let place = node.streams.place()?;
    let queue = node.streams.subscribe(wanted, Form::Framed, activity.clone(), place);
    let mut response = Response::new(Stream::new(queue, call));
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    Ok(response)
}

/// What a request asks for, and from where on.
pub(super) fn read(
    path: &str,
    request: &[u8],
    chain: &Chain,
) -> Result<(Filter, Option<own::Place>), Status> {
    let wrong = |error: prost::DecodeError| Status::invalid_argument(error.to_string());
    if path == BLOCKS {
        let request = own::BlocksRequest::decode(request).map_err(wrong)?;
        return Ok((Filter::Blocks(Events::of(&request, chain)?), request.after));
    }
    let request = wire::StreamOrderbookUpdatesRequest::decode(request).map_err(wrong)?;
    Ok((Filter::Dydx(Books::of(request, chain)?), None))
}
