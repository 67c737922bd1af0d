//! What a proposer puts into a block, and what everybody demands of it. Both are total: `prepare` always
//! answers with a block that `check` accepts, and neither changes anything.
//!
//! A block without the votes that belong into it holds nothing at all: where they do not fit, or the engine
//! hands over too few good ones, the proposal is empty. Nobody trades in it, so withholding votes wins a
//! proposer nothing but a block in which prices age - and not even that where honest proposers follow
//! ([`Patience`]).

use store::Read;
use tendermint_proto::v0_38::abci::ExtendedCommitInfo;

use crate::lanes::{self, Lane, Place, Rule};
use crate::msg::Transaction;
use crate::{oracle, state};

/// Why a proposal is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Oracle votes are missing or unacceptable.
    #[error(transparent)]
    Votes(#[from] oracle::Error),
    /// Oracle votes where none may be.
    #[error("transaction {0} carries oracle votes where none belong")]
    StrayVotes(usize),
    /// A transaction stands behind one that it must precede, or twice.
    #[error("the transactions are not in the order of their lanes and ranks")]
    Order,
    /// The state below the proposal holds no chain.
    #[error("there is no chain yet")]
    NoChain,
}

/// What a node remembers of the empty proposals of one height.
///
/// A block is only decided when validators with more than two thirds of the power saw well-formed, signed votes for
/// it, so an honest proposer of the next one has them, and an empty proposal is malice - or a fault of engine, set of
/// validators or block size that no proposer can help. Nobody can prove which to others, so blocks themselves may be
/// empty ([`check`]), but each validator refuses the first empty proposals of a height: enough that the next honest
/// proposer has its turn, few enough that a chain on which nobody can carry votes goes on. Verdicts of validators
/// may differ; that costs a round at most, never agreement.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    height: u64,
    refused: usize,
    helpless: bool,
}

impl Patience {
    /// Note what this node itself proposes at `height`: when it has no better than an empty block, it takes others'.
    pub fn proposed(&mut self, state: &dyn Read, height: u64, empty: bool) {
        self.turn_to(height);
        self.helpless |= empty && carries_votes(state, height);
    }

    /// Whether a proposal for `height`, acceptable by [`check`], is voted for. Of empty ones, as many are refused as
    /// validators can be faulty and one more; one, when the block before came without its votes too; none on chains
    /// of fewer than four validators.
    pub fn admits(&mut self, state: &dyn Read, height: u64, empty: bool) -> bool {
        self.turn_to(height);
        if !empty || self.helpless || !carries_votes(state, height) {
            return true;
        }
        let others = governance::validators(state).len().saturating_sub(1);
        let faulty = others.checked_div(3).unwrap_or_default();
        let before = carries_votes(state, height.saturating_sub(1)) && state::LAST_VOTES.get(state).is_none();
        let limit = match faulty {
            0 => 0,
            _ if before => 1,
            faulty => faulty.saturating_add(1),
        };
        let refuses = self.refused < limit;
        self.refused = self.refused.saturating_add(usize::from(refuses));
        !refuses
    }

    fn turn_to(&mut self, height: u64) {
        if self.height != height {
            *self = Self { height, ..Self::default() };
        }
    }
}

/// Whether the block at `height` carries the oracle votes of the height before it.
pub fn carries_votes(state: &dyn Read, height: u64) -> bool {
    state::EXTENSIONS_FROM.get(state).is_some_and(|from| from > 0 && height > from)
}

/// The transactions of the block at `height`, out of those that the engine offers, within `max_bytes`.
pub fn prepare(
    state: &dyn Read,
    offered: &[impl AsRef<[u8]>],
    commit: Option<&ExtendedCommitInfo>,
    (height, max_bytes): (u64, u64),
) -> Vec<Vec<u8>> {
    let Some(chain) = state::CHAIN.get(state) else {
        return Vec::new();
    };
    let mut txs = Vec::with_capacity(offered.len().saturating_add(1));
    let votes = carries_votes(state, height);
    if votes {
        let validators = governance::validators(state);
        let commit = commit.cloned().unwrap_or_default();
        let Ok(set) = oracle::vote_set(&commit, &validators, &chain.chain_id, height) else {
            return Vec::new();
        };
        txs.push((Place::unranked(Lane::Oracle), set));
    }
    let set = txs.first().map(|(_, set)| set.as_slice());
    let (limits, rule) = (accounts::Limits::default(), Rule::of(state, set));
    for tx in offered {
        let bytes = tx.as_ref();
        if let Ok(parsed) = Transaction::decode(bytes, &limits, &chain) {
            txs.push((rule.place(&parsed), bytes.to_vec()));
        }
    }
    let chosen = lanes::arrange(txs, max_bytes);
    if votes && !chosen.first().is_some_and(|first| lanes::is_oracle(first)) {
        return Vec::new();
    }
    chosen
}

/// Whether the block at `height` may be voted for.
pub fn check(state: &dyn Read, txs: &[impl AsRef<[u8]>], height: u64) -> Result<(), Error> {
    let chain = state::CHAIN.get(state).ok_or(Error::NoChain)?;
    if txs.is_empty() {
        return Ok(());
    }
    let votes = carries_votes(state, height);
    if votes {
        let first = txs.first().ok_or(oracle::Error::NotAVoteSet)?;
        let validators = governance::validators(state);
        // What is longer than any set of ours is not read: small votes take much memory.
        if first.as_ref().len() > oracle::most_bytes(validators.len()) {
            return Err(oracle::Error::NotAVoteSet.into());
        }
        let set = oracle::decode_vote_set(first.as_ref())?;
        oracle::check_vote_set(&set, &validators, &chain.chain_id, height)?;
    }
    let set = txs.first().filter(|_| votes).map(AsRef::as_ref);
    let (limits, rule) = (accounts::Limits::default(), Rule::of(state, set));
    let mut order = Vec::with_capacity(txs.len());
    for (index, tx) in txs.iter().enumerate().skip(usize::from(votes)) {
        let bytes = tx.as_ref();
        if lanes::is_oracle(bytes) {
            return Err(Error::StrayVotes(index));
        }
        // Bytes that do not parse fail when they are executed; they cost the block nothing but their size.
        let parsed = Transaction::decode(bytes, &limits, &chain);
        order.push(parsed.map_or(Place::unranked(Lane::Sequenced), |tx| rule.place(&tx)));
    }
    if lanes::in_order(&order) {
        Ok(())
    } else {
        Err(Error::Order)
    }
}
