//! Keys of one table: cells found by hash, and their order when somebody asks for it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::name::{hash, Name};
use super::{Bounds, Change};
use crate::state::Pair;

/// A key and its value, shared.
type Row = (alloc::sync::Arc<[u8]>, alloc::sync::Arc<[u8]>);

/// A key and its value. A cell keeps its key until the block ends, also when the value is gone.
#[derive(Clone, Debug)]
struct Cell {
    name: Name,
    value: Vec<u8>,
    hash: u32,
    /// Its place in `Table::dirty`, plus one; 0 when the block has not written it.
    dirty: usize,
    live: bool,
}

/// A cell that the block has written, and where its first value of the block stands in `Table::past`.
#[derive(Clone, Copy, Debug)]
struct Dirty {
    cell: u32,
    start: usize,
    end: usize,
    live: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    cell: u32,
}

const NO_CELL: u32 = u32::MAX;
const VACANT: Slot = Slot { hash: 0, cell: NO_CELL };
const SMALLEST: usize = 16;

/// Live keys in order. Most tables are written far more often than they are walked, so what came and went is
/// only noted, and sorted in when somebody walks. Too many notes are dropped and the order with them: then it
/// is made anew, which costs less than those notes would have.
#[derive(Clone, Debug, Default)]
struct Order {
    sorted: BTreeMap<Name, u32>,
    stale: Vec<Name>,
    lost: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    cells: Vec<Cell>,
    free: Vec<u32>,
    slots: Vec<Slot>,
    used: usize,
    live: usize,
    seed: u64,
    dirty: Vec<Dirty>,
    past: Vec<u8>,
    order: RefCell<Order>,
}

fn wide(cell: u32) -> usize {
    usize::try_from(cell).unwrap_or(usize::MAX)
}

impl Table {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            cells: Vec::new(),
            free: Vec::new(),
            slots: alloc::vec![VACANT; SMALLEST],
            used: 0,
            live: 0,
            seed,
            dirty: Vec::new(),
            past: Vec::new(),
            order: RefCell::default(),
        }
    }

    /// How many keys have a value.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    #[inline]
    fn slot(&self, at: usize) -> Slot {
        self.slots.get(at).copied().unwrap_or(VACANT)
    }

    fn set_slot(&mut self, at: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(at) {
            *place = slot;
        }
    }

    fn mask(&self) -> usize {
        self.slots.len().saturating_sub(1)
    }

    fn get(&self, cell: u32) -> Option<&Cell> {
        self.cells.get(wide(cell))
    }

    /// The cell of `key`, whether it has a value or not.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.find_hashed(hash(self.seed, key), key)
    }

    #[inline]
    fn find_hashed(&self, hash: u32, key: &[u8]) -> Option<u32> {
        let mut at = wide(hash) & self.mask();
        loop {
            let slot = self.slot(at);
            if slot.cell == NO_CELL {
                return None;
            }
            if slot.hash == hash && self.get(slot.cell).is_some_and(|cell| cell.name.bytes() == key) {
                return Some(slot.cell);
            }
            at = at.wrapping_add(1) & self.mask();
        }
    }

    /// The cell of `key`, a new one without a value when there was none.
    pub(super) fn cell(&mut self, key: &[u8]) -> u32 {
        let hash = hash(self.seed, key);
        if let Some(cell) = self.find_hashed(hash, key) {
            return cell;
        }
        if self.used.saturating_mul(2) >= self.slots.len() {
            self.grow();
        }
        let name = Name::new(key);
        let cell = match self.free.pop() {
            Some(at) => {
                if let Some(cell) = self.cells.get_mut(wide(at)) {
                    (cell.name, cell.hash) = (name, hash);
                }
                at
            }
            None => {
                let at = u32::try_from(self.cells.len()).unwrap_or(NO_CELL);
                self.cells.push(Cell { name, value: Vec::new(), hash, dirty: 0, live: false });
                at
            }
        };
        self.used = self.used.saturating_add(1);
        self.settle(Slot { hash, cell });
        cell
    }

    fn settle(&mut self, slot: Slot) {
        let mut at = wide(slot.hash) & self.mask();
        while self.slot(at).cell != NO_CELL {
            at = at.wrapping_add(1) & self.mask();
        }
        self.set_slot(at, slot);
    }

    fn grow(&mut self) {
        let capacity = self.slots.len().saturating_mul(2);
        let old = core::mem::replace(&mut self.slots, alloc::vec![VACANT; capacity]);
        for slot in old {
            if slot.cell != NO_CELL {
                self.settle(slot);
            }
        }
    }

    /// Let go of a cell without a value.
    fn forget(&mut self, at: u32) {
        let Some(cell) = self.get(at) else { return };
        let mut hole = wide(cell.hash) & self.mask();
        while self.slot(hole).cell != at {
            if self.slot(hole).cell == NO_CELL {
                return;
            }
            hole = hole.wrapping_add(1) & self.mask();
        }
        // Close the gap: whoever probed past the hole moves into it.
        let mut next = hole.wrapping_add(1) & self.mask();
        loop {
            let slot = self.slot(next);
            if slot.cell == NO_CELL {
                break;
            }
            let wandered = next.wrapping_sub(wide(slot.hash)) & self.mask();
            if wandered >= next.wrapping_sub(hole) & self.mask() {
                self.set_slot(hole, slot);
                hole = next;
            }
            next = next.wrapping_add(1) & self.mask();
        }
        self.set_slot(hole, VACANT);
        self.used = self.used.saturating_sub(1);
        self.free.push(at);
    }

    /// Its value; nothing when it was removed.
    #[inline]
    pub(super) fn value(&self, cell: u32) -> Option<&[u8]> {
        self.get(cell).filter(|cell| cell.live).map(|cell| cell.value.as_slice())
    }

    /// Its value when the block began.
    pub(super) fn before(&self, cell: u32) -> Option<&[u8]> {
        match self.get(cell)?.dirty.checked_sub(1) {
            None => self.value(cell),
            Some(at) => self.first_value(self.dirty.get(at)?),
        }
    }

    fn first_value(&self, dirty: &Dirty) -> Option<&[u8]> {
        dirty.live.then(|| self.past.get(dirty.start..dirty.end).unwrap_or_default())
    }

    /// Remember the value that the cell had when the block began; called before each write.
    pub(super) fn touch(&mut self, at: u32) {
        let Some(cell) = self.cells.get_mut(wide(at)) else { return };
        if cell.dirty == 0 {
            let start = self.past.len();
            if cell.live {
                self.past.extend_from_slice(&cell.value);
            }
            self.dirty.push(Dirty { cell: at, start, end: self.past.len(), live: cell.live });
            cell.dirty = self.dirty.len();
        }
    }

    /// Give the cell a value, or take it.
    pub(super) fn put(&mut self, at: u32, value: Option<&[u8]>) {
        let Some(cell) = self.cells.get_mut(wide(at)) else { return };
        cell.value.clear();
        cell.value.extend_from_slice(value.unwrap_or_default());
        if cell.live == value.is_some() {
            return;
        }
        cell.live = value.is_some();
        self.live = if cell.live { self.live.saturating_add(1) } else { self.live.saturating_sub(1) };
        self.order.get_mut().note(&cell.name, self.live);
    }

    pub(super) fn end_block(&mut self) {
        let mut dirty = core::mem::take(&mut self.dirty);
        for one in dirty.drain(..) {
            let Some(cell) = self.cells.get_mut(wide(one.cell)) else { continue };
            cell.dirty = 0;
            if !cell.live {
                self.forget(one.cell);
            }
        }
        self.dirty = dirty;
        self.past.clear();
    }

    pub(super) fn discard_block(&mut self) {
        let past = core::mem::take(&mut self.past);
        let dirty = core::mem::take(&mut self.dirty);
        for one in &dirty {
            let value = one.live.then(|| past.get(one.start..one.end).unwrap_or_default());
            self.put(one.cell, value);
        }
        (self.past, self.dirty) = (past, dirty);
        self.end_block();
    }

    /// The cells that the block has written, in order of key.
    fn written(&self) -> Vec<(&Cell, &Dirty)> {
        let cells = self.dirty.iter().filter_map(|dirty| Some((self.get(dirty.cell)?, dirty)));
        let mut cells: Vec<_> = cells.collect();
        cells.sort_unstable_by(|(one, _), (two, _)| one.name.cmp(&two.name));
        cells
    }

    /// Append what differs from the beginning of the block.
    pub(super) fn changes(&self, out: &mut Vec<Change>) {
        for (cell, dirty) in self.written() {
            let new = cell.live.then_some(cell.value.as_slice());
            if new != self.first_value(dirty) {
                out.push((cell.name.bytes().into(), new.map(Into::into)));
            }
        }
    }

    /// Keys with `prefix` that the block has written, in order.
    pub(super) fn changed(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let keys = self.written().into_iter().map(|(cell, _)| cell.name.bytes());
        keys.filter(|key| key.starts_with(prefix)).map(<[u8]>::to_vec).collect()
    }

    /// First or last pair within the bounds.
    pub(super) fn seek(&self, bounds: Bounds<'_>, forward: bool) -> Option<Pair> {
        let mut order = self.order.borrow_mut();
        self.sort(&mut order);
        let mut range = order.sorted.range::<[u8], _>(bounds);
        let (name, cell) = if forward { range.next() } else { range.next_back() }?;
        Some((name.bytes().to_vec(), self.value(*cell).unwrap_or_default().to_vec()))
    }

    /// All pairs, in order.
    pub(super) fn pairs(&self) -> Vec<Row> {
        let mut order = self.order.borrow_mut();
        self.sort(&mut order);
        let value = |cell: &u32| self.value(*cell).unwrap_or_default().into();
        order.sorted.iter().map(|(name, cell)| (name.bytes().into(), value(cell))).collect()
    }

    fn sort(&self, order: &mut Order) {
        if order.lost {
            let cells = self.slots.iter().filter_map(|slot| Some((self.get(slot.cell)?, slot.cell)));
            let live = cells.filter(|(cell, _)| cell.live);
            order.sorted = live.map(|(cell, at)| (cell.name.clone(), at)).collect();
            order.lost = false;
        }
        for name in order.stale.drain(..) {
            match self.find(name.bytes()).filter(|cell| self.value(*cell).is_some()) {
                Some(cell) => order.sorted.insert(name, cell),
                None => order.sorted.remove(&name),
            };
        }
    }
}

impl Order {
    /// A key came or went; `live` of them there are now.
    fn note(&mut self, name: &Name, live: usize) {
        if self.lost {
            return;
        }
        if self.stale.len() > live.saturating_add(1024) {
            self.stale.clear();
            self.sorted.clear();
            self.lost = true;
        } else {
            self.stale.push(name.clone());
        }
    }
}
