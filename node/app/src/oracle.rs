//! Oracle votes: what a validator puts into its vote extension, what peers accept, what the proposer carries
//! into the next block as transaction 0, and what every validator checks about it.
//!
//! Nothing that the proposer carries is trusted: positions, addresses and powers are compared with **our**
//! stored validator set of the previous height, each validator counts once, and each signature is verified
//! over the canonical bytes of (extension, height - 1, round, chain id).

use std::collections::BTreeMap;

use ed25519_consensus::{Signature, VerificationKey};
use governance::Validator;
use num::Price;
use prost::Message;
use proto::ballast::oracle::v1::{SignedVote, VoteSet};
use tendermint_proto::v0_38::abci::ExtendedCommitInfo;
use tendermint_proto::v0_38::types::CanonicalVoteExtension;
use types::MarketId;

pub use crate::extension::{decode, extension, price, MAX_EXTENSION_BYTES};

/// First byte of transaction 0. No transaction of a user can begin with it: it is not a protobuf field tag.
pub const VOTE_SET_MARK: u8 = 0xff;

const FLAG_ABSENT: i32 = 1;
const FLAG_COMMIT: i32 = 2;
const FLAG_NIL: i32 = 3;

/// Why a set of votes cannot be part of a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Transaction 0 is missing, is no vote set, or has bytes beside it.
    #[error("transaction 0 is not a canonical set of oracle votes")]
    NotAVoteSet,
    /// The number of votes differs from the number of validators.
    #[error("{votes} votes for {validators} validators")]
    Count {
        /// Votes carried.
        votes: usize,
        /// Validators of the previous height.
        validators: usize,
    },
    /// Address or power at a position differs from our stored set.
    #[error("vote {0} does not name the validator and power of our set")]
    Validator(usize),
    /// The flag says neither absent nor commit nor nil.
    #[error("vote {0} carries a flag that does not exist")]
    Flag(usize),
    /// A vote that is absent or nil carries an extension or a signature.
    #[error("vote {0} is no vote for the block but carries an extension")]
    NotForTheBlock(usize),
    /// The extension is malformed or too long.
    #[error("vote {0} carries a malformed extension")]
    Extension(usize),
    /// The signature does not fit.
    #[error("vote {0} carries a wrong signature")]
    Signature(usize),
    /// Not more than two thirds of the power voted for the block.
    #[error("only {power} of {total} power voted for the block")]
    Power {
        /// Power of the votes for the block.
        power: u64,
        /// All power.
        total: u64,
    },
}

/// Bytes that a validator signs for its extension.
pub fn sign_bytes(chain_id: &str, height: i64, round: i32, extension: &[u8]) -> Vec<u8> {
    CanonicalVoteExtension {
        extension: extension.to_vec(),
        height,
        round: round.into(),
        chain_id: chain_id.into(),
    }
    .encode_length_delimited_to_vec()
}

/// Transaction 0 for the votes of the previous height, as the engine hands them to a proposer. Votes that
/// others would refuse (late, unverified, malformed) are pruned to absent ones. Whatever the engine hands
/// over, [`check_vote_set`] accepts the answer; refused, with the power that is left, when that is too little.
pub fn vote_set(
    commit: &ExtendedCommitInfo,
    validators: &[Validator],
    chain_id: &str,
    height: u64,
) -> Result<Vec<u8>, Error> {
    let carried = |(position, validator): (usize, &Validator)| {
        let mut vote = SignedVote {
            validator_address: validator.address.to_vec(),
            power: i64::try_from(validator.power).unwrap_or(i64::MAX),
            block_id_flag: FLAG_ABSENT,
            ..SignedVote::default()
        };
        let own = commit.votes.get(position).filter(|vote| {
            vote.validator.as_ref().is_some_and(|named| named.address[..] == validator.address[..])
        });
        let Some(own) = own else {
            return vote;
        };
        if own.block_id_flag == FLAG_NIL {
            vote.block_id_flag = FLAG_NIL;
        }
        if own.block_id_flag != FLAG_COMMIT {
            return vote;
        }
        let absent = vote.clone();
        vote.block_id_flag = FLAG_COMMIT;
        vote.vote_extension = own.vote_extension.to_vec();
        vote.extension_signature = own.extension_signature.to_vec();
        let checked = check_vote(position, &vote, validator, chain_id, (height, commit.round));
        if checked.is_ok() {
            vote
        } else {
            absent
        }
    };
    let votes: Vec<SignedVote> = validators.iter().enumerate().map(carried).collect();
    let mut tally = Tally::default();
    votes.iter().zip(validators).for_each(|(vote, validator)| tally.count(vote, validator));
    tally.suffices()?;
    let mut bytes = vec![VOTE_SET_MARK];
    bytes.extend(VoteSet { round: commit.round, votes }.encode_to_vec());
    Ok(bytes)
}

/// How much of the power voted for the block.
#[derive(Default)]
struct Tally {
    power: u64,
    total: u64,
}

impl Tally {
    fn count(&mut self, vote: &SignedVote, validator: &Validator) {
        self.total = self.total.saturating_add(validator.power);
        if vote.block_id_flag == FLAG_COMMIT {
            self.power = self.power.saturating_add(validator.power);
        }
    }

    fn suffices(&self) -> Result<(), Error> {
        let Self { power, total } = *self;
        if u128::from(power) * 3 > u128::from(total) * 2 {
            Ok(())
        } else {
            Err(Error::Power { power, total })
        }
    }
}

/// Bytes of the longest transaction 0 of so many validators, generously: each with an extension, a signature, an
/// address, a power and a flag.
pub fn most_bytes(validators: usize) -> usize {
    validators.saturating_add(1).saturating_mul(MAX_EXTENSION_BYTES.saturating_add(128))
}

/// Read transaction 0.
pub fn decode_vote_set(tx: &[u8]) -> Result<VoteSet, Error> {
    let bytes = tx.strip_prefix(&[VOTE_SET_MARK]).ok_or(Error::NotAVoteSet)?;
    let set = VoteSet::decode(bytes).map_err(|_| Error::NotAVoteSet)?;
    if set.encode_to_vec() == bytes {
        Ok(set)
    } else {
        Err(Error::NotAVoteSet)
    }
}

/// Whether `set`, carried by the block at `height`, may be executed: every position, power and signature.
pub fn check_vote_set(
    set: &VoteSet,
    validators: &[Validator],
    chain_id: &str,
    height: u64,
) -> Result<(), Error> {
    if set.votes.len() != validators.len() {
        return Err(Error::Count { votes: set.votes.len(), validators: validators.len() });
    }
    let mut tally = Tally::default();
    for (position, (vote, validator)) in set.votes.iter().zip(validators).enumerate() {
        tally.count(vote, validator);
        let own_power = i64::try_from(validator.power).unwrap_or(i64::MAX);
        if vote.validator_address[..] != validator.address[..] || vote.power != own_power {
            return Err(Error::Validator(position));
        }
        if vote.block_id_flag == FLAG_COMMIT {
            check_vote(position, vote, validator, chain_id, (height, set.round))?;
        } else if !(FLAG_ABSENT..=FLAG_NIL).contains(&vote.block_id_flag) {
            return Err(Error::Flag(position));
        } else if !vote.vote_extension.is_empty() || !vote.extension_signature.is_empty() {
            return Err(Error::NotForTheBlock(position));
        }
    }
    tally.suffices()
}

fn check_vote(
    position: usize,
    vote: &SignedVote,
    validator: &Validator,
    chain_id: &str,
    (height, round): (u64, i32),
) -> Result<(), Error> {
    decode(&vote.vote_extension).ok_or(Error::Extension(position))?;
    let voted_at = i64::try_from(height.saturating_sub(1)).map_err(|_| Error::Signature(position))?;
    let message = sign_bytes(chain_id, voted_at, round, &vote.vote_extension);
    let signature =
        Signature::try_from(&vote.extension_signature[..]).map_err(|_| Error::Signature(position))?;
    VerificationKey::try_from(validator.public_key)
        .and_then(|key| key.verify(&signature, &message))
        .map_err(|_| Error::Signature(position))
}

/// What the votes of `set`, differences from `base`, say, for the rule that makes one price of them. Differences
/// that lead to no price are left out.
pub fn votes(set: &VoteSet, validators: &[Validator], base: impl Fn(MarketId) -> Price) -> Vec<prices::Vote> {
    let mut bases = BTreeMap::new();
    let mut said = |bytes: &[u8]| {
        let price = |(market, difference)| {
            let base = *bases.entry(market).or_insert_with(|| base(market));
            Some((market, crate::extension::price(base, difference)?))
        };
        decode(bytes).unwrap_or_default().into_iter().filter_map(price).collect()
    };
    set.votes
        .iter()
        .zip(validators)
        .filter(|(vote, _)| vote.block_id_flag == FLAG_COMMIT)
        .map(|(vote, validator)| prices::Vote {
            validator: validator.address,
            power: validator.power,
            prices: said(&vote.vote_extension),
        })
        .collect()
}
