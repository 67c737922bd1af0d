//! The JSON-RPC of CometBFT 0.38, over HTTP: single calls and batches by POST, calls by GET with arguments in
//! the URI, calls and subscriptions over WebSockets.
//!
//! Reading order: `server` (connections and limits), `envelope` (requests and errors), `args` (arguments in
//! their three forms), `methods` with `blocks`, `txs` and `consensus` (what each does), `json` (the exact
//! shapes), `websocket` and `events` (subscriptions).

mod args;
mod blocks;
mod consensus;
mod dry;
mod envelope;
mod events;
mod json;
mod lenient;
mod methods;
mod server;
mod txs;
mod websocket;

pub use dry::dry_run;
pub(crate) use server::{listen, serve};
