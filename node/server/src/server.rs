//! Listening: connections are taken up to a number, watched, and drained when the server stops.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::time::Duration;

use host::Host;
use http::Version;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::activity::Activity;
use crate::dispatch::{Dispatch, Node};
use crate::rest::{Gate, Gateway};
use crate::{Engine, Limits, RestConfig};

/// How often connections are looked after, at least.
const WATCH: Duration = Duration::from_secs(1);
/// How long to wait after the system refused a connection, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Bytes of a buffer of HTTP/1 at least; the library takes no less.
const MIN_BUFFER: usize = 8 << 10;

/// How often the first bytes of a connection are looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen for {what} on {address}: {source}")]
    Listen {
        /// gRPC or REST.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A running gRPC server. It stops when it is told to, or when this is dropped.
pub struct Server {
    address: SocketAddr,
    rest: Option<SocketAddr>,
    node: Arc<Node>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).field("rest", &self.rest).finish()
    }
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
        let (listener, address) = listen("gRPC", address).await?;
        let (stop, stopping) = watch::channel(false);
        let node = Arc::new(Node::new(host, engine, limits, stopping));
        let most = node.limits.max_connections;
        let tasks = vec![tokio::spawn(accept(listener, node.clone(), ("gRPC", most), serve))];
        Ok(Self { address, rest: None, node, stop, tasks })
    }

    /// Answer over REST too, with the same limits but for those of `config`.
    pub async fn serve_rest(&mut self, config: RestConfig) -> Result<SocketAddr, Error> {
        let (listener, address) = listen("REST", config.listen).await?;
        let most = config.max_connections;
        let gateway = Arc::new(Gateway::new(self.node.clone(), config));
        let one = move |stream, node| serve_rest(stream, node, gateway.clone());
        self.tasks.push(tokio::spawn(accept(listener, self.node.clone(), ("REST", most), one)));
        self.rest = Some(address);
        Ok(address)
    }

    /// Where REST listens, if it does.
    pub fn rest_addr(&self) -> Option<SocketAddr> {
        self.rest
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Take no more calls, and return when those that run are answered or have had their time.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for task in std::mem::take(&mut self.tasks) {
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Wait until the server is told to stop, or is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await.map(drop);
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { what, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, "{what} listens");
    Ok((listener, address))
}

/// Take connections, at most so many at a time, each into what `serve` makes of it.
async fn accept<S, F>(listener: TcpListener, node: Arc<Node>, (what, most): (&'static str, usize), serve: S)
where
    S: Fn(TcpStream, Arc<Node>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut stopping = node.stopping.clone();
    loop {
        tokio::select! {
            () = told(&mut stopping) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((_, peer)) if connections.len() >= most => {
                    tracing::warn!(%peer, "{what} refuses a connection: there are as many as allowed");
                }
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, node.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "{what} cannot take a connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
    drop(listener);
    node.streams.stop();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(node.limits.drain_timeout, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// Bytes with which HTTP/2 begins.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Wait until a client has begun: by HTTP/2, or in some other way, which then is for HTTP/1. A place is not for
/// those who only take it. Nothing when it is gone, or does not begin.
async fn begun(stream: &TcpStream, patience: Duration) -> Option<Version> {
    let begun = async {
        let mut bytes = [0; PREFACE.len()];
        loop {
            let read = stream.peek(&mut bytes).await.ok()?;
            let (read, _) = bytes.split_at_checked(read)?;
            if read.is_empty() {
                return None;
            }
            if read == PREFACE {
                return Some(Version::HTTP_2);
            }
            if !PREFACE.starts_with(read) {
                return Some(Version::HTTP_11);
            }
            // What is there already would be told again at once.
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(patience, begun).await.ok().flatten()
}

/// Serve one connection until it ends, does nothing for long, does not take its answers, or the server stops.
async fn serve(stream: TcpStream, node: Arc<Node>) {
    let _ = stream.set_nodelay(true);
    let limits = &node.limits;
    let Some(version) = begun(&stream, limits.handshake_timeout).await else { return };
    let activity = Arc::new(Activity::new());
    let dispatch = Dispatch { node: node.clone(), activity: activity.clone() };
    if version == Version::HTTP_2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.max_streams)
            .max_header_list_size(limits.max_header_bytes)
            .keep_alive_interval(limits.keepalive.0)
            .keep_alive_timeout(limits.keepalive.1);
        watch_over(builder.serve_connection(TokioIo::new(stream), dispatch), &activity, &node).await;
    } else {
        let connection = older_http(&node).serve_connection(TokioIo::new(stream), dispatch);
        watch_over(connection, &activity, &node).await;
    }
}

/// HTTP/1.1 within the node's limits.
fn older_http(node: &Node) -> http1::Builder {
    let mut builder = http1::Builder::new();
    let longest = usize::try_from(node.limits.max_header_bytes).unwrap_or(usize::MAX).max(MIN_BUFFER);
    builder.timer(TokioTimer::new()).header_read_timeout(node.limits.handshake_timeout).max_buf_size(longest);
    builder
}

/// As [`serve`], for REST.
async fn serve_rest(stream: TcpStream, node: Arc<Node>, gateway: Arc<Gateway>) {
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::new());
    let gate = Gate { gateway, activity: activity.clone() };
    let connection = older_http(&node).serve_connection(TokioIo::new(stream), gate).with_upgrades();
    watch_over(connection, &activity, &node).await;
}

/// A connection that can be told to take no more calls.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Take no more calls.
    fn leave(self: Pin<&mut Self>);
}

impl Connection for http2::Connection<TokioIo<TcpStream>, Dispatch, TokioExecutor> {
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl Connection for http1::Connection<TokioIo<TcpStream>, Dispatch> {
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl Connection for http1::UpgradeableConnection<TokioIo<TcpStream>, Gate> {
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

async fn watch_over(connection: impl Connection, activity: &Activity, node: &Node) {
    let limits = &node.limits;
    let mut connection = pin!(connection);
    let mut stopping = node.stopping.clone();
    let mut watch = tokio::time::interval(WATCH.min(limits.idle_timeout).min(limits.send_timeout));
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            () = told(&mut stopping), if !leaving => {
                leaving = true;
                connection.as_mut().leave();
            }
            _ = watch.tick() => {
                let idle = activity.idle_for(limits.idle_timeout);
                if activity.stuck_for(limits.send_timeout) || (idle && leaving) {
                    return;
                }
                if idle {
                    leaving = true;
                    connection.as_mut().leave();
                }
            }
        }
    }
}
