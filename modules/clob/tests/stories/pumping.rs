//! MAR-01 and ORD-22: nobody gets money out of rounding, rebates or builder fees.

use clob::{Builder, Params, RateLimits, Side};

use crate::world::{account, ioc, order, Start, World, USD};

/// A sequence of numbers that looks random and is always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What accounts 1 and 2 have together, with what their builder was paid; their positions cancel out.
fn owned(world: &World) -> i128 {
    let (one, two) = (world.holds(1), world.holds(2));
    assert_eq!(one.1 + two.1, 0);
    let wallet = bank::balance(&world.state, &account(9).owner, &world.chain.collateral);
    one.0 + two.0 + i128::try_from(wallet).unwrap()
}

/// Tiny trades between two accounts of one person, each taking in turn, at prices and sizes that do not divide.
fn pump(cycles: u32, (maker, taker): (i32, i32), built: bool) {
    let params = Params { rate_limits: RateLimits::NONE, ..Params::default() };
    let mut world = World::with(Start { maker, taker, params, ..Start::default() });
    let (mut dice, mut last) = (Dice(1), owned(&world));
    for cycle in 0..cycles {
        let (maker, taker) = if dice.below(2) == 0 { (1, 2) } else { (2, 1) };
        let (side, other) =
            if dice.below(2) == 0 { (Side::Buy, Side::Sell) } else { (Side::Sell, Side::Buy) };
        let size = 5 * (1 + dice.below(9));
        let price = 50_000_000_000 + 5 * dice.below(20_000);
        let until = clob::GoodTil::Block(u32::try_from(world.block.height).unwrap() + 1);
        let builder = built.then_some(Builder { address: account(9).owner, fee_ppm: 7 });
        let rests = order(account(maker), cycle, side, size, price);
        world.place(clob::Order { good_til: until, builder, ..rests }).unwrap();
        let takes = ioc(order(account(taker), cycle, other, size, price));
        let placed = world.place(clob::Order { good_til: until, ..takes }).unwrap();
        assert_eq!(placed.filled.raw(), size);
        if cycle % 500 == 499 {
            assert!(world.money_adds_up());
            world.next_block();
            let now = owned(&world);
            assert!(now <= last, "cycle {cycle}: {last} became {now}");
            last = now;
        }
    }
    assert!(world.money_adds_up());
    world.next_block();
    assert_eq!(5_000_000 * USD, owned(&world) + 3_000_000 * USD + i128::try_from(world.fees()).unwrap());
}

#[test]
fn mar_01_tiny_trades_with_oneself_never_gain_and_the_pool_stays_exact() {
    pump(8_000, (100, 500), false);
    pump(8_000, (-110, 110), false);
    pump(4_000, (-110, 500), true);
}

#[test]
fn ord_22_a_builder_is_paid_on_top_up_to_the_cap_and_modules_are_not() {
    let mut world = World::with(Start { maker: -110, taker: 500, ..Start::default() });
    let offer = |fee_ppm, address| clob::Order {
        builder: Some(Builder { address, fee_ppm }),
        ..order(account(1), 1, Side::Sell, 100_000_000, 50_000_000_000)
    };
    let cap = offer(10_001, account(9).owner);
    assert!(world.place(cap).is_err());
    assert!(world.place(offer(100, fees::collector())).is_err());
    world.place(offer(10_000, account(9).owner)).unwrap();
    world.place(order(account(2), 1, Side::Buy, 100_000_000, 50_000_000_000)).unwrap();
    // 50,000: 500 for the builder, a rebate of 5.5, a fee of 25.
    assert_eq!(world.holds(1).0, (1_000_000 + 50_000) * USD - 500 * USD + 5_500_000);
    assert_eq!(world.holds(2).0, (1_000_000 - 50_000 - 25) * USD);
    world.next_block();
    let wallet = bank::balance(&world.state, &account(9).owner, &world.chain.collateral);
    assert_eq!(wallet, 500_000_000);
    assert!(world.money_adds_up());
}
