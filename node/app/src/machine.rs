//! The replicated state machine: latest state, hot structures, and one function that executes a block.
//!
//! Pure: no disk, no network, no clock. The same inputs give the same state, results and events on every node.

use std::collections::BTreeMap;
use std::panic::{catch_unwind, AssertUnwindSafe};

use num::Price;
use store::{Change, Ctx, Memory, Read, Scheduled};
use types::{Block, Chain, Event, Events, MarketId, Time};

use crate::error::Refusal;
use crate::genesis::{self, Genesis, GenesisError};
use crate::msg::Msg;
use crate::signatures::Signatures;
use crate::upgrade::Release;
use crate::{block, invariants, state};

/// Caches that are derived from the state, rebuilt at start and undone with it.
pub struct Hot {
    /// The order books.
    pub books: clob::Books,
    /// Which accounts may become liquidatable when a price moves.
    pub watch: liquidations::Watch,
}

impl Hot {
    fn rebuild(state: &Memory) -> Self {
        Self { books: clob::rebuild_seeded(state, state.seed()), watch: liquidations::Watch::rebuild(state) }
    }
}

/// State and hot structures of one node.
pub struct Machine {
    state: Memory,
    hot: Hot,
    chain: Chain,
    /// Check every conservation law over the whole state after each block, not only over what changed.
    pub full_checks: bool,
    /// Signatures that this node has verified already; results are the same without.
    pub signatures: Signatures,
    /// Which upgrades this program can do.
    pub release: Release,
}

/// What a block brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockInput {
    /// Its height.
    pub height: u64,
    /// Its time.
    pub time: Time,
    /// Its transactions, in order; the first holds the oracle votes when [`BlockInput::votes`] says so.
    pub txs: Vec<Vec<u8>>,
    /// Whether transaction 0 holds oracle votes.
    pub votes: bool,
}

/// What became of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxResult {
    /// Why it was refused; nothing when it succeeded.
    pub refusal: Option<Refusal>,
    /// Answer of the messages: a protobuf `TxMsgData`.
    pub data: Vec<u8>,
    /// Gas limit that the sender set.
    pub gas_wanted: u64,
    /// Gas used.
    pub gas_used: u64,
    /// What happened.
    pub events: Vec<Event>,
}

/// What became of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOutcome {
    /// One result for each transaction, in order.
    pub results: Vec<TxResult>,
    /// What happened outside transactions.
    pub events: Vec<Event>,
    /// How many of [`BlockOutcome::events`] happened before the transactions; the others, after them.
    pub begin: usize,
    /// Counts of the block, for people who watch.
    pub summary: Summary,
}

/// Counts of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Transactions that succeeded, oracle votes not counted.
    pub transactions: u64,
    /// Trades between orders, liquidations included.
    pub fills: u64,
    /// Liquidations that traded.
    pub liquidations: u64,
    /// Positions closed against others because nobody else could pay.
    pub deleveragings: u64,
    /// Funding payments that were settled.
    pub funding_payments: u64,
    /// Conservation laws checked.
    pub invariants_checked: u64,
}

impl Summary {
    /// Add the counts of another block.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.transactions, other.transactions),
            (&mut self.fills, other.fills),
            (&mut self.liquidations, other.liquidations),
            (&mut self.deleveragings, other.deleveragings),
            (&mut self.funding_payments, other.funding_payments),
            (&mut self.invariants_checked, other.invariants_checked),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}

/// The state contradicts a conservation law or itself: the node must stop before it commits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {height} cannot be committed: {reason}")]
pub struct Fault {
    /// The block.
    pub height: u64,
    /// What does not hold, with both sides.
    pub reason: String,
}

impl Machine {
    /// The state at genesis.
    pub fn from_genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        Self::begin(genesis, Release::default())
    }

    /// The state at genesis of a chain that this release begins.
    pub fn begin(genesis: &Genesis, release: Release) -> Result<Self, GenesisError> {
        let mut state = Memory::default();
        let chain = genesis::init(&mut state, genesis)?;
        if genesis.app.continued.is_none() {
            release.write_versions(&mut state);
        }
        Ok(Self { release, ..Self::new(state, chain) })
    }

    /// Continue from stored state; what is derived from it hashes under the same seed. Nothing when the state holds
    /// no chain.
    pub fn from_state(state: Memory) -> Option<Self> {
        let chain = state::CHAIN.get(&state)?;
        Some(Self::new(state, chain))
    }

    fn new(state: Memory, chain: Chain) -> Self {
        let hot = Hot::rebuild(&state);
        let (signatures, release) = (Signatures::default(), Release::default());
        Self { state, hot, chain, full_checks: false, signatures, release }
    }

    /// The same machine between two blocks, with tables that hash under `seed`. No answer depends on it: a node
    /// that takes a secret one is safe from people who search for keys that collide.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        let state = Memory::seeded(seed, self.state.iter());
        let hot = Hot::rebuild(&state);
        Self { state, hot, ..self }
    }

    /// The state, to read.
    pub fn state(&self) -> &dyn Read {
        &self.state
    }

    /// The state itself, for those who build worlds to test.
    pub fn memory(&mut self) -> &mut Memory {
        &mut self.state
    }

    /// For simulators: from now on a quarter of what blocks do by themselves (each kind of
    /// [`Scheduled`]) fails, as `seed` says; or nothing. It is no part of the state: all nodes must be told.
    pub fn stumble(&mut self, seed: Option<u64>) {
        self.state.stumble(seed);
    }

    /// How much failed for that reason, by kind.
    pub fn stumbled(&self) -> &BTreeMap<Scheduled, u64> {
        self.state.stumbled()
    }

    /// What the last block did by itself, in order, and whether it failed for that reason.
    pub fn falls(&self) -> &[(Scheduled, bool)] {
        self.state.deeds(self.last_block().0)
    }

    /// The chain's fixed configuration.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The order books.
    pub fn books(&self) -> &clob::Books {
        &self.hot.books
    }

    /// Height and time of the last block; height 0 and the genesis time before the first.
    pub fn last_block(&self) -> (u64, Time) {
        state::last_block(&self.state)
    }

    /// Execute the block after the last one. On a fault the state is as it was before the block, but the node
    /// must not go on: every other node meets the same fault.
    pub fn execute(&mut self, input: &BlockInput) -> Result<BlockOutcome, Fault> {
        self.guarded(input.height, |machine| {
            let prices = |ctx: &mut Ctx<'_>| block::voted_prices(ctx, input);
            let signatures = machine.signatures.clone();
            let transactions = |ctx: &mut Ctx<'_>, hot: &mut Hot| {
                let (votes, txs) = input.txs.split_at(usize::from(input.votes).min(input.txs.len()));
                let voted = votes.iter().map(|_| TxResult::default());
                voted.chain(block::transactions(ctx, hot, txs, &signatures)).collect()
            };
            let mut outcome = machine.run((input.height, input.time), prices, transactions)?;
            let all = outcome.results.iter().skip(usize::from(input.votes));
            let succeeded = all.filter(|result| result.refusal.is_none()).count();
            outcome.summary.transactions = u64::try_from(succeeded).unwrap_or(u64::MAX);
            Ok(outcome)
        })
    }

    /// Execute the block after the last one as a rehearsal: oracle prices as they are given, and messages that
    /// nobody signed, in their order, each by itself. For models and measurements; the rest is as in a block.
    /// The data of a result is the value of the message's response.
    pub fn rehearse(
        &mut self,
        time: Time,
        prices: &BTreeMap<MarketId, Price>,
        messages: &[Msg],
    ) -> Result<BlockOutcome, Fault> {
        let height = self.last_block().0 + 1;
        self.guarded(height, |machine| {
            let run = |ctx: &mut Ctx<'_>, hot: &mut Hot| block::messages(ctx, hot, messages);
            machine.run((height, time), |_| prices.clone(), run)
        })
    }

    fn guarded(
        &mut self,
        height: u64,
        run: impl FnOnce(&mut Self) -> Result<BlockOutcome, String>,
    ) -> Result<BlockOutcome, Fault> {
        let result = catch_unwind(AssertUnwindSafe(|| run(self)));
        let reason = match result {
            Ok(Ok(outcome)) => return Ok(outcome),
            Ok(Err(reason)) => reason,
            Err(panic) => reason_of(&*panic),
        };
        self.state.discard_block();
        self.hot = Hot::rebuild(&self.state);
        Err(Fault { height, reason })
    }

    fn run(
        &mut self,
        (height, time): (u64, Time),
        prices: impl FnOnce(&mut Ctx<'_>) -> block::Prices,
        transactions: impl FnOnce(&mut Ctx<'_>, &mut Hot) -> Vec<TxResult>,
    ) -> Result<BlockOutcome, String> {
        let (last, previous_time) = self.last_block();
        if height != last + 1 || time < previous_time {
            return Err(format!(
                "it has height {height} and time {time}, the last block has {last} and {previous_time}"
            ));
        }
        let block = Block { height, time, previous_time };
        let mut outcome = BlockOutcome::default();
        let mut events = Events::default();
        let mut ctx = Ctx { state: &mut self.state, events: &mut events, block: &block, chain: &self.chain };
        // Everything else of the block, votes included, finds the rows of this program.
        if self.release.begin_block(&mut ctx)? {
            self.hot = Hot::rebuild(&self.state);
            ctx = Ctx { state: &mut self.state, events: &mut events, block: &block, chain: &self.chain };
        }
        let prices = prices(&mut ctx);
        block::begin(&mut ctx, &mut self.hot, &prices);
        outcome.begin = ctx.events.len();
        outcome.results = transactions(&mut ctx, &mut self.hot);
        let report = block::end(&mut ctx, &mut self.hot);
        outcome.summary.invariants_checked = invariants::check_changes(&self.state, &self.hot.books)?;
        if self.full_checks {
            outcome.summary.invariants_checked += invariants::check_all(&self.state)?;
            outcome.summary.invariants_checked += invariants::check_caches(&self.state, &self.hot.books)?;
        }
        outcome.events = events.take();
        outcome.count(&report);
        Ok(outcome)
    }

    /// End the block: what it changed, sorted by key.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.state.take_changes()
    }
}

impl BlockOutcome {
    fn count(&mut self, report: &liquidations::Report) {
        let all = || self.results.iter().flat_map(|result| &result.events).chain(&self.events);
        let of =
            |kind: &str| u64::try_from(all().filter(|event| event.kind == kind).count()).unwrap_or(u64::MAX);
        let (fills, funding_payments) = (of(clob::FILL_EVENT), of("funding_paid"));
        self.summary.fills = fills;
        self.summary.funding_payments = funding_payments;
        self.summary.liquidations = report.liquidations.into();
        self.summary.deleveragings = report.deleveragings.into();
    }
}

pub(crate) fn reason_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a fault without words").into()
}
