//! Orders that meet: ORD-04 to ORD-07 and 18.

use clob::Side as Book;
use proto::dydxprotocol::clob::order::{Side, TimeInForce};
use scenario::tell;

use crate::{book, holds, ioc, order, place, world};
use crate::{COIN, DOLLAR, STEP};

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
