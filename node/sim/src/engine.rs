//! Rounds: proposals of honest and of byzantine proposers, nil rounds, votes, and one decided block.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use app::BlockInput;
use num::Price;
use prost::bytes::Bytes;
use scenario::{Dice, World};
use types::{MarketId, Time};

use crate::faults;
use crate::network::{Ballot, Network, Votes};
use crate::script::{Script, What};
use crate::twins::{Block, Twin};

/// Rounds that a height has at most before an honest proposer is heard by everybody.
const ROUNDS: u64 = 6;
/// Blocks that a transaction waits before it is forgotten.
const PATIENCE: u64 = 8;

/// How rough consensus is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) ballot: Ballot,
    /// Of 100 rounds, how many end without a decision although there is a good proposal.
    pub(crate) nil: u64,
    /// Of 100 proposers, how many are byzantine.
    pub(crate) byzantine: u64,
    /// Of 100 blocks, how many may have few bytes only.
    pub(crate) small: u64,
    /// Bytes of the others at most.
    pub(crate) max_bytes: u64,
}

/// What is wrong with a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rough {
    byzantine: bool,
    nil: bool,
    /// Bytes that the block may have.
    small: Option<u64>,
}

impl Rough {
    fn draw(weather: &Weather, dice: &mut Dice) -> Self {
        let (byzantine, nil) = (dice.within(0, 99) < weather.byzantine, dice.within(0, 99) < weather.nil);
        let (small, bytes) = (dice.within(0, 99) < weather.small, dice.within(0, 3_000));
        Self { byzantine, nil, small: small.then_some(bytes) }
    }
}

/// What consensus did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Proposals of honest proposers, each accepted by every node.
    pub accepted: u64,
    /// Proposals of byzantine ones that every node refused.
    pub refused: u64,
    /// Those that every node accepted, because nothing is wrong with them.
    pub tolerated: u64,
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, refused, tolerated, faults } = self;
        writeln!(f, "{accepted} honest proposals accepted, {refused} others refused, {tolerated} tolerated")?;
        let faults: Vec<_> = faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(f, "faults: {}", faults.join(", "))
    }
}

impl Weather {
    /// Weather as the seed wants it: some have storms, few have none.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        Self {
            ballot: Ballot {
                empty: *dice.pick(&[0, 0, 10, 50, 100]),
                missing: *dice.pick(&[0, 10, 30, 80]),
                late: *dice.pick(&[0, 30, 100]),
                lies: !dice.once_in(4),
            },
            nil: *dice.pick(&[0, 5, 30]),
            byzantine: *dice.pick(&[0, 10, 33]),
            small: *dice.pick(&[0, 5, 20]),
            max_bytes: *dice.pick(&[6_000, 30_000, 1 << 22]),
        }
    }
}

impl Rounds {
    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, count) in &other.faults {
            self.note(kind, *count);
        }
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.tolerated += other.tolerated;
    }

    pub(crate) fn note(&mut self, kind: &'static str, count: u64) {
        if count > 0 {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}

/// The engine: transactions that wait, and the votes for the last block.
#[derive(Default)]
pub(crate) struct Engine {
    waiting: Vec<(u64, Vec<u8>)>,
    votes: Votes,
}

impl Engine {
    /// Transactions arrive; every node that hears hears of them.
    pub(crate) fn offer(&mut self, height: u64, txs: Vec<Vec<u8>>, twins: &[Twin]) {
        for tx in txs {
            for twin in twins {
                twin.hear(&tx, false);
            }
            self.waiting.push((height, tx));
        }
    }

    /// Play rounds until there is a block.
    pub(crate) fn decide(
        &mut self,
        (world, twins, network): (&World, &[Twin], &Network),
        weather: &Weather,
        dice: &mut Dice,
        (rounds, script): (&mut Rounds, &mut Script),
    ) -> Result<(Block, u64), String> {
        let height = world.height() + 1;
        let time = world.time().plus_seconds(world.block_seconds);
        let shown: Vec<_> = twins.iter().map(Twin::shown).collect();
        let mut decided = None;
        for round in 0..ROUNDS {
            let last = round + 1 == ROUNDS;
            let proposer = &twins[network.proposer(height, round) % twins.len()];
            let mut rough = if last { Rough::default() } else { Rough::draw(weather, dice) };
            let part = (height, What::Round, usize::try_from(round).unwrap_or_default());
            if rough != Rough::default() && !script.tells(part, || format!("{rough:?}")) {
                rough = Rough::default();
            }
            let max_bytes = rough.small.unwrap_or(weather.max_bytes);
            rounds.note("small block", u64::from(rough.small.is_some()));
            let weather = Weather { max_bytes, ..*weather };
            let honest = self.proposal(proposer, (height, time), network, &weather, (dice, rounds));
            let (txs, kind) = if rough.byzantine {
                let (txs, kind) = faults::damage(&honest, dice);
                rounds.note(kind, 1);
                (txs, Some(kind))
            } else {
                (honest, None)
            };
            let accepted = verdict(world, twins, (height, time), (&txs, kind))?;
            if txs.is_empty() && !accepted {
                rounds.note("empty proposal refused", 1);
                continue;
            }
            match (kind, accepted) {
                (None, _) => rounds.accepted += 1,
                (Some(_), false) => rounds.refused += 1,
                (Some(_), true) => rounds.tolerated += 1,
            }
            rounds.note("nil round", u64::from(accepted && rough.nil));
            if accepted && !rough.nil {
                decided = Some((txs, round));
                break;
            }
        }
        for (twin, before) in twins.iter().zip(shown) {
            if twin.shown() != before {
                return Err(format!("{:?}: a proposal changed what readers see", twin.kind));
            }
        }
        let (txs, round) = decided.ok_or("the last round decides nothing")?;
        let included: BTreeSet<&[u8]> = txs.iter().map(|tx| &tx[..]).collect();
        self.waiting.retain(|(since, tx)| !included.contains(&tx[..]) && since + PATIENCE > height);
        Ok((Block { height, time, txs }, round))
    }

    /// What an honest proposer makes of what waits.
    fn proposal(
        &self,
        proposer: &Twin,
        at: (u64, Time),
        network: &Network,
        weather: &Weather,
        (dice, rounds): (&mut Dice, &mut Rounds),
    ) -> Vec<Bytes> {
        let (commit, late) = network.seen(&self.votes, at.0.saturating_sub(1), &weather.ballot, dice);
        rounds.note("late unverified vote", late);
        let txs: Vec<Vec<u8>> = self.waiting.iter().map(|(_, tx)| tx.clone()).collect();
        proposer.propose(at, &txs, commit, weather.max_bytes)
    }

    /// Vote for a decided block, before it is executed. Every node accepts the vote of every honest one.
    pub(crate) fn vote(
        &mut self,
        (height, round): (u64, u64),
        (network, twins): (&Network, &[Twin]),
        prices: &BTreeMap<MarketId, Price>,
        ballot: &Ballot,
        (dice, rounds): (&mut Dice, &mut Rounds),
    ) -> Result<(), String> {
        twins.iter().for_each(|twin| twin.feed(prices));
        let honest = |number: usize| twins[number % twins.len()].extend(height);
        let votes = network.vote((height, round), ballot, dice, honest);
        rounds.note("lying vote", votes.lies);
        rounds.note("missing vote", votes.missing);
        rounds.note("empty vote", votes.empty);
        for (extension, fine) in &votes.shown {
            for twin in twins {
                if twin.verify(extension) != *fine {
                    return Err(format!("{:?}: an extension is judged wrongly: {extension:?}", twin.kind));
                }
            }
        }
        self.votes = votes;
        Ok(())
    }

    /// After a block: nodes look again at what still waits.
    pub(crate) fn recheck(&self, twins: &[Twin]) {
        for (_, tx) in &self.waiting {
            twins.iter().for_each(|twin| twin.hear(tx, true));
        }
    }
}

/// What everybody says about a proposal. Those of honest proposers must be accepted, and nodes must agree; only of
/// empty ones each node refuses some by itself.
fn verdict(
    world: &World,
    twins: &[Twin],
    at: (u64, Time),
    (txs, damage): (&[Bytes], Option<&'static str>),
) -> Result<bool, String> {
    let checked = app::proposal::check(world.machine.state(), txs, at.0);
    let verdicts: Vec<bool> = twins.iter().map(|twin| twin.accepts(at, txs)).collect();
    if txs.is_empty() && checked.is_ok() {
        return Ok(verdicts.iter().all(|accepts| *accepts));
    }
    for (twin, accepts) in twins.iter().zip(verdicts) {
        if accepts != checked.is_ok() {
            return Err(format!("{:?} does not judge a proposal as others do: {checked:?}", twin.kind));
        }
    }
    match (&checked, damage) {
        (Err(error), None) => Err(format!("I-30: the proposal of an honest node is refused: {error}")),
        (checked, _) => Ok(checked.is_ok()),
    }
}

/// The block as the machine takes it.
pub(crate) fn input(world: &World, block: &Block) -> BlockInput {
    BlockInput {
        height: block.height,
        time: block.time,
        votes: app::proposal::carries_votes(world.machine.state(), block.height),
        txs: block.txs.iter().map(|tx| tx.to_vec()).collect(),
    }
}
