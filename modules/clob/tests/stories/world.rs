//! A small world for stories: two markets, accounts with money, blocks that go by.

use std::sync::Arc;

use clob::genesis::{export, init};
use clob::state::Status as PairStatus;
use clob::{
    execute, Books, Error, GoodTil, Kind, Msg, Order, OrderId, Outcome, Pair, PlacedOrder, Side, Size,
};
use clob::{Cancel, Params, TimeInForce};
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm, Subticks};
use plain::plain;
use store::{Ctx, Memory};
use subaccounts::Subaccount;
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, Rejection, SubaccountId, Time};

#[path = "../plain/mod.rs"]
mod plain;

/// One coin is 10^8 base quantums, its price has five decimals; steps and ticks of 5.
pub(crate) const BTC: MarketId = MarketId(0);
/// The same units, for stories with two books.
pub(crate) const ETH: MarketId = MarketId(1);
/// Subticks of one dollar.
pub(crate) const DOLLAR: u64 = 1_000_000;
/// Base quantums of a thousandth of a coin.
pub(crate) const MILLI: u64 = 100_000;
pub(crate) const USD: i128 = 1_000_000;

/// A key and its value.
type Row = (Arc<[u8]>, Arc<[u8]>);

pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) books: Books,
    pub(crate) block: Block,
    pub(crate) chain: Chain,
    pub(crate) events: Events,
}

pub(crate) fn account(byte: u8) -> SubaccountId {
    SubaccountId { owner: Address::new([byte; 20]), number: 0 }
}

/// Terms of an order, with what most stories take for granted.
pub(crate) fn order(id: SubaccountId, client_id: u32, side: Side, size: u64, price: u64) -> Order {
    let id = OrderId { subaccount: id, market: BTC, kind: Kind::ShortTerm, client_id };
    let (price, size) = (Subticks::new(price), Size::new(size));
    Order { client_metadata: 7, ..plain(id, side, price, size, GoodTil::Block(20)) }
}

pub(crate) fn buy(byte: u8, client_id: u32, milli: u64, dollars: u64) -> Order {
    order(account(byte), client_id, Side::Buy, milli * MILLI, dollars * DOLLAR)
}

pub(crate) fn sell(byte: u8, client_id: u32, milli: u64, dollars: u64) -> Order {
    order(account(byte), client_id, Side::Sell, milli * MILLI, dollars * DOLLAR)
}

pub(crate) fn ioc(order: Order) -> Order {
    Order { time_in_force: TimeInForce::ImmediateOrCancel, ..order }
}

pub(crate) fn post_only(order: Order) -> Order {
    Order { time_in_force: TimeInForce::PostOnly, ..order }
}

/// The same terms, living until `seconds` after the start of the world.
pub(crate) fn long_term(order: Order, seconds: u32) -> Order {
    let id = OrderId { kind: Kind::LongTerm, ..order.id };
    Order { id, good_til: GoodTil::Time(1_700_000_000 + seconds), ..order }
}

fn tier(maker: i32, taker: i32) -> fees::FeeTier {
    fees::FeeTier {
        name: "all".into(),
        volume: QuoteQuantums::ZERO,
        total_share: Ppm::new(0),
        maker_share: Ppm::new(0),
        maker: SignedPpm::new(maker),
        taker: SignedPpm::new(taker),
    }
}

/// What a world starts with.
pub(crate) struct Start {
    /// Dollars of the accounts 1, 2, 3...
    pub(crate) dollars: Vec<i128>,
    pub(crate) fund: i128,
    pub(crate) maker: i32,
    pub(crate) taker: i32,
    pub(crate) params: Params,
}

impl Default for Start {
    fn default() -> Self {
        let dollars = vec![1_000_000; 5];
        Self { dollars, fund: 0, maker: 100, taker: 500, params: Params::default() }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Start::default())
    }

    pub(crate) fn with(start: Start) -> Self {
        let collateral = Denom::new("uusdc").unwrap();
        let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
        let time = Time::from_unix(1_700_000_000, 0);
        let block = Block { height: 1, time, previous_time: time };
        let state = Memory::default();
        let mut world = Self { state, books: Books::default(), block, chain, events: Events::default() };
        world.init(start);
        world.books = clob::rebuild(&world.state);
        world
    }

    fn init(&mut self, start: Start) {
        let denom = self.chain.collateral.clone();
        let coin = |amount: i128| Coin { denom: denom.clone(), amount: amount.unsigned_abs() };
        let pool: i128 = start.dollars.iter().sum();
        let accounts = start.dollars.iter().enumerate().filter(|(_, dollars)| **dollars != 0);
        let accounts = accounts.map(|(at, dollars)| {
            let quote = QuoteQuantums::new(dollars * USD);
            (account(u8::try_from(at + 1).unwrap()), Subaccount { quote, ..Default::default() })
        });
        let accounts: Vec<_> = accounts.collect();
        let ctx = &mut self.ctx();
        bank::genesis::init(ctx, &bank::Genesis::default()).unwrap();
        bank::mint(ctx, &subaccounts::pool(), &coin(pool * USD)).unwrap();
        if start.fund > 0 {
            bank::mint(ctx, &insurance::fund(), &coin(start.fund * USD)).unwrap();
        }
        let markets = [(BTC, "BTC-USD"), (ETH, "ETH-USD")];
        let params = markets.iter().map(|(market, pair)| prices::MarketParams {
            market: *market,
            pair: (*pair).into(),
            exponent: -5,
            min_price_change: Ppm::new(1_000),
        });
        let prices = prices::Genesis {
            network: Default::default(),
            silent: Vec::new(),
            params: Default::default(),
            markets: params.collect(),
            prices: vec![],
        };
        prices::genesis::init(ctx, &prices).unwrap();
        let perpetual = |(market, ticker): &(MarketId, &str)| perpetuals::Perpetual {
            market: *market,
            ticker: (*ticker).into(),
            atomic_resolution: -8,
            default_funding: SignedPpm::new(0),
            tier: 0,
            funding_index: FundingIndex::ZERO,
            open_interest: BaseQuantums::ZERO,
        };
        let perpetuals = markets.iter().map(|market| (perpetual(market), perpetuals::MarketType::Cross));
        let tiers = vec![perpetuals::Tier {
            id: 0,
            name: "all".into(),
            initial_margin: Ppm::new(100_000),
            maintenance_fraction: Ppm::new(500_000),
            impact_notional: QuoteQuantums::new(5_000 * USD),
            open_interest_lower_cap: QuoteQuantums::ZERO,
            open_interest_upper_cap: QuoteQuantums::ZERO,
        }];
        let genesis = perpetuals::Genesis {
            params: Default::default(),
            tiers,
            perpetuals: perpetuals.collect(),
            ..Default::default()
        };
        perpetuals::genesis::init(ctx, &genesis).unwrap();
        fees::genesis::init(
            ctx,
            &fees::Genesis { tiers: vec![tier(start.maker, start.taker)], ..fees::Genesis::default() },
        )
        .unwrap();
        subaccounts::genesis::init(ctx, &subaccounts::Genesis { accounts, ..Default::default() }).unwrap();
        insurance::genesis::init(ctx, &insurance::Genesis::default()).unwrap();
        let pair = |market| Pair {
            market,
            step: Size::new(5),
            subticks_per_tick: 5,
            quantum_conversion_exponent: -8,
            status: PairStatus::Active,
        };
        let pairs = vec![pair(BTC), pair(ETH)];
        let genesis = clob::Genesis { params: start.params, pairs, ..clob::Genesis::default() };
        init(ctx, &genesis).unwrap();
        self.oracle(50_000);
    }

    pub(crate) fn ctx(&mut self) -> Ctx<'_> {
        Ctx { state: &mut self.state, events: &mut self.events, block: &self.block, chain: &self.chain }
    }

    /// Oracle price of both markets.
    pub(crate) fn oracle(&mut self, dollars: u64) {
        let price = Price::new(dollars * 100_000);
        prices::record(&mut self.ctx(), &[(BTC, price), (ETH, price)].into());
        self.books.accounts.begin_block(&self.state, &self.block);
    }

    pub(crate) fn run(&mut self, msg: &Msg) -> Result<Outcome, Error> {
        let Self { state, books, block, chain, events } = self;
        execute(&mut Ctx { state, events, block, chain }, books, msg)
    }

    pub(crate) fn place(&mut self, order: Order) -> Result<PlacedOrder, Error> {
        match self.run(&Msg::Place(order))? {
            Outcome::Placed(placed) => Ok(placed),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn cancel(&mut self, id: OrderId, good_til: GoodTil) -> Result<(), Error> {
        self.run(&Msg::Cancel(Cancel { id, good_til })).map(|_| ())
    }

    /// Codespace and code of a refusal that leaves nothing behind.
    pub(crate) fn refused(&mut self, msg: &Msg) -> (&'static str, u32) {
        let (state, hash, events) = (self.rows(), self.books.hash(), self.events.len());
        let error = self.run(msg).expect_err("the message is accepted");
        assert_eq!(self.rows(), state, "a refused message changed the state");
        assert_eq!(self.books.hash(), hash, "a refused message changed the books");
        assert_eq!(self.events.len(), events, "a refused message left events");
        (error.codespace(), error.code())
    }

    pub(crate) fn refused_order(&mut self, order: Order) -> u32 {
        let (codespace, code) = self.refused(&Msg::Place(order));
        assert_eq!(codespace, "clob");
        code
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        self.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// End the block, check that the rows rebuild the books, and begin the next one a second later.
    pub(crate) fn next_block(&mut self) {
        self.next_block_from(|world| world.block.time = world.block.time.plus_seconds(1));
    }

    fn next_block_from(&mut self, begin: impl FnOnce(&mut Self)) {
        let Self { state, books, block, chain, events } = self;
        clob::end_block(&mut Ctx { state, events, block, chain }, books);
        self.state.take_changes();
        assert_eq!(clob::rebuild(&self.state).hash(), self.books.hash(), "the rows do not rebuild the books");
        self.block.height += 1;
        self.block.previous_time = self.block.time;
        begin(self);
        self.begin_block();
    }

    /// What a block does before its messages.
    fn begin_block(&mut self) {
        let Self { state, books, block, chain, events } = self;
        let ctx = &mut Ctx { state, events, block, chain };
        clob::expire(ctx, books);
        clob::trigger(ctx, books);
        clob::slices(ctx, books);
        clob::resume(ctx, books);
    }

    /// The next block, so many seconds later and at this oracle price.
    pub(crate) fn step(&mut self, seconds: i64, dollars: u64) {
        self.next_block_from(|world| {
            world.block.time = world.block.time.plus_seconds(seconds);
            world.oracle(dollars);
        });
    }

    pub(crate) fn blocks(&mut self, count: u64) {
        (0..count).for_each(|_| self.next_block());
    }

    /// Quote quantums and base quantums that an account has.
    pub(crate) fn holds(&self, byte: u8) -> (i128, i128) {
        let account = self.books.accounts.get(&account(byte));
        (account.quote.raw(), account.size(BTC).raw())
    }

    /// Levels of the bitcoin book: thousandths of a coin at dollars, best first.
    pub(crate) fn levels(&self, side: Side) -> Vec<(u64, u64)> {
        let levels = self.books.levels(BTC, side);
        let level = |level: clob::LevelView| {
            (u64::try_from(level.quantums).unwrap() / MILLI, level.price.raw() / DOLLAR)
        };
        levels.map(level).collect()
    }

    /// Whether pool and accounts agree to the unit, and longs and shorts are equal.
    pub(crate) fn money_adds_up(&mut self) -> bool {
        self.books.accounts.flush(&mut self.state);
        let mut audit = subaccounts::invariants::audit(&self.state, &self.chain.collateral).unwrap();
        audit.pools[0].collateral += self.books.desk.held(&subaccounts::state::pool()).raw();
        audit.pool_is_exact() && audit.unequal_market(&self.state).is_none()
    }

    pub(crate) fn fees(&self) -> u128 {
        let paid = bank::balance(&self.state, &fees::collector(), &self.chain.collateral);
        let waiting = self.books.desk.held(&subaccounts::state::pool()).raw();
        paid + u128::try_from(waiting).unwrap()
    }

    /// Values of `key` in the events of `kind` since the start.
    pub(crate) fn told(&self, kind: &str, key: &str) -> Vec<types::Value> {
        let events = self.events.iter().filter(|event| event.kind == kind);
        events.filter_map(|event| event.get(key)).collect()
    }

    /// Give the markets other units or another status.
    pub(crate) fn set_pairs(&mut self, pairs: &[Pair]) {
        let row = |pair: &Pair| {
            (vec![0x17, 0x01, 0, 0, 0, u8::try_from(pair.market.0).unwrap()], borsh::to_vec(pair))
        };
        for (key, value) in pairs.iter().map(row) {
            store::State::set(&mut self.state, &key, &value.unwrap());
        }
        self.books.refresh(&self.state);
    }

    pub(crate) fn exported(&self) -> clob::Genesis {
        export(&self.state)
    }
}
