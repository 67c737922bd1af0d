//! TCP proxies between nodes: one listener for each ordered pair, and weather for each direction.
//!
//! A node dials another through the listener of the two. Bytes from `a` to `b` follow the weather of `a` to `b`,
//! whoever of them dialled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch, Semaphore};

use crate::weather::{Mode, Pace, Weather};

/// Connections of one listener at a time; more are closed.
const MOST_CONNECTIONS: usize = 16;
/// Bytes that are read at a time.
const CHUNK: usize = 16 << 10;
/// Reads that wait for their time in one direction of a connection; then nothing more is read.
const MOST_WAITING: usize = 256;
const CONNECT: Duration = Duration::from_secs(3);

/// From one node to another.
pub type Pair = (usize, usize);

/// One direction between two nodes.
struct Flow {
    weather: watch::Sender<Weather>,
    /// Bytes that arrived.
    moved: AtomicU64,
}

/// The weather between all nodes. Clones share it.
#[derive(Clone)]
pub struct Links {
    flows: Arc<BTreeMap<Pair, Flow>>,
    nodes: usize,
    seed: u64,
    numbers: Arc<AtomicU64>,
}

impl Links {
    /// Calm weather between so many nodes; chance comes from `seed`.
    pub fn new(nodes: usize, seed: u64) -> Self {
        let pairs = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to)));
        let flow = || Flow { weather: watch::Sender::new(Weather::default()), moved: AtomicU64::new(0) };
        let flows = pairs.filter(|(from, to)| from != to).map(|pair| (pair, flow())).collect();
        Self { flows: Arc::new(flows), nodes, seed, numbers: Arc::default() }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// All ordered pairs of different nodes.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.flows.keys().copied()
    }

    /// The weather from one node to another; nothing if there are no such two.
    pub fn weather(&self, pair: Pair) -> Option<Weather> {
        self.flows.get(&pair).map(|flow| *flow.weather.borrow())
    }

    /// Bytes that arrived from one node at another.
    pub fn moved(&self, pair: Pair) -> u64 {
        self.flows.get(&pair).map_or(0, |flow| flow.moved.load(Ordering::Relaxed))
    }

    /// Change the weather from one node to another; whether there are such two.
    pub fn set(&self, pair: Pair, weather: Weather) -> bool {
        let flow = self.flows.get(&pair);
        flow.map(|flow| flow.weather.send_replace(weather)).is_some()
    }

    /// Carry what `from` sends to the listener on to `target`, the address of node `to`, and back, for ever.
    pub async fn carry(self, (from, to): Pair, listener: TcpListener, target: SocketAddr) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let Ok((dialled, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            let links = self.clone();
            tokio::spawn(async move {
                links.connection((from, to), dialled, target).await;
                drop(place);
            });
        }
    }

    async fn connection(&self, (from, to): Pair, dialled: TcpStream, target: SocketAddr) {
        let (Some(there), Some(back)) = (self.flows.get(&(from, to)), self.flows.get(&(to, from))) else {
            return;
        };
        if [there, back].iter().any(|flow| flow.weather.borrow().mode == Mode::Cut) {
            return;
        }
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(target)).await;
        let Ok(Ok(answering)) = connected else { return };
        let _ = (dialled.set_nodelay(true), answering.set_nodelay(true));
        let (near_read, near_write) = dialled.into_split();
        let (far_read, far_write) = answering.into_split();
        // Whichever direction ends takes the other one along.
        tokio::select! {
            () = self.pump(there, near_read, far_write) => {}
            () = self.pump(back, far_read, near_write) => {}
        }
    }

    async fn pump(&self, flow: &Flow, from: OwnedReadHalf, to: OwnedWriteHalf) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let pace = Pace::new(ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(number)));
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let read = read(flow.weather.subscribe(), from, pace, sender);
        let write = write(flow, to, receiver);
        tokio::select! {
            () = read => {}
            () = write => {}
        }
    }
}

/// Read until the end of the stream, or until the weather ends the connection. What was read goes to `sender`.
async fn read(
    mut weather: watch::Receiver<Weather>,
    mut from: OwnedReadHalf,
    mut pace: Pace,
    sender: mpsc::Sender<(Instant, Vec<u8>)>,
) {
    let mut buffer = vec![0; CHUNK];
    let mut hole = false;
    loop {
        let now = *weather.borrow_and_update();
        match now.mode {
            Mode::Cut => return,
            Mode::Open | Mode::Stalled if hole => return,
            Mode::Stalled => {
                if weather.changed().await.is_err() {
                    return;
                }
            }
            Mode::Open | Mode::Swallowed => tokio::select! {
                changed = weather.changed() => if changed.is_err() { return },
                got = from.read(&mut buffer) => {
                    let Some(bytes) = got.ok().and_then(|count| buffer.get(..count)) else { return };
                    if bytes.is_empty() {
                        // What is on its way still arrives, then the writer ends.
                        drop(sender);
                        return std::future::pending().await;
                    }
                    if now.mode == Mode::Swallowed {
                        hole = true;
                        continue;
                    }
                    let due = pace.due(now, bytes.len(), Instant::now());
                    tokio::select! {
                        taken = sender.send((due, bytes.to_vec())) => if taken.is_err() { return },
                        () = cut(&mut weather) => return,
                    }
                }
            },
        }
    }
}

/// Waits until the connections are to end.
async fn cut(weather: &mut watch::Receiver<Weather>) {
    // Without a sender there is nobody left to cut anything.
    if weather.wait_for(|weather| weather.mode == Mode::Cut).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn write(flow: &Flow, mut to: OwnedWriteHalf, mut receiver: mpsc::Receiver<(Instant, Vec<u8>)>) {
    while let Some((due, bytes)) = receiver.recv().await {
        tokio::time::sleep_until(due.into()).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
        flow.moved.fetch_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
