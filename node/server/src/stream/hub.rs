//! The thread that turns blocks into messages and gives them to who wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use bytes::Bytes;
use host::{Committed, Host};
use tokio::sync::Semaphore;
use tonic::Status;
use tree::View;
use types::{Chain, Time};

use super::books::Books;
use super::dydx::{self, Scene};
use super::filter::Filter;
use super::inbox::{Inbox, Join, Work};
use super::queue::{Alive, Bounds, Queue};
use super::sheet::frame;
use super::StreamLimits;
use crate::activity::Activity;

/// Where subscribers go.
#[derive(Debug)]
pub(crate) struct Hub {
    inbox: Arc<Inbox>,
    places: Arc<Semaphore>,
    bounds: Bounds,
    max_subscribers: usize,
}

impl Hub {
    /// Begin to follow `host`.
    pub(crate) fn start(host: &Host, limits: &StreamLimits) -> Self {
        let inbox = Arc::new(Inbox::new(limits.max_backlog, limits.max_subscribers));
        host.follow(&inbox);
        let mut publisher = Publisher {
            host: host.clone(),
            max_buffered_bytes: limits.max_buffered_bytes,
            alive: Alive::default(),
            classes: BTreeMap::new(),
            following: None,
            joined: 0,
        };
        let work = inbox.clone();
        let thread = std::thread::Builder::new().name("streams".into());
        if let Err(error) = thread.spawn(move || publisher.run(&work)) {
            tracing::error!(%error, "streams have no thread and stay silent");
        }
        Self {
            inbox,
            places: Arc::new(Semaphore::new(limits.max_subscribers.min(Semaphore::MAX_PERMITS))),
            bounds: Bounds { messages: limits.max_queue_messages, bytes: limits.max_queue_bytes },
            max_subscribers: limits.max_subscribers,
        }
    }

    /// Take in a subscriber.
    pub(crate) fn subscribe(&self, filter: Filter, activity: Arc<Activity>) -> Result<Arc<Queue>, Status> {
        let full = |_| {
            let words = format!("there are {} subscribers, as many as allowed", self.max_subscribers);
            Status::resource_exhausted(words)
        };
        let place = self.places.clone().try_acquire_owned().map_err(full)?;
        let queue = Arc::new(Queue::new(self.bounds, activity, place));
        self.inbox.join(Join { filter, queue: queue.clone() });
        Ok(queue)
    }

    /// End all streams.
    pub(crate) fn stop(&self) {
        self.inbox.stop();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the stream is.
struct Following {
    chain: Chain,
    view: View,
    time: Time,
    books: Books,
    /// Books at this height in parts, by market.
    parts: BTreeMap<u32, Vec<Vec<u8>>>,
    /// Snapshots at this height, by the markets that they are of.
    snapshots: BTreeMap<BTreeSet<u32>, Vec<Bytes>>,
}

/// Subscribers that may come before those that are gone are forgotten.
const PRUNE: usize = 1_000;

struct Publisher {
    host: Host,
    max_buffered_bytes: usize,
    alive: Alive,
    classes: BTreeMap<Filter, Vec<Arc<Queue>>>,
    following: Option<Following>,
    /// Subscribers that came since those that are gone were forgotten.
    joined: usize,
}

impl Publisher {
    fn run(&mut self, inbox: &Inbox) {
        let mut joins_first = false;
        loop {
            joins_first = !joins_first;
            let work = inbox.next(joins_first);
            if matches!(work, Work::Stop) {
                return self.end_all(&Status::unavailable("the node stops"));
            }
            let done = catch_unwind(AssertUnwindSafe(|| match work {
                Work::Block(block) => self.block(&block),
                Work::Join(join) => self.join(join),
                Work::Stop => {}
            }));
            if done.is_err() {
                tracing::error!("what streams tell of a block panicked");
                self.end_all(&Status::internal("the stream failed inside the node"));
                self.following = None;
            }
        }
    }

    fn end_all(&mut self, status: &Status) {
        for queue in std::mem::take(&mut self.classes).into_values().flatten() {
            queue.end(status.clone());
        }
    }

    /// Forget those that are gone.
    fn prune(&mut self) {
        self.classes.retain(|_, queues| {
            queues.retain(|queue| !queue.is_over());
            !queues.is_empty()
        });
        self.joined = 0;
    }

    fn join(&mut self, join: Join) {
        if join.queue.is_over() {
            return;
        }
        // Also when no blocks come, those that came and went do not add up.
        self.joined = self.joined.saturating_add(1);
        if self.joined > PRUNE {
            self.prune();
        }
        if self.following.is_none() {
            self.following =
                self.host.view(0).ok().and_then(|(_, view)| Following::at(view, self.host.last_block().time));
        }
        let Some(following) = self.following.as_mut() else {
            return join.queue.end(Status::unavailable("the chain has no block yet"));
        };
        join.queue.begin(&following.snapshot(&join.filter, &self.alive));
        self.classes.entry(join.filter).or_default().push(join.queue);
        self.hold_bounds();
    }

    fn block(&mut self, block: &Committed) {
        self.prune();
        if self.classes.is_empty() {
            self.following = None;
        }
        let Some(following) = self.following.as_mut() else { return };
        let (height, told) = (block.view.height(), following.view.height());
        if height <= told {
            return;
        }
        if height != told.saturating_add(1) {
            tracing::warn!(height, told, "streams did not keep up with blocks; everybody gets a snapshot");
            return self.start_over(block);
        }
        let sheet = following.take_in(block);
        for (filter, queues) in &self.classes {
            let Some(message) = sheet.message(filter) else { continue };
            let message = self.alive.share(message);
            for queue in queues {
                queue.push(&message);
            }
        }
        self.hold_bounds();
    }

    /// Blocks were left out: go on after this one with a snapshot for everybody.
    fn start_over(&mut self, block: &Committed) {
        self.following = Following::at(block.view.clone(), block.block.time);
        let Some(following) = self.following.as_mut() else { return };
        for (filter, queues) in &self.classes {
            let snapshot = following.snapshot(filter, &self.alive);
            for queue in queues {
                queue.begin(&snapshot);
            }
        }
        self.hold_bounds();
    }

    /// Cut off the slowest for as long as too much waits.
    fn hold_bounds(&self) {
        while self.alive.bytes() > self.max_buffered_bytes {
            let queues = self.classes.values().flatten();
            let slowest = queues.map(|queue| (queue.waiting(), queue)).max_by_key(|(bytes, _)| *bytes);
            let Some((bytes, queue)) = slowest.filter(|(bytes, _)| *bytes > 0) else { return };
            let words = format!("cut off: {bytes} bytes wait to be taken, and all streams hold too much");
            queue.end(Status::resource_exhausted(words));
        }
    }
}

impl Following {
    /// At a state that holds a chain.
    fn at(view: View, time: Time) -> Option<Self> {
        let chain = app::state::chain(&view)?;
        let books = Books::of(&view);
        Some(Self { chain, books, view, time, parts: BTreeMap::new(), snapshots: BTreeMap::new() })
    }

    fn scene(&self) -> Scene<'_> {
        Scene { chain: &self.chain, view: &self.view, time: self.time }
    }

    /// Go on by a block; answers what it did.
    fn take_in(&mut self, block: &Committed) -> super::sheet::Sheet {
        self.parts.clear();
        self.snapshots.clear();
        let before = std::mem::replace(&mut self.view, block.view.clone());
        self.time = block.block.time;
        let scene = Scene { chain: &self.chain, view: &self.view, time: self.time };
        dydx::tell(&scene, &before, &mut self.books, block)
    }

    /// Messages that say how things are now.
    fn snapshot(&mut self, filter: &Filter, alive: &Alive) -> Vec<Bytes> {
        let mut messages = self.books(&filter.books, alive);
        let entries = dydx::other_snapshots(&self.scene(), &filter.accounts, &filter.prices);
        if !entries.is_empty() {
            messages.push(alive.share(frame(&entries)));
        }
        messages
    }

    /// Messages that say how these books are now.
    fn books(&mut self, markets: &BTreeSet<u32>, alive: &Alive) -> Vec<Bytes> {
        if markets.is_empty() {
            return Vec::new();
        }
        if let Some(known) = self.snapshots.get(markets) {
            return known.clone();
        }
        for market in markets {
            if !self.parts.contains_key(market) {
                let parts = dydx::book_parts(&self.scene(), self.books.of_market(*market));
                self.parts.insert(*market, parts);
            }
        }
        let parts = markets.iter().filter_map(|market| self.parts.get(market)).flatten();
        let messages = dydx::books_snapshot(&self.scene(), parts).into_iter();
        let messages: Vec<Bytes> = messages.map(|entries| alive.share(frame(&entries))).collect();
        self.snapshots.insert(markets.clone(), messages.clone());
        messages
    }
}
