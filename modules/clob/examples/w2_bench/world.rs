//! State, books and accounts that the operations meet.

use std::collections::BTreeMap;

use clob::{Books, Pair, Params, Size};
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm};
use rand::Rng;
use store::{Ctx, Memory};
use subaccounts::{Position, Subaccount};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time};

use crate::draw::Draw;
use crate::meter::Meter;

pub(crate) const MARKETS: u32 = 64;
pub(crate) const ACCOUNTS: u32 = 100_000;
pub(crate) const MAKERS: u32 = 2_000;
/// Subticks.
pub(crate) const TICK: u64 = 10_000;
/// Base quantums.
pub(crate) const LOT: u64 = 1_000_000;
/// A million dollars each.
const QUOTE: i128 = 1_000_000_000_000;

pub(crate) fn account(number: u32) -> SubaccountId {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    SubaccountId { owner: Address::new(bytes), number: 0 }
}

pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) books: Books,
    pub(crate) block: Block,
    pub(crate) chain: Chain,
    pub(crate) events: Events,
}

fn holdings(draw: &mut Draw) -> (Vec<(SubaccountId, Subaccount)>, Vec<BaseQuantums>) {
    // A position in each home market, in pairs of a long and a short.
    let mut homes: Vec<Vec<u32>> = vec![Vec::new(); MARKETS as usize];
    draw.homes().for_each(|(account, market)| homes[market.0 as usize].push(account));
    let mut held: BTreeMap<u32, BTreeMap<MarketId, i128>> = BTreeMap::new();
    for (market, mut seats) in homes.into_iter().enumerate() {
        for at in (1..seats.len()).rev() {
            let other = draw.rng.gen_range(0..=at);
            seats.swap(at, other);
        }
        for pair in seats.chunks_exact(2) {
            let size = i128::from(draw.rng.gen_range(1..100u64) * LOT);
            for (who, size) in [(pair[0], size), (pair[1], -size)] {
                *held.entry(who).or_default().entry(MarketId(market as u32)).or_default() += size;
            }
        }
    }
    let mut open = vec![BaseQuantums::ZERO; MARKETS as usize];
    let mut accounts: Vec<_> = (0..ACCOUNTS)
        .map(|number| {
            let positions = held.remove(&number).unwrap_or_default();
            let positions = positions.into_iter().filter(|(_, base)| *base != 0).map(|(market, base)| {
                let base = BaseQuantums::new(base);
                open[market.0 as usize] += base.max(BaseQuantums::ZERO);
                (market, Position { base, ..Position::default() })
            });
            let positions = positions.collect();
            (
                account(number),
                Subaccount { quote: QuoteQuantums::new(QUOTE), positions, ..Default::default() },
            )
        })
        .collect();
    accounts.sort_by_key(|(id, _)| *id);
    (accounts, open)
}

impl World {
    pub(crate) fn new(draw: &mut Draw) -> Self {
        let collateral = Denom::new("uusdc").expect("a denom");
        let chain = Chain { chain_id: "bench-1".into(), prefix: "ballast".into(), collateral };
        let time = Time::from_unix(1_700_000_000, 0);
        let block = Block { height: 1, time, previous_time: time };
        let mut world = Self {
            state: Memory::default(),
            books: Books::default(),
            block,
            chain,
            events: Events::default(),
        };
        let (accounts, open) = holdings(draw);
        world.money(accounts.len());
        world.markets(&open);
        world.trading(accounts);
        world.books = clob::rebuild(&world.state);
        world.state.end_block();
        world
    }

    fn ctx(&mut self) -> Ctx<'_> {
        Ctx { state: &mut self.state, events: &mut self.events, block: &self.block, chain: &self.chain }
    }

    fn money(&mut self, accounts: usize) {
        let denom = self.chain.collateral.clone();
        let ctx = &mut self.ctx();
        bank::genesis::init(ctx, &bank::Genesis::default()).expect("bank");
        let amount = (QUOTE * accounts as i128).unsigned_abs();
        bank::mint(ctx, &subaccounts::pool(), &Coin { denom, amount }).expect("mint");
    }

    fn markets(&mut self, open: &[BaseQuantums]) {
        let ctx = &mut self.ctx();
        let param = |market| prices::MarketParams {
            market: MarketId(market),
            pair: format!("M{market}-USD"),
            exponent: -5,
            min_price_change: Ppm::new(1),
        };
        let markets = (0..MARKETS).map(param).collect();
        let prices = prices::Genesis {
            network: Default::default(),
            silent: Vec::new(),
            params: Default::default(),
            markets,
            prices: vec![],
        };
        prices::genesis::init(ctx, &prices).expect("prices");
        let perpetual = |market: u32| perpetuals::Perpetual {
            market: MarketId(market),
            ticker: format!("M{market}-USD"),
            atomic_resolution: -8,
            default_funding: SignedPpm::new(0),
            tier: 0,
            funding_index: FundingIndex::ZERO,
            open_interest: open[market as usize],
        };
        let tiers = vec![perpetuals::Tier {
            id: 0,
            name: "all".into(),
            initial_margin: Ppm::new(50_000),
            maintenance_fraction: Ppm::new(500_000),
            impact_notional: QuoteQuantums::new(5_000_000_000),
            open_interest_lower_cap: QuoteQuantums::ZERO,
            open_interest_upper_cap: QuoteQuantums::ZERO,
        }];
        let perpetuals = (0..MARKETS).map(|at| (perpetual(at), perpetuals::MarketType::Cross)).collect();
        let genesis =
            perpetuals::Genesis { params: Default::default(), tiers, perpetuals, ..Default::default() };
        perpetuals::genesis::init(ctx, &genesis).expect("perpetuals");
    }

    fn trading(&mut self, accounts: Vec<(SubaccountId, Subaccount)>) {
        let ctx = &mut self.ctx();
        fees::genesis::init(ctx, &fees::Genesis::default()).expect("fees");
        let genesis = subaccounts::Genesis { accounts, ..Default::default() };
        subaccounts::genesis::init(ctx, &genesis).expect("accounts");
        insurance::genesis::init(ctx, &insurance::Genesis::default()).expect("insurance");
        // A base quantum at a subtick is 1e-8 quote quantums: the middle, 10,000 ticks, is 100 dollars.
        let pair = |market| Pair {
            market: MarketId(market),
            step: Size::new(LOT),
            subticks_per_tick: TICK as u32,
            quantum_conversion_exponent: -8,
            status: clob::state::Status::Active,
        };
        let window = clob::Window { blocks: 1, limit: 1_000_000 };
        let rate_limits =
            clob::RateLimits { short_term: vec![window], stateful: vec![window], ..Default::default() };
        let params = Params { rate_limits, ..Params::default() };
        let pairs = (0..MARKETS).map(pair).collect();
        let genesis = clob::Genesis { params, pairs, ..clob::Genesis::default() };
        clob::genesis::init(ctx, &genesis).expect("books");
    }

    /// The beginning of a block: time, oracle prices, what expires.
    pub(crate) fn next_block(&mut self, draw: &mut Draw, meter: &mut Meter) {
        let time = Time::from_unix(self.block.time.seconds() + 1, 0);
        self.block = Block { height: self.block.height + 1, time, previous_time: self.block.time };
        let middles = draw.walk(self.block.height, time.seconds());
        let price = |ticks: f64| Price::new((ticks * 1_000.0) as u64);
        let prices = middles.into_iter().map(|(market, middle)| (market, price(middle))).collect();
        self.events.clear();
        meter.measure(|| {
            let Self { state, books, block, chain, events } = self;
            let ctx = &mut Ctx { state, events, block, chain };
            prices::record(ctx, &prices);
            books.accounts.begin_block(ctx.state.as_read(), ctx.block);
            clob::expire(ctx, books);
        });
    }

    /// The end of a block: rows of what changed.
    pub(crate) fn end_block(&mut self) {
        let Self { state, books, block, chain, events } = self;
        clob::end_block(&mut Ctx { state, events, block, chain }, books);
        books.accounts.flush(state);
        state.end_block();
    }
}
