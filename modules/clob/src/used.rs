//! What ids have used up, in memory: found by hash, written as rows when a block ends.
//!
//! A cache of the rows of spent ids. Nothing iterates over it in a way that a result could show. Every change
//! notes the value that it replaced, so that a refused message undoes its share in the reverse order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use store::{Batch, Journal};

use crate::arena::{Arena, Handle};
use crate::index::{Hasher, Index};
use crate::order::OrderId;
use crate::state::{Spent, SPENT};

/// An id. One that is not remembered any more stays until its row is gone.
#[derive(Debug)]
struct Entry {
    id: OrderId,
    spent: Spent,
    /// Whether `changed` names it.
    changed: bool,
    live: bool,
}

/// What undoes a step.
#[derive(Debug)]
enum Undo {
    Was(Handle, Option<Spent>),
    Kept(u64),
    Forgotten(u64, Vec<Handle>),
}

/// Spent ids.
#[derive(Debug)]
pub(crate) struct Used {
    entries: Arena<Entry>,
    index: Index,
    hasher: Hasher,
    /// Ids whose rows are to be written, each once.
    changed: Vec<Handle>,
    /// Ids by the height after which nobody needs their rows. Some are others by then, or needed for longer.
    kept: BTreeMap<u64, Vec<Handle>>,
    /// Lists of heights that have passed, for later ones.
    spare: Vec<Vec<Handle>>,
    journal: Journal<Undo>,
}

impl Used {
    /// Take back the last id that was kept until `height`.
    fn unkeep(&mut self, height: u64) {
        if let Some(ids) = self.kept.get_mut(&height) {
            ids.pop();
        }
    }

    pub(crate) fn new(hasher: Hasher) -> Self {
        Self {
            entries: Arena::default(),
            index: Index::default(),
            hasher,
            changed: Vec::new(),
            kept: BTreeMap::new(),
            spare: Vec::new(),
            journal: Journal::default(),
        }
    }

    #[inline]
    fn find(&self, hash: u32, id: &OrderId) -> Option<Handle> {
        self.index.find(hash, |handle| self.entries.get(handle).id == *id)
    }

    /// What `id` has used up, when it is remembered.
    #[inline]
    pub(crate) fn get(&self, id: &OrderId) -> Option<&Spent> {
        let entry = self.entries.get(self.find(self.hasher.id(id), id)?);
        entry.live.then_some(&entry.spent)
    }

    /// Hash of an id.
    #[inline]
    pub(crate) fn hash(&self, id: &OrderId) -> u32 {
        self.hasher.id(id)
    }

    /// Ask memory for the place of this hash.
    #[inline]
    pub(crate) fn touch(&self, hash: u32) -> u64 {
        self.index.touch(hash)
    }

    /// Where the id with this hash most likely is.
    #[inline]
    pub(crate) fn glance(&self, hash: u32) -> Handle {
        self.index.glance(hash)
    }

    /// Ask memory for what may be there.
    #[inline]
    pub(crate) fn look(&self, handle: Handle) -> u64 {
        self.entries.look(handle).map_or(0, |entry| entry.spent.keep)
    }

    /// Ask memory for the places that the next `count` new ids will get.
    #[inline]
    pub(crate) fn look_at_room(&self, count: usize) -> u64 {
        let look = |handle| self.entries.look(handle).map_or(0, |entry: &Entry| entry.spent.keep);
        (0..count).fold(0, |seen, later| seen ^ look(self.entries.coming(later)))
    }

    /// Change what `id` has used up, from nothing if it was not remembered. A short-term id is looked at again
    /// when the height that its row is kept for has passed.
    pub(crate) fn update(&mut self, id: OrderId, change: impl FnOnce(&mut Spent)) {
        let hash = self.hasher.id(&id);
        let handle = self.find(hash, &id).unwrap_or_else(|| self.insert(id, hash));
        let entry = self.entries.get(handle);
        let old = entry.live.then_some(entry.spent);
        let mut new = old.unwrap_or_default();
        change(&mut new);
        self.put(handle, Some(new));
        self.journal.note(|| Undo::Was(handle, old));
        if new.keep != old.unwrap_or_default().keep {
            self.keep(new.keep, handle);
            self.journal.note(|| Undo::Kept(new.keep));
        }
    }

    fn insert(&mut self, id: OrderId, hash: u32) -> Handle {
        let entry = Entry { id, spent: Spent::default(), changed: false, live: false };
        let handle = self.entries.insert(entry);
        self.index.insert(hash, handle);
        handle
    }

    /// Forget `id`; it may be unknown.
    pub(crate) fn remove(&mut self, id: &OrderId) {
        if let Some(handle) = self.find(self.hasher.id(id), id) {
            self.forget(handle);
        }
    }

    fn forget(&mut self, handle: Handle) {
        let Entry { live, spent, .. } = *self.entries.get(handle);
        if live {
            self.put(handle, None);
            self.journal.note(|| Undo::Was(handle, Some(spent)));
        }
    }

    fn put(&mut self, handle: Handle, spent: Option<Spent>) {
        let entry = self.entries.get_mut(handle);
        entry.live = spent.is_some();
        entry.spent = spent.unwrap_or_default();
        if !entry.changed {
            entry.changed = true;
            self.changed.push(handle);
        }
    }

    /// Remember what a row says.
    pub(crate) fn restore(&mut self, id: OrderId, spent: Spent) {
        let handle = self.insert(id, self.hasher.id(&id));
        let entry = self.entries.get_mut(handle);
        (entry.spent, entry.live) = (spent, true);
        if !id.kind.is_stateful() {
            self.keep(spent.keep, handle);
        }
    }

    fn keep(&mut self, height: u64, handle: Handle) {
        let Self { kept, spare, .. } = self;
        kept.entry(height).or_insert_with(|| spare.pop().unwrap_or_default()).push(handle);
    }

    /// Forget the ids that nobody needs at this height any more.
    pub(crate) fn prune(&mut self, height: u64) {
        while let Some(first) = self.kept.first_entry().filter(|first| *first.key() < height) {
            let (kept, mut handles) = first.remove_entry();
            for handle in &handles {
                let Entry { id, spent, .. } = self.entries.get(*handle);
                if spent.keep < height && !id.kind.is_stateful() {
                    self.forget(*handle);
                }
            }
            if self.journal.is_open() {
                self.journal.note(|| Undo::Forgotten(kept, handles));
            } else {
                handles.clear();
                self.spare.push(handles);
            }
        }
    }

    /// Write the rows of what has changed. While a savepoint is open nothing is given up, so that it can be
    /// undone.
    pub(crate) fn write(&mut self, batch: &mut Batch<'_>) {
        let nested = self.journal.is_open();
        let mut changed = core::mem::take(&mut self.changed);
        changed.retain(|handle| {
            let entry = self.entries.get_mut(*handle);
            if entry.live {
                entry.changed = false;
                batch.set(&SPENT, &entry.id, &entry.spent);
                return false;
            }
            batch.remove(&SPENT, &entry.id);
            if !nested {
                let hash = self.hasher.id(&entry.id);
                self.index.remove(hash, *handle);
                self.entries.free(*handle);
            }
            nested
        });
        self.changed = changed;
    }

    /// Add everything to a digest, in order of id.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        let mut live: Vec<&Entry> = self.entries.iter().filter(|entry| entry.live).collect();
        live.sort_unstable_by_key(|entry| entry.id);
        for entry in live {
            digest.update(borsh::to_vec(&(entry.id, entry.spent)).unwrap_or_default());
        }
    }

    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Was(handle, spent) => self.put(handle, spent),
            Undo::Kept(height) => self.unkeep(height),
            Undo::Forgotten(height, handles) => {
                self.kept.insert(height, handles);
            }
        }
    }
}

store::journaled!(Used);
