//! Where keys and values stand.

use alloc::vec::Vec;

/// No cell, no place for long bytes.
pub(super) const NONE: u32 = u32::MAX;

/// What a cell holds in place.
const PLACE: usize = 167;

/// A key with its value, in three lines of the processor's cache: whoever found the key has the value. A cell
/// keeps its key until the block ends, also when the value is gone.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Cell {
    pub(super) hash: u32,
    /// The last block that wrote it, by the table's count.
    pub(super) block: u32,
    /// Its place among what that block wrote.
    pub(super) dirty: u32,
    pub(super) live: bool,
    key: u32,
    value: u32,
    /// Where key and value stand when they are too long together, until the cell is let go.
    long: u32,
    /// The key, then the value.
    place: [u8; PLACE],
}

/// All cells of a table. Cells and long places that are let go are used again with their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    free: Vec<u32>,
    long: Vec<Vec<u8>>,
    spare: Vec<u32>,
}

pub(super) fn wide(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

pub(super) fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Cells {
    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&Cell> {
        self.cells.get(wide(at))
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Cell> {
        self.cells.get_mut(wide(at))
    }

    fn bytes<'a>(&'a self, cell: &'a Cell) -> &'a [u8] {
        if cell.long == NONE {
            return &cell.place;
        }
        self.long.get(wide(cell.long)).map(Vec::as_slice).unwrap_or_default()
    }

    #[inline]
    pub(super) fn key<'a>(&'a self, cell: &'a Cell) -> &'a [u8] {
        self.bytes(cell).get(..wide(cell.key)).unwrap_or_default()
    }

    /// Its value; nothing when it was removed.
    #[inline]
    pub(super) fn value<'a>(&'a self, cell: &'a Cell) -> Option<&'a [u8]> {
        let end = wide(cell.key).saturating_add(wide(cell.value));
        cell.live.then(|| self.bytes(cell).get(wide(cell.key)..end).unwrap_or_default())
    }

    /// A cell for a key, without a value.
    pub(super) fn take(&mut self, hash: u32, key: &[u8]) -> u32 {
        let at = self.free.pop().unwrap_or_else(|| {
            let (place, long) = ([0; PLACE], NONE);
            self.cells.push(Cell { hash, block: 0, dirty: 0, live: false, key: 0, value: 0, long, place });
            narrow(self.cells.len().saturating_sub(1))
        });
        if let Some(cell) = self.cells.get_mut(wide(at)) {
            (cell.hash, cell.key, cell.value) = (hash, narrow(key.len()), 0);
            match cell.place.get_mut(..key.len()) {
                Some(place) => place.copy_from_slice(key),
                None => {
                    cell.long = Self::lend(&mut self.long, &mut self.spare);
                    self.long
                        .get_mut(wide(cell.long))
                        .into_iter()
                        .for_each(|long| long.extend_from_slice(key));
                }
            }
        }
        at
    }

    fn lend(long: &mut Vec<Vec<u8>>, spare: &mut Vec<u32>) -> u32 {
        spare.pop().unwrap_or_else(|| {
            long.push(Vec::new());
            narrow(long.len().saturating_sub(1))
        })
    }

    /// Write a value. Whether the cell lives is the caller's to say.
    #[inline]
    pub(super) fn put(&mut self, at: u32, value: &[u8]) {
        let Some(cell) = self.cells.get_mut(wide(at)) else { return };
        let key = wide(cell.key);
        cell.value = narrow(value.len());
        if cell.long == NONE {
            if let Some(place) = cell.place.get_mut(key..key.saturating_add(value.len())) {
                place.copy_from_slice(value);
                return;
            }
            cell.long = Self::lend(&mut self.long, &mut self.spare);
            let key = cell.place.get(..key).unwrap_or_default();
            self.long.get_mut(wide(cell.long)).into_iter().for_each(|long| long.extend_from_slice(key));
        }
        if let Some(long) = self.long.get_mut(wide(cell.long)) {
            long.truncate(key);
            long.extend_from_slice(value);
        }
    }

    /// Let go of a cell.
    pub(super) fn give_back(&mut self, at: u32) {
        let Some(cell) = self.cells.get_mut(wide(at)) else { return };
        if cell.long != NONE {
            self.long.get_mut(wide(cell.long)).into_iter().for_each(Vec::clear);
            self.spare.push(cell.long);
            cell.long = NONE;
        }
        self.free.push(at);
    }

    /// The cell that the key after `later` new ones will get, if there is one yet.
    pub(super) fn coming(&self, later: usize) -> u32 {
        let at = self.free.len().checked_sub(1).and_then(|last| last.checked_sub(later));
        at.and_then(|at| self.free.get(at)).copied().unwrap_or(NONE)
    }
}

impl Cell {
    /// Bytes of each line.
    #[inline]
    pub(super) fn glance(&self) -> u32 {
        let byte = |at| self.place.get(at).copied().unwrap_or_default();
        self.hash ^ u32::from(byte(64) ^ byte(128))
    }
}
