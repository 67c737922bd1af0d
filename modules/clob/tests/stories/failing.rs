//! What a block does by itself fails item by item.

use clob::state::Status;
use clob::{GoodTil, Order, OrderId, Side};
use store::Ctx;
use types::Value;

use crate::conditional::{high, STOP};
use crate::world::{account, buy, long_term, World, BTC, ETH};

/// Which items fail, of those that a block does by itself.
const SEEDS: u64 = 20;

/// Client ids of the orders that events of this kind name.
fn named(world: &World, kind: &str) -> Vec<u128> {
    let number = |value: Value| match value {
        Value::Unsigned(number) => number,
        other => panic!("{other:?}"),
    };
    world.told(kind, "client_id").into_iter().map(number).collect()
}

/// Forget what was told, and go on to the next block.
fn next(world: &mut World) {
    world.events.clear();
    world.next_block();
}

/// In the block after, and then the next ones, some of the orders `0..count` cannot be taken out. Each but those
/// leaves in its turn, and those that stay are told and leave later.
fn some_stay(world: &mut World, seed: u64, count: u32) -> (usize, usize) {
    let mut left: Vec<u128> = (0..count.into()).collect();
    world.state.stumble(Some(seed));
    let (mut failures, mut later) = (0, 0);
    for _ in 0..60 {
        next(world);
        let (gone, stay) = (named(world, "order_removed"), named(world, "removal_failed"));
        let told: Vec<_> = left.iter().copied().filter(|id| gone.contains(id)).collect();
        assert_eq!(gone, told, "in their turn");
        let first = stay.first().and_then(|id| left.iter().position(|other| other == id));
        later += first.map_or(0, |first| left[first..].iter().filter(|id| gone.contains(id)).count());
        left.retain(|id| !gone.contains(id));
        failures += stay.len();
        assert!(stay.iter().all(|id| left.contains(id)));
        if left.is_empty() {
            break;
        }
        assert!(!stay.is_empty(), "nothing stays untold");
    }
    assert_eq!(left, [], "seed {seed}");
    world.state.stumble(None);
    (failures, later)
}

#[test]
fn an_order_that_cannot_expire_stays_for_the_next_block_and_the_others_leave() {
    let mut sums = [(0, 0); 3];
    for seed in 0..SEEDS {
        let mut world = World::new();
        for client_id in 0..12 {
            let mut order = buy(1, client_id, 10, 49_000);
            order.good_til = GoodTil::Block(2);
            world.place(order).unwrap();
        }
        world.next_block();
        assert_eq!(world.levels(Side::Buy), [(120, 49_000)]);
        let short = some_stay(&mut world, seed, 12);
        for client_id in 0..12 {
            let order = buy(1, client_id, 10, 49_000);
            let second = world.block.time.seconds() - 1_700_000_000 + 1;
            world.place(long_term(order, u32::try_from(second).unwrap())).unwrap();
        }
        let long = some_stay(&mut world, seed, 12);
        for client_id in 0..5 {
            let second = world.block.time.seconds() - 1_700_000_000 + 1;
            let order = long_term(high(client_id, STOP, 40_000), u32::try_from(second).unwrap());
            world.place(Order { id: high(client_id, STOP, 40_000).id, ..order }).unwrap();
        }
        let waiting = some_stay(&mut world, seed, 5);
        assert_eq!((world.books.is_empty(), world.books.waiting_of(&account(1))), (true, 0));
        for (sum, (failures, later)) in sums.iter_mut().zip([short, long, waiting]) {
            *sum = (sum.0 + failures, sum.1 + later);
        }
    }
    println!("failures, and orders that left after one in the same block: {sums:?}");
    assert!(sums.iter().all(|(failures, later)| *failures > 0 && *later > 0), "{sums:?}");
}

#[test]
fn an_order_that_cannot_leave_a_market_that_is_over_holds_up_no_other_market() {
    let (mut failures, mut others) = (0, 0);
    for seed in 0..SEEDS {
        let mut world = World::new();
        for client_id in 0..6 {
            world.place(buy(1, client_id, 10, 49_000)).unwrap();
            let other = buy(1, client_id + 6, 10, 49_000);
            world.place(Order { id: OrderId { market: ETH, ..other.id }, ..other }).unwrap();
        }
        for market in [BTC, ETH] {
            let World { state, books, block, chain, events } = &mut world;
            let ctx = &mut Ctx { state, events, block, chain };
            clob::set_status(ctx, books, market, Status::FinalSettlement).unwrap();
        }
        world.state.stumble(Some(seed));
        for _ in 0..60 {
            next(&mut world);
            let (gone, stay) = (named(&world, "order_removed"), named(&world, "removal_failed"));
            assert!(stay.len() <= 2 && stay.iter().all(|id| !gone.contains(id)));
            failures += stay.len();
            others += usize::from(stay.iter().any(|id| *id < 6) && gone.iter().any(|id| *id >= 6));
            if world.books.is_empty() {
                break;
            }
        }
        assert!(world.books.is_empty(), "seed {seed}");
        assert!(!world.books.has_orders(BTC));
    }
    println!("{failures} failures, {others} times the other market went on");
    assert!(failures > 0 && others > 0);
}
