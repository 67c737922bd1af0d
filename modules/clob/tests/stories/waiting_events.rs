//! Everything that waits, known from the stream of events alone (I7).

use std::collections::{BTreeMap, BTreeSet};

use clob::{GoodTil, Kind, Order, OrderId, Params, RateLimits, Side, Twap};
use num::{Ppm, Subticks};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::Value;

use crate::conditional::{waiting, PROFIT, STOP};
use crate::world::{buy, long_term, sell, Start, World};

/// Owner's first byte, flags, client id.
type Name = (u8, u128, u128);

#[derive(Default, Debug, PartialEq, Eq)]
struct Known {
    conditionals: BTreeSet<Name>,
    /// What is left of each.
    twaps: BTreeMap<Name, u64>,
}

fn number(value: Option<Value>) -> u128 {
    match value {
        Some(Value::Unsigned(number)) => number,
        other => panic!("{other:?}"),
    }
}

fn name(event: &types::Told<'_>, prefix: &str) -> Name {
    let owner = match event.get(&format!("{prefix}owner")) {
        Some(Value::Address(address)) => address.bytes()[0],
        other => panic!("{other:?}"),
    };
    let flags = number(event.get(&format!("{prefix}order_flags")));
    (owner, flags, number(event.get(&format!("{prefix}client_id"))))
}

impl Known {
    fn hear(&mut self, event: &types::Told<'_>) {
        match event.kind {
            "conditional_placed" => assert!(self.conditionals.insert(name(event, ""))),
            "conditional_triggered" => assert!(self.conditionals.remove(&name(event, ""))),
            "twap_placed" => {
                let size = u64::try_from(number(event.get("size"))).unwrap();
                assert!(self.twaps.insert(name(event, ""), size).is_none());
            }
            "twap_completed" | "twap_failed" => {
                let left = self.twaps.remove(&name(event, "")).unwrap();
                assert_eq!(u128::from(left), number(event.get("remaining")));
            }
            "order_removed" if event.get("rested") == Some(Value::Bool(false)) => {
                self.conditionals.remove(&name(event, ""));
                self.twaps.remove(&name(event, ""));
            }
            "order_fill" => {
                let size = u64::try_from(number(event.get("size"))).unwrap();
                for side in ["maker_", "taker_"] {
                    let (owner, flags, client_id) = name(event, side);
                    if flags == 256 {
                        *self.twaps.get_mut(&(owner, 128, client_id)).unwrap() -= size;
                    }
                }
            }
            _ => {}
        }
    }

    fn of(world: &World) -> Self {
        let name = |id: &OrderId| {
            (id.subaccount.owner.bytes()[0], u128::from(id.kind.flags()), u128::from(id.client_id))
        };
        let state = world.exported();
        Self {
            conditionals: state.conditionals.iter().map(|(id, _)| name(id)).collect(),
            twaps: state.twaps.iter().map(|(id, row)| (name(id), row.remaining.raw())).collect(),
        }
    }
}

fn random(rng: &mut ChaCha8Rng, byte: u8, client_id: u32, now: u32) -> Order {
    let dollars = rng.gen_range(49_950..50_050);
    let milli = rng.gen_range(1..30);
    let order = if rng.gen_bool(0.5) {
        buy(byte, client_id, milli, dollars)
    } else {
        sell(byte, client_id, milli, dollars)
    };
    let good_til = GoodTil::Time(now + rng.gen_range(1..400));
    match rng.gen_range(0..4) {
        0 => {
            let kind = if rng.gen_bool(0.5) { STOP } else { PROFIT };
            Order { good_til, ..waiting(order, kind, rng.gen_range(49_950..50_050)) }
        }
        1 => {
            let id = OrderId { kind: Kind::Twap, ..order.id };
            let twap = Some(Twap { duration: 300, interval: 30, tolerance: Ppm::new(rng.gen_range(0..500)) });
            let price = if rng.gen_bool(0.5) { Subticks::new(0) } else { order.price };
            Order { id, twap, price, good_til, ..order }
        }
        2 => Order { good_til, ..long_term(order, 0) },
        _ => order,
    }
}

#[test]
fn conditional_and_twap_orders_follow_from_the_events() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let params =
        Params { rate_limits: RateLimits::NONE, max_triggers: 3, max_slices: 3, ..Params::default() };
    let mut world = World::with(Start { params, dollars: vec![3_000; 5], ..Start::default() });
    let mut known = Known::default();
    let (mut client_id, mut slices) = (0, 0);
    for _ in 0..250 {
        let now = u32::try_from(world.block.time.seconds()).unwrap();
        for _ in 0..rng.gen_range(0..8) {
            client_id += 1;
            let byte = rng.gen_range(1..=5);
            let order = random(&mut rng, byte, client_id, now);
            let good_til = match order.good_til {
                GoodTil::Block(_) => GoodTil::Block(u32::try_from(world.block.height).unwrap() + 3),
                other @ GoodTil::Time(_) => other,
            };
            let _ = world.place(Order { good_til, ..order });
            if rng.gen_bool(0.1) {
                let _ = world.cancel(order.id, good_til);
            }
        }
        let seconds = rng.gen_range(0..12);
        world.step(seconds, rng.gen_range(49_950..50_050));
        for event in world.events.iter() {
            slices += usize::from(event.kind == "twap_slice");
            known.hear(&event);
        }
        world.events.clear();
        assert_eq!(known, Known::of(&world), "height {}", world.block.height);
        // No slice rests without its order.
        for side in [Side::Buy, Side::Sell] {
            let levels: Vec<_> = world.books.levels(crate::world::BTC, side).collect();
            for level in levels {
                for resting in world.books.queue(crate::world::BTC, side, level.price) {
                    let id = resting.order.id;
                    let name = (id.subaccount.owner.bytes()[0], 128, u128::from(id.client_id));
                    assert!(id.kind != Kind::TwapSlice || known.twaps.contains_key(&name));
                }
            }
        }
        assert!(world.money_adds_up());
    }
    assert!(slices > 200, "{slices}");
}
