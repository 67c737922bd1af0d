//! The socket that CometBFT drives the application through: ABCI 2.0, length-delimited protobuf, over a unix
//! socket (fast) or TCP.
//!
//! The application trait and the types are those of `tendermint-abci`; the listener is our own, because the
//! stock one takes frames of any length, copies its whole buffer for every message, and answers each message
//! with a write of its own. CometBFT opens four connections (consensus, mempool, query, snapshot) and expects
//! answers in order on each; every connection is one thread here.
//!
//! Reading order: [`Server`], then `connection` (one engine connection), `frame` (bytes to messages).

mod connection;
mod frame;
mod server;

pub use frame::{next as next_frame, FrameError, MAX_FRAME_BYTES};
pub use server::{Address, Error, Server};
