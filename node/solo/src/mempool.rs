//! Transactions that wait for a block: bounded, each seen once, in the order of their arrival.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tendermint_proto::v0_38::abci::{CheckTxType, RequestCheckTx, ResponseCheckTx};

use crate::abci::Abci;
use crate::chain::block::{tx_cost, tx_hash};
use crate::config::MempoolConfig;

/// Why a transaction was not even checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The very same bytes were seen before.
    #[error("tx already exists in cache")]
    Seen,
    /// Longer than this node takes.
    #[error("tx too large: max size is {max} bytes, but got {size}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// No room; try again after a block.
    #[error(
        "mempool is full: number of txs {txs} (max: {max_txs}), total txs bytes {bytes} (max: {max_bytes})"
    )]
    Full {
        /// Transactions that wait.
        txs: usize,
        /// Most that may.
        max_txs: usize,
        /// Bytes that wait.
        bytes: usize,
        /// Most that may.
        max_bytes: usize,
    },
}

type Hash = [u8; 32];

/// The mempool. Checking happens one at a time, and never while a block is committed.
pub(crate) struct Mempool {
    app: Arc<dyn Abci>,
    config: MempoolConfig,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    waiting: BTreeMap<u64, (Hash, Bytes, i64)>,
    by_hash: HashMap<Hash, u64>,
    bytes: usize,
    cache: Cache,
}

/// Hashes seen lately; the oldest is forgotten first.
#[derive(Default)]
struct Cache {
    order: VecDeque<Hash>,
    seen: HashSet<Hash>,
}

impl Cache {
    /// False if `hash` was there already.
    fn push(&mut self, hash: Hash, limit: usize) -> bool {
        if limit == 0 {
            return true;
        }
        if !self.seen.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        while self.seen.len() > limit {
            match self.order.pop_front() {
                Some(oldest) => self.seen.remove(&oldest),
                None => break,
            };
        }
        true
    }

    fn forget(&mut self, hash: &Hash) {
        if !self.seen.remove(hash) {
            return;
        }
        // Mostly the one that came last, because it was just refused.
        if self.order.back() == Some(hash) {
            self.order.pop_back();
        } else {
            self.order.retain(|each| each != hash);
        }
    }
}

impl Mempool {
    pub(crate) fn new(app: Arc<dyn Abci>, config: MempoolConfig) -> Self {
        Self { app, config, inner: Mutex::default() }
    }

    /// Check `tx` and keep it if it is good. What the application says is in the answer, good or not.
    pub(crate) fn submit(&self, tx: Bytes) -> Result<ResponseCheckTx, SubmitError> {
        let (size, max) = (tx.len(), self.config.max_tx_bytes);
        if size > max {
            return Err(SubmitError::TooLarge { size, max });
        }
        let hash = tx_hash(&tx);
        let mut inner = self.lock();
        let (txs, bytes) = (inner.waiting.len(), inner.bytes);
        if txs >= self.config.max_txs || bytes.saturating_add(size) > self.config.max_bytes {
            let (max_txs, max_bytes) = (self.config.max_txs, self.config.max_bytes);
            return Err(SubmitError::Full { txs, max_txs, bytes, max_bytes });
        }
        if inner.by_hash.contains_key(&hash) || !inner.cache.push(hash, self.config.cache) {
            return Err(SubmitError::Seen);
        }
        let answer = self.check(tx.clone(), CheckTxType::New);
        if answer.code == 0 {
            let place = inner.next;
            inner.next += 1;
            inner.bytes += size;
            inner.by_hash.insert(hash, place);
            inner.waiting.insert(place, (hash, tx, answer.gas_wanted));
        } else {
            // It may become good later.
            inner.cache.forget(&hash);
        }
        Ok(answer)
    }

    /// Check `tx` as if it were new, and keep nothing.
    pub(crate) fn probe(&self, tx: Bytes) -> Result<ResponseCheckTx, SubmitError> {
        let (size, max) = (tx.len(), self.config.max_tx_bytes);
        if size > max {
            return Err(SubmitError::TooLarge { size, max });
        }
        // No transaction is checked while a block is committed.
        let _still = self.lock();
        Ok(self.check(tx, CheckTxType::New))
    }

    fn check(&self, tx: Bytes, kind: CheckTxType) -> ResponseCheckTx {
        self.app.check_tx(RequestCheckTx { tx, r#type: kind.into() })
    }

    /// The first transactions that fit `max_bytes` of a block and `max_gas` (negative: no limit).
    pub(crate) fn reap(&self, max_bytes: i64, max_gas: i64) -> Vec<Bytes> {
        let (mut bytes, mut gas) = (0_i64, 0_i64);
        let mut taken = Vec::new();
        for (_, tx, wanted) in self.lock().waiting.values() {
            bytes = bytes.saturating_add(tx_cost(tx));
            gas = gas.saturating_add(*wanted);
            if bytes > max_bytes || (max_gas >= 0 && gas > max_gas) {
                break;
            }
            taken.push(tx.clone());
        }
        taken
    }

    /// The first `limit` transactions.
    pub(crate) fn first(&self, limit: usize) -> Vec<Bytes> {
        self.lock().waiting.values().take(limit).map(|(_, tx, _)| tx.clone()).collect()
    }

    /// How many wait, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.waiting.len(), inner.bytes)
    }

    /// Forget transactions that no block can hold; the cache keeps them out.
    pub(crate) fn discard(&self, txs: &[Bytes]) {
        let mut inner = self.lock();
        for tx in txs {
            inner.remove(&tx_hash(tx));
        }
    }

    /// Hold the mempool still: nothing is checked until the guard is gone.
    pub(crate) fn pause(&self) -> Paused<'_> {
        Paused { mempool: self, inner: self.lock() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, hash: &Hash) {
        if let Some(place) = self.by_hash.remove(hash) {
            if let Some((_, tx, _)) = self.waiting.remove(&place) {
                self.bytes = self.bytes.saturating_sub(tx.len());
            }
        }
    }
}

/// The mempool while a block is committed.
pub(crate) struct Paused<'a> {
    mempool: &'a Mempool,
    inner: MutexGuard<'a, Inner>,
}

impl Paused<'_> {
    /// A block with these transactions is committed: they leave, and the others are checked again.
    pub(crate) fn committed(mut self, txs: &[Vec<u8>]) {
        for tx in txs {
            let hash = tx_hash(tx);
            self.inner.cache.push(hash, self.mempool.config.cache);
            self.inner.remove(&hash);
        }
        if !self.mempool.config.recheck {
            return;
        }
        let waiting: Vec<(Hash, Bytes)> =
            self.inner.waiting.values().map(|(hash, tx, _)| (*hash, tx.clone())).collect();
        for (hash, tx) in waiting {
            if self.mempool.check(tx, CheckTxType::Recheck).code != 0 {
                self.inner.remove(&hash);
                self.inner.cache.forget(&hash);
            }
        }
    }
}
