//! Listening: connections are taken up to a number, watched, and drained when the server stops.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use host::Host;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::activity::Activity;
use crate::dispatch::{Dispatch, Node};
use crate::{Engine, Limits};

/// How often connections are looked after, at least.
const WATCH: Duration = Duration::from_secs(1);
/// How long to wait after the system refused a connection, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// How often the first bytes of a connection are looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen for gRPC on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A running gRPC server. It stops when it is told to, or when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens unless something else is chosen: only for programs on the same machine.
    pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

    /// Listen on `address` (port 0 takes any that is free), and answer until stopped.
    pub async fn start(
        address: SocketAddr,
        host: Host,
        engine: Arc<dyn Engine>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let node = Arc::new(Node::new(host, engine, limits, stopping));
        tracing::info!(%address, "gRPC listens");
        Ok(Self { address, stop, task: Some(tokio::spawn(accept(listener, node))) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Take no more calls, and return when those that run are answered or have had their time.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Wait until the server is told to stop, or is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await.map(drop);
}

async fn accept(listener: TcpListener, node: Arc<Node>) {
    let mut connections = JoinSet::new();
    let mut stopping = node.stopping.clone();
    loop {
        tokio::select! {
            () = told(&mut stopping) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((_, peer)) if connections.len() >= node.limits.max_connections => {
                    tracing::warn!(%peer, "gRPC refuses a connection: there are as many as allowed");
                }
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, node.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "gRPC cannot take a connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(node.limits.drain_timeout, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// Bytes with which HTTP/2 begins.
const PREFACE: usize = 24;

/// Wait until a client has begun HTTP/2. A place is not for those who only take it.
async fn begun(stream: &TcpStream, patience: Duration) -> bool {
    let begun = async {
        let mut bytes = [0; PREFACE];
        loop {
            match stream.peek(&mut bytes).await {
                Ok(PREFACE) => return true,
                Ok(0) | Err(_) => return false,
                // What is there already would be told again at once.
                Ok(_) => tokio::time::sleep(GLANCE).await,
            }
        }
    };
    tokio::time::timeout(patience, begun).await.unwrap_or(false)
}

/// Serve one connection until it ends, does nothing for long, does not take its answers, or the server stops.
async fn serve(stream: TcpStream, node: Arc<Node>) {
    let _ = stream.set_nodelay(true);
    let limits = &node.limits;
    if !begun(&stream, limits.handshake_timeout).await {
        return;
    }
    let activity = Arc::new(Activity::new());
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(limits.max_header_bytes)
        .keep_alive_interval(limits.keepalive.0)
        .keep_alive_timeout(limits.keepalive.1);
    let dispatch = Dispatch { node: node.clone(), activity: activity.clone() };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), dispatch));
    let mut stopping = node.stopping.clone();
    let mut watch = tokio::time::interval(WATCH.min(limits.idle_timeout).min(limits.send_timeout));
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a gRPC connection broke");
                }
                return;
            }
            () = told(&mut stopping), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = watch.tick() => {
                let idle = activity.idle_for(limits.idle_timeout);
                if activity.stuck_for(limits.send_timeout) || (idle && leaving) {
                    return;
                }
                if idle {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
