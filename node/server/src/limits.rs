//! What the server holds at most.

use std::time::Duration;

use crate::StreamLimits;

/// Bounds of the server; one that is reached refuses the newcomer and leaves the others alone.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; a further one is closed at once.
    pub max_connections: usize,
    /// Calls at a time on one connection; HTTP/2 makes the client wait with further ones.
    pub max_streams: u32,
    /// Bytes of all headers of a call.
    pub max_header_bytes: u32,
    /// Bytes of a request message; a longer one is RESOURCE_EXHAUSTED.
    pub max_request_bytes: usize,
    /// Bytes of a response message; a longer one is RESOURCE_EXHAUSTED.
    pub max_response_bytes: usize,
    /// Bytes of all requests that are being read, and as many of all responses that are being sent.
    pub max_buffered_bytes: u32,
    /// Queries that run at a time; a further one is RESOURCE_EXHAUSTED.
    pub max_queries: usize,
    /// Transactions that are handed to the engine at a time, so that queries never stand in their way.
    pub max_broadcasts: usize,
    /// How long a call may take, from its headers to its answer; a client may ask for less.
    pub call_timeout: Duration,
    /// How long a client may take to read an answer before its connection is dropped.
    pub send_timeout: Duration,
    /// How long a client may take to begin HTTP/2 on its connection.
    pub handshake_timeout: Duration,
    /// How long a connection may stay without a call.
    pub idle_timeout: Duration,
    /// How often a silent connection is asked whether it still lives, and how long it may take to say so.
    pub keepalive: (Duration, Duration),
    /// How long calls may run on when the server stops.
    pub drain_timeout: Duration,
    /// Streams of what blocks did.
    pub streams: StreamLimits,
    /// Web origins whose pages may call and read the answers; `*` for all, none by default.
    pub origins: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 256,
            max_streams: 100,
            max_header_bytes: 16 << 10,
            max_request_bytes: 4 << 20,
            max_response_bytes: 16 << 20,
            max_buffered_bytes: 128 << 20,
            max_queries: 64,
            max_broadcasts: 128,
            call_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(600),
            keepalive: (Duration::from_secs(30), Duration::from_secs(10)),
            drain_timeout: Duration::from_secs(5),
            streams: StreamLimits::default(),
            origins: Vec::new(),
        }
    }
}
