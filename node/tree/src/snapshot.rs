//! The rows of one height as chunks that other nodes can fetch and check.
//!
//! The same state gives the same bytes on every node: rows in key order, each as two lengths and its bytes, cut
//! between rows. The metadata lists the hash of each chunk; whoever restores checks every chunk against it, and
//! in the end the application hash of all rows against one that it trusts.

use std::sync::Arc;

use store::Change;

use crate::hash::{sha256, Hash};
use crate::views::View;
use crate::Error;

/// The only format there is.
pub const FORMAT: u32 = 1;

/// Bytes of a chunk, unless one row alone has more.
pub const CHUNK: usize = 4 << 20;

/// Bytes of memory that a row takes beside its own; a snapshot of many tiny rows is larger than it looks.
const ROW: usize = 96;

/// Chunks that a snapshot may have; more are refused before anything is allocated for them.
pub const MAX_CHUNKS: usize = 50_000;

/// Bytes of a hash.
const HASH: usize = 32;

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The height whose rows it holds.
    pub height: u64,
    /// Hash of each chunk, in order.
    pub chunks: Vec<Hash>,
}

impl Manifest {
    /// The hashes of the chunks, one after the other.
    pub fn metadata(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    /// What names the snapshot: nodes with the same state offer the same one.
    pub fn hash(&self) -> Hash {
        sha256(&[&self.height.to_be_bytes()[..], &FORMAT.to_be_bytes(), &self.metadata()].concat())
    }

    /// Whether these are the bytes of chunk number `index`.
    pub fn fits(&self, index: usize, chunk: &[u8]) -> bool {
        self.chunks.get(index).is_some_and(|hash| sha256(chunk) == *hash)
    }

    /// Read what somebody offers. Nothing unless there are as many hashes as chunks, at least one and at most
    /// [`MAX_CHUNKS`], and the hash is right.
    pub fn read(height: u64, chunks: u32, metadata: &[u8], hash: &[u8]) -> Option<Self> {
        let count = usize::try_from(chunks).ok()?;
        let fits = (1..=MAX_CHUNKS).contains(&count) && metadata.len() == count.checked_mul(HASH)?;
        fits.then_some(())?;
        let hashes = metadata.chunks_exact(HASH).map(Hash::try_from).collect::<Result<_, _>>().ok()?;
        let manifest = Self { height, chunks: hashes };
        (manifest.hash() == hash).then_some(manifest)
    }
}

/// Cut the rows of `view` into chunks of at most [`CHUNK`] bytes and hand each to `put`, with its number. At no
/// time more than one chunk is in memory. Ends with the first error of `put`.
pub fn cut<E>(view: &View, put: impl FnMut(usize, &[u8]) -> Result<(), E>) -> Result<Manifest, E> {
    cut_at(CHUNK, view, put)
}

/// [`cut`] with chunks of at most `most` bytes; who restores takes chunks of any size.
pub fn cut_at<E>(
    most: usize,
    view: &View,
    mut put: impl FnMut(usize, &[u8]) -> Result<(), E>,
) -> Result<Manifest, E> {
    let mut chunks = Vec::new();
    let mut chunk: Vec<u8> = Vec::new();
    for (key, value) in view.pairs() {
        let length = 8 + key.len() + value.len();
        if !chunk.is_empty() && chunk.len() + length > most {
            put(chunks.len(), &chunk)?;
            chunks.push(sha256(&chunk));
            chunk.clear();
        }
        for part in [key, value] {
            // A row of 4 GiB is beyond every limit of this chain.
            chunk.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            chunk.extend_from_slice(part);
        }
    }
    put(chunks.len(), &chunk)?;
    chunks.push(sha256(&chunk));
    Ok(Manifest { height: view.height(), chunks })
}

/// The rows of a chunk; nothing when it is not one.
fn rows(mut chunk: &[u8]) -> Option<Vec<Change>> {
    let mut part = || {
        let (length, rest) = chunk.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        chunk = rest;
        Some((Arc::<[u8]>::from(part), chunk.is_empty()))
    };
    let mut rows = Vec::new();
    loop {
        let (key, _) = part()?;
        let (value, last) = part()?;
        rows.push((key, Some(value)));
        if last {
            return Some(rows);
        }
    }
}

/// A chunk that is not taken, and whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// These are not the bytes of the chunk: whoever sent them is no good.
    #[error("the chunk has not the hash that the snapshot names")]
    Chunk,
    /// The snapshot has no chunk of this number.
    #[error("the snapshot has no chunk of this number")]
    Number,
    /// The snapshot itself is no state of this chain.
    #[error("the snapshot is not a state in key order")]
    Snapshot,
    /// Its chunks are more than this node takes into memory before it knows whose they are.
    #[error("the snapshot has more bytes than this node takes")]
    Size,
}

/// Chunks that were taken so far. Nothing of them is on disk.
#[derive(Debug)]
pub struct Restore {
    manifest: Manifest,
    parts: Vec<Option<Vec<Change>>>,
    /// Bytes of memory that chunks which may still come may take.
    room: u64,
}

impl Restore {
    /// Nothing taken yet. Chunks will take no more than `most` bytes of memory: who names them is not trusted until
    /// all are here, and they wait there.
    pub fn new(manifest: Manifest, most: u64) -> Self {
        let parts = manifest.chunks.iter().map(|_| None).collect();
        Self { manifest, parts, room: most }
    }

    /// Height of the snapshot.
    pub fn height(&self) -> u64 {
        self.manifest.height
    }

    /// Take chunk number `index`, in any order, once or again. Answers whether all are here.
    pub fn take(&mut self, index: usize, chunk: &[u8]) -> Result<bool, Rejection> {
        let part = self.parts.get_mut(index).ok_or(Rejection::Number)?;
        if !self.manifest.fits(index, chunk) {
            return Err(Rejection::Chunk);
        }
        if part.is_none() {
            let rows = rows(chunk).ok_or(Rejection::Snapshot)?;
            let taken = chunk.len().saturating_add(rows.len().saturating_mul(ROW));
            let taken = u64::try_from(taken).unwrap_or(u64::MAX);
            self.room = self.room.checked_sub(taken).ok_or(Rejection::Size)?;
            *part = Some(rows);
        }
        Ok(self.parts.iter().all(Option::is_some))
    }

    /// All rows, each once and in key order.
    pub fn rows(self) -> Result<Vec<Change>, Rejection> {
        let rows: Vec<Change> = self.parts.into_iter().flatten().flatten().collect();
        let rising = rows.is_sorted_by(|(before, _), (after, _)| before < after);
        if rising {
            Ok(rows)
        } else {
            Err(Rejection::Snapshot)
        }
    }
}

impl crate::Store {
    /// Make `rows` the state of this store, in which nothing was ever committed, if their application hash is
    /// `trusted`; otherwise nothing is written. Answers whether it did.
    pub fn restore(&mut self, height: u64, rows: &[Change], trusted: &Hash) -> Result<bool, Error> {
        if !self.is_fresh() || height == 0 || !self.owns(rows) {
            return Ok(false);
        }
        if self.stage(height, rows) != *trusted {
            self.discard();
            return Ok(false);
        }
        self.commit(&[])?;
        Ok(true)
    }
}
