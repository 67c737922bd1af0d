//! Rebuilding a store from its database, and refusing one that is not what was committed.

use std::collections::VecDeque;
use std::sync::Arc;

use store::Change;

use crate::disk::Disk;
use crate::facade::{advance, in_order, Loaded};
use crate::forest::{Names, Shared};
use crate::hash::Hash;
use crate::rows::Head;
use crate::views::{Heights, Pairs, View};
use crate::Error;

/// A database in which nothing was committed.
pub(crate) fn new(disk: &Disk, heights: Heights) -> Result<(Heights, Loaded), Error> {
    let rows = disk.pairs()?.len().max(disk.undo_heights()?.len()).max(disk.own()?.len());
    if rows > 0 {
        return Err(Error::Missing("the head row".into()));
    }
    let app_hash = heights.latest.app_hash();
    Ok((heights, Loaded { height: 0, app_hash, pairs: Vec::new(), meta: Vec::new(), fresh: true }))
}

/// The last `keep` heights of a database with this head.
pub(crate) fn existing(
    disk: &Disk,
    shared: &Arc<Shared>,
    head: &Head,
    keep: usize,
) -> Result<(Heights, Loaded), Error> {
    check_names(&shared.names, head)?;
    let all = disk.pairs()?;
    if all.iter().any(|(key, _)| !shared.names.own(key)) {
        return Err(Error::corrupt("the state", "a key belongs to no store"));
    }
    let latest = advance(shared, head.height, Pairs::new(), &all).0;
    check_hash(&latest, &head.app_hash)?;
    let older = rebuild(disk, shared, &latest, (head.oldest, keep))?;
    let heights = Heights { older, latest };
    drop_other_rows(disk, head, &heights)?;
    let meta = disk.own()?;
    let pairs = all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Ok((heights, Loaded { height: head.height, app_hash: head.app_hash, pairs, meta, fresh: false }))
}

/// At most `keep` less one heights before `latest`, not before `oldest`; the first one first. Goes back to the
/// first of them and forth again, so that the trees know how to go back themselves.
fn rebuild(
    disk: &Disk,
    shared: &Arc<Shared>,
    latest: &View,
    (oldest, keep): (u64, usize),
) -> Result<VecDeque<View>, Error> {
    let mut older: VecDeque<View> = VecDeque::new();
    let mut forth: Vec<(u64, Vec<Change>)> = Vec::new();
    let mut above = latest.clone();
    while older.len() + 1 < keep && above.height() > oldest {
        let undo = disk.undo(above.height())?;
        if undo.height >= above.height() || undo.changes.iter().any(|(key, _)| !shared.names.own(key)) {
            return Err(Error::corrupt(
                format!("the undo row of height {}", above.height()),
                "it is not one",
            ));
        }
        let (below, redo) = advance(shared, undo.height, above.map().clone(), &in_order(&undo.changes));
        check_hash(&below, &undo.app_hash)?;
        forth.push((above.height(), redo));
        older.push_front(below.clone());
        above = below;
    }
    let mut forest = shared.write();
    forest.forget(0);
    for (height, changes) in forth.into_iter().rev() {
        forest.apply(height, &changes);
    }
    Ok(older)
}

/// Removes undo rows from before the first height kept; there can be none from after the last.
fn drop_other_rows(disk: &Disk, head: &Head, heights: &Heights) -> Result<(), Error> {
    let (oldest, latest) = (heights.oldest(), heights.latest.height());
    let rows = disk.undo_heights()?;
    if rows.last().is_some_and(|last| *last > latest) {
        return Err(Error::Missing(format!("the state after height {latest}")));
    }
    let stale: Vec<u64> = rows.into_iter().take_while(|height| *height <= oldest).collect();
    if stale.is_empty() {
        return Ok(());
    }
    disk.prune(&stale, &Head { oldest, ..head.clone() })
}

pub(crate) fn check_hash(view: &View, stored: &Hash) -> Result<(), Error> {
    if view.app_hash() == *stored {
        return Ok(());
    }
    Err(Error::AppHash { height: view.height(), stored: *stored, computed: view.app_hash() })
}

pub(crate) fn check_names(names: &Names, head: &Head) -> Result<(), Error> {
    let found: Vec<&str> = head.stores.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<&str> = names.iter().collect();
    if found == expected {
        return Ok(());
    }
    Err(Error::Stores { found: found.join(", "), expected: expected.join(", ") })
}
