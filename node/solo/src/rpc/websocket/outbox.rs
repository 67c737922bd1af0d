//! What waits to be written to one connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::query::Query;
use crate::rpc::events::Emitted;

/// Most messages that wait for one connection.
pub(super) const MAX_WAITING: usize = 10_000;
/// Most bytes that wait for one connection; one message may be longer if it waits alone.
pub(super) const MAX_WAITING_BYTES: usize = 16 << 20;

/// What a client subscribed to.
pub(super) struct Subscription {
    /// The query as the client wrote it, which is how it knows it again.
    pub(super) text: String,
    pub(super) query: Query,
    /// What messages begin with, up to the part that is the same for all.
    beginning: String,
}

impl Subscription {
    pub(super) fn new(text: String, query: Query, id: &Value) -> Self {
        let quoted = Value::from(text.as_str());
        let beginning = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"query\":{quoted},");
        Self { text, query, beginning }
    }
}

/// One message.
enum Waiting {
    Answer(String),
    Event(Arc<Subscription>, Arc<Emitted>),
}

impl Waiting {
    fn size(&self) -> usize {
        match self {
            Self::Answer(text) => text.len(),
            Self::Event(subscription, emitted) => subscription.beginning.len() + emitted.body.len() + 2,
        }
    }
}

/// More waits than a connection may have.
#[derive(Debug)]
pub(super) struct Full;

/// The end that is filled.
pub(super) struct Outbox {
    queue: mpsc::Sender<Waiting>,
    bytes: Arc<AtomicUsize>,
}

/// The end that is emptied.
pub(super) struct Inbox {
    queue: mpsc::Receiver<Waiting>,
    bytes: Arc<AtomicUsize>,
}

pub(super) fn outbox() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let bytes = Arc::new(AtomicUsize::new(0));
    (Outbox { queue: sender, bytes: bytes.clone() }, Inbox { queue: receiver, bytes })
}

impl Outbox {
    pub(super) fn answer(&self, answer: &Value) -> Result<(), Full> {
        self.put(Waiting::Answer(answer.to_string()))
    }

    pub(super) fn event(&self, subscription: &Arc<Subscription>, event: &Arc<Emitted>) -> Result<(), Full> {
        self.put(Waiting::Event(subscription.clone(), event.clone()))
    }

    fn put(&self, message: Waiting) -> Result<(), Full> {
        let size = message.size();
        // Only the task of the connection fills and empties: nothing comes between these two.
        let before = self.bytes.fetch_add(size, Ordering::Relaxed);
        if before > 0 && before.saturating_add(size) > MAX_WAITING_BYTES {
            return Err(Full);
        }
        self.queue.try_send(message).map_err(|_| Full)
    }
}

impl Inbox {
    /// The next message. Nothing when none can come any more.
    pub(super) async fn next(&mut self) -> Option<String> {
        let message = self.queue.recv().await?;
        self.bytes.fetch_sub(message.size(), Ordering::Relaxed);
        Some(match message {
            Waiting::Answer(text) => text,
            Waiting::Event(subscription, emitted) => {
                [subscription.beginning.as_str(), &emitted.body, "}}"].concat()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_bounded_by_number_and_by_bytes() {
        let (out, mut inbox) = outbox();
        for _ in 0..MAX_WAITING {
            out.answer(&Value::Null).unwrap();
        }
        assert!(out.answer(&Value::Null).is_err());

        let (out, mut second) = outbox();
        let long = Value::from("x".repeat(MAX_WAITING_BYTES));
        out.answer(&long).unwrap();
        assert!(out.answer(&Value::Null).is_err(), "nothing waits beside a message that is longer");
        assert!(second.next().await.unwrap().len() > MAX_WAITING_BYTES);
        assert_eq!(inbox.next().await.unwrap(), "null");
    }
}
