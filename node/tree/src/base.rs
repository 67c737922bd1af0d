//! What rows are kept in: RocksDB with the height file beside it, or a [`Medium`].

use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode,
    ErrorKind, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch, WriteOptions, DB,
};

use crate::hash::Hex;
use crate::medium::{Medium, Op};
use crate::witness::{Seen, Witness};
use crate::Error;

const MIB: usize = 1 << 20;

/// A key and a value as the base gives them.
pub(crate) type Found = Result<(Box<[u8]>, Box<[u8]>), Error>;

/// An open base.
pub(crate) enum Base {
    Rocks { db: DB, path: PathBuf, witness: Witness },
    Simulated(Medium),
}

/// A family of rows.
#[derive(Clone, Copy)]
pub(crate) enum Family<'a> {
    Rocks(&'a ColumnFamily),
    Simulated(&'static str),
}

/// Rows that are written together.
pub(crate) enum Batch {
    Rocks(WriteBatch),
    Simulated(Vec<Op>),
}

impl Base {
    /// Opens the base in `path`, or makes one where there is none, and says which height it must have at least.
    pub(crate) fn open(
        path: &Path,
        families: &[(&'static str, usize)],
    ) -> Result<(Self, Option<Seen>), Error> {
        fs::create_dir_all(path).map_err(|error| Error::disk("make the data folder", error))?;
        // A database that lost the file that names its manifest must not be mistaken for an empty folder.
        let fresh = !Witness::exists(path) && !path.join("CURRENT").exists();
        let families = families
            .iter()
            .map(|(name, buffer)| ColumnFamilyDescriptor::new(*name, family_options(buffer * MIB)));
        let db = DB::open_cf_descriptors(&database_options(fresh), path, families).map_err(|error| {
            if error.kind() == ErrorKind::IOError && held(error.as_ref()) {
                Error::Locked(path.to_path_buf())
            } else {
                failed("the database", error)
            }
        })?;
        let (witness, seen) = Witness::open(path)?;
        Ok((Self::Rocks { db, path: path.to_path_buf(), witness }, seen))
    }

    /// The same on a disk that is not there.
    pub(crate) fn on(medium: &Medium) -> (Self, Option<Seen>) {
        (Self::Simulated(medium.clone()), medium.witness())
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Rocks { path, .. } => Some(path),
            Self::Simulated(_) => None,
        }
    }

    pub(crate) fn family(&self, name: &'static str) -> Result<Family<'_>, Error> {
        match self {
            Self::Rocks { db, .. } => {
                let family = db.cf_handle(name).map(Family::Rocks);
                family.ok_or_else(|| Error::Missing(format!("the column family {name}")))
            }
            Self::Simulated(_) => Ok(Family::Simulated(name)),
        }
    }

    pub(crate) fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match (self, self.family(family)?) {
            (Self::Rocks { db, .. }, Family::Rocks(own)) => {
                let row = db.get_cf(own, key);
                row.map_err(|error| failed(&format!("row {} of {family}", Hex(key)), error))
            }
            (Self::Simulated(medium), _) => Ok(medium.get(family, key)),
            (Self::Rocks { .. }, Family::Simulated(_)) => Ok(None),
        }
    }

    pub(crate) fn rows<'a>(
        &'a self,
        family: &'static str,
    ) -> Result<Box<dyn Iterator<Item = Found> + 'a>, Error> {
        let (db, own) = match (self, self.family(family)?) {
            (Self::Rocks { db, .. }, Family::Rocks(own)) => (db, own),
            (Self::Simulated(medium), _) => {
                let rows = medium.rows(family).into_iter();
                return Ok(Box::new(rows.map(|(key, value)| Ok((key.into(), value.into())))));
            }
            (Self::Rocks { .. }, Family::Simulated(_)) => return Ok(Box::new(std::iter::empty())),
        };
        let mut options = ReadOptions::default();
        options.set_verify_checksums(true);
        options.fill_cache(false);
        options.set_readahead_size(4 * MIB);
        let rows = db.iterator_cf_opt(own, options, IteratorMode::Start);
        Ok(Box::new(
            rows.map(move |row| row.map_err(|error| failed(&format!("the rows of {family}"), error))),
        ))
    }

    pub(crate) fn batch(&self) -> Batch {
        match self {
            Self::Rocks { .. } => Batch::Rocks(WriteBatch::default()),
            Self::Simulated(_) => Batch::Simulated(Vec::new()),
        }
    }

    /// Writes a batch, whole or not at all; a synced one is safe when this returns.
    pub(crate) fn write(&self, batch: Batch, sync: bool, what: &str) -> Result<(), Error> {
        match (self, batch) {
            (Self::Rocks { db, .. }, Batch::Rocks(batch)) => {
                let mut options = WriteOptions::default();
                options.set_sync(sync);
                db.write_opt(batch, &options).map_err(|error| failed(what, error))
            }
            (Self::Simulated(medium), Batch::Simulated(batch)) => {
                medium.write(batch, sync).map_err(|error| Error::disk(what, error))
            }
            _ => Err(Error::disk(what, "the batch is of another database")),
        }
    }

    /// Remembers a committed height beside the rows.
    pub(crate) fn record(&mut self, (height, app_hash): Seen) -> Result<(), Error> {
        match self {
            Self::Rocks { witness, .. } => witness.record(height, &app_hash),
            Self::Simulated(medium) => {
                medium.record(Some((height, app_hash)));
                Ok(())
            }
        }
    }

    /// Forgets it, durably.
    pub(crate) fn forget(&mut self) -> Result<(), Error> {
        match self {
            Self::Rocks { witness, .. } => witness.forget(),
            Self::Simulated(medium) => {
                medium.record(None);
                Ok(())
            }
        }
    }
}

impl Batch {
    pub(crate) fn put(&mut self, family: Family<'_>, key: &[u8], value: &[u8]) {
        match (self, family) {
            (Self::Rocks(batch), Family::Rocks(family)) => batch.put_cf(family, key, value),
            (Self::Simulated(batch), Family::Simulated(family)) => {
                batch.push((family, key.to_vec(), Some(value.to_vec())));
            }
            _ => {}
        }
    }

    pub(crate) fn delete(&mut self, family: Family<'_>, key: &[u8]) {
        match (self, family) {
            (Self::Rocks(batch), Family::Rocks(family)) => batch.delete_cf(family, key),
            (Self::Simulated(batch), Family::Simulated(family)) => batch.push((family, key.to_vec(), None)),
            _ => {}
        }
    }
}

/// Whether RocksDB says that another process, or this one, has the database open. The text names files too: a
/// folder called `blocks` holds no lock.
fn held(text: &str) -> bool {
    ["lock hold by current process", "While lock file"].iter().any(|words| text.contains(words))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_in_a_folder_of_blocks_is_not_a_lock() {
        assert!(!held("IO error: No space left on device: While appending to file: /blocks/lock/000012.log"));
        assert!(held("IO error: While lock file: /data/state.db/LOCK: Resource temporarily unavailable"));
    }

    #[test]
    fn a_database_that_is_open_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blocks");
        let _open = Base::open(&path, &[("state", 1)]).unwrap();
        assert!(matches!(Base::open(&path, &[("state", 1)]), Err(Error::Locked(_))));
    }
}
