//! What happened in a story, and how one ends early.

use std::collections::BTreeMap;
use std::fmt;

use app::Summary;

use crate::agents::Tally;
use crate::engine::Rounds;
use crate::laws;
use crate::script::Item;
use crate::second::Seconded;

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Seeds that were told to their end.
    pub seeds: u64,
    /// Blocks.
    pub blocks: u64,
    /// Transactions that were executed, refused ones included.
    pub transactions: u64,
    /// Counts of all blocks; of transactions, those that succeeded.
    pub summary: Summary,
    /// Conservation laws that were checked.
    pub laws: u64,
    /// How often each law was evaluated.
    pub by_law: BTreeMap<&'static str, u64>,
    /// What became of what agents sent.
    pub agents: Tally,
    /// What consensus did, and faults by kind.
    pub rounds: Rounds,
    /// Stories that healed.
    pub healed: u64,
    /// Blocks after the chaos until visitors had traded, at most.
    pub healing: u64,
    /// What the second model has seen.
    pub seconded: Seconded,
    /// Refusals by codespace and code.
    pub refused: BTreeMap<(String, u32), u64>,
}

/// A seed whose story broke a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The block.
    pub height: u64,
    /// What does not hold.
    pub reason: String,
    /// Parts of the story up to there, with a word about each when only some were asked for.
    pub told: Vec<(Item, String)>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, block {}: {}", self.seed, self.height, self.reason)
    }
}

impl std::error::Error for Failure {}

impl Counts {
    /// Add what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.blocks += other.blocks;
        self.transactions += other.transactions;
        self.summary.add(&other.summary);
        self.laws += other.laws;
        for (law, count) in &other.by_law {
            *self.by_law.entry(law).or_default() += count;
        }
        self.agents.add(&other.agents);
        self.rounds.add(&other.rounds);
        self.seconded.add(&other.seconded);
        self.healed += other.healed;
        self.healing = self.healing.max(other.healing);
        for (code, count) in &other.refused {
            *self.refused.entry(code.clone()).or_default() += count;
        }
    }

    /// What a run of this size must have tried and has not: a run with any of it shows nothing.
    pub fn idle(&self) -> Vec<&'static str> {
        let fault = |kind: &str| self.rounds.faults.get(kind).copied().unwrap_or_default();
        let tried = [
            ("seeds", self.seeds),
            ("blocks", self.blocks),
            ("transactions", self.transactions),
            ("laws", self.laws),
            ("honest proposals", self.rounds.accepted),
        ];
        let mut idle: Vec<_> =
            tried.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect();
        // It may leave a few seeds: what it does not have is told.
        if self.blocks >= 1_000 && self.seconded.blocks * 10 < self.blocks * 9 {
            idle.push("blocks compared with the second model");
        }
        if self.blocks >= 10_000 {
            idle.extend(crate::faults::kinds(self.blocks).filter(|kind| fault(kind) == 0));
            idle.extend(laws::unchecked(&self.by_law));
            idle.extend(self.agents.idle());
            let more = [
                ("fills", self.summary.fills),
                ("liquidations", self.summary.liquidations),
                ("healing", self.healed),
            ];
            idle.extend(more.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name));
        }
        idle
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {} blocks, {} transactions, {} fills, {} liquidations, {} deleveragings, \
             {} funding payments, {} laws checked",
            self.seeds,
            self.blocks,
            self.transactions,
            self.summary.fills,
            self.summary.liquidations,
            self.summary.deleveragings,
            self.summary.funding_payments,
            self.laws
        )?;
        let laws = self.by_law.iter().map(|(law, count)| format!("{law}: {count}"));
        writeln!(f, "laws: {}", laws.collect::<Vec<_>>().join(", "))?;
        writeln!(f, "{}\n{}", self.agents, self.rounds)?;
        writeln!(f, "{} healed, after {} blocks at most", self.healed, self.healing)?;
        writeln!(f, "of {} blocks {}", self.blocks, self.seconded)?;
        let codes = self.refused.iter().map(|((space, code), count)| format!("{space}/{code} {count}"));
        write!(f, "refused: {}", codes.collect::<Vec<_>>().join(", "))
    }
}
