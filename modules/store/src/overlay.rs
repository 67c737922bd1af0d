//! Writes on top of something that can only be read: for checking a transaction against committed state.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;

use crate::journal::Journal;
use crate::state::{fault, Journaled, Pair, Read, State};

type Value = Option<Vec<u8>>;

/// A state whose writes never reach what lies below.
#[derive(Clone, Debug, Default)]
pub struct Overlay<R> {
    base: R,
    written: BTreeMap<Vec<u8>, Value>,
    /// What `written` held before each write since the first open savepoint; `None` when nothing.
    journal: Journal<(Vec<u8>, Option<Value>)>,
}

impl<R: Read> Overlay<R> {
    /// Nothing written yet, over `base`.
    pub fn new(base: R) -> Self {
        Self { base, written: BTreeMap::new(), journal: Journal::default() }
    }

    /// What lies below.
    pub fn base(&self) -> &R {
        &self.base
    }

    /// How many keys are written; a bound for whoever keeps an overlay for long.
    pub fn written(&self) -> usize {
        self.written.len()
    }

    fn write(&mut self, key: &[u8], value: Value) {
        let old = self.written.insert(key.to_vec(), value);
        self.journal.note(|| (key.to_vec(), old));
    }

    fn seek(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, forward: bool) -> Option<Pair> {
        let mut window = (from, to);
        let mut held: Vec<u8>;
        loop {
            let below =
                if forward { self.base.next(window.0, window.1) } else { self.base.prev(window.0, window.1) };
            let above = self.nearest(window.0, window.1, forward);
            let above_wins = match (&above, &below) {
                (Some((high, _)), Some((low, _))) if forward => high <= low,
                (Some((high, _)), Some((low, _))) => high >= low,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if !above_wins {
                return below;
            }
            let (key, value) = above?;
            if let Some(value) = value {
                return Some((key, value));
            }
            // Removed here: look further, past it.
            held = key;
            window = if forward { (Bound::Excluded(&held), to) } else { (from, Bound::Excluded(&held)) };
        }
    }

    fn nearest(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, forward: bool) -> Option<(Vec<u8>, Value)> {
        let mut range = self.written.range::<[u8], _>(crate::memory::possible(from, to)?);
        let found = if forward { range.next() } else { range.next_back() };
        found.map(|(key, value)| (key.clone(), value.clone()))
    }
}

impl<R: Read> Read for Overlay<R> {
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool {
        match self.written.get(key) {
            Some(value) => value.as_ref().map(|value| with(value)).is_some(),
            None => self.base.read(key, with),
        }
    }

    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        self.seek(from, to, true)
    }

    fn prev(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        self.seek(from, to, false)
    }
}

impl<R: Read> Journaled for Overlay<R> {
    fn savepoint(&mut self) {
        self.journal.savepoint();
    }

    fn rollback(&mut self) {
        while let Some((key, old)) = self.journal.back() {
            match old {
                Some(old) => self.written.insert(key, old),
                None => self.written.remove(&key),
            };
        }
    }

    fn release(&mut self) {
        self.journal.release();
    }
}

impl<R: Read> State for Overlay<R> {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.write(key, Some(value.to_vec()));
    }

    fn remove(&mut self, key: &[u8]) {
        self.write(key, None);
    }

    fn changed(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        self.written
            .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    fn before(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut value = None;
        self.base.read(key, &mut |bytes| value = Some(bytes.to_vec()));
        value
    }

    fn as_read(&self) -> &dyn Read {
        self
    }
}

/// The values that keys had when the block began. Only single keys can be read: ranges of the past are not
/// kept, and asking for one is a fault.
pub struct Before<'a>(pub &'a dyn State);

impl Read for Before<'_> {
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool {
        self.0.before(key).map(|value| with(&value)).is_some()
    }

    fn next(&self, _: Bound<&[u8]>, _: Bound<&[u8]>) -> Option<Pair> {
        fault("a range was read of the state before the block")
    }

    fn prev(&self, _: Bound<&[u8]>, _: Bound<&[u8]>) -> Option<Pair> {
        fault("a range was read of the state before the block")
    }
}
