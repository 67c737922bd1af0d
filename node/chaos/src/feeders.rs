//! One price feeder for each node, all of the same market that does not exist, each in its own mood.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use feeder::{answer, Listed, Model, Prices, Scenario};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{watch, Semaphore};

/// Milliseconds from one price to the next.
const STEP_MILLIS: u64 = 500;
/// How many times too high a liar's prices are.
const LIE: u64 = 1_000;
/// Connections of one feeder at a time; more are closed.
const MOST_CONNECTIONS: usize = 8;
/// How long a feeder that hangs keeps a connection.
const HANG: Duration = Duration::from_secs(30);

/// What a feeder does when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It tells its prices.
    #[default]
    Fine,
    /// It does not listen.
    Dead,
    /// It listens and says nothing.
    Hung,
    /// It tells prices a thousand times too high.
    Lying,
    /// It says no end of prices.
    Flooding,
    /// It breaks off in the middle.
    Broken,
}

/// All of them. Clones share them.
#[derive(Clone)]
pub struct Feeders {
    moods: Arc<Vec<watch::Sender<Mood>>>,
    model: Arc<Mutex<Model>>,
    began: Instant,
    asked: Arc<AtomicU64>,
}

impl Feeders {
    /// As many as there are nodes, all fine, of these markets on the path of `seed`.
    pub fn new(nodes: usize, seed: u64, markets: &[Listed]) -> Self {
        let model = Model::new(seed, Scenario::Calm, markets, STEP_MILLIS);
        Self {
            moods: Arc::new((0..nodes).map(|_| watch::Sender::new(Mood::Fine)).collect()),
            model: Arc::new(Mutex::new(model)),
            began: Instant::now(),
            asked: Arc::default(),
        }
    }

    /// Change one's mood; whether there is such a one.
    pub fn set(&self, number: usize, mood: Mood) -> bool {
        self.moods.get(number).map(|sender| sender.send_replace(mood)).is_some()
    }

    /// One's mood.
    pub fn mood(&self, number: usize) -> Option<Mood> {
        self.moods.get(number).map(|sender| *sender.borrow())
    }

    /// The true prices now.
    pub fn prices(&self) -> Prices {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.model.lock().unwrap_or_else(PoisonError::into_inner).at(passed / STEP_MILLIS)
    }

    /// How often they were asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Let one answer at `address`, for ever. While it is dead, the address is free.
    pub async fn serve(self, number: usize, address: SocketAddr) {
        let Some(sender) = self.moods.get(number) else { return };
        let mut mood = sender.subscribe();
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            if mood.wait_for(|mood| *mood != Mood::Dead).await.is_err() {
                return;
            }
            let Ok(listener) = TcpListener::bind(address).await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let told = mood.clone();
            loop {
                tokio::select! {
                    died = mood.wait_for(|mood| *mood == Mood::Dead) => if died.is_ok() { break } else { return },
                    taken = listener.accept() => {
                        let (Ok((stream, _)), Ok(place)) = (taken, places.clone().try_acquire_owned()) else {
                            continue;
                        };
                        let (feeders, mood) = (self.clone(), told.clone());
                        tokio::spawn(async move {
                            feeders.tell(stream, mood).await;
                            drop(place);
                        });
                    }
                }
            }
        }
    }

    async fn tell(&self, mut stream: TcpStream, mut mood: watch::Receiver<Mood>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = *mood.borrow_and_update();
        let text = match now {
            Mood::Dead => return,
            Mood::Hung => {
                let _ = tokio::time::timeout(HANG, mood.changed()).await;
                return;
            }
            Mood::Fine => answer(&self.prices()),
            Mood::Lying => {
                let lie = |(market, price): (u32, u64)| (market, price.saturating_mul(LIE));
                answer(&self.prices().into_iter().map(lie).collect())
            }
            Mood::Broken => {
                let whole = answer(&self.prices());
                whole.chars().take(whole.len() / 2).collect()
            }
            Mood::Flooding => answer(&self.prices()).trim_end_matches("end\n").repeat(10_000),
        };
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}
