//! The database: all pairs of the latest height, undo rows for the heights before it, and metadata.
//!
//! One atomic, synced batch for each block, sorted by key. Nothing is read while blocks run; opening reads
//! everything once, so damage shows before anything is served.

use std::path::Path;
use std::sync::Arc;

use store::Change;

use crate::base::{Base, Found};
use crate::crash::visit;
use crate::hash::Hex;
use crate::medium::Medium;
use crate::rows::{seal, unseal, Head, Undo};
use crate::witness::Seen;
use crate::Error;

/// Column family of the pairs.
const STATE: &str = "state";

/// Column family of the undo rows, by the height that they undo.
const UNDO: &str = "undo";

/// Column family of the head row and of the caller's own rows.
const META: &str = "meta";

/// Key of the head row; the caller's rows have keys that begin with [`OWN`].
const HEAD: &[u8] = b"head";

/// What the caller's keys begin with in the database.
const OWN: u8 = b'/';

/// A key and a value of the caller.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// An open database.
pub(crate) struct Disk(Base);

/// The families, and how many MiB of each are written at a time.
const FAMILIES: [(&str, usize); 3] = [(STATE, 128), (UNDO, 64), (META, 8)];

/// What one block writes.
pub(crate) struct Block<'a> {
    pub(crate) head: &'a Head,
    pub(crate) changes: &'a [Change],
    /// An encoded [`Undo`]; `None` where the height before is not kept.
    pub(crate) undo: Option<Vec<u8>>,
    /// Heights whose undo rows are not needed any more.
    pub(crate) pruned: &'a [u64],
    pub(crate) meta: &'a [Row],
}

impl Disk {
    /// Opens the database in `path`, or makes one where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Self::checked(Base::open(path, &FAMILIES)?)
    }

    /// Opens the one on a disk that is not there.
    pub(crate) fn on(medium: &Medium) -> Result<Self, Error> {
        Self::checked(Base::on(medium))
    }

    fn checked((base, seen): (Base, Option<Seen>)) -> Result<Self, Error> {
        let disk = Self(base);
        disk.check_head(seen)?;
        Ok(disk)
    }

    /// Where the database is; nowhere when the disk is not there.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.0.path()
    }

    /// The database must not be behind what was committed to it.
    fn check_head(&self, seen: Option<Seen>) -> Result<(), Error> {
        let Some((committed, app_hash)) = seen else { return Ok(()) };
        let head = self.head()?.ok_or_else(|| Error::Missing("the head row".into()))?;
        if head.height < committed {
            return Err(Error::Behind { found: head.height, committed });
        }
        if head.height == committed && head.app_hash != app_hash {
            return Err(Error::AppHash { height: committed, stored: app_hash, computed: head.app_hash });
        }
        Ok(())
    }

    /// The head row; `None` in a new database.
    pub(crate) fn head(&self) -> Result<Option<Head>, Error> {
        let Some(row) = self.0.get(META, HEAD)? else { return Ok(None) };
        let head = unseal(HEAD, &row).and_then(Head::decode);
        head.map(Some).ok_or_else(|| Error::corrupt("the head row", "its checksum or layout is wrong"))
    }

    /// All pairs, in key order.
    pub(crate) fn pairs(&self) -> Result<Vec<Change>, Error> {
        let pair = |row: Found| row.map(|(key, value)| (Arc::from(key), Some(Arc::from(value))));
        self.0.rows(STATE)?.map(pair).collect()
    }

    /// The row that takes `height` back to the height before.
    pub(crate) fn undo(&self, height: u64) -> Result<Undo, Error> {
        let key = height.to_be_bytes();
        let what = format!("the undo row of height {height}");
        let row = self.0.get(UNDO, &key)?.ok_or_else(|| Error::Missing(what.clone()))?;
        let undo = unseal(&key, &row).and_then(Undo::decode);
        undo.ok_or_else(|| Error::corrupt(what, "its checksum or layout is wrong"))
    }

    /// Heights of the undo rows, in order.
    pub(crate) fn undo_heights(&self) -> Result<Vec<u64>, Error> {
        let height = |row: Found| {
            let key = <[u8; 8]>::try_from(row?.0.as_ref()).map(u64::from_be_bytes);
            key.map_err(|_| Error::corrupt("an undo row", "its key is not a height"))
        };
        self.0.rows(UNDO)?.map(height).collect()
    }

    /// All rows of the caller, in key order.
    pub(crate) fn own(&self) -> Result<Vec<Row>, Error> {
        let own = |row: Found| -> Result<Option<Row>, Error> {
            let (key, row) = row?;
            let Some((&OWN, own)) = key.split_first() else { return Ok(None) };
            Ok(Some((own.to_vec(), unseal_own(&key, &row)?)))
        };
        self.0.rows(META)?.filter_map(|row| own(row).transpose()).collect()
    }

    /// One row of the caller.
    pub(crate) fn own_row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = own_key(key);
        self.0.get(META, &key)?.map(|row| unseal_own(&key, &row)).transpose()
    }

    /// Writes a block, whole or not at all, and returns when it is safe.
    pub(crate) fn write(&mut self, block: &Block) -> Result<(), Error> {
        let mut batch = self.0.batch();
        let state = self.0.family(STATE)?;
        for (key, value) in block.changes {
            match value {
                Some(value) => batch.put(state, key, value),
                None => batch.delete(state, key),
            }
        }
        let (undo, meta) = (self.0.family(UNDO)?, self.0.family(META)?);
        for height in block.pruned {
            batch.delete(undo, &height.to_be_bytes());
        }
        if let Some(row) = &block.undo {
            let key = block.head.height.to_be_bytes();
            batch.put(undo, &key, &seal(&key, row));
        }
        for (key, value) in block.meta {
            let key = own_key(key);
            if value.is_empty() {
                batch.delete(meta, &key);
            } else {
                batch.put(meta, &key, &seal(&key, value));
            }
        }
        batch.put(meta, HEAD, &seal(HEAD, &block.head.encode()));
        visit("store", "batch");
        self.0.write(batch, true, "a block")?;
        visit("store", "written");
        self.0.record((block.head.height, block.head.app_hash))?;
        visit("store", "witnessed");
        Ok(())
    }

    /// Writes a state that is before the last one. The witness must not claim more than the database can show at
    /// any moment: it forgets first.
    pub(crate) fn rewind(&mut self, block: &Block) -> Result<(), Error> {
        self.0.forget()?;
        self.write(block)
    }

    /// Removes undo rows that no kept height needs; `head` says which height is the first one now.
    pub(crate) fn prune(&self, heights: &[u64], head: &Head) -> Result<(), Error> {
        visit("store", "prune");
        let (undo, meta) = (self.0.family(UNDO)?, self.0.family(META)?);
        let mut batch = self.0.batch();
        heights.iter().for_each(|height| batch.delete(undo, &height.to_be_bytes()));
        batch.put(meta, HEAD, &seal(HEAD, &head.encode()));
        self.0.write(batch, false, "old undo rows")
    }
}

fn own_key(key: &[u8]) -> Vec<u8> {
    [&[OWN], key].concat()
}

fn unseal_own(key: &[u8], row: &[u8]) -> Result<Vec<u8>, Error> {
    let body = unseal(key, row).map(<[u8]>::to_vec);
    body.ok_or_else(|| Error::corrupt(format!("metadata row {}", Hex(key)), "its checksum is wrong"))
}
