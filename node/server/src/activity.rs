//! What happens on one connection, so that one that does nothing, or does not take what it asked for, can go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls and answers of a connection.
#[derive(Debug)]
pub(crate) struct Activity(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    calls: usize,
    last: Instant,
    next: u64,
    answers: BTreeMap<u64, Instant>,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Inner { calls: 0, last: Instant::now(), next: 0, answers: BTreeMap::new() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins; it lasts as long as what is returned.
    pub(crate) fn call(self: &Arc<Self>) -> InCall {
        let mut inner = self.inner();
        inner.calls = inner.calls.saturating_add(1);
        InCall(self.clone())
    }

    /// An answer begins to be sent; it is sent as long as what is returned lives.
    pub(crate) fn answer(self: &Arc<Self>) -> InAnswer {
        let mut inner = self.inner();
        let id = inner.next;
        inner.next = id.wrapping_add(1);
        inner.answers.insert(id, Instant::now());
        InAnswer(self.clone(), id)
    }

    /// No call, and none for so long.
    pub(crate) fn idle_for(&self, time: Duration) -> bool {
        let inner = self.inner();
        inner.calls == 0 && inner.answers.is_empty() && inner.last.elapsed() >= time
    }

    /// An answer has been lying there for so long.
    pub(crate) fn stuck_for(&self, time: Duration) -> bool {
        self.inner().answers.values().next().is_some_and(|since| since.elapsed() >= time)
    }
}

/// A call that runs.
#[derive(Debug)]
pub(crate) struct InCall(Arc<Activity>);

impl Drop for InCall {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.calls = inner.calls.saturating_sub(1);
        inner.last = Instant::now();
    }
}

/// An answer that is being sent.
#[derive(Debug)]
pub(crate) struct InAnswer(Arc<Activity>, u64);

impl Drop for InAnswer {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.answers.remove(&self.1);
        inner.last = Instant::now();
    }
}
