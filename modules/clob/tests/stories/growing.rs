//! A hard cap on open interest: what closes a position always trades, what opens one only while there is room.

use clob::{Side, Size, Status};
use num::QuoteQuantums;
use types::Value;

use crate::world::{buy, ioc, post_only, sell, World, BTC, MILLI, USD};

/// A market that may hold `milli` thousandths of a BTC at $50,000, and a little that makes no whole step.
fn capped(world: &mut World, milli: i128) {
    let cap = QuoteQuantums::new(milli * 50 * USD + 1);
    perpetuals::set_open_interest_cap(&mut world.ctx(), BTC, cap).unwrap();
    world.step(1, 50_000);
}

fn held(world: &World) -> [i128; 4] {
    [1, 2, 3, 4].map(|who| world.holds(who).1 / i128::from(MILLI))
}

#[test]
fn a_market_grows_up_to_its_cap_and_what_would_open_more_is_dropped() {
    let mut world = World::new();
    capped(&mut world, 30);
    world.place(sell(2, 1, 20, 50_000)).unwrap();
    world.place(sell(3, 1, 20, 50_000)).unwrap();
    let placed = world.place(buy(1, 1, 40, 50_000)).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::OpenInterestCap, Size::new(30 * MILLI)));
    assert_eq!(placed.resting, Size::ZERO, "what is left does not rest where it would trade");
    assert_eq!(world.told("order_removed", "reason"), [Value::Text("open_interest_cap")]);
    assert_eq!(world.levels(Side::Sell), [(10, 50_000)], "the maker stays");
    assert_eq!(held(&world), [30, -20, -10, 0]);
    assert_eq!(world.refused_order(buy(4, 1, 1, 50_000)), 20_011);
    assert_eq!(world.refused_order(post_only(buy(4, 1, 1, 50_000))), 20_011);
    // What rests opens nothing yet.
    world.place(buy(4, 2, 10, 49_000)).unwrap();
    assert!(world.money_adds_up());
}

#[test]
fn positions_close_and_change_hands_at_the_cap() {
    let mut world = World::new();
    world.place(sell(2, 1, 30, 50_000)).unwrap();
    world.place(buy(1, 1, 30, 50_000)).unwrap();
    capped(&mut world, 30);
    // Another account takes over a long position.
    world.place(buy(4, 1, 10, 50_000)).unwrap();
    assert_eq!(world.place(ioc(sell(1, 2, 10, 50_000))).unwrap().filled, Size::new(10 * MILLI));
    assert_eq!(held(&world), [20, -30, 0, 10]);
    // A taker that closes and would turn its position closes it, and opens as much as the maker closes.
    world.place(buy(2, 2, 5, 50_000)).unwrap();
    world.place(buy(3, 1, 50, 50_000)).unwrap();
    let placed = world.place(ioc(sell(1, 3, 40, 50_000))).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::OpenInterestCap, Size::new(25 * MILLI)));
    assert_eq!(held(&world), [-5, -25, 20, 10]);
    assert!(world.money_adds_up());
}

#[test]
fn a_market_beyond_its_cap_only_shrinks_and_takes_orders_again_when_the_cap_goes() {
    let mut world = World::new();
    world.place(sell(2, 1, 30, 50_000)).unwrap();
    world.place(buy(1, 1, 30, 50_000)).unwrap();
    capped(&mut world, 10);
    world.place(sell(3, 1, 20, 50_000)).unwrap();
    assert_eq!(world.refused_order(buy(4, 1, 10, 50_000)), 20_011);
    assert_eq!(world.place(ioc(buy(2, 2, 15, 50_000))).unwrap().filled, Size::new(15 * MILLI));
    assert_eq!(held(&world), [30, -15, -15, 0], "one leaves, another one comes");
    perpetuals::set_open_interest_cap(&mut world.ctx(), BTC, QuoteQuantums::ZERO).unwrap();
    world.step(1, 50_000);
    world.place(buy(4, 1, 5, 50_000)).unwrap();
    assert_eq!(held(&world)[3], 5);
}

#[test]
fn the_cap_is_worth_dollars_at_the_oracle_price() {
    let mut world = World::new();
    capped(&mut world, 30);
    world.step(1, 100_000);
    world.place(sell(2, 1, 30, 100_000)).unwrap();
    let placed = world.place(buy(1, 1, 30, 100_000)).unwrap();
    assert_eq!((placed.status, placed.filled), (Status::OpenInterestCap, Size::new(15 * MILLI)));
}

#[test]
fn a_cap_out_of_bounds_or_of_no_market_is_refused() {
    let mut world = World::new();
    let mut set = |market, cap| {
        perpetuals::set_open_interest_cap(&mut world.ctx(), market, QuoteQuantums::new(cap))
            .map_err(|error| types::Rejection::code(&error))
    };
    assert_eq!(set(types::MarketId(77), 1), Err(1));
    assert_eq!(set(BTC, -1), Err(1_004));
    assert_eq!(set(BTC, 1 << 64), Err(1_004));
    assert_eq!(set(BTC, (1 << 64) - 1), Ok(()));
}
