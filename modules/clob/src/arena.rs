//! Records of fixed size that name each other by 32-bit handles, and doubly linked lists through them.
//!
//! A record that leaves a list keeps its links. Undoing in reverse order therefore puts it back exactly where
//! it was, without a copy of anything.

use alloc::vec::Vec;
use store::fault;

/// Names a record of an arena. Only valid until the record is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(u32);

/// Records up to which an arena doubles; above, it grows by a sixteenth, so that little of it is ever unused.
const DOUBLES: usize = 8_192;

impl Handle {
    /// Names no record.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// Whether it names no record.
    #[inline]
    pub(crate) const fn is_none(self) -> bool {
        self.0 == u32::MAX
    }

    /// Its number.
    #[inline]
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The handle, or nothing when it names no record.
    #[inline]
    pub(crate) const fn some(self) -> Option<Self> {
        if self.is_none() {
            None
        } else {
            Some(self)
        }
    }

    /// Its number.
    #[inline]
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The handle with a number.
    #[inline]
    pub(crate) fn numbered(index: usize) -> Self {
        u32::try_from(index).map_or(Self::NONE, Self)
    }
}

/// Neighbours of a record in one list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    pub(crate) prev: Handle,
    pub(crate) next: Handle,
}

impl Links {
    pub(crate) const NONE: Self = Self { prev: Handle::NONE, next: Handle::NONE };
}

/// Ends of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    pub(crate) head: Handle,
    pub(crate) tail: Handle,
}

impl List {
    pub(crate) const EMPTY: Self = Self { head: Handle::NONE, tail: Handle::NONE };
}

/// Records and the handles of those that were freed.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    records: Vec<T>,
    free: Vec<Handle>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { records: Vec::new(), free: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Keep `record`.
    #[inline]
    pub(crate) fn insert(&mut self, record: T) -> Handle {
        if let Some(handle) = self.free.pop() {
            *self.get_mut(handle) = record;
            return handle;
        }
        self.push(record)
    }

    /// A record that was freed, as it was, or a new one: to be written in place.
    #[inline]
    pub(crate) fn reuse(&mut self, blank: impl FnOnce() -> T) -> Handle {
        match self.free.pop() {
            Some(handle) => handle,
            None => self.push(blank()),
        }
    }

    #[cold]
    fn push(&mut self, record: T) -> Handle {
        let handle = Handle::numbered(self.records.len());
        if handle.is_none() {
            fault("more records than handles");
        }
        if self.records.len() == self.records.capacity() && self.records.len() > DOUBLES {
            self.records.reserve_exact(self.records.len() >> 4);
        }
        self.records.push(record);
        handle
    }

    /// The record that the insertion after `later` others will use; none when it will be a new one.
    #[inline]
    pub(crate) fn coming(&self, later: usize) -> Handle {
        let at = self.free.len().checked_sub(1).and_then(|last| last.checked_sub(later));
        at.and_then(|at| self.free.get(at)).copied().unwrap_or(Handle::NONE)
    }

    /// All records, those that were freed too.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.records.iter()
    }

    /// Let the handle be given to another record.
    #[inline]
    pub(crate) fn free(&mut self, handle: Handle) {
        self.free.push(handle);
    }

    /// The record, if there is one.
    #[inline]
    pub(crate) fn look(&self, handle: Handle) -> Option<&T> {
        self.records.get(handle.index())
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> &T {
        match self.records.get(handle.index()) {
            Some(record) => record,
            None => fault("a handle without a record"),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut T {
        match self.records.get_mut(handle.index()) {
            Some(record) => record,
            None => fault("a handle without a record"),
        }
    }

    /// Append `handle` to `list`, whose links `links` picks from a record.
    #[inline]
    pub(crate) fn append(&mut self, list: &mut List, handle: Handle, links: impl Fn(&mut T) -> &mut Links) {
        *links(self.get_mut(handle)) = Links { prev: list.tail, next: Handle::NONE };
        match list.tail.some() {
            Some(tail) => links(self.get_mut(tail)).next = handle,
            None => list.head = handle,
        }
        list.tail = handle;
    }

    /// Take `handle` out of `list`; it keeps its links.
    #[inline]
    pub(crate) fn unlink(&mut self, list: &mut List, handle: Handle, links: impl Fn(&mut T) -> &mut Links) {
        let Links { prev, next } = *links(self.get_mut(handle));
        match prev.some() {
            Some(prev) => links(self.get_mut(prev)).next = next,
            None => list.head = next,
        }
        match next.some() {
            Some(next) => links(self.get_mut(next)).prev = prev,
            None => list.tail = prev,
        }
    }

    /// Put `handle` back where it was. Everything that happened to `list` since must have been undone.
    pub(crate) fn relink(&mut self, list: &mut List, handle: Handle, links: impl Fn(&mut T) -> &mut Links) {
        let Links { prev, next } = *links(self.get_mut(handle));
        match prev.some() {
            Some(prev) => links(self.get_mut(prev)).next = handle,
            None => list.head = handle,
        }
        match next.some() {
            Some(next) => links(self.get_mut(next)).prev = handle,
            None => list.tail = handle,
        }
    }
}
