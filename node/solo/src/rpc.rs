//! The JSON-RPC of CometBFT 0.38, over HTTP: single calls and batches by POST, calls by GET with arguments in
//! the URI.
//!
//! Reading order: `server` (connections and limits), `envelope` (requests and errors), `args` (arguments in
//! their three forms), `methods` and `blocks`, `txs` (what each does), `json` (the exact shapes).

mod args;
mod blocks;
mod dry;
mod envelope;
mod json;
mod lenient;
mod methods;
mod server;
mod txs;

pub use dry::dry_run;
pub(crate) use server::{listen, serve};
