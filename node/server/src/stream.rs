//! Streams of what blocks did: `dydxprotocol.clob.Query/StreamOrderbookUpdates`, `ballast.stream.v1.Query/Blocks`.
//!
//! Reading order: `serve` (one call), `socket` (the same as JSON over a WebSocket), [`Hub`] (the thread that
//! turns blocks into messages, and who gets them), `inbox` (how blocks come to it), `filter` (what a
//! subscriber wants), `sheet` (a block as pieces, each encoded once), `books` (the resting orders, by what
//! events tell), `dydx` (events in that chain's words), `blocks` (events in our own), `risks` (accounts'
//! risk), `queue` (what a subscriber has not taken yet).
//!
//! A subscriber gets a snapshot of what it asks for, and from the next block on what blocks change. Nothing here
//! makes a block wait: blocks come through a queue of [`StreamLimits::max_backlog`]; when it overflows, what is
//! in it is left out and every subscriber gets a new snapshot instead. A subscriber that does not take what it
//! asked for is cut off and told so.

mod blocks;
mod books;
mod dydx;
mod filter;
mod hub;
mod inbox;
mod queue;
mod read;
mod risks;
mod serve;
mod sheet;
mod socket;

pub(crate) use hub::Hub;
pub(crate) use serve::{serve, PATHS};
pub(crate) use socket::{asked, upgrade};

/// What streams hold at most.
#[derive(Clone, Debug)]
pub struct StreamLimits {
    /// Subscribers at a time; a further one is RESOURCE_EXHAUSTED.
    pub max_subscribers: usize,
    /// Those of them that listen over WebSockets: what they get is written as text for each choice of theirs.
    pub max_sockets: usize,
    /// Messages that wait for a subscriber, its snapshot not counted; with one more it is cut off.
    pub max_queue_messages: usize,
    /// Bytes of those.
    pub max_queue_bytes: usize,
    /// Bytes of all messages that wait for anybody, each counted once; beyond it the slowest are cut off.
    pub max_buffered_bytes: usize,
    /// Blocks on their way to subscribers; with one more all of them get snapshots instead.
    pub max_backlog: usize,
    /// Blocks that whoever comes back can go on from.
    pub keep_blocks: usize,
    /// Bytes of those.
    pub keep_bytes: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            max_subscribers: 2_000,
            max_sockets: 200,
            max_queue_messages: 1_000,
            max_queue_bytes: 16 << 20,
            max_buffered_bytes: 256 << 20,
            max_backlog: 64,
            keep_blocks: 200,
            keep_bytes: 64 << 20,
        }
    }
}
