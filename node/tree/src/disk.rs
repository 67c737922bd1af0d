//! The database: all pairs of the latest height, undo rows for the heights before it, and metadata.
//!
//! One atomic, synced batch for each block, sorted by key. Nothing is read while blocks run; opening reads
//! everything once, so damage shows before anything is served.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode,
    ErrorKind, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch, WriteOptions, DB,
};
use store::Change;

use crate::crash::visit;
use crate::hash::Hex;
use crate::rows::{seal, unseal, Head, Undo};
use crate::witness::{Seen, Witness};
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

const MIB: usize = 1 << 20;

/// A key and a value of the caller.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// A key and a value as the database gives them.
type Found = Result<(Box<[u8]>, Box<[u8]>), Error>;

/// An open database.
pub(crate) struct Disk {
    db: DB,
    path: PathBuf,
    witness: Witness,
}

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
        fs::create_dir_all(path).map_err(|error| Error::disk("make the data folder", error))?;
        // A database that lost the file that names its manifest must not be mistaken for an empty folder.
        let fresh = !Witness::exists(path) && !path.join("CURRENT").exists();
        let families = [(STATE, 128), (UNDO, 64), (META, 8)]
            .map(|(name, buffer)| ColumnFamilyDescriptor::new(name, family_options(buffer * MIB)));
        let db = DB::open_cf_descriptors(&database_options(fresh), path, families).map_err(|error| {
            let text = error.to_string();
            if error.kind() == ErrorKind::IOError && text.contains("lock") {
                Error::Locked(path.to_path_buf())
            } else {
                failed("the database", error)
            }
        })?;
        let (witness, seen) = Witness::open(path)?;
        let disk = Self { db, path: path.to_path_buf(), witness };
        disk.check_head(seen)?;
        Ok(disk)
    }

    /// Where the database is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
        let Some(row) = self.get(META, HEAD)? else { return Ok(None) };
        let head = unseal(HEAD, &row).and_then(Head::decode);
        head.map(Some).ok_or_else(|| Error::corrupt("the head row", "its checksum or layout is wrong"))
    }

    /// All pairs, in key order.
    pub(crate) fn pairs(&self) -> Result<Vec<Change>, Error> {
        let pair = |row: Found| row.map(|(key, value)| (Arc::from(key), Some(Arc::from(value))));
        self.rows(STATE)?.map(pair).collect()
    }

    /// The row that takes `height` back to the height before.
    pub(crate) fn undo(&self, height: u64) -> Result<Undo, Error> {
        let key = height.to_be_bytes();
        let what = format!("the undo row of height {height}");
        let row = self.get(UNDO, &key)?.ok_or_else(|| Error::Missing(what.clone()))?;
        let undo = unseal(&key, &row).and_then(Undo::decode);
        undo.ok_or_else(|| Error::corrupt(what, "its checksum or layout is wrong"))
    }

    /// Heights of the undo rows, in order.
    pub(crate) fn undo_heights(&self) -> Result<Vec<u64>, Error> {
        let height = |row: Found| {
            let key = <[u8; 8]>::try_from(row?.0.as_ref()).map(u64::from_be_bytes);
            key.map_err(|_| Error::corrupt("an undo row", "its key is not a height"))
        };
        self.rows(UNDO)?.map(height).collect()
    }

    /// All rows of the caller, in key order.
    pub(crate) fn own(&self) -> Result<Vec<Row>, Error> {
        let own = |row: Found| -> Result<Option<Row>, Error> {
            let (key, row) = row?;
            let Some((&OWN, own)) = key.split_first() else { return Ok(None) };
            Ok(Some((own.to_vec(), unseal_own(&key, &row)?)))
        };
        self.rows(META)?.filter_map(|row| own(row).transpose()).collect()
    }

    /// One row of the caller.
    pub(crate) fn own_row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = own_key(key);
        self.get(META, &key)?.map(|row| unseal_own(&key, &row)).transpose()
    }

    /// Writes a block, whole or not at all, and returns when it is safe.
    pub(crate) fn write(&mut self, block: &Block) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        let state = self.family(STATE)?;
        for (key, value) in block.changes {
            match value {
                Some(value) => batch.put_cf(state, key, value),
                None => batch.delete_cf(state, key),
            }
        }
        let (undo, meta) = (self.family(UNDO)?, self.family(META)?);
        for height in block.pruned {
            batch.delete_cf(undo, height.to_be_bytes());
        }
        if let Some(row) = &block.undo {
            let key = block.head.height.to_be_bytes();
            batch.put_cf(undo, key, seal(&key, row));
        }
        for (key, value) in block.meta {
            let key = own_key(key);
            if value.is_empty() {
                batch.delete_cf(meta, key);
            } else {
                batch.put_cf(meta, &key, seal(&key, value));
            }
        }
        batch.put_cf(meta, HEAD, seal(HEAD, &block.head.encode()));
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        visit("store", "batch");
        self.db.write_opt(batch, &synced).map_err(|error| failed("a block", error))?;
        visit("store", "written");
        self.witness.record(block.head.height, &block.head.app_hash)?;
        visit("store", "witnessed");
        Ok(())
    }

    /// Writes a state that is before the last one. The witness must not claim more than the database can show at
    /// any moment: it forgets first.
    pub(crate) fn rewind(&mut self, block: &Block) -> Result<(), Error> {
        self.witness.forget()?;
        self.write(block)
    }

    /// Removes undo rows that no kept height needs; `head` says which height is the first one now.
    pub(crate) fn prune(&self, heights: &[u64], head: &Head) -> Result<(), Error> {
        visit("store", "prune");
        let (undo, meta) = (self.family(UNDO)?, self.family(META)?);
        let mut batch = WriteBatch::default();
        heights.iter().for_each(|height| batch.delete_cf(undo, height.to_be_bytes()));
        batch.put_cf(meta, HEAD, seal(HEAD, &head.encode()));
        self.db.write(batch).map_err(|error| failed("old undo rows", error))
    }

    fn family(&self, name: &str) -> Result<&ColumnFamily, Error> {
        self.db.cf_handle(name).ok_or_else(|| Error::Missing(format!("the column family {name}")))
    }

    fn get(&self, family: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let row = self.db.get_cf(self.family(family)?, key);
        row.map_err(|error| failed(&format!("row {} of {family}", Hex(key)), error))
    }

    fn rows<'a>(&'a self, family: &'a str) -> Result<impl Iterator<Item = Found> + 'a, Error> {
        let mut options = ReadOptions::default();
        options.set_verify_checksums(true);
        options.fill_cache(false);
        options.set_readahead_size(4 * MIB);
        let rows = self.db.iterator_cf_opt(self.family(family)?, options, IteratorMode::Start);
        Ok(rows.map(move |row| row.map_err(|error| failed(&format!("the rows of {family}"), error))))
    }
}

fn own_key(key: &[u8]) -> Vec<u8> {
    [&[OWN], key].concat()
}

fn unseal_own(key: &[u8], row: &[u8]) -> Result<Vec<u8>, Error> {
    let body = unseal(key, row).map(<[u8]>::to_vec);
    body.ok_or_else(|| Error::corrupt(format!("metadata row {}", Hex(key)), "its checksum is wrong"))
}

fn failed(what: &str, error: rocksdb::Error) -> Error {
    match error.kind() {
        ErrorKind::Corruption => Error::corrupt(what, error.to_string()),
        _ => Error::disk(what, error),
    }
}

fn database_options(fresh: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(fresh);
    options.create_missing_column_families(fresh);
    options.set_paranoid_checks(true);
    // A write cut off by a crash was never acknowledged and may go; damage anywhere else is an error. What
    // looks like a cut but is not, the witness finds.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_atomic_flush(true);
    options.set_max_background_jobs(2);
    options.set_max_open_files(512);
    options.set_max_total_wal_size(512 << 20);
    options.set_bytes_per_sync(1 << 20);
    options.set_keep_log_file_num(4);
    options.set_log_level(LogLevel::Warn);
    options
}

fn family_options(write_buffer: usize) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_bloom_filter(10.0, false);
    blocks.set_block_cache(&Cache::new_lru_cache(8 * MIB));
    let mut options = Options::default();
    options.set_paranoid_checks(true);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(write_buffer);
    options.set_block_based_table_factory(&blocks);
    options
}
