//! REST beside gRPC: for browsers and scripts, so a node that cannot listen for it runs all the same.

use std::net::SocketAddr;

use server::{RestConfig, Server};

use crate::failure::Failure;

/// What is served over REST.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    /// Where and how; nothing if REST is off.
    pub(crate) config: Option<RestConfig>,
    /// Whether the command line names the address: then the node listens there or does not start.
    pub(crate) required: bool,
}

impl Rest {
    /// Serve it. An address that only the file names may be taken, as by another node on the machine.
    pub(crate) async fn serve(&self, server: &mut Server) -> Result<(), Failure> {
        let Some(config) = &self.config else { return Ok(()) };
        match server.serve_rest(config.clone()).await {
            Err(error) if self.required => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the node runs without REST; [rest] in ballastd.toml names its address");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

/// The address as the line has it that says where a node listens.
pub(crate) fn shown(address: Option<SocketAddr>) -> String {
    address.map(|address| format!(", REST {address}")).unwrap_or_default()
}
