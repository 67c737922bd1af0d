//! The gRPC server: every question about committed state, the node's own services, reflection and health, over
//! plain HTTP/2, and as gRPC-Web over HTTP/1.1 for the pages of browsers; and REST, the same questions as JSON.
//!
//! Reading order: [`Server`] (listening, connections, ending), `dispatch` (which call goes where), `unary` (one
//! call: bytes in, bytes out), `methods` (what the node answers itself, not from state), [`Engine`] (what it
//! needs of the consensus engine for that) and [`CometEngine`] (how CometBFT gives it), `reflection`, `health`,
//! `web` (what gRPC-Web has otherwise), `rest` (the same methods over HTTP/1.1 and JSON), `stream` (what blocks
//! did, as they come).
//!
//! State queries are not listed here: their table is `app::query`, and a method added there is served and
//! described from then on. The server never waits for a block, writes nothing, and holds no more requests,
//! connections and bytes than [`Limits`] say.

mod activity;
mod comet;
mod dispatch;
mod engine;
mod health;
mod limits;
mod methods;
mod reflection;
mod rest;
mod search;
mod server;
mod stream;
mod unary;
mod web;

pub use comet::CometEngine;
pub use engine::{Answering, BlockRecord, Checked, Engine, EngineError, Found, NodeStatus, TxRecord, Wait};
pub use limits::Limits;
pub use methods::methods;
pub use rest::{routes, RestConfig};
pub use search::{Condition, Search, Value};
pub use server::{Error, Server};
pub use stream::StreamLimits;
