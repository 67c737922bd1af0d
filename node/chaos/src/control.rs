//! Links and feeders at run time: a line of text is a command, and a line is the answer.
//!
//! | command | what it does |
//! |---|---|
//! | `set A B [delay MS] [jitter MS] [rate BYTES]` | bytes from A to B are late and slow; what is not named is 0 |
//! | `stall A B` | nothing is read of them |
//! | `swallow A B` | all are read and thrown away |
//! | `cut A B` | the connections of A and B end, and new ones at once |
//! | `heal A B` | all is well again |
//! | `feeder A MOOD` | `fine`, `dead`, `hung`, `lying`, `flooding` or `broken` |
//! | `price MARKET` | the true price that feeders tell |
//! | `asked` | how often feeders were asked |
//! | `moved A B` | bytes that arrived |
//!
//! A and B are numbers of nodes, or `*` for all. The answer is `ok`, `ok VALUE`, or `error` and a reason.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::feeders::{Feeders, Mood};
use crate::links::{Links, Pair};
use crate::weather::{Mode, Weather};

/// Longest command, bytes; a longer one ends its connection.
const LONGEST: u64 = 256;
/// Connections at a time; more are closed.
const MOST_CONNECTIONS: usize = 8;
/// Longest delay and jitter, milliseconds.
const LATEST: u64 = 60_000;

/// What can be commanded.
#[derive(Clone)]
pub struct World {
    /// Between nodes.
    pub links: Links,
    /// Beside nodes.
    pub feeders: Feeders,
}

impl World {
    /// Do what a line says, and answer.
    pub fn obey(&self, line: &str) -> String {
        match self.command(line) {
            Ok(None) => "ok".into(),
            Ok(Some(value)) => format!("ok {value}"),
            Err(reason) => format!("error {reason}"),
        }
    }

    fn command(&self, line: &str) -> Result<Option<u64>, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["set", from, to, ref rest @ ..] => self.change(from, to, weather(rest)?),
            ["stall", from, to] => self.change(from, to, plain(Mode::Stalled)),
            ["swallow", from, to] => self.change(from, to, plain(Mode::Swallowed)),
            ["cut", from, to] => self.change(from, to, plain(Mode::Cut)),
            ["heal", from, to] => self.change(from, to, plain(Mode::Open)),
            ["feeder", number, name] => {
                let mood = mood(name)?;
                for number in self.nodes(number)? {
                    self.feeders.set(number, mood);
                }
                Ok(None)
            }
            ["price", market] => {
                let market: u32 = market.parse().map_err(|_| format!("{market} is no market"))?;
                let price = self.feeders.prices().get(&market).copied();
                price.map(Some).ok_or_else(|| format!("there is no market {market}"))
            }
            ["asked"] => Ok(Some(self.feeders.asked())),
            ["moved", from, to] => {
                Ok(Some(self.pairs(from, to)?.iter().map(|pair| self.links.moved(*pair)).sum()))
            }
            _ => Err("no such command".into()),
        }
    }

    fn change(&self, from: &str, to: &str, weather: Weather) -> Result<Option<u64>, String> {
        for pair in self.pairs(from, to)? {
            self.links.set(pair, weather);
        }
        Ok(None)
    }

    fn nodes(&self, name: &str) -> Result<Vec<usize>, String> {
        if name == "*" {
            return Ok((0..self.links.nodes()).collect());
        }
        let number = name.parse().ok().filter(|number| *number < self.links.nodes());
        number.map(|number| vec![number]).ok_or_else(|| format!("{name} is no node"))
    }

    fn pairs(&self, from: &str, to: &str) -> Result<Vec<Pair>, String> {
        let (from, to) = (self.nodes(from)?, self.nodes(to)?);
        let pairs: Vec<Pair> =
            self.links.pairs().filter(|pair| from.contains(&pair.0) && to.contains(&pair.1)).collect();
        if pairs.is_empty() {
            return Err("a node has no link to itself".into());
        }
        Ok(pairs)
    }

    /// Answer on a socket, for ever.
    pub async fn listen(self, listener: UnixListener) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            let world = self.clone();
            tokio::spawn(async move {
                world.serve(stream).await;
                drop(place);
            });
        }
    }

    async fn serve(&self, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        loop {
            let mut line = String::new();
            let count = (&mut read).take(LONGEST).read_line(&mut line).await;
            if !matches!(count, Ok(1..)) || !line.ends_with('\n') {
                return;
            }
            let answer = self.obey(&line) + "\n";
            if write.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn plain(mode: Mode) -> Weather {
    Weather { mode, ..Weather::default() }
}

fn weather(words: &[&str]) -> Result<Weather, String> {
    let mut weather = Weather::default();
    for pair in words.chunks(2) {
        let (name, text) = match *pair {
            [name, text] => (name, text),
            _ => return Err("a name has no number".into()),
        };
        let number: u64 = text.parse().map_err(|_| format!("{text} is no number"))?;
        match name {
            "delay" if number <= LATEST => weather.delay = number,
            "jitter" if number <= LATEST => weather.jitter = number,
            "rate" => weather.rate = number,
            "delay" | "jitter" => return Err(format!("{name} is {LATEST} at most")),
            _ => return Err(format!("{name} is nothing that can be set")),
        }
    }
    Ok(weather)
}

fn mood(name: &str) -> Result<Mood, String> {
    Ok(match name {
        "fine" => Mood::Fine,
        "dead" => Mood::Dead,
        "hung" => Mood::Hung,
        "lying" => Mood::Lying,
        "flooding" => Mood::Flooding,
        "broken" => Mood::Broken,
        _ => return Err(format!("{name} is no mood")),
    })
}

/// One command to the world that listens at `path`; its value, 0 if it has none.
pub async fn ask(path: &std::path::Path, command: &str) -> anyhow::Result<u64> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut answer).await?;
    match answer.trim_end().split_once(' ') {
        None if answer.starts_with("ok") => Ok(0),
        Some(("ok", value)) => Ok(value.parse()?),
        _ => anyhow::bail!("{command}: {}", answer.trim_end()),
    }
}
