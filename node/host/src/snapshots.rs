//! State sync: snapshots for others, and the restoring of theirs.
//!
//! Nothing of a snapshot is on disk before all of its rows gave the application hash that the engine's light
//! client trusts; then they become the state in one write. A restore that was cut off leaves nothing behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::Machine;
use store::{Change, Memory, Overlay};
use tendermint_proto::v0_38::abci::response_apply_snapshot_chunk::Result as Applied;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestLoadSnapshotChunk, RequestOfferSnapshot, ResponseApplySnapshotChunk,
    ResponseListSnapshots, ResponseLoadSnapshotChunk, ResponseOfferSnapshot, Snapshot,
};
use tree::snapshot::{Manifest, Rejection, Restore, FORMAT};

use crate::host::{equipped, stop_store, Host, LastBlock};
use crate::shelf::Shelf;

/// What a node has to do with snapshots.
#[derive(Default)]
pub(crate) struct Snapshots {
    /// Where its own are; nothing for a node without a disk.
    shelf: Option<Shelf>,
    /// Whether one is being written.
    busy: Arc<AtomicBool>,
    /// What is being restored, and the application hash that it must have.
    restore: Mutex<Option<(Restore, [u8; 32])>>,
}

impl Snapshots {
    /// Nothing under way yet; own snapshots stand on `shelf`.
    pub(crate) fn on(shelf: Option<Shelf>) -> Self {
        Self { shelf, ..Self::default() }
    }

    fn restore(&self) -> MutexGuard<'_, Option<(Restore, [u8; 32])>> {
        self.restore.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped when the writing of a snapshot has ended, however it ends.
struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Host {
    /// Begin a snapshot of the block that was just committed, if one is due and none is being written. Blocks do
    /// not wait: committed states never change.
    pub(crate) fn snapshot_when_due(&self, height: u64) {
        let (interval, keep) = (self.config().snapshot_interval, self.config().keep_snapshots);
        let snapshots = &self.shared.snapshots;
        let Some(shelf) = snapshots.shelf.clone() else { return };
        if interval == 0 || !height.is_multiple_of(interval) || snapshots.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let (view, busy) = (self.reader().latest(), Busy(snapshots.busy.clone()));
        std::thread::spawn(move || {
            let _until_the_end = busy;
            match shelf.create(&view).and_then(|manifest| shelf.sweep(keep.max(1)).map(|()| manifest)) {
                Ok(manifest) => tracing::info!(height, chunks = manifest.chunks.len(), "snapshot written"),
                Err(error) => tracing::error!(height, %error, "the snapshot could not be written"),
            }
        });
    }

    pub(crate) fn do_list_snapshots(&self) -> ResponseListSnapshots {
        let own = self.shared.snapshots.shelf.as_ref().map(Shelf::list).unwrap_or_default();
        let snapshot = |manifest: Manifest| Snapshot {
            height: manifest.height,
            format: FORMAT,
            chunks: u32::try_from(manifest.chunks.len()).unwrap_or(u32::MAX),
            hash: manifest.hash().to_vec().into(),
            metadata: manifest.metadata().into(),
        };
        ResponseListSnapshots { snapshots: own.into_iter().map(snapshot).collect() }
    }

    pub(crate) fn do_load_snapshot_chunk(
        &self,
        request: &RequestLoadSnapshotChunk,
    ) -> ResponseLoadSnapshotChunk {
        let number = usize::try_from(request.chunk).ok().filter(|_| request.format == FORMAT);
        let shelf = self.shared.snapshots.shelf.as_ref();
        let chunk = number.zip(shelf).and_then(|(number, shelf)| shelf.chunk(request.height, number));
        ResponseLoadSnapshotChunk { chunk: chunk.unwrap_or_default().into() }
    }

    pub(crate) fn do_offer_snapshot(&self, request: &RequestOfferSnapshot) -> ResponseOfferSnapshot {
        let result = self.offered(request);
        ResponseOfferSnapshot { result: result.into() }
    }

    fn offered(&self, request: &RequestOfferSnapshot) -> Offered {
        let Some(snapshot) = &request.snapshot else { return Offered::Reject };
        if self.last_block().height > 0 {
            tracing::error!("a snapshot is offered to a node that has a state; wipe its data folder first");
            return Offered::Abort;
        }
        if snapshot.format != FORMAT {
            return Offered::RejectFormat;
        }
        let (height, chunks) = (snapshot.height, snapshot.chunks);
        let manifest = Manifest::read(height, chunks, &snapshot.metadata, &snapshot.hash);
        let trusted = <[u8; 32]>::try_from(request.app_hash.as_ref()).ok();
        let Some((manifest, trusted)) = manifest.zip(trusted).filter(|_| height > 0) else {
            tracing::warn!(height, chunks, "a snapshot is refused: it contradicts itself");
            return Offered::Reject;
        };
        tracing::info!(height, chunks, "restoring a snapshot");
        *self.shared.snapshots.restore() =
            Some((Restore::new(manifest, self.config().max_restore_bytes), trusted));
        Offered::Accept
    }

    pub(crate) fn do_apply_snapshot_chunk(
        &self,
        request: &RequestApplySnapshotChunk,
    ) -> ResponseApplySnapshotChunk {
        let mut guard = self.shared.snapshots.restore();
        let Some((restore, _)) = guard.as_mut() else { return applied(Applied::Abort) };
        let number = usize::try_from(request.index).unwrap_or(usize::MAX);
        match restore.take(number, &request.chunk) {
            Ok(false) => applied(Applied::Accept),
            Ok(true) => {
                let whole = guard.take();
                drop(guard);
                applied(whole.map_or(Applied::Abort, |(restore, trusted)| self.adopt(restore, &trusted)))
            }
            Err(Rejection::Chunk) => {
                tracing::warn!(number, peer = %request.sender, "a chunk is not what the snapshot names");
                let reject_senders = [request.sender.clone()].into_iter().filter(|peer| !peer.is_empty());
                ResponseApplySnapshotChunk {
                    refetch_chunks: vec![request.index],
                    reject_senders: reject_senders.collect(),
                    ..applied(Applied::Retry)
                }
            }
            Err(rejection @ (Rejection::Number | Rejection::Snapshot | Rejection::Size)) => {
                tracing::warn!(number, peer = %request.sender, %rejection, "the snapshot is given up");
                *guard = None;
                applied(Applied::RejectSnapshot)
            }
        }
    }

    /// Make the rows the state of this node, if they are the state that is trusted.
    fn adopt(&self, restore: Restore, trusted: &[u8; 32]) -> Applied {
        let height = restore.height();
        let Ok(rows) = restore.rows() else { return Applied::RejectSnapshot };
        let mut guard = self.execution();
        let execution = &mut *guard;
        match execution.store.restore(height, &rows, trusted) {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(height, "the snapshot has not the application hash that is trusted");
                return Applied::RejectSnapshot;
            }
            Err(error) => stop_store(&format!("the snapshot of {height} could not be written: {error}")),
        }
        let Some(machine) = machine_of(rows, height, self.config().state_seed) else {
            // Two thirds of the power signed this hash: it is a state of this chain, but not for this program.
            stop_store(&format!("the state of {height} is none that this version can read"));
        };
        let machine = equipped(machine, self.config(), &self.shared.signatures);
        let time = machine.last_block().1;
        execution.machine = Some(machine);
        execution.genesis = Vec::new();
        execution.staged = None;
        let mut pending = self.pending();
        pending.state = Overlay::new(self.reader().latest());
        (pending.height, pending.time) = (height, time);
        if let Ok(mut last) = self.shared.last.write() {
            *last = LastBlock { height, time, app_hash: *trusted, outcome: Arc::default() };
        }
        tracing::info!(height, "snapshot restored");
        Applied::Accept
    }
}

/// The machine of a state whose tables hash under the secret `seed` of this node.
fn machine_of(rows: Vec<Change>, height: u64, seed: u64) -> Option<Machine> {
    let pairs = rows.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Machine::from_state(Memory::seeded(seed, pairs)).filter(|machine| machine.last_block().0 == height)
}

fn applied(result: Applied) -> ResponseApplySnapshotChunk {
    ResponseApplySnapshotChunk { result: result.into(), ..ResponseApplySnapshotChunk::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_a_restored_state_hash_under_the_secret_of_this_node() {
        let mut world = scenario::World::new(&["alice"], 1_000_000);
        world.block();
        let height = world.height();
        let rows: Vec<Change> =
            world.machine.memory().iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let mut restored = machine_of(rows.clone(), height, 7).unwrap();
        assert_eq!(restored.memory().seed(), 7);
        assert!(machine_of(rows, height + 1, 7).is_none(), "it is the state of another height");
    }
}
