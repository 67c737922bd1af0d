//! Conditional orders: what they wait for, what wakes them, in which order, how many at a time.

use clob::{steps, Condition, ConditionKind, Direction, Kind, Order, OrderId, Params, Side, Step, Traded};
use clob::{Cancel, GoodTil, Msg, TimeInForce};
use num::{Ratio, Subticks};
use types::Value;

use crate::world::{account, buy, long_term, sell, Start, World, BTC, DOLLAR};

pub(crate) const STOP: ConditionKind = ConditionKind::StopLoss;
pub(crate) const PROFIT: ConditionKind = ConditionKind::TakeProfit;
const START: u32 = 1_700_000_000;

/// The same terms, waiting for a price of so many dollars; lives for 1,000 seconds.
pub(crate) fn waiting(order: Order, kind: ConditionKind, dollars: u64) -> Order {
    let order = long_term(order, 1_000);
    let id = OrderId { kind: Kind::Conditional, ..order.id };
    let condition = Some(Condition { kind, trigger: Subticks::new(dollars * DOLLAR) });
    Order { id, condition, ..order }
}

/// A buy that rests far below the market once it is triggered.
fn low(client_id: u32, kind: ConditionKind, dollars: u64) -> Order {
    waiting(buy(1, client_id, 1, 40_000), kind, dollars)
}

/// A sell that rests far above the market once it is triggered.
pub(crate) fn high(client_id: u32, kind: ConditionKind, dollars: u64) -> Order {
    waiting(sell(1, client_id, 1, 60_000), kind, dollars)
}

/// Client ids of the orders that were triggered since the start, in order.
fn triggered(world: &World) -> Vec<u128> {
    numbers(world, "conditional_triggered")
}

fn numbers(world: &World, kind: &str) -> Vec<u128> {
    world.told(kind, "client_id").into_iter().map(number).collect()
}

/// Prices that woke them.
fn prices(world: &World) -> Vec<u128> {
    world.told("conditional_triggered", "price").into_iter().map(number).collect()
}

fn number(value: Value) -> u128 {
    let Value::Unsigned(number) = value else { panic!("{value:?}") };
    number
}

fn reasons(world: &World) -> Vec<String> {
    world.told("order_removed", "reason").into_iter().map(|reason| reason.text().unwrap().into()).collect()
}

fn cancel(order: &Order) -> Msg {
    Msg::Cancel(Cancel { id: order.id, good_til: order.good_til })
}

fn ratio(price: (i128, i128)) -> Ratio {
    Ratio::new(price.0, price.1).unwrap()
}

/// Which of (side, kind, trigger) an oracle price wakes.
fn wakes(oracle: (i128, i128), orders: &[(Side, ConditionKind, u64)]) -> Vec<bool> {
    let steps = steps(ratio(oracle), true, None, ratio((1, 100))).unwrap();
    let wakes = |(side, kind, trigger): &(Side, ConditionKind, u64)| {
        let direction = match (kind, side) {
            (ConditionKind::TakeProfit, Side::Buy) | (ConditionKind::StopLoss, Side::Sell) => {
                Direction::AtOrBelow
            }
            _ => Direction::AtOrAbove,
        };
        steps.iter().any(|step: &Step| step.fires(direction, Subticks::new(*trigger)))
    };
    orders.iter().map(wakes).collect()
}

#[test]
fn vectors_c1_and_c3_and_what_lies_on_the_other_side_of_them() {
    let (buy, sell) = (Side::Buy, Side::Sell);
    let all = [
        (buy, STOP, 20),
        (buy, STOP, 25),
        (sell, PROFIT, 20),
        (buy, PROFIT, 10),
        (buy, PROFIT, 5),
        (sell, STOP, 10),
    ];
    // C1
    assert_eq!(wakes((15, 1), &all), [false; 6]);
    // C3: rounded against the order.
    assert_eq!(wakes((39, 2), &[(buy, STOP, 20), (sell, PROFIT, 20)]), [false; 2]);
    assert_eq!(wakes((21, 2), &[(buy, PROFIT, 10), (sell, STOP, 10)]), [false; 2]);
    assert_eq!(wakes((20, 1), &all), [true, false, true, false, false, false]);
    assert_eq!(wakes((10, 1), &all), [false, false, false, true, false, true]);
    assert_eq!(wakes((41, 2), &[(buy, STOP, 20), (buy, STOP, 21)]), [true, false]);
    assert_eq!(wakes((19, 2), &[(buy, PROFIT, 10), (buy, PROFIT, 9)]), [true, false]);
}

#[test]
fn trade_prices_count_only_within_a_band_around_the_oracle_price() {
    // Five times 1,000 ppm of 1,000 subticks: 995 to 1,005.
    let traded = |min, max| Some(Traded { height: 1, min: Subticks::new(min), max: Subticks::new(max) });
    let band = ratio((5, 1_000));
    let prices = |fresh, traded| {
        let steps = steps(ratio((1_000, 1)), fresh, traded, band).unwrap();
        let of = |direction| {
            let steps = steps.iter().filter(move |step| step.direction == direction);
            steps.map(|step| step.price.raw()).collect::<Vec<_>>()
        };
        (of(Direction::AtOrBelow), of(Direction::AtOrAbove))
    };
    assert_eq!(prices(true, None), (vec![1_000], vec![1_000]));
    assert_eq!(prices(true, traded(998, 1_002)), (vec![1_000, 998], vec![1_000, 1_002]));
    assert_eq!(prices(true, traded(1, 9_000)), (vec![1_000, 995], vec![1_000, 1_005]));
    // Without a fresh oracle price the trades still count, around the last one.
    assert_eq!(prices(false, traded(1, 9_000)), (vec![995], vec![995, 1_005]));
    // A bound that is not whole is rounded against the orders.
    let steps = steps(ratio((1_001, 1)), false, traded(1, 1), band).unwrap();
    assert_eq!(steps.iter().map(|step| step.price.raw()).collect::<Vec<_>>(), [996, 995]);
}

#[test]
fn a_stop_waits_outside_the_book_and_is_placed_when_the_oracle_price_comes() {
    let mut world = World::new();
    let placed = world.place(waiting(sell(1, 7, 10, 49_000), STOP, 49_500)).unwrap();
    assert_eq!(placed.resting.raw(), 0);
    assert!(world.books.is_empty());
    assert_eq!(world.books.waiting_of(&account(1)), 1);
    world.step(1, 49_501);
    assert!(world.books.is_empty());
    world.step(1, 49_500);
    assert_eq!(world.levels(Side::Sell), [(10, 49_000)]);
    assert_eq!((world.books.waiting_of(&account(1)), world.books.stateful(&account(1))), (0, 1));
    // From now on it is any order that lives until a time; its id keeps its flag.
    let id = waiting(sell(1, 7, 10, 49_000), STOP, 49_500).id;
    assert!(world.books.find(&id).is_some());
    assert_eq!(world.refused_order(waiting(sell(1, 7, 10, 49_000), STOP, 49_500)), 3_005);
    world.place(buy(2, 1, 10, 49_000)).unwrap();
    assert_eq!(world.holds(1).1, -1_000_000);
    // Its id may be used again.
    world.place(waiting(sell(1, 7, 10, 49_000), STOP, 49_000)).unwrap();
    assert!(world.money_adds_up());
}

#[test]
fn what_is_wrong_with_a_conditional_order_is_said_when_it_is_placed() {
    let mut world = World::new();
    let order = low(1, STOP, 50_500);
    let trigger = |trigger| Some(Condition { kind: STOP, trigger: Subticks::new(trigger) });
    assert_eq!(world.refused_order(Order { condition: trigger(12), ..order }), 12);
    assert_eq!(world.refused_order(Order { good_til: GoodTil::Time(START), ..order }), 3_003);
    assert_eq!(world.refused_order(Order { good_til: GoodTil::Time(START + 8_208_001), ..order }), 3_004);
    world.place(order).unwrap();
    assert_eq!(world.refused_order(order), 3_005);
    // What the account is worth does not matter until it trades.
    let account = 1_000_000_000;
    world.place(waiting(buy(1, 2, account, 60_000), STOP, 50_500)).unwrap();
    world.step(1, 50_500);
    assert_eq!(triggered(&world), [1, 2]);
}

#[test]
fn equity_tiers_and_bounds_count_what_waits() {
    let tiers = vec![clob::EquityTier { required: num::QuoteQuantums::ZERO, limit: 2 }];
    let mut world = World::with(Start {
        params: Params { equity_tiers: tiers, ..Params::default() },
        ..Start::default()
    });
    world.place(low(1, STOP, 50_500)).unwrap();
    world.place(long_term(buy(1, 2, 1, 40_000), 100)).unwrap();
    assert_eq!(world.refused_order(low(3, STOP, 50_500)), 10_001);
    world.step(1, 50_500);
    // The triggered one counts as before, once.
    assert_eq!(world.refused_order(low(3, STOP, 60_500)), 10_001);
    world.run(&cancel(&low(1, STOP, 50_500))).unwrap();
    world.place(low(3, STOP, 60_500)).unwrap();
    let mut world =
        World::with(Start { params: Params { max_resting: 1, ..Params::default() }, ..Start::default() });
    world.place(low(1, STOP, 50_500)).unwrap();
    assert_eq!(world.refused_order(low(2, STOP, 50_500)), 17);
}

#[test]
fn cancels_reach_orders_that_wait_and_orders_that_were_triggered() {
    let mut world = World::new();
    let (one, two) = (low(1, STOP, 50_500), low(2, STOP, 50_600));
    world.place(one).unwrap();
    world.place(two).unwrap();
    let early = Msg::Cancel(Cancel { id: one.id, good_til: GoodTil::Time(START + 999) });
    assert_eq!(world.refused(&early), ("clob", 29));
    world.run(&cancel(&one)).unwrap();
    assert_eq!(world.refused(&cancel(&one)), ("clob", 3_006));
    world.step(1, 51_000);
    assert_eq!(triggered(&world), [2]);
    world.run(&cancel(&two)).unwrap();
    assert!(world.books.is_empty());
    assert_eq!(reasons(&world), ["cancelled", "cancelled"]);
    assert_eq!(world.told("order_removed", "rested"), [Value::Bool(false), Value::Bool(true)]);
}

#[test]
fn a_trade_wakes_orders_in_the_next_block_and_not_in_its_own() {
    let mut world = World::new();
    // Trades count within 0.5 % of the oracle price.
    world.place(high(1, PROFIT, 50_100)).unwrap();
    world.place(low(2, PROFIT, 49_900)).unwrap();
    world.place(high(3, PROFIT, 50_300)).unwrap();
    world.place(sell(2, 1, 1, 50_100)).unwrap();
    world.place(buy(3, 1, 1, 50_100)).unwrap();
    assert_eq!(triggered(&world), []);
    // A restart between the blocks forgets nothing.
    world.next_block();
    assert_eq!(triggered(&world), [1]);
    world.place(sell(2, 2, 1, 49_900)).unwrap();
    world.place(buy(3, 2, 1, 49_900)).unwrap();
    // Far above the band: counts as 50,250.
    world.place(sell(2, 3, 1, 58_000)).unwrap();
    world.place(buy(3, 3, 1, 58_000)).unwrap();
    world.next_block();
    assert_eq!(triggered(&world), [1, 2]);
    // Trades of the block before that one count no more.
    world.place(low(4, PROFIT, 49_900)).unwrap();
    world.next_block();
    assert_eq!(triggered(&world), [1, 2]);
}

#[test]
fn a_refused_message_leaves_no_trade_price_behind() {
    let params = Params { max_resting: 1, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    world.place(high(1, PROFIT, 50_100)).unwrap();
    world.place(sell(2, 1, 1, 50_100)).unwrap();
    // It trades one thousandth, and the other may not rest.
    world.place(buy(3, 1, 1, 40_000)).unwrap();
    assert_eq!(world.refused_order(buy(3, 2, 2, 50_100)), 17);
    world.next_block();
    assert_eq!(triggered(&world), []);
}

#[test]
fn orders_fire_by_price_then_by_age_first_those_above_the_price() {
    let mut world = World::new();
    for (client_id, order) in [
        (1, low(1, STOP, 50_200)),
        (2, low(2, STOP, 50_100)),
        (3, high(3, PROFIT, 50_100)),
        (4, low(4, PROFIT, 50_400)),
        (5, high(5, STOP, 50_300)),
        (6, high(6, STOP, 50_400)),
    ] {
        assert_eq!(order.id.client_id, client_id);
        world.place(order).unwrap();
    }
    world.step(1, 50_250);
    assert_eq!(triggered(&world), [4, 6, 5, 2, 3, 1]);
}

#[test]
fn ord_12_a_price_that_wakes_many_places_so_many_in_a_block_and_the_others_after_them() {
    let params = Params { max_triggers: 3, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 0..8 {
        world.place(low(client_id, STOP, 50_500)).unwrap();
    }
    world.place(low(9, STOP, 50_400)).unwrap();
    world.place(low(10, STOP, 50_600)).unwrap();
    world.step(1, 50_500);
    assert_eq!(triggered(&world), [9, 0, 1]);
    // The price goes away, and those that it woke still come. Nobody new slips in between.
    assert_eq!(world.refused_order(low(20, STOP, 50_450)), 20_010);
    world.place(low(21, STOP, 50_550)).unwrap();
    world.step(1, 50_000);
    assert_eq!(triggered(&world), [9, 0, 1, 2, 3, 4]);
    world.run(&cancel(&low(5, STOP, 50_500))).unwrap();
    world.step(1, 50_600);
    assert_eq!(triggered(&world), [9, 0, 1, 2, 3, 4, 6, 7, 21]);
    world.step(1, 50_000);
    assert_eq!(triggered(&world), [9, 0, 1, 2, 3, 4, 6, 7, 21, 10]);
    world.place(low(20, STOP, 50_450)).unwrap();
    world.step(1, 50_000);
    assert_eq!(world.exported().backlog, []);
}

#[test]
fn a_backlog_of_one_market_does_not_keep_another_waiting() {
    let params = Params { max_triggers: 4, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 0..9 {
        world.place(low(client_id, STOP, 50_500)).unwrap();
    }
    let mut other = low(20, STOP, 50_500);
    other.id.market = crate::world::ETH;
    world.place(other).unwrap();
    world.step(1, 50_500);
    assert_eq!(triggered(&world), [0, 1, 20, 2]);
}

#[test]
fn a_market_that_does_not_trade_or_has_no_fresh_price_keeps_its_orders_waiting() {
    let mut world = World::new();
    world.place(low(1, STOP, 50_500)).unwrap();
    let pairs = world.exported().pairs;
    let mut paused = pairs.clone();
    paused[0].status = clob::state::Status::Paused;
    world.set_pairs(&paused);
    world.step(1, 50_500);
    world.step(1, 50_000);
    assert_eq!(triggered(&world), []);
    world.set_pairs(&pairs);
    world.step(1, 50_000);
    // It was reached while the market was paused.
    assert_eq!(triggered(&world), [1]);
    world.place(low(2, PROFIT, 49_000)).unwrap();
    world.place(sell(2, 1, 1, 50_000)).unwrap();
    for _ in 0..40 {
        world.next_block();
    }
    assert_eq!(triggered(&world), [1]);
    world.step(1, 49_000);
    assert_eq!(triggered(&world), [1, 2]);
}

#[test]
fn a_backlog_keeps_at_most_sixteen_prices_and_of_more_the_farthest() {
    let mut world = World::new();
    world.place(low(1, STOP, 50_500)).unwrap();
    world.place(low(2, PROFIT, 49_500)).unwrap();
    let pairs = world.exported().pairs;
    let mut paused = pairs.clone();
    paused[0].status = clob::state::Status::Paused;
    world.set_pairs(&paused);
    let mut most = 0;
    // The last of these is one too many for the third time.
    for far in 0..23 {
        for dollars in [50_500 + 10 * far, 49_500 - 10 * far] {
            world.step(1, dollars);
            most = most.max(world.exported().backlog[0].1.steps.len());
        }
    }
    assert_eq!(most, 16);
    world.set_pairs(&pairs);
    world.step(1, 50_000);
    assert_eq!(triggered(&world), [2, 1]);
    let dollar = u128::from(DOLLAR);
    assert_eq!(prices(&world), [49_280 * dollar, 50_720 * dollar]);
}

#[test]
fn what_cannot_be_placed_when_its_trigger_comes_is_removed_with_the_reason() {
    let mut world = World::new();
    // Nobody buys: what does not trade at once is dropped.
    let drop = Order {
        time_in_force: TimeInForce::ImmediateOrCancel,
        ..waiting(sell(1, 1, 1, 49_000), STOP, 49_500)
    };
    // Nothing to reduce.
    let reduce = Order { reduce_only: true, ..Order { id: OrderId { client_id: 2, ..drop.id }, ..drop } };
    world.place(drop).unwrap();
    world.place(reduce).unwrap();
    world.step(1, 49_500);
    assert_eq!(triggered(&world), [1, 2]);
    assert_eq!(reasons(&world), ["conditional_ioc_would_rest", "reduce_only"]);
    // Would trade, but only wants to rest; cannot pay.
    world.place(buy(2, 1, 1, 49_500)).unwrap();
    let rest = Order { time_in_force: TimeInForce::PostOnly, ..waiting(sell(1, 3, 1, 49_500), STOP, 49_400) };
    let poor = waiting(sell(1, 4, 1_000_000, 49_500), STOP, 49_300);
    world.place(rest).unwrap();
    world.place(poor).unwrap();
    world.step(1, 49_400);
    assert_eq!(reasons(&world)[2..], ["post_only"]);
    world.step(1, 49_300);
    assert_eq!(triggered(&world), [1, 2, 3, 4]);
    assert!(world.books.waiting_of(&account(1)) == 0);
    assert!(world.money_adds_up());
}

#[test]
fn ord_10_expiry_trigger_and_cancel_in_one_block_in_every_order() {
    // (time is up, price comes, cancelled in the block before, cancelled after) -> events.
    for up in [false, true] {
        for comes in [false, true] {
            for before in [false, true] {
                let mut world = World::new();
                let order = Order { good_til: GoodTil::Time(START + 1), ..low(1, STOP, 50_500) };
                world.place(order).unwrap();
                if before {
                    world.run(&cancel(&order)).unwrap();
                }
                let seconds = i64::from(up);
                world.step(seconds, if comes { 50_500 } else { 50_000 });
                let fires = comes && !up && !before;
                assert_eq!(triggered(&world).len(), usize::from(fires), "{up} {comes} {before}");
                let after = world.run(&cancel(&order));
                let gone = before || up;
                assert_eq!(after.is_err(), gone, "{up} {comes} {before}: {after:?}");
                let reason = match (before, up) {
                    (true, _) => "cancelled",
                    (false, true) => "expired",
                    (false, false) => "cancelled",
                };
                assert_eq!(reasons(&world), [reason], "{up} {comes} {before}");
                assert!(world.books.is_empty());
                assert_eq!(world.books.waiting_of(&account(1)), 0);
                world.next_block();
            }
        }
    }
}

#[test]
fn a_market_that_is_settled_drops_what_waits() {
    let params = Params { max_triggers: 3, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 0..2 {
        world.place(low(client_id, STOP, 50_500)).unwrap();
        world.place(high(client_id + 10, STOP, 49_500)).unwrap();
    }
    let mut pairs = world.exported().pairs;
    pairs[0].status = clob::state::Status::FinalSettlement;
    world.set_pairs(&pairs);
    world.next_block();
    assert_eq!(reasons(&world), ["final_settlement"; 3]);
    world.next_block();
    assert_eq!(reasons(&world), ["final_settlement"; 4]);
    assert_eq!(world.books.waiting_of(&account(1)), 0);
    world.next_block();
    assert_eq!(world.exported().backlog, []);
}

#[test]
fn everything_that_waits_survives_an_export() {
    let params = Params { max_triggers: 1, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 0..4 {
        world.place(low(client_id, STOP, 50_500)).unwrap();
    }
    world.place(sell(2, 1, 1, 50_100)).unwrap();
    world.place(buy(3, 1, 1, 50_100)).unwrap();
    world.step(1, 50_500);
    world.next_block();
    let exported = world.exported();
    assert_eq!(exported.conditionals.len(), 2);
    assert_eq!(exported.backlog[0].0, BTC);
    assert_eq!(exported.traded[0].0, BTC);
    let events = world.told("conditional_placed", "trigger");
    assert_eq!(events.len(), 4);
}

#[test]
fn ord_12_a_trigger_at_the_price_or_behind_it_fires_in_the_next_block() {
    let mut world = World::new();
    world.place(low(1, STOP, 50_000)).unwrap();
    world.place(low(2, STOP, 40_000)).unwrap();
    world.place(high(3, PROFIT, 40_000)).unwrap();
    world.place(low(4, PROFIT, 60_000)).unwrap();
    assert_eq!(triggered(&world), []);
    world.next_block();
    let mut all = triggered(&world);
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4]);
}

#[test]
fn ord_12_one_fill_that_triggers_ten_thousand_is_worked_off_in_five_blocks_in_turn() {
    let params = Params { max_resting: 20_000, rate_limits: clob::RateLimits::NONE, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    for client_id in 0..10_000 {
        world.place(low(client_id, STOP, 50_100)).unwrap();
    }
    world.place(sell(2, 1, 1, 50_100)).unwrap();
    world.place(buy(3, 1, 1, 50_100)).unwrap();
    for block in 1..=5 {
        world.events.clear();
        world.next_block();
        let expected: Vec<u128> = ((block - 1) * 2_000..block * 2_000).collect();
        assert_eq!(triggered(&world), expected);
    }
    world.events.clear();
    world.next_block();
    assert_eq!(triggered(&world), []);
    assert_eq!(world.books.len(), 10_000);
}

#[test]
fn a_triggered_order_that_goes_on_keeps_its_id_and_a_block_that_traded_enough_wakes_nobody() {
    let params = Params { max_fills: 1, max_block_fills: 1, ..Params::default() };
    let mut world = World::with(Start { params, ..Start::default() });
    let order = waiting(buy(1, 1, 30, 50_000), STOP, 50_500);
    world.place(order).unwrap();
    world.place(waiting(buy(1, 2, 30, 40_000), STOP, 50_500)).unwrap();
    world.place(sell(2, 1, 10, 50_000)).unwrap();
    world.place(sell(2, 2, 10, 50_000)).unwrap();
    world.step(1, 50_500);
    assert_eq!(triggered(&world), [1]);
    assert_eq!(world.exported().parked.len(), 1);
    assert_eq!(world.refused_order(order), 3_005);
    world.run(&cancel(&order)).unwrap();
    world.step(1, 50_000);
    assert_eq!(triggered(&world), [1, 2]);
    assert_eq!(world.holds(1).1, 1_000_000);
}
