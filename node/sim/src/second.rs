//! The naive model of `node/model` beside a chain: it is told prices, times, parameters and what was accepted, and
//! must come to the same fills, books, accounts, pools and funds by itself.
//!
//! Parameters of markets and rules are read from the chain, since they are not money. What the model does not have
//! ends the comparison for that seed, and is counted.

mod ops;
mod terms;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;

use crate::agents::pests::STRANGERS;
use app::{BlockInput, BlockOutcome, Machine};
use model::chain::{Chain, Said};
use model::falls::Falls;
use model::terms::{Note, Op};
use scenario::compared::{Beside, Names};
use scenario::Wallet;
use types::{Address, Event, MarketId, SubaccountId};

/// Subaccounts that people of stories use, of each person.
const NUMBERS: std::ops::RangeInclusive<u32> = 0..=127;

/// The model, as long as it can follow.
pub(crate) struct Second {
    chain: Option<Chain>,
    known: Known,
    counts: Seconded,
    /// What it believes that takers pay, in ppm more than the chain says: a planted bug.
    dearer: i64,
}

/// What the model has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seconded {
    /// Blocks that it agreed with.
    pub blocks: u64,
    /// Operations that it was told.
    pub operations: u64,
    /// Fills, orders and whatever else it said and the chain did.
    pub notes: u64,
    /// Why it could not follow to the end, and in how many seeds.
    pub beyond: BTreeMap<&'static str, u64>,
}

impl Seconded {
    /// Add what it saw elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.blocks += other.blocks;
        self.operations += other.operations;
        self.notes += other.notes;
        for (why, count) in &other.beyond {
            *self.beyond.entry(why).or_default() += count;
        }
    }
}

impl fmt::Display for Seconded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, operations, notes, beyond } = self;
        // A difference fails the seed: what is counted here agreed.
        write!(
            f,
            "{blocks} blocks agree with the second model, {operations} operations, {notes} happenings"
        )?;
        beyond.iter().try_for_each(|(why, seeds)| write!(f, "; left in {seeds} seeds: {why}"))
    }
}

/// Who there is.
pub(crate) struct Known {
    ids: Vec<SubaccountId>,
    /// In the order of the model's owners.
    wallets: Vec<Address>,
    /// Collateral that people gave to pools.
    given: BTreeMap<Address, u64>,
}

impl Known {
    fn owner(&self, address: &Address) -> Option<usize> {
        self.wallets.binary_search(address).ok()
    }

    fn account(&self, id: &SubaccountId) -> Option<usize> {
        self.ids.binary_search(id).ok()
    }
}

/// What one transaction asked, and how much it did.
struct Asked<'a> {
    ops: Vec<Op>,
    events: &'a [Event],
}

impl Second {
    /// Beside a chain that begins with these people.
    pub(crate) fn new(machine: &Machine, people: &[&str]) -> Self {
        let mut wallets: Vec<_> =
            people.iter().chain(&STRANGERS).map(|name| Wallet::new(name).address()).collect();
        wallets.sort_unstable();
        wallets.dedup();
        let accounts =
            wallets.iter().flat_map(|owner| NUMBERS.map(|number| SubaccountId { owner: *owner, number }));
        let known = Known { ids: accounts.collect(), wallets, given: BTreeMap::new() };
        let chain = Some(terms::chain(machine, &known));
        Self { chain, known, counts: Seconded::default(), dearer: 0 }
    }

    /// Stop following, for this reason.
    pub(crate) fn leave(&mut self, why: &'static str) {
        if self.chain.take().is_some() {
            self.counts.beyond.insert(why, 1);
        }
    }

    /// From now on it believes that takers pay a part per million more than they do.
    pub(crate) fn err(&mut self) {
        self.dearer = 1;
    }

    /// What it has seen.
    pub(crate) fn counts(&self) -> Seconded {
        self.counts.clone()
    }

    /// Compare a block that `machine` has executed.
    ///
    /// # Errors
    /// With the first thing about which the two disagree.
    pub(crate) fn after_block(
        &mut self,
        machine: &Machine,
        input: &BlockInput,
        outcome: &BlockOutcome,
    ) -> Result<(), String> {
        let Some(mut chain) = self.chain.take() else { return Ok(()) };
        let asked = match self.asked(machine, input, outcome) {
            Ok(asked) => asked,
            Err(why) => {
                self.counts.beyond.insert(why, 1);
                return Ok(());
            }
        };
        terms::refresh(&mut chain, machine, self.dearer);
        let names = Names { ids: &self.known.ids };
        let deeds = Rc::new(RefCell::new(terms::falls(machine)));
        chain.exchange.falls = Falls { deeds, stay: names.stay(&outcome.events) };
        let ops: Vec<Op> = asked.iter().flat_map(|asked| asked.ops.iter().cloned()).collect();
        let prices = prices(machine, input.height);
        let time = input.time.seconds();
        let said = catch_unwind(AssertUnwindSafe(|| chain.block(time, &prices, &ops)));
        let said = said.map_err(|_| "the second model stops at a law of its own".to_owned())?;
        self.counts.notes += agree(&names, &asked, outcome, &said)?;
        let beside = Beside { wallets: &self.known.wallets, given: &self.known.given };
        let exchange = &chain.exchange;
        if let Some(difference) = names.difference(machine, (&exchange.ledger, &exchange.resting), &beside) {
            return Err(format!("the second model: {difference}"));
        }
        self.counts.blocks += 1;
        self.counts.operations += ops.len() as u64;
        self.chain = Some(chain);
        Ok(())
    }

    /// What was accepted, in the model's words.
    fn asked<'a>(
        &mut self,
        machine: &Machine,
        input: &BlockInput,
        outcome: &'a BlockOutcome,
    ) -> Result<Vec<Asked<'a>>, &'static str> {
        let mut asked = Vec::new();
        for (tx, result) in input.txs.iter().zip(&outcome.results).skip(usize::from(input.votes)) {
            if result.refusal.is_some() {
                continue;
            }
            let limits = accounts::Limits::default();
            let parsed = app::msg::Transaction::decode(tx, &limits, machine.chain());
            let parsed = parsed.map_err(|_| "what was accepted does not parse")?;
            let mut ops = Vec::new();
            for (index, message) in parsed.messages.iter().enumerate() {
                ops.extend(ops::of(&mut self.known, machine, message, (&result.data, index))?);
            }
            asked.push(Asked { ops, events: &result.events });
        }
        Ok(asked)
    }
}

/// The prices that were agreed on in this block.
fn prices(machine: &Machine, height: u64) -> Vec<(u32, u64)> {
    let markets: Vec<MarketId> = perpetuals::all(machine.state()).iter().map(|one| one.market).collect();
    let price = |market: MarketId| prices::price(machine.state(), market).map(|row| (market.0, row));
    let rows = markets.into_iter().filter_map(price).filter(|(_, row)| row.updated_height == height);
    rows.map(|(market, row)| (market, row.price.raw())).collect()
}

/// Both told the same story of a block. Answers how much there was to tell.
fn agree(names: &Names<'_>, asked: &[Asked<'_>], outcome: &BlockOutcome, said: &Said) -> Result<u64, String> {
    let mut count = 0;
    let mut answers = said.answers.iter();
    for one in asked {
        let mut ours = Vec::new();
        for op in &one.ops {
            let answer = answers.next().ok_or("the second model answers too little")?;
            if let Some(refused) = &answer.refused {
                return Err(format!("the second model refuses {op:?} with {refused:?}"));
            }
            ours.extend(answer.notes.iter().cloned());
        }
        count += same(names.notes(one.events), ours, || format!("{:?}", one.ops))?;
    }
    let expires = |note: &Note| matches!(note, Note::Removed { reason, .. } if reason == "expired");
    let (mut expired, after): (Vec<_>, Vec<_>) = names.notes(&outcome.events).into_iter().partition(expires);
    expired.sort();
    count += same(expired, said.expired.clone(), || "what expired".into())?;
    count += same(after, said.after.clone(), || "what the block did by itself".into())?;
    Ok(count)
}

fn same(theirs: Vec<Note>, ours: Vec<Note>, what: impl Fn() -> String) -> Result<u64, String> {
    if theirs == ours {
        return Ok(ours.len() as u64);
    }
    let at = theirs.iter().zip(&ours).take_while(|(one, other)| one == other).count();
    let (theirs, ours) = (theirs.get(at), ours.get(at));
    Err(format!("{}: the chain tells {theirs:?}, the second model says {ours:?}", what()))
}
