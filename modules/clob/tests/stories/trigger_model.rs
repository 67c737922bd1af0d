//! Triggers against a naive scan: every order looked at in every block.

use clob::{ConditionKind, GoodTil, Order, Params, Side};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::Value;

use crate::conditional::{waiting, PROFIT, STOP};
use crate::world::{buy, sell, Start, World};

/// An order as the scan knows it.
#[derive(Clone)]
struct Waiting {
    order: Order,
    /// Prices at or below its trigger wake it; otherwise those at or above.
    falls: bool,
    trigger: u64,
    age: usize,
}

/// What the scan remembers.
#[derive(Default)]
struct Scan {
    waiting: Vec<Waiting>,
    /// Woken and not placed, in their order.
    woken: Vec<Waiting>,
    age: usize,
}

impl Scan {
    fn add(&mut self, order: Order) {
        let condition = order.condition.unwrap();
        let falls = (condition.kind == ConditionKind::TakeProfit) == (order.side == Side::Buy);
        self.age += 1;
        self.waiting.push(Waiting { order, falls, trigger: condition.trigger.raw(), age: self.age });
    }

    fn drop(&mut self, keep: impl Fn(&Waiting) -> bool) {
        self.waiting.retain(&keep);
        self.woken.retain(&keep);
    }

    fn wake(&mut self, falls: bool, price: u64) {
        let (mut woken, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|order| order.falls == falls && reaches(falls, price, order.trigger));
        self.waiting = rest;
        woken.sort_by_key(|order| (if falls { u64::MAX - order.trigger } else { order.trigger }, order.age));
        self.woken.extend(woken);
    }
}

/// Whether a price has come to the trigger of this order, and others that it woke are not placed yet.
fn covered(world: &World, order: &Order) -> bool {
    let condition = order.condition.unwrap();
    let falls = (condition.kind == ConditionKind::TakeProfit) == (order.side == Side::Buy);
    let backlog = world.exported().backlog;
    backlog[0].1.steps.iter().any(|step| {
        let down = step.direction == clob::Direction::AtOrBelow;
        down == falls && reaches(falls, step.price.raw(), condition.trigger.raw())
    })
}

fn reaches(falls: bool, price: u64, trigger: u64) -> bool {
    if falls {
        price <= trigger
    } else {
        price >= trigger
    }
}

fn random(rng: &mut ChaCha8Rng, client_id: u32) -> Order {
    let kind = if rng.gen_bool(0.5) { STOP } else { PROFIT };
    let trigger = rng.gen_range(49_900..50_100);
    let order = if rng.gen_bool(0.5) {
        waiting(buy(1, client_id, 1, 10), kind, trigger)
    } else {
        waiting(sell(1, client_id, 1, 900_000), kind, trigger)
    };
    Order { good_til: GoodTil::Time(1_700_000_000 + rng.gen_range(1..200)), ..order }
}

/// Play a story; every block the same orders must be placed in the same order.
fn play(seed: u64, max_triggers: u32, restart: bool) -> Vec<u128> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let params = Params {
        max_triggers,
        max_resting: 100_000,
        rate_limits: clob::RateLimits::NONE,
        ..Params::default()
    };
    let mut world = World::with(Start { params, ..Start::default() });
    let mut scan = Scan::default();
    let (mut client_id, mut expected, mut trades) = (0, Vec::new(), Vec::new());
    for _ in 0..80 {
        for _ in 0..rng.gen_range(0..8) {
            client_id += 1;
            let order = random(&mut rng, client_id);
            match world.place(order) {
                Ok(_) => scan.add(order),
                Err(clob::Error::Backlog { .. }) => assert!(covered(&world, &order)),
                Err(error) => assert_eq!(types::Rejection::code(&error), 3_003),
            }
        }
        if rng.gen_bool(0.4) && !scan.waiting.is_empty() {
            let order = scan.waiting[rng.gen_range(0..scan.waiting.len())].order;
            world.cancel(order.id, order.good_til).unwrap();
            scan.drop(|other| other.order.id != order.id);
        }
        if rng.gen_bool(0.4) {
            let dollars = rng.gen_range(49_800..50_200);
            let good_til = GoodTil::Block(u32::try_from(world.block.height).unwrap());
            world.place(Order { good_til, ..sell(2, client_id, 1, dollars) }).unwrap();
            world.place(Order { good_til, ..buy(3, client_id, 1, dollars) }).unwrap();
            trades.push(dollars);
            client_id += 1;
        }
        if restart {
            let World { state, books, block, chain, events } = &mut world;
            clob::end_block(&mut store::Ctx { state, events, block, chain }, books);
            *books = clob::rebuild(&*state);
        }
        let oracle: u64 = rng.gen_range(49_900..50_100);
        let seconds = rng.gen_range(0..3);
        world.step(seconds, oracle);
        // The scan.
        let now = world.block.time.seconds();
        scan.drop(|other| !matches!(other.order.good_til, GoodTil::Time(until) if i64::from(until) <= now));
        let mut prices = vec![oracle * 1_000_000];
        if let (Some(min), Some(max)) = (trades.iter().min(), trades.iter().max()) {
            // Five times 1,000 ppm of the oracle price.
            let (oracle, width) = (oracle * 1_000_000, oracle * 5_000);
            prices.extend([min, max].map(|price| (price * 1_000_000).clamp(oracle - width, oracle + width)));
        }
        trades.clear();
        for price in prices {
            scan.wake(true, price);
            scan.wake(false, price);
        }
        let placed = scan.woken.len().min(usize::try_from(max_triggers).unwrap());
        expected.extend(scan.woken.drain(..placed).map(|order| u128::from(order.order.id.client_id)));
        let number = |value| {
            let Value::Unsigned(number) = value else { panic!("{value:?}") };
            number
        };
        let got: Vec<_> = world.told("conditional_triggered", "client_id").into_iter().map(number).collect();
        assert_eq!(got, expected, "seed {seed}, height {}", world.block.height);
    }
    expected
}

#[test]
fn the_index_wakes_what_a_scan_of_all_orders_wakes_in_the_same_order() {
    let woken: usize = (0..6).map(|seed| play(seed, 2_000, false).len()).sum();
    assert!(woken > 500, "{woken}");
}

#[test]
fn a_bound_on_a_block_changes_when_orders_are_placed_but_not_their_turn() {
    for seed in 100..105 {
        assert_eq!(play(seed, 2, false), play(seed, 2, true), "a restart before every block changes nothing");
    }
}
