//! Fees over the whole chain: tiers that volume reaches and loses, a discount's window, shares, a restart between.

use app::genesis::Discount;
use proto::dydxprotocol::clob::order::{Side, TimeInForce};
use scenario::World;

const USD: u64 = 1_000_000;
const COIN: u64 = 10_000_000_000;
const DOLLAR: u64 = 100_000;
const BTC: u32 = 0;
const START: i64 = 1_767_225_600;

/// Alice sells a hundredth of a bitcoin to bob at 28,000: worth 280. Answers what each paid in quote quantums.
fn trade(world: &mut World, id: u32) -> (i128, i128) {
    let held = |world: &World, person| world.account(person).quote.raw();
    let before = (held(world, "alice"), held(world, "bob"));
    let (size, price) = (COIN / 100, 28_000 * DOLLAR);
    let ask = world.place(world.order("alice", BTC, id, (Side::Sell, size, price)));
    assert_eq!(world.run("alice", &[ask]).refusal, None);
    let mut bid = world.order("bob", BTC, id, (Side::Buy, size, price));
    bid.time_in_force = TimeInForce::Ioc.into();
    let bid = world.place(bid);
    assert_eq!(world.run("bob", &[bid]).refusal, None);
    let worth = i128::from(280 * USD);
    (before.0 + worth - held(world, "alice"), before.1 - worth - held(world, "bob"))
}

#[test]
fn volume_moves_a_tier_and_leaves_it_and_a_discount_comes_and_goes() {
    let mut app = World::devnet();
    app.fees.window_seconds = 3_600;
    app.fees.insurance_share_ppm = 250_000;
    // From the second hour on, for half an hour, a tenth is charged.
    let (start, end) = (START + 5_400, START + 7_200);
    app.fees.discounts = vec![Discount { market: BTC, start, end, charge_ppm: 100_000 }];
    // The second tier needs 500 of volume; its taker pays 450 ppm.
    app.fee_tiers[1].volume = 500 * USD;
    let mut world = World::with(app, &["alice", "bob"], 1_000_000_000 * USD);
    world.block();
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 10_000 * USD);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    let (first, second) = ((-30_800, 140_000), (-30_800, 126_000));
    let mut paid = vec![trade(&mut world, 1), trade(&mut world, 2)];
    assert_eq!(paid, [first, first], "the fill that reaches a tier pays the old one");
    world.restart();
    paid.push(trade(&mut world, 3));
    assert_eq!(paid[2], second, "560 of volume");
    // Ninety minutes later the hour still counts, and the discount runs.
    world.pass(5_400);
    world.block();
    paid.push(trade(&mut world, 4));
    assert_eq!(paid[3], (-3_080, 12_600));
    // Two hours after the start the first hour is gone, and so is the discount: 280 are left.
    world.pass(1_800);
    world.block();
    paid.push(trade(&mut world, 5));
    assert_eq!(paid[4], first);
    let net: i128 = paid.iter().map(|(maker, taker)| maker + taker).sum();
    let denom = &world.machine.chain().collateral;
    let collected = bank::balance(world.machine.state(), &fees::collector(), denom);
    // A quarter of each block's fees, rounded down; all are multiples of four here.
    let gas = i128::try_from(collected).unwrap() - net * 3 / 4;
    assert_eq!(world.insurance().raw() - insurance_at_start(), net / 4);
    assert!(gas >= 0, "the collector also gets the fees of transactions");
    let global = fees::global(world.machine.state()).raw();
    assert_eq!(global, i128::from(2 * 280 * USD));
}

/// What the devnet's fund begins with.
fn insurance_at_start() -> i128 {
    let mut world = World::new(&["alice"], USD);
    world.block();
    world.insurance().raw()
}
