//! Keys of one table: cells found by hash, and their order when somebody asks for it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::cell::{narrow, wide, Cell, Cells, NONE};
use super::hash::hash;
use super::order::{Name, Order};
use super::{Bounds, Change};
use crate::state::Pair;

/// A key and its value, shared.
type Row = (alloc::sync::Arc<[u8]>, alloc::sync::Arc<[u8]>);

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

const VACANT: Slot = Slot { hash: 0, cell: NONE };
const SMALLEST: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Table {
    cells: Cells,
    slots: Vec<Slot>,
    used: usize,
    live: usize,
    seed: u64,
    /// Counts blocks, from 1.
    block: u32,
    dirty: Vec<Dirty>,
    /// First values of the block, one after the other.
    past: Vec<u8>,
    /// Cells whose value was taken in this block; it may have come back.
    removed: Vec<u32>,
    order: RefCell<Order>,
}

impl Table {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            cells: Cells::default(),
            slots: alloc::vec![VACANT; SMALLEST],
            used: 0,
            live: 0,
            seed,
            block: 1,
            dirty: Vec::new(),
            past: Vec::new(),
            removed: Vec::new(),
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
        self.cells.get(cell)
    }

    /// The cell of `key`, whether it has a value or not.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.find_hashed(hash(self.seed, key), key)
    }

    #[inline]
    pub(super) fn find_hashed(&self, hash: u32, key: &[u8]) -> Option<u32> {
        let mut at = wide(hash) & self.mask();
        loop {
            let slot = self.slot(at);
            if slot.cell == NONE {
                return None;
            }
            if slot.hash == hash && self.get(slot.cell).is_some_and(|cell| self.cells.key(cell) == key) {
                return Some(slot.cell);
            }
            at = at.wrapping_add(1) & self.mask();
        }
    }

    /// The cell of `key`, a new one without a value when there was none.
    pub(super) fn cell(&mut self, hash: u32, key: &[u8]) -> u32 {
        if let Some(cell) = self.find_hashed(hash, key) {
            return cell;
        }
        if self.used.saturating_mul(3) >= self.slots.len().saturating_mul(2) {
            self.grow();
        }
        let cell = self.cells.take(hash, key);
        self.used = self.used.saturating_add(1);
        self.settle(Slot { hash, cell });
        cell
    }

    fn settle(&mut self, slot: Slot) {
        let mut at = wide(slot.hash) & self.mask();
        while self.slot(at).cell != NONE {
            at = at.wrapping_add(1) & self.mask();
        }
        self.set_slot(at, slot);
    }

    fn grow(&mut self) {
        let capacity = self.slots.len().saturating_mul(2);
        let old = core::mem::replace(&mut self.slots, alloc::vec![VACANT; capacity]);
        for slot in old {
            if slot.cell != NONE {
                self.settle(slot);
            }
        }
    }

    /// Let go of a cell without a value.
    fn forget(&mut self, at: u32) {
        let Some(cell) = self.get(at) else { return };
        let mut hole = wide(cell.hash) & self.mask();
        while self.slot(hole).cell != at {
            if self.slot(hole).cell == NONE {
                return;
            }
            hole = hole.wrapping_add(1) & self.mask();
        }
        // Close the gap: whoever probed past the hole moves into it.
        let mut next = hole.wrapping_add(1) & self.mask();
        loop {
            let slot = self.slot(next);
            if slot.cell == NONE {
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
        self.cells.give_back(at);
    }

    /// Its value; nothing when it was removed.
    #[inline]
    pub(super) fn value(&self, cell: u32) -> Option<&[u8]> {
        self.cells.value(self.get(cell)?)
    }

    /// Its value when the block began.
    pub(super) fn before(&self, cell: u32) -> Option<&[u8]> {
        let cell = self.get(cell)?;
        if cell.block == self.block {
            return self.first_value(self.dirty.get(wide(cell.dirty))?);
        }
        self.cells.value(cell)
    }

    fn first_value(&self, dirty: &Dirty) -> Option<&[u8]> {
        dirty.live.then(|| self.past.get(dirty.start..dirty.end).unwrap_or_default())
    }

    /// Remember the value that the cell had when the block began; called before each write.
    pub(super) fn touch(&mut self, at: u32) {
        let Some(cell) = self.cells.get(at).filter(|cell| cell.block != self.block) else { return };
        let start = self.past.len();
        self.past.extend_from_slice(self.cells.value(cell).unwrap_or_default());
        let dirty = narrow(self.dirty.len());
        self.dirty.push(Dirty { cell: at, start, end: self.past.len(), live: cell.live });
        if let Some(cell) = self.cells.get_mut(at) {
            (cell.block, cell.dirty) = (self.block, dirty);
        }
    }

    /// Give the cell a value, or take it.
    pub(super) fn put(&mut self, at: u32, value: Option<&[u8]>) {
        self.cells.put(at, value.unwrap_or_default());
        let Some(cell) = self.cells.get_mut(at).filter(|cell| cell.live != value.is_some()) else { return };
        cell.live = value.is_some();
        if cell.live {
            self.live = self.live.saturating_add(1);
        } else {
            self.live = self.live.saturating_sub(1);
            self.removed.push(at);
        }
        if let Some(cell) = self.cells.get(at) {
            self.order.get_mut().note(self.cells.key(cell), self.live);
        }
    }

    pub(super) fn end_block(&mut self) {
        let removed = core::mem::take(&mut self.removed);
        for some in removed.chunks(32) {
            // As in `Memory::look_at`.
            let cells = || some.iter().filter_map(|at| self.get(*at));
            let seen = cells().fold(0, |seen, cell| seen ^ cell.hash);
            core::hint::black_box(seen);
            core::hint::black_box(cells().fold(0, |seen, cell| seen ^ self.glance(cell.hash)));
            for cell in some {
                if self.get(*cell).is_some_and(|cell| !cell.live) {
                    self.forget(*cell);
                }
            }
        }
        self.removed = removed;
        self.removed.clear();
        self.dirty.clear();
        self.past.clear();
        self.block = self.block.wrapping_add(1);
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
        // The first bytes decide nearly always, so cells are seldom visited to sort them.
        let head = |cell: &Cell| {
            let mut head = [0; 16];
            let key = self.cells.key(cell).get(2..).unwrap_or_default();
            head.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
            u128::from_be_bytes(head)
        };
        let cells = self.dirty.iter().filter_map(|dirty| Some((self.get(dirty.cell)?, dirty)));
        let mut cells: Vec<_> = cells.map(|(cell, dirty)| (head(cell), cell, dirty)).collect();
        cells.sort_unstable_by(|(head, cell, _), (other_head, other, _)| {
            head.cmp(other_head).then_with(|| self.cells.key(cell).cmp(self.cells.key(other)))
        });
        cells.into_iter().map(|(_, cell, dirty)| (cell, dirty)).collect()
    }

    /// Append what differs from the beginning of the block.
    pub(super) fn changes(&self, out: &mut Vec<Change>) {
        for (cell, dirty) in self.written() {
            let new = self.cells.value(cell);
            if new != self.first_value(dirty) {
                out.push((self.cells.key(cell).into(), new.map(Into::into)));
            }
        }
    }

    /// Keys with `prefix` that the block has written, in order.
    pub(super) fn changed(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let keys = self.written().into_iter().map(|(cell, _)| self.cells.key(cell));
        keys.filter(|key| key.starts_with(prefix)).map(<[u8]>::to_vec).collect()
    }

    /// First or last pair within the bounds.
    pub(super) fn seek(&self, bounds: Bounds<'_>, forward: bool) -> Option<Pair> {
        let mut order = self.order.borrow_mut();
        let mut range = self.sorted(&mut order).range::<[u8], _>(bounds);
        let (name, cell) = if forward { range.next() } else { range.next_back() }?;
        Some((name.bytes().to_vec(), self.value(*cell).unwrap_or_default().to_vec()))
    }

    /// All pairs, in order.
    pub(super) fn pairs(&self) -> Vec<Row> {
        let mut order = self.order.borrow_mut();
        let value = |cell: &u32| self.value(*cell).unwrap_or_default().into();
        self.sorted(&mut order).iter().map(|(name, cell)| (name.bytes().into(), value(cell))).collect()
    }

    fn sorted<'a>(&self, order: &'a mut Order) -> &'a BTreeMap<Name, u32> {
        let live = |slot: &Slot| self.get(slot.cell).filter(|cell| cell.live).map(|cell| (cell, slot.cell));
        let all =
            || self.slots.iter().filter_map(live).map(|(cell, at)| (Name::new(self.cells.key(cell)), at));
        order.now(all, |key| self.find(key).filter(|cell| self.value(*cell).is_some()))
    }

    /// Bytes of the slot where the search for a hash begins.
    #[inline]
    pub(super) fn glance(&self, hash: u32) -> u32 {
        self.slot(wide(hash) & self.mask()).hash
    }

    /// The cell that a key with this hash has or will get; `new` counts those that will get one.
    #[inline]
    pub(super) fn likely(&self, hash: u32, new: &mut usize) -> u32 {
        let mut at = wide(hash) & self.mask();
        loop {
            let slot = self.slot(at);
            if slot.cell == NONE {
                let cell = self.cells.coming(*new);
                *new = new.saturating_add(1);
                return cell;
            }
            if slot.hash == hash {
                return slot.cell;
            }
            at = at.wrapping_add(1) & self.mask();
        }
    }

    /// Bytes of all lines of a cell.
    #[inline]
    pub(super) fn glance_at(&self, cell: u32) -> u32 {
        self.cells.glance(cell)
    }

    /// The hash of a key here.
    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u32 {
        hash(self.seed, key)
    }
}
