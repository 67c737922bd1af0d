//! Typed tables. A module declares its state as constants in `state.rs`; nothing else knows the bytes.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Bound;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::batch::Writes;
use crate::buffer::{Buffer, KeyBytes};
use crate::state::{fault, Read, State};
use crate::Key;

/// One row of the golden layout: where a table lives and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Collection {
    /// Module byte and table byte.
    pub prefix: [u8; 2],
    /// `module/table`.
    pub name: &'static str,
    /// Rust type of the key; `()` for an item.
    pub key: &'static str,
    /// Rust type of the value.
    pub value: &'static str,
}

/// One value.
pub struct Item<V> {
    prefix: [u8; 2],
    name: &'static str,
    value: PhantomData<fn() -> V>,
}

/// A table from keys to values, in the order of the keys' bytes.
pub struct Map<K, V> {
    prefix: [u8; 2],
    name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

fn decode<V: BorshDeserialize>(name: &str, bytes: &[u8]) -> V {
    match V::try_from_slice(bytes) {
        Ok(value) => value,
        Err(_) => fault(&alloc::format!("a value of {name} does not decode")),
    }
}

fn encode<V: BorshSerialize>(name: &str, value: &V, out: &mut impl borsh::io::Write) {
    if value.serialize(out).is_err() {
        fault(&alloc::format!("a value of {name} does not encode"));
    }
}

/// Encode a value and set it. Bytes of a value are hardly ever more than those that it takes in memory.
fn set<V: BorshSerialize>(state: &mut dyn State, name: &str, key: &[u8], value: &V) {
    if size_of::<V>() <= 64 {
        let mut bytes = Buffer::<64>::default();
        encode(name, value, &mut bytes);
        state.set(key, bytes.bytes());
    } else {
        let mut bytes = Buffer::<256>::default();
        encode(name, value, &mut bytes);
        state.set(key, bytes.bytes());
    }
}

fn load<V: BorshDeserialize>(state: &dyn Read, name: &str, key: &[u8]) -> Option<V> {
    let mut value = None;
    state.read(key, &mut |bytes| value = Some(decode(name, bytes)));
    value
}

/// The first byte string that is greater than every one that starts with `prefix`.
fn end_of(prefix: &[u8]) -> Option<KeyBytes> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = KeyBytes::default();
    end.extend_from_slice(prefix.get(..kept)?);
    end.extend_from_slice(&[prefix.get(kept)?.checked_add(1)?]);
    Some(end)
}

impl<V: BorshSerialize + BorshDeserialize> Item<V> {
    /// The item at `prefix` (module byte, table byte), called `name` (`module/item`).
    pub const fn new(prefix: [u8; 2], name: &'static str) -> Self {
        Self { prefix, name, value: PhantomData }
    }

    /// Its value, if it has one.
    pub fn get(&self, state: &dyn Read) -> Option<V> {
        load(state, self.name, &self.prefix)
    }

    /// Give it a value.
    pub fn set(&self, state: &mut dyn State, value: &V) {
        set(state, self.name, &self.prefix, value);
    }

    /// Take its value away.
    pub fn remove(&self, state: &mut dyn State) {
        state.remove(&self.prefix);
    }

    /// Its row of the layout.
    pub fn collection(&self) -> Collection {
        Collection { prefix: self.prefix, name: self.name, key: "()", value: core::any::type_name::<V>() }
    }
}

impl<K: Key, V: BorshSerialize + BorshDeserialize> Map<K, V> {
    /// The table at `prefix` (module byte, table byte), called `name` (`module/table`).
    pub const fn new(prefix: [u8; 2], name: &'static str) -> Self {
        Self { prefix, name, types: PhantomData }
    }

    pub(crate) fn bytes(&self, key: &impl Key) -> KeyBytes {
        let mut bytes = KeyBytes::default();
        bytes.extend_from_slice(&self.prefix);
        key.write(&mut bytes);
        bytes
    }

    pub(crate) fn encode(&self, value: &V, out: &mut impl borsh::io::Write) {
        encode(self.name, value, out);
    }

    fn pair(&self, (key, value): (Vec<u8>, Vec<u8>)) -> (K, V) {
        match self.key_of(&key) {
            Some(key) => (key, decode(self.name, &value)),
            None => fault(&alloc::format!("a key of {} does not decode", self.name)),
        }
    }

    /// Value of `key`.
    pub fn get(&self, state: &dyn Read, key: &K) -> Option<V> {
        load(state, self.name, self.bytes(key).bytes())
    }

    /// Whether `key` has a value.
    pub fn has(&self, state: &dyn Read, key: &K) -> bool {
        state.read(self.bytes(key).bytes(), &mut |_| ())
    }

    /// These keys will be asked for soon: best some dozens at a time.
    pub fn look_ahead<'a>(&self, state: &dyn Read, keys: impl IntoIterator<Item = &'a K>)
    where
        K: 'a,
    {
        let mut some: Vec<KeyBytes> = Vec::with_capacity(Writes::MOST);
        for key in keys {
            if some.len() == Writes::MOST {
                state.look_ahead(&some);
                some.clear();
            }
            some.push(self.bytes(key));
        }
        state.look_ahead(&some);
    }

    /// Give `key` a value.
    pub fn set(&self, state: &mut dyn State, key: &K, value: &V) {
        set(state, self.name, self.bytes(key).bytes(), value);
    }

    /// Forget `key`.
    pub fn remove(&self, state: &mut dyn State, key: &K) {
        state.remove(self.bytes(key).bytes());
    }

    /// First pair whose key starts with `prefix` (`&()` for the whole table).
    pub fn first(&self, state: &dyn Read, prefix: &impl Key) -> Option<(K, V)> {
        let from = self.bytes(prefix);
        let end = end_of(from.bytes());
        let pair = state.next(Bound::Included(from.bytes()), bound(end.as_ref()))?;
        Some(self.pair(pair))
    }

    /// Last pair whose key starts with `prefix`.
    pub fn last(&self, state: &dyn Read, prefix: &impl Key) -> Option<(K, V)> {
        let from = self.bytes(prefix);
        let end = end_of(from.bytes());
        let pair = state.prev(Bound::Included(from.bytes()), bound(end.as_ref()))?;
        Some(self.pair(pair))
    }

    /// First pair after `key` whose key starts with `prefix`.
    pub fn next_after(&self, state: &dyn Read, prefix: &impl Key, key: &K) -> Option<(K, V)> {
        let end = end_of(self.bytes(prefix).bytes());
        let pair = state.next(Bound::Excluded(self.bytes(key).bytes()), bound(end.as_ref()))?;
        Some(self.pair(pair))
    }

    /// At most `limit` pairs whose keys start with `prefix`, in key order.
    pub fn scan(&self, state: &dyn Read, prefix: &impl Key, limit: usize) -> Vec<(K, V)> {
        self.collect(state, Bound::Included(self.bytes(prefix).bytes()), self.bytes(prefix).bytes(), limit)
    }

    /// At most `limit` pairs whose keys start with `prefix` and are `from` or greater.
    pub fn scan_from(
        &self,
        state: &dyn Read,
        prefix: &impl Key,
        from: &impl Key,
        limit: usize,
    ) -> Vec<(K, V)> {
        self.collect(state, Bound::Included(self.bytes(from).bytes()), self.bytes(prefix).bytes(), limit)
    }

    /// At most `limit` pairs of the whole table from `from` on (from its start when `None`).
    pub fn page(&self, state: &dyn Read, from: Option<&K>, limit: usize) -> Vec<(K, V)> {
        match from {
            None => self.scan(state, &(), limit),
            Some(key) => self.scan_from(state, &(), key, limit),
        }
    }

    /// At most `limit` pairs of the whole table from `from` on downwards (from its end when `None`), the last key
    /// first.
    pub fn page_back(&self, state: &dyn Read, from: Option<&K>, limit: usize) -> Vec<(K, V)> {
        let begin = self.bytes(&());
        let (end, first) = (end_of(begin.bytes()), from.map(|key| self.bytes(key)));
        let to = first.as_ref().map_or_else(|| bound(end.as_ref()), |key| Bound::Included(key.bytes()));
        let mut found = Vec::new();
        let mut next = state.prev(Bound::Included(begin.bytes()), to);
        while let Some((key, value)) = next {
            if found.len() >= limit {
                break;
            }
            next = state.prev(Bound::Included(begin.bytes()), Bound::Excluded(&key));
            found.push(self.pair((key, value)));
        }
        found
    }

    fn collect(&self, state: &dyn Read, from: Bound<&[u8]>, prefix: &[u8], limit: usize) -> Vec<(K, V)> {
        let end = end_of(prefix);
        let mut found = Vec::new();
        let mut next = state.next(from, bound(end.as_ref()));
        while let Some((key, value)) = next {
            if found.len() >= limit {
                break;
            }
            next = state.next(Bound::Excluded(&key), bound(end.as_ref()));
            found.push(self.pair((key, value)));
        }
        found
    }

    /// Keys of this table that were written since the block began, in key order.
    pub fn changed(&self, state: &dyn State) -> Vec<K> {
        state.changed(&self.prefix).iter().filter_map(|key| self.key_of(key)).collect()
    }

    /// Value that `key` had when the block began.
    pub fn before(&self, state: &dyn State, key: &K) -> Option<V> {
        state.before(self.bytes(key).bytes()).map(|bytes| decode(self.name, &bytes))
    }

    /// The key that these stored bytes (with their prefix) stand for.
    pub fn key_of(&self, bytes: &[u8]) -> Option<K> {
        let mut rest = bytes.strip_prefix(&self.prefix)?;
        let key = K::read(&mut rest)?;
        rest.is_empty().then_some(key)
    }

    /// The table's row of the layout.
    pub fn collection(&self) -> Collection {
        Collection {
            prefix: self.prefix,
            name: self.name,
            key: core::any::type_name::<K>(),
            value: core::any::type_name::<V>(),
        }
    }
}

fn bound(end: Option<&KeyBytes>) -> Bound<&[u8]> {
    end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.bytes()))
}
