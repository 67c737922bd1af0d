//! Random messages over many blocks: money adds up, rows rebuild the books, events rebuild the books.

use std::collections::BTreeMap;

use clob::{BatchCancel, GoodTil, Kind, Msg, Order, OrderId, Side, Size, TimeInForce};
use num::Subticks;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::{Event, MarketId, SubaccountId, Value};

use crate::world::{account, Start, World, BTC, DOLLAR, ETH};

/// A book as a client sees it: what remains of each order, in the order in which they came to rest.
type Seen = BTreeMap<String, (u128, u128, u128)>;

fn number(event: &Event, key: &str) -> u128 {
    match event.get(key) {
        Some(Value::Unsigned(number)) => *number,
        other => panic!("{key} is {other:?} in {event:?}"),
    }
}

fn name(event: &Event, prefix: &str) -> String {
    let key = |name: &str| event.get(&format!("{prefix}{name}")).cloned();
    format!(
        "{:?}/{:?}/{:?}/{:?}/{:?}",
        key("owner"),
        key("number"),
        key("order_flags"),
        key("client_id"),
        event.get("market")
    )
}

fn follow(seen: &mut Seen, event: &Event) {
    match event.kind {
        "order_placed" => {
            let terms = (number(event, "sequence"), number(event, "price"), number(event, "remaining"));
            assert_eq!(seen.insert(name(event, ""), terms), None);
        }
        "order_fill" => {
            let maker = name(event, "maker_");
            let left = number(event, "maker_remaining");
            let (sequence, price, before) = seen.remove(&maker).unwrap();
            assert_eq!((price, before), (number(event, "price"), left + number(event, "size")));
            if left > 0 {
                seen.insert(maker, (sequence, price, left));
            }
        }
        "order_resized" => {
            let (sequence, price, _) = seen.remove(&name(event, "")).unwrap();
            seen.insert(name(event, ""), (sequence, price, number(event, "remaining")));
        }
        "order_removed" if event.get("rested") == Some(&Value::Bool(true)) => {
            let (_, _, remaining) = seen.remove(&name(event, "")).unwrap();
            assert_eq!(remaining, number(event, "remaining"));
        }
        _ => {}
    }
}

fn random_order(rng: &mut ChaCha8Rng, world: &World) -> Order {
    let long_term = rng.gen_bool(0.2);
    let subaccount = SubaccountId { number: rng.gen_range(0..2), ..account(rng.gen_range(1..6)) };
    let kind = if long_term { Kind::LongTerm } else { Kind::ShortTerm };
    let id =
        OrderId { subaccount, market: MarketId(rng.gen_range(0..2)), kind, client_id: rng.gen_range(0..30) };
    let height = u32::try_from(world.block.height).unwrap();
    let good_til = if long_term {
        GoodTil::Time(1_700_000_000 + height + rng.gen_range(0..30))
    } else {
        GoodTil::Block(height + rng.gen_range(0..12))
    };
    let time_in_force = match rng.gen_range(0..10) {
        0 => TimeInForce::PostOnly,
        1 | 2 if !long_term => TimeInForce::ImmediateOrCancel,
        _ => TimeInForce::Rest,
    };
    Order {
        id,
        side: if rng.gen_bool(0.5) { Side::Buy } else { Side::Sell },
        // Prices and sizes that do not divide evenly, so that something rounds.
        price: Subticks::new(50_000 * DOLLAR + 5 * rng.gen_range(0..40u64) * 1_333_337),
        size: Size::new(5 * rng.gen_range(1..7_000_000u64)),
        good_til,
        time_in_force,
        reduce_only: rng.gen_bool(0.2),
        self_trade: Default::default(),
        client_metadata: rng.gen(),
        condition: None,
        builder: None,
        twap: None,
    }
}

fn random_msg(rng: &mut ChaCha8Rng, world: &World) -> Msg {
    let order = random_order(rng, world);
    match rng.gen_range(0..10) {
        0 => Msg::Cancel(clob::Cancel { id: order.id, good_til: order.good_til }),
        1 => Msg::BatchCancel(BatchCancel {
            subaccount: order.id.subaccount,
            markets: vec![(BTC, vec![order.id.client_id, 31]), (ETH, vec![order.id.client_id])],
            good_til_block: u32::try_from(world.block.height).unwrap() + rng.gen_range(0..8),
        }),
        _ => Msg::Place(order),
    }
}

fn run(seed: u64) -> (usize, usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut world =
        World::with(Start { dollars: vec![400_000, 30_000, 5_000, 100_000, 60_000], ..Start::default() });
    let mut seen = Seen::new();
    let (mut fills, mut refusals) = (0, 0);
    for _ in 0..60 {
        for _ in 0..40 {
            let msg = random_msg(&mut rng, &world);
            let (rows, hash, told) = (world.rows(), world.books.hash(), world.events.len());
            if world.run(&msg).is_err() {
                refusals += 1;
                assert!(world.rows() == rows && world.books.hash() == hash && world.events.len() == told);
            }
        }
        world.next_block();
        world.oracle(rng.gen_range(49_000..51_000));
        assert!(world.money_adds_up());
        for event in world.events.take() {
            fills += usize::from(event.kind == "order_fill");
            follow(&mut seen, &event);
        }
        let mut ours: Vec<(u128, u128, u128)> = Vec::new();
        for (market, side) in [(BTC, Side::Buy), (BTC, Side::Sell), (ETH, Side::Buy), (ETH, Side::Sell)] {
            let levels = world.books.levels(market, side);
            let orders = levels.flat_map(|level| world.books.queue(market, side, level.price));
            ours.extend(orders.map(|resting| {
                let order = &resting.order;
                (resting.sequence.into(), order.price.raw().into(), resting.remaining.raw().into())
            }));
            let (bid, ask) =
                (world.books.best_price(market, Side::Buy), world.books.best_price(market, Side::Sell));
            assert!(bid.zip(ask).is_none_or(|(bid, ask)| bid < ask), "the book is crossed");
        }
        ours.sort_unstable();
        let mut theirs: Vec<_> = seen.values().copied().collect();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "the events do not rebuild the books");
    }
    (fills, refusals)
}

#[test]
fn random_messages_keep_money_rows_and_events_true() {
    let (mut fills, mut refusals) = (0, 0);
    for seed in 0..6 {
        let (some, refused) = run(seed);
        fills += some;
        refusals += refused;
    }
    assert!(
        fills > 1_000 && refusals > 1_000,
        "{fills} fills and {refusals} refusals: the generator is tame"
    );
}
