//! Recorded trades as price sources: a folder of `VENUE__SYMBOL.csv` or `VENUE__SYMBOL.csv.zst`.
//!
//! Each venue is a source of its own, so that a voter can stand for it. A venue's price of a market is that of
//! its last trade while that is fresh ([`Watch`]). Files are read as time goes on, never as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::track::{Track, TrackError};
use crate::watch::Watch;
use crate::{Listed, Prices};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// What follows the coin's name in a symbol, longest first.
const ENDINGS: &[&str] = &["USD_PERP", "-USDT", "-USD", "USDT", "USD"];

/// Why a folder cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The folder cannot be read.
    #[error("{}: {source}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file.
    #[error(transparent)]
    Track(#[from] TrackError),
    /// No file of it belongs to a listed market.
    #[error("{} holds no trades of a listed market (files are called VENUE__SYMBOL.csv.zst)", .0.display())]
    Nothing(PathBuf),
}

/// Which part of the recorded day is replayed, in seconds after midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From.
    pub from: u32,
    /// To.
    pub to: u32,
}

impl Default for Window {
    /// 20:50 to 22:10: the hour of the crash of 10 October 2025.
    fn default() -> Self {
        Self { from: 75_000, to: 79_800 }
    }
}

/// Lowest and highest fresh price of a market, and how many venues gave one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Lowest.
    pub low: u64,
    /// Highest.
    pub high: u64,
    /// Venues with a fresh price.
    pub venues: usize,
}

/// Venues and where their recordings are read.
pub struct Replay {
    venues: Vec<Venue>,
    listed: Vec<Listed>,
    day: i64,
    window: Window,
    now: i64,
}

struct Venue {
    name: String,
    tracks: BTreeMap<u32, Track>,
    watch: Watch,
}

impl Replay {
    /// Open every file in `folder` that belongs to one of `listed`, and go to the beginning of the window.
    pub fn open(folder: &Path, listed: &[Listed], window: Window) -> Result<Self, ReplayError> {
        let mut venues: BTreeMap<String, BTreeMap<u32, Track>> = BTreeMap::new();
        for (path, venue, market) in recordings(folder, listed)? {
            let track = Track::open(&path, market.exponent)?;
            venues.entry(venue).or_default().insert(market.market, track);
        }
        let first = venues.values().flat_map(BTreeMap::values).filter_map(Track::next_time).min();
        let first = first.ok_or_else(|| ReplayError::Nothing(folder.into()))?;
        let venue = |(name, tracks)| Venue { name, tracks, watch: Watch::default() };
        let mut replay = Self {
            venues: venues.into_iter().map(venue).collect(),
            listed: listed.to_vec(),
            day: first.div_euclid(DAY) * DAY,
            window,
            now: 0,
        };
        replay.advance(replay.begin())?;
        Ok(replay)
    }

    /// Beginning of the window, in UNIX microseconds.
    pub fn begin(&self) -> i64 {
        self.day + i64::from(self.window.from) * SECOND
    }

    /// End of the window, in UNIX microseconds.
    pub fn end(&self) -> i64 {
        self.day + i64::from(self.window.to) * SECOND
    }

    /// Names of the venues, in the order of their numbers.
    pub fn venues(&self) -> impl Iterator<Item = &str> {
        self.venues.iter().map(|venue| venue.name.as_str())
    }

    /// Go to `time` (UNIX microseconds). A file that breaks on the way is told of once; its last price grows old
    /// like that of a venue that fell silent. An earlier time than the present one changes nothing.
    pub fn advance(&mut self, time: i64) -> Result<(), TrackError> {
        self.now = self.now.max(time);
        let mut broken = None;
        for venue in &mut self.venues {
            for (market, track) in &mut venue.tracks {
                match track.advance(self.now) {
                    Ok(Some(trade)) => venue.watch.note(*market, trade, self.now),
                    Ok(None) => {}
                    Err(error) => broken = Some(error),
                }
            }
        }
        broken.map_or(Ok(()), Err)
    }

    /// What venue number `venue` says now: its last prices that are fresh.
    pub fn prices(&self, venue: usize) -> Prices {
        let watch = self.venues.get(venue).map(|venue| &venue.watch);
        let fresh = |watch: &Watch, market| Some((market, watch.price(market, self.now).ok()?));
        watch
            .into_iter()
            .flat_map(|watch| watch.markets().filter_map(|market| fresh(watch, market)))
            .collect()
    }

    /// The last price of each venue for `market`, however old.
    pub fn last(&self, market: u32) -> Vec<Option<u64>> {
        self.venues.iter().map(|venue| venue.watch.last(market).map(|quote| quote.price)).collect()
    }

    /// Between which prices the fresh venues are, for each market that has any.
    pub fn spans(&self) -> BTreeMap<u32, Span> {
        let mut spans: BTreeMap<u32, Span> = BTreeMap::new();
        for (market, price) in (0..self.venues.len()).flat_map(|venue| self.prices(venue)) {
            let span = spans.entry(market).or_insert(Span { low: price, high: price, venues: 0 });
            *span = Span { low: span.low.min(price), high: span.high.max(price), venues: span.venues + 1 };
        }
        spans
    }

    /// Markets that at least `venues` venues have a recording of.
    pub fn markets(&self, venues: usize) -> Vec<u32> {
        let recorded = |listed: &&Listed| {
            self.venues.iter().filter(|venue| venue.tracks.contains_key(&listed.market)).count() >= venues
        };
        self.listed.iter().filter(recorded).map(|listed| listed.market).collect()
    }
}

/// Files of listed markets with their venues, in order of their names.
fn recordings<'a>(
    folder: &Path,
    listed: &'a [Listed],
) -> Result<Vec<(PathBuf, String, &'a Listed)>, ReplayError> {
    let failed = |source| ReplayError::Folder { folder: folder.into(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(stem) = name.strip_suffix(".csv.zst").or_else(|| name.strip_suffix(".csv")) else {
            continue;
        };
        let Some((venue, symbol)) = stem.split_once("__") else { continue };
        let Some(coin) = ENDINGS.iter().find_map(|ending| symbol.strip_suffix(ending)) else { continue };
        let of = |listed: &&Listed| listed.ticker.strip_suffix("-USD") == Some(coin);
        if let Some(market) = listed.iter().find(of) {
            found.push((path.clone(), venue.to_owned(), market));
        }
    }
    found.sort_by(|one, two| one.0.cmp(&two.0));
    Ok(found)
}
