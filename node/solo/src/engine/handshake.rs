//! Starting: the genesis for a new application, stored blocks for one that is behind.

use std::sync::Arc;

use tendermint_proto::v0_38::abci::{
    RequestFinalizeBlock, RequestInfo, RequestInitChain, ResponseFinalizeBlock, ResponseInfo,
};
use tendermint_proto::v0_38::types::ExtendedCommit;

use crate::abci::Abci;
use crate::chain::block::{consensus_hash, no_block_id, results_hash, BLOCK_VERSION, P2P_VERSION};
use crate::chain::validators::ValidatorSet;
use crate::chain::vote::commit_info;
use crate::config::Config;
use crate::engine::{Chain, Engine, EngineError, Tip};
use crate::genesis::Genesis;
use crate::mempool::Mempool;
use crate::store::{Store, StoredBlock};
use crate::voter::Voter;

/// The version of CometBFT whose interfaces this engine offers; clients choose their decoder by it.
pub const COMETBFT_VERSION: &str = "0.38.25";
const ABCI_VERSION: &str = "2.0.0";

impl Engine {
    pub(crate) fn start(
        config: &Config,
        app: Arc<dyn Abci>,
        genesis: Genesis,
        voters: Vec<Voter>,
    ) -> Result<Self, EngineError> {
        genesis.check()?;
        let store = Store::open(&config.data.join("blocks.db"), genesis.fingerprint())?;
        let info = app.info(RequestInfo {
            version: COMETBFT_VERSION.into(),
            block_version: BLOCK_VERSION,
            p2p_version: P2P_VERSION,
            abci_version: ABCI_VERSION.into(),
        });
        let app_height = u64::try_from(info.last_block_height).unwrap_or_default();
        let (first, last) = store.span()?.unwrap_or((genesis.initial_height, 0));
        if app_height > last {
            return Err(EngineError::ApplicationAhead { app: app_height, store: last });
        }
        if last > 0 && app_height.max(genesis.initial_height - 1) + 1 < first {
            return Err(EngineError::Pruned { app: app_height, first });
        }
        let (chain, app_hash) = begin(app.as_ref(), genesis, &info, app_height)?;
        let voters = assign(voters, &chain.validators)?;
        let mut engine = Self {
            mempool: Arc::new(Mempool::new(app.clone(), config.mempool)),
            tip: genesis_tip(&chain, app_hash),
            app,
            store: Arc::new(store),
            chain: Arc::new(chain),
            voters,
            clock: config.clock.clone(),
            retain: config.retain,
            replayed: 0,
            interrupt_at: None,
        };
        engine.catch_up(app_height, last)?;
        Ok(engine)
    }

    /// Execute again what the application has not committed.
    fn catch_up(&mut self, app_height: u64, last: u64) -> Result<(), EngineError> {
        if app_height > 0 {
            let results = self.store.results(app_height)?.ok_or_else(|| missing("results", app_height))?;
            self.same_state(app_height, &results.app_hash)?;
            self.advance(app_height, &results)?;
        }
        for height in app_height.max(self.tip.height) + 1..=last {
            let stored = self.store.block(height)?.ok_or_else(|| missing("block", height))?;
            let header = stored.block.header.clone().unwrap_or_default();
            self.same_state(height - 1, &header.app_hash)?;
            let results = self.execute(height, &stored)?;
            match self.store.results(height)? {
                Some(known) if known.app_hash != results.app_hash => {
                    return Err(state_differs(height, &results.app_hash, &known.app_hash));
                }
                Some(_) => {}
                None => self.save_results(height, &stored, &results)?,
            }
            self.app.commit();
            self.advance(height, &results)?;
            self.replayed += 1;
        }
        Ok(())
    }

    /// The application must be where the chain says it is after `height`.
    fn same_state(&self, height: u64, chain: &[u8]) -> Result<(), EngineError> {
        if self.tip.app_hash != chain {
            return Err(state_differs(height, &self.tip.app_hash, chain));
        }
        Ok(())
    }

    /// Let the application execute a stored block.
    pub(crate) fn execute(
        &self,
        height: u64,
        stored: &StoredBlock,
    ) -> Result<ResponseFinalizeBlock, EngineError> {
        let header = stored.block.header.clone().unwrap_or_default();
        let last_commit = stored.block.last_commit.clone().unwrap_or_default();
        let txs = stored.block.data.clone().unwrap_or_default().txs;
        let count = txs.len();
        let results = self.app.finalize_block(RequestFinalizeBlock {
            txs: txs.into_iter().map(Into::into).collect(),
            decided_last_commit: Some(commit_info(&last_commit, &self.chain.validators)),
            misbehavior: Vec::new(),
            hash: stored.meta.block_id.clone().unwrap_or_default().hash.into(),
            height: header.height,
            time: header.time,
            next_validators_hash: header.next_validators_hash.into(),
            proposer_address: header.proposer_address.into(),
        });
        let refuse = |reason: String| Err(EngineError::Answer { height, reason });
        if results.tx_results.len() != count {
            return refuse(format!("{} results for {count} transactions", results.tx_results.len()));
        }
        if !results.validator_updates.is_empty() || results.consensus_param_updates.is_some() {
            return refuse("this engine has a fixed validator set and fixed parameters; use CometBFT".into());
        }
        Ok(results)
    }

    pub(crate) fn save_results(
        &self,
        height: u64,
        stored: &StoredBlock,
        results: &ResponseFinalizeBlock,
    ) -> Result<(), EngineError> {
        let data = stored.block.data.as_ref();
        let txs = data.map(|data| data.txs.as_slice()).unwrap_or_default();
        Ok(self.store.save_results(height, txs, results)?)
    }

    /// The chain now ends with the stored block at `height`.
    fn advance(&mut self, height: u64, results: &ResponseFinalizeBlock) -> Result<(), EngineError> {
        let meta = self.store.meta(height)?.ok_or_else(|| missing("block identity", height))?;
        let commit = self.store.commit(height)?.ok_or_else(|| missing("commit", height))?;
        let time = meta.header.and_then(|header| header.time);
        self.tip = Tip {
            height,
            time: time.and_then(|time| time.try_into().ok()).unwrap_or(self.tip.time),
            block_id: meta.block_id.unwrap_or_default(),
            commit,
            app_hash: results.app_hash.to_vec(),
            results_hash: results_hash(&results.tx_results),
        };
        Ok(())
    }
}

fn missing(row: &'static str, height: u64) -> EngineError {
    crate::StoreError::Damaged { row, height, reason: "is missing" }.into()
}

fn state_differs(height: u64, app: &[u8], chain: &[u8]) -> EngineError {
    EngineError::StateDiffers { height, app: hex::encode_upper(app), chain: hex::encode_upper(chain) }
}

/// The chain's constants, and the state that the application starts from: the genesis if it is new.
fn begin(
    app: &dyn Abci,
    genesis: Genesis,
    info: &ResponseInfo,
    app_height: u64,
) -> Result<(Chain, Vec<u8>), EngineError> {
    let validators = ValidatorSet::new(genesis.validators.clone());
    let mut app_hash = info.last_block_app_hash.to_vec();
    if app_height == 0 {
        let answer = app.init_chain(RequestInitChain {
            time: Some(genesis.time.into()),
            chain_id: genesis.chain_id.clone(),
            consensus_params: Some(genesis.params.clone()),
            validators: validators.updates(),
            app_state_bytes: genesis.app_state.to_string().into(),
            initial_height: i64::try_from(genesis.initial_height).unwrap_or(i64::MAX),
        });
        let refuse = |reason| Err(EngineError::Answer { height: 0, reason });
        match ValidatorSet::from_updates(&answer.validators) {
            _ if answer.validators.is_empty() => {}
            Ok(named) if named.hash() == validators.hash() => {}
            // Nothing would remember them at the next start.
            Ok(_) => return refuse("it names other validators than the genesis document".into()),
            Err(reason) => return refuse(reason),
        }
        app_hash = answer.app_hash.to_vec();
    }
    let consensus_hash = consensus_hash(&genesis.params);
    Ok((Chain { genesis, validators, consensus_hash, app: info.clone() }, app_hash))
}

fn genesis_tip(chain: &Chain, app_hash: Vec<u8>) -> Tip {
    Tip {
        height: chain.genesis.initial_height - 1,
        time: chain.genesis.time,
        block_id: no_block_id(),
        commit: ExtendedCommit {
            height: 0,
            round: 0,
            block_id: Some(no_block_id()),
            extended_signatures: Vec::new(),
        },
        app_hash,
        results_hash: results_hash(&[]),
    }
}

/// Each validator's key, where it is ours.
fn assign(mut voters: Vec<Voter>, validators: &ValidatorSet) -> Result<Vec<Option<Voter>>, EngineError> {
    let mut ours = 0_i64;
    let mut assigned = Vec::new();
    for member in validators.members() {
        let at = voters.iter().position(|voter| voter.key.public() == member.public_key);
        if at.is_some() {
            ours = ours.saturating_add(member.power);
        }
        assigned.push(at.map(|at| voters.swap_remove(at)));
    }
    let total = validators.total_power();
    if i128::from(ours) * 3 <= i128::from(total) * 2 {
        return Err(EngineError::Power { ours, total });
    }
    for voter in &voters {
        tracing::warn!(?voter, "this key is no validator of the chain; it does not vote");
    }
    Ok(assigned)
}
