//! A disk that is not there: rows in memory that survive the store on it, and that break when told to.
//!
//! For simulators. It keeps the promises of the real one, no better and no worse: batches are whole, a synced one
//! and all before it survive a power cut, others may not; unless it was told to break them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::witness::Seen;

/// A family of rows and a key in it.
type Place = (&'static str, Vec<u8>);

/// A row that is written, or removed.
pub(crate) type Op = (&'static str, Vec<u8>, Option<Vec<u8>>);

/// What the next writes meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Breakage {
    /// Nothing.
    #[default]
    None,
    /// The disk is full: the batch is not written, and the caller is told.
    Full,
    /// The sync fails: the caller is told; whether the batch is there after a power cut is open.
    Sync,
    /// The disk says that it has synced, and has not.
    Lie,
    /// A row of the batch goes missing, and nobody says so.
    Lose,
}

#[derive(Debug, Default)]
struct Inner {
    /// What a power cut leaves.
    safe: BTreeMap<Place, Vec<u8>>,
    /// What it may take away, in the order of writing.
    unsafe_batches: Vec<Vec<Op>>,
    witness: Option<Seen>,
    safe_witness: Option<Seen>,
    next: Breakage,
}

/// The disk. Clones are handles of the same one.
#[derive(Clone, Debug, Default)]
pub struct Medium(Arc<Mutex<Inner>>);

impl Medium {
    /// What every write meets until this is called again.
    pub fn set(&self, breakage: Breakage) {
        self.inner().next = breakage;
    }

    /// The power goes: of what was not synced, only the first `kept` batches are left, and what the height file
    /// said last only where `witness` says so. Answers how many batches are lost. No store may be open on it.
    pub fn cut(&self, kept: usize, witness: bool) -> usize {
        let mut inner = self.inner();
        let batches = std::mem::take(&mut inner.unsafe_batches);
        let lost = batches.len().saturating_sub(kept);
        batches.into_iter().take(kept).flatten().for_each(|op| apply(&mut inner.safe, op));
        if witness {
            inner.safe_witness = inner.witness;
        }
        inner.witness = inner.safe_witness;
        lost
    }

    /// Flip a bit of the `n`th byte of all values (counted round and round). Nothing happens on an empty disk.
    pub fn flip(&self, n: u64) {
        let mut inner = self.inner();
        let total: usize = inner.safe.values().map(Vec::len).sum();
        let Some(mut at) = usize::try_from(n).ok().and_then(|n| n.checked_rem(total)) else { return };
        for value in inner.safe.values_mut() {
            match value.get_mut(at) {
                Some(byte) => {
                    *byte ^= 1;
                    return;
                }
                None => at -= value.len(),
            }
        }
    }

    /// Batches that a power cut may take.
    pub fn unsynced(&self) -> usize {
        self.inner().unsafe_batches.len()
    }

    /// Bytes of all keys and values that are safe.
    pub fn size(&self) -> usize {
        self.inner().safe.iter().map(|((_, key), value)| key.len() + value.len()).sum()
    }

    pub(crate) fn get(&self, family: &'static str, key: &[u8]) -> Option<Vec<u8>> {
        let inner = self.inner();
        let batches = inner.unsafe_batches.iter().rev().flat_map(|batch| batch.iter().rev());
        let newest = batches.into_iter().find(|(of, own, _)| *of == family && own == key);
        newest.map_or_else(|| inner.safe.get(&(family, key.to_vec())).cloned(), |(_, _, value)| value.clone())
    }

    pub(crate) fn rows(&self, family: &'static str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let inner = self.inner();
        let own = inner.safe.range((family, Vec::new())..).take_while(|((of, _), _)| *of == family);
        let mut rows: BTreeMap<Place, Vec<u8>> = own.map(|(at, value)| (at.clone(), value.clone())).collect();
        let later = inner.unsafe_batches.iter().flatten().filter(|(of, _, _)| *of == family);
        later.for_each(|op| apply(&mut rows, op.clone()));
        rows.into_iter().map(|((_, key), value)| (key, value)).collect()
    }

    /// Write a batch; the error says what a system would say.
    pub(crate) fn write(&self, mut batch: Vec<Op>, sync: bool) -> Result<(), &'static str> {
        let mut inner = self.inner();
        if inner.next == Breakage::Full {
            return Err("No space left on device");
        }
        if inner.next == Breakage::Lose && !batch.is_empty() {
            batch.remove(0);
        }
        inner.unsafe_batches.push(batch);
        match (sync, inner.next) {
            (true, Breakage::Sync) => Err("Input/output error"),
            (true, Breakage::None | Breakage::Lose) => {
                let batches = std::mem::take(&mut inner.unsafe_batches);
                batches.into_iter().flatten().for_each(|op| apply(&mut inner.safe, op));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn witness(&self) -> Option<Seen> {
        self.inner().witness
    }

    /// Remember a height, or forget it for good.
    pub(crate) fn record(&self, seen: Option<Seen>) {
        let mut inner = self.inner();
        inner.witness = seen;
        if seen.is_none() {
            inner.safe_witness = None;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply(rows: &mut BTreeMap<Place, Vec<u8>>, (family, key, value): Op) {
    match value {
        Some(value) => rows.insert((family, key), value),
        None => rows.remove(&(family, key)),
    };
}
