//! The laws that hold after every block, one by one, each with its formula and how often it was evaluated.
//!
//! [`Laws`] keeps the state as it was before the block and compares. A law is evaluated when the block has
//! something that it speaks of; a run in which a law that applies was never evaluated says nothing about it, and
//! [`unchecked`] names it.
//!
//! Reading order: [`table`] (all laws, also those that others check or that do not apply yet), `seen` (a block as
//! laws see it), `replay` (accounts by what happened), `money`, `health`, `books`, `clocks`.

mod books;
mod clocks;
mod health;
mod money;
mod replay;
mod seen;
pub mod table;

#[cfg(test)]
mod planted;

use std::collections::{BTreeMap, BTreeSet};

use app::invariants::{Whole, WHOLE};
use app::{BlockInput, BlockOutcome, Machine};
use store::{Change, Memory, State};
use types::Time;

use seen::Seen;

/// What a law says of a block: how often it had something to say, or what does not hold.
type Verdict = Result<u64, String>;

/// A law over a block: its name, and what looks for something that breaks it.
type BlockLaw = (&'static str, fn(&Seen<'_>) -> Verdict);

/// Laws over a block and the state before it.
const BLOCK: [BlockLaw; 25] = [
    ("I-5", replay::funding),
    ("I-6", money::fees),
    ("I-6 collector", money::collector),
    ("I-7", money::quotes),
    ("I-7 replay", replay::accounts),
    ("I-9 flows", money::funds),
    ("I-4 cap", health::caps),
    ("I-10", health::deficits),
    ("I-10 exits", health::empty_accounts),
    ("I-11", health::gates),
    ("I-12", replay::opposed),
    ("I-13", health::margins),
    ("I-14", books::reducing),
    ("I-15 levels", books::levels),
    ("I-16", books::lives),
    ("I-17 indexes", books::indexes),
    ("I-19", clocks::sequences),
    ("I-21", clocks::prices),
    ("I-22", clocks::votes),
    ("I-23", clocks::times),
    ("I-23 funding", clocks::ticks),
    ("I-24", clocks::validators),
    ("I-25", clocks::queues),
    ("I-26", clocks::work),
    ("I-27", clocks::params),
];

/// Blocks from one look at everything (rebuilt caches, growth) to the next.
const SAMPLED: u64 = 10;

/// Transactions that are remembered so that none runs twice.
const REMEMBERED: usize = 100_000;

/// Checks blocks against all laws and counts.
pub struct Laws {
    /// The state after the last block that was checked.
    shadow: Memory,
    last: (u64, Time),
    counts: BTreeMap<&'static str, u64>,
    ran: BTreeSet<(Vec<u8>, usize)>,
}

impl Laws {
    /// Begin with the state as it is, which must be that between two blocks.
    pub fn new(machine: &mut Machine) -> Self {
        let shadow = Memory::from_pairs(machine.memory().iter());
        let last = machine.last_block();
        Self { shadow, last, counts: BTreeMap::new(), ran: BTreeSet::new() }
    }

    /// Check a block that `machine` has just executed and whose changes were taken. Answers how many laws had
    /// something to say.
    ///
    /// # Errors
    /// With the name of the law and both sides when one does not hold.
    pub fn after_block(
        &mut self,
        machine: &Machine,
        input: &BlockInput,
        outcome: &BlockOutcome,
        changes: &[Change],
    ) -> Result<u64, String> {
        let before = self.counts.values().sum::<u64>();
        let seen = Seen::of(machine, &self.shadow, self.last, (input, outcome))?;
        let whole = Whole::of(machine.state())?;
        for (name, law) in WHOLE {
            law(&whole)?;
            *self.counts.entry(name).or_default() += 1;
        }
        for (name, law) in BLOCK {
            let count = law(&seen).map_err(|reason| format!("{name}: {reason}"))?;
            *self.counts.entry(name).or_default() += count;
        }
        let once = clocks::once(&seen, &mut self.ran).map_err(|reason| format!("I-19 once: {reason}"))?;
        let late = clocks::late(&seen);
        self.note("I-19 once", once);
        if self.ran.len() > REMEMBERED {
            self.ran.clear();
        }
        for (key, value) in changes {
            match value {
                Some(value) => self.shadow.set(key, value),
                None => self.shadow.remove(key),
            }
        }
        self.shadow.end_block();
        self.last = machine.last_block();
        if self.last.0.is_multiple_of(SAMPLED) {
            self.sampled(machine, &late)?;
        }
        Ok(self.counts.values().sum::<u64>() - before)
    }

    /// What takes a look at every row.
    fn sampled(&mut self, machine: &Machine, late: &BTreeSet<clob::OrderId>) -> Result<(), String> {
        app::invariants::check_rebuilt(machine.state(), machine.books())?;
        self.note("I-18", 1);
        let grown = books::growth(&self.shadow, machine.books(), (self.last.0, late));
        self.note("I-35", grown.map_err(|reason| format!("I-35: {reason}"))?);
        Ok(())
    }

    /// Count a law that was evaluated elsewhere, for example by the engine.
    pub fn note(&mut self, law: &'static str, times: u64) {
        *self.counts.entry(law).or_default() += times;
    }

    /// How often each law was evaluated.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}

/// Laws of this module that were never evaluated, by what was counted: a run that ends with one has not shown it.
pub fn unchecked(counts: &BTreeMap<&'static str, u64>) -> Vec<&'static str> {
    let own = WHOLE.iter().map(|(name, _)| *name).chain(BLOCK.iter().map(|(name, _)| *name));
    let all = own.chain(["I-18", "I-19 once", "I-35"]);
    all.filter(|name| counts.get(name).copied().unwrap_or_default() == 0).collect()
}
