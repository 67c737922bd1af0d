//! How blocks and subscribers come to the hub. Whoever brings something never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use host::{Committed, Follower};
use proto::ballast::stream::v1::Place;

use super::filter::{Filter, Form};
use super::queue::Queue;

/// How often the thread of blocks looks whether it may hand one over.
const SPINS: u32 = 10_000;

/// Somebody who wants to listen.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) filter: Filter,
    pub(crate) form: Form,
    /// The last event that it knows.
    pub(crate) after: Option<Place>,
    pub(crate) queue: Arc<Queue>,
}

/// What the hub has to do next.
#[derive(Debug)]
pub(crate) enum Work {
    /// Take in a block.
    Block(Arc<Committed>),
    /// Take in a subscriber.
    Join(Join),
    /// End.
    Stop,
}

#[derive(Debug, Default)]
struct Inner {
    blocks: VecDeque<Arc<Committed>>,
    joins: VecDeque<Join>,
    stop: bool,
}

/// Where both wait.
#[derive(Debug)]
pub(crate) struct Inbox {
    max_backlog: usize,
    max_joins: usize,
    inner: Mutex<Inner>,
    bell: Condvar,
}

impl Inbox {
    pub(crate) fn new(max_backlog: usize, max_joins: usize) -> Self {
        Self { max_backlog, max_joins, inner: Mutex::default(), bell: Condvar::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for the thread of blocks, which waits for nobody: the hub gives way to others, also while it is in
    /// here. Nothing when that takes long.
    fn at_once(&self) -> Option<MutexGuard<'_, Inner>> {
        (0..SPINS).find_map(|_| match self.inner.try_lock() {
            Ok(inner) => Some(inner),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                std::hint::spin_loop();
                None
            }
        })
    }

    /// Those that come and go again before their turn do not add up.
    pub(crate) fn join(&self, join: Join) {
        let mut inner = self.inner();
        if inner.joins.len() >= self.max_joins {
            inner.joins.retain(|join| !join.queue.is_over());
        }
        inner.joins.push_back(join);
        drop(inner);
        self.bell.notify_one();
    }

    pub(crate) fn stop(&self) {
        self.inner().stop = true;
        self.bell.notify_one();
    }

    /// The next thing to do. Subscribers and blocks take turns, so that neither waits for all of the others.
    pub(crate) fn next(&self, joins_first: bool) -> Work {
        let mut inner = self.inner();
        loop {
            if inner.stop {
                return Work::Stop;
            }
            if let Some(join) = joins_first.then(|| inner.joins.pop_front()).flatten() {
                return Work::Join(join);
            }
            if let Some(block) = inner.blocks.pop_front() {
                return Work::Block(block);
            }
            if let Some(join) = inner.joins.pop_front() {
                return Work::Join(join);
            }
            inner = self.bell.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Follower for Inbox {
    fn committed(&self, block: Arc<Committed>) {
        // A block that is left out is one after which everybody gets a snapshot.
        let Some(mut inner) = self.at_once() else { return };
        let late = if inner.blocks.len() >= self.max_backlog {
            std::mem::take(&mut inner.blocks)
        } else {
            VecDeque::new()
        };
        inner.blocks.push_back(block);
        drop(inner);
        self.bell.notify_one();
        // States of old heights may take long to be taken apart, and this is the thread of blocks.
        if !late.is_empty() {
            std::thread::spawn(move || drop(late));
        }
    }
}
