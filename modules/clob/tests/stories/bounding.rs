//! Bounds on what an order may do to a market: statuses, distance from the oracle price, work of a block.

use clob::state::Status as PairStatus;
use clob::{set_status, EquityTier, Error, GoodTil, Order, Params, Side, Size, Status};
use types::{Rejection, Value};

use crate::replacing::replace;
use crate::world::{buy, ioc, long_term, post_only, sell, Start, World, BTC, MILLI};

fn set(world: &mut World, status: PairStatus) -> Result<(), Error> {
    let World { state, books, block, chain, events } = world;
    set_status(&mut store::Ctx { state, events, block, chain }, books, BTC, status)
}

fn with(params: Params) -> World {
    World::with(Start { params, ..Start::default() })
}

#[test]
fn each_status_takes_its_orders_and_all_take_cancels() {
    use PairStatus::{CancelOnly, Initializing, Paused, PostOnly};
    let plain = buy(1, 2, 10, 49_000);
    let resting = post_only(buy(1, 3, 10, 49_000));
    let lasting = long_term(post_only(buy(1, 4, 10, 49_000)), 60);
    for (status, plain_code, resting_code, lasting_code) in
        [(Paused, 34, 34, 34), (CancelOnly, 34, 34, 34), (PostOnly, 34, 0, 0), (Initializing, 34, 0, 34)]
    {
        let mut world = World::new();
        world.place(buy(1, 1, 10, 49_500)).unwrap();
        if status == Initializing {
            let mut pairs = world.exported().pairs;
            pairs[0].status = Initializing;
            world.set_pairs(&pairs);
        } else {
            set(&mut world, status).unwrap();
        }
        for (order, code) in [(plain, plain_code), (resting, resting_code), (lasting, lasting_code)] {
            let placed = world.place(order).map_or_else(|error| error.code(), |_| 0);
            assert_eq!(placed, code, "{status:?} {order:?}");
        }
        assert_eq!(world.refused_order(ioc(sell(2, 1, 10, 49_000))), 34, "{status:?}");
        world.cancel(buy(1, 1, 10, 49_500).id, GoodTil::Block(20)).unwrap();
    }
}

#[test]
fn a_market_that_opens_takes_bids_up_to_the_oracle_price_and_asks_from_there() {
    let mut world = World::new();
    let mut pairs = world.exported().pairs;
    pairs[0].status = PairStatus::Initializing;
    world.set_pairs(&pairs);
    world.place(post_only(buy(1, 1, 10, 50_000))).unwrap();
    assert_eq!(world.refused_order(post_only(buy(1, 2, 10, 50_001))), 34);
    assert_eq!(world.refused_order(post_only(sell(2, 1, 10, 49_999))), 34);
    assert_eq!(world.refused_order(post_only(sell(2, 1, 10, 50_000))), 2_003);
    world.place(post_only(sell(2, 2, 10, 50_005))).unwrap();
    set(&mut world, PairStatus::Active).unwrap();
    world.place(sell(3, 1, 10, 50_000)).unwrap();
    assert_eq!(world.holds(1).1, i128::from(10 * MILLI));
}

#[test]
fn statuses_change_along_the_table_and_no_other_way() {
    use PairStatus::{Active, CancelOnly, FinalSettlement, Initializing, Paused, PostOnly};
    let all = [Active, Paused, CancelOnly, PostOnly, Initializing, FinalSettlement];
    for from in all {
        for to in all {
            let mut world = World::new();
            let mut pairs = world.exported().pairs;
            pairs[0].status = from;
            world.set_pairs(&pairs);
            let allowed = from == to
                || match from {
                    Initializing => matches!(to, Active | FinalSettlement),
                    FinalSettlement => to == Initializing,
                    Active | Paused | CancelOnly | PostOnly => to != Initializing,
                };
            let changed = set(&mut world, to).map_err(|error| error.code());
            assert_eq!(changed, if allowed { Ok(()) } else { Err(35) }, "{from:?} {to:?}");
        }
    }
}

#[test]
fn orders_of_a_market_that_is_over_go_over_blocks_and_nothing_new_comes() {
    let count = u32::try_from(clob::MAX_REMOVALS).unwrap() + 7;
    let params = Params { max_resting: count, rate_limits: clob::RateLimits::NONE, ..Params::default() };
    let mut world = with(params);
    for client_id in 0..count {
        world.place(Order { good_til: GoodTil::Block(30), ..sell(1, client_id, 1, 51_000) }).unwrap();
    }
    world.place(buy(2, 1, 1, 49_000)).unwrap();
    set(&mut world, PairStatus::FinalSettlement).unwrap();
    assert_eq!(world.refused_order(buy(2, 2, 1, 49_000)), 34);
    world.next_block();
    assert_eq!(world.books.len(), 8);
    assert_eq!(set(&mut world, PairStatus::Initializing).map_err(|error| error.code()), Err(35));
    world.next_block();
    assert!(world.books.is_empty());
    set(&mut world, PairStatus::Initializing).unwrap();
}

#[test]
fn a_taker_trades_within_the_band_and_what_would_rest_beyond_is_dropped() {
    let mut world = World::new();
    for (id, price) in [(1, 50_000), (2, 54_999), (3, 55_000), (4, 55_001), (5, 70_000)] {
        world.place(sell(2, id, 10, price)).unwrap();
    }
    // 50,000 and ten percent: 55,000 is the last price.
    let placed = world.place(buy(1, 1, 60, 80_000)).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::OutsideBand, Size::new(30 * MILLI)));
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("outside_band")]);
    assert_eq!(world.levels(Side::Sell), [(10, 55_001), (10, 70_000)]);
    assert_eq!(world.levels(Side::Buy), []);
    // An order within the band rests, and far ones on their own side do.
    world.place(buy(1, 2, 5, 55_000)).unwrap();
    world.place(buy(1, 3, 5, 1)).unwrap();
    world.place(sell(2, 6, 5, 999_000)).unwrap();
    // Selling at any price stops at 45,000.
    world.place(buy(3, 1, 5, 45_000)).unwrap();
    world.place(buy(3, 2, 5, 44_999)).unwrap();
    let market = Order { price: num::Subticks::new(5), ..ioc(sell(4, 1, 50, 1)) };
    let placed = world.place(market).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::WouldRest, Size::new(10 * MILLI)));
    assert_eq!(world.levels(Side::Buy), [(5, 44_999), (5, 1)]);
    world.next_block();
}

#[test]
fn edges_of_the_band_are_rounded_toward_the_oracle_price() {
    // 7 ppm of 50,000 dollars are 0.35 dollars, 350,000 subticks.
    for (band, high, low) in
        [(7, 50_000_350_000_u64, 49_999_650_000_u64), (1, 50_000_050_000, 49_999_950_000)]
    {
        let mut world = with(Params { taker_band: band, ..Params::default() });
        world.set_pairs(&{
            let mut pairs = world.exported().pairs;
            pairs[0].subticks_per_tick = 30_000;
            pairs
        });
        world.books = clob::rebuild(&world.state);
        let (high, low) = (high / 30_000 * 30_000, low.div_ceil(30_000) * 30_000);
        let ask = |price, id| Order { price: num::Subticks::new(price), ..sell(2, id, 1, 1) };
        let bid = |price, id| Order { price: num::Subticks::new(price), ..buy(3, id, 1, 1) };
        world.place(post_only(ask(high, 1))).unwrap();
        world.place(post_only(ask(high + 30_000, 2))).unwrap();
        let all = Order { price: num::Subticks::new(60_000_000_000), ..ioc(buy(1, 1, 2, 1)) };
        assert_eq!(world.place(all).unwrap().filled, Size::new(MILLI), "{band}");
        world.place(post_only(bid(low, 1))).unwrap();
        world.place(post_only(bid(low - 30_000, 2))).unwrap();
        let all = Order { price: num::Subticks::new(30_000), ..ioc(sell(1, 2, 2, 1)) };
        assert_eq!(world.place(all).unwrap().filled, Size::new(MILLI), "{band}");
    }
    let mut world = with(Params { taker_band: 0, ..Params::default() });
    world.place(sell(2, 1, 1, 90_000)).unwrap();
    assert_eq!(world.place(ioc(buy(1, 1, 1, 90_000))).unwrap().filled, Size::new(MILLI));
}

/// Ten asks of ten thousandths, and bounds of so many fills.
fn ten_asks(max_fills: u32, max_block_fills: u32) -> World {
    let mut world = with(Params { max_fills, max_block_fills, ..Params::default() });
    for id in 0..10 {
        world.place(sell(2, id, 10, 50_000)).unwrap();
    }
    world
}

#[test]
fn an_order_that_met_enough_goes_on_in_the_next_block() {
    let mut world = ten_asks(4, 100);
    let order = buy(1, 1, 120, 50_000);
    let placed = world.place(order).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::Continues, Size::new(40 * MILLI)));
    assert_eq!(world.levels(Side::Sell), [(60, 50_000)]);
    // It cannot come twice, and others trade meanwhile.
    assert_eq!(world.refused_order(order), 30);
    world.place(buy(3, 1, 10, 50_000)).unwrap();
    world.next_block();
    assert_eq!(world.holds(1).1, i128::from(80 * MILLI));
    assert_eq!(world.levels(Side::Sell), [(10, 50_000)]);
    world.next_block();
    assert_eq!(world.holds(1).1, i128::from(90 * MILLI));
    assert_eq!(world.levels(Side::Buy), [(30, 50_000)]);
    world.next_block();
    assert_eq!(world.told("order_parked", "remaining").len(), 2);
    assert!(world.money_adds_up());
}

#[test]
fn an_immediate_order_that_met_enough_is_over() {
    let mut world = ten_asks(4, 100);
    let placed = world.place(ioc(buy(1, 1, 120, 50_000))).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::TooManyFills, Size::new(40 * MILLI)));
    world.next_block();
    assert_eq!(world.holds(1).1, i128::from(40 * MILLI));
}

#[test]
fn a_block_trades_so_much_and_the_first_go_on_first() {
    let mut world = ten_asks(4, 6);
    world.place(buy(1, 1, 50, 50_000)).unwrap();
    world.place(buy(3, 1, 50, 50_000)).unwrap();
    let late = world.place(ioc(buy(4, 1, 10, 50_000))).unwrap();
    assert_eq!((late.status, late.filled), (Status::TooManyFills, Size::ZERO));
    let held = |world: &World| [1, 3, 4].map(|who| world.holds(who).1 / i128::from(MILLI));
    assert_eq!(held(&world), [40, 20, 0]);
    world.next_block();
    assert_eq!(held(&world), [50, 50, 0]);
}

#[test]
fn cancels_and_ends_reach_orders_that_wait_to_go_on() {
    let mut world = ten_asks(4, 100);
    world.place(buy(1, 1, 120, 50_000)).unwrap();
    let lasting = long_term(buy(3, 1, 120, 50_000), 60);
    world.place(lasting).unwrap();
    assert_eq!(world.refused_order(lasting), 3_005);
    world.cancel(buy(1, 1, 120, 50_000).id, GoodTil::Block(20)).unwrap();
    let early = world.cancel(lasting.id, GoodTil::Time(1_700_000_059));
    assert_eq!(early.map_err(|error| error.code()), Err(29));
    world.cancel(lasting.id, lasting.good_til).unwrap();
    let again = world.cancel(lasting.id, lasting.good_til);
    assert_eq!(again.map_err(|error| error.code()), Err(3_006));
    world.next_block();
    assert_eq!((world.holds(1).1, world.holds(3).1), (4_000_000, 4_000_000));
    assert_eq!(world.levels(Side::Sell), [(20, 50_000)]);
    // One that is good for this block only does not see the next one.
    let mut world = ten_asks(4, 100);
    world.place(Order { good_til: GoodTil::Block(1), ..buy(1, 1, 120, 50_000) }).unwrap();
    world.next_block();
    assert_eq!(world.holds(1).1, i128::from(40 * MILLI));
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("expired")]);
    assert_eq!(world.told("order_removed", "remaining"), [Value::Unsigned(u128::from(80 * MILLI))]);
}

#[test]
fn an_order_takes_the_place_of_one_that_waits_to_go_on() {
    let mut world = ten_asks(4, 100);
    let first = buy(1, 1, 120, 50_000);
    world.place(first).unwrap();
    world.place(buy(3, 1, 120, 50_000)).unwrap();
    // Earlier ones, another side and other terms are refused as they are for one that rests.
    let later = Order { good_til: GoodTil::Block(25), ..first };
    assert_eq!(world.refused_order(Order { good_til: GoodTil::Block(15), ..later }), 20);
    assert_eq!(world.refused_order(Order { side: Side::Sell, ..later }), 20);
    assert_eq!(world.refused_order(ioc(later)), 20);
    // 40 have traded: an order for 70 wants 30 and keeps its turn before the other one.
    let smaller = Order { size: Size::new(70 * MILLI), ..later };
    let placed = world.place(smaller).unwrap();
    assert_eq!((placed.status, placed.filled, placed.resting), (Status::Continues, Size::ZERO, Size::ZERO));
    assert_eq!(world.refused_order(smaller), 30);
    assert_eq!(world.refused_order(first), 20);
    assert_eq!(
        world.exported().parked.iter().map(|(_, order)| order.size.raw()).collect::<Vec<_>>(),
        [70 * MILLI, 120 * MILLI]
    );
    world.next_block();
    assert_eq!([1, 3].map(|who| world.holds(who).1 / i128::from(MILLI)), [60, 40]);
    assert!(world.money_adds_up());
}

#[test]
fn an_order_that_wants_more_than_the_one_that_waits_trades_at_once_and_goes_to_the_back() {
    let mut world = ten_asks(2, 100);
    let lasting = long_term(buy(1, 1, 70, 50_000), 60);
    world.place(lasting).unwrap();
    world.place(buy(3, 1, 50, 50_000)).unwrap();
    let more = Order { size: Size::new(90 * MILLI), ..lasting };
    assert_eq!(world.refused_order(more), 3_005);
    let placed = replace(&mut world, more).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::Continues, Size::new(20 * MILLI)));
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("replaced")]);
    assert_eq!(world.told("order_removed", "remaining"), [Value::Unsigned(u128::from(50 * MILLI))]);
    let owners: Vec<_> = world.exported().parked.iter().map(|(_, order)| order.id.subaccount).collect();
    assert_eq!(owners, [buy(3, 1, 50, 50_000).id.subaccount, lasting.id.subaccount]);
    // A refused one leaves the one that waits as it was.
    let before = world.exported();
    assert_eq!(replace(&mut world, Order { size: Size::new(40 * MILLI), ..more }).unwrap_err().code(), 24);
    assert_eq!(world.exported(), before);
    world.next_block();
    assert_eq!([1, 3].map(|who| world.holds(who).1 / i128::from(MILLI)), [60, 40]);
    assert!(world.money_adds_up());
}

#[test]
fn orders_that_wait_to_go_on_count_among_those_that_an_account_may_have() {
    let bounds = Params { max_fills: 1, max_resting: 2, ..Params::default() };
    let mut world = with(bounds);
    for id in 0..2 {
        world.place(sell(2, id, 10, 50_000)).unwrap();
        world.place(sell(4, id, 10, 50_000)).unwrap();
    }
    world.place(buy(1, 1, 20, 50_000)).unwrap();
    world.place(buy(1, 2, 20, 50_000)).unwrap();
    assert_eq!(world.exported().parked.len(), 2);
    let held = world.holds(1);
    assert_eq!(world.refused_order(buy(1, 3, 20, 50_000)), 17, "it would go on");
    assert_eq!(world.refused_order(buy(1, 3, 10, 40_000)), 17, "it would rest");
    assert_eq!(world.holds(1), held);
    world.place(ioc(buy(1, 4, 10, 50_000))).unwrap();
    world.place(buy(3, 3, 10, 40_000)).unwrap();
}

#[test]
fn equity_tiers_count_orders_that_wait_to_go_on() {
    let tier = EquityTier { required: num::QuoteQuantums::ZERO, limit: 1 };
    let tiers = (vec![tier], vec![tier]);
    let bounds =
        Params { max_fills: 1, equity_tiers: tiers.0, short_term_equity_tiers: tiers.1, ..Params::default() };
    let mut world = with(Params { max_fills: 1, ..Params::default() });
    for id in 0..10 {
        world.place(sell(2, id, 10, 50_000)).unwrap();
    }
    clob::set_params(&mut world.ctx(), &bounds).unwrap();
    world.next_block();
    world.place(buy(1, 1, 20, 50_000)).unwrap();
    assert_eq!(world.refused_order(buy(1, 2, 20, 50_000)), 10_001);
    world.place(long_term(buy(1, 1, 20, 50_000), 60)).unwrap();
    assert_eq!(world.refused_order(long_term(buy(1, 2, 20, 50_000), 60)), 10_001);
    // The place of one that waits is its own.
    world.place(Order { good_til: GoodTil::Block(25), ..buy(1, 1, 30, 50_000) }).unwrap();
}
