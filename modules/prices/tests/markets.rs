//! Prices in state: what is written, and when it is fresh.
#![cfg(test)]

use std::collections::BTreeMap;

use num::{Ppm, Price};
use prices::genesis::{self, Genesis};
use prices::{Error, MarketParams, OraclePrice, Params};
use store::{Ctx, Memory};
use types::{Block, Chain, Denom, Event, Events, MarketId, Rejection, Time};

fn at(seconds: i64, nanos: u32) -> Block {
    let time = Time::from_unix(seconds, nanos);
    Block { height: 5, time, previous_time: time }
}

fn block_at(height: u64) -> Block {
    Block { height, ..at(200, 0) }
}

fn with<T>(state: &mut Memory, block: Block, f: impl FnOnce(&mut Ctx<'_>) -> T) -> (T, Vec<Event>) {
    let mut events = Events::default();
    let collateral = Denom::new("uusdc").unwrap();
    let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
    let result = f(&mut Ctx { state, events: &mut events, block: &block, chain: &chain });
    (result, events.take())
}

fn market(number: u32, pair: &str) -> MarketParams {
    MarketParams {
        market: MarketId(number),
        pair: pair.into(),
        exponent: -5,
        min_price_change: Ppm::new(1_000),
    }
}

fn start() -> Genesis {
    let price = OraclePrice::new(Price::new(2_868_819_524), 0, Time::from_unix(100, 0));
    Genesis {
        network: prices::Pulse::default(),
        silent: Vec::new(),
        params: Params::default(),
        markets: vec![market(0, "BTC-USD"), market(1, "ETH-USD"), market(2, "SOL-USD")],
        prices: vec![(MarketId(0), price)],
    }
}

fn begin(genesis: &Genesis) -> Result<Memory, Error> {
    let mut state = Memory::default();
    with(&mut state, at(100, 0), |ctx| genesis::init(ctx, genesis)).0.map(|()| state)
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_markets() {
    let state = begin(&start()).unwrap();
    assert_eq!(genesis::export(&state), start());
}

#[test]
fn recording_writes_price_height_and_time_and_tells_it() {
    let mut state = begin(&start()).unwrap();
    let decided = BTreeMap::from([
        (MarketId(0), Price::new(7)),
        (MarketId(1), Price::new(8)),
        (MarketId(2), Price::ZERO),
        (MarketId(9), Price::new(9)),
    ]);
    let ((), events) = with(&mut state, at(200, 5), |ctx| prices::record(ctx, &decided));
    let row = |price, before| {
        let before = [Price::new(before); 2];
        Some(OraclePrice { before, ..OraclePrice::new(Price::new(price), 5, Time::from_unix(200, 5)) })
    };
    assert_eq!(prices::price(&state, MarketId(0)), row(7, 2_868_819_524));
    assert_eq!(prices::price(&state, MarketId(1)), row(8, 0), "it had no price");
    assert_eq!(prices::price(&state, MarketId(2)), None, "zero is no price");
    assert_eq!(prices::price(&state, MarketId(9)), None, "unknown market");
    assert_eq!(events.len(), 2);
}

#[test]
fn a_price_is_fresh_for_as_long_as_configured_to_the_nanosecond() {
    let state = begin(&start()).unwrap();
    for (name, now, fresh) in [
        ("same moment", at(100, 0), true),
        ("30 seconds", at(130, 0), true),
        ("30 seconds and a nanosecond", at(130, 1), false),
        ("a day", at(86_500, 0), false),
    ] {
        assert_eq!(prices::is_fresh(&state, &now, MarketId(0)), fresh, "{name}");
    }
    assert!(!prices::is_fresh(&state, &at(100, 0), MarketId(1)), "no price is not fresh");
    assert!(!prices::is_fresh(&state, &at(100, 0), MarketId(9)), "no market is not fresh");
    let patient = Genesis { params: Params { max_age_seconds: 60, ..Params::default() }, ..start() };
    assert!(prices::is_fresh(&begin(&patient).unwrap(), &at(160, 0), MarketId(0)));
}

#[test]
fn voting_for_the_same_price_renews_its_age() {
    let mut state = begin(&start()).unwrap();
    let same = BTreeMap::from([(MarketId(0), Price::new(2_868_819_524))]);
    with(&mut state, at(200, 0), |ctx| prices::record(ctx, &same));
    assert!(prices::is_fresh(&state, &at(230, 0), MarketId(0)));
    assert!(!prices::is_fresh(&state, &at(231, 0), MarketId(0)));
}

#[test]
fn a_genesis_out_of_bounds_is_refused_by_name() {
    type Spoil = fn(&mut Genesis);
    let rows: [(&str, Spoil, Error); 11] = [
        ("age 0", |g| g.params.max_age_seconds = 0, Error::MaxAge(0)),
        ("age of weeks", |g| g.params.max_age_seconds = 1_000_000, Error::MaxAge(1_000_000)),
        ("repeated", |g| g.markets[1].market = MarketId(0), Error::Order(MarketId(0))),
        ("same pair", |g| g.markets[1].pair = "BTC-USD".into(), Error::PairTaken(MarketId(1))),
        ("no pair", |g| g.markets[1].pair.clear(), Error::Pair(MarketId(1))),
        ("odd pair", |g| g.markets[1].pair = "A\nB".into(), Error::Pair(MarketId(1))),
        ("exponent", |g| g.markets[1].exponent = -37, Error::Exponent { market: MarketId(1), exponent: -37 }),
        ("change 0", |g| g.markets[1].min_price_change = Ppm::ZERO, Error::MinPriceChange(MarketId(1))),
        (
            "change 1 %",
            |g| g.markets[1].min_price_change = Ppm::new(10_000),
            Error::MinPriceChange(MarketId(1)),
        ),
        ("price 0", |g| g.prices[0].1.price = Price::ZERO, Error::ZeroPrice(MarketId(0))),
        ("price of no market", |g| g.prices[0].0 = MarketId(7), Error::NoMarket(MarketId(7))),
    ];
    for (name, spoil, error) in rows {
        let mut genesis = start();
        spoil(&mut genesis);
        let refused = begin(&genesis).unwrap_err();
        assert_eq!((refused.codespace(), &refused), ("prices", &error), "{name}");
    }
}

#[test]
fn queries_show_markets_and_their_latest_prices() {
    use prices::query;
    use proto::dydxprotocol::prices as wire;
    let state = begin(&start()).unwrap();
    let ask = |id| {
        let request = wire::QueryMarketPriceRequest { id };
        query::market_price(&state, &request).map(|answer| answer.market_price.unwrap())
    };
    let btc = wire::MarketPrice { id: 0, exponent: -5, price: 2_868_819_524 };
    let eth = wire::MarketPrice { id: 1, exponent: -5, price: 0 };
    assert_eq!((ask(0), ask(1)), (Ok(btc), Ok(eth)));
    assert_eq!(ask(9), Err(Error::NoMarket(MarketId(9))));
    let all = query::all_market_prices(&state);
    assert_eq!((&all[..2], all.len()), (&[btc, eth][..], 3));
    let param = query::market_param(&state, &wire::QueryMarketParamRequest { id: 2 }).unwrap();
    let param = param.market_param.unwrap();
    assert_eq!((param.pair.as_str(), param.min_price_change_ppm), ("SOL-USD", 1_000));
    assert!(query::market_param(&state, &wire::QueryMarketParamRequest { id: 3 }).is_err());
    assert_eq!(query::all_market_params(&state).len(), 3);
    assert_eq!(query::next_market_id(&state).next_market_id, 3);
    assert_eq!(query::next_market_id(&Memory::default()).next_market_id, 0);
}

#[test]
fn a_price_of_either_block_before_is_known_whenever_votes_came() {
    let mut state = begin(&start()).unwrap();
    let mut history = vec![2_868_819_524];
    // A bit for each block from height 1: whether votes came.
    for (at, came) in [1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1].into_iter().enumerate() {
        let height = u64::try_from(at).unwrap() + 1;
        let price = if came == 1 { 1_000 + height } else { history[at] };
        let decided = BTreeMap::from([(MarketId(0), Price::new(price))]);
        if came == 1 {
            with(&mut state, block_at(height), |ctx| prices::record(ctx, &decided));
        }
        history.push(price);
        for votes_at in [height + 1, height, height - 1].into_iter().filter(|votes_at| *votes_at > 0) {
            let base = prices::base(&state, MarketId(0), votes_at).raw();
            assert_eq!(base, history[usize::try_from(votes_at).unwrap() - 1], "{height}, {votes_at}");
        }
        assert_eq!(prices::base(&state, MarketId(1), height), Price::ZERO);
    }
}
