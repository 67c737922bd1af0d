//! The thread that turns blocks into messages and gives them to who wants them.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use bytes::Bytes;
use host::{Committed, Host};
use proto::ballast::stream::v1::event::What;
use proto::ballast::stream::v1::Place;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tree::View;
use types::{Chain, Time};

use super::blocks;
use super::books::Books;
use super::dydx::{self, Scene, Sheets};
use super::filter::{About, Books as Wanted, Filter, Form};
use super::inbox::{Inbox, Join, Work};
use super::queue::{Alive, Bounds, Queue};
use super::risks::Risks;
use super::sheet::{frame, unframed, Sheet};
use super::StreamLimits;
use crate::activity::Activity;
use crate::rest::Json;

/// Where subscribers go.
#[derive(Debug)]
pub(crate) struct Hub {
    inbox: Arc<Inbox>,
    places: Arc<Semaphore>,
    sockets: Arc<Semaphore>,
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
            limits: limits.clone(),
            alive: Alive::default(),
            classes: BTreeMap::new(),
            following: None,
            risks: Risks::default(),
            joined: 0,
            idle: 0,
        };
        let work = inbox.clone();
        let thread = std::thread::Builder::new().name("streams".into());
        if let Err(error) = thread.spawn(move || publisher.run(&work)) {
            tracing::error!(%error, "streams have no thread and stay silent");
        }
        Self {
            inbox,
            places: Arc::new(Semaphore::new(limits.max_subscribers.min(Semaphore::MAX_PERMITS))),
            sockets: Arc::new(Semaphore::new(limits.max_sockets.min(Semaphore::MAX_PERMITS))),
            bounds: Bounds { messages: limits.max_queue_messages, bytes: limits.max_queue_bytes },
            max_subscribers: limits.max_subscribers,
        }
    }

    /// A place for a subscriber.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        taken(&self.places, || format!("there are {} subscribers, as many as allowed", self.max_subscribers))
    }

    /// A place for a WebSocket, which takes one among all subscribers too.
    pub(crate) fn socket(&self) -> Result<OwnedSemaphorePermit, Status> {
        taken(&self.sockets, || "there are as many WebSockets as allowed".to_owned())
    }

    /// Take in a subscriber that has a place.
    pub(crate) fn subscribe(
        &self,
        (filter, after): (Filter, Option<Place>),
        form: Form,
        activity: Arc<Activity>,
        place: OwnedSemaphorePermit,
    ) -> Arc<Queue> {
        let queue = Arc::new(Queue::new(self.bounds, activity, place));
        self.inbox.join(Join { filter, form, after, queue: queue.clone() });
        queue
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

/// A place, if there is one.
fn taken(places: &Arc<Semaphore>, full: impl Fn() -> String) -> Result<OwnedSemaphorePermit, Status> {
    places.clone().try_acquire_owned().map_err(|_| Status::resource_exhausted(full()))
}

/// Why a subscriber gets a snapshot.
const ASKED: &str = "no place to go on from was named";
const NOT_KEPT: &str = "the place to go on from is not kept any more";
const AHEAD: &str = "the place to go on from is ahead of this node";
const LATE: &str = "blocks came faster than they could be told";

/// Subscribers that may come before those that are gone are forgotten.
const PRUNE: usize = 1_000;

struct Publisher {
    host: Host,
    limits: StreamLimits,
    alive: Alive,
    classes: BTreeMap<(Filter, Form), Vec<Arc<Queue>>>,
    following: Option<Following>,
    risks: Risks,
    /// Subscribers that came since those that are gone were forgotten.
    joined: usize,
    /// Blocks since somebody listened.
    idle: usize,
}

impl Publisher {
    fn run(&mut self, inbox: &Inbox) {
        aside::give_way();
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
        let before = self.classes.len();
        self.classes.retain(|_, queues| {
            queues.retain(|queue| !queue.is_over());
            !queues.is_empty()
        });
        self.joined = 0;
        if self.classes.len() < before {
            let filters = self.classes.keys().filter_map(|(filter, _)| filter.risks());
            self.risks.keep(&filters.flatten().copied().collect());
        }
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
            let time = self.host.last_block().time;
            self.following = self.host.view(0).ok().and_then(|(_, view)| Following::at(view, time));
        }
        let Some(following) = self.following.as_mut() else {
            return join.queue.end(Status::unavailable("the chain has no block yet"));
        };
        let class = (join.filter, join.form);
        let followed = class.0.risks().map(|accounts| self.risks.follow(accounts, following.at_now()));
        if let Some(Err(status)) = followed {
            return join.queue.end(status);
        }
        let missed = following.missed(&class, join.after.as_ref(), &self.alive);
        let mut messages = match missed {
            Ok(messages) => messages,
            Err(reason) => following.snapshot(&class, reason, &self.alive),
        };
        messages.extend(following.risks(&self.risks, &class, &self.alive));
        join.queue.begin(&messages);
        self.classes.entry(class).or_default().push(join.queue);
        self.hold_bounds();
    }

    fn block(&mut self, block: &Committed) {
        self.prune();
        // What is kept is for those who come back.
        self.idle = if self.classes.is_empty() { self.idle.saturating_add(1) } else { 0 };
        if self.idle > self.limits.keep_blocks {
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
        let sheets = following.take_in(block);
        let changed = self.risks.take_in(sheets.blocks.accounts(), following.at_now());
        for ((filter, form), queues) in &self.classes {
            let message = match filter {
                Filter::Dydx(_) => sheets.dydx.message(filter, 0),
                Filter::Blocks(_) => sheets.blocks.message(filter, 0),
            };
            let Some(mut message) = message else { continue };
            if let Some(accounts) = filter.risks() {
                message = self.risks.add(message, accounts.intersection(&changed));
            }
            let message = self.alive.share(dressed(message, filter, *form));
            for queue in queues {
                queue.push(&message);
            }
        }
        following.keep(height, sheets.blocks, &self.limits);
        self.hold_bounds();
    }

    /// Blocks were left out: go on after this one with a snapshot for everybody.
    fn start_over(&mut self, block: &Committed) {
        self.following = Following::at(block.view.clone(), block.block.time);
        let Some(following) = self.following.as_mut() else { return };
        self.risks.start_over(following.at_now());
        for (class, queues) in &self.classes {
            let mut snapshot = following.snapshot(class, LATE, &self.alive);
            snapshot.extend(following.risks(&self.risks, class, &self.alive));
            for queue in queues {
                queue.begin(&snapshot);
            }
        }
        self.hold_bounds();
    }

    /// Cut off the slowest for as long as too much waits.
    fn hold_bounds(&self) {
        while self.alive.bytes() > self.limits.max_buffered_bytes {
            let queues = self.classes.values().flatten();
            let slowest = queues.map(|queue| (queue.waiting(), queue)).max_by_key(|(bytes, _)| *bytes);
            let Some((bytes, queue)) = slowest.filter(|(bytes, _)| *bytes > 0) else { return };
            let words = format!("cut off: {bytes} bytes wait to be taken, and all streams hold too much");
            queue.end(Status::resource_exhausted(words));
        }
    }
}

/// A framed message in the form that is asked for.
fn dressed(message: Vec<u8>, filter: &Filter, form: Form) -> Vec<u8> {
    match form {
        Form::Framed => message,
        Form::Json => match Json::get().text(filter.message(), unframed(&message)) {
            Ok(text) => text.into_bytes(),
            Err(status) => status.message().as_bytes().to_vec(),
        },
    }
}

/// Where the stream is.
struct Following {
    chain: Chain,
    view: View,
    time: Time,
    books: Books,
    /// The last blocks, oldest first, with their heights; one without bytes is not known.
    kept: VecDeque<(u64, Sheet)>,
    kept_bytes: usize,
    now: Now,
}

/// What was made of the state at this height.
#[derive(Default)]
struct Now {
    /// Books in parts, by market.
    parts: BTreeMap<u32, Vec<Vec<u8>>>,
    /// How everything is.
    facts: Option<Vec<(About, What)>>,
    /// Snapshots, and why they were given.
    snapshots: BTreeMap<(Filter, Form, &'static str), Vec<Bytes>>,
}

impl Following {
    /// At a state that holds a chain.
    fn at(view: View, time: Time) -> Option<Self> {
        let chain = app::state::chain(&view)?;
        let (books, now) = (Books::of(&view), Now::default());
        // Whoever knows all of this height can go on from it, though nobody here can tell what it did.
        let kept = VecDeque::from([(view.height(), Sheet::default())]);
        Some(Self { chain, books, view, time, kept, kept_bytes: 0, now })
    }

    fn scene(&self) -> Scene<'_> {
        Scene { chain: &self.chain, view: &self.view, time: self.time }
    }

    /// Go on by a block; answers what it did.
    fn take_in(&mut self, block: &Committed) -> Sheets {
        self.now = Now::default();
        let before = std::mem::replace(&mut self.view, block.view.clone());
        self.time = block.block.time;
        let scene = Scene { chain: &self.chain, view: &self.view, time: self.time };
        dydx::tell(&scene, &before, &mut self.books, block)
    }

    fn keep(&mut self, height: u64, sheet: Sheet, limits: &StreamLimits) {
        self.kept_bytes = self.kept_bytes.saturating_add(sheet.bytes());
        self.kept.push_back((height, sheet));
        while self.kept.len() > limits.keep_blocks || self.kept_bytes > limits.keep_bytes {
            let Some((_, oldest)) = self.kept.pop_front() else { return };
            self.kept_bytes = self.kept_bytes.saturating_sub(oldest.bytes());
        }
    }

    /// Messages of what came after a place; or why a snapshot is needed.
    fn missed(
        &self,
        (filter, form): &(Filter, Form),
        after: Option<&Place>,
        alive: &Alive,
    ) -> Result<Vec<Bytes>, &'static str> {
        let after = after.ok_or(ASKED)?;
        if after.height > self.view.height() {
            return Err(AHEAD);
        }
        let from = self.kept.iter().position(|(height, _)| *height == after.height).ok_or(NOT_KEPT)?;
        if self.kept.get(from).is_some_and(|(_, sheet)| sheet.bytes() == 0) && after.sequence != u32::MAX {
            return Err(NOT_KEPT);
        }
        let mut messages = Vec::new();
        for (height, sheet) in self.kept.iter().skip(from) {
            let known = if *height == after.height { after.sequence } else { 0 };
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            if *height > after.height || known < sheet.len() {
                let message = sheet.message(filter, known);
                messages.extend(message.map(|message| alive.share(dressed(message, filter, *form))));
            }
        }
        Ok(messages)
    }

    /// Messages that say how things are now.
    fn snapshot(
        &mut self,
        (filter, form): &(Filter, Form),
        reason: &'static str,
        alive: &Alive,
    ) -> Vec<Bytes> {
        let key = (filter.clone(), *form, reason);
        if let Some(known) = self.now.snapshots.get(&key) {
            return known.clone();
        }
        let messages = match filter {
            Filter::Dydx(wanted) => self.dydx_snapshot(wanted),
            Filter::Blocks(_) => self.own_snapshot(filter, reason),
        };
        let share = |message: &Vec<u8>| alive.share(dressed(frame(message), filter, *form));
        let messages: Vec<Bytes> = messages.iter().map(share).collect();
        self.now.snapshots.insert(key, messages.clone());
        messages
    }

    /// The state and the chain, of which risk is made.
    fn at_now(&self) -> (&View, &Chain) {
        (&self.view, &self.chain)
    }

    /// Number of the last event; beyond all when that is not known.
    fn last(&self) -> u32 {
        let last = self.kept.back().filter(|(_, sheet)| sheet.bytes() > 0).map(|(_, sheet)| sheet.len());
        last.and_then(|last| u32::try_from(last).ok()).unwrap_or(u32::MAX)
    }

    /// A message that says the risk of all accounts of a filter that asks for it.
    fn risks(&self, risks: &Risks, (filter, form): &(Filter, Form), alive: &Alive) -> Option<Bytes> {
        let accounts = filter.risks()?;
        let message = risks.add(frame(&blocks::head(&self.scene(), self.last())), accounts.iter());
        Some(alive.share(dressed(message, filter, *form)))
    }

    fn own_snapshot(&mut self, filter: &Filter, reason: &str) -> Vec<Vec<u8>> {
        let facts = self.now.facts.take().unwrap_or_else(|| blocks::facts(&self.scene(), self.books.all()));
        let last = self.last();
        let wanted = facts.iter().filter(|(about, _)| filter.wants(about)).map(|(_, what)| what);
        let messages = blocks::snapshot(&self.scene(), (reason, last), wanted);
        self.now.facts = Some(facts);
        messages
    }

    fn dydx_snapshot(&mut self, wanted: &Wanted) -> Vec<Vec<u8>> {
        for market in &wanted.books {
            if !self.now.parts.contains_key(market) {
                let parts = dydx::book_parts(&self.scene(), self.books.of_market(*market));
                self.now.parts.insert(*market, parts);
            }
        }
        let mut messages = Vec::new();
        if !wanted.books.is_empty() {
            let parts = wanted.books.iter().filter_map(|market| self.now.parts.get(market)).flatten();
            messages = dydx::books_snapshot(&self.scene(), parts);
        }
        let others = dydx::other_snapshots(&self.scene(), &wanted.accounts, &wanted.prices);
        if !others.is_empty() {
            messages.push(others);
        }
        messages
    }
}
