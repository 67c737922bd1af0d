//! What a proposer puts into a block, and what everybody demands of it. Both are total: `prepare` always
//! answers with a block that `check` accepts, and neither changes anything.
//!
//! A block without the votes that belong into it holds nothing at all: where they do not fit, or the engine
//! hands over too few good ones, the proposal is empty. Nobody trades in it, so withholding votes wins a
//! proposer nothing but a block in which prices age.

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
        let set = oracle::decode_vote_set(first.as_ref())?;
        oracle::check_vote_set(&set, &governance::validators(state), &chain.chain_id, height)?;
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
