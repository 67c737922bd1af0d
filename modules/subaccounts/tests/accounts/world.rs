//! A chain of the lower modules for tests: money, oracle prices, markets, accounts.

use std::collections::BTreeMap;

use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm};
use perpetuals::{MarketType, Perpetual, Tier};
use store::{Ctx, Memory};
use subaccounts::{Accounts, Kind, Position, Refused, Subaccount, Update};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, SubaccountId, Time};

/// 1 BTC is 10^8 base quantums; the oracle says $50,000.
pub(crate) const BTC: MarketId = MarketId(0);
/// 1 ETH is 10^9 base quantums; the oracle says $3,000.
pub(crate) const ETH: MarketId = MarketId(1);
/// One BTC.
pub(crate) const ONE_BTC: i128 = 100_000_000;
/// One dollar.
pub(crate) const DOLLAR: i128 = 1_000_000;

/// Margins of one market.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) initial: u32,
    pub(crate) fraction: u32,
    pub(crate) caps: (i128, i128),
}

/// 20 % initial, 10 % maintenance, no caps.
pub(crate) const TWENTY_TEN: Terms = Terms { initial: 200_000, fraction: 500_000, caps: (0, 0) };

/// State, block and chain of one test.
pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) accounts: Accounts,
    pub(crate) block: Block,
    pub(crate) chain: Chain,
    pub(crate) events: Events,
}

pub(crate) fn person(name: u8) -> Address {
    Address::new([name; 20])
}

pub(crate) fn account(name: u8) -> SubaccountId {
    SubaccountId { owner: person(name), number: 0 }
}

pub(crate) fn quote(raw: i128) -> QuoteQuantums {
    QuoteQuantums::new(raw)
}

pub(crate) fn base(raw: i128) -> BaseQuantums {
    BaseQuantums::new(raw)
}

/// An account with this collateral and these positions, at index 0.
pub(crate) fn holding(collateral: i128, positions: &[(MarketId, i128)]) -> Subaccount {
    let position =
        |size| Position { base: base(size), funding_index: FundingIndex::ZERO, ..Default::default() };
    let positions = positions.iter().map(|(market, size)| (*market, position(*size))).collect();
    Subaccount { quote: quote(collateral), positions, ..Default::default() }
}

pub(crate) fn money(name: u8, raw: i128) -> Update {
    Update::money(account(name), quote(raw))
}

/// `name` gets `size` of `market` and pays `cost`.
pub(crate) fn trade(name: u8, market: MarketId, size: i128, cost: i128) -> Update {
    Update { id: account(name), quote: quote(-cost), base: Some((market, base(size))), fee: quote(0) }
}

impl World {
    /// Markets BTC and ETH with these terms; persons 1 to 9 have a trillion dollars each; no accounts.
    pub(crate) fn new(btc: Terms, eth: Terms) -> Self {
        Self::with_open_interest(btc, eth, 0)
    }

    /// The same, with BTC positions of this size of persons 98 (long) and 99 (short), who have money enough.
    pub(crate) fn with_open_interest(btc: Terms, eth: Terms, size: i128) -> Self {
        let rich = 1_000_000_000_000 * DOLLAR;
        let others = if size == 0 {
            Vec::new()
        } else {
            vec![(account(98), holding(rich, &[(BTC, size)])), (account(99), holding(rich, &[(BTC, -size)]))]
        };
        Self::start([btc, eth], others)
    }

    /// Accounts as given. What they hold too little or too much of in a market, person 99 holds the other way;
    /// person 99 also has collateral, so that the pool is not below zero.
    pub(crate) fn with_accounts(terms: [Terms; 2], accounts: &[(u8, Subaccount)]) -> Self {
        let mut sums: BTreeMap<MarketId, i128> = BTreeMap::new();
        for (_, held) in accounts {
            for (market, position) in &held.positions {
                *sums.entry(*market).or_default() += position.base.raw();
            }
        }
        let against: Vec<(MarketId, i128)> =
            sums.into_iter().filter(|(_, sum)| *sum != 0).map(|(market, sum)| (market, -sum)).collect();
        let mut rows: Vec<_> = accounts.iter().map(|(name, held)| (account(*name), held.clone())).collect();
        rows.push((account(99), holding(1_000_000_000_000 * DOLLAR, &against)));
        rows.sort_by_key(|(id, _)| *id);
        Self::start(terms, rows)
    }

    fn start(terms: [Terms; 2], accounts: Vec<(SubaccountId, Subaccount)>) -> Self {
        let time = Time::from_unix(1_000_000, 0);
        let block = Block { height: 100, time, previous_time: time };
        let collateral = Denom::new("uusdc").unwrap();
        let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
        let mut world = Self {
            state: Memory::default(),
            accounts: Accounts::default(),
            block,
            chain,
            events: Events::default(),
        };
        let pool: i128 = accounts.iter().map(|(_, held)| held.quote.raw()).sum();
        let open = |market| {
            let sizes = accounts.iter().map(|(_, held)| held.size(market).max(BaseQuantums::ZERO));
            sizes.sum::<BaseQuantums>()
        };
        let open_interest = [open(BTC), open(ETH)];
        world.run(|ctx| {
            start_bank(ctx, pool);
            start_prices(ctx, time);
            start_perpetuals(ctx, terms, open_interest);
            let genesis = subaccounts::Genesis { accounts, ..subaccounts::Genesis::default() };
            subaccounts::genesis::init(ctx, &genesis).unwrap();
        });
        world.accounts = Accounts::rebuild(&world.state);
        world.refresh();
        world.events.clear();
        world.check();
        world
    }

    /// Give a market without positions a pool of its own.
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

    /// Run something on the chain and its accounts.
    pub(crate) fn with<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>, &mut Accounts) -> T) -> T {
        let Self { state, accounts, block, chain, events } = self;
        let result = f(&mut Ctx { state, events, block, chain }, accounts);
        self.accounts.flush(&mut self.state);
        result
    }

    /// Tell the accounts of new prices, indexes or terms.
    pub(crate) fn refresh(&mut self) {
        self.accounts.begin_block(&self.state, &self.block);
    }

    pub(crate) fn execute(&mut self, msg: &subaccounts::Msg) -> Result<(), subaccounts::Error> {
        self.with(|ctx, accounts| subaccounts::execute(ctx, accounts, msg))
    }

    pub(crate) fn update(&mut self, updates: &[Update], kind: Kind) -> Result<(), Refused> {
        let before = self.rows();
        let result = self.with(|ctx, accounts| subaccounts::update(ctx, accounts, updates, kind));
        if result.is_err() {
            assert_eq!(self.rows(), before, "a refusal leaves a trace");
        }
        result
    }

    /// Money from person `name` into their account.
    pub(crate) fn deposit(&mut self, name: u8, amount: u64) {
        let msg = subaccounts::Msg::Deposit { sender: person(name), recipient: account(name), amount };
        self.execute(&msg).unwrap();
    }

    /// `buyer` buys from `seller`; no fees.
    pub(crate) fn swap(
        &mut self,
        buyer: u8,
        seller: u8,
        market: MarketId,
        size: i128,
        cost: i128,
    ) -> Result<(), Refused> {
        self.update(&[trade(buyer, market, size, cost), trade(seller, market, -size, -cost)], Kind::Match)
    }

    pub(crate) fn set_price(&mut self, market: MarketId, price: u64) {
        self.run(|ctx| prices::record(ctx, &BTreeMap::from([(market, Price::new(price))])));
        self.refresh();
    }

    pub(crate) fn move_index(&mut self, market: MarketId, delta: i128) {
        self.run(|ctx| perpetuals::advance_funding(ctx, market, FundingIndex::new(delta))).unwrap();
        self.refresh();
    }

    /// The account without what it remembers of its trades.
    pub(crate) fn get(&self, name: u8) -> Subaccount {
        let mut held = self.accounts.get(&account(name));
        held.closed = Default::default();
        for (_, position) in &mut held.positions {
            (position.cost, position.ledger) = Default::default();
        }
        held
    }

    pub(crate) fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    /// I1 to I4: nothing got lost and nothing came from nowhere.
    pub(crate) fn check(&self) {
        let audit = subaccounts::invariants::audit(&self.state, &self.chain.collateral).unwrap();
        assert!(audit.pool_is_exact(), "{audit:?} owes {:?}", audit.owed_ppm());
        assert_eq!(audit.unequal_market(&self.state), None, "{audit:?}");
        assert_eq!(audit.mixed, None, "{audit:?}");
        assert_eq!(
            Accounts::rebuild(&self.state).hash(),
            self.accounts.hash(),
            "the rows do not rebuild the accounts"
        );
    }
}

fn start_bank(ctx: &mut Ctx<'_>, pool: i128) {
    let coin = |amount: i128, ctx: &Ctx<'_>| Coin {
        denom: ctx.chain.collateral.clone(),
        amount: u128::try_from(amount).unwrap(),
    };
    for name in 1..10 {
        let rich = coin(1_000_000_000_000 * DOLLAR, ctx);
        bank::mint(ctx, &person(name), &rich).unwrap();
    }
    let held = coin(pool, ctx);
    bank::mint(ctx, &subaccounts::pool(), &held).unwrap();
}

fn start_prices(ctx: &mut Ctx<'_>, time: Time) {
    let market = |market, pair: &str, exponent| prices::MarketParams {
        market,
        pair: pair.into(),
        exponent,
        min_price_change: Ppm::new(1_000),
    };
    let price = |price| prices::OraclePrice::new(Price::new(price), 1, time);
    let genesis = prices::Genesis {
        network: Default::default(),
        silent: Vec::new(),
        params: prices::Params::default(),
        markets: vec![market(BTC, "BTC-USD", -5), market(ETH, "ETH-USD", -6)],
        prices: vec![(BTC, price(5_000_000_000)), (ETH, price(3_000_000_000))],
    };
    prices::genesis::init(ctx, &genesis).unwrap();
}

fn start_perpetuals(ctx: &mut Ctx<'_>, terms: [Terms; 2], open_interest: [BaseQuantums; 2]) {
    let tier = |(id, terms): (u32, Terms)| Tier {
        id,
        name: "tier".into(),
        initial_margin: Ppm::new(terms.initial),
        maintenance_fraction: Ppm::new(terms.fraction),
        impact_notional: quote(1),
        open_interest_lower_cap: quote(terms.caps.0),
        open_interest_upper_cap: quote(terms.caps.1),
    };
    let market = |market: MarketId, atomic_resolution, open_interest| Perpetual {
        market,
        ticker: "X-USD".into(),
        atomic_resolution,
        default_funding: SignedPpm::ZERO,
        tier: market.0,
        funding_index: FundingIndex::ZERO,
        open_interest,
    };
    let [btc, eth] = open_interest;
    let genesis = perpetuals::Genesis {
        params: perpetuals::Params::default(),
        tiers: (0..).zip(terms).map(tier).collect(),
        perpetuals: vec![
            (market(BTC, -8, btc), MarketType::Cross),
            (market(ETH, -9, eth), MarketType::Cross),
        ],
        ..perpetuals::Genesis::default()
    };
    perpetuals::genesis::init(ctx, &genesis).unwrap();
}
