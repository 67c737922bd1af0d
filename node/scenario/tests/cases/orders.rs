//! Orders that come: ORD-01 to ORD-03, 11, 13, 17, 20 and 25.

use clob::Side as Book;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side};
use scenario::{any, tell, World};
use store::Key;
use types::{MarketId, SubaccountId};

use crate::{book, holds, ioc, long_term, order, place, refusal, world, world_with};
use crate::{BTC, DOLLAR, STEP, TICK, USD};

#[test]
fn ord_01_sizes_and_prices_at_every_boundary_are_taken_or_refused_by_name() {
    let mut world = world(&[("alice", 1_000_000)]);
    let sizes = [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP, u64::MAX];
    let prices = [0, 1, TICK - 1, TICK, TICK + 1, 28_000 * TICK, u64::MAX];
    let mut taken = 0;
    let mut id = 0;
    for size in sizes {
        for price in prices {
            id += 1;
            let order = order(&world, "alice", id, Side::Buy, (size, price));
            let expected = if size == 0 {
                Some(4)
            } else if price == 0 {
                Some(6)
            } else if size % STEP != 0 || price % TICK != 0 {
                Some(12)
            } else {
                None
            };
            assert_eq!(place(&mut world, "alice", order), expected, "size {size}, price {price}");
            taken += usize::from(expected.is_none());
        }
    }
    assert_eq!((id, taken), (49, 4));
}

#[test]
fn ord_02_what_does_not_fit_is_refused_at_every_resolution() {
    let mut seen = (0, 0);
    for exponent in -18_i32..=18 {
        let mut world = world_with(&[("alice", 1_000_000)], |app| {
            app.markets[0].quantum_conversion_exponent = exponent;
        });
        for (id, (size, price)) in
            [(STEP, TICK), (u64::MAX / STEP * STEP, u64::MAX / TICK * TICK), (STEP, u64::MAX / TICK * TICK)]
                .into_iter()
                .enumerate()
        {
            let id = u32::try_from(id).unwrap();
            for order in [
                order(&world, "alice", id, Side::Buy, (size, price)),
                long_term(&world, order(&world, "alice", id, Side::Sell, (size, price)), 60),
            ] {
                match place(&mut world, "alice", order) {
                    None => seen.0 += 1,
                    Some(code) => {
                        assert!([3007, 2003, 20002, 20003].contains(&code), "exponent {exponent}: {code}");
                        seen.1 += 1;
                    }
                }
            }
        }
    }
    println!("{} taken, {} refused", seen.0, seen.1);
    assert!(seen.0 > 50 && seen.1 > 50, "{seen:?}");
}

#[test]
fn ord_03_a_taker_trades_only_near_the_oracle_price_and_far_quotes_may_wait() {
    tell(
        "
        fees 0% 0%
        oracle BTC 28000
        alice deposits 1000000
        bob   deposits 1000000
        alice sells 1 BTC @ 30800              # a tenth above
        alice sells 1 BTC @ 30801              # further: it may wait
        alice buys  1 BTC @ 28                 # a thousandth: so may this
        alice buys  1 BTC @ 25199
          => book BTC: 1 @ 25199 1 @ 28 | 1 @ 30800 1 @ 30801
        bob   buys  2 BTC @ 28000000           # a thousandfold: trades within the band, and rests nowhere
          => fill 1 @ 30800
          => no fill
          => book BTC: 1 @ 25199 1 @ 28 | 1 @ 30801
        bob   sells 1 BTC @ 1 ioc              # what people send as a market order
          => no fill
          => book BTC: 1 @ 25199 1 @ 28 | 1 @ 30801
        oracle BTC 27998
        block
        bob   sells 1 BTC @ 1 ioc
          => fill 1 @ 25199
    ",
    );
}

#[test]
fn ord_11_an_expiry_outside_its_window_is_refused() {
    let mut world = world(&[("alice", 100_000)]);
    let next = |world: &World| u32::try_from(world.height() + 1).unwrap();
    let short = |world: &World, until: u32| {
        let mut order = order(world, "alice", 1, Side::Buy, (STEP, DOLLAR));
        order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(until));
        order
    };
    for (more, expected) in [(-1, Some(10)), (41, Some(11)), (0, None), (40, None)] {
        let until = u32::try_from(i64::from(next(&world)) + more).unwrap();
        let mut order = short(&world, until);
        if let Some(id) = &mut order.order_id {
            id.client_id = u32::try_from(more + 10).unwrap();
        }
        assert_eq!(place(&mut world, "alice", order), expected, "{more} blocks");
    }
    let wrong = short(&world, u32::MAX);
    assert_eq!(place(&mut world, "alice", wrong), Some(11));
    let wrong = short(&world, 0);
    assert_eq!(place(&mut world, "alice", wrong), Some(5));
    for (id, (seconds, expected)) in
        [(0, Some(3003)), (-5, Some(3003)), (95 * 86_400 + 1, Some(3004)), (95 * 86_400, None), (1, None)]
            .into_iter()
            .enumerate()
    {
        let id = u32::try_from(id).unwrap() + 100;
        let order = long_term(&world, order(&world, "alice", id, Side::Buy, (STEP, DOLLAR)), seconds);
        assert_eq!(place(&mut world, "alice", order), expected, "{seconds} seconds");
    }
    // A height where a time belongs, and a time where a height belongs.
    let mut mixed = short(&world, next(&world));
    mixed.order_id.as_mut().unwrap().order_flags = 64;
    assert_eq!(place(&mut world, "alice", mixed), Some(3001));
    let mut mixed = long_term(&world, order(&world, "alice", 9, Side::Buy, (STEP, DOLLAR)), 60);
    mixed.order_id.as_mut().unwrap().order_flags = 0;
    assert_eq!(place(&mut world, "alice", mixed), Some(5));
}

#[test]
fn ord_13_one_client_id_names_an_order_in_each_account_market_and_kind() {
    let mut world = world(&[("alice", 100_000), ("alice/1", 100_000)]);
    let mut placed = 0;
    for person in ["alice", "alice/1"] {
        for market in [0, 1] {
            let terms = (Side::Buy, 1_000 * STEP, 10 * TICK);
            let short = world.order(person, market, 7, terms);
            let long = long_term(&world, short.clone(), 60);
            for order in [short, long] {
                assert_eq!(place(&mut world, person, order), None);
                placed += 1;
            }
        }
    }
    let resting: u32 = [0, 1]
        .into_iter()
        .flat_map(|market| clob::query::levels(world.machine.state(), MarketId(market), Book::Buy, 10))
        .map(|(_, level)| level.orders)
        .sum();
    assert_eq!((placed, resting), (8, 8));
    // No two ids have one key, and a key reads back as its id.
    let mut keys = std::collections::BTreeSet::new();
    let owner = world.id("alice").owner;
    for number in [0, 1, 255, 256, 128_000] {
        for market in [0, 1, 256, u32::MAX] {
            for kind in
                [clob::Kind::ShortTerm, clob::Kind::Conditional, clob::Kind::LongTerm, clob::Kind::Twap]
            {
                for client_id in [0, 1, 64, 256, u32::MAX] {
                    let subaccount = SubaccountId { owner, number };
                    let id = clob::OrderId { subaccount, market: MarketId(market), kind, client_id };
                    let mut key = store::KeyBytes::default();
                    id.write(&mut key);
                    let key = key.bytes().to_vec();
                    assert_eq!(clob::OrderId::read(&mut key.as_slice()), Some(id));
                    assert!(keys.insert(key));
                }
            }
        }
    }
}

#[test]
fn ord_17_the_fee_of_dust_is_rounded_up_and_its_rebate_away() {
    // A millionth of a dollar: one step (a ten-thousandth of a coin) at a price of one tick is 100 quantums.
    let mut world = world_with(&[("alice", 1_000), ("bob", 1_000)], |app| app.orders.taker_band_ppm = 0);
    for id in 0..20 {
        let bid = order(&world, "alice", id, Side::Buy, (STEP, TICK));
        assert_eq!(place(&mut world, "alice", bid), None);
        let ask = ioc(order(&world, "bob", id, Side::Sell, (STEP, TICK)));
        assert_eq!(place(&mut world, "bob", ask), None);
    }
    let worth = 100;
    // 500 ppm of 100 is 0.05, paid as 1; the rebate of 110 ppm is 0.011, not paid.
    let usd = i128::from(1_000 * USD);
    assert_eq!(holds(&world, "alice").0, usd - 20 * worth);
    assert_eq!(holds(&world, "bob").0, usd + 20 * (worth - 1));
}

#[test]
fn ord_20_an_order_for_a_market_that_is_not_there_is_refused() {
    let mut world = world(&[("alice", 100_000)]);
    for market in [10, 999, u32::MAX] {
        let order = world.order("alice", market, 1, (Side::Buy, STEP, TICK));
        assert_eq!(place(&mut world, "alice", order), Some(8), "{market}");
    }
}

#[test]
fn ord_25_a_batch_cancel_has_one_to_a_hundred_ids_of_its_own_account() {
    let mut world = world(&[("alice", 100_000), ("bob", 100_000)]);
    for id in 0..3 {
        let bid = order(&world, "alice", id, Side::Buy, (STEP, DOLLAR));
        assert_eq!(place(&mut world, "alice", bid), None);
    }
    let batch = |world: &World, owner: &str, ids: Vec<u32>| {
        any(&wire::MsgBatchCancel {
            subaccount_id: Some(world.wire_id(owner)),
            short_term_cancels: vec![wire::OrderBatch { clob_pair_id: BTC, client_ids: ids }],
            good_til_block: u32::try_from(world.height() + 20).unwrap(),
        })
    };
    for (ids, expected) in [
        (vec![], Some(45)),
        ((0..101).collect::<Vec<u32>>(), Some(45)),
        (vec![1, 1], Some(45)),
        (vec![0], None),
        ((0..100).collect(), None),
    ] {
        let message = batch(&world, "alice", ids.clone());
        let code = refusal(&mut world, "alice", message).map(|(_, code)| code);
        assert_eq!(code, expected, "{} ids", ids.len());
    }
    assert_eq!(book(&world, Book::Buy), []);
    // Somebody else's order stays: an id names an order of the account that the message names, which must be
    // the signer's.
    let bid = order(&world, "alice", 200, Side::Buy, (STEP, DOLLAR));
    assert_eq!(place(&mut world, "alice", bid), None);
    let foreign = batch(&world, "alice", vec![200]);
    assert!(refusal(&mut world, "bob", foreign).is_some());
    assert_eq!(book(&world, Book::Buy).len(), 1);
}
