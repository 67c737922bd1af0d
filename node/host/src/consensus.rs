//! A block's life: proposed, voted on, executed, committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use app::{oracle, proposal, BlockInput, BlockOutcome, Genesis, GenesisValidator, Machine, TxResult};
use store::{Change, Overlay};
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::response_process_proposal::ProposalStatus;
use tendermint_proto::v0_38::abci::response_verify_vote_extension::VerifyStatus;
use tendermint_proto::v0_38::abci::{
    ExecTxResult, RequestExtendVote, RequestFinalizeBlock, RequestInfo, RequestInitChain,
    RequestPrepareProposal, RequestProcessProposal, RequestVerifyVoteExtension, ResponseCommit,
    ResponseExtendVote, ResponseFinalizeBlock, ResponseInfo, ResponseInitChain, ResponsePrepareProposal,
    ResponseProcessProposal, ResponseVerifyVoteExtension, ValidatorUpdate,
};
use tendermint_proto::v0_38::crypto::public_key::Sum;
use types::Time;

use crate::follow::Committed;
use crate::host::{equipped, refuse, stop, stop_store, stop_upgrade, Host, LastBlock, PriceSource};
use crate::render::{render, render_block};
use crate::vote::Voter;

/// Version of the state machine's rules, reported to the engine.
pub(crate) const APP_VERSION: u64 = 1;

impl Host {
    pub(crate) fn do_info(&self, request: &RequestInfo) -> ResponseInfo {
        crate::engine::admit(&request.version);
        let last = self.last_block();
        ResponseInfo {
            data: "ballast".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            app_version: APP_VERSION,
            last_block_height: height_out(last.height),
            last_block_app_hash: if last.height == 0 {
                Vec::new().into()
            } else {
                last.app_hash.to_vec().into()
            },
        }
    }

    pub(crate) fn do_init_chain(&self, request: &RequestInitChain) -> ResponseInitChain {
        let height = self.last_block().height;
        if height > 0 {
            refuse(&format!(
                "the engine begins a chain, but this node's state is at height {height}: restore the engine's \
                 data that belongs to it, or remove this node's data to begin anew"
            ));
        }
        let release = self.config().release;
        let machine = genesis_of(request)
            .and_then(|genesis| Machine::begin(&genesis, release).map_err(|error| error.to_string()));
        let machine =
            machine.unwrap_or_else(|reason| stop(&format!("the genesis file is refused: {reason}")));
        let mut machine = equipped(machine, self.config(), &self.shared.signatures);
        let mut execution = self.execution();
        execution.genesis = machine.take_changes();
        let machine = machine.seeded(self.shared.config.state_seed);
        let app_hash = {
            let execution = &mut *execution;
            let hash = execution.store.stage(0, &execution.genesis);
            execution.store.discard();
            hash
        };
        execution.machine = Some(machine);
        execution.staged = None;
        ResponseInitChain { app_hash: app_hash.to_vec().into(), ..ResponseInitChain::default() }
    }

    pub(crate) fn do_prepare_proposal(&self, request: &RequestPrepareProposal) -> ResponsePrepareProposal {
        let limits = (height_in(request.height), u64::try_from(request.max_tx_bytes).unwrap_or_default());
        let commit = request.local_last_commit.as_ref();
        let txs = self.with_state(|state| {
            let txs = proposal::prepare(state, &request.txs, commit, limits);
            self.patience().proposed(state, limits.0, txs.is_empty());
            txs
        });
        ResponsePrepareProposal { txs: txs.into_iter().map(Into::into).collect() }
    }

    pub(crate) fn do_process_proposal(&self, request: &RequestProcessProposal) -> ResponseProcessProposal {
        let height = height_in(request.height);
        let verdict = self.with_state(|state| proposal::check(state, &request.txs, height));
        let empty = request.txs.is_empty();
        let accepted = match &verdict {
            Ok(()) => self.with_state(|state| self.patience().admits(state, height, empty)),
            Err(_) => false,
        };
        if !accepted {
            let reason =
                verdict.err().map_or_else(|| "it withholds the votes".into(), |error| error.to_string());
            tracing::warn!(height, reason, "proposal refused");
        }
        let status = if accepted { ProposalStatus::Accept } else { ProposalStatus::Reject };
        ResponseProcessProposal { status: status.into() }
    }

    /// Votes for what `source` has, within the same bounds as our own: for the embedded engine, which votes for
    /// several validators.
    pub fn voting(
        &self,
        source: impl PriceSource + 'static,
    ) -> impl Fn(RequestExtendVote) -> ResponseExtendVote + Send {
        let voter = Voter::new(Arc::new(source), Duration::from_millis(self.shared.config.vote_budget_ms));
        let host = self.clone();
        move |request| host.vote_of(&voter, &request)
    }

    pub(crate) fn vote_of(&self, voter: &Voter, request: &RequestExtendVote) -> ResponseExtendVote {
        let height = height_in(request.height);
        let extension = voter.prices(height).map(|prices| {
            let extend = |state: &dyn store::Read| {
                oracle::extension(&prices, height, |market| prices::base(state, market, height))
            };
            self.with_state(extend)
        });
        ResponseExtendVote { vote_extension: extension.unwrap_or_default().into() }
    }

    pub(crate) fn do_verify_vote_extension(
        &self,
        request: &RequestVerifyVoteExtension,
    ) -> ResponseVerifyVoteExtension {
        // Well-formed and small is all that is asked: refusing a peer's vote for its value would cost liveness.
        let accepted = oracle::decode(&request.vote_extension).is_some();
        let status = if accepted { VerifyStatus::Accept } else { VerifyStatus::Reject };
        ResponseVerifyVoteExtension { status: status.into() }
    }

    pub(crate) fn do_finalize_block(&self, request: &RequestFinalizeBlock) -> ResponseFinalizeBlock {
        let height = height_in(request.height);
        self.shared.halt.hold(height);
        let mut guard = self.execution();
        let execution = &mut *guard;
        let Some(machine) = execution.machine.as_mut() else { stop("a block came before the genesis") };
        let prefix = machine.chain().prefix.clone();
        let input = BlockInput {
            height,
            time: time_in(request.time.as_ref()),
            votes: proposal::carries_votes(machine.state(), height),
            txs: request.txs.iter().map(|tx| tx.to_vec()).collect(),
        };
        // An engine that died before it asked for the commit brings its last block again.
        if let Some((_, block)) = execution.staged.as_ref().filter(|(staged, _)| *staged == input) {
            return response(&block.outcome, &prefix, block.app_hash);
        }
        if let Err(unfit) = machine.release.check(machine.state()) {
            stop_upgrade(&unfit);
        }
        let outcome = machine.execute(&input).unwrap_or_else(|fault| stop(&fault.to_string()));
        let changes = merge(std::mem::take(&mut execution.genesis), machine.take_changes());
        let app_hash = execution.store.stage(height, &changes);
        let response = response(&outcome, &prefix, app_hash);
        let block = LastBlock { height, time: input.time, app_hash, outcome: Arc::new(outcome) };
        execution.staged = Some((input, block));
        response
    }

    pub(crate) fn do_commit(&self) -> ResponseCommit {
        let mut execution = self.execution();
        let Some((input, block)) = execution.staged.take() else { stop("commit without an executed block") };
        if let Err(error) = execution.store.commit(&[]) {
            stop_store(&format!("block {} could not be written: {error}", block.height));
        }
        let mut pending = self.pending();
        let view = self.shared.reader.latest();
        pending.state = Overlay::new(view.clone());
        pending.height = block.height;
        pending.time = block.time;
        let height = block.height;
        if let Ok(mut last) = self.shared.last.write() {
            *last = block.clone();
        }
        drop((pending, execution));
        self.shared.followers.tell(|| Committed { input, block, view });
        self.snapshot_when_due(height);
        self.shared.halt.committed(height);
        ResponseCommit::default()
    }

    /// Run `f` on the latest committed state; before the first block, on the genesis.
    fn with_state<T>(&self, f: impl FnOnce(&dyn store::Read) -> T) -> T {
        if self.last_block().height > 0 {
            return f(&self.shared.reader.latest());
        }
        let execution = self.execution();
        match execution.machine.as_ref() {
            Some(machine) => f(machine.state()),
            None => f(&self.shared.reader.latest()),
        }
    }
}

fn genesis_of(request: &RequestInitChain) -> Result<Genesis, String> {
    let mut genesis = Genesis::from_json(&request.app_state_bytes).map_err(|error| error.to_string())?;
    genesis.chain_id = request.chain_id.clone();
    genesis.time = time_in(request.time.as_ref());
    genesis.initial_height = height_in(request.initial_height);
    genesis.extensions_from = request
        .consensus_params
        .as_ref()
        .and_then(|params| params.abci.as_ref())
        .map_or(0, |abci| height_in(abci.vote_extensions_enable_height));
    genesis.validators = request.validators.iter().map(validator_in).collect::<Result<_, _>>()?;
    Ok(genesis)
}

fn validator_in(update: &ValidatorUpdate) -> Result<GenesisValidator, String> {
    let key = update.pub_key.as_ref().and_then(|key| key.sum.as_ref());
    let Some(Sum::Ed25519(key)) = key else {
        return Err("validators must have ed25519 keys".into());
    };
    Ok(GenesisValidator {
        public_key: key.as_slice().try_into().map_err(|_| "a validator's key is not of 32 bytes")?,
        power: u64::try_from(update.power).map_err(|_| "a validator has negative power")?,
    })
}

/// The genesis and the first block as one set of changes; the later value of a key wins.
fn merge(first: Vec<Change>, then: Vec<Change>) -> Vec<Change> {
    if first.is_empty() {
        return then;
    }
    let mut merged: BTreeMap<_, _> = first.into_iter().collect();
    merged.extend(then);
    merged.into_iter().collect()
}

fn response(outcome: &BlockOutcome, prefix: &str, app_hash: [u8; 32]) -> ResponseFinalizeBlock {
    ResponseFinalizeBlock {
        events: render_block(outcome, prefix),
        tx_results: outcome.results.iter().map(|result| tx_result(result, prefix)).collect(),
        app_hash: app_hash.to_vec().into(),
        ..ResponseFinalizeBlock::default()
    }
}

fn tx_result(result: &TxResult, prefix: &str) -> ExecTxResult {
    let refusal = result.refusal.as_ref();
    ExecTxResult {
        code: refusal.map_or(0, |refusal| refusal.code),
        codespace: refusal.map_or_else(String::new, |refusal| refusal.codespace.clone()),
        log: refusal.map_or_else(String::new, |refusal| refusal.log.clone()),
        data: result.data.clone().into(),
        gas_wanted: i64::try_from(result.gas_wanted).unwrap_or(i64::MAX),
        gas_used: i64::try_from(result.gas_used).unwrap_or(i64::MAX),
        events: result.events.iter().map(|event| render(event, prefix)).collect(),
        ..ExecTxResult::default()
    }
}

fn height_in(height: i64) -> u64 {
    u64::try_from(height).unwrap_or_default()
}

pub(crate) fn height_out(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

fn time_in(time: Option<&Timestamp>) -> Time {
    time.map_or_else(Time::default, |time| {
        Time::from_unix(time.seconds, u32::try_from(time.nanos).unwrap_or_default())
    })
}
