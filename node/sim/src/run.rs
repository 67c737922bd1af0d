//! One seed: a world, a network around it, its blocks, and what must hold after each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use app::{BlockInput, Genesis};
use scenario::{Dice, World};
use tendermint_proto::v0_38::abci::ResponseFinalizeBlock;
use tree::{Breakage, Store};
use types::Time;

use crate::agents::{Agents, Role};
use crate::canary::{self, Canary};
use crate::counts::{Counts, Failure};
use crate::crowd::USD;
use crate::engine::{self, Engine, Weather};
use crate::faults::{Rates, Trouble};
use crate::healing::{Healing, VISITORS};
use crate::laws::Laws;
use crate::market::Market;
use crate::network::Network;
use crate::script::{Script, What};
use crate::second::Second;
use crate::story::{Mode, Story};
use crate::swarm;
use crate::twins::{Block, History, Kind, Twin};

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
    let none = |reason| Failure { seed: story.seed, height: 0, reason, told: Vec::new() };
    let mut stage = Stage::new(story).map_err(none)?;
    for height in 1..=story.blocks {
        let told = stage.block(story, height).and_then(|()| watcher(height, &mut stage.world));
        if let Err(reason) = told {
            let told = stage.script.told().to_vec();
            return Err(Failure { seed: story.seed, height, reason, told });
        }
    }
    stage.end(story)
}

/// Tell `count` seeds, the first of which is that of `story`, on so many threads.
///
/// # Errors
/// With the story of the lowest seed that was found to fail, and how it fails.
pub fn many(story: &Story, count: u64, threads: usize) -> Result<Counts, (Story, Failure)> {
    let (next, end) = (AtomicU64::new(story.seed), story.seed.saturating_add(count));
    let (all, failures) = (Mutex::new(Counts::default()), Mutex::new(BTreeMap::new()));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let told = Story { seed, ..story.clone() };
        match simulate(&told) {
            Ok(counts) => all.lock().iter_mut().for_each(|all| all.add(&counts)),
            Err(failure) => {
                next.store(end, Ordering::Relaxed);
                failures
                    .lock()
                    .iter_mut()
                    .for_each(|all| drop(all.insert(seed, (told.clone(), failure.clone()))));
            }
        }
    };
    std::thread::scope(|scope| (0..threads.max(1)).for_each(|_| drop(scope.spawn(work))));
    let first = failures.into_inner().ok().and_then(|mut all| all.pop_first());
    first.map_or_else(|| Ok(all.into_inner().unwrap_or_default()), |(_, failed)| Err(failed))
}

/// Chance of its own for each part of each block, so that leaving one thing out changes nothing else.
#[derive(Clone, Copy, Debug)]
enum Part {
    Start,
    Market,
    Agents,
    Rounds,
    Votes,
    Rebuilt,
    Trouble,
    Visitors,
}

fn chance(seed: u64, height: u64, part: Part) -> Dice {
    let part = match part {
        Part::Start => 0,
        Part::Market => 1,
        Part::Agents => 2,
        Part::Rounds => 3,
        Part::Votes => 4,
        Part::Rebuilt => 5,
        Part::Trouble => 6,
        Part::Visitors => 7,
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
    /// In a quarter of the seeds some of what blocks do by themselves fails.
    stumbling: Option<u64>,
    genesis: Genesis,
    history: History,
    laws: Laws,
    second: Second,
    tree: Store,
    counts: Counts,
    script: Script,
    healing: Healing,
    /// The canary's bug is in.
    planted: bool,
}

impl Stage {
    fn new(story: &Story) -> Result<Self, String> {
        let mut dice = chance(story.seed, 0, Part::Start);
        let agents = Agents::new(&mut dice);
        let mut app = swarm::document(&mut dice);
        swarm::widen(&mut app, &mut dice);
        agents.prepare(&mut app);
        let market = Market::new(&app, &mut dice);
        let network = Network::new(&mut dice);
        let (weather, rates) = (Weather::draw(&mut dice), Rates::draw(&mut dice));
        let genesis = World::genesis(
            app,
            &[agents.people(), VISITORS.to_vec()].concat(),
            100_000 * USD,
            network.genesis(),
        );
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
        let mut second = Second::new(&world.machine, &[agents.people(), VISITORS.to_vec()].concat());
        let stumbling = dice.once_in(4).then(|| dice.roll());
        if story.canary.is_some_and(|canary| canary != Canary::Fee) {
            second.leave("another bug is planted");
        }
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
            stumbling,
            genesis,
            history: Vec::new(),
            laws,
            second,
            tree,
            counts,
            script: Script::new(story.only.clone()),
            healing: Healing::default(),
            planted: false,
        })
    }

    /// One block of chaos or of healing, and everything that must hold afterwards.
    fn block(&mut self, story: &Story, height: u64) -> Result<(), String> {
        let chance = |part| chance(story.seed, height, part);
        let heals = height > story.chaos;
        let calm = Weather { max_bytes: self.weather.max_bytes.max(30_000), ..Weather::default() };
        let weather = if heals { calm } else { self.weather };
        if height == 1 || height == story.chaos + 1 {
            let seed = self.stumbling.filter(|_| !heals);
            self.world.stumble(seed);
            self.twins.iter_mut().for_each(|twin| twin.stumble(seed));
        }
        self.market.step(&mut self.world, heals, &mut chance(Part::Market));
        self.counts.rounds.note("leap of time", u64::from(self.world.block_seconds > 60));
        let mut txs = self.agents.act(&self.world, &self.market, &mut chance(Part::Agents));
        let chain = self.world.machine.chain();
        let mut index = 0..;
        txs.retain(|tx| {
            let part = (height, What::Transaction, index.next().unwrap_or_default());
            self.script.tells(part, || describe(tx, chain))
        });
        if heals {
            let dice = &mut chance(Part::Visitors);
            self.engine.offer(height, self.healing.act(&self.world, &self.market, dice), &self.twins);
        }
        self.engine.offer(height, txs, &self.twins);
        let block = self.consensus(story, &weather)?;
        if story.canary == Some(Canary::Money) && height > story.chaos / 2 && !self.planted {
            self.planted = canary::print_money(&mut self.world);
        }
        if story.canary == Some(Canary::Fee) && height > story.chaos / 2 {
            self.second.err();
        }
        let input = engine::input(&self.world, &block);
        self.execute(&input, &mut chance(Part::Rebuilt))?;
        self.agents.hear(&input, &self.world.last);
        let rates = if heals { Rates::default() } else { self.rates };
        self.follow(block, (story, &rates), &mut chance(Part::Trouble))?;
        self.engine.recheck(&self.twins);
        if heals {
            self.healing.look(&self.world, &self.market);
            // What the governor decreed may well keep people from trading, for good.
            if !self.agents.plays(Role::Governor) {
                self.healing.judge()?;
            }
        }
        self.count(&input);
        Ok(())
    }

    /// Rounds until there is a block, and the votes for it.
    fn consensus(&mut self, story: &Story, weather: &Weather) -> Result<Block, String> {
        let height = self.world.height() + 1;
        let (block, round) = self.engine.decide(
            (&self.world, &self.twins, &self.network),
            weather,
            &mut chance(story.seed, height, Part::Rounds),
            (&mut self.counts.rounds, &mut self.script),
        )?;
        let dice = &mut chance(story.seed, height, Part::Votes);
        let mut ballot = weather.ballot;
        if !ballot.is_calm() && !self.script.tells((height, What::Votes, 0), || format!("{ballot:?}")) {
            ballot = Default::default();
        }
        let (network, twins, prices) = (&self.network, &self.twins, &self.world.prices);
        let rounds = &mut self.counts.rounds;
        self.engine.vote((height, round), (network, twins), prices, &ballot, (dice, rounds))?;
        Ok(block)
    }

    /// Execute a block on the world; at times beside one that was rebuilt from its rows.
    fn execute(&mut self, input: &BlockInput, dice: &mut Dice) -> Result<(), String> {
        if dice.once_in(20) {
            self.world.restart();
        }
        let mut twin = dice.once_in(8).then(|| self.world.twin());
        let before = self.world.machine.stumbled().clone();
        let changes = self.world.execute(input).map_err(|fault| fault.to_string())?;
        for (kind, count) in self.world.machine.stumbled() {
            let before = before.get(kind).copied().unwrap_or_default();
            self.counts.rounds.note(kind.name(), count - before);
        }
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
        self.second.after_block(machine, input, outcome)?;
        Ok(())
    }

    /// Every node executes the block and must get what the world got.
    fn follow(&mut self, block: Block, of: (&Story, &Rates), dice: &mut Dice) -> Result<(), String> {
        let app_hash = self.tree.reader().latest().app_hash();
        let mut first = None;
        for number in 0..self.twins.len() {
            let response = self.step(number, &block, of, dice)?;
            let twin = &self.twins[number];
            let (kind, last) = (twin.kind, twin.done());
            if last.app_hash != app_hash || response.app_hash[..] != app_hash {
                return Err(format!("I-28: {kind:?} has another app hash"));
            }
            let (ours, theirs) = (&self.world.last, &last.outcome);
            if (&ours.results, &ours.events, ours.begin) != (&theirs.results, &theirs.events, theirs.begin) {
                return Err(format!("I-28: {kind:?} has other results or events"));
            }
            if *first.get_or_insert_with(|| response.clone()) != response {
                return Err(format!("I-28: {kind:?} answers something else"));
            }
        }
        if let Some(response) = first {
            self.history.push((block, response));
        }
        Ok(())
    }

    /// One node executes the block, with the trouble that it has.
    fn step(
        &mut self,
        number: usize,
        block: &Block,
        (story, rates): (&Story, &Rates),
        dice: &mut Dice,
    ) -> Result<ResponseFinalizeBlock, String> {
        let twin = &mut self.twins[number];
        let due = number == 0 && block.height > story.chaos / 2;
        let mut trouble = Trouble::draw(twin.kind, rates, dice);
        if let Some(name) = trouble.name() {
            if self.script.tells((block.height, What::Trouble, number), || format!("{trouble:?}")) {
                self.counts.rounds.note(name, 1);
            } else {
                trouble = Trouble::None;
            }
        }
        let mut own = block.clone();
        match story.canary {
            Some(Canary::Clock) if due && !self.planted => {
                self.planted = true;
                own.time = Time::from_nanos(own.time.nanos_total() + 1);
            }
            Some(Canary::Write) if due && !self.planted => {
                (self.planted, trouble) = (true, Trouble::None);
                twin.medium().set(Breakage::Lose);
            }
            Some(Canary::Write) if due => trouble = Trouble::Killed,
            _ => {}
        }
        let response = twin.run(&own, trouble, (&self.genesis, &self.history));
        twin.medium().set(Breakage::None);
        response.map_err(|reason| format!("{:?}, {trouble:?}: {reason}", twin.kind))
    }

    fn count(&mut self, input: &BlockInput) {
        let (counts, outcome) = (&mut self.counts, &self.world.last);
        counts.blocks += 1;
        counts.summary.add(&outcome.summary);
        for result in outcome.results.iter().skip(usize::from(input.votes)) {
            counts.transactions += 1;
            let Some(refusal) = &result.refusal else { continue };
            *counts.refused.entry((refusal.codespace.clone(), refusal.code)).or_default() += 1;
        }
    }

    fn end(mut self, story: &Story) -> Result<Counts, Failure> {
        let roots = roots(&mut self.world, &self.tree);
        let failed = |reason| Failure {
            seed: story.seed,
            height: story.blocks,
            reason,
            told: self.script.told().to_vec(),
        };
        roots.map_err(failed)?;
        self.laws.note("I-20", 1);
        self.laws.note("I-28", self.counts.blocks);
        self.laws.note("I-29", self.counts.blocks);
        self.laws.note("I-30", self.counts.rounds.accepted);
        self.counts.agents = self.agents.tally().clone();
        self.counts.by_law = self.laws.counts().clone();
        self.counts.healing = self.healing.traded.unwrap_or_default();
        self.counts.healed = u64::from(self.healing.traded.is_some());
        self.counts.seconded = self.second.counts();
        self.counts.seeds = 1;
        Ok(self.counts)
    }
}

/// A transaction in a few words.
fn describe(tx: &[u8], chain: &types::Chain) -> String {
    let parsed = app::msg::Transaction::decode(tx, &accounts::Limits::default(), chain);
    let text = parsed.map_or_else(
        |_| format!("{} bytes that are no transaction", tx.len()),
        |parsed| format!("{:?}", parsed.messages),
    );
    text.chars().take(400).collect()
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
