//! ORD-01 to ORD-25.

use clob::Side as Book;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side, TimeInForce};
use scenario::{any, tell, World};
use store::Key;
use types::{MarketId, SubaccountId};

use crate::{book, holds, ioc, long_term, order, place, refusal, world, world_with};
use crate::{BTC, COIN, DOLLAR, STEP, TICK, USD};

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
fn ord_04_a_self_trade_removes_the_maker_and_is_undone_with_the_taker() {
    tell(
        "
        fees 0% 0%
        alice   deposits 100000
        alice/1 deposits 100000
        bob     deposits 1000
        alice sells 1 BTC @ 28000 as 1
        alice/1 buys 0.5 BTC @ 28000     # another account of hers is somebody else
          => fill 0.5 @ 28000
        alice buys 0.2 BTC @ 28000 ioc   # her own order leaves, nobody else sells
          => no fill
          => count order_removed 2
          => book BTC: |
        bob sells 0.1 BTC @ 28001
        alice sells 1 BTC @ 28000 as 3
        alice buys 1 BTC @ 28001 post-only  # would trade with bob behind her own order
          => refused clob/2003
          => book BTC: | 1 @ 28000 0.1 @ 28001
    ",
    );
}

#[test]
fn ord_05_a_post_only_order_never_takes() {
    tell(
        "
        fees 0% 0%
        alice deposits 100000
        bob   deposits 100000
        alice buys 1 BTC @ 28000 post-only        # the book is empty
          => book BTC: 1 @ 28000 |
        bob sells 1 BTC @ 28000 post-only         # equals the best
          => refused clob/2003
        bob sells 1 BTC @ 27999 post-only         # crosses by a tick
          => refused clob/2003
        bob sells 1 BTC @ 28001 post-only         # does not cross
          => book BTC: 1 @ 28000 | 1 @ 28001
        alice buys 1 BTC @ 28001 post-only        # somebody else's
          => refused clob/2003
        bob buys 1 BTC @ 28001 post-only          # only its own: the own order leaves
          => book BTC: 1 @ 28001 1 @ 28000 |
    ",
    );
}

#[test]
fn ord_06_fill_or_kill_is_refused_and_an_immediate_order_leaves_nothing() {
    let mut world = world(&[("alice", 100_000), ("bob", 100_000)]);
    let ask = order(&world, "alice", 1, Side::Sell, (COIN, 28_000 * DOLLAR));
    assert_eq!(place(&mut world, "alice", ask), None);
    let mut kill = order(&world, "bob", 1, Side::Buy, (COIN + STEP, 28_000 * DOLLAR));
    kill.time_in_force = TimeInForce::FillOrKill.into();
    assert_eq!(place(&mut world, "bob", kill), Some(48));
    assert_eq!(book(&world, Book::Sell), [(28_000, 10_000, 1)]);
    let nobody = ioc(order(&world, "bob", 2, Side::Buy, (COIN, 27_999 * DOLLAR)));
    assert_eq!(place(&mut world, "bob", nobody), None);
    assert_eq!(holds(&world, "bob"), (100_000 * 1_000_000, 0));
    assert_eq!(book(&world, Book::Buy), []);
    // The ask is good through block `height + 10` of its placing; an order after that finds nothing.
    world.blocks(10);
    let late = ioc(order(&world, "bob", 3, Side::Buy, (COIN, 28_000 * DOLLAR)));
    assert_eq!(place(&mut world, "bob", late), None);
    assert_eq!(holds(&world, "bob"), (100_000 * 1_000_000, 0));
}

#[test]
fn ord_07_a_reduce_only_order_never_opens_a_position_wherever_it_trades() {
    tell(
        "
        fees 0% 0%
        alice deposits 100000
        bob   deposits 100000
        carl  deposits 100000
        alice sells 1 BTC @ 28000 reduce-only         # nothing to reduce
          => refused clob/2001
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        alice buys  1 BTC @ 27000 reduce-only         # the wrong way
          => refused clob/2001
        alice sells 3 BTC @ 28500 reduce-only as 7    # more than there is
          => book BTC: | 1 @ 28500
        bob   buys  0.6 BTC @ 28000
        alice sells 0.6 BTC @ 28000                   # her position shrinks, and the order with it
          => book BTC: | 0.4 @ 28500
        carl  buys  3 BTC @ 28500
          => fill 0.4 @ 28500
          => no fill
          => alice quote 100200 BTC 0
          => book BTC: 2.6 @ 28500 |
        carl  sells 2.6 BTC @ 28500 ioc               # his own order leaves
          => book BTC: |
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        alice sells 1 BTC @ 28500 reduce-only as 9
        together                                      # flips in the block in which the order would trade
        alice sells 2 BTC @ 27900 ioc
        bob   buys  2 BTC @ 28000 post-only
        block
          => alice quote 128200 BTC -1
          => book BTC: |
        blocks 2
    ",
    );
}

#[test]
fn ord_08_what_a_replacement_has_left_is_its_size_less_what_the_id_has_traded() {
    tell(
        "
        fees 0% 0%
        alice deposits 100000
        bob   deposits 100000
        alice buys  3 BTC @ 28000 as 7
        bob   sells 1 BTC @ 28000
          => book BTC: 2 @ 28000 |
        alice buys  2 BTC @ 28000 as 7
          => book BTC: 1 @ 28000 |
        alice sells 4 BTC @ 29000 as 7         # another side
          => refused clob/20
        alice buys  1 BTC @ 28000 as 7         # no more than has traded
          => refused clob/24
          => book BTC: 1 @ 28000 |

        alice buys  5 BTC @ 28002 as 7
          => book BTC: 4 @ 28002 |
        bob   sells 2 BTC @ 28000              # during a match: the new terms
          => fill 2 @ 28002
        alice buys  1 BTC @ 27000 long-term as 8
        alice buys  2 BTC @ 27000 long-term as 8
          => refused clob/3005
    ",
    );
}

#[test]
fn ord_08_of_two_replacements_in_a_block_the_later_window_holds_in_any_order() {
    for first in 0..8 {
        let mut world = world(&[("alice", 100_000)]);
        let bid = order(&world, "alice", 7, Side::Buy, (COIN, (20_000 + first) * DOLLAR));
        assert_eq!(place(&mut world, "alice", bid.clone()), None);
        for (more, price) in [(5, 21_000), (20, 22_000)] {
            let until = GoodTilOneof::GoodTilBlock(u32::try_from(world.height() + 10 + more).unwrap());
            let bid = wire::Order { subticks: price * DOLLAR, good_til_oneof: Some(until), ..bid.clone() };
            let tx = world.sign("alice", &[world.place(bid)]);
            world.submit(tx);
        }
        let refused: Vec<_> = world.block().into_iter().filter_map(|result| result.refusal).collect();
        assert!(refused.iter().all(|refusal| refusal.code == 20), "the earlier window came last");
        assert_eq!(book(&world, Book::Buy), [(22_000, 10_000, 1)]);
    }
}

#[test]
fn ord_09_cancel_and_place_in_one_block_end_the_same_whichever_arrives_first() {
    for lines in [
        "alice sells 1 BTC @ 28000 as 7 til 5\n alice cancels 7",
        "alice cancels 7\n alice sells 1 BTC @ 28000 as 7 til 5",
    ] {
        tell(&format!(
            "
            alice deposits 100000
            together
            {lines}
            block
              => refused clob/7
              => book BTC: |
            blocks 41
            alice sells 1 BTC @ 28000 as 7
              => book BTC: | 1 @ 28000
        "
        ));
    }
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
fn ord_14_an_account_has_no_more_resting_orders_than_it_may() {
    let mut world = world_with(&[("alice", 100_000), ("bob", 100_000)], |app| app.orders.max_resting = 3);
    let rest = |world: &mut World, person: &str, id: u32| {
        let order = order(world, person, id, Side::Buy, (STEP, 100 * DOLLAR));
        place(world, person, order)
    };
    assert_eq!([0, 1, 2, 3].map(|id| rest(&mut world, "alice", id)), [None, None, None, Some(17)]);
    assert_eq!(rest(&mut world, "bob", 0), None, "the limit is each account's own");
    assert_eq!(book(&world, Book::Buy), [(100, 4, 4)]);
}

#[test]
fn ord_15_one_taker_meets_no_more_orders_than_one_may_in_a_block() {
    let mut world = world_with(&[("alice", 10_000_000), ("bob", 10_000_000)], |app| {
        app.orders.max_resting = 10_000;
        app.orders.max_fills = 100;
        app.orders.short_term_rates.clear();
    });
    for at in 0..250 {
        let ask = order(&world, "alice", at, Side::Sell, (STEP, (28_000 + u64::from(at)) * DOLLAR));
        let tx = world.sign("alice", &[world.place(ask)]);
        world.submit(tx);
    }
    assert!(world.block().iter().all(|result| result.refusal.is_none()));
    let sweep = ioc(order(&world, "bob", 1, Side::Buy, (250 * STEP, 28_300 * DOLLAR)));
    assert_eq!(place(&mut world, "bob", sweep), None);
    let (_, coins) = holds(&world, "bob");
    assert_eq!(coins, i128::from(100 * STEP), "an immediate order that met its most is over");
    world.block();
    assert_eq!(holds(&world, "bob").1, coins);
    assert_eq!(book(&world, Book::Sell).len(), 150);
}

#[test]
fn ord_16_a_budget_ends_churn_and_an_account_without_money_trades_nothing() {
    let mut world = world(&[("alice", 100_000), ("bob", 100_000), ("carl", 0)]);
    for id in 0..401 {
        let bid = order(&world, "alice", id, Side::Buy, (STEP, DOLLAR));
        let tx = world.sign("alice", &[world.place(bid)]);
        world.submit(tx);
    }
    let bid = order(&world, "bob", 1, Side::Buy, (STEP, DOLLAR));
    let tx = world.sign("bob", &[world.place(bid)]);
    world.submit(tx);
    let refused: Vec<_> = world.block().into_iter().filter_map(|result| result.refusal).collect();
    let codes: Vec<_> = refused.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes, [5001], "one of alice's, none of bob's");
    let ask = order(&world, "bob", 2, Side::Sell, (STEP, 28_000 * DOLLAR));
    assert_eq!(place(&mut world, "bob", ask), None);
    let poor = ioc(order(&world, "carl", 1, Side::Buy, (STEP, 28_000 * DOLLAR)));
    assert_eq!(place(&mut world, "carl", poor), Some(3007));
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
fn ord_18_a_maker_that_cannot_pay_leaves_and_the_taker_goes_on() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 28000
        alice deposits 2800
        bob   deposits 100000
        carl  deposits 100000
        alice sells 1 BTC @ 28000
        bob   sells 1 BTC @ 28001
        alice withdraws 2000
        carl buys 1 BTC @ 28001
          => fill 1 @ 28001
          => no fill
          => alice quote 800 BTC 0
          => bob   quote 128001 BTC -1
          => book BTC: |
    ",
    );
}

#[test]
fn ord_19_makers_that_cannot_pay_count_among_those_that_a_taker_may_meet() {
    let mut world = world_with(&[("alice", 100), ("bob", 10_000_000), ("carl", 10_000_000)], |app| {
        app.orders.max_fills = 50;
    });
    for id in 0..60 {
        let ask = order(&world, "alice", id, Side::Sell, (COIN, 28_000 * DOLLAR));
        let tx = world.sign("alice", &[world.place(ask)]);
        world.submit(tx);
    }
    let ask = order(&world, "bob", 1, Side::Sell, (COIN, 28_001 * DOLLAR));
    let tx = world.sign("bob", &[world.place(ask)]);
    world.submit(tx);
    assert!(world.block().iter().all(|result| result.refusal.is_none()));
    let take = |world: &mut World, id: u32| {
        let bid = ioc(order(world, "carl", id, Side::Buy, (COIN, 28_001 * DOLLAR)));
        assert_eq!(place(world, "carl", bid), None);
        holds(world, "carl").1
    };
    assert_eq!(take(&mut world, 1), 0, "fifty met, none could pay");
    assert_eq!(book(&world, Book::Sell), [(28_000, 100_000, 10), (28_001, 10_000, 1)]);
    assert_eq!(take(&mut world, 2), i128::from(COIN), "the way is shorter now");
    assert_eq!(book(&world, Book::Sell), []);
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
fn ord_23_the_limits_of_an_owner_hold_for_all_accounts_together() {
    let mut world = world(&[("alice", 100_000), ("alice/1", 100_000)]);
    for id in 0..201 {
        for person in ["alice", "alice/1"] {
            let bid = world.order(person, BTC, id, (Side::Buy, STEP, DOLLAR));
            let tx = world.sign(person, &[world.place(bid)]);
            world.submit(tx);
        }
    }
    let refused = world.block().into_iter().filter(|result| result.refusal.is_some()).count();
    assert_eq!(refused, 2, "400 of the owner's 402");
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
