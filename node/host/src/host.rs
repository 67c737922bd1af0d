//! What the application is made of, how it starts, and what it tells the outside.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use app::proposal::Patience;
use app::{BlockInput, BlockOutcome, Machine, Signatures, Unfit, STORES};
use num::Price;
use store::{Change, Memory, Overlay};
use tree::{Loaded, Medium, Reader, Store, View};
use types::{MarketId, Time};

use crate::follow::Followers;
use crate::halt::Halt;
use crate::shelf::Shelf;
use crate::snapshots::Snapshots;
use crate::vote::Voter;
use crate::Config;

/// Where our oracle vote comes from. Answers at once with what it has; prices that are old are left out. It is
/// asked on a thread of its own: one that does not answer within the budget makes for an empty vote.
pub trait PriceSource: Send + Sync {
    /// Fresh prices in the markets' own exponents, for the vote at `height`.
    fn prices(&self, height: u64) -> BTreeMap<MarketId, Price>;
}

/// No prices: the vote is empty.
impl PriceSource for () {
    fn prices(&self, _: u64) -> BTreeMap<MarketId, Price> {
        BTreeMap::new()
    }
}

/// Why the application cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not open, or its content contradicts itself.
    #[error(transparent)]
    Store(#[from] tree::Error),
    /// The store holds state, but no chain.
    #[error("the database holds state at height {0} but no chain in it; restore a snapshot or resync")]
    NoChain(u64),
    /// The next block is another program's.
    #[error(transparent)]
    Release(#[from] Unfit),
    /// The node is told to make no block after one that it has.
    #[error(
        "halt_height is {0} and the database is at height {1}: the node has done what it was told; remove \
         halt_height from the configuration to go on"
    )]
    Halted(u64, u64),
    /// The state contradicts itself, or lacks what every chain has.
    #[error(
        "the database at height {height} cannot be gone on from: {reason}; restore a snapshot or resync"
    )]
    Unfit {
        /// Its height.
        height: u64,
        /// What is wrong.
        reason: String,
    },
}

/// The last committed block, for those who watch.
#[derive(Clone, Debug, Default)]
pub struct LastBlock {
    /// Its height.
    pub height: u64,
    /// Its time.
    pub time: Time,
    /// State root after it.
    pub app_hash: [u8; 32],
    /// What became of it; shared, because results can be large.
    pub outcome: Arc<BlockOutcome>,
}

/// The application. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) voter: Voter,
    /// Empty proposals of the height under way.
    pub(crate) patience: Mutex<Patience>,
    /// What the mempool has verified, so that blocks need not.
    pub(crate) signatures: Signatures,
    pub(crate) execution: Mutex<Execution>,
    pub(crate) pending: Mutex<Pending>,
    pub(crate) reader: Reader,
    pub(crate) snapshots: Snapshots,
    pub(crate) last: RwLock<LastBlock>,
    pub(crate) halt: Halt,
    pub(crate) followers: Followers,
    pub(crate) query_faults: AtomicU64,
}

/// What only one block at a time may touch.
pub(crate) struct Execution {
    pub(crate) machine: Option<Machine>,
    pub(crate) store: Store,
    /// Writes of the genesis, which become durable with the first block.
    pub(crate) genesis: Vec<Change>,
    /// The block that is executed but not committed, and what it was made of.
    pub(crate) staged: Option<(BlockInput, LastBlock)>,
}

/// The state that the next transactions of the mempool are checked on: the committed one and what those that
/// wait already spent.
pub(crate) struct Pending {
    pub(crate) state: Overlay<View>,
    pub(crate) height: u64,
    pub(crate) time: Time,
}

impl Host {
    /// Open the application whose database is in `folder`; a new one when there is none.
    pub fn open(folder: &Path, config: Config, source: impl PriceSource + 'static) -> Result<Self, Error> {
        Self::over(Store::open(folder, STORES, config.keep_heights)?, config, source)
    }

    /// The same on a disk that is not there, for simulators. One application at a time may be on it.
    pub fn on(medium: &Medium, config: Config, source: impl PriceSource + 'static) -> Result<Self, Error> {
        Self::over(Store::on(medium, STORES, config.keep_heights)?, config, source)
    }

    fn over(
        (store, loaded): (Store, Loaded),
        config: Config,
        source: impl PriceSource + 'static,
    ) -> Result<Self, Error> {
        let pairs = loaded.pairs;
        let machine = if loaded.height == 0 {
            None
        } else {
            let state = Memory::seeded(config.state_seed, pairs);
            let machine = Machine::from_state(state).ok_or(Error::NoChain(loaded.height))?;
            config.release.check(machine.state())?;
            // Before an upgrade the rows are those of another program.
            if app::upgrade::due(machine.state()).is_none() {
                let fit = app::load::check(machine.state());
                fit.map_err(|reason| Error::Unfit { height: loaded.height, reason })?;
            }
            Some(machine)
        };
        if config.halt_height > 0 && loaded.height >= config.halt_height {
            return Err(Error::Halted(config.halt_height, loaded.height));
        }
        Ok(Self::new(store, machine, config, source, (loaded.height, loaded.app_hash)))
    }

    /// An application that keeps nothing: for tests.
    pub fn in_memory(config: Config, source: impl PriceSource + 'static) -> Self {
        let store = Store::in_memory(STORES, config.keep_heights);
        Self::new(store, None, config, source, (0, [0; 32]))
    }

    fn new(
        store: Store,
        machine: Option<Machine>,
        config: Config,
        source: impl PriceSource + 'static,
        (height, app_hash): (u64, [u8; 32]),
    ) -> Self {
        let reader = store.reader();
        // What a crash left unfinished goes; a snapshot that cannot be removed harms nobody.
        let shelf = store.path().map(Shelf::beside);
        let _ = shelf.as_ref().map(|shelf| shelf.sweep(usize::MAX));
        let snapshots = Snapshots::on(shelf);
        let time = machine.as_ref().map(|machine| machine.last_block().1).unwrap_or_default();
        let signatures = Signatures::default();
        let machine = machine.map(|machine| equipped(machine, &config, &signatures));
        let halt = Halt::at(config.halt_height);
        let pending = Pending { state: Overlay::new(reader.latest()), height, time };
        let last = LastBlock { height, time, app_hash, outcome: Arc::default() };
        let voter = Voter::new(Arc::new(source), Duration::from_millis(config.vote_budget_ms));
        Self {
            shared: Arc::new(Shared {
                config,
                voter,
                patience: Mutex::default(),
                signatures,
                execution: Mutex::new(Execution { machine, store, genesis: Vec::new(), staged: None }),
                pending: Mutex::new(pending),
                reader,
                snapshots,
                last: RwLock::new(last),
                halt,
                followers: Followers::default(),
                query_faults: AtomicU64::new(0),
            }),
        }
    }

    /// For simulators: see [`Machine::stumble`].
    pub fn stumble(&self, seed: Option<u64>) {
        if let Some(machine) = self.execution().machine.as_mut() {
            machine.stumble(seed);
        }
    }

    /// Committed state, to read; never waits for a block that is being executed.
    pub fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// Wait until the last block that the node was told to make is committed; for ever when there is none.
    pub fn until_halted(&self) {
        self.shared.halt.wait();
    }

    /// This node's choices.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The last committed block.
    pub fn last_block(&self) -> LastBlock {
        self.shared.last.read().map(|last| last.clone()).unwrap_or_default()
    }

    pub(crate) fn execution(&self) -> MutexGuard<'_, Execution> {
        // A poisoned lock means that a block unwound past every guard: there is nothing sane to go on from.
        self.shared.execution.lock().unwrap_or_else(|_| stop("the block executor was poisoned"))
    }

    pub(crate) fn patience(&self) -> MutexGuard<'_, Patience> {
        self.shared.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.shared.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A machine with what this node chose.
pub(crate) fn equipped(mut machine: Machine, config: &Config, signatures: &Signatures) -> Machine {
    machine.full_checks = config.full_checks;
    machine.signatures = signatures.clone();
    machine.release = config.release;
    machine
}

/// How a node of a simulator stops: instead of ending the process, what it was doing unwinds with this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// What the process would have ended with.
    pub code: i32,
    /// Why.
    pub reason: String,
}

static SIMULATED: AtomicBool = AtomicBool::new(false);

/// From now on nodes of this process that stop unwind with [`Stopped`]. For simulators, which have many of them
/// and go on without.
pub fn stop_by_unwinding() {
    SIMULATED.store(true, Ordering::Relaxed);
}

fn unwind(code: i32, reason: &str) {
    if SIMULATED.load(Ordering::Relaxed) {
        std::panic::resume_unwind(Box::new(Stopped { code, reason: reason.into() }));
    }
}

/// Exit code of a node that met a broken conservation law or a fault inside a block.
pub const EXIT_FAULT: i32 = 70;
/// Exit code of a node whose database cannot be written or read.
pub const EXIT_STORE: i32 = 74;

/// Exit code of a node whose program is not the one for the next block: see [`Unfit`].
pub const EXIT_UPGRADE: u8 = 76;

/// Stop the node because the next block is another program's.
pub(crate) fn stop_upgrade(unfit: &Unfit) -> ! {
    unwind(i32::from(EXIT_UPGRADE), &unfit.to_string());
    tracing::error!(%unfit, "the node stops before the block");
    eprintln!("ballastd stops: {unfit}");
    std::process::exit(i32::from(EXIT_UPGRADE))
}

/// Stop the node: loudly, before anything wrong is committed.
pub(crate) fn stop(reason: &str) -> ! {
    unwind(EXIT_FAULT, reason);
    tracing::error!(reason, "the node stops before it commits");
    eprintln!(
        "ballastd stops: {reason}\n\
         Nothing of this block was written. Keep the data folder for analysis. If other nodes went on, this \
         node's database or machine is at fault: restore it from a snapshot or resync. If all nodes stopped \
         at this height, the state machine is at fault: wait for a release that names this height."
    );
    std::process::exit(EXIT_FAULT)
}

/// Exit code of a node that does not work with what it was given.
const EXIT_REFUSED: i32 = 1;

/// Stop the node because of how it was set up; nothing is wrong with its state.
pub(crate) fn refuse(reason: &str) -> ! {
    unwind(EXIT_REFUSED, reason);
    tracing::error!(reason, "the node does not start");
    eprintln!("error: {reason}");
    std::process::exit(EXIT_REFUSED)
}

/// Stop the node because the disk does not do its part.
pub(crate) fn stop_store(reason: &str) -> ! {
    unwind(EXIT_STORE, reason);
    tracing::error!(reason, "the node stops because of its database");
    eprintln!(
        "ballastd stops: {reason}\n\
         The block before it is intact, and the engine replays this one after the next start. If the database \
         is damaged, restore it from a snapshot or resync."
    );
    std::process::exit(EXIT_STORE)
}
