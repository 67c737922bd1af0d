//! One seed: a world, its blocks, and what must hold after each.

use std::collections::BTreeMap;
use std::fmt;

use app::genesis::{Balance, GenesisCoin};
use app::{AppState, BlockInput};
use scenario::{Dice, World};
use tree::Store;

use crate::crowd::{Crowd, USD};
use crate::laws::Laws;
use crate::ledger::Ledger;
use crate::market::Market;

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Seeds that were told to their end.
    pub seeds: u64,
    /// Blocks.
    pub blocks: u64,
    /// Transactions that were executed, refused ones included.
    pub transactions: u64,
    /// Trades.
    pub fills: u64,
    /// Liquidations that traded.
    pub liquidations: u64,
    /// Positions that were deleveraged.
    pub deleveragings: u64,
    /// Funding payments.
    pub funding_payments: u64,
    /// Conservation laws that were checked.
    pub laws: u64,
    /// How often each law was evaluated.
    pub by_law: BTreeMap<&'static str, u64>,
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
        self.fills += other.fills;
        self.liquidations += other.liquidations;
        self.deleveragings += other.deleveragings;
        self.funding_payments += other.funding_payments;
        self.laws += other.laws;
        for (law, count) in &other.by_law {
            *self.by_law.entry(law).or_default() += count;
        }
        for (code, count) in &other.refused {
            *self.refused.entry(code.clone()).or_default() += count;
        }
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
            self.fills,
            self.liquidations,
            self.deleveragings,
            self.funding_payments,
            self.laws
        )?;
        let laws = self.by_law.iter().map(|(law, count)| format!("{law}: {count}"));
        writeln!(f, "laws: {}", laws.collect::<Vec<_>>().join(", "))?;
        let codes = self.refused.iter().map(|((space, code), count)| format!("{space}/{code} {count}"));
        write!(f, "refused: {}", codes.collect::<Vec<_>>().join(", "))
    }
}

/// Tell the story of `seed` for `blocks` blocks.
///
/// # Errors
/// With seed, block and law when something does not hold.
pub fn simulate(seed: u64, blocks: u64) -> Result<Counts, Failure> {
    watch(seed, blocks, |_, _| Ok(()))
}

/// [`simulate`], with `watcher` called after each block: its error ends the story.
///
/// # Errors
/// With seed, block and law when something does not hold.
pub fn watch(
    seed: u64,
    blocks: u64,
    mut watcher: impl FnMut(u64, &mut World) -> Result<(), String>,
) -> Result<Counts, Failure> {
    let mut dice = Dice::new(seed);
    let mut crowd = Crowd::new(&mut dice);
    let app = document(&mut dice);
    let mut market = Market::new(&app, &mut dice);
    let people: Vec<&str> = crowd.people.iter().map(String::as_str).collect();
    let mut world = World::with(app, &people, 100_000 * USD);
    let mut counts = Counts::default();
    let laws = Laws::new(&mut world.machine);
    let mut books = Books { tree: Store::in_memory(app::STORES, 2), ledger: Ledger::default(), laws };
    for height in 1..=blocks {
        let failed = |reason: String| Failure { seed, height, reason };
        market.step(&mut world, &mut dice);
        if height == 1 {
            crowd.arrive(&mut world, &mut dice);
        } else {
            crowd.act(&mut world, &market, &mut dice);
        }
        if dice.once_in(20) {
            world.restart();
        }
        let input = world.propose();
        block(&mut world, &input, &mut books, &mut counts).map_err(failed)?;
        watcher(height, &mut world).map_err(failed)?;
    }
    roots(&mut world, &books.tree).map_err(|reason| Failure { seed, height: blocks, reason })?;
    books.laws.note("I-20", 1);
    counts.by_law = books.laws.counts().clone();
    counts.seeds = 1;
    Ok(counts)
}

/// The devnet with few markets, fast funding, and a fund that may be small.
fn document(dice: &mut Dice) -> AppState {
    let mut app = World::devnet();
    app.markets.truncate(usize::try_from(dice.within(1, 4)).unwrap_or(1));
    (app.funding.tick_seconds, app.funding.sample_seconds, app.funding.sample_offset_seconds) = (60, 5, 2);
    for market in &mut app.markets {
        market.default_funding_ppm = *dice.pick(&[0, 100, -250]);
        market.liquidity_tier = *dice.pick(&[0, 0, 1, 2]);
        market.isolated = dice.once_in(8);
    }
    for tier in &mut app.liquidity_tiers {
        tier.impact_notional = *dice.pick(&[100 * USD, 5_000 * USD]);
    }
    app.liquidations.max_position_portion_ppm = *dice.pick(&[100_000, 500_000, 1_000_000]);
    app.liquidations.max_accounts = *dice.pick(&[2, 50]);
    app.liquidations.max_deleveragings = *dice.pick(&[1, 50]);
    app.orders.max_fills = *dice.pick(&[3, 1_000]);
    // The ledger knows one tier; the others have a model of their own.
    app.fee_tiers.truncate(1);
    app.fees.insurance_share_ppm = *dice.pick(&[0, 250_000]);
    let fund = dice.within(0, 500) * USD;
    if fund > 0 {
        let coins = vec![GenesisCoin { denom: app.collateral.clone(), amount: fund.to_string() }];
        app.balances.push(Balance { address: "module:insurance_fund".into(), coins });
    }
    app
}

/// What is kept beside the machine to compare with it.
struct Books {
    tree: Store,
    ledger: Ledger,
    laws: Laws,
}

/// One block on the world and on a twin, and everything that must hold afterwards.
fn block(
    world: &mut World,
    input: &BlockInput,
    books: &mut Books,
    counts: &mut Counts,
) -> Result<(), String> {
    let mut twin = world.twin();
    if counts.blocks == 0 {
        let rows: Vec<_> = twin.machine.memory().iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
        books.tree.stage(0, &rows);
        books.tree.commit(&[]).map_err(|error| error.to_string())?;
    }
    twin.machine.full_checks = false;
    let outcome = world.machine.execute(input).map_err(|fault| fault.to_string())?;
    let theirs = twin.machine.execute(input).map_err(|fault| format!("the twin: {fault}"))?;
    if (&outcome.results, &outcome.events) != (&theirs.results, &theirs.events) {
        return Err("a twin that was rebuilt from the state answers something else".into());
    }
    let changes = world.machine.take_changes();
    if changes != twin.machine.take_changes() {
        return Err("a twin that was rebuilt from the state writes something else".into());
    }
    books.tree.stage(input.height, &changes);
    books.tree.commit(&[]).map_err(|error| error.to_string())?;
    // A refused transaction has events of its fee and sequence only.
    let events = outcome.results.iter().flat_map(|result| &result.events).chain(&outcome.events);
    books.ledger.block(events, world.machine.state())?;
    counts.laws += books.laws.after_block(&world.machine, input, &outcome, &changes)?;
    world.pass(world.block_seconds);
    for (id, account) in subaccounts::page(world.machine.state(), None, usize::MAX) {
        if account.positions.is_empty() && account.quote.is_negative() {
            return Err(format!("{id} has no position and owes {}", account.quote));
        }
    }
    counts.blocks += 1;
    counts.fills += outcome.summary.fills;
    counts.liquidations += outcome.summary.liquidations;
    counts.deleveragings += outcome.summary.deleveragings;
    counts.funding_payments += outcome.summary.funding_payments;
    counts.laws += outcome.summary.invariants_checked;
    for result in outcome.results.iter().skip(usize::from(input.votes)) {
        counts.transactions += 1;
        let Some(refusal) = &result.refusal else { continue };
        if (refusal.codespace.as_str(), refusal.code) == ("app", 1) {
            return Err(format!("a transaction ran into a fault: {}", refusal.log));
        }
        *counts.refused.entry((refusal.codespace.clone(), refusal.code)).or_default() += 1;
    }
    Ok(())
}

/// The tree that took every block's changes has the root of one that is built from all rows.
fn roots(world: &mut World, store: &Store) -> Result<(), String> {
    let rows: Vec<_> = world.machine.memory().iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
    let whole = Store::in_memory(app::STORES, 1).stage(1, &rows);
    let grown = store.reader().latest().app_hash();
    if whole == grown {
        Ok(())
    } else {
        Err("the root of all changes is not the root of all rows".into())
    }
}
