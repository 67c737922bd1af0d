//! Trades per second of `subaccounts::update` alone, on one thread, with what it allocates, and the memory that
//! accounts and positions take.
//! `cargo run --release -p subaccounts --example update_bench [-- TRADES [ACCOUNTS]]`.
#![expect(
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::integer_division,
    clippy::unwrap_used,
    reason = "a benchmark counts and prints"
)]

use std::alloc::System;
use std::collections::BTreeMap;
use std::time::Duration;

use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm};
use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use store::{Ctx, Memory, State};
use subaccounts::{Accounts, Kind, Subaccount, Update};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Processor time of this thread as the kernel counts it, so that neighbours on the machine count less.
fn processor() -> u64 {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// Allocations since the start, and bytes that are allocated now.
fn memory() -> (u64, i64) {
    let stats = INSTRUMENTED_SYSTEM.stats();
    let live = stats.bytes_allocated - stats.bytes_deallocated;
    ((stats.allocations + stats.reallocations) as u64, live as i64)
}

const MARKETS: u32 = 20;
const PRICE: u64 = 5_000_000_000;

fn account(number: u32) -> SubaccountId {
    let mut owner = [7; 20];
    owner[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    SubaccountId { owner: Address::new(owner), number: 0 }
}

fn genesis(ctx: &mut Ctx<'_>, accounts: u32) {
    let rich = 1_000_000_000_000_i128;
    let coin = Coin {
        denom: ctx.chain.collateral.clone(),
        amount: u128::try_from(rich).unwrap() * u128::from(accounts),
    };
    bank::mint(ctx, &subaccounts::pool(), &coin).unwrap();
    let time = ctx.block.time;
    let markets = (0..MARKETS).map(MarketId);
    let price = prices::OraclePrice::new(Price::new(PRICE), 1, time);
    let oracle = prices::Genesis {
        network: Default::default(),
        silent: Vec::new(),
        params: prices::Params::default(),
        markets: markets
            .clone()
            .map(|market| prices::MarketParams {
                market,
                pair: format!("M{market}-USD"),
                exponent: -5,
                min_price_change: Ppm::new(1_000),
            })
            .collect(),
        prices: markets.clone().map(|market| (market, price)).collect(),
    };
    prices::genesis::init(ctx, &oracle).unwrap();
    let tier = perpetuals::Tier {
        id: 0,
        name: "tier".into(),
        initial_margin: Ppm::new(50_000),
        maintenance_fraction: Ppm::new(600_000),
        impact_notional: QuoteQuantums::new(1),
        open_interest_lower_cap: QuoteQuantums::new(1_000_000_000_000),
        open_interest_upper_cap: QuoteQuantums::new(5_000_000_000_000_000_000),
    };
    let perpetual = |market: MarketId| perpetuals::Perpetual {
        market,
        ticker: format!("M{market}-USD"),
        atomic_resolution: -10,
        default_funding: SignedPpm::ZERO,
        tier: 0,
        funding_index: FundingIndex::ZERO,
        open_interest: BaseQuantums::ZERO,
    };
    let terms = perpetuals::Genesis {
        tiers: vec![tier],
        perpetuals: markets.map(|market| (perpetual(market), perpetuals::MarketType::Cross)).collect(),
        ..perpetuals::Genesis::default()
    };
    perpetuals::genesis::init(ctx, &terms).unwrap();
    let row =
        |number| (account(number), Subaccount { quote: QuoteQuantums::new(rich), ..Subaccount::default() });
    let mut rows: Vec<_> = (0..accounts).map(row).collect();
    rows.sort_by_key(|(id, _)| *id);
    subaccounts::genesis::init(ctx, &subaccounts::Genesis { accounts: rows, ..Default::default() }).unwrap();
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// One trade between two accounts in one market, at the oracle price, with fees.
fn trade(dice: &mut Dice, accounts: u32) -> [Update; 2] {
    let people = u64::from(accounts);
    let first = dice.below(people);
    let second = (first + 1 + dice.below(people - 1)) % people;
    let market = MarketId(u32::try_from(dice.below(u64::from(MARKETS).min(5))).unwrap());
    let size = i128::from(dice.below(1_000_000_000)) + 1;
    let size = if dice.below(2) == 0 { size } else { -size };
    let cost = size * i128::from(PRICE) / 1_000_000_000;
    let leg = |number: u64, size: i128, cost: i128, fee: i128| Update {
        id: account(u32::try_from(number).unwrap()),
        quote: QuoteQuantums::new(-cost - fee),
        base: Some((market, BaseQuantums::new(size))),
        fee: QuoteQuantums::new(fee),
    };
    [leg(first, size, cost, cost.abs() / 2_000), leg(second, -size, -cost, 0)]
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u32>().ok());
    let trades = arguments.next().unwrap_or(1_000_000);
    let people = arguments.next().unwrap_or(10_000);
    let time = Time::from_unix(1_700_000_000, 0);
    let block = Block { height: 10, time, previous_time: time };
    let collateral = Denom::new("uusdc").unwrap();
    let chain = Chain { chain_id: "bench-1".into(), prefix: "ballast".into(), collateral };
    let (mut state, mut events) = (Memory::default(), Events::default());
    let empty = memory().1;
    genesis(&mut Ctx { state: &mut state, events: &mut events, block: &block, chain: &chain }, people);
    state.take_changes();
    let before = memory().1;
    let row = (before - empty) / i64::from(people);
    let mut accounts = Accounts::rebuild(&state);
    let bytes = memory().1 - before;
    println!("{people} accounts: {} bytes each decoded, {row} in their rows", bytes / i64::from(people));
    accounts.begin_block(&state, &block);
    let mut dice = Dice(1);
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    let mut run = |state: &mut Memory, accounts: &mut Accounts, events: &mut Events, count: u32| {
        let (mut done, start, calls) = (0_u32, processor(), memory().0);
        for at in 0..count {
            if at % 1_000 == 0 {
                events.truncate(0);
            }
            let updates = trade(&mut dice, people);
            let mut ctx = Ctx { state, events, block: &block, chain: &chain };
            match subaccounts::update(&mut ctx, accounts, &updates, Kind::Match) {
                Ok(()) => done += 1,
                Err(why) => *refused.entry(why.to_string()).or_default() += 1,
            }
        }
        (done, memory().0 - calls, Duration::from_nanos(processor() - start))
    };
    run(&mut state, &mut accounts, &mut events, trades.max(people * 20));
    let (done, calls, took) = run(&mut state, &mut accounts, &mut events, trades);
    let each = took.as_secs_f64() / f64::from(trades);
    println!(
        "{trades} trades of two accounts ({done} accepted) in {took:.2?}: {:.0} ns each, {:.2} M/s, {} allocations",
        each * 1e9,
        1e-6 / each,
        calls
    );
    let held: usize = (0..people).map(|number| accounts.get(&account(number)).positions.len()).sum();
    let (start, calls) = (processor(), memory().0);
    let (person, times) = (account(0), 1_000_000_u32);
    for _ in 0..times {
        std::hint::black_box(accounts.risk(std::hint::black_box(&person)).unwrap());
    }
    let (took, calls) = (processor() - start, memory().0 - calls);
    println!(
        "risk of one account with {} positions: {:.0} ns, {calls} allocations",
        accounts.get(&person).positions.len(),
        took as f64 / f64::from(times),
    );
    let start = processor();
    accounts.flush(&mut state);
    println!(
        "rows of {people} accounts with {held} positions written in {:.2?}",
        Duration::from_nanos(processor() - start)
    );
    state.take_changes();
    drop(accounts);
    events.truncate(0);
    let rows = memory().1;
    let again = Accounts::rebuild(state.as_read());
    let hot = memory().1 - rows;
    let positions = i64::try_from(held).unwrap().max(1);
    println!(
        "{held} positions: {} bytes each decoded, {} in rows",
        (hot - bytes) / positions,
        (rows - before) / positions
    );
    println!("refused {refused:?}, digest {:02x?}", &again.hash()[..4]);
}
