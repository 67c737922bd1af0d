//! Closing positions for the chain: the fund first, then the accounts, and who stops it.

use clob::{close_position, Closed, Error, Liquidation, Side, Stop};
use num::{BaseQuantums, QuoteQuantums, Subticks};
use store::Ctx;
use types::Value;

use crate::world::{account, buy, sell, Start, World, BTC, DOLLAR, MILLI, USD};

/// Account 1 is long one coin from 50,000; the fund has `fund` dollars.
fn long(fund: i128) -> World {
    let start =
        Start { dollars: vec![10_025, 1_000_000, 1_000_000, 4_000], fund, maker: -110, ..Start::default() };
    let mut world = World::with(start);
    world.place(sell(2, 1, 1_000, 50_000)).unwrap();
    world.place(buy(1, 1, 1_000, 50_000)).unwrap();
    assert_eq!(world.holds(1), (-40_000 * USD, 100_000_000));
    world
}

fn close(
    world: &mut World,
    milli: i128,
    limit: u64,
    delta: &dyn Fn(BaseQuantums, QuoteQuantums) -> Option<QuoteQuantums>,
) -> Result<Closed, Error> {
    let World { state, books, block, chain, events } = world;
    let liquidation = Liquidation {
        id: account(1),
        market: BTC,
        side: Side::Sell,
        size: BaseQuantums::new(milli * i128::from(MILLI)),
        limit: Subticks::new(limit * DOLLAR),
        makers: u32::MAX,
        insurance_delta: delta,
    };
    close_position(&mut Ctx { state, events, block, chain }, books, &liquidation)
}

fn fund(world: &World) -> i128 {
    insurance::balance(&world.state, &world.chain.collateral).raw()
}

#[test]
fn a_close_sells_at_the_bids_without_a_fee_and_pays_the_fund_from_the_proceeds() {
    let mut world = long(0);
    world.place(buy(3, 1, 400, 49_000)).unwrap();
    world.place(buy(3, 2, 400, 48_000)).unwrap();
    let mut seen = Vec::new();
    let seen_cell = std::cell::RefCell::new(&mut seen);
    let closed = close(&mut world, 500, 48_000, &|base, quote| {
        seen_cell.borrow_mut().push((base.raw(), quote.raw()));
        Some(QuoteQuantums::new(USD))
    });
    assert_eq!(seen, [(-40_000_000, 19_600 * USD), (-10_000_000, 4_800 * USD)]);
    let expected = Closed {
        filled: BaseQuantums::new(50_000_000),
        quote: QuoteQuantums::new(24_400 * USD),
        insurance: QuoteQuantums::new(2 * USD),
        stopped: Stop::Filled,
    };
    assert_eq!(closed, Ok(expected));
    assert_eq!(world.holds(1), ((-40_000 + 24_400 - 2) * USD, 50_000_000));
    // The maker pays its price, and its rebate of 110 ppm is not paid.
    assert_eq!(world.holds(3), ((1_000_000 - 24_400) * USD, 50_000_000));
    assert_eq!(fund(&world), 2 * USD);
    assert_eq!(world.told("order_fill", "liquidation").last(), Some(&Value::Bool(true)));
    assert!(world.money_adds_up());
}

#[test]
fn the_fund_pays_what_a_fill_lacks_until_it_is_dry() {
    let mut world = long(150);
    world.place(buy(3, 1, 100, 49_000)).unwrap();
    world.place(buy(3, 2, 100, 48_000)).unwrap();
    let closed = close(&mut world, 1_000, 1, &|_, _| Some(QuoteQuantums::new(-100 * USD))).unwrap();
    assert_eq!(closed.stopped, Stop::FundDry);
    assert_eq!(closed.filled.raw(), i128::from(100 * MILLI));
    assert_eq!(closed.insurance.raw(), -100 * USD);
    assert_eq!(fund(&world), 50 * USD);
    assert_eq!(world.holds(1).0, (-40_000 + 4_900 + 100) * USD);
    assert_eq!(world.levels(Side::Buy), [(100, 48_000)]);
    assert!(world.money_adds_up());
}

#[test]
fn a_close_stops_at_its_limit_and_at_the_end_of_the_book() {
    let mut world = long(0);
    world.place(buy(3, 1, 100, 49_000)).unwrap();
    world.place(buy(3, 2, 100, 48_000)).unwrap();
    let none = |_, _| Some(QuoteQuantums::ZERO);
    let closed = close(&mut world, 1_000, 48_500, &none).unwrap();
    assert_eq!((closed.stopped, closed.filled.raw()), (Stop::NoLiquidity, i128::from(100 * MILLI)));
    let closed = close(&mut world, 1_000, 1, &none).unwrap();
    assert_eq!((closed.stopped, closed.filled.raw()), (Stop::NoLiquidity, i128::from(100 * MILLI)));
    let closed = close(&mut world, 1_000, 1, &none).unwrap();
    assert_eq!((closed.stopped, closed.filled.raw()), (Stop::NoLiquidity, 0));
}

#[test]
fn makers_that_cannot_pay_and_own_orders_leave_a_close_behind() {
    let mut world = long(0);
    world.place(buy(4, 1, 10_000, 49_500)).unwrap();
    world.place(buy(1, 5, 1, 49_400)).unwrap();
    world.place(buy(3, 1, 100, 49_000)).unwrap();
    let closed = close(&mut world, 100, 1, &|_, _| Some(QuoteQuantums::new(USD))).unwrap();
    // 0.1 coins are within account 4's means: it trades, and at its own price.
    assert_eq!((closed.stopped, closed.quote.raw()), (Stop::Filled, 4_950 * USD));
    let closed = close(&mut world, 900, 1, &|_, _| Some(QuoteQuantums::new(USD))).unwrap();
    assert_eq!((closed.stopped, closed.filled.raw()), (Stop::NoLiquidity, i128::from(100 * MILLI)));
    assert_eq!(closed.insurance.raw(), USD, "the fund was paid for a fill that did not happen");
    let reasons = ["undercollateralized", "self_trade"].map(Value::Text);
    assert_eq!(world.told("order_removed", "reason"), reasons);
    assert!(world.money_adds_up());
}

#[test]
fn numbers_that_do_not_fit_undo_the_whole_close() {
    let mut world = long(0);
    world.place(buy(3, 1, 100, 49_000)).unwrap();
    world.place(buy(3, 2, 100, 48_000)).unwrap();
    let (rows, hash) = (world.rows(), world.books.hash());
    let calls = std::cell::Cell::new(0);
    let closed = close(&mut world, 1_000, 1, &|_, _| {
        calls.set(calls.get() + 1);
        (calls.get() < 2).then_some(QuoteQuantums::ZERO)
    });
    assert_eq!(closed, Err(Error::Overflow(BTC)));
    assert_eq!((world.rows(), world.books.hash()), (rows, hash));
}
