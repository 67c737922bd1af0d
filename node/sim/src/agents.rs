//! Everybody who sends transactions, each kind with its own aim, and what became of what they sent.
//!
//! Reading order: [`Agents`], [`Role`] (who there is), `pen` (how anything is signed and sent), `traders`, `pests`,
//! `patient`, `governor`. `crowd` is people without an aim.

mod governor;
mod patient;
mod pen;
pub(crate) mod pests;
mod traders;

use std::collections::BTreeMap;
use std::fmt;

use app::genesis::Governance;
use app::{AppState, BlockInput, BlockOutcome};
use scenario::{Dice, Wallet, World};

use crate::crowd::{Crowd, USD};
use crate::market::Market;
use pen::Pen;

/// What somebody is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Anything, foolish things included.
    Crowd,
    /// Quotes both sides around the oracle price.
    Maker,
    /// Takes what rests, at once.
    Taker,
    /// Trades single steps with itself and moves single quantums, hoping that rounding goes its way.
    Miser,
    /// Trades as much as its margin carries.
    Whale,
    /// Many names, one owner: all trade the same way, or with each other.
    Sybil,
    /// Fills whatever is bounded, and sends money where it does not belong.
    Griefer,
    /// Is the authority: absurd parameters that are valid, markets that pause and end.
    Governor,
    /// Trades with the most leverage until it is liquidated, then comes back.
    Gambler,
    /// Waits for prices and moments: conditional and TWAP orders.
    Patient,
    /// Sends many operations in one message.
    Batcher,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Crowd,
        Self::Maker,
        Self::Taker,
        Self::Miser,
        Self::Whale,
        Self::Sybil,
        Self::Griefer,
        Self::Governor,
        Self::Gambler,
        Self::Patient,
        Self::Batcher,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crowd => "crowd",
            Self::Maker => "maker",
            Self::Taker => "taker",
            Self::Miser => "miser",
            Self::Whale => "whale",
            Self::Sybil => "sybil",
            Self::Griefer => "griefer",
            Self::Governor => "governor",
            Self::Gambler => "gambler",
            Self::Patient => "patient",
            Self::Batcher => "batcher",
        }
    }

    /// The people who play it, besides those of the crowd.
    fn people(self) -> &'static [&'static str] {
        match self {
            Self::Crowd => &[],
            Self::Maker => &["maker0", "maker1"],
            Self::Taker => &["taker"],
            Self::Miser => &["miser0", "miser1"],
            Self::Whale => &["whale"],
            Self::Sybil => &["sybil0", "sybil1", "sybil2", "sybil3", "sybil4"],
            Self::Griefer => &["griefer"],
            Self::Governor => &[GOVERNOR],
            Self::Gambler => &["gambler0", "gambler1"],
            Self::Patient => &["patient"],
            Self::Batcher => &["batcher"],
        }
    }
}

/// Who is the authority.
const GOVERNOR: &str = "governor";

/// What became of what each kind of agent sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Role, Outcomes>);

/// Transactions of one kind of agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Sent.
    pub sent: u64,
    /// Executed in a block.
    pub executed: u64,
    /// Of those, not refused.
    pub succeeded: u64,
}

impl Tally {
    /// Add what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (role, more) in &other.0 {
            let own = self.0.entry(*role).or_default();
            own.sent += more.sent;
            own.executed += more.executed;
            own.succeeded += more.succeeded;
        }
    }

    /// What became of what `role` sent.
    pub fn of(&self, role: Role) -> Outcomes {
        self.0.get(&role).copied().unwrap_or_default()
    }

    /// Kinds of agents of which nothing succeeded: a run that ends with one has not shown what it is there for.
    pub fn idle(&self) -> Vec<&'static str> {
        let idle = Role::ALL.into_iter().filter(|role| self.of(*role).succeeded == 0);
        idle.map(Role::name).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.0.iter().map(|(role, outcomes)| {
            let Outcomes { sent, executed, succeeded } = outcomes;
            format!("{} {succeeded} of {executed} executed, {sent} sent", role.name())
        });
        write!(f, "agents: {}", told.collect::<Vec<_>>().join("; "))
    }
}

/// Blocks after which nobody asks what became of a transaction.
const FORGOTTEN: u64 = 60;

/// The agents of one story.
#[derive(Clone, Debug)]
pub(crate) struct Agents {
    crowd: Crowd,
    /// How many acts of each kind there are in a block at most.
    cast: Vec<(Role, u64)>,
    arrived: bool,
    next_client: u32,
    /// Who sent what, and when.
    sent: BTreeMap<Vec<u8>, (Role, u64)>,
    tally: Tally,
}

impl Agents {
    /// Agents as the seed wants them: the crowd, and about half of the other kinds.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let crowd = Crowd::new(dice);
        let mut cast = vec![(Role::Crowd, 1)];
        for role in Role::ALL.into_iter().skip(1) {
            let most = dice.within(1, 3);
            if dice.once_in(2) {
                cast.push((role, most));
            }
        }
        Self::of(crowd, cast)
    }

    /// Only those of these kinds, busy in every block.
    pub(crate) fn only(roles: &[Role], dice: &mut Dice) -> Self {
        Self::of(Crowd::new(dice), roles.iter().map(|role| (*role, 4)).collect())
    }

    fn of(crowd: Crowd, cast: Vec<(Role, u64)>) -> Self {
        let (sent, tally) = (BTreeMap::new(), Tally::default());
        Self { crowd, cast, arrived: false, next_client: 0, sent, tally }
    }

    /// Names of those who have coins at genesis.
    pub(crate) fn people(&self) -> Vec<&str> {
        let crowd = self.plays(Role::Crowd).then_some(&self.crowd.people);
        let others = self.cast.iter().flat_map(|(role, _)| role.people());
        crowd.into_iter().flatten().map(String::as_str).chain(others.copied()).collect()
    }

    /// Whether there are agents of this kind.
    pub(crate) fn plays(&self, role: Role) -> bool {
        self.cast.iter().any(|(played, _)| *played == role)
    }

    /// What the genesis must say for them: who the authority is.
    pub(crate) fn prepare(&self, app: &mut AppState) {
        if self.plays(Role::Governor) {
            let authority = Some(Wallet::new(GOVERNOR).address().to_bech32(&app.prefix));
            app.governance = Governance { authority };
        }
    }

    /// The transactions that are sent before the next block, in order of arrival. What they do must follow from
    /// the world and the dice alone. Not each of them gets into the next block, nor into any.
    pub(crate) fn act(&mut self, world: &World, market: &Market, dice: &mut Dice) -> Vec<Vec<u8>> {
        let arrived = std::mem::replace(&mut self.arrived, true);
        let mut all = Vec::new();
        for (role, most) in self.cast.clone() {
            let txs = match (role, arrived) {
                (Role::Crowd, false) => self.crowd.arrive(world, dice),
                (Role::Crowd, true) => self.crowd.act(world, market, dice),
                _ => {
                    let mut pen = Pen::new(world, market, dice, self.next_client);
                    let acts = if arrived { pen.dice.within(0, most) } else { 0 };
                    (0..acts).for_each(|_| act(role, &mut pen));
                    if !arrived {
                        arrive(role, &mut pen);
                    }
                    self.next_client = pen.next_client;
                    pen.txs
                }
            };
            let height = world.height();
            self.tally.0.entry(role).or_default().sent += txs.len() as u64;
            self.sent.extend(txs.iter().map(|tx| (tx.clone(), (role, height))));
            all.extend(txs);
        }
        self.sent.retain(|_, (_, sent)| *sent + FORGOTTEN > world.height());
        all
    }

    /// Hear what became of a block.
    pub(crate) fn hear(&mut self, input: &BlockInput, outcome: &BlockOutcome) {
        for (tx, result) in input.txs.iter().zip(&outcome.results) {
            let Some((role, _)) = self.sent.get(tx) else { continue };
            let outcomes = self.tally.0.entry(*role).or_default();
            outcomes.executed += 1;
            outcomes.succeeded += u64::from(result.refusal.is_none());
        }
    }

    /// What became of what they sent.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// Everybody begins with some collateral, half of it in a second account.
fn arrive(role: Role, pen: &mut Pen<'_>) {
    for person in role.people() {
        let most = match role {
            Role::Whale => 90_000,
            Role::Maker => 40_000,
            Role::Gambler | Role::Sybil => 300,
            _ => 3_000,
        };
        let amount = pen.dice.within(most / 3, most) * USD + pen.dice.within(0, 999_999);
        pen.deposit(person, amount);
        pen.deposit(&format!("{person}/1"), amount / 2);
    }
}

fn act(role: Role, pen: &mut Pen<'_>) {
    let person = *pen.dice.pick(role.people());
    match role {
        Role::Crowd => {}
        Role::Maker => traders::make(pen, person),
        Role::Taker => traders::take(pen, person),
        Role::Whale => traders::heave(pen, person),
        Role::Gambler => traders::gamble(pen, person),
        Role::Sybil => traders::herd(pen, role.people()),
        Role::Miser => pests::shave(pen, person),
        Role::Griefer => pests::grief(pen, person),
        Role::Patient => patient::wait(pen, person),
        Role::Batcher => patient::batch(pen, person),
        Role::Governor => governor::decree(pen, person),
    }
}
