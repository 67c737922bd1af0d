//! Everything that can happen to one order in one block, by threes, in every order.
//!
//! Messages come in the order of the row. What the chain does by itself has its place in the block whatever the
//! row says: prices, expiry and triggers before all messages, liquidations after them. So rows that differ only
//! in where they name those must end the same, and every row must end as the model says.

use std::collections::BTreeMap;

use crate::chain::Chain;
use crate::engine::{Done, Engine};
use crate::setting::Setting;
use crate::terms::{Force, Id, MeetsOwn, Note, Op, Order, Status, Until};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Somebody else joins the queue behind the order.
    Place,
    /// Its owner sends its id again with another size and price.
    Replace,
    /// Its owner cancels it.
    Cancel,
    /// Its time is up with this block.
    Expire,
    /// A waiting order of its owner, a stop-loss sale, wakes at the block's price.
    Trigger,
    /// Somebody sells into it.
    Fill,
    /// The price falls so far that its owner is liquidated.
    Liquidate,
    /// The authority pauses the market, from the next block on.
    Pause,
}

use Act::{Cancel, Expire, Fill, Liquidate, Pause, Place, Replace, Trigger};

const ACTS: [Act; 8] = [Place, Replace, Cancel, Expire, Trigger, Fill, Liquidate, Pause];

impl Act {
    /// Whether the chain does it by itself.
    fn is_scheduled(self) -> bool {
        matches!(self, Expire | Trigger | Liquidate)
    }
}

/// Accounts: the owner of the order, who sells to it, who joins the queue, who buys from the liquidated.
const OWNER: usize = 0;
const SELLER: usize = 2;
const JOINER: usize = 4;
const BIDDER: usize = 6;
const DOLLAR: u64 = 1_000_000_000;
/// Subticks of the order's price: 100 dollars a coin.
const PRICE: u64 = 100 * DOLLAR;

fn order(account: usize, client: u32, buy: bool, (size, price): (u64, u64)) -> Order {
    Order {
        id: Id { account, market: 1, flags: 0, client },
        buy,
        price,
        size,
        until: Until::Block(20),
        force: Force::Rest,
        reduce_only: false,
        metadata: 0,
        condition: None,
        twap: None,
        builder: None,
        meets_own: MeetsOwn::Maker,
        replaces: false,
        hash: [0; 32],
    }
}

/// The order that everything happens to; `flags` 0 or 64.
fn subject(flags: u32, expires: bool) -> Order {
    let mut order = order(OWNER, 1, true, (3_000, PRICE));
    order.id.flags = flags;
    order.until = match (flags, expires) {
        (0, false) => Until::Block(20),
        (0, true) => Until::Block(3),
        (_, false) => Until::Time(START + 600),
        (_, true) => Until::Time(START + 4),
    };
    order
}

const START: u32 = 1_767_225_600;

fn setting() -> Setting {
    let mut setting = Setting::odd();
    setting.markets.truncate(2);
    let market = &mut setting.markets[1];
    // A coin is a million base quantums; prices have nine decimals; subticks are prices.
    (market.step, market.tick, market.price) = (1_000, 1_000, PRICE);
    (market.lower_cap, market.upper_cap, market.default_funding) = (0, 0, 0);
    setting.bounds.equity_tiers.clear();
    setting.bounds.short_term_tiers.clear();
    setting
}

struct World {
    engine: Engine,
    chain: Chain,
    height: i64,
}

impl World {
    fn new() -> Self {
        let mut setting = setting();
        setting.bounds.max_resting = 100;
        let (mut engine, chain) = (Engine::new(&setting), setting.chain());
        engine.machine.full_checks = true;
        Self { engine, chain, height: 0 }
    }

    /// One block on both sides, which must agree.
    fn block(&mut self, price: u64, ops: Vec<Op>) -> Done {
        self.height += 1;
        let hashed = |op| match op {
            Op::Place(order) => Op::Place(self.engine.hashed(order)),
            other => other,
        };
        let ops: Vec<Op> = ops.into_iter().map(hashed).collect();
        let time = i64::from(START) + self.height;
        let prices = [(1, price)];
        let done = self.engine.block(time, &prices, &ops).expect("the conservation laws hold");
        let said = self.chain.block(time, &prices, &ops);
        for ((op, theirs), ours) in ops.iter().zip(&done.answers).zip(&said.answers) {
            assert_eq!(theirs, ours, "{op:?}: engine and model");
        }
        assert_eq!((&done.expired, &done.after), (&said.expired, &said.after), "engine and model");
        let exchange = &self.chain.exchange;
        assert_eq!(self.engine.difference(&exchange.ledger, &exchange.resting), None);
        done
    }

    /// The order rests, and its owner holds ten coins that a fall to 76 dollars makes too many.
    fn prepare(flags: u32, expires: bool, triggers: bool) -> Self {
        let mut world = Self::new();
        let coin = 1_000_000;
        let deposit = |account, dollars: u64| Op::Deposit { account, amount: dollars * coin };
        let funds = [(OWNER, 250), (SELLER, 100_000), (JOINER, 100_000), (BIDDER, 100_000)];
        world.block(PRICE, funds.map(|(account, dollars)| deposit(account, dollars)).to_vec());
        let mut ops = vec![
            Op::Place(order(SELLER, 9, false, (10 * coin, PRICE))),
            Op::Place(order(OWNER, 9, true, (10 * coin, PRICE))),
            Op::Place(subject(flags, expires)),
            Op::Place(order(BIDDER, 9, true, (20 * coin, 79 * DOLLAR))),
        ];
        if triggers {
            let mut stop = order(OWNER, 5, false, (2 * coin, 79 * DOLLAR));
            stop.id.flags = 32;
            (stop.until, stop.force) = (Until::Time(START + 500), Force::Immediate);
            stop.condition = Some((1, 99 * DOLLAR));
            ops.push(Op::Place(stop));
        }
        world.block(PRICE, ops);
        world.block(PRICE, Vec::new());
        world
    }

    fn ops(&self, flags: u32, act: Act) -> Vec<Op> {
        let id = subject(flags, false).id;
        match act {
            Place => vec![Op::Place(order(JOINER, 1, true, (2_000, PRICE)))],
            Replace => {
                let mut other = subject(flags, false);
                (other.size, other.price) = (5_000, PRICE - 1_000);
                other.replaces = flags != 0;
                other.until = match flags {
                    0 => Until::Block(21),
                    _ => Until::Time(START + 601),
                };
                vec![Op::Place(other)]
            }
            Cancel => {
                vec![Op::Cancel(id, if flags == 0 { Until::Block(22) } else { Until::Time(START + 700) })]
            }
            Fill => {
                let mut taker = order(SELLER, 1, false, (1_000, PRICE - 10_000));
                taker.force = Force::Immediate;
                vec![Op::Place(taker)]
            }
            Pause => vec![Op::Become { market: 1, status: Status::Paused }],
            Expire | Trigger | Liquidate => Vec::new(),
        }
    }
}

/// What is the same for every row that names the same messages in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    /// Codes of the messages in order; 0 for success.
    codes: Vec<u32>,
    notes: Vec<Note>,
    books: [u8; 32],
}

/// Run one row; answers how it ends.
fn row(flags: u32, acts: [Act; 3]) -> End {
    let mut world = World::prepare(flags, acts.contains(&Expire), acts.contains(&Trigger));
    let price = match (acts.contains(&Liquidate), acts.contains(&Trigger)) {
        (true, _) => 76 * DOLLAR,
        (false, true) => 98 * DOLLAR,
        (false, false) => PRICE,
    };
    // A message that comes again is another message: a second taker, a second one who joins.
    let mut ops = Vec::new();
    for (index, act) in acts.into_iter().enumerate() {
        let again = u32::try_from(acts[..index].iter().filter(|other| **other == act).count()).unwrap();
        for mut op in world.ops(flags, act) {
            if let (Op::Place(order), Place | Fill) = (&mut op, act) {
                order.id.client += 10 * again;
            }
            ops.push(op);
        }
    }
    let mut twin = world.engine.twin();
    let done = world.block(price, ops.clone());
    let hashed: Vec<Op> = ops
        .into_iter()
        .map(|op| match op {
            Op::Place(order) => Op::Place(twin.hashed(order)),
            other => other,
        })
        .collect();
    let again = twin.block(i64::from(START) + world.height, &[(1, price)], &hashed).unwrap();
    assert_eq!(done.answers, again.answers, "two runs differ");
    assert_eq!((&done.expired, &done.after), (&again.expired, &again.after), "two runs differ");
    let books = world.engine.machine.books().hash();
    assert_eq!(books, twin.machine.books().hash(), "two runs differ");
    world.engine.restart();
    world.block(price, Vec::new());
    let codes = done.answers.iter().map(|answer| answer.refused.as_ref().map_or(0, |refused| refused.1));
    let codes = codes.collect();
    let notes = done.answers.into_iter().flat_map(|answer| answer.notes);
    let notes = done.expired.into_iter().chain(notes).chain(done.after).collect();
    End { codes, notes, books }
}

/// All rows of three, repeated ones too.
fn rows() -> impl Iterator<Item = [Act; 3]> {
    let pairs = ACTS.into_iter().flat_map(|one| ACTS.into_iter().map(move |two| (one, two)));
    pairs.flat_map(|(one, two)| ACTS.into_iter().map(move |three| [one, two, three]))
}

#[test]
fn every_three_events_of_a_block_in_every_order_end_as_the_model_says() {
    for flags in [0, 64] {
        let mut ends: BTreeMap<(Vec<Act>, Vec<Act>), End> = BTreeMap::new();
        let mut count = 0;
        for acts in rows() {
            let end = row(flags, acts);
            let messages: Vec<Act> = acts.into_iter().filter(|act| !act.is_scheduled()).collect();
            let mut scheduled: Vec<Act> = acts.into_iter().filter(|act| act.is_scheduled()).collect();
            scheduled.sort();
            scheduled.dedup();
            let known = ends.entry((messages, scheduled)).or_insert_with(|| end.clone());
            assert_eq!(*known, end, "{acts:?}: the chain's own events moved");
            count += 1;
        }
        assert_eq!(count, ACTS.len().pow(3));
        println!("flags {flags}: {count} orderings, {} different blocks", ends.len());
    }
}

#[test]
fn what_comes_first_decides() {
    let code = |flags, acts: [Act; 3], index: usize| row(flags, acts).codes[index];
    for (flags, cancelled, again) in [(0, 7, 0), (64, 3006, 3006)] {
        // A cancelled short-term id stays cancelled; of a long-term one nothing is left to replace.
        assert_eq!(code(flags, [Cancel, Replace, Place], 1), cancelled);
        // The whole order is sold into: nothing is left to cancel, and only a short-term cancel is remembered.
        assert_eq!(code(flags, [Fill, Fill, Fill], 2), 0);
        assert_eq!(code(flags, [Cancel, Fill, Place], 1), 0);
        // What the chain does by itself has happened.
        let end = row(flags, [Trigger, Fill, Liquidate]);
        let triggered =
            |note: &Note| matches!(note, Note::Later { kind, .. } if kind == "conditional_triggered");
        assert!(end.notes.iter().any(triggered), "nothing was triggered");
        let liquidated = |note: &Note| matches!(note, Note::Liquidated { account: OWNER, .. });
        assert!(end.notes.iter().any(liquidated), "nobody was liquidated");
        // Nobody trades with an order whose time is up, nor cancels what is gone.
        assert_eq!(code(flags, [Fill, Cancel, Expire], 1), again);
        let end = row(flags, [Fill, Place, Expire]);
        let traded = |note: &&Note| matches!(note, Note::Fill { maker, .. } if maker.account == OWNER);
        assert_eq!(end.notes.iter().filter(traded).count(), 0, "an order traded after its time");
    }
}
