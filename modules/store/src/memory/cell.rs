//! Where keys and values stand.

use alloc::vec::Vec;

/// No cell, no place for long bytes.
pub(super) const NONE: u32 = u32::MAX;

/// What a cell holds in place.
const PLACE: usize = 167;
/// A line of the processor's cache.
const LINE: usize = 64;
/// Bytes of a place that share the first line with what leads them.
const HEAD: usize = 39;

/// A key with its value, in three lines of the processor's cache: whoever found the key has the value. A cell
/// keeps its key until the block ends, also when the value is gone.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Cell {
    pub(super) hash: u32,
    /// The last block that wrote it, by the table's count.
    pub(super) block: u32,
    /// Its place among what that block wrote.
    pub(super) dirty: u32,
    key: u32,
    value: u32,
    /// Where key and value stand when they are too long together, until the cell is let go.
    long: u32,
    pub(super) live: bool,
    /// The key, then the value: last, so that the lines after the first are visited only for their bytes.
    place: [u8; PLACE],
}

/// All cells of a table. Cells and long places that are let go are used again with their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    free: Vec<u32>,
    long: Vec<Vec<u8>>,
    spare: Vec<u32>,
    /// Sixteen times what values with their keys took lately, on average.
    usual: usize,
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
            let end = key.saturating_add(value.len());
            if let Some(place) = cell.place.get_mut(key..end) {
                place.copy_from_slice(value);
                if !value.is_empty() {
                    self.usual = self.usual.saturating_sub(self.usual >> 4).saturating_add(end);
                }
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

    /// Bytes of all lines that a cell probably uses.
    #[inline]
    pub(super) fn glance(&self, at: u32) -> u32 {
        self.get(at).map_or(0, |cell| cell.glance(self.usual >> 4))
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
    /// Bytes of each line that the first `used` bytes of its place are in.
    #[inline]
    pub(super) fn glance(&self, used: usize) -> u32 {
        let byte = |at| self.place.get(at).copied().unwrap_or_default();
        let second = if used > HEAD { byte(HEAD) } else { 0 };
        let third = if used > HEAD.saturating_add(LINE) { byte(HEAD.saturating_add(LINE)) } else { 0 };
        self.hash ^ u32::from(second ^ third)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_and_third_line_of_a_cell_begin_where_a_glance_looks() {
        assert_eq!(core::mem::offset_of!(Cell, place) + HEAD, LINE);
        assert_eq!(core::mem::size_of::<Cell>(), 3 * LINE);
    }
}
