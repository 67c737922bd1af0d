//! A chain with many orders that rest and wait, and its blocks.

use std::time::{Duration, Instant};

use clob::state::Row;
use clob::{
    Books, Cancel, Condition, ConditionKind, Conditional, GoodTil, Kind, Msg, Order, OrderId, Pair, Params,
    RateLimits, SelfTrade, Side, Size, TimeInForce,
};
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm, Subticks};
use store::{Ctx, Journaled, Memory};
use subaccounts::Subaccount;
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time};

/// Subticks.
const TICK: u64 = 10_000;
/// Base quantums.
const LOT: u64 = 1_000_000;
const START: u32 = 1_700_000_000;
const MIDDLE: u64 = 100_000;
/// A million dollars each.
const QUOTE: i128 = 1_000_000_000_000;

/// How large a chain is, and how much happens in its blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) markets: u32,
    pub(crate) accounts: u32,
    pub(crate) orders: u32,
    pub(crate) conditionals: u32,
    /// Orders that were placed and cancelled before.
    pub(crate) history: u32,
    /// Blocks in which something happens.
    pub(crate) blocks: u32,
    pub(crate) expiries: u32,
    pub(crate) triggers: u32,
}

/// What the parts of one block took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parts {
    /// Finding and unlinking what expires in the books alone, undone again; not part of the block.
    pub(crate) index: Duration,
    pub(crate) expire: Duration,
    pub(crate) trigger: Duration,
    /// Messages: orders placed and cancelled.
    pub(crate) messages: Duration,
    /// Rows that the books write at the end.
    pub(crate) rows: Duration,
    /// The state's own end of a block.
    pub(crate) state: Duration,
    pub(crate) events: usize,
    pub(crate) expired: usize,
    pub(crate) triggered: usize,
}

impl Parts {
    /// What the clob did in all.
    pub(crate) fn total(&self) -> Duration {
        self.expire + self.trigger + self.messages + self.rows + self.state
    }
}

pub(crate) struct World {
    state: Memory,
    pub(crate) books: Books,
    block: Block,
    chain: Chain,
    events: Events,
    scale: Scale,
    tick: u64,
    next_client: u32,
}

/// The row of an order of which nothing has traded.
fn row_of(order: &Order, number: u32) -> Row {
    Row {
        side: order.side,
        price: order.price,
        size: order.size,
        cut: Size::ZERO,
        good_til: order.good_til,
        time_in_force: order.time_in_force,
        reduce_only: order.reduce_only,
        client_metadata: order.client_metadata,
        condition: order.condition,
        builder: order.builder,
        sequence: number.into(),
        height: 1,
        successor: false,
    }
}

/// Spreads numbers, the same on every run.
fn spread(number: u32, salt: u64) -> u64 {
    let mixed = (u64::from(number) + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93));
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

fn account(number: u32) -> SubaccountId {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    SubaccountId { owner: Address::new(bytes), number: 0 }
}

fn order(id: OrderId, side: Side, tick: u64, good_til: GoodTil) -> Order {
    Order {
        id,
        side,
        price: Subticks::new(tick * TICK),
        size: Size::new(LOT),
        good_til,
        time_in_force: TimeInForce::Rest,
        reduce_only: false,
        self_trade: SelfTrade::default(),
        client_metadata: 0,
        condition: None,
        builder: None,
        twap: None,
    }
}

impl Scale {
    fn id(&self, number: u32, kind: Kind) -> OrderId {
        let owner = spread(number, 1) % u64::from(self.accounts);
        OrderId {
            subaccount: account(owner as u32),
            market: MarketId(number % self.markets),
            kind,
            client_id: number,
        }
    }

    /// The busy block for which a number is due, when it is one of `each` in a block.
    fn due(&self, number: u32, count: u32, each: u32) -> Option<u32> {
        let turn = (u64::from(number) * 7_919 % u64::from(count)) as u32;
        (turn < self.blocks * each).then(|| turn / each)
    }

    /// Busy blocks have even seconds, quiet ones odd ones.
    fn resting(&self, number: u32) -> Order {
        let until = match self.due(number, self.orders, self.expiries) {
            Some(block) => START + 2 + 2 * block,
            None => START + 10_000 + (spread(number, 2) % 8_000_000) as u32,
        };
        let side = if (number / self.markets).is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let distance = 200 + spread(number, 3) % 1_600;
        let tick = if side == Side::Buy { MIDDLE - distance } else { MIDDLE + distance };
        order(self.id(number, Kind::LongTerm), side, tick, GoodTil::Time(until))
    }

    fn waiting(&self, number: u32) -> Order {
        let trigger = match self.due(number, self.conditionals, self.triggers) {
            Some(block) => MIDDLE + 1 + u64::from(block),
            None => MIDDLE + 10_000 + spread(number, 4) % 8_000,
        };
        let trigger = Subticks::new(trigger * TICK);
        let condition = Some(Condition { kind: ConditionKind::StopLoss, trigger });
        let until = START + 10_000 + (spread(number, 5) % 8_000_000) as u32;
        let id = self.id(number, Kind::Conditional);
        let tick = MIDDLE - 2_000 - spread(number, 6) % 500;
        Order { condition, ..order(id, Side::Buy, tick, GoodTil::Time(until)) }
    }
}

impl World {
    pub(crate) fn new(scale: Scale) -> Self {
        let collateral = Denom::new("uusdc").expect("a denom");
        let chain = Chain { chain_id: "bench-1".into(), prefix: "ballast".into(), collateral };
        let time = Time::from_unix(START.into(), 0);
        let block = Block { height: 1, time, previous_time: time };
        let mut world = Self {
            state: Memory::default(),
            books: Books::default(),
            block,
            chain,
            events: Events::default(),
            scale,
            tick: MIDDLE,
            next_client: 0x8000_0000,
        };
        world.markets();
        world.trading();
        world.books = clob::rebuild(&world.state);
        world.state.end_block();
        world.past();
        world
    }

    fn ctx(&mut self) -> Ctx<'_> {
        Ctx { state: &mut self.state, events: &mut self.events, block: &self.block, chain: &self.chain }
    }

    fn markets(&mut self) {
        let denom = self.chain.collateral.clone();
        let markets = self.scale.markets;
        let amount = (QUOTE * i128::from(self.scale.accounts)).unsigned_abs();
        let ctx = &mut self.ctx();
        bank::genesis::init(ctx, &bank::Genesis::default()).expect("bank");
        bank::mint(ctx, &subaccounts::pool(), &Coin { denom, amount }).expect("mint");
        let param = |market| prices::MarketParams {
            market: MarketId(market),
            pair: format!("M{market}-USD"),
            exponent: -5,
            min_price_change: Ppm::new(1),
        };
        let params = (0..markets).map(param).collect();
        let genesis = prices::Genesis {
            network: Default::default(),
            silent: Vec::new(),
            params: Default::default(),
            markets: params,
            prices: vec![],
        };
        prices::genesis::init(ctx, &genesis).expect("prices");
        let perpetual = |market: u32| perpetuals::Perpetual {
            market: MarketId(market),
            ticker: format!("M{market}-USD"),
            atomic_resolution: -8,
            default_funding: SignedPpm::new(0),
            tier: 0,
            funding_index: FundingIndex::ZERO,
            open_interest: BaseQuantums::ZERO,
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
        let perpetuals = (0..markets).map(|at| (perpetual(at), perpetuals::MarketType::Cross)).collect();
        let genesis = perpetuals::Genesis { tiers, perpetuals, ..Default::default() };
        perpetuals::genesis::init(ctx, &genesis).expect("perpetuals");
    }

    fn trading(&mut self) {
        let scale = self.scale;
        let ctx = &mut self.ctx();
        fees::genesis::init(ctx, &fees::Genesis::default()).expect("fees");
        let rich = || Subaccount { quote: QuoteQuantums::new(QUOTE), ..Subaccount::default() };
        let mut accounts: Vec<_> = (0..scale.accounts).map(|number| (account(number), rich())).collect();
        accounts.sort_by_key(|(id, _)| *id);
        let genesis = subaccounts::Genesis { accounts, ..Default::default() };
        subaccounts::genesis::init(ctx, &genesis).expect("accounts");
        insurance::genesis::init(ctx, &insurance::Genesis::default()).expect("insurance");
        let pair = |market| Pair {
            market: MarketId(market),
            step: Size::new(LOT),
            subticks_per_tick: TICK as u32,
            quantum_conversion_exponent: -8,
            status: clob::state::Status::Active,
        };
        let params = Params { rate_limits: RateLimits::NONE, max_resting: 1_000_000, ..Params::default() };
        let row = |number: u32| {
            let order = scale.resting(number);
            (order.id, row_of(&order, number))
        };
        let waits = |number: u32| {
            let order = scale.waiting(number);
            let sequence = u64::from(scale.orders) + u64::from(number);
            (order.id, Conditional { order, sequence, height: 1 })
        };
        let genesis = clob::Genesis {
            params,
            pairs: (0..scale.markets).map(pair).collect(),
            orders: (0..scale.orders).map(row).collect(),
            next_sequence: u64::from(scale.orders) + u64::from(scale.conditionals),
            conditionals: (0..scale.conditionals).map(waits).collect(),
            ..clob::Genesis::default()
        };
        clob::genesis::init(ctx, &genesis).expect("books");
    }

    /// What was placed and cancelled before.
    fn past(&mut self) {
        let mut left = self.scale.history;
        while left > 0 {
            let some = left.min(2_000);
            self.turn(0, some, false);
            left -= some;
        }
    }

    /// One block that takes `seconds`; `messages` orders are placed and cancelled.
    pub(crate) fn turn(&mut self, seconds: u32, messages: u32, busy: bool) -> Parts {
        self.probe((seconds, messages), busy, false)
    }

    /// The same; a `probe` measures the unlinking alone before, so that what expires is near when its turn comes:
    /// the rest of its times is better than the truth.
    pub(crate) fn probe(&mut self, (seconds, messages): (u32, u32), busy: bool, probe: bool) -> Parts {
        let time = Time::from_unix(self.block.time.seconds() + i64::from(seconds), 0);
        self.block = Block { height: self.block.height + 1, time, previous_time: self.block.time };
        self.tick += u64::from(busy);
        // A subtick is a tenth of the price's last digit.
        let price = Price::new(self.tick * 1_000);
        let prices = (0..self.scale.markets).map(|market| (MarketId(market), price)).collect();
        let messages = self.messages(messages);
        self.events.clear();
        let mut parts = Parts::default();
        let Self { state, books, block, chain, events, .. } = self;
        let mut ctx = Ctx { state, events, block, chain };
        prices::record(&mut ctx, &prices);
        books.accounts.begin_block(ctx.state.as_read(), ctx.block);
        if probe {
            parts.index = measure(|| unlink(books, block));
        }
        let (rest, wait) = (books.len(), books.waiting());
        parts.expire = measure(|| clob::expire(&mut ctx, books));
        parts.expired = rest - books.len();
        parts.trigger = measure(|| clob::trigger(&mut ctx, books));
        parts.triggered = wait - books.waiting();
        parts.messages = measure(|| {
            for message in &messages {
                clob::execute(&mut ctx, books, message).expect("accepted");
            }
        });
        parts.rows = measure(|| clob::end_block(&mut ctx, books));
        parts.events = ctx.events.len();
        parts.state = measure(|| self.state.end_block());
        parts
    }

    fn messages(&mut self, count: u32) -> Vec<Msg> {
        let until = u32::try_from(self.block.height).expect("a height") + 5;
        let mut messages = Vec::with_capacity(count as usize * 2);
        let mut cancels = Vec::with_capacity(count as usize);
        for _ in 0..count {
            self.next_client += 1;
            // The same few accounts in every world.
            let owner = spread(self.next_client, 7) % 10_000;
            let id = OrderId {
                subaccount: account(owner as u32),
                market: MarketId(self.next_client % self.scale.markets),
                kind: Kind::ShortTerm,
                client_id: self.next_client,
            };
            let tick = MIDDLE - 300 - spread(self.next_client, 8) % 1_000;
            let good_til = GoodTil::Block(until);
            messages.push(Msg::Place(order(id, Side::Buy, tick, good_til)));
            cancels.push(Msg::Cancel(Cancel { id, good_til }));
        }
        messages.extend(cancels);
        messages
    }
}

/// Find and unlink what expires, then put it back.
fn unlink(books: &mut Books, block: &Block) {
    books.savepoint();
    for handle in books.expired(block.height, block.time.seconds()) {
        books.take(handle);
    }
    books.rollback();
}

/// Time on the wall: the kernel books the time of a thread in ticks, which are coarser than what is measured.
/// Medians over blocks keep out most of what neighbours do.
fn measure(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}
