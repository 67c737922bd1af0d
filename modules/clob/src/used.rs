//! What ids have used up, in memory: found by hash, written as rows when a block ends.
//!
//! A cache of the rows of spent ids. Nothing iterates over it in a way that a result could show. Every change
//! notes the value that it replaced, so that a refused message undoes its share in the reverse order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use store::{Journal, State};

use crate::arena::{Arena, Handle};
use crate::index::{Hasher, Index};
use crate::order::OrderId;
use crate::state::{Spent, SPENT};

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
    Was(OrderId, Option<Spent>),
    Kept(u64),
    Forgotten(u64, Vec<OrderId>),
}

/// Spent ids.
#[derive(Debug)]
pub(crate) struct Used {
    entries: Arena<Entry>,
    index: Index,
    hasher: Hasher,
    /// Ids whose rows are to be written; some twice.
    changed: Vec<OrderId>,
    /// Ids by the height after which nobody needs their rows.
    kept: BTreeMap<u64, Vec<OrderId>>,
    journal: Journal<Undo>,
}

impl Used {
    /// Take back the last id that was kept until `height`.
    fn unkeep(&mut self, height: u64) {
        let Some(ids) = self.kept.get_mut(&height) else { return };
        ids.pop();
        if ids.is_empty() {
            self.kept.remove(&height);
        }
    }

    pub(crate) fn new(hasher: Hasher) -> Self {
        Self {
            entries: Arena::default(),
            index: Index::default(),
            hasher,
            changed: Vec::new(),
            kept: BTreeMap::new(),
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
        self.find(self.hasher.id(id), id).map(|handle| &self.entries.get(handle).spent)
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

    /// Change what `id` has used up, from nothing if it was not remembered. A short-term id is looked at again
    /// when the height that its row is kept for has passed.
    pub(crate) fn update(&mut self, id: OrderId, change: impl FnOnce(&mut Spent)) {
        let hash = self.hasher.id(&id);
        let found = self.find(hash, &id);
        let old = found.map(|handle| self.entries.get(handle).spent);
        let mut new = old.unwrap_or_default();
        change(&mut new);
        self.put(id, hash, found, Some(new));
        self.journal.note(|| Undo::Was(id, old));
        if new.keep != old.unwrap_or_default().keep {
            self.keep(new.keep, id);
        }
    }

    /// Forget `id`; it may be unknown.
    pub(crate) fn remove(&mut self, id: &OrderId) {
        let hash = self.hasher.id(id);
        if let Some(handle) = self.find(hash, id) {
            let old = self.entries.get(handle).spent;
            self.put(*id, hash, Some(handle), None);
            self.journal.note(|| Undo::Was(*id, Some(old)));
        }
    }

    fn put(&mut self, id: OrderId, hash: u32, found: Option<Handle>, spent: Option<Spent>) {
        let noted = found.is_some_and(|handle| self.entries.get(handle).changed);
        if !noted {
            self.changed.push(id);
        }
        match (found, spent) {
            (Some(handle), Some(spent)) => {
                let entry = self.entries.get_mut(handle);
                (entry.spent, entry.changed) = (spent, true);
            }
            (Some(handle), None) => {
                self.entries.get_mut(handle).live = false;
                self.index.remove(hash, handle);
                self.entries.free(handle);
            }
            (None, Some(spent)) => {
                let handle = self.entries.insert(Entry { id, spent, changed: true, live: true });
                self.index.insert(hash, handle);
            }
            (None, None) => {}
        }
    }

    /// Remember what a row says.
    pub(crate) fn restore(&mut self, id: OrderId, spent: Spent) {
        let hash = self.hasher.id(&id);
        let handle = self.entries.insert(Entry { id, spent, changed: false, live: true });
        self.index.insert(hash, handle);
        if !id.kind.is_stateful() {
            self.kept.entry(spent.keep).or_default().push(id);
        }
    }

    fn keep(&mut self, height: u64, id: OrderId) {
        self.kept.entry(height).or_default().push(id);
        self.journal.note(|| Undo::Kept(height));
    }

    /// Forget the ids that nobody needs at this height any more.
    pub(crate) fn prune(&mut self, height: u64) {
        while self.kept.first_key_value().is_some_and(|(kept, _)| *kept < height) {
            let Some((kept, ids)) = self.kept.pop_first() else { return };
            for id in &ids {
                if self.get(id).is_some_and(|spent| spent.keep < height) {
                    self.remove(id);
                }
            }
            self.journal.note(|| Undo::Forgotten(kept, ids));
        }
    }

    /// Write the rows of what has changed.
    pub(crate) fn write(&mut self, state: &mut dyn State) {
        let mut changed = core::mem::take(&mut self.changed);
        for id in changed.drain(..) {
            match self.find(self.hasher.id(&id), &id) {
                Some(handle) => {
                    let entry = self.entries.get_mut(handle);
                    if entry.changed {
                        entry.changed = false;
                        SPENT.set(state, &id, &entry.spent);
                    }
                }
                None => SPENT.remove(state, &id),
            }
        }
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
            Undo::Was(id, spent) => {
                let hash = self.hasher.id(&id);
                self.put(id, hash, self.find(hash, &id), spent);
            }
            Undo::Kept(height) => self.unkeep(height),
            Undo::Forgotten(height, ids) => {
                self.kept.insert(height, ids);
            }
        }
    }
}

store::journaled!(Used);
