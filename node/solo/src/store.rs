//! Blocks, commits, results and where to find transactions: a RocksDB of its own beside the state.
//!
//! Two synced batches per block: the block with its commit before it is executed, its results before the
//! application commits. So whatever moment the node dies at, the block can be executed again or is done.

use std::path::Path;

use prost::Message;
use rocksdb::{Options, WriteBatch, WriteOptions, DB};
use tendermint_proto::v0_38::abci::{ExecTxResult, ResponseFinalizeBlock};
use tendermint_proto::v0_38::types::{Block, BlockMeta, ExtendedCommit};

use crate::chain::block::{header_hash, tx_hash};
use crate::index::{self, Scope};

/// Why the block store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// RocksDB failed; its text names file and cause.
    #[error("block store: {0}: free or repair the disk, then start again")]
    Database(#[from] rocksdb::Error),
    /// A row is not what was written.
    #[error(
        "block store is damaged: {row} of height {height} {reason}; restore the data folder from a copy"
    )]
    Damaged {
        /// Which row.
        row: &'static str,
        /// Of which height.
        height: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The store belongs to another chain.
    #[error("block store was made for another genesis document; use another home or the old genesis")]
    OtherGenesis,
}

const BLOCK: u8 = b'B';
const META: u8 = b'M';
const COMMIT: u8 = b'C';
const RESULTS: u8 = b'R';
const HASH: u8 = b'H';
const TX: u8 = b'T';
const FIRST: &[u8] = b"S/first";
const LAST: &[u8] = b"S/last";
const GENESIS: &[u8] = b"S/genesis";

/// A block as it is stored.
#[derive(Clone, Debug)]
pub struct StoredBlock {
    /// Identity, header, size and number of transactions.
    pub meta: BlockMeta,
    /// The block.
    pub block: Block,
}

/// Where a transaction is, and what became of it.
#[derive(Clone, Debug)]
pub struct StoredTx {
    /// Height of its block.
    pub height: u64,
    /// Its place in the block.
    pub index: u32,
    /// The bytes.
    pub tx: Vec<u8>,
    /// Its result.
    pub result: ExecTxResult,
}

/// The block store.
pub(crate) struct Store {
    db: DB,
    synced: WriteOptions,
}

impl Store {
    /// Open or make the store in `folder` for the chain of `genesis` (its fingerprint).
    pub(crate) fn open(folder: &Path, genesis: [u8; 32]) -> Result<Self, StoreError> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(rocksdb::DBCompressionType::Lz4);
        options.set_write_buffer_size(16 * 1024 * 1024);
        options.set_max_open_files(256);
        options.set_keep_log_file_num(4);
        let db = DB::open(&options, folder)?;
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let store = Self { db, synced };
        match store.db.get(GENESIS)? {
            None => store.db.put_opt(GENESIS, genesis, &store.synced)?,
            Some(known) if known == genesis => {}
            Some(_) => return Err(StoreError::OtherGenesis),
        }
        store.check_last()?;
        Ok(store)
    }

    /// First and last stored height; nothing when there are no blocks.
    pub(crate) fn span(&self) -> Result<Option<(u64, u64)>, StoreError> {
        let read = |key: &[u8], row| match self.db.get(key)? {
            None => Ok(None),
            Some(bytes) => height_in(&bytes).map(Some).ok_or(StoreError::Damaged {
                row,
                height: 0,
                reason: "is not a height",
            }),
        };
        Ok(read(FIRST, "first height")?.zip(read(LAST, "last height")?))
    }

    /// Store a block that is decided but not executed.
    pub(crate) fn save_block(&self, stored: &StoredBlock, commit: &ExtendedCommit) -> Result<(), StoreError> {
        let height = meta_height(&stored.meta);
        let mut batch = WriteBatch::default();
        batch.put(key(BLOCK, height), stored.block.encode_to_vec());
        batch.put(key(META, height), stored.meta.encode_to_vec());
        batch.put(key(COMMIT, height), commit.encode_to_vec());
        let hash = stored.meta.block_id.as_ref().map(|id| id.hash.as_slice()).unwrap_or_default();
        batch.put([&[HASH], hash].concat(), height.to_be_bytes());
        if self.db.get(FIRST)?.is_none() {
            batch.put(FIRST, height.to_be_bytes());
        }
        batch.put(LAST, height.to_be_bytes());
        Ok(self.db.write_opt(batch, &self.synced)?)
    }

    /// Store what became of a block, and index it and its transactions.
    pub(crate) fn save_results(
        &self,
        height: u64,
        txs: &[Vec<u8>],
        results: &ResponseFinalizeBlock,
    ) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put(key(RESULTS, height), results.encode_to_vec());
        for ((index, tx), result) in (0_u32..).zip(txs).zip(&results.tx_results) {
            let hash = tx_hash(tx);
            if result.code != 0 && self.succeeded_before(&hash, height)? {
                continue;
            }
            batch.put([&[TX], hash.as_slice()].concat(), place(height, index));
            for entry in index::entries(Scope::Txs, &result.events) {
                batch.put([entry.as_slice(), &place(height, index)].concat(), []);
            }
        }
        for entry in index::entries(Scope::Blocks, &results.events) {
            batch.put([entry.as_slice(), &place(height, 0)].concat(), []);
        }
        Ok(self.db.write_opt(batch, &self.synced)?)
    }

    /// The same bytes can be in a block twice; a failed repetition must not hide the first.
    fn succeeded_before(&self, hash: &[u8; 32], height: u64) -> Result<bool, StoreError> {
        Ok(self.tx(hash)?.is_some_and(|found| found.height < height && found.result.code == 0))
    }

    pub(crate) fn meta(&self, height: u64) -> Result<Option<BlockMeta>, StoreError> {
        self.row(META, height, "block identity")
    }

    pub(crate) fn block(&self, height: u64) -> Result<Option<StoredBlock>, StoreError> {
        let Some(meta) = self.meta(height)? else { return Ok(None) };
        let block = self.row(BLOCK, height, "block")?;
        let missing = StoreError::Damaged { row: "block", height, reason: "is missing" };
        Ok(Some(StoredBlock { meta, block: block.ok_or(missing)? }))
    }

    pub(crate) fn commit(&self, height: u64) -> Result<Option<ExtendedCommit>, StoreError> {
        self.row(COMMIT, height, "commit")
    }

    pub(crate) fn results(&self, height: u64) -> Result<Option<ResponseFinalizeBlock>, StoreError> {
        self.row(RESULTS, height, "results")
    }

    pub(crate) fn height_of(&self, block_hash: &[u8]) -> Result<Option<u64>, StoreError> {
        let found = self.db.get([&[HASH], block_hash].concat())?;
        Ok(found.and_then(|bytes| height_in(&bytes)))
    }

    pub(crate) fn tx(&self, hash: &[u8; 32]) -> Result<Option<StoredTx>, StoreError> {
        let found = self.db.get([&[TX], hash.as_slice()].concat())?;
        let Some(place) = found.and_then(|bytes| place_in(&bytes)) else { return Ok(None) };
        Ok(self.txs_at([place])?.pop())
    }

    /// The transactions at these places; those that are gone are left out. Neighbours share one read of their
    /// block.
    pub(crate) fn txs_at(
        &self,
        places: impl IntoIterator<Item = (u64, u32)>,
    ) -> Result<Vec<StoredTx>, StoreError> {
        let mut open: Option<(u64, Vec<Vec<u8>>, ResponseFinalizeBlock)> = None;
        let mut found = Vec::new();
        for (height, index) in places {
            if open.as_ref().is_none_or(|(at, _, _)| *at != height) {
                let (Some(block), Some(results)) = (self.block(height)?, self.results(height)?) else {
                    continue;
                };
                open = Some((height, block.block.data.unwrap_or_default().txs, results));
            }
            let Some((_, txs, results)) = &open else { continue };
            let at = usize::try_from(index).unwrap_or(usize::MAX);
            if let (Some(tx), Some(result)) = (txs.get(at), results.tx_results.get(at)) {
                found.push(StoredTx { height, index, tx: tx.clone(), result: result.clone() });
            }
        }
        Ok(found)
    }

    /// Whether the transaction at this place has this index entry.
    pub(crate) fn has_entry(&self, entry: &[u8], height: u64, index: u32) -> Result<bool, StoreError> {
        Ok(self.db.get_pinned([entry, &place(height, index)].concat())?.is_some())
    }

    /// Call `visit` with each place of an index entry from height `first` on, oldest first, until it answers
    /// false.
    pub(crate) fn places(
        &self,
        entry: &[u8],
        first: u64,
        visit: &mut dyn FnMut(u64, u32) -> bool,
    ) -> Result<(), StoreError> {
        self.walk(&[entry, &place(first, 0)].concat(), &mut |key| {
            let found = key.strip_prefix(entry).and_then(place_in);
            found.is_some_and(|(height, index)| visit(height, index))
        })
    }

    /// Call `visit` with each value and place of the entries that begin with `prefix`, until it answers false.
    pub(crate) fn values(
        &self,
        prefix: &[u8],
        visit: &mut dyn FnMut(&str, u64, u32) -> bool,
    ) -> Result<(), StoreError> {
        self.walk(prefix, &mut |key| {
            let found = key.strip_prefix(prefix).and_then(index::value_in);
            let found = found.and_then(|(value, place)| Some((value, place_in(place)?)));
            found.is_some_and(|(value, (height, index))| visit(value, height, index))
        })
    }

    fn walk(&self, from: &[u8], visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), StoreError> {
        for row in self.db.iterator(rocksdb::IteratorMode::From(from, rocksdb::Direction::Forward)) {
            if !visit(&row?.0) {
                break;
            }
        }
        Ok(())
    }

    /// Forget the oldest blocks so that `retain` remain; a few at a time, so that no block waits for long.
    pub(crate) fn prune(&self, retain: u64) -> Result<(), StoreError> {
        const AT_ONCE: u64 = 8;
        let Some((first, last)) = self.span()? else { return Ok(()) };
        if retain == 0 || last - first < retain {
            return Ok(());
        }
        let until = (last + 1 - retain).min(first + AT_ONCE);
        let mut batch = WriteBatch::default();
        for height in first..until {
            self.forget(height, &mut batch)?;
        }
        batch.put(FIRST, until.to_be_bytes());
        // Not synced: blocks that come back after a power cut are forgotten again.
        Ok(self.db.write(batch)?)
    }

    fn forget(&self, height: u64, batch: &mut WriteBatch) -> Result<(), StoreError> {
        if let (Some(stored), Some(results)) = (self.block(height)?, self.results(height)?) {
            let txs = stored.block.data.unwrap_or_default().txs;
            for ((index, tx), result) in (0_u32..).zip(&txs).zip(&results.tx_results) {
                let row = [&[TX], tx_hash(tx).as_slice()].concat();
                if self.db.get(&row)?.is_some_and(|at| at == place(height, index)) {
                    batch.delete(row);
                }
                for entry in index::entries(Scope::Txs, &result.events) {
                    batch.delete([entry.as_slice(), &place(height, index)].concat());
                }
            }
            for entry in index::entries(Scope::Blocks, &results.events) {
                batch.delete([entry.as_slice(), &place(height, 0)].concat());
            }
            let hash = stored.meta.block_id.unwrap_or_default().hash;
            batch.delete([&[HASH], hash.as_slice()].concat());
        }
        for row in [BLOCK, META, COMMIT, RESULTS] {
            batch.delete(key(row, height));
        }
        Ok(())
    }

    fn row<M: Message + Default>(
        &self,
        kind: u8,
        height: u64,
        row: &'static str,
    ) -> Result<Option<M>, StoreError> {
        let Some(bytes) = self.db.get_pinned(key(kind, height))? else { return Ok(None) };
        let message = M::decode(bytes.as_ref());
        message.map(Some).map_err(|_| StoreError::Damaged { row, height, reason: "cannot be decoded" })
    }

    /// The last block must be whole: its header hashes to its identity and names its height.
    fn check_last(&self) -> Result<(), StoreError> {
        let Some((_, last)) = self.span()? else { return Ok(()) };
        let damaged = |row, reason| StoreError::Damaged { row, height: last, reason };
        let stored = self.block(last)?.ok_or_else(|| damaged("block", "is missing"))?;
        let header = stored.block.header.as_ref().ok_or_else(|| damaged("block", "has no header"))?;
        let id = stored.meta.block_id.as_ref().ok_or_else(|| damaged("block", "has no identity"))?;
        if header_hash(header).is_none_or(|hash| hash.as_slice() != id.hash) {
            return Err(damaged("block", "does not hash to its identity"));
        }
        if u64::try_from(header.height) != Ok(last) {
            return Err(damaged("block", "names another height"));
        }
        let commit = self.commit(last)?.ok_or_else(|| damaged("commit", "is missing"))?;
        if commit.block_id.as_ref() != Some(id) {
            return Err(damaged("commit", "is for another block"));
        }
        Ok(())
    }
}

pub(crate) fn meta_height(meta: &BlockMeta) -> u64 {
    let height = meta.header.as_ref().map(|header| header.height).unwrap_or_default();
    u64::try_from(height).unwrap_or_default()
}

fn key(kind: u8, height: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&height.to_be_bytes());
    key
}

fn height_in(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

fn place(height: u64, index: u32) -> [u8; 12] {
    let mut place = [0; 12];
    place[..8].copy_from_slice(&height.to_be_bytes());
    place[8..].copy_from_slice(&index.to_be_bytes());
    place
}

fn place_in(bytes: &[u8]) -> Option<(u64, u32)> {
    let (height, index) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*height), u32::from_be_bytes(index.try_into().ok()?)))
}
