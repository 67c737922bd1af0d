//! A node with the embedded engine: application, engine with JSON-RPC, gRPC server. `start` and `devnet` run it.

use std::net::SocketAddr;
use std::sync::Arc;

use host::Host;
use server::Server;
use solo::{End, Genesis, Handle, Node, NodeError, Voter};

use crate::crash::Mortal;
use crate::engine::SoloEngine;
use crate::failure::{Failure, Outcome};
use crate::rest::Rest;

/// What a node is made of.
pub(crate) struct Parts {
    /// The application.
    pub(crate) host: Host,
    /// Where the chain begins.
    pub(crate) genesis: Genesis,
    /// Who votes in this process.
    pub(crate) voters: Vec<Voter>,
    /// The engine's choices.
    pub(crate) solo: solo::Config,
    /// Where gRPC listens; port 0 takes any.
    pub(crate) grpc: SocketAddr,
    /// What gRPC holds at most.
    pub(crate) limits: server::Limits,
    /// What is served over REST.
    pub(crate) rest: Rest,
}

/// A running node.
pub(crate) struct SoloNode {
    /// The application, to read.
    pub(crate) host: Host,
    /// The engine.
    pub(crate) handle: Handle,
    grpc: Server,
}

impl SoloNode {
    /// Start it: replay what is stored, listen, make blocks.
    pub(crate) async fn start(parts: Parts) -> Result<Self, Failure> {
        let Parts { host, genesis, voters, solo, grpc, limits, rest } = parts;
        let handle = Node::start(solo.clone(), Mortal(host.clone()), genesis, voters).await;
        let handle = handle.map_err(not_started)?;
        let engine = Arc::new(SoloEngine::new(handle.clone(), &solo));
        let served = async {
            let mut server = Server::start(grpc, host.clone(), engine, limits).await?;
            rest.serve(&mut server).await?;
            Ok(server)
        };
        match served.await {
            Ok(grpc) => Ok(Self { host, handle, grpc }),
            Err(error) => {
                handle.stop().await;
                Err(error)
            }
        }
    }

    /// Where gRPC listens.
    pub(crate) fn grpc_address(&self) -> SocketAddr {
        self.grpc.local_addr()
    }

    /// Where REST listens, if it does.
    pub(crate) fn rest_address(&self) -> Option<SocketAddr> {
        self.grpc.rest_addr()
    }

    /// Where JSON-RPC listens, if it does.
    pub(crate) fn rpc_address(&self) -> Option<SocketAddr> {
        self.handle.rpc_address()
    }

    /// Finish the block at hand and close everything.
    pub(crate) async fn stop(self) -> Outcome {
        self.grpc.stop().await;
        ended(self.handle.stop().await)
    }
}

/// How the engine's end looks from outside.
pub(crate) fn ended(end: End) -> Outcome {
    match end {
        End::Stopped => Ok(()),
        End::Failed(reason) => Err(Failure::store(format!("the engine stopped: {reason}"))),
    }
}

fn not_started(error: NodeError) -> Failure {
    match error {
        NodeError::Listen { .. } => Failure::refused(format!("{error}; is another node running?")),
        other => Failure::store(other),
    }
}
