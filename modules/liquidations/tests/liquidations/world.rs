//! A chain of the lower modules for tests: money, oracle prices, markets, accounts.

use std::collections::BTreeMap;

use clob::{Books, GoodTil, Order, OrderId, Side, Size};
use liquidations::{Params, Report, Watch};
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm, Subticks};
use perpetuals::{MarketType, Perpetual, Tier};
pub(crate) use plain::plain;
use store::{Ctx, Memory};
use subaccounts::{Kind, Position, Refused, Subaccount, Update};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time, Value};

#[path = "../../../clob/tests/plain/mod.rs"]
mod plain;

/// 1 BTC is 10^8 base quantums; the oracle says $50,000.
pub(crate) const BTC: MarketId = MarketId(0);
/// 1 ETH is 10^9 base quantums; the oracle says $3,000.
pub(crate) const ETH: MarketId = MarketId(1);
/// 1 SOL is 10^7 base quantums; the oracle says $50.
pub(crate) const SOL: MarketId = MarketId(2);
/// One BTC.
pub(crate) const ONE_BTC: i128 = 100_000_000;
/// One dollar.
pub(crate) const DOLLAR: i128 = 1_000_000;
/// Who holds the other side of what the accounts of a test do not hold between them.
pub(crate) const REST: u8 = 99;

/// Exponents, oracle prices and atomic resolutions of the markets.
const MARKETS: [(MarketId, i32, u64, i32); 3] =
    [(BTC, -5, 5_000_000_000, -8), (ETH, -6, 3_000_000_000, -9), (SOL, -8, 5_000_000_000, -7)];

/// State, block, chain and books of one test.
pub(crate) struct World {
    pub(crate) books: Books,
    pub(crate) watch: Watch,
    orders: u32,
    pub(crate) state: Memory,
    pub(crate) block: Block,
    pub(crate) chain: Chain,
    pub(crate) events: Events,
}

pub(crate) fn account(name: u8) -> SubaccountId {
    SubaccountId { owner: Address::new([name; 20]), number: 0 }
}

pub(crate) fn quote(raw: i128) -> QuoteQuantums {
    QuoteQuantums::new(raw)
}

pub(crate) fn base(raw: i128) -> BaseQuantums {
    BaseQuantums::new(raw)
}

/// The reference's parameters in tests.
pub(crate) fn reference() -> Params {
    Params {
        max_fee: Ppm::new(5_000),
        min_position_notional: quote(1_000),
        max_position_portion: Ppm::ONE,
        max_account_notional: quote(100_000_000_000_000),
        max_insurance_lost: quote(100_000_000_000_000),
        bankruptcy_adjustment: Ppm::ONE,
        spread_to_maintenance: Ppm::new(100_000),
        ..Params::default()
    }
}

/// An account: quote quantums and positions, at index 0.
pub(crate) type Holder<'a> = (u8, i128, &'a [(MarketId, i128)]);

fn holding(quantums: i128, positions: &[(MarketId, i128)]) -> Subaccount {
    let position =
        |size| Position { base: base(size), funding_index: FundingIndex::ZERO, ..Default::default() };
    let positions = positions.iter().map(|(market, size)| (*market, position(*size))).collect();
    Subaccount { quote: quote(quantums), positions, ..Default::default() }
}

impl World {
    /// These accounts, and the rest of the market with money enough. Initial margin 20 %, maintenance 10 %.
    pub(crate) fn new(holders: &[Holder<'_>], fund: i128) -> Self {
        Self::with_margins(holders, fund, (200_000, 500_000))
    }

    /// The same with these margins: initial, and maintenance as a fraction of it.
    pub(crate) fn with_margins(holders: &[Holder<'_>], fund: i128, margins: (u32, u32)) -> Self {
        let mut sums: BTreeMap<MarketId, i128> = BTreeMap::new();
        for (market, size) in holders.iter().flat_map(|(_, _, positions)| positions.iter()) {
            *sums.entry(*market).or_default() += size;
        }
        let against: Vec<_> =
            sums.into_iter().filter(|(_, sum)| *sum != 0).map(|(market, sum)| (market, -sum)).collect();
        let mut accounts: Vec<_> = holders
            .iter()
            .map(|(name, quantums, positions)| (account(*name), holding(*quantums, positions)))
            .collect();
        accounts.push((account(REST), holding(1_000_000_000_000 * DOLLAR, &against)));
        accounts.sort_by_key(|(id, _)| *id);
        let time = Time::from_unix(1_000_000, 0);
        let block = Block { height: 100, time, previous_time: time };
        let collateral = Denom::new("uusdc").unwrap();
        let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
        let (books, watch) = (Books::default(), Watch::default());
        let state = Memory::default();
        let mut world = Self { books, watch, orders: 0, state, block, chain, events: Events::default() };
        world.run(|ctx| start(ctx, accounts, fund, margins));
        world.books = clob::rebuild(&world.state);
        world.watch = Watch::rebuild(&world.state);
        world.next_block();
        world
    }

    /// Give a market without positions a pool and a fund of its own.
    pub(crate) fn isolate(&mut self, market: MarketId) {
        let mut genesis = perpetuals::genesis::export(&self.state);
        for (perpetual, market_type) in &mut genesis.perpetuals {
            if perpetual.market == market {
                *market_type = MarketType::Isolated;
            }
        }
        self.run(|ctx| {
            perpetuals::genesis::init(ctx, &genesis).unwrap();
            subaccounts::open_pool(ctx, market);
        });
        self.refresh();
    }

    /// Run something on the chain.
    pub(crate) fn run<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
        let Self { state, block, chain, events, .. } = self;
        f(&mut Ctx { state, events, block, chain })
    }

    /// Tell the accounts of new prices, indexes or terms.
    pub(crate) fn refresh(&mut self) {
        self.books.accounts.begin_block(&self.state, &self.block);
    }

    /// Run something on the chain and its books.
    pub(crate) fn trade<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>, &mut Books) -> T) -> T {
        let Self { state, block, chain, events, books, .. } = self;
        f(&mut Ctx { state, events, block, chain }, books)
    }

    /// Rest an order. Its price is in subticks of 10^-8 (BTC), 10^-9 (ETH) or 10^-7 (SOL).
    pub(crate) fn rest(&mut self, name: u8, market: MarketId, side: Side, size: u64, price: u64) {
        assert!(self.try_rest(name, market, side, size, price), "the order of {name} is refused");
    }

    /// Rest an order if the account can afford it.
    pub(crate) fn try_rest(&mut self, name: u8, market: MarketId, side: Side, size: u64, price: u64) -> bool {
        self.rest_as(name, market, (side, size, price), false)
    }

    /// Rest an order that may only reduce, or any, if the account can afford it.
    pub(crate) fn rest_as(
        &mut self,
        name: u8,
        market: MarketId,
        (side, size, price): (Side, u64, u64),
        reduce_only: bool,
    ) -> bool {
        self.orders += 1;
        let id = OrderId {
            subaccount: account(name),
            market,
            kind: clob::Kind::ShortTerm,
            client_id: self.orders,
        };
        let good_til = GoodTil::Block(u32::try_from(self.block.height).unwrap() + 20);
        let (price, size) = (Subticks::new(price), Size::new(size));
        let order = Order { reduce_only, ..plain(id, side, price, size, good_til) };
        self.trade(|ctx, books| {
            let place = clob::Msg::Place(order);
            store::attempt(ctx, books, |ctx, books| clob::execute(ctx, books, &place)).is_ok()
        })
    }

    /// Liquidate, as a block does.
    pub(crate) fn liquidate(&mut self) -> Report {
        let Self { state, block, chain, events, books, watch, .. } = self;
        let report = liquidations::run(&mut Ctx { state, events, block, chain }, books, watch);
        self.check();
        assert_eq!(*self.watch.below(), *Watch::rebuild(&self.state).below());
        report
    }

    /// Go to the next block, one second later, with all prices confirmed.
    pub(crate) fn next_block(&mut self) {
        self.trade(clob::end_block);
        self.events.clear();
        self.state.take_changes();
        self.block.height += 1;
        self.block.previous_time = self.block.time;
        self.block.time = self.block.time.plus_seconds(1);
        let old = |market| prices::price(&self.state, market).unwrap().price;
        let same = MARKETS.iter().map(|(market, ..)| (*market, old(*market))).collect();
        self.run(|ctx| prices::record(ctx, &same));
        self.refresh();
        self.events.clear();
    }

    /// Change the status of a market.
    pub(crate) fn set_status(&mut self, market: MarketId, status: clob::state::Status) {
        let mut genesis = clob::genesis::export(&self.state);
        for pair in genesis.pairs.iter_mut().filter(|pair| pair.market == market) {
            pair.status = status;
        }
        let pairs: Vec<_> = self.state.iter().map(|(key, _)| key.clone()).collect();
        for key in pairs.into_iter().filter(|key| key.first() == Some(&clob::layout()[0].prefix[0])) {
            store::State::remove(&mut self.state, &key);
        }
        self.run(|ctx| clob::genesis::init(ctx, &genesis)).unwrap();
        self.books = clob::rebuild(&self.state);
        self.refresh();
    }

    /// Replace the parameters.
    pub(crate) fn set_params(&mut self, params: Params) {
        let genesis = liquidations::Genesis { params, ..liquidations::Genesis::default() };
        self.run(|ctx| liquidations::genesis::init(ctx, &genesis)).unwrap();
    }

    /// `buyer` buys from `seller`; no fees.
    pub(crate) fn swap(
        &mut self,
        buyer: u8,
        seller: u8,
        (market, size): (MarketId, i128),
        cost: i128,
    ) -> Result<(), Refused> {
        let leg = |name, size, cost: i128| Update {
            id: account(name),
            quote: quote(-cost),
            base: Some((market, base(size))),
            fee: quote(0),
        };
        let updates = [leg(buyer, size, cost), leg(seller, -size, -cost)];
        let done =
            self.trade(|ctx, books| subaccounts::update(ctx, &mut books.accounts, &updates, Kind::Match));
        self.books.accounts.flush(&mut self.state);
        done
    }

    pub(crate) fn set_price(&mut self, market: MarketId, price: u64) {
        self.run(|ctx| prices::record(ctx, &BTreeMap::from([(market, Price::new(price))])));
        self.refresh();
    }

    pub(crate) fn move_index(&mut self, market: MarketId, delta: i128) {
        self.run(|ctx| perpetuals::advance_funding(ctx, market, FundingIndex::new(delta))).unwrap();
        self.refresh();
    }

    pub(crate) fn get(&self, name: u8) -> Subaccount {
        self.books.accounts.get(&account(name))
    }

    /// Collateral and size in `market`.
    pub(crate) fn holds(&self, name: u8, market: MarketId) -> (i128, i128) {
        let held = self.get(name);
        (held.quote.raw(), held.size(market).raw())
    }

    pub(crate) fn fund(&self) -> i128 {
        insurance::balance(&self.state, &self.chain.collateral).raw()
    }

    /// First value called `name` of every event of `kind`.
    pub(crate) fn emitted(&self, kind: &str, name: &str) -> Vec<Value> {
        let of_kind = self.events.iter().filter(|event| event.kind == kind);
        of_kind.filter_map(|event| event.get(name)).collect()
    }

    /// Nothing got lost and nothing came from nowhere.
    pub(crate) fn check(&self) {
        let mut audit = subaccounts::invariants::audit(&self.state, &self.chain.collateral).unwrap();
        // Fees wait in the pool until the block ends.
        audit.pools[0].collateral += self.books.desk.held(&subaccounts::pool()).raw();
        assert!(audit.pool_is_exact(), "{audit:?} owes {:?}", audit.owed_ppm());
        assert_eq!(audit.unequal_market(&self.state), None, "{audit:?}");
        assert_eq!(audit.mixed, None, "{audit:?}");
        let totals = insurance::totals(&self.state);
        assert_eq!(totals.sum(), Some(quote(self.fund())));
    }
}

fn start(ctx: &mut Ctx<'_>, accounts: Vec<(SubaccountId, Subaccount)>, fund: i128, margins: (u32, u32)) {
    let pool: i128 = accounts.iter().map(|(_, held)| held.quote.raw()).sum();
    for (holder, amount) in [(subaccounts::pool(), pool), (insurance::fund(), fund)] {
        let coin = Coin { denom: ctx.chain.collateral.clone(), amount: u128::try_from(amount).unwrap() };
        if coin.amount > 0 {
            bank::mint(ctx, &holder, &coin).unwrap();
        }
    }
    start_prices(ctx);
    start_perpetuals(ctx, &accounts, margins);
    let genesis = subaccounts::Genesis { accounts, ..subaccounts::Genesis::default() };
    subaccounts::genesis::init(ctx, &genesis).unwrap();
    insurance::genesis::init(ctx, &insurance::Genesis::default()).unwrap();
    let pair = |(market, exponent): (&(MarketId, i32, u64, i32), i32)| clob::Pair {
        market: market.0,
        step: Size::new(5),
        subticks_per_tick: 5,
        quantum_conversion_exponent: exponent,
        status: clob::state::Status::Active,
    };
    let pairs = MARKETS.iter().zip([-8, -9, -7]).map(pair).collect();
    clob::genesis::init(ctx, &clob::Genesis { pairs, ..clob::Genesis::default() }).unwrap();
    let params = liquidations::Genesis { params: reference(), ..liquidations::Genesis::default() };
    liquidations::genesis::init(ctx, &params).unwrap();
}

fn start_prices(ctx: &mut Ctx<'_>) {
    let time = ctx.block.time;
    let row = |price| prices::OraclePrice::new(Price::new(price), 1, time);
    let genesis = prices::Genesis {
        network: Default::default(),
        silent: Vec::new(),
        params: prices::Params::default(),
        markets: MARKETS
            .iter()
            .map(|(market, exponent, _, _)| prices::MarketParams {
                market: *market,
                pair: format!("M{market}-USD"),
                exponent: *exponent,
                min_price_change: Ppm::new(1_000),
            })
            .collect(),
        prices: MARKETS.iter().map(|(market, _, price, _)| (*market, row(*price))).collect(),
    };
    prices::genesis::init(ctx, &genesis).unwrap();
}

fn start_perpetuals(ctx: &mut Ctx<'_>, accounts: &[(SubaccountId, Subaccount)], margins: (u32, u32)) {
    let tier = Tier {
        id: 0,
        name: "tier".into(),
        initial_margin: Ppm::new(margins.0),
        maintenance_fraction: Ppm::new(margins.1),
        impact_notional: quote(5_000 * DOLLAR),
        open_interest_lower_cap: quote(0),
        open_interest_upper_cap: quote(0),
    };
    let longs = |market| accounts.iter().map(|(_, held)| held.size(market).max(base(0))).sum();
    let perpetual = |(market, _, _, atomic_resolution): &(MarketId, i32, u64, i32)| Perpetual {
        market: *market,
        ticker: format!("M{market}-USD"),
        atomic_resolution: *atomic_resolution,
        default_funding: SignedPpm::ZERO,
        tier: 0,
        funding_index: FundingIndex::ZERO,
        open_interest: longs(*market),
    };
    let genesis = perpetuals::Genesis {
        params: perpetuals::Params::default(),
        tiers: vec![tier],
        perpetuals: MARKETS.iter().map(|row| (perpetual(row), MarketType::Cross)).collect(),
        ..perpetuals::Genesis::default()
    };
    perpetuals::genesis::init(ctx, &genesis).unwrap();
}
