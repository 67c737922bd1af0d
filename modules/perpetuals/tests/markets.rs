//! Perpetuals over lower modules: genesis, funding index, open interest.
#![cfg(test)]

use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm};
use perpetuals::genesis::{self, Genesis};
use perpetuals::{Error, MarketType, Params, Perpetual, Tier};
use store::{Ctx, Memory};
use types::{Block, Chain, Denom, MarketId, Rejection};

fn with<T>(state: &mut Memory, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
    let (block, mut events) = (Block::default(), types::Events::default());
    let collateral = Denom::new("uusdc").unwrap();
    let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
    f(&mut Ctx { state, events: &mut events, block: &block, chain: &chain })
}

fn oracle() -> Memory {
    let mut state = Memory::default();
    let market = |market: u32, pair: &str, exponent| prices::MarketParams {
        market: MarketId(market),
        pair: pair.into(),
        exponent,
        min_price_change: Ppm::new(1_000),
    };
    let genesis = prices::Genesis {
        network: Default::default(),
        silent: Vec::new(),
        markets: vec![market(0, "BTC-USD", -5), market(1, "ETH-USD", -6)],
        ..prices::Genesis::default()
    };
    with(&mut state, |ctx| prices::genesis::init(ctx, &genesis)).unwrap();
    state
}

fn tier() -> Tier {
    Tier {
        id: 0,
        name: "Large-Cap".into(),
        initial_margin: Ppm::new(20_000),
        maintenance_fraction: Ppm::new(600_000),
        impact_notional: QuoteQuantums::new(10_000_000_000),
        open_interest_lower_cap: QuoteQuantums::ZERO,
        open_interest_upper_cap: QuoteQuantums::ZERO,
    }
}

fn btc() -> Perpetual {
    Perpetual {
        market: MarketId(0),
        ticker: "BTC-USD".into(),
        atomic_resolution: -10,
        default_funding: SignedPpm::new(100),
        tier: 0,
        funding_index: FundingIndex::ZERO,
        open_interest: BaseQuantums::ZERO,
    }
}

fn start() -> Genesis {
    let eth = Perpetual { market: MarketId(1), ticker: "ETH-USD".into(), atomic_resolution: -9, ..btc() };
    Genesis {
        params: Params::default(),
        tiers: vec![tier()],
        perpetuals: vec![(btc(), MarketType::Cross), (eth, MarketType::Isolated)],
        ramps: vec![(
            0,
            perpetuals::Ramp {
                initial_margin: Ppm::new(50_000),
                maintenance_fraction: Ppm::new(500_000),
                until: 9,
            },
        )],
        caps: vec![(MarketId(1), QuoteQuantums::new(7))],
    }
}

fn begin(genesis: &Genesis) -> Result<Memory, Error> {
    let mut state = oracle();
    with(&mut state, |ctx| genesis::init(ctx, genesis)).map(|()| state)
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_markets() {
    let state = begin(&start()).unwrap();
    assert_eq!(genesis::export(&state), start());
}

#[test]
fn terms_hold_all_that_margin_needs() {
    let state = begin(&start()).unwrap();
    let terms = perpetuals::terms(&state, MarketId(0)).unwrap();
    assert_eq!((terms.price_exponent, terms.atomic_resolution, terms.exponent), (-5, -10, -9));
    let (size, price) = (BaseQuantums::new(-10_000_000_000), Price::new(2_868_819_524));
    let margin = terms.margin(size, price, None).unwrap();
    assert_eq!(margin.notional, QuoteQuantums::new(-28_688_195_240));
    assert_eq!(margin.initial, QuoteQuantums::new(573_763_905));
    assert_eq!(margin.maintenance, QuoteQuantums::new(344_258_343));
    assert_eq!(terms.initial_margin(size, price, None), Ok(margin.initial));
    assert_eq!(terms.maintenance_margin(size, price), Ok(margin.maintenance));
    assert_eq!(terms.maintenance_ppm(), Ppm::new(12_000));
    // A user's own share counts when it is larger, and never for maintenance.
    let own = terms.margin(size, price, Some(Ppm::new(500_000))).unwrap();
    assert_eq!(own.initial, QuoteQuantums::new(14_344_097_620));
    assert_eq!(own.maintenance, margin.maintenance);
    assert_eq!(terms.margin(size, price, Some(Ppm::new(1))), Ok(margin));
    assert_eq!(perpetuals::terms(&state, MarketId(7)).unwrap_err().code(), 1);
}

#[test]
fn the_funding_index_adds_up_and_does_not_overflow() {
    let mut state = begin(&start()).unwrap();
    let market = MarketId(0);
    let mut advance = |delta| {
        with(&mut state, |ctx| perpetuals::advance_funding(ctx, market, FundingIndex::new(delta)))
            .map(|()| perpetuals::perpetual(&state, market).unwrap().funding_index.raw())
    };
    assert_eq!(advance(625), Ok(625));
    assert_eq!(advance(-1_000), Ok(-375));
    assert_eq!(advance(i128::MIN), Err(Error::Overflow(market)));
    assert_eq!(advance(0), Ok(-375));
    let missing = with(&mut state, |ctx| perpetuals::advance_funding(ctx, MarketId(9), FundingIndex::new(1)));
    assert_eq!(missing, Err(Error::NoPerpetual(MarketId(9))));
}

#[test]
fn open_interest_never_becomes_negative() {
    let mut state = begin(&start()).unwrap();
    let market = MarketId(1);
    let mut change = |delta| {
        with(&mut state, |ctx| perpetuals::change_open_interest(ctx, market, BaseQuantums::new(delta)))
            .map(|()| perpetuals::perpetual(&state, market).unwrap().open_interest.raw())
    };
    assert_eq!(change(10), Ok(10));
    assert_eq!(change(-10), Ok(0));
    let refused = change(-1).unwrap_err();
    assert_eq!((refused.codespace(), refused.code()), ("perpetuals", 25));
    assert_eq!(change(i128::MAX), Ok(i128::MAX));
    assert_eq!(change(1).unwrap_err().code(), 11);
}

#[test]
fn a_genesis_out_of_bounds_is_refused_by_name() {
    type Spoil = fn(&mut Genesis);
    let rows: [(&str, Spoil, u32); 20] = [
        ("a ramp to nowhere", |g| g.ramps[0].0 = 7, 12),
        ("no oracle market", |g| g.perpetuals[1].0.market = MarketId(5), 2),
        ("no tier", |g| g.perpetuals[0].0.tier = 4, 12),
        ("repeated perpetual", |g| g.perpetuals[1].0.market = MarketId(0), 17),
        ("repeated tier", |g| g.tiers.push(tier()), 20),
        ("initial margin above 1", |g| g.tiers[0].initial_margin = Ppm::new(1_000_001), 3),
        ("fraction above 1", |g| g.tiers[0].maintenance_fraction = Ppm::new(1_000_001), 4),
        ("initial margin 0", |g| g.tiers[0].initial_margin = Ppm::ZERO, 1_000),
        ("maintenance = initial", |g| g.tiers[0].maintenance_fraction = Ppm::ONE, 1_001),
        ("impact notional 0", |g| g.tiers[0].impact_notional = QuoteQuantums::ZERO, 16),
        ("caps crossed", |g| g.tiers[0].open_interest_lower_cap = QuoteQuantums::new(1), 24),
        ("negative cap", |g| g.tiers[0].open_interest_lower_cap = QuoteQuantums::new(-1), 24),
        ("default funding", |g| g.perpetuals[0].0.default_funding = SignedPpm::new(-1_000_001), 5),
        ("no ticker", |g| g.perpetuals[0].0.ticker.clear(), 6),
        ("funding clamp 0", |g| g.params.funding_rate_clamp_factor = Ppm::ZERO, 14),
        ("premium clamp 0", |g| g.params.premium_vote_clamp_factor = Ppm::ZERO, 15),
        ("votes 0", |g| g.params.min_num_votes_per_sample = 0, 22),
        ("withdrawal margin", |g| g.params.withdrawal_margin = Ppm::new(1_000_001), 1_005),
        ("resolution", |g| g.perpetuals[0].0.atomic_resolution = 37, 1_002),
        ("open interest", |g| g.perpetuals[0].0.open_interest = BaseQuantums::new(-1), 25),
    ];
    for (name, spoil, code) in rows {
        let mut genesis = start();
        spoil(&mut genesis);
        let refused = begin(&genesis).unwrap_err();
        assert_eq!(refused.code(), code, "{name}: {refused}");
    }
}

#[test]
fn queries_show_markets_tiers_and_parameters() {
    use perpetuals::query;
    use proto::dydxprotocol::perpetuals as wire;
    use proto::serint;
    let mut state = begin(&start()).unwrap();
    with(&mut state, |ctx| {
        perpetuals::advance_funding(ctx, MarketId(0), FundingIndex::new(-300)).unwrap();
        perpetuals::change_open_interest(ctx, MarketId(0), BaseQuantums::new(7)).unwrap();
    });
    let ask = |id| query::one_perpetual(&state, &wire::QueryPerpetualRequest { id });
    let btc = ask(0).unwrap().perpetual.unwrap();
    assert_eq!((btc.funding_index, btc.open_interest), (serint::encode(-300), serint::encode(7)));
    let params = btc.params.unwrap();
    assert_eq!((params.id, params.market_id, params.atomic_resolution), (0, 0, -10));
    assert_eq!(params.market_type(), wire::PerpetualMarketType::Cross);
    assert_eq!(ask(2).unwrap_err().code(), 1);
    assert_eq!(query::all_perpetuals(&state).len(), 2);
    let tiers = query::all_liquidity_tiers(&state);
    assert_eq!((tiers[0].initial_margin_ppm, tiers[0].impact_notional), (20_000, 10_000_000_000));
    assert_eq!(query::params(&state).params.unwrap().min_num_votes_per_sample, 15);
    assert_eq!(query::next_perpetual_id(&state).next_perpetual_id, 2);
    assert_eq!(query::premium_votes().premium_votes, Some(wire::PremiumStore::default()));
    assert_eq!(query::premium_samples().premium_samples, Some(wire::PremiumStore::default()));
}

#[test]
fn mar_11_margins_that_rise_do_so_in_equal_steps_and_those_that_fall_at_once() {
    let mut state = begin(&Genesis { ramps: Vec::new(), ..start() }).unwrap();
    let margins = |state: &Memory| {
        let tier = perpetuals::tier(state, 0).unwrap();
        (tier.initial_margin.raw(), tier.maintenance_fraction.raw())
    };
    let block = |height| Block { height, ..Block::default() };
    let stricter =
        Tier { initial_margin: Ppm::new(100_000), maintenance_fraction: Ppm::new(500_000), ..tier() };
    let at = |state: &mut Memory, height, f: &dyn Fn(&mut Ctx<'_>)| {
        let (block, mut events) = (block(height), types::Events::default());
        let chain = Chain {
            chain_id: "t".into(),
            prefix: "ballast".into(),
            collateral: types::Denom::new("uusdc").unwrap(),
        };
        f(&mut Ctx { state, events: &mut events, block: &block, chain: &chain });
    };
    at(&mut state, 10, &|ctx| perpetuals::set_tier(ctx, &stricter, 4).unwrap());
    assert_eq!(margins(&state), (20_000, 600_000), "nothing in the block of the vote");
    let steps: Vec<_> = (11..16)
        .map(|height| {
            at(&mut state, height, &|ctx| {
                perpetuals::begin_block(ctx);
            });
            margins(&state)
        })
        .collect();
    let expected =
        [(40_000, 575_000), (60_000, 550_000), (80_000, 525_000), (100_000, 500_000), (100_000, 500_000)];
    assert_eq!(steps, expected);
    at(&mut state, 16, &|ctx| perpetuals::set_tier(ctx, &tier(), 4).unwrap());
    assert_eq!(margins(&state), (20_000, 600_000), "what falls, falls at once");
    let unsound = Tier { initial_margin: Ppm::new(0), ..tier() };
    at(&mut state, 17, &|ctx| assert_eq!(perpetuals::set_tier(ctx, &unsound, 4).unwrap_err().code(), 1_000));
    let unknown = Tier { id: 8, ..tier() };
    at(&mut state, 17, &|ctx| assert_eq!(perpetuals::set_tier(ctx, &unknown, 4).unwrap_err().code(), 12));
}
