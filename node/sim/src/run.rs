//! One seed: a world, its blocks, and what must hold after each.

use std::collections::BTreeMap;
use std::fmt;

use app::genesis::{Balance, GenesisCoin};
use app::{AppState, BlockInput, Genesis};
use scenario::{Dice, World};
use tree::Store;

use crate::agents::{Agents, Tally};
use crate::crowd::USD;
use crate::engine::{self, Engine, Rounds, Weather};
use crate::faults::{Rates, Trouble};
use crate::laws::Laws;
use crate::market::Market;
use crate::network::Network;
use crate::twins::{Block, History, Kind, Twin};

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
    /// What became of what agents sent.
    pub agents: Tally,
    /// What consensus did, and faults by kind.
    pub rounds: Rounds,
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
        self.agents.add(&other.agents);
        self.rounds.add(&other.rounds);
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
        writeln!(f, "{}\n{}", self.agents, self.rounds)?;
        let codes = self.refused.iter().map(|((space, code), count)| format!("{space}/{code} {count}"));
        write!(f, "refused: {}", codes.collect::<Vec<_>>().join(", "))
    }
}

/// How much is kept beside the chain to compare with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One node.
    #[default]
    Lite,
    /// Four nodes that are kept in different ways.
    Full,
}

/// What is told: all of it follows from this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The seed.
    pub seed: u64,
    /// Blocks.
    pub blocks: u64,
    /// The first so many blocks are chaos, the others heal.
    pub chaos: u64,
    /// How much is compared.
    pub mode: Mode,
}

impl Story {
    /// The story of `seed`: the last fifth of its blocks, but not more than sixty, heals.
    pub fn new(seed: u64, blocks: u64, mode: Mode) -> Self {
        Self { seed, blocks, chaos: blocks - (blocks / 5).min(60), mode }
    }
}

/// Tell a story.
///
/// # Errors
/// With seed, block and law when something does not hold.
pub fn simulate(story: &Story) -> Result<Counts, Failure> {
    watch(story, |_, _| Ok(()))
}

/// [`simulate`], with `watcher` called after each block: its error ends the story.
///
/// # Errors
/// With seed, block and law when something does not hold.
pub fn watch(
    story: &Story,
    mut watcher: impl FnMut(u64, &mut World) -> Result<(), String>,
) -> Result<Counts, Failure> {
    host::stop_by_unwinding();
    let failed = |height| move |reason: String| Failure { seed: story.seed, height, reason };
    let mut stage = Stage::new(story).map_err(failed(0))?;
    for height in 1..=story.blocks {
        stage.block(story, height).map_err(failed(height))?;
        watcher(height, &mut stage.world).map_err(failed(height))?;
    }
    stage.end().map_err(failed(story.blocks))
}

/// Chance of its own for each part of each block, so that leaving one thing out changes nothing else.
#[derive(Clone, Copy, Debug)]
enum Part {
    Start,
    Market,
    Agents,
    Rounds,
    Votes,
    Twins,
    Trouble,
}

fn chance(seed: u64, height: u64, part: Part) -> Dice {
    let part = match part {
        Part::Start => 0,
        Part::Market => 1,
        Part::Agents => 2,
        Part::Rounds => 3,
        Part::Votes => 4,
        Part::Twins => 5,
        Part::Trouble => 6,
    };
    Dice::new(Dice::new(Dice::new(seed).roll() ^ height).roll() ^ part)
}

/// A chain, who is on it, and what is kept beside it.
struct Stage {
    world: World,
    agents: Agents,
    market: Market,
    network: Network,
    engine: Engine,
    twins: Vec<Twin>,
    weather: Weather,
    rates: Rates,
    genesis: Genesis,
    history: History,
    laws: Laws,
    tree: Store,
    counts: Counts,
}

impl Stage {
    fn new(story: &Story) -> Result<Self, String> {
        let mut dice = chance(story.seed, 0, Part::Start);
        let agents = Agents::new(&mut dice);
        let mut app = document(&mut dice);
        agents.prepare(&mut app);
        let market = Market::new(&app, &mut dice);
        let network = Network::new(&mut dice);
        let (weather, rates) = (Weather::draw(&mut dice), Rates::draw(&mut dice));
        let genesis = World::genesis(app, &agents.people(), 100_000 * USD, network.genesis());
        let mut world = World::begin(&genesis);
        let mut tree = Store::in_memory(app::STORES, 2);
        let memory = world.machine.memory();
        let rows: Vec<_> = memory.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        tree.stage(0, &rows);
        tree.commit(&[]).map_err(|error| error.to_string())?;
        let kinds: &[Kind] = match story.mode {
            Mode::Lite => &[Kind::Live],
            Mode::Full => &[Kind::Live, Kind::Deaf, Kind::Reborn, Kind::Threaded],
        };
        let twins = kinds.iter().map(|kind| Twin::new(*kind, &genesis)).collect::<Result<_, _>>()?;
        let laws = Laws::new(&mut world.machine);
        let (engine, counts) = (Engine::default(), Counts::default());
        Ok(Self {
            world,
            agents,
            market,
            network,
            engine,
            twins,
            weather,
            rates,
            genesis,
            history: Vec::new(),
            laws,
            tree,
            counts,
        })
    }

    /// One block of chaos or of healing, and everything that must hold afterwards.
    fn block(&mut self, story: &Story, height: u64) -> Result<(), String> {
        let chance = |part| chance(story.seed, height, part);
        let calm = Weather { max_bytes: self.weather.max_bytes, ..Weather::default() };
        let weather = if height > story.chaos { calm } else { self.weather };
        self.market.step(&mut self.world, &mut chance(Part::Market));
        let txs = self.agents.act(&self.world, &self.market, &mut chance(Part::Agents));
        self.engine.offer(height, txs, &self.twins);
        let (block, round) = self.engine.decide(
            (&self.world, &self.twins),
            &self.network,
            &weather,
            &mut chance(Part::Rounds),
            &mut self.counts.rounds,
        )?;
        self.engine.vote(
            (height, round),
            (&self.network, &self.twins),
            &self.world.prices,
            &weather.ballot,
            (&mut chance(Part::Votes), &mut self.counts.rounds),
        )?;
        let input = engine::input(&self.world, &block);
        self.execute(&input, &mut chance(Part::Twins))?;
        self.agents.hear(&input, &self.world.last);
        let rates = if height > story.chaos { Rates::default() } else { self.rates };
        self.follow(block, &rates, &mut chance(Part::Trouble))?;
        self.engine.recheck(&self.twins);
        self.count(&input);
        Ok(())
    }

    /// Execute a block on the world; at times beside one that was rebuilt from its rows.
    fn execute(&mut self, input: &BlockInput, dice: &mut Dice) -> Result<(), String> {
        if dice.once_in(20) {
            self.world.restart();
        }
        let mut twin = dice.once_in(8).then(|| self.world.twin());
        let changes = self.world.execute(input).map_err(|fault| fault.to_string())?;
        if let Some(twin) = &mut twin {
            let theirs = twin.execute(input).map_err(|fault| format!("the rebuilt one: {fault}"))?;
            if (&self.world.last.results, &self.world.last.events) != (&twin.last.results, &twin.last.events)
            {
                return Err("a machine that was rebuilt from the state answers something else".into());
            }
            if changes != theirs {
                return Err("a machine that was rebuilt from the state writes something else".into());
            }
        }
        self.tree.stage(input.height, &changes);
        self.tree.commit(&[]).map_err(|error| error.to_string())?;
        self.counts.laws += self.world.last.summary.invariants_checked;
        let (machine, outcome) = (&self.world.machine, &self.world.last);
        self.counts.laws += self.laws.after_block(machine, input, outcome, &changes)?;
        Ok(())
    }

    /// Every node executes the block and must get what the world got.
    fn follow(&mut self, block: Block, rates: &Rates, dice: &mut Dice) -> Result<(), String> {
        let app_hash = self.tree.reader().latest().app_hash();
        let mut first = None;
        for twin in &mut self.twins {
            let trouble = Trouble::draw(twin.kind, rates, dice);
            if let Some(name) = trouble.name() {
                self.counts.rounds.note(name, 1);
            }
            let response = twin.run(&block, trouble, (&self.genesis, &self.history));
            let response = response.map_err(|reason| format!("{:?}, {trouble:?}: {reason}", twin.kind))?;
            let last = twin.done();
            if last.app_hash != app_hash || response.app_hash[..] != app_hash {
                return Err(format!("I-28: {:?} has another app hash", twin.kind));
            }
            let (ours, theirs) = (&self.world.last, &last.outcome);
            if (&ours.results, &ours.events, ours.begin) != (&theirs.results, &theirs.events, theirs.begin) {
                return Err(format!("I-28: {:?} has other results or events", twin.kind));
            }
            if *first.get_or_insert_with(|| response.clone()) != response {
                return Err(format!("I-28: {:?} answers something else", twin.kind));
            }
        }
        if let Some(response) = first {
            self.history.push((block, response));
        }
        Ok(())
    }

    fn count(&mut self, input: &BlockInput) {
        let (counts, outcome) = (&mut self.counts, &self.world.last);
        counts.blocks += 1;
        counts.fills += outcome.summary.fills;
        counts.liquidations += outcome.summary.liquidations;
        counts.deleveragings += outcome.summary.deleveragings;
        counts.funding_payments += outcome.summary.funding_payments;
        for result in outcome.results.iter().skip(usize::from(input.votes)) {
            counts.transactions += 1;
            let Some(refusal) = &result.refusal else { continue };
            *counts.refused.entry((refusal.codespace.clone(), refusal.code)).or_default() += 1;
        }
    }

    fn end(mut self) -> Result<Counts, String> {
        roots(&mut self.world, &self.tree)?;
        self.laws.note("I-20", 1);
        self.laws.note("I-28", self.counts.blocks);
        self.laws.note("I-29", self.counts.blocks);
        self.laws.note("I-30", self.counts.rounds.accepted);
        self.counts.agents = self.agents.tally().clone();
        self.counts.by_law = self.laws.counts().clone();
        self.counts.seeds = 1;
        Ok(self.counts)
    }
}

/// The devnet with few markets, fast funding, and a fund that may be small.
pub(crate) fn document(dice: &mut Dice) -> AppState {
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
    app.fees.insurance_share_ppm = *dice.pick(&[0, 250_000]);
    let fund = dice.within(0, 500) * USD;
    if fund > 0 {
        let coins = vec![GenesisCoin { denom: app.collateral.clone(), amount: fund.to_string() }];
        app.balances.push(Balance { address: "module:insurance_fund".into(), coins });
    }
    app
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
