//! Goal G19: bytes that a position takes with everything that leads to it, part by part.
//! `cargo run --release -p liquidations --example position_bench [-- ACCOUNTS]`.
//!
//! Counted are all bytes that the allocator gave, by the difference that positions make: the same accounts are
//! measured with none and with theirs. Row: what the store keeps of it. Hot: what a block works on, that is the
//! decoded position, the room that stands empty beside it, and its place among the holders of its market. Watch:
//! the index that finds who must be liquidated. Accounts have 1 to 7 positions in 64 markets. The last line is
//! JSON.
#![expect(
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::unwrap_used,
    reason = "a benchmark counts and prints"
)]

use std::alloc::System;
use std::collections::{BTreeMap, BTreeSet};

use liquidations::Watch;
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm};
use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use store::{Ctx, Memory};
use subaccounts::{Accounts, Ledger, Position, Subaccount};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MARKETS: u32 = 64;
const PRICE: u64 = 5_000_000_000;
const RICH: i128 = 1_000_000_000_000;

fn live() -> f64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    (stats.bytes_allocated - stats.bytes_deallocated) as f64
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Money of a position: up to 10,000 dollars either way.
    fn money(&mut self) -> QuoteQuantums {
        QuoteQuantums::new(i128::from(self.below(20_000_000_000)) - 10_000_000_000)
    }
}

type Rows = Vec<(SubaccountId, Subaccount)>;

/// Accounts in pairs that hold the same positions against each other; open interest of each market.
fn rows(accounts: u32, with_positions: bool) -> (Rows, BTreeMap<MarketId, i128>, usize) {
    let (mut dice, mut open, mut count) = (Dice(1), BTreeMap::new(), 0);
    let mut rows = Rows::new();
    for pair in 0..accounts / 2 {
        let many = if with_positions { 1 + dice.below(7) } else { 0 };
        let mut markets = BTreeSet::new();
        while (markets.len() as u64) < many {
            markets.insert(MarketId(dice.below(MARKETS.into()) as u32));
        }
        let held: Vec<_> =
            markets.iter().map(|market| (*market, 1 + i128::from(dice.below(100_000_000_000)))).collect();
        for (_, size) in &held {
            assert!(*size > 0);
        }
        held.iter().for_each(|(market, size)| *open.entry(*market).or_default() += size);
        for side in [1_i128, -1] {
            let mut position = |(market, size): &(MarketId, i128)| {
                let ledger =
                    Ledger { realised: dice.money(), funding: QuoteQuantums::ZERO, fees: dice.money() };
                let base = BaseQuantums::new(size * side);
                (*market, Position { base, funding_index: FundingIndex::ZERO, cost: dice.money(), ledger })
            };
            let positions: Vec<_> = held.iter().map(&mut position).collect();
            count += positions.len();
            let mut owner = [7; 20];
            let number = pair * 2 + u32::from(side > 0);
            owner[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
            let id = SubaccountId { owner: Address::new(owner), number: 0 };
            rows.push((
                id,
                Subaccount { quote: QuoteQuantums::new(RICH), positions, ..Subaccount::default() },
            ));
        }
    }
    rows.sort_by_key(|(id, _)| *id);
    (rows, open, count)
}

fn genesis(ctx: &mut Ctx<'_>, open: &BTreeMap<MarketId, i128>, people: usize) {
    let amount = u128::try_from(RICH).unwrap() * people as u128;
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount };
    bank::mint(ctx, &subaccounts::pool(), &coin).unwrap();
    let time = ctx.block.time;
    let markets = (0..MARKETS).map(MarketId);
    let price = prices::OraclePrice { price: Price::new(PRICE), updated_height: 1, updated_time: time };
    let params = |market: MarketId| prices::MarketParams {
        market,
        pair: format!("M{market}-USD"),
        exponent: -5,
        min_price_change: Ppm::new(1_000),
    };
    let oracle = prices::Genesis {
        params: prices::Params::default(),
        markets: markets.clone().map(params).collect(),
        prices: markets.clone().map(|market| (market, price)).collect(),
    };
    prices::genesis::init(ctx, &oracle).unwrap();
    let tier = perpetuals::Tier {
        id: 0,
        name: "tier".into(),
        initial_margin: Ppm::new(50_000),
        maintenance_fraction: Ppm::new(600_000),
        impact_notional: QuoteQuantums::new(1),
        open_interest_lower_cap: QuoteQuantums::ZERO,
        open_interest_upper_cap: QuoteQuantums::ZERO,
    };
    let perpetual = |market: MarketId| perpetuals::Perpetual {
        market,
        ticker: format!("M{market}-USD"),
        atomic_resolution: -10,
        default_funding: SignedPpm::ZERO,
        tier: 0,
        funding_index: FundingIndex::ZERO,
        open_interest: BaseQuantums::new(open.get(&market).copied().unwrap_or_default()),
    };
    let terms = perpetuals::Genesis {
        tiers: vec![tier],
        perpetuals: markets.map(|market| (perpetual(market), perpetuals::MarketType::Cross)).collect(),
        ..perpetuals::Genesis::default()
    };
    perpetuals::genesis::init(ctx, &terms).unwrap();
}

/// Bytes of rows, of what a block works on, and of the watch; positions.
fn measure(accounts: u32, with_positions: bool) -> ([f64; 3], usize) {
    let time = Time::from_unix(1_700_000_000, 0);
    let block = Block { height: 10, time, previous_time: time };
    let collateral = Denom::new("uusdc").unwrap();
    let chain = Chain { chain_id: "bench-1".into(), prefix: "ballast".into(), collateral };
    let (mut state, mut events) = (Memory::default(), Events::default());
    let mut ctx = Ctx { state: &mut state, events: &mut events, block: &block, chain: &chain };
    let (rows, open, count) = rows(accounts, with_positions);
    genesis(&mut ctx, &open, rows.len());
    let genesis = subaccounts::Genesis { accounts: rows, ..Default::default() };
    state.take_changes();
    let empty = live();
    let mut ctx = Ctx { state: &mut state, events: &mut events, block: &block, chain: &chain };
    subaccounts::genesis::init(&mut ctx, &genesis).unwrap();
    state.take_changes();
    events.truncate(0);
    let written = live();
    let hot = Accounts::rebuild(&state);
    let decoded = live();
    let watch = Watch::rebuild(&state);
    let watched = live();
    assert_eq!(watch.len(), if with_positions { genesis.accounts.len() } else { 0 });
    drop(hot);
    ([written - empty, decoded - written, watched - decoded], count)
}

fn main() {
    let accounts = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(100_000);
    let (bare, _) = measure(accounts, false);
    let (full, count) = measure(accounts, true);
    let people = f64::from(accounts);
    let account: f64 = bare.iter().sum::<f64>() / people;
    let [row, hot, watch] = [0, 1, 2].map(|part| (full[part] - bare[part]) / count as f64);
    println!("{accounts} accounts with {count} positions");
    println!("an account without positions: {account:.1} bytes, {:.1} of them in its row", bare[0] / people);
    println!("a position: row {row:.1}, hot {hot:.1}, watch {watch:.1} bytes");
    println!(
        "{{\"goal\":\"G19\",\"bytes_account\":{account:.1},\"bytes_position_row\":{row:.1},\
         \"bytes_position_hot\":{hot:.1},\"bytes_position_watch\":{watch:.1}}}"
    );
}
