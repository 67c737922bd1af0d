//! The table of fees, what a fill costs, and the way of the money.

use fees::genesis::{export, init, Genesis};
use fees::{charge, collector, query, rates, unpaid, Desk, Error, Fill, Rates};
use num::{Ppm, QuoteQuantums, SignedPpm};
use proto::dydxprotocol::{feetiers as wire, stats};
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, MarketId, Rejection, Time};

fn chain() -> Chain {
    let collateral = Denom::new("uusdc").unwrap();
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral }
}

fn with<T>(state: &mut Memory, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
    let (block, chain, mut events) = (Block::default(), chain(), types::Events::default());
    f(&mut Ctx { state, events: &mut events, block: &block, chain: &chain })
}

fn begin(genesis: &Genesis) -> Result<Memory, Error> {
    let mut state = Memory::default();
    with(&mut state, |ctx| init(ctx, genesis)).map(|()| state)
}

#[test]
fn a_fee_rounds_up_and_so_does_a_rebate() {
    for (name, quote, rate, expected) in [
        ("exact", 1_000_000, 500, 500),
        ("a bit more costs a whole", 1_000_001, 500, 501),
        ("a tiny fill costs one", 1, 500, 1),
        ("nothing costs nothing", 0, 500, 0),
        ("a rebate rounds against the maker", 1_000_001, -110, -110),
        ("a tiny rebate is none", 9_000, -110, 0),
        ("a whole rebate", 1_000_000, -110, -110),
        ("L7, 15,000 ppm of half a BTC's tenth", 5_000_000_000, 5_000, 25_000_000),
        ("L11, maker fee 200 ppm", 50_500_000_000, 200, 10_100_000),
    ] {
        let fee = charge(QuoteQuantums::new(quote), SignedPpm::new(rate));
        assert_eq!(fee, Some(QuoteQuantums::new(expected)), "{name}");
    }
    assert_eq!(charge(QuoteQuantums::new(i128::MAX), SignedPpm::new(2_000_000)), None);
}

#[test]
fn everybody_pays_the_first_tier() {
    let state = begin(&Genesis::default()).unwrap();
    let expected = Rates { maker: SignedPpm::new(100), taker: SignedPpm::new(500) };
    assert_eq!(rates(&state, &Address::new([1; 20]), MarketId(3)), expected);
    assert_eq!(rates(&Memory::default(), &Address::new([1; 20]), MarketId(3)), Rates::default());
}

#[test]
fn no_pair_of_standard_rates_pays_out_on_a_match() {
    let tiers = Genesis::default().tiers;
    assert_eq!(tiers.len(), 9);
    for maker in &tiers {
        for taker in &tiers {
            for quote in [1, 9_090, 9_091, 1_000_000, 999_999_999_999_999] {
                let fee = |rate| charge(QuoteQuantums::new(quote), rate).unwrap();
                assert!(!(fee(maker.maker) + fee(taker.taker)).is_negative());
            }
        }
    }
}

/// A desk in a block at `seconds`, and what it does there.
fn block<T>(state: &mut Memory, seconds: i64, f: impl FnOnce(&mut Ctx<'_>, &mut Desk) -> T) -> T {
    let time = Time::from_unix(seconds, 0);
    let block = Block { height: 1, time, previous_time: time };
    let (chain, mut events, mut desk) = (chain(), types::Events::default(), Desk::default());
    let ctx = &mut Ctx { state, events: &mut events, block: &block, chain: &chain };
    desk.begin_block(ctx);
    let answer = f(ctx, &mut desk);
    desk.end_block(ctx);
    answer
}

fn fill(quote: i128, fees: i128) -> Fill {
    Fill {
        market: MarketId(0),
        pool: Address::module("subaccounts"),
        maker: Address::new([1; 20]),
        taker: Address::new([2; 20]),
        quote: QuoteQuantums::new(quote),
        fees: QuoteQuantums::new(fees),
    }
}

#[test]
fn fees_go_from_the_pool_to_the_collector_and_what_it_lacks_is_owed() {
    let mut state = begin(&Genesis::default()).unwrap();
    let (pool, denom) = (Address::module("subaccounts"), chain().collateral);
    let mint = |state: &mut Memory, amount| {
        let coin = Coin { denom: denom.clone(), amount };
        with(state, |ctx| bank::mint(ctx, &pool, &coin)).unwrap();
    };
    mint(&mut state, 100);
    block(&mut state, 10, |_, desk| {
        desk.record(&fill(1_000, 40));
        desk.record(&fill(1_000, 20));
        desk.record(&fill(1_000, 0));
    });
    assert_eq!(bank::balance(&state, &collector(), &denom), 60);
    block(&mut state, 11, |_, desk| desk.record(&fill(1_000, 41)));
    assert_eq!(bank::balance(&state, &pool, &denom), 40);
    assert_eq!(unpaid(&state), [((pool, collector()), QuoteQuantums::new(41))]);
    mint(&mut state, 1);
    block(&mut state, 12, |_, _| ());
    assert_eq!(bank::balance(&state, &collector(), &denom), 101);
    assert_eq!(unpaid(&state), []);
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_table() {
    let state = begin(&Genesis::default()).unwrap();
    assert_eq!(export(&state), Genesis::default());
}

#[test]
fn a_table_that_could_pay_out_or_leaves_somebody_out_is_refused() {
    type Spoil = fn(&mut Genesis);
    let rows: [(&str, Spoil, u32); 11] = [
        ("no tiers", |g| g.tiers.clear(), 1_000),
        ("first tier needs volume", |g| g.tiers[0].volume = QuoteQuantums::new(1), 1_001),
        ("first tier needs a share", |g| g.tiers[0].total_share = Ppm::new(1), 1_001),
        ("volume falls", |g| g.tiers[3].volume = QuoteQuantums::new(1), 1_002),
        ("share falls", |g| g.tiers[8].maker_share = Ppm::new(1), 1_002),
        ("volume too large", |g| g.tiers[8].volume = QuoteQuantums::new(1 << 64), 1_002),
        ("rate above everything", |g| g.tiers[0].taker = SignedPpm::new(1_000_001), 1_003),
        ("net rebate", |g| g.tiers[8].maker = SignedPpm::new(-251), 1_004),
        ("lowest taker", |g| g.tiers[8].taker = SignedPpm::new(109), 1_004),
        ("no name", |g| g.tiers[0].name.clear(), 1_006),
        ("many", |g| g.tiers.extend(vec![g.tiers[8].clone(); 56]), 1_006),
    ];
    for (name, spoil, code) in rows {
        let mut genesis = Genesis::default();
        spoil(&mut genesis);
        assert_eq!(begin(&genesis).unwrap_err().code(), code, "{name}");
    }
    let mut edge = Genesis::default();
    edge.tiers[8].maker = SignedPpm::new(-250);
    assert!(begin(&edge).is_ok());
}

#[test]
fn queries_show_the_table_and_no_volumes() {
    let state = begin(&Genesis::default()).unwrap();
    let table = query::perpetual_fee_params(&state).params.unwrap();
    let last = table.tiers.last().unwrap();
    assert_eq!((last.maker_fee_ppm, last.taker_fee_ppm), (-110, 250));
    assert_eq!(last.absolute_volume_requirement, 125_000_000_000_000);
    let user = Address::new([1; 20]).to_bech32("ballast");
    let request = wire::QueryUserFeeTierRequest { user: user.clone() };
    let answer = query::user_fee_tier(&state, &chain(), &request).unwrap();
    assert_eq!((answer.index, answer.tier.unwrap().name), (0, "1".into()));
    let bad = wire::QueryUserFeeTierRequest { user: "x".into() };
    assert_eq!(query::user_fee_tier(&state, &chain(), &bad).unwrap_err().code(), 2);
    let volumes = query::user_stats(&state, &chain(), &stats::QueryUserStatsRequest { user }).unwrap();
    assert_eq!(volumes.stats, Some(stats::UserStats::default()));
    assert_eq!(query::stats_params(&state).params.unwrap().window_duration.unwrap().seconds, 2_592_000);
}
