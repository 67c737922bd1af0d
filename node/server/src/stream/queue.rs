//! What a subscriber has not taken yet, and how it goes onto its connection.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

use crate::activity::{Activity, InAnswer, InCall};

/// Bytes that are handed to the connection at a time.
const PIECE: usize = 16 << 10;

/// Bytes of messages that wait for somebody, each counted once, however many wait for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alive(Arc<AtomicUsize>);

struct Counted {
    bytes: Vec<u8>,
    alive: Alive,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.0.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

impl Alive {
    /// Bytes to share, which count for as long as somebody holds them.
    pub(crate) fn share(&self, bytes: Vec<u8>) -> Bytes {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Counted { bytes, alive: self.clone() })
    }

    /// How many there are.
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A message.
    Message(Bytes),
    /// Nothing more, and why.
    End(Status),
}

/// Messages of one subscriber.
#[derive(Debug)]
pub(crate) struct Queue {
    bounds: Bounds,
    activity: Arc<Activity>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Messages, and whether they count: those of a snapshot do not.
    waiting: VecDeque<(Bytes, bool)>,
    messages: usize,
    bytes: usize,
    end: Option<Status>,
    /// Since when the end has not been taken.
    ending: Option<InAnswer>,
    gone: bool,
    /// Its place among subscribers, until it is gone.
    place: Option<OwnedSemaphorePermit>,
    waker: Option<Waker>,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds, activity: Arc<Activity>, place: OwnedSemaphorePermit) -> Self {
        let inner = Inner { place: Some(place), ..Inner::default() };
        Self { bounds, activity, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Add messages of a snapshot. Nothing for one that has ended.
    pub(crate) fn begin(&self, messages: &[Bytes]) {
        let mut inner = self.inner();
        if inner.end.is_none() && !inner.gone {
            inner.waiting.extend(messages.iter().map(|message| (message.clone(), false)));
            wake(inner);
        }
    }

    /// Add a message; one more than may wait cuts the subscriber off.
    pub(crate) fn push(&self, message: &Bytes) {
        let mut inner = self.inner();
        if inner.end.is_some() || inner.gone {
            return;
        }
        let bytes = inner.bytes.saturating_add(message.len());
        if inner.messages >= self.bounds.messages || bytes > self.bounds.bytes {
            let words = format!(
                "cut off: {} messages with {} bytes wait to be taken; {} and {} are allowed. Read faster, or ask \
                 for less",
                inner.messages, inner.bytes, self.bounds.messages, self.bounds.bytes
            );
            drop(inner);
            return self.end(Status::resource_exhausted(words));
        }
        inner.messages = inner.messages.saturating_add(1);
        inner.bytes = bytes;
        inner.waiting.push_back((message.clone(), true));
        wake(inner);
    }

    /// Bytes that wait, snapshots included.
    pub(crate) fn waiting(&self) -> usize {
        self.inner().waiting.iter().map(|(message, _)| message.len()).sum()
    }

    /// End the stream with `status`; what waits is not sent any more.
    pub(crate) fn end(&self, status: Status) {
        let mut inner = self.inner();
        if inner.end.is_none() {
            inner.waiting.clear();
            inner.end = Some(status);
            inner.ending = Some(self.activity.answer());
            wake(inner);
        }
    }

    /// The next message, or the end.
    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Next> {
        let mut inner = self.inner();
        if let Some((message, counts)) = inner.waiting.pop_front() {
            if counts {
                inner.messages = inner.messages.saturating_sub(1);
                inner.bytes = inner.bytes.saturating_sub(message.len());
            }
            return Poll::Ready(Next::Message(message));
        }
        if let Some(status) = &inner.end {
            return Poll::Ready(Next::End(status.clone()));
        }
        inner.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// A call on the connection of the subscriber.
    pub(crate) fn call(&self) -> InCall {
        self.activity.call()
    }

    /// Whether nobody listens any more.
    pub(crate) fn is_over(&self) -> bool {
        let inner = self.inner();
        inner.gone || inner.end.is_some()
    }
}

fn wake(mut inner: MutexGuard<'_, Inner>) {
    let waker = inner.waker.take();
    drop(inner);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The body of a stream's answer.
#[derive(Debug)]
pub(crate) struct Stream {
    queue: Arc<Queue>,
    rest: Bytes,
    ended: bool,
    _call: InCall,
}

impl Stream {
    pub(crate) fn new(queue: Arc<Queue>, call: InCall) -> Self {
        Self { queue, rest: Bytes::new(), ended: false, _call: call }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut inner = self.queue.inner();
        inner.gone = true;
        inner.waiting.clear();
        inner.ending = None;
        inner.place = None;
    }
}

fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // Words that are no header leave the code alone to speak.
    if status.add_header(&mut trailers).is_err() {
        trailers.insert("grpc-status", http::HeaderValue::from(i32::from(status.code())));
    }
    trailers
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.rest.is_empty() {
            match self.queue.poll_next(context) {
                Poll::Ready(Next::Message(message)) => self.rest = message,
                Poll::Ready(Next::End(status)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)))));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        let size = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
