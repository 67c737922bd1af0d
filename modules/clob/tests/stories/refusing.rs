//! What is refused, with which code, and that nothing stays behind.

use clob::state::Status as PairStatus;
use clob::{BatchCancel, EquityTier, GoodTil, Kind, Msg, Order, Outcome, Params, RateLimits, Side, Window};
use num::{QuoteQuantums, Subticks};
use types::{MarketId, Value};

use crate::world::{
    account, buy, ioc, long_term, order, post_only, sell, Start, World, BTC, DOLLAR, MILLI, USD,
};

fn until(order: Order, block: u32) -> Order {
    Order { good_til: GoodTil::Block(block), ..order }
}

#[test]
fn orders_outside_the_rules_are_refused_with_the_codes_of_the_reference() {
    let mut world = World::new();
    world.blocks(4);
    world.oracle(50_000);
    let good = buy(1, 1, 10, 50_000);
    let mut nowhere = good;
    nowhere.id.market = MarketId(9);
    let price = |subticks| Order { price: Subticks::new(subticks), ..good };
    let size = |quantums| order(account(1), 1, Side::Buy, quantums, 50_000 * DOLLAR);
    let stateful = |seconds| long_term(good, seconds);
    // The block has height 5, the block before it was at second 3.
    let day = 24 * 60 * 60;
    for (what, order, code) in [
        ("unknown market", nowhere, 8),
        ("price off the tick", price(50_000 * DOLLAR + 1), 12),
        ("size off the step", size(7), 12),
        ("block passed", until(good, 4), 10),
        ("block too far", until(good, 46), 11),
        ("time passed", stateful(3), 3_003),
        ("time too far", stateful(3 + 95 * day + 1), 3_004),
        ("worth more than fits", order(account(1), 1, Side::Buy, u64::MAX, u64::MAX), 20_002),
        ("more than the account can carry", stateful_size(good, 300_000), 3_007),
    ] {
        assert_eq!(world.refused_order(order), code, "{what}");
    }
    for good in [until(good, 5), until(sell(1, 2, 10, 50_010), 45), stateful(4), stateful_id(good, 95 * day)]
    {
        world.place(good).unwrap();
    }
}

fn stateful_size(order: Order, milli: u64) -> Order {
    Order { size: clob::Size::new(milli * MILLI), ..long_term(order, 60) }
}

fn stateful_id(order: Order, seconds: u32) -> Order {
    let mut order = long_term(order, seconds);
    order.id.client_id = 77;
    order
}

#[test]
fn only_active_markets_take_orders_but_all_take_cancels() {
    let mut world = World::new();
    world.place(buy(1, 1, 10, 50_000)).unwrap();
    let mut genesis = world.exported();
    for pair in &mut genesis.pairs {
        pair.status = PairStatus::Paused;
    }
    let mut paused = World::new();
    paused.set_pairs(&genesis.pairs);
    assert_eq!(paused.refused_order(buy(1, 1, 10, 50_000)), 34);
    world.set_pairs(&genesis.pairs);
    let id = buy(1, 1, 10, 50_000).id;
    world.cancel(id, GoodTil::Block(20)).unwrap();
    assert!(world.books.is_empty());
}

#[test]
fn no_order_executes_or_rests_on_a_stale_price_and_cancels_still_work() {
    let mut world = World::new();
    let resting = Order { good_til: GoodTil::Block(41), ..buy(1, 1, 10, 50_000) };
    world.place(resting).unwrap();
    world.blocks(31);
    for stale in [buy(2, 1, 10, 49_000), ioc(sell(2, 2, 10, 50_000)), long_term(sell(2, 3, 1, 60_000), 900)] {
        let stale = if stale.id.kind == Kind::ShortTerm { until(stale, 40) } else { stale };
        assert_eq!(world.refused_order(stale), 20_001);
    }
    world.cancel(resting.id, GoodTil::Block(41)).unwrap();
    assert!(world.books.is_empty());
}

#[test]
fn an_id_is_good_for_one_order() {
    let mut world = World::new();
    let resting = buy(1, 1, 10, 50_000);
    world.place(resting).unwrap();
    assert_eq!(world.refused_order(resting), 30);
    assert_eq!(world.refused_order(buy(1, 1, 20, 50_000)), 20);
    let stateful = long_term(buy(1, 5, 10, 49_000), 60);
    world.place(stateful).unwrap();
    assert_eq!(world.refused_order(stateful), 3_005);
    // Cancelled until block 20: the same order, and any other one until then, is refused.
    world.cancel(resting.id, GoodTil::Block(20)).unwrap();
    assert_eq!(world.refused_order(resting), 7);
    assert_eq!(world.refused_order(until(buy(1, 1, 30, 50_000), 19)), 7);
    world.place(until(resting, 21)).unwrap();
}

#[test]
fn a_filled_order_is_remembered_for_forty_blocks_after_its_last_one() {
    let mut world = World::new();
    let maker = until(sell(1, 1, 10, 50_000), 2);
    world.place(maker).unwrap();
    world.place(until(buy(2, 1, 10, 50_000), 2)).unwrap();
    assert_eq!(world.refused_order(maker), 24);
    assert_eq!(world.refused_order(until(maker, 40)), 24);
    world.blocks(41);
    world.oracle(50_000);
    assert_eq!(world.block.height, 42);
    assert_eq!(world.exported().spent.len(), 2);
    assert_eq!(world.refused_order(until(maker, 42)), 24);
    // Its row goes when the block ends.
    world.blocks(2);
    assert_eq!(world.exported().spent.len(), 0);
}

#[test]
fn what_an_id_has_traded_counts_as_long_as_an_order_with_it_rests() {
    let mut world = World::new();
    world.place(until(sell(1, 1, 10, 50_000), 2)).unwrap();
    world.place(until(ioc(buy(2, 1, 10, 50_000)), 2)).unwrap();
    world.blocks(39);
    world.oracle(50_000);
    // The first order's row would go after block 42; the second one lives until block 80.
    world.place(until(sell(1, 1, 30, 50_000), 80)).unwrap();
    world.blocks(5);
    world.oracle(50_000);
    assert_eq!(world.levels(Side::Sell), [(20, 50_000)]);
    world.place(until(buy(2, 2, 30, 50_000), 60)).unwrap();
    assert_eq!(world.refused_order(until(sell(1, 1, 30, 50_000), 80)), 24);
}

#[test]
fn a_cancel_holds_for_orders_that_come_later_and_is_forgotten_after_its_block() {
    let mut world = World::new();
    let order = buy(1, 1, 10, 50_000);
    world.cancel(order.id, GoodTil::Block(20)).unwrap();
    assert_eq!(world.refused_order(order), 7);
    let cancel = |block| Msg::Cancel(clob::Cancel { id: order.id, good_til: GoodTil::Block(block) });
    assert_eq!(world.refused(&cancel(20)), ("clob", 9));
    assert_eq!(world.refused(&cancel(42)), ("clob", 11));
    world.run(&cancel(21)).unwrap();
    world.blocks(20);
    assert_eq!(world.exported().spent.len(), 1);
    assert_eq!(world.refused(&cancel(20)), ("clob", 10));
    // Its row goes when the block ends.
    world.blocks(2);
    assert_eq!(world.exported().spent.len(), 0);
}

#[test]
fn a_short_term_order_outlives_a_cancel_that_ends_before_it() {
    let mut world = World::new();
    let order = buy(1, 1, 10, 50_000);
    world.place(order).unwrap();
    world.cancel(order.id, GoodTil::Block(19)).unwrap();
    assert_eq!(world.levels(Side::Buy), [(10, 50_000)]);
    world.cancel(order.id, GoodTil::Block(20)).unwrap();
    assert_eq!(world.levels(Side::Buy), []);
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("cancelled")]);
}

#[test]
fn cancels_of_orders_that_live_until_a_time_need_the_order_and_its_time() {
    let mut world = World::new();
    let order = long_term(buy(1, 1, 10, 50_000), 100);
    let at = |seconds: u32| {
        Msg::Cancel(clob::Cancel { id: order.id, good_til: GoodTil::Time(1_700_000_000 + seconds) })
    };
    assert_eq!(world.refused(&at(100)), ("clob", 3_006));
    world.place(order).unwrap();
    assert_eq!(world.refused(&at(99)), ("clob", 29));
    assert_eq!(world.refused(&at(0)), ("clob", 3_003));
    world.run(&at(100)).unwrap();
    assert!(world.books.is_empty());
    assert_eq!(world.refused(&at(100)), ("clob", 3_006));
    // The id is free again.
    world.place(order).unwrap();
}

#[test]
fn a_batch_cancels_what_it_can_and_is_refused_when_that_is_nothing() {
    let mut world = World::new();
    for client_id in 1..=3 {
        world.place(buy(1, client_id, 10, 50_000)).unwrap();
    }
    world.cancel(buy(1, 3, 10, 50_000).id, GoodTil::Block(20)).unwrap();
    let batch = |ids: &[u32], market, block| {
        let markets = vec![(MarketId(market), ids.to_vec())];
        Msg::BatchCancel(BatchCancel { subaccount: account(1), markets, good_til_block: block })
    };
    let Ok(Outcome::BatchCancelled(done)) = world.run(&batch(&[1, 2, 3, 4], 0, 20)) else { panic!() };
    assert_eq!(done.succeeded, [(BTC, vec![1, 2, 4])]);
    assert_eq!(done.failed, [(BTC, vec![3])]);
    assert!(world.books.is_empty());
    assert_eq!(world.refused(&batch(&[1, 2], 0, 20)), ("clob", 46));
    assert_eq!(world.refused(&batch(&[9], 9, 20)), ("clob", 46));
    assert_eq!(world.refused(&batch(&[9], 0, 99)), ("clob", 46));
}

#[test]
fn an_owner_has_a_budget_in_each_block_and_refused_messages_use_it_too() {
    let four = RateLimits { short_term: vec![Window { blocks: 1, limit: 4 }], ..RateLimits::NONE };
    let params = Params { rate_limits: four, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    world.place(buy(1, 1, 10, 50_000)).unwrap();
    world.refused_order(buy(1, 1, 10, 50_000));
    let markets = vec![(BTC, vec![1])];
    let batch = BatchCancel { subaccount: account(1), markets, good_til_block: 20 };
    world.run(&Msg::BatchCancel(batch)).unwrap();
    assert_eq!(world.refused_order(buy(1, 2, 10, 50_000)), 5_001);
    // Others and orders that live until a time have not used it.
    world.place(buy(2, 1, 10, 50_000)).unwrap();
    world.place(long_term(buy(1, 3, 10, 50_000), 60)).unwrap();
    world.next_block();
    world.place(buy(1, 2, 10, 50_000)).unwrap();
}

#[test]
fn equity_decides_how_many_orders_may_live_until_a_time() {
    let tier = |dollars: i128, limit| EquityTier { required: QuoteQuantums::new(dollars * USD), limit };
    let params = Params { equity_tiers: vec![tier(0, 0), tier(20, 1), tier(1_000, 2)], ..Params::default() };
    let dollars = vec![19, 20, 1_000, 0];
    let mut world = World::with(Start { dollars, params, ..Start::default() });
    let order = |byte, client_id| long_term(buy(byte, client_id, 1, 100), 60);
    assert_eq!(world.refused_order(order(1, 1)), 10_001);
    assert_eq!(world.refused_order(order(4, 1)), 10_001);
    world.place(order(2, 1)).unwrap();
    assert_eq!(world.refused_order(order(2, 2)), 10_001);
    world.place(order(3, 1)).unwrap();
    world.place(order(3, 2)).unwrap();
    assert_eq!(world.refused_order(order(3, 3)), 10_001);
    // Short-term orders are not counted.
    world.place(buy(1, 9, 1, 100)).unwrap();
}

#[test]
fn a_subaccount_has_so_many_orders_in_a_market_and_no_more() {
    let params = Params { max_resting: 2, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    world.place(buy(1, 1, 10, 50_000)).unwrap();
    world.place(buy(1, 2, 10, 50_000)).unwrap();
    assert_eq!(world.refused_order(buy(1, 3, 10, 50_000)), 17);
    let mut elsewhere = buy(1, 3, 10, 50_000);
    elsewhere.id.market = MarketId(1);
    world.place(elsewhere).unwrap();
    world.cancel(buy(1, 1, 10, 50_000).id, GoodTil::Block(20)).unwrap();
    world.place(post_only(buy(1, 4, 10, 50_000))).unwrap();
}

#[test]
fn the_mempool_check_agrees_with_what_a_block_would_refuse_without_books() {
    let mut world = World::new();
    let good = buy(1, 1, 10, 50_000);
    let check = |world: &World, msg: &Msg| clob::check(&world.state, &world.block, msg);
    assert_eq!(check(&world, &Msg::Place(good)), Ok(()));
    assert!(check(&world, &Msg::Place(until(good, 42))).is_err());
    world.cancel(good.id, GoodTil::Block(20)).unwrap();
    world.next_block();
    assert!(check(&world, &Msg::Place(good)).is_err());
    assert!(check(&world, &Msg::Cancel(clob::Cancel { id: good.id, good_til: GoodTil::Block(20) })).is_err());
    assert_eq!(check(&world, &Msg::Place(until(good, 21))), Ok(()));
}
