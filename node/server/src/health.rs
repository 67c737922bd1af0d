//! `grpc.health.v1`: whether the server, or one of its services, takes calls.

use std::future::{ready, Ready};
use std::pin::Pin;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::body::BoxBody;
use tonic::server::{Grpc, ServerStreamingService, UnaryService};
use tonic::Status;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::activity::InCall;
use crate::dispatch::Node;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
/// What is answered here.
pub(crate) const PATHS: [&str; 2] = [CHECK, WATCH];
/// Bytes of a request, which names a service.
const MAX_REQUEST: usize = 1_024;

/// Answer `path`, one of ours.
pub(crate) async fn serve(
    node: &Node,
    path: &str,
    request: Request<Incoming>,
    call: InCall,
) -> Response<BoxBody> {
    let mut grpc = Grpc::new(tonic::codec::ProstCodec::default()).max_decoding_message_size(MAX_REQUEST);
    let health = Health { node, call: Some(call) };
    let answer = async {
        match path {
            WATCH => grpc.server_streaming(health, request).await,
            _ => grpc.unary(health, request).await,
        }
    };
    let answer = tokio::time::timeout(node.limits.call_timeout, answer).await;
    answer.unwrap_or_else(|_| Status::deadline_exceeded("the request did not come").into_http())
}

struct Health<'a> {
    node: &'a Node,
    call: Option<InCall>,
}

impl Health<'_> {
    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.node.reflection.services().iter().any(|known| known == service)
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

fn serving(stopping: bool) -> ServingStatus {
    if stopping {
        ServingStatus::NotServing
    } else {
        ServingStatus::Serving
    }
}

impl UnaryService<HealthCheckRequest> for Health<'_> {
    type Response = HealthCheckResponse;
    type Future = Ready<Result<tonic::Response<HealthCheckResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<HealthCheckRequest>) -> Self::Future {
        ready(if self.knows(&request.get_ref().service) {
            Ok(tonic::Response::new(response(serving(*self.node.stopping.borrow()))))
        } else {
            Err(Status::not_found("there is no such service"))
        })
    }
}

impl ServerStreamingService<HealthCheckRequest> for Health<'_> {
    type Response = HealthCheckResponse;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;
    type Future = Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<HealthCheckRequest>) -> Self::Future {
        let (known, call) = (self.knows(&request.get_ref().service), self.call.take());
        let stream = WatchStream::new(self.node.stopping.clone()).map(move |stopping| {
            let _held = &call;
            let status = if known { serving(stopping) } else { ServingStatus::ServiceUnknown };
            Ok(response(status))
        });
        ready(Ok(tonic::Response::new(Box::pin(stream) as Self::ResponseStream)))
    }
}
