//! `[stream]`: streams of what blocks did.

use serde::Deserialize;

/// What streams hold at most.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stream {
    max_subscribers: usize,
    max_sockets: usize,
    max_queue_messages: usize,
    max_queue_bytes: usize,
    max_buffered_bytes: usize,
    max_backlog: usize,
    keep_blocks: usize,
    keep_bytes: usize,
}

impl Default for Stream {
    fn default() -> Self {
        let limits = server::StreamLimits::default();
        Self {
            max_subscribers: limits.max_subscribers,
            max_sockets: limits.max_sockets,
            max_queue_messages: limits.max_queue_messages,
            max_queue_bytes: limits.max_queue_bytes,
            max_buffered_bytes: limits.max_buffered_bytes,
            max_backlog: limits.max_backlog,
            keep_blocks: limits.keep_blocks,
            keep_bytes: limits.keep_bytes,
        }
    }
}

impl Stream {
    /// What is out of bounds, by `within`, which takes a key, its value and its bounds.
    pub(super) fn check(
        &self,
        within: &impl Fn(&str, u64, u64, u64) -> Result<(), String>,
    ) -> Result<(), String> {
        let size = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        within("stream.max_subscribers", size(self.max_subscribers), 0, 100_000)?;
        within("stream.max_sockets", size(self.max_sockets), 0, 100_000)?;
        within("stream.max_queue_messages", size(self.max_queue_messages), 1, 1_000_000)?;
        within("stream.max_queue_bytes", size(self.max_queue_bytes), 10_000, 1 << 32)?;
        within("stream.max_buffered_bytes", size(self.max_buffered_bytes), 1_000_000, 1 << 40)?;
        within("stream.max_backlog", size(self.max_backlog), 1, 10_000)?;
        within("stream.keep_blocks", size(self.keep_blocks), 1, 100_000)?;
        within("stream.keep_bytes", size(self.keep_bytes), 1, 1 << 40)
    }

    /// The part of it that the server needs.
    pub(super) fn limits(&self) -> server::StreamLimits {
        server::StreamLimits {
            max_subscribers: self.max_subscribers,
            max_sockets: self.max_sockets,
            max_queue_messages: self.max_queue_messages,
            max_queue_bytes: self.max_queue_bytes,
            max_buffered_bytes: self.max_buffered_bytes,
            max_backlog: self.max_backlog,
            keep_blocks: self.keep_blocks,
            keep_bytes: self.keep_bytes,
        }
    }
}
