//! The same trading told in another way: in parts, by more accounts, in another order, in larger units. Nobody
//! gains by it, and what anybody loses is bounded by the number of roundings.

use num_traits::Zero;
use scenario::Dice;

use crate::engine::Engine;
use crate::money::{int, Int};
use crate::setting::Setting;
use crate::terms::{Force, Id, MeetsOwn, Op, Order, Until};

/// The person who trades in parts has accounts 0 and 1, the other side account 2.
const WHOLE: usize = 0;
const PART: usize = 1;
const OTHER: usize = 2;
const DEPOSIT: u64 = 10_000_000_000_000;

/// One trade: who makes and who takes, and the parts in which it is told.
#[derive(Clone, Copy)]
struct Trade {
    market: u32,
    buy: bool,
    makes: bool,
    steps: u64,
    price: u64,
}

struct World {
    engine: Engine,
    time: i64,
    client: u32,
    /// Prices of the next blocks.
    prices: Vec<(u32, u64)>,
}

impl World {
    fn new(setting: &Setting) -> Self {
        let mut engine = Engine::new(setting);
        engine.machine.full_checks = true;
        let prices = setting.markets.iter().map(|market| (market.id, market.price)).collect();
        Self { engine, time: setting.start, client: 0, prices }
    }

    fn block(&mut self, seconds: i64, ops: Vec<Op>) {
        self.time += seconds;
        let hashed = |op| match op {
            Op::Place(order) => Op::Place(self.engine.hashed(order)),
            other => other,
        };
        let ops: Vec<Op> = ops.into_iter().map(hashed).collect();
        let done = self.engine.block(self.time, &self.prices, &ops).expect("the conservation laws hold");
        for (op, answer) in ops.iter().zip(done.answers) {
            assert_eq!(answer.refused, None, "{op:?}");
        }
    }

    fn order(&mut self, account: usize, trade: &Trade, buy: bool, size: u64, force: Force) -> Op {
        self.client += 1;
        let id = Id { account, market: trade.market, flags: 0, client: self.client };
        let until = Until::Block(u32::try_from(self.engine.machine.last_block().0 + 3).unwrap());
        let (price, metadata, hash) = (trade.price, 0, [0; 32]);
        Op::Place(Order {
            id,
            buy,
            price,
            size,
            until,
            force,
            reduce_only: false,
            metadata,
            condition: None,
            twap: None,
            builder: None,
            meets_own: MeetsOwn::Maker,
            replaces: false,
            hash,
        })
    }

    /// Tell a trade with each part of its size in an order of its own, by the account beside it.
    fn tell(&mut self, trade: &Trade, parts: &[(usize, u64)]) {
        let all: u64 = parts.iter().map(|(_, size)| size).sum();
        let mut ops = Vec::new();
        if trade.makes {
            for (account, size) in parts {
                ops.push(self.order(*account, trade, trade.buy, *size, Force::PostOnly));
            }
            ops.push(self.order(OTHER, trade, !trade.buy, all, Force::Immediate));
        } else {
            ops.push(self.order(OTHER, trade, !trade.buy, all, Force::PostOnly));
            for (account, size) in parts {
                ops.push(self.order(*account, trade, trade.buy, *size, Force::Immediate));
            }
        }
        self.block(1, ops);
    }

    /// Collateral of some accounts together, and their position in each market.
    fn holds(&self, accounts: &[usize]) -> (Int, Vec<Int>) {
        let state = self.engine.machine.state();
        let held: Vec<_> =
            accounts.iter().map(|account| subaccounts::get(state, &self.engine.ids[*account])).collect();
        let size = |market: u32| held.iter().map(|h| int(h.size(types::MarketId(market)).raw())).sum();
        let quote = held.iter().map(|h| int(h.quote.raw())).sum();
        (quote, self.prices.iter().map(|(market, _)| size(*market)).collect())
    }

    fn fees(&self) -> Int {
        let denom = self.engine.machine.chain().collateral.clone();
        int(bank::balance(self.engine.machine.state(), &fees::collector(), &denom))
    }
}

fn setting() -> Setting {
    let mut setting = Setting::odd();
    for market in &mut setting.markets {
        (market.lower_cap, market.upper_cap, market.isolated) = (0, 0, false);
    }
    setting.bounds.short_term_tiers.clear();
    setting.bounds.tiers.truncate(1);
    setting.bounds.short_term_per_block = 1_000;
    setting.bounds.max_resting = 1_000;
    setting.bounds.max_fills = 1_000;
    setting
}

fn subticks(setting: &Setting, index: usize, price: u64) -> u64 {
    let market = &setting.markets[index];
    let exponent = market.oracle_exponent() - market.conversion_exponent;
    let power = 10u64.pow(exponent.unsigned_abs());
    let raw = if exponent < 0 { price / power } else { price * power };
    raw / market.tick * market.tick
}

fn trades(setting: &Setting, dice: &mut Dice, count: usize) -> Vec<Trade> {
    let one = |_| {
        let index = usize::try_from(dice.within(0, setting.markets.len() as u64 - 1)).unwrap();
        let market = &setting.markets[index];
        let price = market.price / 1_000 * dice.within(990, 1_010);
        Trade {
            market: market.id,
            buy: dice.once_in(2),
            makes: dice.once_in(2),
            steps: 2 * dice.within(1, 500),
            price: subticks(setting, index, price),
        }
    };
    (0..count).map(one).collect()
}

/// Tell the same trades whole and in parts, with funding between them. Answers both worlds.
fn told_twice(seed: u64, parts: impl Fn(u64) -> Vec<(usize, u64)>) -> (World, World) {
    let setting = setting();
    let mut dice = Dice::new(seed);
    let (mut whole, mut split) = (World::new(&setting), World::new(&setting));
    let deposits = [(WHOLE, 2 * DEPOSIT), (PART, 0), (OTHER, 2 * DEPOSIT)];
    let halves = [(WHOLE, DEPOSIT), (PART, DEPOSIT), (OTHER, 2 * DEPOSIT)];
    for (world, deposits) in [(&mut whole, deposits), (&mut split, halves)] {
        let paid = deposits.into_iter().filter(|(_, amount)| *amount > 0);
        world.block(1, paid.map(|(account, amount)| Op::Deposit { account, amount }).collect());
    }
    for (index, trade) in trades(&setting, &mut dice, 120).into_iter().enumerate() {
        let step = setting.markets.iter().find(|market| market.id == trade.market).unwrap().step;
        whole.tell(&trade, &[(WHOLE, trade.steps * step)]);
        let halves: Vec<_> =
            parts(trade.steps).into_iter().map(|(account, steps)| (account, steps * step)).collect();
        split.tell(&trade, &halves);
        if index % 15 == 14 {
            for world in [&mut whole, &mut split] {
                world.block(3_600, Vec::new());
            }
        }
    }
    (whole, split)
}

/// Each trade may cost the worth's and both fees' rounding once more for each further part, each funding
/// settlement one more.
const ROUNDINGS: i64 = 120 * 3 * 3 + 2 * 120;

fn no_value_is_created(whole: &World, split: &World) {
    let (mine, other) = ([WHOLE, PART], [OTHER]);
    for accounts in [&mine[..], &other[..]] {
        let ((before, sizes), (after, same)) = (whole.holds(accounts), split.holds(accounts));
        assert_eq!(sizes, same, "positions");
        let moved: Int = &after - &before;
        assert!(moved >= int(-ROUNDINGS) && moved <= int(ROUNDINGS), "{accounts:?}: {before} became {after}");
    }
    let all = [WHOLE, PART, OTHER];
    let (before, after) = (whole.holds(&all).0, split.holds(&all).0);
    assert!(after <= before, "people have {before} and in parts {after}");
    assert!(split.fees() >= whole.fees(), "fees are {} and in parts {}", whole.fees(), split.fees());
    assert!(split.fees() - whole.fees() <= int(ROUNDINGS));
}

#[test]
fn an_account_that_is_split_in_two_creates_no_value() {
    for seed in 0..3 {
        let (whole, split) = told_twice(seed, |steps| vec![(WHOLE, steps / 2), (PART, steps / 2)]);
        no_value_is_created(&whole, &split);
    }
}

#[test]
fn a_fill_that_is_split_in_parts_creates_no_value() {
    for seed in 10..13 {
        let parts = |steps: u64| {
            let third = (steps / 3).max(1);
            let mut parts = vec![third, third, steps.saturating_sub(2 * third)];
            parts.retain(|part| *part > 0);
            let sum: u64 = parts.iter().sum();
            parts[0] -= sum - steps;
            parts.into_iter().filter(|part| *part > 0).map(|part| (WHOLE, part)).collect()
        };
        let (whole, split) = told_twice(seed, parts);
        no_value_is_created(&whole, &split);
    }
}

#[test]
fn independent_markets_may_be_told_in_any_order() {
    let setting = setting();
    for seed in 20..23 {
        let mut dice = Dice::new(seed);
        let mut worlds: Vec<World> = (0..3).map(|_| World::new(&setting)).collect();
        let accounts = setting.accounts.len();
        for world in &mut worlds {
            let deposit = |account| Op::Deposit { account, amount: DEPOSIT };
            world.block(1, (0..accounts).map(deposit).collect());
        }
        for round in 0..30_u32 {
            // Each market has accounts of its own, so no order of one touches another.
            let mut lists: Vec<Vec<Op>> = Vec::new();
            for (index, market) in setting.markets.iter().enumerate() {
                let mut random = |client: u32, dice: &mut Dice| {
                    let mine = [2 * index, 2 * index + 1];
                    let price = market.price / 1_000 * dice.within(995, 1_005);
                    let price = subticks(&setting, index, price);
                    let trade =
                        Trade { market: market.id, buy: dice.once_in(2), makes: false, steps: 0, price };
                    let size = dice.within(1, 50) * market.step;
                    let account = *dice.pick(&mine);
                    let op = worlds[0].order(account, &trade, trade.buy, size, Force::Rest);
                    let Op::Place(mut order) = op else { unreachable!() };
                    order.id.client = round * 100 + client;
                    Op::Place(order)
                };
                lists.push((0..8).map(|client| random(client, &mut dice)).collect());
            }
            let forward: Vec<Op> = lists.iter().flatten().cloned().collect();
            let backward: Vec<Op> = lists.iter().rev().flatten().cloned().collect();
            let zipped = (0..8).flat_map(|at| lists.iter().map(move |list| list[at].clone())).collect();
            for (world, ops) in worlds.iter_mut().zip([forward, backward, zipped]) {
                world.engine.machine.full_checks = false;
                world.block(1, ops);
            }
        }
        let told: Vec<_> = worlds.iter().map(|world| world.engine.told()).collect();
        assert!(told[0] == told[1] && told[1] == told[2], "seed {seed}: the order of markets matters");
    }
}

#[test]
fn a_world_a_thousand_times_larger_differs_by_its_roundings_only() {
    let setting = setting();
    const FACTOR: u64 = 1_000;
    for seed in 30..32 {
        let mut dice = Dice::new(seed);
        let (mut small, mut large) = (World::new(&setting), World::new(&setting));
        for (world, factor) in [(&mut small, 1), (&mut large, FACTOR)] {
            let deposit = |account| Op::Deposit { account, amount: 100_000_000_000 * factor };
            world.block(1, [WHOLE, OTHER].map(deposit).to_vec());
        }
        let mut told = Int::zero();
        for mut trade in trades(&setting, &mut dice, 60) {
            trade.steps %= 40;
            trade.steps += 1;
            let step = setting.markets.iter().find(|market| market.id == trade.market).unwrap().step;
            small.tell(&trade, &[(WHOLE, trade.steps * step)]);
            large.tell(&trade, &[(WHOLE, trade.steps * step * FACTOR)]);
            told += 1;
        }
        let (less, more) = (small.fees() * FACTOR, large.fees());
        assert!(more <= less, "the larger world pays {more}, the small one {less} in its units");
        // Two fees, each of a worth that was rounded down by less than one quote quantum.
        assert!(less - more <= told * 3 * FACTOR);
    }
}
