//! The state that blocks run on: the whole latest state in memory, with a journal of old values.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use crate::state::{Journaled, Pair, Read, State};

/// A key and the value it has now; `None` when it was removed.
pub type Change = (Arc<[u8]>, Option<Arc<[u8]>>);

/// The latest state. Writes go straight to the map and leave the old value in a journal, so a rollback costs
/// what was written and a commit costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pairs: BTreeMap<Arc<[u8]>, Arc<[u8]>>,
    journal: Vec<Change>,
    savepoints: Vec<usize>,
    /// Value at the start of the block of every key written in it.
    before: BTreeMap<Arc<[u8]>, Option<Arc<[u8]>>>,
}

impl Memory {
    /// A state that holds these pairs.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Arc<[u8]>, Arc<[u8]>)>) -> Self {
        Self { pairs: pairs.into_iter().collect(), ..Self::default() }
    }

    /// End the block: what was written in it, sorted by key, without keys that have their old value again.
    /// Open savepoints are released.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.journal.clear();
        self.savepoints.clear();
        core::mem::take(&mut self.before)
            .into_iter()
            .filter_map(|(key, old)| {
                let new = self.pairs.get(&key).cloned();
                (new != old).then_some((key, new))
            })
            .collect()
    }

    /// Undo everything since the block began.
    pub fn discard_block(&mut self) {
        self.journal.clear();
        self.savepoints.clear();
        for (key, old) in core::mem::take(&mut self.before) {
            self.put(key, old);
        }
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// All pairs, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<[u8]>, &Arc<[u8]>)> {
        self.pairs.iter()
    }

    fn put(&mut self, key: Arc<[u8]>, value: Option<Arc<[u8]>>) {
        match value {
            Some(value) => self.pairs.insert(key, value),
            None => self.pairs.remove(&key),
        };
    }

    fn write(&mut self, key: &[u8], value: Option<Arc<[u8]>>) {
        let (key, old) = match self.pairs.get_key_value(key) {
            Some((key, old)) => (key.clone(), Some(old.clone())),
            None => (Arc::from(key), None),
        };
        self.before.entry(key.clone()).or_insert_with(|| old.clone());
        if !self.savepoints.is_empty() {
            self.journal.push((key.clone(), old));
        }
        self.put(key, value);
    }
}

/// A range of keys.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The bounds, unless no key can lie within them (the map would call an inverted range a fault).
pub(crate) fn possible<'a>(from: Bound<&'a [u8]>, to: Bound<&'a [u8]>) -> Option<Bounds<'a>> {
    let empty = match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high) | Bound::Included(high)) => {
            low >= high
        }
    };
    (!empty).then_some((from, to))
}

fn copy((key, value): (&Arc<[u8]>, &Arc<[u8]>)) -> Pair {
    (key.to_vec(), value.to_vec())
}

impl Read for Memory {
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool {
        self.pairs.get(key).map(|value| with(value)).is_some()
    }

    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        self.pairs.range::<[u8], _>(possible(from, to)?).next().map(copy)
    }

    fn prev(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        self.pairs.range::<[u8], _>(possible(from, to)?).next_back().map(copy)
    }
}

impl Journaled for Memory {
    fn savepoint(&mut self) {
        self.savepoints.push(self.journal.len());
    }

    fn rollback(&mut self) {
        let start = self.savepoints.pop().unwrap_or_default();
        for (key, old) in self.journal.split_off(start.min(self.journal.len())).into_iter().rev() {
            self.put(key, old);
        }
    }

    fn release(&mut self) {
        self.savepoints.pop();
        if self.savepoints.is_empty() {
            self.journal.clear();
        }
    }
}

impl State for Memory {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.write(key, Some(Arc::from(value)));
    }

    fn remove(&mut self, key: &[u8]) {
        if self.pairs.contains_key(key) {
            self.write(key, None);
        }
    }

    fn changed(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        self.before
            .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .map(|key| key.to_vec())
            .collect()
    }

    fn before(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.before.get(key) {
            Some(old) => old.as_ref().map(|value| value.to_vec()),
            None => self.pairs.get(key).map(|value| value.to_vec()),
        }
    }

    fn as_read(&self) -> &dyn Read {
        self
    }
}
