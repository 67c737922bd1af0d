//! One recorded file of trades, read forward in time.
//!
//! Columns are found by name: `timestamp` (UNIX microseconds) and `price` must be there. Lines are in order of
//! time; of trades at the same time the last counts.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;

use crate::exact;
use crate::watch::Quote;

/// Longest line that is read.
const MAX_LINE: u64 = 4_096;

/// Why a recorded file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no recording of trades.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

pub(crate) struct Track {
    path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    exponent: i32,
    columns: (usize, usize),
    line: u64,
    last: Option<Quote>,
    ahead: Option<Quote>,
}

impl Track {
    /// Open a file, plain or (ending in `.zst`) compressed, and read its first trade.
    pub(crate) fn open(path: &Path, exponent: i32) -> Result<Self, TrackError> {
        let failed = |source| TrackError::Read { path: path.into(), source };
        let file = BufReader::new(File::open(path).map_err(failed)?);
        let lines: Box<dyn BufRead + Send> = if path.extension().is_some_and(|ending| ending == "zst") {
            let decoder = StreamingDecoder::new(file);
            Box::new(BufReader::new(
                decoder.map_err(|error| failed(std::io::Error::other(error.to_string())))?,
            ))
        } else {
            Box::new(file)
        };
        let mut track =
            Self { path: path.into(), lines, exponent, columns: (0, 0), line: 0, last: None, ahead: None };
        let header = track.read_line()?.ok_or_else(|| track.malformed("it is empty"))?;
        let column = |name| header.split(',').position(|column| column.trim() == name);
        let columns = column("timestamp").zip(column("price"));
        track.columns = columns.ok_or_else(|| track.malformed("no columns timestamp and price"))?;
        track.ahead = track.next_trade()?;
        Ok(track)
    }

    /// Time of the next trade.
    pub(crate) fn next_time(&self) -> Option<i64> {
        self.ahead.map(|trade| trade.time)
    }

    /// The last trade at or before `time`. Time only goes forward.
    pub(crate) fn advance(&mut self, time: i64) -> Result<Option<Quote>, TrackError> {
        while let Some(trade) = self.ahead.filter(|trade| trade.time <= time) {
            self.last = Some(trade);
            // After an error nothing more comes from this file; what it said last grows old.
            self.ahead = None;
            self.ahead = self.next_trade()?;
            if self.ahead.is_some_and(|next| next.time < trade.time) {
                self.ahead = None;
                return Err(self.malformed("earlier than the line before"));
            }
        }
        Ok(self.last)
    }

    fn next_trade(&mut self) -> Result<Option<Quote>, TrackError> {
        let Some(line) = self.read_line()? else { return Ok(None) };
        let cell = |column: usize| line.split(',').nth(column).map(str::trim);
        let time = cell(self.columns.0).and_then(|text| text.parse().ok());
        let time = time.ok_or_else(|| self.malformed("no time in microseconds"))?;
        let price = cell(self.columns.1).and_then(|text| exact(text, self.exponent));
        Ok(Some(Quote { time, price: price.ok_or_else(|| self.malformed("no price"))? }))
    }

    fn read_line(&mut self) -> Result<Option<String>, TrackError> {
        let mut line = String::new();
        self.line += 1;
        let read = self.lines.by_ref().take(MAX_LINE).read_line(&mut line);
        let read = read.map_err(|source| TrackError::Read { path: self.path.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') && u64::try_from(read).unwrap_or(u64::MAX) == MAX_LINE {
            return Err(self.malformed("longer than a line of trades may be"));
        }
        Ok(Some(line.trim_end().to_owned()))
    }

    fn malformed(&self, reason: &'static str) -> TrackError {
        TrackError::Malformed { path: self.path.clone(), line: self.line, reason }
    }
}
