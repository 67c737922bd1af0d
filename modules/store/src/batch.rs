//! Writes that are made together.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::buffer::KeyBytes;
use crate::state::{Read, State};
use crate::table::Map;
use crate::Key;

/// A key and its new value; no value removes it.
pub type Write<'a> = (&'a [u8], Option<&'a [u8]>);

/// Writes in the order in which they are to be made, at most [`Writes::MOST`] of them.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    /// Keys and values, one after the other.
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    start: usize,
    value: usize,
    end: usize,
    live: bool,
}

impl Writes {
    /// So many are worth making together: more would push each other out of the processor's nearest cache.
    pub const MOST: usize = 32;

    /// The writes.
    pub fn iter(&self) -> impl Iterator<Item = Write<'_>> {
        self.rows.iter().map(|row| {
            let bytes = |start, end| self.bytes.get(start..end).unwrap_or_default();
            (bytes(row.start, row.value), row.live.then(|| bytes(row.value, row.end)))
        })
    }

    fn key(&mut self, key: &KeyBytes) -> Row {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key.bytes());
        let end = self.bytes.len();
        Row { start, value: end, end, live: false }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }
}

/// Writes many rows with less waiting for memory than one by one. It holds the state until it is dropped: then
/// all is written.
pub struct Batch<'a> {
    state: &'a mut dyn State,
    writes: Writes,
}

impl<'a> Batch<'a> {
    /// A batch without writes.
    pub fn new(state: &'a mut dyn State) -> Self {
        Self { state, writes: Writes::default() }
    }

    /// Give `key` of `map` a value.
    pub fn set<K: Key, V: BorshSerialize + BorshDeserialize>(&mut self, map: &Map<K, V>, key: &K, value: &V) {
        let mut row = self.writes.key(&map.bytes(key));
        map.encode(value, &mut self.writes.bytes);
        (row.end, row.live) = (self.writes.bytes.len(), true);
        self.add(row);
    }

    /// Forget `key` of `map`.
    pub fn remove<K: Key, V: BorshSerialize + BorshDeserialize>(&mut self, map: &Map<K, V>, key: &K) {
        let row = self.writes.key(&map.bytes(key));
        self.add(row);
    }

    /// The state with all writes so far, to read from.
    pub fn written(&mut self) -> &dyn Read {
        self.flush();
        self.state.as_read()
    }

    fn add(&mut self, row: Row) {
        self.writes.rows.push(row);
        if self.writes.rows.len() >= Writes::MOST {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.state.write_all(&self.writes);
        self.writes.clear();
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
