//! Who trades with whom, at which price, and who pays what.

use clob::{sweep, Books, Grid, Next, PlacedOrder, Side, Size, Status, Taker};
use num::Subticks;
use types::{MarketId, SubaccountId, Value};

use crate::world::{account, buy, ioc, order, post_only, sell, Start, World, BTC, MILLI, USD};

fn done(filled: u64, resting: u64) -> PlacedOrder {
    PlacedOrder { status: Status::Success, filled: Size::new(filled), resting: Size::new(resting) }
}

#[test]
fn a_bid_above_the_ask_trades_at_the_makers_price() {
    let mut world = World::new();
    assert_eq!(world.place(sell(1, 1, 100, 50_000)), Ok(done(0, 100 * MILLI)));
    assert_eq!(world.place(buy(2, 1, 40, 51_000)), Ok(done(40 * MILLI, 0)));
    // 0.04 coins at 50,000 are 2,000 dollars; the maker pays 100 ppm, the taker 500.
    let milli = i128::from(MILLI);
    assert_eq!(world.holds(1), (1_002_000 * USD - 200_000, -40 * milli));
    assert_eq!(world.holds(2), (998_000 * USD - 1_000_000, 40 * milli));
    assert_eq!(world.fees(), 1_200_000);
    assert_eq!(world.levels(Side::Sell), [(60, 50_000)]);
    assert!(world.money_adds_up());
}

#[test]
fn o1_a_taker_takes_what_crosses_and_the_rest_rests_at_its_own_price() {
    // These prices are far from the oracle's.
    let params = clob::Params { taker_band: 0, ..clob::Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    world.place(order(account(1), 1, Side::Sell, 5, 10)).unwrap();
    let placed = world.place(order(account(2), 1, Side::Buy, 20, 35));
    assert_eq!(placed, Ok(done(5, 15)));
    assert_eq!(world.told("order_fill", "price"), [Value::Unsigned(10)]);
    let bids: Vec<_> =
        world.books.levels(BTC, Side::Buy).map(|level| (level.quantums, level.price)).collect();
    assert_eq!(bids, [(15, Subticks::new(35))]);
}

#[test]
fn o3_another_subaccount_of_the_same_owner_is_not_oneself_even_at_the_highest_price() {
    let mut books = Books::default();
    books.open(BTC, Grid { subticks_per_tick: 5, quantum_conversion_exponent: -8 });
    let second = SubaccountId { number: 1, ..account(1) };
    let maker = order(account(1), 1, Side::Sell, 25, u64::MAX);
    books.place(&maker, maker.size);
    let limit = Subticks::new(u64::MAX);
    let taker = Taker { subaccount: second, market: BTC, side: Side::Buy, limit, remaining: Size::new(35) };
    let mut fills = Vec::new();
    let left = sweep(&mut books, taker, |maker, size| fills.push((maker.order.price, size)));
    assert_eq!((fills, left), (vec![(limit, Size::new(25))], Size::new(10)));
    assert!(books.is_empty());
}

#[test]
fn o5_fees_and_a_rebate_of_a_position_that_closes_are_exact() {
    let start =
        Start { dollars: vec![100_000, 450_025, 60_000], maker: -110, taker: 500, ..Start::default() };
    let mut world = World::with(start);
    // Account 2 buys one coin with its own 25 dollars of fees, and then has what the vector begins with.
    world.place(sell(3, 9, 1_000, 50_000)).unwrap();
    world.place(buy(2, 9, 1_000, 50_000)).unwrap();
    assert_eq!(world.holds(2), (400_000 * USD, 100_000_000));
    world.place(buy(1, 1, 1_000, 50_000)).unwrap();
    let mut close = ioc(sell(2, 1, 1_000, 50_000));
    close.reduce_only = true;
    assert_eq!(world.place(close), Ok(done(100_000_000, 0)));
    assert_eq!(world.holds(1), (50_005_500_000, 100_000_000));
    assert_eq!(world.holds(2), (449_975_000_000, 0));
    assert!(world.money_adds_up());
}

#[test]
fn fees_round_up_and_rebates_round_against_the_maker() {
    let start = Start { maker: -110, taker: 500, ..Start::default() };
    let mut world = World::with(start);
    world.place(order(account(1), 1, Side::Sell, 5, 50_001_000_005)).unwrap();
    world.place(order(account(2), 1, Side::Buy, 5, 50_001_000_005)).unwrap();
    // 5 quantums at 500.01 are 2,500.05, paid as 2,500: fee ceil(1.25) = 2, rebate ceil(-0.275) = 0.
    assert_eq!(world.holds(1), (1_000_000 * USD + 2_500, -5));
    assert_eq!(world.holds(2), (1_000_000 * USD - 2_500 - 2, 5));
    assert!(world.money_adds_up());
}

#[test]
fn better_prices_trade_first_and_at_one_price_older_orders() {
    let mut world = World::new();
    world.place(sell(1, 1, 10, 50_010)).unwrap();
    world.place(sell(3, 1, 10, 50_000)).unwrap();
    world.place(sell(4, 1, 10, 50_000)).unwrap();
    world.place(sell(1, 2, 10, 50_000)).unwrap();
    world.place(buy(2, 1, 35, 50_010)).unwrap();
    let owners = world.told("order_fill", "maker_owner");
    let expected = [3, 4, 1, 1].map(|byte| Value::Address(account(byte).owner));
    assert_eq!(owners, expected);
    assert_eq!(world.levels(Side::Sell), [(5, 50_010)]);
}

#[test]
fn an_order_in_one_market_never_meets_the_other() {
    let mut world = World::new();
    let mut elsewhere = sell(1, 1, 10, 40_000);
    elsewhere.id.market = MarketId(1);
    world.place(elsewhere).unwrap();
    assert_eq!(world.place(buy(2, 1, 10, 50_000)), Ok(done(0, 10 * MILLI)));
}

#[test]
fn own_orders_leave_and_the_taker_goes_on() {
    let mut world = World::new();
    world.place(sell(2, 1, 10, 50_000)).unwrap();
    world.place(sell(1, 1, 10, 50_005)).unwrap();
    assert_eq!(world.place(buy(2, 2, 15, 50_010)), Ok(done(10 * MILLI, 5 * MILLI)));
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("self_trade")]);
    assert_eq!(world.levels(Side::Sell), []);
    // The order that left must not come again, with the same signature or an older one.
    assert_eq!(world.refused_order(sell(2, 1, 10, 50_000)), 30);
}

#[test]
fn own_orders_stay_when_the_taker_is_refused() {
    let start = Start { dollars: vec![1_000_000, 100], ..Start::default() };
    let mut world = World::with(start);
    world.place(sell(2, 1, 1, 50_000)).unwrap();
    world.place(sell(1, 1, 1_000, 50_000)).unwrap();
    // The taker meets its own order first, then cannot pay for a whole coin.
    assert_eq!(world.refused_order(buy(2, 2, 1_000, 50_000)), 3_007);
    assert_eq!(world.levels(Side::Sell), [(1_001, 50_000)]);
}

#[test]
fn a_maker_that_cannot_pay_leaves_and_the_next_one_trades() {
    let start = Start { dollars: vec![1_000, 1_000_000, 1_000_000], ..Start::default() };
    let mut world = World::with(start);
    // A short of one coin needs 5,000 dollars of margin.
    world.place(sell(1, 1, 1_000, 50_000)).unwrap();
    world.place(sell(3, 1, 1_000, 50_005)).unwrap();
    assert_eq!(world.place(buy(2, 1, 1_000, 50_005)), Ok(done(1_000 * MILLI, 0)));
    assert_eq!(world.holds(1), (1_000 * USD, 0));
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("undercollateralized")]);
    assert_eq!(world.refused_order(sell(1, 1, 1_000, 50_000)), 30);
    assert!(world.money_adds_up());
}

#[test]
fn a_taker_that_runs_out_of_margin_keeps_what_it_traded_and_loses_the_rest() {
    let start = Start { dollars: vec![1_000_000, 6_000], ..Start::default() };
    let mut world = World::with(start);
    world.place(sell(1, 1, 1_000, 50_000)).unwrap();
    world.place(sell(1, 2, 1_000, 50_000)).unwrap();
    let placed = world.place(buy(2, 1, 2_000, 50_000)).unwrap();
    assert_eq!(placed.status, Status::Undercollateralized);
    assert_eq!((placed.filled, placed.resting), (Size::new(1_000 * MILLI), Size::ZERO));
    assert_eq!(world.levels(Side::Sell), [(1_000, 50_000)]);
    assert_eq!(world.levels(Side::Buy), []);
    assert_eq!(world.refused_order(buy(2, 1, 2_000, 50_000)), 30);
    assert!(world.money_adds_up());
}

#[test]
fn a_post_only_order_never_trades() {
    let mut world = World::new();
    world.place(sell(1, 1, 10, 50_000)).unwrap();
    world.place(sell(2, 1, 10, 49_990)).unwrap();
    assert_eq!(world.refused_order(post_only(buy(2, 2, 10, 50_000))), 2_003);
    assert_eq!(world.place(post_only(buy(2, 3, 10, 49_985))), Ok(done(0, 10 * MILLI)));
    // Only its own order is in the way: that one leaves.
    assert_eq!(world.place(post_only(buy(2, 4, 10, 49_995))), Ok(done(0, 10 * MILLI)));
    assert_eq!(world.levels(Side::Buy), [(10, 49_995), (10, 49_985)]);
    assert_eq!(world.levels(Side::Sell), [(10, 50_000)]);
}

#[test]
fn what_an_immediate_order_does_not_trade_is_dropped_and_cannot_come_again() {
    let mut world = World::new();
    world.place(sell(1, 1, 10, 50_000)).unwrap();
    let order = ioc(buy(2, 1, 25, 50_000));
    let placed = world.place(order).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::WouldRest, Size::new(10 * MILLI)));
    assert_eq!(world.levels(Side::Buy), []);
    assert_eq!(world.refused_order(order), 30);
    let mut longer = order;
    longer.good_til = clob::GoodTil::Block(21);
    assert_eq!(world.refused_order(longer), 2_004);
    // One that met nobody has ended too, but its id is free for an order that lasts longer.
    let missed = ioc(buy(3, 1, 25, 50_000));
    assert_eq!(world.place(missed).unwrap().status, Status::WouldRest);
    assert_eq!(world.refused_order(missed), 30);
    let mut again = missed;
    again.good_til = clob::GoodTil::Block(21);
    world.place(again).unwrap();
}

#[test]
fn a_reduce_only_order_closes_a_position_and_goes_no_further() {
    let mut world = World::new();
    world.place(sell(1, 1, 10, 50_000)).unwrap();
    world.place(buy(2, 1, 10, 50_000)).unwrap();
    world.place(buy(3, 1, 50, 49_995)).unwrap();
    let mut close = ioc(sell(2, 2, 40, 49_995));
    close.reduce_only = true;
    let placed = world.place(close).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::ReduceOnlyResized, Size::new(10 * MILLI)));
    assert_eq!(world.holds(2).1, 0);
    let mut wrong = ioc(buy(2, 3, 10, 50_000));
    wrong.reduce_only = true;
    assert_eq!(world.refused_order(wrong), 2_001);
}

#[test]
fn one_order_meets_at_most_as_many_as_the_parameters_say() {
    let params = clob::Params { max_fills: 3, ..clob::Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 1..=5 {
        world.place(sell(1, client_id, 1, 50_000)).unwrap();
    }
    let placed = world.place(buy(2, 1, 10, 50_000)).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::Continues, Size::new(3 * MILLI)));
    assert_eq!(world.levels(Side::Sell), [(2, 50_000)]);
    assert_eq!(world.levels(Side::Buy), []);
}

#[test]
fn next_says_what_comes_without_touching_the_books() {
    let mut world = World::new();
    world.place(sell(1, 1, 10, 50_000)).unwrap();
    let limit = Subticks::new(50_000_000_000);
    let taker =
        |byte, side| Taker { subaccount: account(byte), market: BTC, side, limit, remaining: Size::new(5) };
    let size = Size::new(5);
    assert!(
        matches!(clob::next(&world.books, &taker(2, Side::Buy)), Next::Trade { size: s, .. } if s == size)
    );
    assert!(matches!(clob::next(&world.books, &taker(1, Side::Buy)), Next::Own(_)));
    assert_eq!(clob::next(&world.books, &taker(2, Side::Sell)), Next::Nothing);
}
