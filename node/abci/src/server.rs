//! Listening: on a unix socket or on TCP, for a bounded number of connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use tendermint_abci::Application;

use crate::connection;
use crate::frame::FrameError;

/// The engine opens four connections; a restarting one may hold four old ones for a moment.
const MAX_CONNECTIONS: usize = 8;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket at this path.
    Unix(PathBuf),
    /// A TCP port; on loopback unless the operator says otherwise.
    Tcp(SocketAddr),
}

/// Why listening or a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is neither `unix://PATH` nor `tcp://HOST:PORT`.
    #[error("{0}: expected unix://PATH or tcp://HOST:PORT")]
    Address(String),
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The engine sent what is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Address(text.into());
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Self::Unix(path.into())) };
        }
        let address = text.strip_prefix("tcp://").unwrap_or(text);
        address.parse().map(Self::Tcp).map_err(|_| wrong())
    }
}

/// A place among the connections, given back however its thread ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A bound listener that serves one application.
pub struct Server<A> {
    listener: Listener,
    app: A,
    open: Arc<AtomicUsize>,
}

impl<A: Application> Server<A> {
    /// Listen on `address`. A unix socket left behind by a process that is gone is replaced.
    pub fn bind(address: &Address, app: A) -> Result<Self, Error> {
        let listener = match address {
            Address::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            Address::Unix(path) => {
                if std::os::unix::net::UnixStream::connect(path).is_ok() {
                    return Err(io::Error::new(io::ErrorKind::AddrInUse, "another node listens there").into());
                }
                let _ = std::fs::remove_file(path);
                let listener = UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
                Listener::Unix(listener)
            }
        };
        Ok(Self { listener, app, open: Arc::default() })
    }

    /// The TCP port that was bound, when it is TCP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.listener {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            Listener::Unix(_) => None,
        }
    }

    /// Accept connections until the listener fails; each is served by a thread of its own.
    pub fn run(&self) -> Result<(), Error> {
        loop {
            match &self.listener {
                Listener::Tcp(listener) => {
                    let (stream, _) = listener.accept()?;
                    stream.set_nodelay(true)?;
                    self.spawn(stream);
                }
                Listener::Unix(listener) => self.spawn(listener.accept()?.0),
            }
        }
    }

    fn spawn<S: io::Read + io::Write + Send + 'static>(&self, stream: S) {
        if self.open.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
            self.open.fetch_sub(1, Ordering::SeqCst);
            tracing::warn!(MAX_CONNECTIONS, "one engine connection too many is closed");
            return;
        }
        let (app, place) = (self.app.clone(), Place(self.open.clone()));
        std::thread::spawn(move || {
            if let Err(error) = connection::serve(stream, &app) {
                tracing::warn!(%error, "an engine connection ended");
            }
            drop(place);
        });
    }
}
