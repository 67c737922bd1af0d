//! Validators: their keys and powers, who proposes, and the votes that a proposer gets to see.

use ed25519_consensus::SigningKey;
use governance::Validator;
use num::Price;
use scenario::Dice;
use tendermint_proto::v0_38::abci::{ExtendedCommitInfo, ExtendedVoteInfo, Validator as Named};
use types::MarketId;

const ABSENT: i32 = 1;
const COMMIT: i32 = 2;
const NIL: i32 = 3;

/// A validator: what others know of it, and its key.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) validator: Validator,
    key: SigningKey,
    /// Whether it votes for prices that are not there.
    pub(crate) liar: bool,
}

/// The set, in its order.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) members: Vec<Member>,
    total: u64,
}

/// How votes come about in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ballot {
    /// Of 100 honest extensions, how many are empty.
    pub(crate) empty: u64,
    /// Of 100 validators, how many do not vote for the block, as far as it can do without them.
    pub(crate) missing: u64,
    /// Whether liars lie.
    pub(crate) lies: bool,
    /// Of 100 votes that are not needed, how many come late: nobody verified them.
    pub(crate) late: u64,
}

impl Ballot {
    /// Whether everybody votes, and truly.
    pub(crate) fn is_calm(&self) -> bool {
        !self.lies && self.empty == 0 && self.missing == 0 && self.late == 0
    }
}

/// Votes for a block that was decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Votes {
    /// What every proposer has.
    commit: ExtendedCommitInfo,
    /// Extensions that peers were asked about, and whether they must be accepted.
    pub(crate) shown: Vec<(Vec<u8>, bool)>,
    /// Extensions that are lies, and those that are missing.
    pub(crate) lies: u64,
    pub(crate) missing: u64,
    pub(crate) empty: u64,
}

impl Network {
    /// From one to seven validators, of which liars have less than a third of the power.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let count = *dice.pick(&[1, 3, 4, 4, 4, 5, 7]);
        let even = dice.once_in(2);
        let member = |number: u8, dice: &mut Dice| {
            let key = SigningKey::from([number; 32]);
            let power = if even { 10 } else { dice.within(1, 40) };
            let validator = Validator::new(key.verification_key().to_bytes(), power, "");
            Member { validator, key, liar: false }
        };
        let mut members: Vec<Member> = (1..=count).map(|number| member(number, dice)).collect();
        members.sort_by_key(|member| (std::cmp::Reverse(member.validator.power), member.validator.address));
        let total = members.iter().map(|member| member.validator.power).sum();
        let mut lying = 0;
        for member in &mut members {
            if (lying + member.validator.power) * 3 < total && dice.once_in(2) {
                lying += member.validator.power;
                member.liar = true;
            }
        }
        Self { members, total }
    }

    /// What a chain begins with.
    pub(crate) fn genesis(&self) -> Vec<app::GenesisValidator> {
        let known = |member: &Member| app::GenesisValidator {
            public_key: member.validator.public_key,
            power: member.validator.power,
        };
        self.members.iter().map(known).collect()
    }

    /// Who proposes in this round.
    pub(crate) fn proposer(&self, height: u64, round: u64) -> usize {
        let count = u64::try_from(self.members.len()).unwrap_or(1);
        usize::try_from((height + round) % count).unwrap_or_default()
    }

    /// Vote for the block at `height`, decided in `round`. `honest` is what a member's application votes for.
    pub(crate) fn vote(
        &self,
        (height, round): (u64, u64),
        ballot: &Ballot,
        dice: &mut Dice,
        mut honest: impl FnMut(usize) -> Vec<u8>,
    ) -> Votes {
        let mut votes = Votes::default();
        votes.commit.round = i32::try_from(round).unwrap_or_default();
        let mut left = self.total;
        for (number, member) in self.members.iter().enumerate() {
            let power = member.validator.power;
            let spare = (left - power) * 3 > self.total * 2;
            let lies = ballot.lies && member.liar;
            let extension = match lies {
                true => lie(dice),
                false if dice.within(0, 99) < ballot.empty => Vec::new(),
                false => honest(number),
            };
            let fine = app::oracle::decode(&extension).is_some();
            votes.shown.push((extension.clone(), fine));
            votes.empty += u64::from(extension.is_empty());
            votes.lies += u64::from(lies);
            if !fine && !spare {
                // Peers do not count it, and without it there is no block: it comes again, without a vote.
                votes.commit.votes.push(self.signed(member, (height, round), Vec::new()));
                continue;
            }
            let gone = spare && (!fine || dice.within(0, 99) < ballot.missing);
            if gone {
                left -= power;
                votes.missing += 1;
                let flag = if dice.once_in(3) { NIL } else { ABSENT };
                votes.commit.votes.push(ExtendedVoteInfo {
                    validator: Some(named(member)),
                    block_id_flag: flag,
                    ..ExtendedVoteInfo::default()
                });
            } else {
                votes.commit.votes.push(self.signed(member, (height, round), extension));
            }
        }
        votes
    }

    fn signed(&self, member: &Member, (height, round): (u64, u64), extension: Vec<u8>) -> ExtendedVoteInfo {
        let (at, round) =
            (i64::try_from(height).unwrap_or_default(), i32::try_from(round).unwrap_or_default());
        let bytes = app::oracle::sign_bytes(CHAIN, at, round, &extension);
        ExtendedVoteInfo {
            validator: Some(named(member)),
            vote_extension: extension.into(),
            extension_signature: member.key.sign(&bytes).to_bytes().to_vec().into(),
            block_id_flag: COMMIT,
        }
    }

    /// The votes as one proposer has them: some that came late, which nobody verified, are among them.
    /// Answers how many.
    pub(crate) fn seen(
        &self,
        votes: &Votes,
        height: u64,
        ballot: &Ballot,
        dice: &mut Dice,
    ) -> (ExtendedCommitInfo, u64) {
        let mut commit = votes.commit.clone();
        let round = u64::try_from(commit.round).unwrap_or_default();
        let mut late = 0;
        for (vote, member) in commit.votes.iter_mut().zip(&self.members) {
            if vote.block_id_flag == COMMIT || dice.within(0, 99) >= ballot.late {
                continue;
            }
            late += 1;
            let garbage = (0..dice.within(0, 40)).map(|_| dice.roll().to_le_bytes()[0]).collect();
            *vote = match dice.within(0, 4) {
                0 if member.liar => self.signed(member, (height, round), lie(dice)),
                0 => self.signed(member, (height, round), Vec::new()),
                1 => self.signed(member, (height, round + 1), Vec::new()),
                2 => self.signed(member, (height - 1, round), Vec::new()),
                3 => ExtendedVoteInfo {
                    extension_signature: vec![7; 64].into(),
                    ..self.signed(member, (height, round), Vec::new())
                },
                _ => self.signed(member, (height, round), garbage),
            };
        }
        (commit, late)
    }
}

/// The chain that everybody votes on.
pub(crate) const CHAIN: &str = "ballast-story-1";

fn named(member: &Member) -> Named {
    let power = i64::try_from(member.validator.power).unwrap_or(i64::MAX);
    Named { address: member.validator.address.to_vec().into(), power }
}

/// A vote for what is not so, well-formed or not.
fn lie(dice: &mut Dice) -> Vec<u8> {
    let away = dice.roll() >> dice.within(1, 63) | 1;
    // Differences from what peers know, one for each market.
    let vote = |price: u64, base: u64| {
        let prices = (0..8).map(|market| (MarketId(market), Price::new(price))).collect();
        app::oracle::extension(&prices, 0, |_| Price::new(base))
    };
    match dice.within(0, 7) {
        0 => vote(1, away),
        1 => vote(u64::MAX, 0),
        2 => vote(away, 0),
        // A market without a difference, and markets that are not one run.
        3 => vec![0, 2, 8],
        4 => vec![0, 1, 8, 0, 1, 8],
        5 => vec![0xff; 9],
        6 => vec![0; 2_049],
        // The last market that there can be.
        _ => vec![0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2],
    }
}
