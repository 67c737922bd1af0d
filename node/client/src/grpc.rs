//! One gRPC call, for every method there is.

use std::error::Error as _;
use std::time::{Duration, Instant};

use prost::Message;
use tonic::codec::ProstCodec;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A node that just started has no block yet: how long its first one is waited for, and how often it is asked.
const FIRST_BLOCK_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_BLOCK_PAUSE: Duration = Duration::from_millis(100);
/// How a node's refusal begins that has no block yet.
const NOT_BEGUN: &str = "the chain has not begun";
/// Largest answer that is taken.
const MAX_ANSWER: usize = 64 << 20;

/// A connection to a node. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    node: String,
}

impl Client {
    /// Connect to the gRPC port at `node`, such as `http://127.0.0.1:9090` or `127.0.0.1:9090`.
    pub async fn connect(node: &str) -> Result<Self, Error> {
        let channel = endpoint(node)?
            .connect()
            .await
            .map_err(|error| Error::Unreachable { node: node.into(), reason: root_cause(&error) })?;
        Ok(Self { channel, node: node.into() })
    }

    /// The same, but connect when the first call is made. To be called inside a runtime.
    pub fn lazy(node: &str) -> Result<Self, Error> {
        Ok(Self { channel: endpoint(node)?.connect_lazy(), node: node.into() })
    }

    /// Address of the node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Call the method at `path` (`/package.Service/Method`). Before the chain's first block it waits for that, ten
    /// seconds at most.
    pub async fn call<Q, A>(&self, path: &'static str, request: &Q) -> Result<A, Error>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let began = Instant::now();
        loop {
            match self.call_once(path, request).await {
                Err(Error::Status { message, .. })
                    if message.starts_with(NOT_BEGUN) && began.elapsed() < FIRST_BLOCK_TIMEOUT =>
                {
                    tokio::time::sleep(FIRST_BLOCK_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    async fn call_once<Q, A>(&self, path: &'static str, request: &Q) -> Result<A, Error>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        let ready = grpc.ready().await;
        ready.map_err(|error| Error::Unreachable { node: self.node.clone(), reason: root_cause(&error) })?;
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        let path = http::uri::PathAndQuery::from_static(path);
        let answer = grpc.unary(Request::new(request.clone()), path, codec).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.failed(&status))
    }

    fn failed(&self, status: &Status) -> Error {
        let broken = status.source().is_some_and(|source| source.is::<tonic::transport::Error>());
        if broken || matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled) {
            let reason = status.source().map_or_else(|| status.message().into(), root_cause);
            return Error::Unreachable { node: self.node.clone(), reason };
        }
        Error::Status { code: status.code(), message: status.message().into() }
    }
}

fn endpoint(node: &str) -> Result<Endpoint, Error> {
    let address = match node.split_once("://") {
        None => format!("http://{node}"),
        Some(("http", _)) => node.to_owned(),
        Some(("tcp", rest)) => format!("http://{rest}"),
        Some((scheme, _)) => {
            return Err(Error::Input(format!(
                "{node}: {scheme} is not spoken here; give the gRPC port as http://HOST:PORT"
            )));
        }
    };
    let endpoint = Endpoint::from_shared(address);
    let endpoint = endpoint.map_err(|error| Error::Input(format!("{node} is no address: {error}")))?;
    Ok(endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(CALL_TIMEOUT).tcp_nodelay(true))
}

/// The innermost reason: the outer ones only say that something failed.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_in_the_forms_that_people_write() {
        for node in ["http://127.0.0.1:9090", "127.0.0.1:9090", "tcp://localhost:9090", "http://[::1]:9090"] {
            assert!(endpoint(node).is_ok(), "{node}");
        }
        for node in ["ftp://localhost:9090", "https://localhost", "http://", "a b"] {
            assert!(matches!(endpoint(node), Err(Error::Input(_))), "{node}");
        }
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_cannot_be_reached() {
        let error = Client::connect("127.0.0.1:1").await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        let lazy = Client::lazy("127.0.0.1:1").unwrap();
        let answer: Result<(), _> = lazy.call("/a.B/C", &()).await;
        assert!(matches!(answer, Err(Error::Unreachable { .. })), "{answer:?}");
    }
}
