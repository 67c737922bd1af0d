//! Goal G19: bytes that a position takes with everything that leads to it, part by part.
//! `cargo run --release -p liquidations --example position_bench [-- ACCOUNTS]`.
//!
//! Counted are all bytes that the allocator gave, room that stands empty among them. Row: what the store keeps.
//! Hot: what a block works on, that is the decoded account and its place by id, the decoded positions and their
//! places among the holders of their markets. Watch: the index that finds who must be liquidated. The same accounts
//! are measured with one position each and with 1 to 7 of 64 markets: what the positions make of difference is
//! theirs, the rest is the account's. Bytes of a row are its value's alone. The last line is JSON.
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
fn rows(accounts: u32, most: u64) -> (Rows, BTreeMap<MarketId, i128>, usize) {
    let (mut dice, mut open, mut count) = (Dice(1), BTreeMap::new(), 0);
    let mut rows = Rows::new();
    for pair in 0..accounts >> 1 {
        let many = 1 + dice.below(most);
        let mut markets = BTreeSet::new();
        while (markets.len() as u64) < many {
            markets.insert(MarketId(dice.below(MARKETS.into()) as u32));
        }
        let held: Vec<_> =
            markets.iter().map(|market| (*market, 1 + i128::from(dice.below(100_000_000_000)))).collect();
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
    let price = prices::OraclePrice::new(Price::new(PRICE), 1, time);
    let params = |market: MarketId| prices::MarketParams {
        market,
        pair: format!("M{market}-USD"),
        exponent: -5,
        min_price_change: Ppm::new(1_000),
    };
    let oracle = prices::Genesis {
        network: Default::default(),
        silent: Vec::new(),
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

/// Bytes, and positions.
struct Measured {
    value: f64,
    row: f64,
    hot: f64,
    watch: f64,
    count: f64,
}

fn measure(accounts: u32, most: u64) -> Measured {
    let time = Time::from_unix(1_700_000_000, 0);
    let block = Block { height: 10, time, previous_time: time };
    let collateral = Denom::new("uusdc").unwrap();
    let chain = Chain { chain_id: "bench-1".into(), prefix: "ballast".into(), collateral };
    let (mut state, mut events) = (Memory::default(), Events::default());
    let mut ctx = Ctx { state: &mut state, events: &mut events, block: &block, chain: &chain };
    let (rows, open, count) = rows(accounts, most);
    genesis(&mut ctx, &open, rows.len());
    let genesis = subaccounts::Genesis { accounts: rows, ..Default::default() };
    let value = genesis.accounts.iter().map(|(_, held)| borsh::to_vec(held).unwrap().len()).sum::<usize>();
    state.take_changes();
    let empty = live();
    let mut ctx = Ctx { state: &mut state, events: &mut events, block: &block, chain: &chain };
    subaccounts::genesis::init(&mut ctx, &genesis).unwrap();
    state.take_changes();
    events.truncate(0);
    let written = live();
    let decoded = Accounts::rebuild(&state);
    let hot = live();
    let watch = Watch::rebuild(&state);
    let watched = live();
    assert_eq!((watch.len(), watch.hot()), (genesis.accounts.len(), 0));
    drop(decoded);
    Measured {
        value: value as f64,
        row: written - empty,
        hot: hot - written,
        watch: watched - hot,
        count: count as f64,
    }
}

fn main() {
    let accounts = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(100_000);
    let (one, many) = (measure(accounts, 1), measure(accounts, 7));
    let people = f64::from(accounts);
    // Of an account and of a position, in bytes.
    let share = |part: fn(&Measured) -> f64| {
        let position = (part(&many) - part(&one)) / (many.count - one.count);
        (part(&one) / people - position, position)
    };
    let (value, row, hot, watch) =
        (share(|m| m.value), share(|m| m.row), share(|m| m.hot), share(|m| m.watch));
    println!("{accounts} accounts, with {} and with {} positions", one.count, many.count);
    println!("in memory only: hot and watch; the row is {:.1} + {:.1} bytes a position", value.0, value.1);
    for (name, (account, position)) in [("row", row), ("hot", hot), ("watch", watch)] {
        println!("{name:>6}: an account {account:.1} bytes, a position {position:.1}");
    }
    println!(
        "{{\"goal\":\"G19\",\"bytes_account_hot\":{:.1},\"bytes_account_watch\":{:.1},\
         \"bytes_position_row\":{:.1},\"bytes_position_hot\":{:.1},\"bytes_position_watch\":{:.1}}}",
        hot.0, watch.0, value.1, hot.1, watch.1
    );
}
