//! Oracle prices that jump, stay away and come back (ORC, E2): nobody trades, is liquidated or pays funding at a
//! price from before an outage.

use std::sync::Arc;

use app::load;
use num::Price;
use prices::Standing;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side};
use scenario::{tell, World};
use store::Memory;
use types::MarketId;

const BTC: MarketId = MarketId(0);
const ETH: MarketId = MarketId(1);

fn recovering() -> app::AppState {
    let mut app = World::devnet();
    app.recovery.after_seconds = 60;
    app
}

fn standing(world: &World, market: MarketId) -> Standing {
    let state = world.machine.state();
    prices::standing(state, &app::state::previous_block(state), market)
}

#[test]
fn orc_08_abci_34_after_eight_hours_nobody_trades_or_is_liquidated_at_a_price_from_before() {
    tell(
        "recovery 60 10
        market BTC 20% 10%
        fees 0% 0%
        band 0%
        oracle BTC 50000
        maker deposits 100000
        alice deposits 12000
        bob deposits 100000
        alice buys 1 BTC @ 50000
        bob sells 1 BTC @ 50000 ioc
        => fill 1 @ 50000
        => alice quote -38000 BTC 1
        maker buys 1 BTC @ 49000 as 7 long-term for 60000
        => book BTC: 1 @ 49000 |
        # All feeders are gone: at first less risk only, then cancels only.
        oracle BTC silent
        wait 31
        => oracle BTC stale
        wait 30
        => oracle BTC halted
        bob buys 1 BTC @ 50000 reduce-only
        => refused clob/20001
        # The whole network stands still; the first votes are those from before: worth a liquidation.
        oracle BTC 40000
        wait 28800
        => oracle BTC halted
        => no liquidation
        => no fill
        alice sells 1 BTC @ 49000 ioc
        => refused clob/20001
        alice withdraws 1
        => refused subaccounts/102
        block
        => no liquidation
        => oracle BTC halted
        # The price of today comes with the feeders: alice was never in danger.
        oracle BTC 51000
        block
        => oracle BTC post_only
        maker buys 1 BTC @ 48000 post-only
        alice sells 1 BTC @ 49000 ioc
        => refused clob/20001
        block
        => no fill
        => oracle BTC post_only
        block
        => oracle BTC post_only
        block
        => oracle BTC 51000
        => no liquidation
        alice sells 1 BTC @ 49000 ioc
        => fill 1 @ 49000",
    );
}

#[test]
fn orc_08_abci_34_after_an_outage_of_everything_no_money_leaves_until_prices_came_ten_times() {
    // Prices stay away while blocks go on, or the whole network stands still: both for less than what the
    // gate calls an outage of the chain.
    for stands_still in [false, true] {
        let mut world = World::with(recovering(), &["alice", "bob"], 1_000_000_000_000);
        let deposit = world.deposit("alice", 100_000_000_000);
        assert_eq!(world.run("alice", &[deposit]).refusal, None);
        world.blocks(2);
        let of = |world: &World| {
            let state = world.machine.state();
            prices::network(state, &app::state::previous_block(state))
        };
        let told =
            |world: &World, kind: &str| world.last.events.iter().filter(|event| event.kind == kind).count();
        // Alice holds no position: no market's price concerns her.
        let leaves = |world: &mut World| {
            let withdrawal = world.withdraw("alice", 1);
            let transfer = world.transfer("alice", "bob", 1_000_000);
            let refused = [withdrawal, transfer].map(|message| {
                let mut twin = world.twin();
                let refusal = twin.run("alice", &[message]).refusal;
                assert_eq!(refusal.is_none(), of(&twin) == Standing::Live);
                refusal.map(|refusal| (refusal.codespace, refusal.code))
            });
            assert_eq!(refused[0], refused[1]);
            assert!(
                refused[0].as_ref().is_none_or(|refusal| *refusal == ("subaccounts".into(), 102)),
                "{refused:?}"
            );
            refused[0].is_none()
        };
        assert!(of(&world) == Standing::Live && leaves(&mut world));
        let voted = world.prices.clone();
        if stands_still {
            world.pass(200);
        } else {
            world.prices.clear();
            // The votes for the block before still come.
            let mut halts = 0;
            for _ in 0..63 {
                world.block();
                halts += told(&world, "network_halted");
            }
            assert_eq!((of(&world), halts), (Standing::Halted, 1));
            assert!(!leaves(&mut world));
            // Money may come in.
            let deposit = world.deposit("alice", 1_000_000);
            assert_eq!(world.run("alice", &[deposit]).refusal, None);
            world.prices = voted;
            // One feed stays away for good: that is its market's affair.
            world.prices.remove(&ETH);
        }
        let mut seen = Vec::new();
        for _ in 0..10 {
            world.block();
            assert_eq!(leaves(&mut world), seen.len() >= 8, "from the tenth block on");
            assert_eq!(told(&world, "network_recovery"), usize::from([0, 9].contains(&seen.len())));
            let pulse = prices::pulse(world.machine.state());
            assert_eq!(pulse.recovering, u8::try_from(9 - seen.len()).unwrap());
            let opens = subaccounts::gate::gate(world.machine.state()).opens_at();
            assert_eq!(opens > world.height() + 1, seen.len() < 8);
            seen.push(of(&world));
            world.restart();
        }
        let parts = [Standing::Halted, Standing::PostOnly, Standing::Live];
        let count = |part: &Standing| seen.iter().filter(|own| *own == part).count();
        assert_eq!(parts.each_ref().map(count), [4, 5, 1], "{seen:?}");
        assert!(seen.is_sorted_by_key(|own| parts.iter().position(|part| part == own)));
        assert_eq!(standing(&world, BTC), Standing::Live);
        assert_eq!(standing(&world, ETH) == Standing::Live, stands_still);
    }
}

#[test]
fn orc_08_feeders_that_return_one_by_one_open_each_market_when_its_own_prices_came_ten_times() {
    let mut world = World::with(recovering(), &[], 0);
    world.blocks(3);
    assert_eq!((standing(&world, BTC), standing(&world, ETH)), (Standing::Live, Standing::Live));
    let eth = world.prices.remove(&ETH).unwrap();
    world.pass(8 * 3_600);
    let mut seen = Vec::new();
    for block in 0..30 {
        if block == 15 {
            world.prices.insert(ETH, eth);
        }
        // One feeder stumbles: what came before it does not count.
        let gone = (block == 4).then(|| world.prices.remove(&BTC).unwrap());
        world.block();
        world.prices.extend(gone.map(|price| (BTC, price)));
        seen.push((standing(&world, BTC), standing(&world, ETH)));
    }
    let halted = seen.iter().filter(|(btc, _)| *btc == Standing::Halted).count();
    let posted = seen.iter().filter(|(btc, _)| *btc == Standing::PostOnly).count();
    assert_eq!((halted, posted), (4 + 1 + 4, 5), "{seen:?}");
    assert_eq!(seen.iter().position(|(btc, _)| *btc == Standing::Live), Some(14), "ten after the stumble");
    assert_eq!(seen.iter().position(|(_, eth)| *eth == Standing::Live), Some(15 + 9));
    assert!(seen[..15].iter().all(|(_, eth)| *eth == Standing::Halted));
}

#[test]
fn abci_34_a_gap_of_a_minute_needs_no_recovery_and_a_longer_one_does_whatever_a_node_remembers() {
    for (gap, live) in [(1, true), (60, true), (61, false), (3_600, false), (7 * 86_400, false)] {
        let mut world = World::with(recovering(), &[], 0);
        world.blocks(3);
        world.pass(gap - world.block_seconds);
        world.block();
        assert_eq!(standing(&world, BTC) == Standing::Live, live, "{gap} seconds");
        for block in 1..10 {
            assert_eq!(standing(&world, BTC) == Standing::Live, live, "{gap} seconds, {block} blocks");
            world.restart();
            world.block();
        }
        assert_eq!(standing(&world, BTC), Standing::Live, "{gap} seconds: recovered");
    }
}

#[test]
fn abci_34_funding_is_paid_for_a_period_at_most_and_never_at_a_price_from_before() {
    let mut app = recovering();
    app.price_max_step_ppm = 100_000;
    let mut world = World::with(app, &["alice"], 1_000_000_000_000);
    world.blocks(3);
    let index =
        |world: &World| perpetuals::perpetual(world.machine.state(), BTC).map(|row| row.funding_index);
    let before = index(&world);
    world.pass(8 * 3_600);
    for _ in 0..9 {
        world.block();
        assert_eq!(world.last.summary.funding_payments, 0);
        assert_eq!(index(&world), before, "no funding while the market recovers");
    }
}

#[test]
fn abci_35_a_clock_that_stands_still_or_leaps_ends_orders_in_time_and_the_chain_goes_on() {
    const YEAR: i64 = 31_536_000;
    for leap in [0, 1, 60, 3_600, 86_400, YEAR, 50 * YEAR] {
        let mut world = World::with(recovering(), &["alice", "bob"], 1_000_000_000_000);
        for person in ["alice", "bob"] {
            let deposit = world.deposit(person, 100_000_000_000);
            assert!(world.run(person, &[deposit]).refusal.is_none());
        }
        let now = |world: &World| world.machine.last_block().1;
        let rested = |world: &mut World, client_id, seconds: i64| {
            let mut order = world.order("alice", 0, client_id, (Side::Buy, 10_000_000, 1_000_000_000));
            order.order_id.as_mut().unwrap().order_flags = 64;
            let until = u32::try_from(now(world).plus_seconds(seconds).seconds()).unwrap();
            order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(until));
            let place = world.place(order);
            world.run("alice", &[place])
        };
        assert!(rested(&mut world, 1, 5_000).refusal.is_none());
        let before = now(&world);
        world.pass(leap - world.block_seconds);
        let input = world.input(Vec::new());
        let mut restarted = world.twin();
        world.apply(&input).unwrap();
        restarted.apply(&input).unwrap();
        assert_eq!(now(&world).seconds() - before.seconds(), leap);
        assert!(world.machine.memory().iter().eq(restarted.machine.memory().iter()), "{leap} seconds");
        let ended = world.last.events.iter().filter(|event| event.kind == "order_removed").count();
        assert_eq!(ended, usize::from(leap >= 5_000), "{leap} seconds: {:?}", world.last.events);
        // A block whose time goes back is none of this chain, and leaves it as it is.
        let mut back = world.input(Vec::new());
        back.time = now(&world).plus_seconds(-1);
        assert!(world.twin().apply(&back).is_err());
        world.blocks(12);
        assert_eq!(standing(&world, BTC), Standing::Live, "{leap} seconds");
        assert!(rested(&mut world, 2, 600).refusal.is_none(), "{leap} seconds: orders come and go");
    }
}

#[test]
fn orc_22_a_crash_of_half_the_price_in_one_block_comes_in_steps_of_the_band() {
    let mut app = World::devnet();
    app.price_max_step_ppm = 50_000;
    let mut world = World::with(app, &[], 0);
    world.blocks(3);
    let of = |world: &World| prices::price(world.machine.state(), BTC).unwrap().price.raw();
    let old = of(&world);
    let crash = old / 2;
    world.prices.insert(BTC, Price::new(crash));
    let (mut blocks, mut last) = (0, old);
    while of(&world) != crash {
        world.block();
        let now = of(&world);
        assert!(now < last && last - now <= last / 20, "{last} to {now}");
        let told = world.last.events.iter().filter(|event| event.kind == "price_bounded").count();
        assert_eq!(told, usize::from(now != crash));
        assert_eq!(standing(&world, BTC), Standing::Live);
        last = now;
        blocks += 1;
        assert!(blocks < 20);
    }
    assert_eq!(blocks, 14, "ln 0.5 / ln 0.95");
}

#[test]
fn orc_04_orc_11_the_most_extreme_vote_that_counts_moves_a_price_by_no_more_than_the_band() {
    for extreme in [1, 1_000, u64::MAX / 2, u64::MAX] {
        let mut app = World::devnet();
        app.price_max_step_ppm = 50_000;
        let mut world = World::with(app, &[], 0);
        world.blocks(3);
        for _ in 0..5 {
            let old = prices::price(world.machine.state(), BTC).unwrap().price.raw();
            world.prices.insert(BTC, Price::new(extreme));
            world.block();
            let new = prices::price(world.machine.state(), BTC).unwrap().price.raw();
            assert!(new.abs_diff(old) <= old / 20 && new != old, "{old} to {new}");
        }
    }
}

#[test]
fn orc_19_a_vote_for_a_market_that_is_not_listed_is_skipped_and_the_others_count() {
    let mut world = World::with(World::devnet(), &[], 0);
    world.block();
    world.prices.insert(MarketId(4_000_000_000), Price::new(7));
    world.prices.insert(BTC, Price::new(2_868_800_000));
    world.block();
    let state = world.machine.state();
    assert_eq!(prices::price(state, MarketId(4_000_000_000)), None);
    assert_eq!(prices::price(state, BTC).map(|row| row.price.raw()), Some(2_868_800_000));
}

#[test]
fn orc_23_abci_33_a_node_whose_rows_are_lost_or_zero_refuses_to_start_and_names_them() {
    let mut world = World::new(&["alice", "bob"], 1_000_000_000_000);
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 100_000_000_000);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    let sides = [("alice", Side::Buy), ("bob", Side::Sell)];
    for (person, side) in sides {
        let order = world.place(world.order(person, 0, 1, (side, 1_000_000_000, 2_868_800_000)));
        assert_eq!(world.run(person, &[order]).refusal, None);
    }
    assert!(!world.account("alice").positions.is_empty());
    // A bid far above the price, for an hour: the index moves.
    let mut bid = world.order("bob", 0, 2, (Side::Buy, 20_000_000_000, 3_000_000_000));
    bid.order_id.as_mut().unwrap().order_flags = 64;
    let until = world.machine.last_block().1.seconds() + 86_400;
    bid.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(u32::try_from(until).unwrap()));
    let bid = world.place(bid);
    assert_eq!(world.run("bob", &[bid]).refusal, None);
    world.block_seconds = 30;
    world.blocks(130);
    assert!(!perpetuals::perpetual(world.machine.state(), BTC).unwrap().funding_index.is_zero());
    type Row = (Arc<[u8]>, Arc<[u8]>);
    let rows: Vec<Row> =
        world.machine.memory().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(load::check(&Memory::from_pairs(rows.clone())), Ok(()));
    let market = [0, 0, 0, 0];
    let lost: [(&[u8], &[u8], &str); 8] = [
        (&[0x01, 0x00], &[], "app/chain"),
        (&[0x01, 0x01], &[], "app/last_block"),
        (&[0x01, 0x02], &[], "app/extensions_from"),
        (&[0x01, 0x04], &[], "app/rules"),
        (&[0x11, 0x02], &[], "prices/params"),
        (&[0x11, 0x00], &market, "prices/markets"),
        (&[0x11, 0x01], &market, "no price"),
        (&[0x13, 0x00], &market, "perpetuals/perpetuals"),
    ];
    for (table, key, name) in lost {
        let key = [table, key].concat();
        let mut left = rows.clone();
        left.retain(|(row, _)| row[..] != key[..]);
        assert_eq!(left.len() + 1, rows.len(), "{name} is one row");
        let refused = load::check(&Memory::from_pairs(left)).unwrap_err();
        assert!(refused.contains(name), "{name}: {refused}");
    }
    // A price of zero, and a funding index that begins anew.
    let altered = |table: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let key = [table, &market].concat();
        let alter = |(row, value): &Row| {
            let mut value = value.to_vec();
            if row[..] == key[..] {
                change(&mut value);
            }
            (row.clone(), Arc::from(value))
        };
        Memory::from_pairs(rows.iter().map(alter))
    };
    let zero = altered(&[0x11, 0x01], &|row| row[..8].fill(0));
    assert!(load::check(&zero).unwrap_err().contains("no price"));
    // The index is sixteen bytes before the open interest, which are the last sixteen.
    let other = altered(&[0x13, 0x00], &|row| {
        let at = row.len() - 32;
        row[at..at + 16].fill(0);
    });
    let refused = load::check(&other).unwrap_err();
    assert!(refused.contains("funding index of market 0 is 0"), "{refused}");
}
