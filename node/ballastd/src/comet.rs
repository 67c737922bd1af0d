//! A node under CometBFT: the ABCI socket, and a gRPC server that finds transactions and blocks over JSON-RPC.

use std::net::SocketAddr;
use std::sync::Arc;

use host::Host;
use server::{CometEngine, Server};

use crate::crash::Mortal;
use crate::failure::{Failure, Outcome};
use crate::rest::{self, Rest};
use crate::start::{said_last, Stop};

/// Where everything is.
pub(crate) struct Addresses {
    /// Where CometBFT connects to.
    pub(crate) abci: abci::Address,
    /// CometBFT's JSON-RPC.
    pub(crate) rpc: String,
    /// Where gRPC listens.
    pub(crate) grpc: SocketAddr,
    /// What is served over REST.
    pub(crate) rest: Rest,
}

/// Run until a signal comes or the socket fails.
pub(crate) async fn run(host: Host, addresses: &Addresses, limits: server::Limits) -> Outcome {
    let engine = CometEngine::new(&addresses.rpc).map_err(Failure::refused)?;
    let socket = abci::Server::bind(&addresses.abci, Mortal(host.clone()));
    let socket = socket.map_err(|error| Failure::refused(format!("ABCI cannot listen: {error}")))?;
    let shown = match (&addresses.abci, socket.local_addr()) {
        (abci::Address::Unix(path), _) => format!("unix://{}", path.display()),
        (abci::Address::Tcp(_), Some(bound)) => format!("tcp://{bound}"),
        (abci::Address::Tcp(asked), None) => format!("tcp://{asked}"),
    };
    let mut grpc = Server::start(addresses.grpc, host.clone(), Arc::new(engine), limits).await?;
    addresses.rest.serve(&mut grpc).await?;
    let rest = rest::shown(grpc.rest_addr());
    let mut stop = Stop::listen()?;
    println!(
        "ballastd is running: ABCI {shown}, gRPC {}{rest}, CometBFT {}",
        grpc.local_addr(),
        addresses.rpc
    );
    let (failed, failure) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || failed.send(socket.run()));
    let (halted, halt) = tokio::sync::oneshot::channel();
    let last = host.clone();
    std::thread::spawn(move || {
        last.until_halted();
        let _ = halted.send(());
    });
    let outcome = tokio::select! {
        () = stop.asked() => Ok(()),
        _ = halt => {
            said_last(host.last_block().height);
            Ok(())
        }
        end = failure => Err(Failure::refused(match end {
            Ok(Err(error)) => format!("the ABCI socket failed: {error}"),
            _ => "the ABCI socket ended".into(),
        })),
    };
    grpc.stop().await;
    // A block that is being executed is not committed: CometBFT sends it again after the next start.
    if let abci::Address::Unix(path) = &addresses.abci {
        let _ = std::fs::remove_file(path);
    }
    outcome
}
