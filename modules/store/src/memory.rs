//! The state that blocks run on: the whole latest state in memory, with a journal of old values.

mod cell;
mod hash;
mod order;
mod table;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use crate::batch::Writes;
use crate::buffer::KeyBytes;
use crate::scheduled::Scheduled;
use crate::state::{Journaled, Pair, Read, State};
use cell::{narrow, wide, NONE};
use table::Table;

/// A key and the value it has now; `None` when it was removed.
pub type Change = (Arc<[u8]>, Option<Arc<[u8]>>);

/// The latest state. Writes go straight to their cells and leave the old bytes in a journal, so a rollback costs
/// what was written and a commit costs nothing. Cells, journals and their memory are used again: what is
/// overwritten in every block allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    tables: Vec<Table>,
    /// Which table holds the keys of a [`group`], in order of group.
    groups: Vec<(u32, usize)>,
    /// The same by number of group; [`cell::NONE`] for none.
    index: Vec<u32>,
    seed: u64,
    steps: Vec<Step>,
    /// Old values of the steps, one after the other.
    old: Vec<u8>,
    savepoints: Vec<usize>,
    stumble: Stumble,
}

/// Which of the things that a block does by itself fail, in simulators.
#[derive(Clone, Debug, Default)]
struct Stumble {
    seed: Option<u64>,
    /// Things that the running block did.
    asked: u64,
    /// What the running block did, or else the last one that did anything, and whether it failed.
    done: Vec<(Scheduled, bool)>,
    height: u64,
    /// Things that failed, by kind.
    fell: BTreeMap<Scheduled, u64>,
}

/// What undoes a write: the cell and where its old value begins.
#[derive(Clone, Copy, Debug)]
struct Step {
    table: usize,
    cell: u32,
    start: usize,
    live: bool,
}

/// Keys with the same first two bytes are a group. Groups are in the order of their keys.
fn group(key: &[u8]) -> u32 {
    match key {
        [] => 0,
        [first] => u32::from(*first).saturating_mul(257).saturating_add(1),
        [first, second, ..] => {
            u32::from(*first).saturating_mul(257).saturating_add(2).saturating_add((*second).into())
        }
    }
}

impl Memory {
    /// An empty state that hashes its keys under `seed`. No answer depends on the seed; a node that takes a
    /// secret one is safe from people who search for keys that collide.
    pub fn with_seed(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// What its keys hash under.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A state that holds these pairs.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Arc<[u8]>, Arc<[u8]>)>) -> Self {
        Self::seeded(0, pairs)
    }

    /// The same, with keys that hash under `seed`.
    pub fn seeded(seed: u64, pairs: impl IntoIterator<Item = (Arc<[u8]>, Arc<[u8]>)>) -> Self {
        let mut memory = Self::with_seed(seed);
        for (key, value) in pairs {
            memory.set(&key, &value);
        }
        memory.end_block();
        memory
    }

    /// End the block: what was written in it, sorted by key, without keys that have their old value again.
    /// Open savepoints are released.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (_, at) in &self.groups {
            if let Some(table) = self.tables.get(*at) {
                table.changes(&mut changes);
            }
        }
        self.end_block();
        changes
    }

    /// End the block without asking what was written in it.
    pub fn end_block(&mut self) {
        self.stumble.asked = 0;
        self.close();
        self.tables.iter_mut().for_each(Table::end_block);
    }

    /// Undo everything since the block began.
    pub fn discard_block(&mut self) {
        self.stumble.asked = 0;
        self.close();
        self.tables.iter_mut().for_each(Table::discard_block);
    }

    /// For simulators: from now on a quarter of what blocks do by themselves fails, as `seed` says; or nothing.
    pub fn stumble(&mut self, seed: Option<u64>) {
        self.stumble.seed = seed;
    }

    /// How much failed for that reason, by kind.
    pub fn stumbled(&self) -> &BTreeMap<Scheduled, u64> {
        &self.stumble.fell
    }

    /// What the block of this height did by itself, in order, and whether it was made to fail; nothing unless some
    /// of it fails.
    pub fn deeds(&self, height: u64) -> &[(Scheduled, bool)] {
        if self.stumble.height == height {
            &self.stumble.done
        } else {
            &[]
        }
    }

    fn close(&mut self) {
        self.steps.clear();
        self.old.clear();
        self.savepoints.clear();
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All pairs, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (Arc<[u8]>, Arc<[u8]>)> + '_ {
        self.groups.iter().filter_map(|(_, at)| self.tables.get(*at)).flat_map(Table::pairs)
    }

    #[inline]
    fn table(&self, key: &[u8]) -> Option<&Table> {
        self.tables.get(wide(*self.index.get(wide(group(key)))?))
    }

    /// Where the table of `key` stands, new when there was none.
    #[inline]
    fn table_at(&mut self, key: &[u8]) -> usize {
        let group = group(key);
        match self.index.get(wide(group)) {
            Some(at) if *at != NONE => wide(*at),
            _ => self.new_table(group),
        }
    }

    #[cold]
    fn new_table(&mut self, group: u32) -> usize {
        let at = self.tables.len();
        self.tables.push(Table::new(self.seed));
        let place = self.groups.partition_point(|(other, _)| *other < group);
        self.groups.insert(place, (group, at));
        if self.index.len() <= wide(group) {
            self.index.resize(wide(group).saturating_add(1), NONE);
        }
        if let Some(entry) = self.index.get_mut(wide(group)) {
            *entry = narrow(at);
        }
        at
    }

    fn write(&mut self, key: &[u8], value: Option<&[u8]>) {
        let table = self.table_at(key);
        let hash = self.tables.get(table).map_or(0, |table| table.hash(key));
        self.write_at((table, hash), key, value);
    }

    fn write_at(&mut self, (at, hash): (usize, u32), key: &[u8], value: Option<&[u8]>) {
        let Some(table) = self.tables.get_mut(at) else { return };
        let cell = match value {
            Some(_) => table.cell(hash, key),
            None => match table.find_hashed(hash, key) {
                Some(cell) if table.value(cell).is_some() => cell,
                _ => return,
            },
        };
        table.touch(cell);
        if !self.savepoints.is_empty() {
            let old = table.value(cell);
            self.steps.push(Step { table: at, cell, start: self.old.len(), live: old.is_some() });
            self.old.extend_from_slice(old.unwrap_or_default());
        }
        table.put(cell, value);
    }

    /// Look at the memory that these writes will need. Looks that do not depend on each other are made in one
    /// go, so that the processor waits for all of them at once.
    fn look_at(&self, places: &[(usize, u32)]) {
        let mut cells = [NONE; Writes::MOST];
        let tables = || places.iter().map(|(at, hash)| (self.tables.get(*at), *hash));
        let seen = tables().fold(0, |seen, (table, hash)| seen ^ table.map_or(0, |table| table.glance(hash)));
        core::hint::black_box(seen);
        let mut new = 0;
        for ((table, hash), cell) in tables().zip(&mut cells) {
            *cell = table.map_or(NONE, |table| table.likely(hash, &mut new));
        }
        let seen = tables()
            .zip(&cells)
            .fold(0, |seen, ((table, _), cell)| seen ^ table.map_or(0, |table| table.glance_at(*cell)));
        core::hint::black_box(seen);
    }

    /// Tables that may hold keys within the bounds, in order.
    fn within(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> impl DoubleEndedIterator<Item = &Table> {
        let of = |bound: Bound<&[u8]>, open: u32| match bound {
            Bound::Included(key) | Bound::Excluded(key) => group(key),
            Bound::Unbounded => open,
        };
        let (low, high) = (of(from, 0), of(to, u32::MAX));
        let start = self.groups.partition_point(|(group, _)| *group < low);
        // A bound of up to two bytes is the smallest key of its group: excluded, it leaves nothing of it.
        let whole = matches!(to, Bound::Excluded(key) if key.len() <= 2);
        let end = self.groups.partition_point(|(group, _)| *group < high || (*group == high && !whole));
        let groups = self.groups.get(start..end).unwrap_or_default();
        groups.iter().filter_map(|(_, at)| self.tables.get(*at))
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

impl Read for Memory {
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool {
        let found = self.table(key).and_then(|table| table.value(table.find(key)?));
        found.map(with).is_some()
    }

    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        let bounds = possible(from, to)?;
        self.within(from, to).find_map(|table| table.seek(bounds, true))
    }

    fn prev(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        let bounds = possible(from, to)?;
        self.within(from, to).rev().find_map(|table| table.seek(bounds, false))
    }

    fn look_ahead(&self, keys: &[KeyBytes]) {
        let mut places = [(0, 0); Writes::MOST];
        let mut many = 0_usize;
        for key in keys.iter().map(KeyBytes::bytes) {
            let table = self.index.get(wide(group(key))).filter(|at| **at != NONE).map(|at| wide(*at));
            let Some((at, table)) = table.and_then(|at| Some((at, self.tables.get(at)?))) else { continue };
            let Some(place) = places.get_mut(many) else { break };
            *place = (at, table.hash(key));
            many = many.saturating_add(1);
        }
        self.look_at(places.get(..many).unwrap_or_default());
    }
}

impl Journaled for Memory {
    fn savepoint(&mut self) {
        self.savepoints.push(self.steps.len());
    }

    fn rollback(&mut self) {
        let start = self.savepoints.pop().unwrap_or_default();
        while self.steps.len() > start {
            let Some(step) = self.steps.pop() else { return };
            let old = self.old.get(step.start..).unwrap_or_default();
            if let Some(table) = self.tables.get_mut(step.table) {
                table.put(step.cell, step.live.then_some(old));
            }
            self.old.truncate(step.start);
        }
    }

    fn release(&mut self) {
        self.savepoints.pop();
        if self.savepoints.is_empty() {
            self.close();
        }
    }
}

impl State for Memory {
    fn stumbles(&mut self, what: Scheduled, height: u64) -> bool {
        let Some(seed) = self.stumble.seed else { return false };
        if self.stumble.asked == 0 {
            self.stumble.done.clear();
            self.stumble.height = height;
        }
        self.stumble.asked = self.stumble.asked.wrapping_add(1);
        let mut mixed = seed ^ height.rotate_left(32) ^ self.stumble.asked;
        for (shift, factor) in [(30, 0x9e37_79b9_7f4a_7c15), (27, 0xbf58_476d_1ce4_e5b9)] {
            mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
        }
        let falls = (mixed >> 31).is_multiple_of(4);
        self.stumble.done.push((what, falls));
        if falls {
            let fell = self.stumble.fell.entry(what).or_default();
            *fell = fell.wrapping_add(1);
        }
        falls
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.write(key, Some(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.write(key, None);
    }

    fn write_all(&mut self, writes: &Writes) {
        let mut places = [(0, 0); Writes::MOST];
        let mut many = 0_usize;
        for (place, (key, _)) in places.iter_mut().zip(writes.iter()) {
            let table = self.table_at(key);
            *place = (table, self.tables.get(table).map_or(0, |table| table.hash(key)));
            many = many.saturating_add(1);
        }
        self.look_at(places.get(..many).unwrap_or_default());
        for (place, (key, value)) in places.iter().zip(writes.iter()) {
            self.write_at(*place, key, value);
        }
    }

    fn changed(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let end = match prefix {
            [] => u32::MAX,
            [first] => group(&[*first, u8::MAX]),
            _ => group(prefix),
        };
        let start = self.groups.partition_point(|(at, _)| *at < group(prefix));
        let groups = self.groups.iter().skip(start).take_while(|(at, _)| *at <= end);
        let tables = groups.filter_map(|(_, at)| self.tables.get(*at));
        tables.flat_map(|table| table.changed(prefix)).collect()
    }

    fn before(&self, key: &[u8]) -> Option<Vec<u8>> {
        let table = self.table(key)?;
        table.before(table.find(key)?).map(<[u8]>::to_vec)
    }

    fn as_read(&self) -> &dyn Read {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_what_a_block_does_fails_each_by_itself_and_the_same_when_it_comes_again() {
        let mut memory = Memory::default();
        memory.stumble(Some(7));
        let mut block = |height| {
            let mut falls = Vec::new();
            for _ in 0..400 {
                memory.savepoint();
                let fell = memory.stumbles(Scheduled::Expiry, height);
                if fell {
                    memory.rollback();
                } else {
                    memory.release();
                }
                falls.push(fell);
            }
            memory.discard_block();
            falls
        };
        let (once, again, other) = (block(3), block(3), block(4));
        assert!(once == again && once != other);
        let deeds: Vec<bool> = memory.deeds(4).iter().map(|(_, fell)| *fell).collect();
        assert!(deeds == other && memory.deeds(3).is_empty(), "what was done is told for the last block");
        let fell = once.iter().filter(|fell| **fell).count();
        let runs = once.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((70..130).contains(&fell) && (100..200).contains(&runs), "{fell} fell, {runs} changes");
    }

    #[test]
    fn a_scan_of_one_table_leaves_the_next_table_alone() {
        let mut memory = Memory::default();
        for key in [&[1][..], &[1, 0], &[1, 2], &[1, 2, 9], &[1, 3], &[1, 3, 9], &[2]] {
            memory.set(key, b"value");
        }
        let tables = |from, to| memory.within(from, to).count();
        assert_eq!(tables(Bound::Included(&[1, 2]), Bound::Excluded(&[1, 3])), 1);
        assert_eq!(tables(Bound::Included(&[1, 2]), Bound::Included(&[1, 3])), 2);
        assert_eq!(tables(Bound::Included(&[1, 2]), Bound::Excluded(&[1, 3, 0])), 2);
        assert_eq!(tables(Bound::Included(&[1]), Bound::Excluded(&[2])), 4);
        assert_eq!(tables(Bound::Unbounded, Bound::Excluded(&[])), 0);
    }
}
