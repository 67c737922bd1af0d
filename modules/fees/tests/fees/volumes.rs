//! Volumes of a rolling window, and the tiers that follow from them.

use crate::world::{chain, fill, user, World, USD};
use fees::genesis::export;
use fees::{query, rates, tier_index, FeeTier, Genesis, Volume};
use num::{Ppm, QuoteQuantums, SignedPpm};
use proptest::prelude::*;
use proto::dydxprotocol::stats;
use types::{Address, MarketId};

const HOUR: i64 = 3_600;
const WINDOW: i64 = 2_592_000;
const DAY: i64 = 86_400;

fn volume_of(world: &World, byte: u8) -> (i128, i128) {
    let volume = fees::volume(&world.state, &user(byte));
    (volume.maker.raw(), volume.taker.raw())
}

fn tier(volume: i128, share: u32, taker: i32, maker: i32) -> FeeTier {
    FeeTier {
        name: format!("{volume}"),
        volume: QuoteQuantums::new(volume),
        total_share: Ppm::new(0),
        maker_share: Ppm::new(share),
        maker: SignedPpm::new(maker),
        taker: SignedPpm::new(taker),
    }
}

#[test]
fn e1_a_user_is_in_the_last_tier_before_the_first_that_is_not_met() {
    let tiers = [tier(0, 0, 10, 1), tier(1_000, 0, 20, 2), tier(1_000_000_000, 500_000, 30, 3)];
    let billion = 1_000_000_000;
    for (id, taker, maker, global, expected) in [
        ("E1, small", 10, 10, 10_000, 0),
        ("E1, second", 1_000, 150, 10_000, 1),
        ("E1, maker share", 1_000, billion, 2 * billion, 2),
        ("just below the volume", 999, 0, 10_000, 0),
        ("volume by both roles", 500, 500, 10_000, 1),
        ("volume without the share", billion, 0, 2 * billion, 1),
        ("one below the share", 1_000, billion - 1, 2 * billion, 1),
        ("the share rounds down", 1_000, billion, 2 * billion + 1, 2),
    ] {
        let volume = Volume { maker: QuoteQuantums::new(maker), taker: QuoteQuantums::new(taker) };
        assert_eq!(tier_index(&tiers, &volume, QuoteQuantums::new(global)), expected, "{id}");
    }
    // A tier that is met behind one that is not is out of reach.
    let gap = [tier(0, 0, 10, 1), tier(0, 900_000, 9, 1), tier(5, 0, 8, 1)];
    let volume = Volume { maker: QuoteQuantums::new(10), taker: QuoteQuantums::new(10) };
    assert_eq!(tier_index(&gap, &volume, QuoteQuantums::new(100)), 0);
}

#[test]
fn standard_tiers_by_volume_and_shares() {
    let tiers = Genesis::default().tiers;
    let million = 1_000_000 * USD;
    for (taker, maker, global, expected) in [
        (0, 0, 0, 1),
        (million - 1, 0, million, 1),
        (million, 0, million, 2),
        (0, 5 * million, 100 * million, 3),
        (25 * million, 0, 25 * million, 4),
        (125 * million, 0, 26_000 * million, 5),
        (125 * million, 0, 25_000 * million, 6),
        (0, 250 * million, 25_000 * million, 7),
        (0, 500 * million, 25_000 * million, 8),
        (0, 1_000 * million, 25_000 * million, 9),
    ] {
        let volume = Volume { maker: QuoteQuantums::new(maker), taker: QuoteQuantums::new(taker) };
        let index = tier_index(&tiers, &volume, QuoteQuantums::new(global));
        assert_eq!(tiers[index].name, format!("{expected}"), "{taker} {maker} of {global}");
    }
}

#[test]
fn an_hour_counts_until_its_end_is_a_window_ago() {
    let mut world = World::new(&Genesis::default());
    world.block(10 * HOUR + 5, |_, desk| desk.record(&fill(1, 2, 100, 0)));
    world.block(11 * HOUR, |_, desk| desk.record(&fill(1, 2, 7, 0)));
    assert_eq!((volume_of(&world, 1), volume_of(&world, 2)), ((107, 0), (0, 107)));
    for (seconds, expected) in [
        (11 * HOUR + WINDOW - 1, 107),
        (11 * HOUR + WINDOW, 7),
        (12 * HOUR + WINDOW - 1, 7),
        (12 * HOUR + WINDOW, 0),
    ] {
        world.block(seconds, |_, _| ());
        assert_eq!((volume_of(&world, 1), volume_of(&world, 2)), ((expected, 0), (0, expected)));
        assert_eq!(fees::global(&world.state), QuoteQuantums::new(expected), "at {seconds}");
        world.sums_hold();
    }
    assert!(export(&world.state).hours.is_empty());
}

#[test]
fn the_volume_of_a_block_moves_rates_from_the_next_block_on() {
    let mut world = World::new(&Genesis::default());
    let taker = |world: &mut World| {
        let hot = world.run(|ctx, desk| desk.rates(ctx.state.as_read(), &user(2), MarketId(0)));
        assert_eq!(hot, rates(&world.state, &user(2), MarketId(0)));
        hot.taker.raw()
    };
    world.block(0, |ctx, desk| {
        desk.record(&fill(1, 2, 1_000_000 * USD, 0));
        assert_eq!(desk.rates(ctx.state.as_read(), &user(2), MarketId(0)).taker.raw(), 500);
    });
    world.run(|ctx, desk| desk.begin_block(ctx));
    assert_eq!(taker(&mut world), 450);
    world.block(WINDOW + HOUR, |_, _| ());
    assert_eq!(taker(&mut world), 500);
}

#[test]
fn many_users_of_one_hour_cost_a_block_no_more_than_a_few_rows_and_all_are_read_right() {
    let mut world = World::new(&Genesis::default());
    let many = 200_u8;
    world.block(0, |_, desk| (1..=many).for_each(|byte| desk.record(&fill(byte, 0, 10, 0))));
    let kept = |world: &World| export(&world.state).hours.len();
    assert_eq!(kept(&world), usize::from(many) + 1);
    let late = HOUR + WINDOW;
    for block in 1..=4 {
        world.block(late + block, |_, _| ());
        let swept = usize::try_from(block).unwrap() * 64;
        assert_eq!(kept(&world), (usize::from(many) + 1).saturating_sub(swept));
        (0..=many).for_each(|byte| assert_eq!(volume_of(&world, byte), (0, 0)));
        assert_eq!(fees::global(&world.state), QuoteQuantums::ZERO);
        world.sums_hold();
    }
}

#[test]
fn queries_show_volumes_and_hours() {
    let mut world = World::new(&Genesis::default());
    world.block(5 * HOUR, |_, desk| desk.record(&fill(1, 2, 5_000_000 * USD, 0)));
    let text = |byte| user(byte).to_bech32("ballast");
    let request = stats::QueryUserStatsRequest { user: text(1) };
    let answer = query::user_stats(&world.state, &chain(), &request).unwrap().stats.unwrap();
    assert_eq!((answer.maker_notional, answer.taker_notional), (5_000_000_000_000, 0));
    let tier = proto::dydxprotocol::feetiers::QueryUserFeeTierRequest { user: text(2) };
    assert_eq!(query::user_fee_tier(&world.state, &chain(), &tier).unwrap().index, 2);
    assert_eq!(query::global_stats(&world.state).stats.unwrap().notional_traded, 5_000_000_000_000);
    let epoch = stats::QueryEpochStatsRequest { epoch: 5 };
    let epoch = query::epoch_stats(&world.state, &chain(), &epoch).stats.unwrap();
    assert_eq!(epoch.epoch_end_time.unwrap().seconds, 6 * HOUR);
    assert_eq!(epoch.stats.iter().map(|row| row.user.clone()).collect::<Vec<_>>(), [text(1), text(2)]);
    let staking = proto::dydxprotocol::feetiers::QueryUserStakingTierRequest { address: text(2) };
    let staking = query::user_staking_tier(&world.state, &chain(), &staking).unwrap();
    assert_eq!((staking.fee_tier_name.as_str(), staking.discount_ppm), ("3", 0));
    world.block(6 * HOUR + WINDOW, |_, _| ());
    assert_eq!(query::stats_metadata(&world.state).metadata.unwrap().trailing_epoch, 6);
}

#[test]
fn a_state_exported_with_volumes_goes_on_as_it_was() {
    let mut world = World::new(&Genesis::default());
    world.block(0, |_, desk| desk.record(&fill(1, 2, 5_000_000 * USD, 0)));
    world.block(9 * HOUR, |_, desk| desk.record(&fill(2, 1, 70 * USD, 0)));
    let mut again = World::new(&export(&world.state));
    for world in [&mut world, &mut again] {
        world.block(HOUR + WINDOW, |_, _| ());
    }
    assert_eq!(export(&again.state), export(&world.state));
    assert_eq!(volume_of(&again, 1), (0, 70 * USD));
    assert_eq!(fees::global(&again.state), QuoteQuantums::new(70 * USD));
}

/// Everything that was ever traded, and the meaning of a window spelled out.
#[derive(Default)]
struct Naive(Vec<(i64, u8, u8, i128)>);

impl Naive {
    fn counts(now: i64, at: i64) -> bool {
        (at.div_euclid(HOUR) + 1) * HOUR + WINDOW > now
    }

    fn volume(&self, now: i64, who: u8) -> (i128, i128) {
        let counted = self.0.iter().filter(|(at, ..)| Self::counts(now, *at));
        counted.fold((0, 0), |(maker, taker), (_, m, t, quote)| {
            let share = |is: u8| if is == who { *quote } else { 0 };
            (maker + share(*m), taker + share(*t))
        })
    }

    fn global(&self, now: i64) -> i128 {
        self.0.iter().filter(|(at, ..)| Self::counts(now, *at)).map(|(.., quote)| quote).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Forty days and more of fills, idle users and long gaps: what is read is what a naive sum over all fills
    /// gives, at every block.
    #[test]
    fn volumes_of_forty_days_equal_a_naive_sum_over_all_fills(
        blocks in proptest::collection::vec(
            (
                prop_oneof![6 => 1..HOUR, 3 => HOUR..6 * HOUR, 1 => DAY..4 * DAY],
                proptest::collection::vec((0_u8..6, 0_u8..6, 1_i128..3_000_000 * USD), 0..4),
            ),
            250..400,
        )
    ) {
        let (mut world, mut naive, mut now) = (World::new(&Genesis::default()), Naive::default(), 1_000_000);
        let tiers = Genesis::default().tiers;
        for (step, fills) in blocks {
            now += step;
            world.block(now, |ctx, desk| {
                // What the desk remembers of earlier blocks is what the rows say now.
                for who in (0..6).map(user) {
                    let state = ctx.state.as_read();
                    assert_eq!(desk.rates(state, &who, MarketId(0)), rates(state, &who, MarketId(0)));
                }
                for (maker, taker, quote) in &fills {
                    desk.record(&fill(*maker, *taker, *quote, 0));
                }
            });
            naive.0.extend(fills.iter().map(|(maker, taker, quote)| (now, *maker, *taker, *quote)));
            prop_assert_eq!(fees::global(&world.state).raw(), naive.global(now));
            for byte in 0..6 {
                let (maker, taker) = naive.volume(now, byte);
                prop_assert_eq!(volume_of(&world, byte), (maker, taker));
                let volume = Volume { maker: QuoteQuantums::new(maker), taker: QuoteQuantums::new(taker) };
                let index = tier_index(&tiers, &volume, QuoteQuantums::new(naive.global(now)));
                let rate = rates(&world.state, &user(byte), MarketId(0));
                prop_assert_eq!(rate.taker, tiers[index].taker);
            }
        }
        prop_assert!(now > 1_000_000 + 40 * DAY);
        world.sums_hold();
    }
}

#[test]
fn a_genesis_with_rows_that_mean_nothing_is_refused() {
    type Spoil = fn(&mut Genesis);
    let rows: [(&str, Spoil, u32); 6] = [
        ("a window of nothing", |g| g.params.window_seconds = 0, 1_007),
        ("more than all to the fund", |g| g.params.insurance_share = Ppm::new(1_000_001), 1_007),
        ("builders that take everything", |g| g.params.builder_cap = Ppm::new(100_001), 1_007),
        ("an hour of nothing", |g| g.hours.push(((Address::new([1; 20]), 1), Volume::default())), 1_010),
        (
            "an hour twice",
            |g| {
                let one = Volume { maker: QuoteQuantums::new(1), taker: QuoteQuantums::new(0) };
                g.hours.extend([((Address::new([1; 20]), 1), one); 2]);
            },
            1_010,
        ),
        ("a debt of nothing", |g| g.unpaid.push(((user(1), user(2)), QuoteQuantums::ZERO)), 1_010),
    ];
    for (name, spoil, code) in rows {
        let mut genesis = Genesis::default();
        spoil(&mut genesis);
        let error = genesis.check().unwrap_err();
        assert_eq!(types::Rejection::code(&error), code, "{name}");
    }
}
