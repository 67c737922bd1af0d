//! What ids have used up, in memory: found by hash, written as rows when a block ends.
//!
//! A cache of the rows of spent ids. Nothing iterates over it in a way that a result could show. Every change
//! notes the value that it replaced, so that a refused message undoes its share in the reverse order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use store::{Batch, Journal};

use crate::arena::{Arena, Handle};
use crate::books::TOGETHER;
use crate::index::{Hasher, Index};
use crate::order::{OrderId, Size};
use crate::state::{Ended, Spent, SPENT};

/// An id, in one cache line. One that is not remembered any more stays until its row is gone.
#[derive(Debug)]
#[repr(align(64))]
struct Entry {
    id: OrderId,
    filled: Size,
    keep: u64,
    cancelled_until: u32,
    /// Among those that ended; few did.
    ended: Handle,
    /// Whether `changed` names it.
    changed: bool,
    live: bool,
}

impl Entry {
    /// An id that has used up nothing.
    fn new(id: OrderId) -> Self {
        Self {
            id,
            filled: Size::ZERO,
            keep: 0,
            cancelled_until: 0,
            ended: Handle::NONE,
            changed: false,
            live: false,
        }
    }
}

/// Ids and what they have used up.
#[derive(Debug, Default)]
struct Entries {
    entries: Arena<Entry>,
    ended: Arena<Ended>,
}

impl Entries {
    /// What an id has used up, when it is remembered.
    #[inline]
    fn spent(&self, entry: &Entry) -> Option<Spent> {
        let Entry { filled, keep, cancelled_until, .. } = *entry;
        let ended = entry.ended.some().map(|handle| *self.ended.get(handle));
        entry.live.then_some(Spent { filled, cancelled_until, ended, keep })
    }

    /// Returns whether `changed` did not name the id yet; it does from here on.
    #[inline]
    fn put(&mut self, handle: Handle, spent: Option<Spent>) -> bool {
        let Self { entries, ended } = self;
        let entry = entries.get_mut(handle);
        entry.live = spent.is_some();
        let Spent { filled, cancelled_until, ended: last, keep } = spent.unwrap_or_default();
        (entry.filled, entry.cancelled_until, entry.keep) = (filled, cancelled_until, keep);
        match (entry.ended.some(), last) {
            (None, None) => {}
            (Some(at), Some(last)) => *ended.get_mut(at) = last,
            (None, Some(last)) => entry.ended = ended.insert(last),
            (Some(at), None) => {
                ended.free(at);
                entry.ended = Handle::NONE;
            }
        }
        !core::mem::replace(&mut entry.changed, true)
    }
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
    all: Entries,
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
            all: Entries::default(),
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
        self.index.find(hash, |handle| self.all.entries.get(handle).id == *id)
    }

    /// What `id` has used up, when it is remembered.
    #[inline]
    pub(crate) fn get(&self, id: &OrderId) -> Option<Spent> {
        self.all.spent(self.all.entries.get(self.find(self.hasher.id(id), id)?))
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
        let bytes = |entry: &Entry| entry.keep;
        self.all.entries.look(handle).map_or(0, bytes)
    }

    /// Ask memory for the places that the next `count` new ids will get.
    #[inline]
    pub(crate) fn look_at_room(&self, count: usize) -> u64 {
        (0..count).fold(0, |seen, later| seen ^ self.look(self.all.entries.coming(later)))
    }

    /// Change what `id` has used up, from nothing if it was not remembered. A short-term id is looked at again
    /// when the height that its row is kept for has passed.
    pub(crate) fn update(&mut self, id: OrderId, change: impl FnOnce(&mut Spent)) {
        let hash = self.hasher.id(&id);
        let handle = self.find(hash, &id).unwrap_or_else(|| self.insert(id, hash));
        let old = self.all.spent(self.all.entries.get(handle));
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
        let handle = self.all.entries.insert(Entry::new(id));
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
        let old = self.all.spent(self.all.entries.get(handle));
        if old.is_some() {
            self.put(handle, None);
            self.journal.note(|| Undo::Was(handle, old));
        }
    }

    fn put(&mut self, handle: Handle, spent: Option<Spent>) {
        if self.all.put(handle, spent) {
            self.changed.push(handle);
        }
    }

    /// Remember what a row says.
    pub(crate) fn restore(&mut self, id: OrderId, spent: Spent) {
        let handle = self.insert(id, self.hasher.id(&id));
        self.all.put(handle, Some(spent));
        self.all.entries.get_mut(handle).changed = false;
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
                let Entry { id, keep, .. } = self.all.entries.get(*handle);
                if *keep < height && !id.kind.is_stateful() {
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
        for some in changed.chunks(TOGETHER) {
            core::hint::black_box(some.iter().fold(0, |seen, handle| seen ^ self.look(*handle)));
            for handle in some {
                let entry = self.all.entries.get(*handle);
                if let Some(spent) = self.all.spent(entry) {
                    batch.set(&SPENT, &entry.id, &spent);
                    self.all.entries.get_mut(*handle).changed = false;
                    continue;
                }
                batch.remove(&SPENT, &entry.id);
                if !nested {
                    let hash = self.hasher.id(&entry.id);
                    self.index.remove(hash, *handle);
                    self.all.entries.free(*handle);
                }
            }
        }
        if nested {
            changed.retain(|handle| !self.all.entries.get(*handle).live);
        } else {
            changed.clear();
        }
        self.changed = changed;
    }

    /// Add everything to a digest, in order of id.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        let spent = |entry: &Entry| Some((entry.id, self.all.spent(entry)?));
        let mut live: Vec<(OrderId, Spent)> = self.all.entries.iter().filter_map(spent).collect();
        live.sort_unstable_by_key(|(id, _)| *id);
        for entry in live {
            digest.update(borsh::to_vec(&entry).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_takes_one_cache_line() {
        assert_eq!(core::mem::size_of::<Entry>(), 64);
    }

    #[test]
    fn an_id_that_ended_gives_its_place_among_those_back_when_it_is_forgotten() {
        let mut entries = Entries::default();
        let id = OrderId {
            subaccount: types::SubaccountId { owner: types::Address::new([1; 20]), number: 0 },
            market: types::MarketId(0),
            kind: crate::order::Kind::ShortTerm,
            client_id: 1,
        };
        let handle = entries.entries.insert(Entry::new(id));
        for height in 1..5 {
            let ended = Some(Ended { good_til_block: height, hash: [7; 32] });
            let spent = Spent { ended, cancelled_until: 3, filled: Size::new(9), keep: 4 };
            assert_eq!(entries.put(handle, Some(spent)), height == 1);
            assert_eq!(entries.spent(entries.entries.get(handle)), Some(spent));
            assert!(!entries.put(handle, None));
            assert_eq!(entries.spent(entries.entries.get(handle)), None);
        }
        assert_eq!(entries.ended.iter().count(), 1);
    }
}
