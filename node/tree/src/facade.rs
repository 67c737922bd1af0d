//! The store of a node: stage a block, commit it, read what was committed.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use store::Change;

use crate::crash;
use crate::disk::{Block, Disk, Row};
use crate::forest::{Forest, Shared, Table};
use crate::hash::Hash;
use crate::medium::Medium;
use crate::open;
use crate::rows::{Head, Undo};
use crate::views::{self, Heights, Pairs, Reader, Ring, View};
use crate::Error;

/// All state of a chain: what is committed, and at most one block that is not yet.
pub struct Store {
    shared: Arc<Shared>,
    ring: Arc<Ring>,
    /// Heights kept, at least one.
    keep: usize,
    /// Whether nothing was ever committed.
    fresh: bool,
    staged: Option<Staged>,
    place: Place,
}

/// Where committed blocks go.
pub(crate) enum Place {
    Memory(BTreeMap<Vec<u8>, Vec<u8>>),
    Disk(Box<Disk>),
}

/// A block that is computed but not committed.
struct Staged {
    view: View,
    changes: Vec<Change>,
    undo: Vec<Change>,
}

/// A state key and its value.
pub type Pair = (Arc<[u8]>, Arc<[u8]>);

/// What was found when a store was opened.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Last committed height; 0 in a new store.
    pub height: u64,
    /// Its application hash.
    pub app_hash: Hash,
    /// All pairs of that height, in key order.
    pub pairs: Vec<Pair>,
    /// The metadata rows given to [`Store::commit`], in key order.
    pub meta: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether nothing was ever committed here.
    pub fresh: bool,
}

impl Store {
    /// An empty store without a disk that keeps `keep` heights (at least one).
    pub fn in_memory(table: Table, keep: usize) -> Self {
        let shared = Arc::new(Shared::new(table));
        let heights = first_heights(&shared);
        Self::holding(shared, heights, keep, Place::Memory(BTreeMap::new()))
    }

    /// Opens the store in folder `path`, or makes one where there is none. Reads every row, rebuilds the
    /// trees of the last `keep` heights and compares their application hashes with those that were
    /// committed: a store that opens is the store that was committed.
    pub fn open(path: &Path, table: Table, keep: usize) -> Result<(Self, Loaded), Error> {
        Self::over(Disk::open(path)?, table, keep)
    }

    /// The same on a disk that is not there, for simulators. One store at a time may be on it.
    pub fn on(medium: &Medium, table: Table, keep: usize) -> Result<(Self, Loaded), Error> {
        Self::over(Disk::on(medium)?, table, keep)
    }

    fn over(disk: Disk, table: Table, keep: usize) -> Result<(Self, Loaded), Error> {
        let shared = Arc::new(Shared::new(table));
        let (heights, loaded) = match disk.head()? {
            Some(head) => open::existing(&disk, &shared, &head, keep.max(1))?,
            None => open::new(&disk, first_heights(&shared))?,
        };
        let mut store = Self::holding(shared, heights, keep, Place::Disk(Box::new(disk)));
        store.fresh = loaded.fresh;
        Ok((store, loaded))
    }

    fn holding(shared: Arc<Shared>, heights: Heights, keep: usize, place: Place) -> Self {
        let ring = Arc::new(Ring::new(heights));
        Self { shared, ring, keep: keep.max(1), fresh: true, staged: None, place }
    }

    /// Computes the application hash of the committed state with `changes` made to it, as the state of
    /// `height`. Nothing of it can be read until [`commit`](Self::commit); staging again replaces it.
    ///
    /// Every key belongs to a store of the table, and the height is above the committed one (or 0, for a
    /// genesis state in a new store): anything else is a fault of the caller. The last change of a key counts.
    pub fn stage(&mut self, height: u64, changes: &[Change]) -> Hash {
        let latest = self.ring.heights().latest.clone();
        if height <= latest.height() && !(self.fresh && height == 0) {
            store::fault("a block was staged at a height that is committed");
        }
        if !self.owns(changes) {
            store::fault("a changed key belongs to no store");
        }
        self.discard();
        let changes = in_order(changes);
        let (view, undo) = advance(&self.shared, height, latest.map().clone(), &changes);
        let app_hash = view.app_hash();
        self.staged = Some(Staged { view, changes, undo });
        crash::visit("store", "staged");
        app_hash
    }

    /// Whether nothing was ever committed.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Whether every key belongs to a store of the table.
    pub(crate) fn owns(&self, changes: &[Change]) -> bool {
        changes.iter().all(|(key, _)| self.shared.names.own(key))
    }

    /// Forgets the staged block.
    pub fn discard(&mut self) {
        if self.staged.take().is_some() {
            self.shared.write().undo();
        }
    }

    /// Height and application hash of the staged block.
    pub fn staged(&self) -> Option<(u64, Hash)> {
        self.staged.as_ref().map(|staged| (staged.view.height(), staged.view.app_hash()))
    }

    /// Makes the staged block durable, with metadata rows that belong to it, and shows it to readers. An
    /// empty value removes a row.
    ///
    /// After an error the disk may or may not have the block: the node must stop, and opening the store
    /// again tells. The block stays staged and readers stay at the height before.
    pub fn commit(&mut self, meta: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Error> {
        let staged = self.staged.take().ok_or(Error::NothingStaged)?;
        let (heights, pruned) = self.after(&staged);
        if let Err(error) = self.write(&staged, heights.oldest(), &pruned, meta) {
            self.staged = Some(staged);
            return Err(error);
        }
        let blocks = heights.older.len();
        self.ring.publish(heights);
        crash::visit("store", "published");
        self.shared.write().forget(blocks);
        self.fresh = false;
        Ok(())
    }

    /// A handle that reads committed heights from any thread.
    pub fn reader(&self) -> Reader {
        Reader(self.ring.clone())
    }

    /// One metadata row, as last committed.
    pub fn meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match &self.place {
            Place::Memory(rows) => Ok(rows.get(key).cloned()),
            Place::Disk(disk) => disk.own_row(key),
        }
    }

    /// Folder of the database; `None` for a store without one.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Memory(_) => None,
            Place::Disk(disk) => disk.path(),
        }
    }

    /// The heights to keep once the block is committed, and those whose undo rows can go.
    fn after(&self, staged: &Staged) -> (Heights, Vec<u64>) {
        let mut heights = Heights::clone(&self.ring.heights());
        let before = std::mem::replace(&mut heights.latest, staged.view.clone());
        if !self.fresh {
            heights.older.push_back(before);
        }
        let mut pruned = Vec::new();
        while heights.older.len() >= self.keep {
            heights.older.pop_front();
            // The first height kept is not taken back any further.
            pruned.push(heights.oldest());
        }
        (heights, pruned)
    }

    fn write(&mut self, staged: &Staged, oldest: u64, pruned: &[u64], meta: &[Row]) -> Result<(), Error> {
        let disk = match &mut self.place {
            Place::Disk(disk) => disk,
            Place::Memory(rows) => {
                rows.extend(meta.iter().cloned());
                rows.retain(|_, value| !value.is_empty());
                return Ok(());
            }
        };
        let view = &staged.view;
        let names = self.shared.names.iter().map(str::to_string);
        let stores = names.zip(view.roots().iter().copied()).collect();
        let head = Head { height: view.height(), app_hash: view.app_hash(), oldest, stores };
        let latest = &self.ring.heights().latest;
        let undo =
            (oldest < head.height).then(|| Undo::encode(latest.height(), &latest.app_hash(), &staged.undo));
        disk.write(&Block { head: &head, changes: &staged.changes, undo, pruned, meta })
    }
}

/// The heights of a store in which nothing was committed: an empty state at height 0.
fn first_heights(shared: &Arc<Shared>) -> Heights {
    let latest = advance(shared, 0, Pairs::new(), &[]).0;
    shared.write().forget(0);
    Heights { older: VecDeque::new(), latest }
}

/// Makes changes, sorted by key, to the trees and to their pairs, side by side. Returns the view of the new
/// state, which is that of `height`, and what takes it back.
pub(crate) fn advance(
    shared: &Arc<Shared>,
    height: u64,
    pairs: Pairs,
    changes: &[Change],
) -> (View, Vec<Change>) {
    let (roots, (pairs, undo)) = {
        let mut guard = shared.write();
        let forest: &mut Forest = &mut guard;
        rayon::join(|| forest.apply(height, changes), || views::apply(pairs, changes))
    };
    (View::new(shared, height, roots, pairs), undo)
}

/// The changes sorted by key, with the last one of each key.
pub(crate) fn in_order(changes: &[Change]) -> Vec<Change> {
    if changes.is_sorted_by(|(before, _), (after, _)| before < after) {
        return changes.to_vec();
    }
    let last: BTreeMap<_, _> = changes.iter().cloned().collect();
    last.into_iter().collect()
}
