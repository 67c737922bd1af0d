//! A small file beside the database that says which height was committed last.
//!
//! A database whose newest log record is damaged looks just like one whose last write never finished: it
//! opens, one block short. The witness is written after the block is safely on disk and therefore tells the
//! two apart. It is not synced itself: after a power cut it may be behind, which claims nothing false.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::hash::Hash;
use crate::rows::{seal, unseal};
use crate::Error;

/// Name of the file.
const NAME: &str = "HEIGHT";

/// A height and its application hash, sealed.
const RECORD: usize = 8 + 8 + 32;

/// Where the second record begins: heights alternate, so that a torn write leaves the one before.
const SECOND: usize = 512;

/// The open file.
#[derive(Debug)]
pub(crate) struct Witness(File);

/// A height that was committed, and its application hash.
pub(crate) type Seen = (u64, Hash);

impl Witness {
    /// Whether a witness was ever written in this folder.
    pub(crate) fn exists(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    /// Opens the file and reads the newest height that it is sure of.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Option<Seen>), Error> {
        let failed = |error| Error::disk("open the height file", error);
        let path = folder.join(NAME);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        let most = u64::try_from(SECOND + RECORD).unwrap_or(u64::MAX);
        Read::by_ref(&mut file).take(most).read_to_end(&mut bytes).map_err(failed)?;
        let records = [0, SECOND].map(|start| bytes.get(start..start + RECORD).and_then(read));
        Ok((Self(file), records.into_iter().flatten().max_by_key(|(height, _)| *height)))
    }

    /// Forgets what was committed, durably: the database is about to go back.
    pub(crate) fn forget(&mut self) -> Result<(), Error> {
        let forgotten = self.0.set_len(0).and_then(|()| self.0.sync_all());
        forgotten.map_err(|error| Error::disk("empty the height file", error))
    }

    /// Remembers a committed height.
    pub(crate) fn record(&mut self, height: u64, app_hash: &Hash) -> Result<(), Error> {
        let body = [height.to_be_bytes().as_slice(), app_hash].concat();
        let start = if height.is_multiple_of(2) { 0 } else { u64::try_from(SECOND).unwrap_or_default() };
        let written = self.0.seek(SeekFrom::Start(start)).and_then(|_| self.0.write_all(&seal(&[], &body)));
        written.map_err(|error| Error::disk("write the height file", error))
    }
}

fn read(record: &[u8]) -> Option<Seen> {
    let (height, app_hash) = unseal(&[], record)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*height), app_hash.try_into().ok()?))
}
