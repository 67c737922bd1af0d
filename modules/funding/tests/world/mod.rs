//! A chain of the lower modules for tests: oracle prices, two markets with books, accounts.

use std::collections::BTreeMap;

use clob::{Books, GoodTil, OrderId, Side, Size};
use funding::{Params, Report};
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm, Subticks};
use perpetuals::{MarketType, Perpetual, Tier};
use plain::plain;
use store::{Ctx, Memory};
use subaccounts::{Position, Subaccount};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time, Value};

#[path = "../../../clob/tests/plain/mod.rs"]
mod plain;

/// 1 BTC is 10^10 base quantums; a subtick is 10^-8 quote quantums, so that $1 is 10,000 subticks.
pub(crate) const BTC: MarketId = MarketId(0);
/// 1 ETH is 10^9 base quantums; a subtick is 10^-8 quote quantums, so that $1 is 100,000 subticks.
pub(crate) const ETH: MarketId = MarketId(1);
/// One BTC.
pub(crate) const ONE_BTC: i128 = 10_000_000_000;
/// Oracle exponent of BTC: $1 is this much.
pub(crate) const BTC_DOLLAR: u64 = 100_000;

/// State, block, chain and books of one test.
pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) block: Block,
    pub(crate) chain: Chain,
    pub(crate) events: Events,
    pub(crate) books: Books,
    orders: u32,
}

/// What differs between tests.
pub(crate) struct Setup {
    pub(crate) params: Params,
    pub(crate) default_funding: i32,
    /// Initial margin and maintenance fraction of BTC.
    pub(crate) margins: (u32, u32),
    pub(crate) status: clob::state::Status,
    /// Notional that impact prices are measured for.
    pub(crate) impact: i128,
    /// Funding index of ETH.
    pub(crate) eth_index: i128,
    /// BTC positions; they add up to nothing.
    pub(crate) positions: Vec<(u8, i128)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            params: Params::default(),
            default_funding: 0,
            margins: (1_000_000, 750_000),
            status: clob::state::Status::Active,
            // A whole number of base quantums at $50,050.
            impact: 5_005_000_000,
            eth_index: 0,
            positions: Vec::new(),
        }
    }
}

pub(crate) fn account(name: u8) -> SubaccountId {
    SubaccountId { owner: Address::new([name; 20]), number: 0 }
}

impl World {
    /// The first block begins at the second `start`; BTC costs $50,000 and ETH $3,000; persons 1 to 5 are rich.
    pub(crate) fn new(setup: &Setup, start: i64) -> Self {
        let time = Time::from_unix(start, 0);
        let block = Block { height: 1, time, previous_time: time };
        let collateral = Denom::new("uusdc").unwrap();
        let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
        let (state, books) = (Memory::default(), Books::default());
        let mut world = Self { state, block, chain, events: Events::default(), books, orders: 0 };
        world.run(|ctx, _| begin(ctx, setup));
        world.books = clob::rebuild(&world.state);
        world.events.clear();
        world.state.take_changes();
        world
    }

    /// Run something on the chain and its books.
    pub(crate) fn run<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>, &mut Books) -> T) -> T {
        let Self { state, block, chain, events, books, .. } = self;
        f(&mut Ctx { state, events, block, chain }, books)
    }

    /// Begin a block at this second, with these oracle prices.
    pub(crate) fn block(&mut self, second: i64, prices: &[(MarketId, u64)]) -> Report {
        self.state.take_changes();
        self.events.clear();
        self.block.height += 1;
        self.block.previous_time = self.block.time;
        self.block.time = Time::from_unix(second, 0);
        let prices: BTreeMap<_, _> =
            prices.iter().map(|(market, price)| (*market, Price::new(*price))).collect();
        self.run(|ctx, _| prices::record(ctx, &prices));
        let report = self.run(|ctx, books| funding::begin_block(ctx, books));
        self.books.accounts.begin_block(&self.state, &self.block);
        report
    }

    /// Rest an order of a rich person.
    pub(crate) fn rest(&mut self, market: MarketId, side: Side, size: u64, price: u64) {
        self.orders += 1;
        let id =
            OrderId { subaccount: account(1), market, kind: clob::Kind::ShortTerm, client_id: self.orders };
        let good_til = GoodTil::Block(u32::try_from(self.block.height).unwrap() + 20);
        let order = plain(id, side, Subticks::new(price), Size::new(size), good_til);
        self.run(|ctx, books| clob::execute(ctx, books, &clob::Msg::Place(order))).unwrap();
    }

    pub(crate) fn index(&self, market: MarketId) -> i128 {
        perpetuals::perpetual(&self.state, market).unwrap().funding_index.raw()
    }

    /// First value called `name` of every event of `kind`.
    pub(crate) fn emitted(&self, kind: &str, name: &str) -> Vec<Value> {
        let of_kind = self.events.iter().filter(|event| event.kind == kind);
        of_kind.filter_map(|event| event.get(name)).collect()
    }
}

fn begin(ctx: &mut Ctx<'_>, setup: &Setup) {
    let rich = 1_000_000_000_000_000;
    let size = |name: u8| setup.positions.iter().find(|row| row.0 == name).map_or(0, |row| row.1);
    let held = |name| match size(name) {
        0 => Vec::new(),
        size => vec![(
            BTC,
            Position {
                base: BaseQuantums::new(size),
                funding_index: FundingIndex::ZERO,
                ..Default::default()
            },
        )],
    };
    let row = |name| {
        (
            account(name),
            Subaccount { quote: QuoteQuantums::new(rich), positions: held(name), ..Default::default() },
        )
    };
    let accounts: Vec<_> = (1..=5).map(row).collect();
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount: u128::try_from(rich * 5).unwrap() };
    bank::mint(ctx, &subaccounts::pool(), &coin).unwrap();
    begin_prices(ctx);
    let open = setup.positions.iter().map(|(_, size)| (*size).max(0)).sum();
    begin_perpetuals(ctx, setup, open);
    let genesis = subaccounts::Genesis { accounts, ..subaccounts::Genesis::default() };
    subaccounts::genesis::init(ctx, &genesis).unwrap();
    let pair = |market, status| clob::Pair {
        market,
        step: Size::new(10),
        subticks_per_tick: 1_000,
        quantum_conversion_exponent: -8,
        status,
    };
    let pairs = vec![pair(BTC, setup.status), pair(ETH, clob::state::Status::Active)];
    // Books far from the oracle price are what these tests are about.
    let params = clob::Params { taker_band: 0, ..clob::Params::default() };
    clob::genesis::init(ctx, &clob::Genesis { params, pairs, ..clob::Genesis::default() }).unwrap();
    let genesis = funding::Genesis { params: setup.params.clone(), ..funding::Genesis::default() };
    funding::genesis::init(ctx, &genesis).unwrap();
}

fn begin_prices(ctx: &mut Ctx<'_>) {
    let market = |market, pair: &str, exponent| prices::MarketParams {
        market,
        pair: pair.into(),
        exponent,
        min_price_change: Ppm::new(1_000),
    };
    let updated_time = ctx.block.time;
    let price = |price| prices::OraclePrice::new(Price::new(price), 1, updated_time);
    let genesis = prices::Genesis {
        network: Default::default(),
        silent: Vec::new(),
        params: prices::Params::default(),
        markets: vec![market(BTC, "BTC-USD", -5), market(ETH, "ETH-USD", -6)],
        prices: vec![(BTC, price(5_000_000_000)), (ETH, price(3_000_000_000))],
    };
    prices::genesis::init(ctx, &genesis).unwrap();
}

fn begin_perpetuals(ctx: &mut Ctx<'_>, setup: &Setup, open_btc: i128) {
    let tier = |id, (initial, fraction): (u32, u32)| Tier {
        id,
        name: "tier".into(),
        initial_margin: Ppm::new(initial),
        maintenance_fraction: Ppm::new(fraction),
        impact_notional: QuoteQuantums::new(setup.impact),
        open_interest_lower_cap: QuoteQuantums::ZERO,
        open_interest_upper_cap: QuoteQuantums::ZERO,
    };
    let market = |market: MarketId, atomic_resolution, index, open| Perpetual {
        market,
        ticker: format!("M{market}-USD"),
        atomic_resolution,
        default_funding: SignedPpm::new(setup.default_funding),
        tier: market.0,
        funding_index: FundingIndex::new(index),
        open_interest: BaseQuantums::new(open),
    };
    let genesis = perpetuals::Genesis {
        params: perpetuals::Params::default(),
        tiers: vec![tier(0, setup.margins), tier(1, (500_000, 600_000))],
        perpetuals: vec![
            (market(BTC, -10, 0, open_btc), MarketType::Cross),
            (market(ETH, -9, setup.eth_index, 0), MarketType::Cross),
        ],
        ..perpetuals::Genesis::default()
    };
    perpetuals::genesis::init(ctx, &genesis).unwrap();
}
