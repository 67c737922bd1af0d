//! Taking a stopped node's database back, and letting its history go.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use store::Change;

use crate::disk::{Block, Disk};
use crate::facade::advance;
use crate::forest::{Shared, Table};
use crate::hash::Hash;
use crate::open::{check_hash, check_names};
use crate::rows::Head;
use crate::views::Pairs;
use crate::Error;

/// Takes the database in `path` back to `height` (`None`: by one block), which becomes its last one; the heights
/// after it are gone. Answers the height and its application hash. Every hash on the way is computed and
/// compared, nothing is written before that, and all of it in one batch: cut off at any moment, the database is
/// at one or the other height. Refused when `height` is not before the last one or not kept.
pub fn roll_back(path: &Path, table: Table, height: Option<u64>) -> Result<(u64, Hash), Error> {
    let shared = Arc::new(Shared::new(table));
    let mut disk = Disk::open(path)?;
    let head = disk.head()?.ok_or_else(|| Error::Missing("the head row".into()))?;
    check_names(&shared.names, &head)?;
    let height = height.unwrap_or(head.height.saturating_sub(1));
    if height >= head.height || height < head.oldest {
        return Err(Error::NoHeight { height, oldest: head.oldest, latest: head.height.saturating_sub(1) });
    }
    let mut view = advance(&shared, head.height, Pairs::new(), &disk.pairs()?).0;
    check_hash(&view, &head.app_hash)?;
    let mut changes: BTreeMap<Arc<[u8]>, Option<Arc<[u8]>>> = BTreeMap::new();
    let mut gone = Vec::new();
    while view.height() > height {
        let undo = disk.undo(view.height())?;
        if undo.height >= view.height() || undo.changes.iter().any(|(key, _)| !shared.names.own(key)) {
            return Err(Error::corrupt(format!("the undo row of height {}", view.height()), "it is not one"));
        }
        gone.push(view.height());
        // An older value of a key takes the place of a newer one.
        changes.extend(undo.changes.iter().cloned());
        let sorted = crate::facade::in_order(&undo.changes);
        view = advance(&shared, undo.height, view.map().clone(), &sorted).0;
        check_hash(&view, &undo.app_hash)?;
    }
    if view.height() != height {
        return Err(Error::NoHeight { height, oldest: head.oldest, latest: head.height.saturating_sub(1) });
    }
    let names = shared.names.iter().map(str::to_string);
    let stores = names.zip(view.roots().iter().copied()).collect();
    let head = Head { height, app_hash: view.app_hash(), oldest: head.oldest, stores };
    let changes: Vec<Change> = changes.into_iter().collect();
    disk.rewind(&Block { head: &head, changes: &changes, undo: None, pruned: &gone, meta: &[] })?;
    Ok((height, head.app_hash))
}

/// Forgets the heights of the database in `path` before the last `keep` ones (at least one stays). Answers the
/// first height kept and how many were forgotten.
pub fn prune(path: &Path, keep: usize) -> Result<(u64, usize), Error> {
    let disk = Disk::open(path)?;
    let head = disk.head()?.ok_or_else(|| Error::Missing("the head row".into()))?;
    let rows = disk.undo_heights()?;
    let many = (rows.len() + 1).saturating_sub(keep.max(1));
    let stale: Vec<u64> = rows.into_iter().take(many).collect();
    // The row of a height takes it back to the one before: without it, the height itself is the first.
    let oldest = stale.last().copied().unwrap_or(head.oldest);
    if !stale.is_empty() {
        disk.prune(&stale, &Head { oldest, ..head })?;
    }
    Ok((oldest, stale.len()))
}
