//! Many operations under one signature: their form in bytes, and what becomes of each.

use clob::{
    compact, Batch, Builder, ConditionKind, Error, GoodTil, Kind, Msg, Operation, OperationResult, Outcome,
    Params, Placing, SelfTrade, Side, Size, TimeInForce,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::{Address, MarketId, Rejection};

use crate::world::{account, sell, Start, World, BTC, DOLLAR, ETH, MILLI};

/// A tick is 5 subticks, a step 5 base quantums.
const DOLLAR_TICKS: u64 = DOLLAR / 5;
const MILLI_STEPS: u64 = MILLI / 5;

fn placing(client_id: u32, side: Side, milli: u64, dollars: u64) -> Placing {
    Placing {
        market: BTC,
        client_id,
        side,
        ticks: dollars * DOLLAR_TICKS,
        steps: milli * MILLI_STEPS,
        good_til: GoodTil::Block(20),
        time_in_force: TimeInForce::Rest,
        reduce_only: false,
        self_trade: SelfTrade::CancelMaker,
        client_metadata: 0,
        condition: None,
        builder: None,
    }
}

fn cancel(client_id: u32) -> Operation {
    Operation::Cancel { market: BTC, kind: Kind::ShortTerm, client_id, good_til: GoodTil::Block(20) }
}

fn random(rng: &mut ChaCha8Rng) -> Operation {
    let good_til = if rng.gen() {
        GoodTil::Block(rng.gen_range(1..1_000))
    } else {
        GoodTil::Time(rng.gen_range(1..=u32::MAX))
    };
    let by_time = matches!(good_til, GoodTil::Time(_));
    let (market, client_id) = (MarketId(rng.gen_range(0..300)), rng.gen());
    if rng.gen_bool(0.3) {
        let kind = match rng.gen_range(0..3) {
            _ if !by_time => Kind::ShortTerm,
            0 => Kind::LongTerm,
            1 => Kind::Conditional,
            _ => Kind::Twap,
        };
        return Operation::Cancel { market, kind, client_id, good_til };
    }
    let condition = (by_time && rng.gen_bool(0.3)).then(|| {
        let kind = if rng.gen() { ConditionKind::StopLoss } else { ConditionKind::TakeProfit };
        (kind, rng.gen_range(1..=u64::MAX))
    });
    let time_in_force = match rng.gen_range(0..3) {
        0 if !by_time || condition.is_some() => TimeInForce::ImmediateOrCancel,
        1 => TimeInForce::PostOnly,
        _ => TimeInForce::Rest,
    };
    let placing = Placing {
        market,
        client_id,
        side: if rng.gen() { Side::Buy } else { Side::Sell },
        ticks: rng.gen_range(1..=u64::MAX) >> rng.gen_range(0..63) | 1,
        steps: rng.gen_range(1..=u64::MAX) >> rng.gen_range(0..63) | 1,
        good_til,
        time_in_force,
        reduce_only: rng.gen(),
        self_trade: [SelfTrade::CancelMaker, SelfTrade::CancelTaker, SelfTrade::CancelBoth]
            [rng.gen_range(0..3)],
        client_metadata: if rng.gen() { 0 } else { rng.gen() },
        condition,
        builder: rng
            .gen_bool(0.2)
            .then(|| Builder { address: Address::new(rng.gen()), fee_ppm: rng.gen_range(1..=10_000) }),
    };
    if rng.gen_bool(0.3) {
        Operation::Replace(placing)
    } else {
        Operation::Place(placing)
    }
}

#[test]
fn operations_have_one_form_in_bytes() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut mutants, mut read) = (0, 0);
    for _ in 0..2_000 {
        let operations: Vec<Operation> = (0..rng.gen_range(1..6)).map(|_| random(&mut rng)).collect();
        let bytes = compact::encode(&operations);
        assert_eq!(compact::decode(&bytes).unwrap(), operations);
        for _ in 0..20 {
            let mut other = bytes.clone();
            match rng.gen_range(0..3) {
                0 => {
                    let at = rng.gen_range(0..other.len());
                    other[at] ^= 1 << rng.gen_range(0..8);
                }
                1 => other.truncate(rng.gen_range(0..other.len())),
                _ => other.insert(rng.gen_range(0..=bytes.len()), rng.gen()),
            }
            mutants += 1;
            if let Ok(decoded) = compact::decode(&other) {
                read += 1;
                assert_eq!(compact::encode(&decoded), other, "two forms of one value");
            }
        }
    }
    println!("{mutants} mutants, {read} of them operations");
    assert!(read > 1_000 && read < mutants);
}

#[test]
fn a_typical_order_takes_at_most_forty_bytes_and_a_cancel_twelve() {
    let one = |operation: Operation| compact::encode(&[operation]);
    // Base height 20; place, sell, post-only; market 0; client id 7; 0 blocks after the base; 28,000 dollars are
    // 5.6 thousand million ticks; a thousandth of a coin is 20,000 steps.
    let typical = Operation::Place(Placing {
        time_in_force: TimeInForce::PostOnly,
        ..placing(7, Side::Sell, 1, 28_000)
    });
    assert_eq!(one(typical), [20, 0b0001_0100, 0, 7, 0, 0x80, 0xf0, 0xa4, 0xee, 0x14, 0xa0, 0x9c, 0x01]);
    assert_eq!(one(cancel(7)), [20, 0b0000_0010, 0, 7, 0]);
    let mut largest = Placing { market: MarketId(300), client_id: u32::MAX, ..placing(0, Side::Buy, 1, 1) };
    (largest.ticks, largest.steps) = (1 << 40, 1 << 40);
    largest.good_til = GoodTil::Block(100_000_000);
    let large = one(Operation::Place(largest));
    let mut far = cancel(u32::MAX);
    if let Operation::Cancel { market, good_til, .. } = &mut far {
        (*market, *good_til) = (MarketId(300), GoodTil::Block(100_000_000));
    }
    println!("place {} bytes, cancel {} bytes, base height included", large.len(), one(far).len());
    assert!(large.len() <= 40 && one(far).len() <= 13, "12 and the first base height");
}

#[test]
fn bytes_that_are_no_operations_are_refused() {
    let good = compact::encode(&[cancel(7)]);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        compact::decode(&bytes).map_err(|error| (error.codespace(), error.code()))
    };
    assert!(with(&|_| {}).is_ok());
    let malformed = Err(("sdk", 2));
    assert_eq!(with(&|bytes| bytes.clear()), malformed, "nothing");
    assert_eq!(with(&|bytes| bytes.truncate(1)), malformed, "no operation");
    assert_eq!(with(&|bytes| bytes[4] = 1), malformed, "a base below the least block");
    assert_eq!(with(&|bytes| bytes[1] |= 4), malformed, "a cancel that sells");
    assert_eq!(with(&|bytes| bytes[1] = 3), malformed, "an operation that there is not");
    assert_eq!(with(&|bytes| bytes.splice(2..3, [0x80, 0]).for_each(drop)), malformed, "a long zero");
    let many: Vec<_> = (0..101).map(cancel).collect();
    assert!(compact::decode(&compact::encode(&many)).is_err());
    assert_eq!(compact::decode(&compact::encode(&many[..100])).unwrap().len(), 100);
}

fn run(
    world: &mut World,
    byte: u8,
    atomic: bool,
    operations: Vec<Operation>,
) -> Result<Vec<OperationResult>, Error> {
    match world.run(&Msg::Batch(Batch { subaccount: account(byte), atomic, operations }))? {
        Outcome::Batched(results) => Ok(results),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_operation_of_a_batch_succeeds_or_fails_by_itself() {
    let mut world = World::new();
    world.place(sell(2, 1, 1_000, 50_000)).unwrap();
    let far = Placing { market: MarketId(9), ..placing(3, Side::Buy, 1, 1) };
    let other = Placing { market: ETH, ..placing(4, Side::Buy, 100, 49_000) };
    let results = run(
        &mut world,
        1,
        false,
        vec![
            Operation::Place(placing(1, Side::Buy, 300, 50_000)),
            Operation::Place(placing(2, Side::Buy, 100, 49_000)),
            Operation::Place(far),
            Operation::Place(other),
            cancel(2),
            Operation::Place(Placing {
                time_in_force: TimeInForce::PostOnly,
                ..placing(5, Side::Buy, 1, 50_000)
            }),
        ],
    )
    .unwrap();
    let refused: Vec<_> = results.iter().map(|result| result.refused).collect();
    assert_eq!(refused, [None, None, Some(("clob", 8)), None, None, Some(("clob", 2003))]);
    assert_eq!((results[0].filled, results[1].resting), (Size::new(300 * MILLI), Size::new(100 * MILLI)));
    assert_eq!(world.levels(Side::Buy), []);
    assert_eq!(world.levels(Side::Sell), [(700, 50_000)]);
    assert_eq!(world.books.levels(ETH, Side::Buy).count(), 1);
    world.next_block();
    assert!(world.money_adds_up());
}

#[test]
fn an_atomic_batch_happens_as_a_whole_or_not_at_all() {
    let mut world = World::new();
    world.place(sell(2, 1, 1_000, 50_000)).unwrap();
    let operations = |last: u64| {
        vec![
            Operation::Place(placing(1, Side::Buy, 300, 50_000)),
            Operation::Place(placing(2, Side::Buy, 100, 49_000)),
            Operation::Place(Placing {
                time_in_force: TimeInForce::PostOnly,
                ..placing(3, Side::Buy, 1, last)
            }),
        ]
    };
    let bad = Msg::Batch(Batch { subaccount: account(1), atomic: true, operations: operations(50_000) });
    assert_eq!(world.refused(&bad), ("clob", 2003));
    let error = world.run(&bad).unwrap_err().to_string();
    assert!(error.starts_with("operation 2: "), "{error}");
    assert_eq!(run(&mut world, 1, true, operations(49_999)).unwrap().len(), 3);
    assert_eq!(world.levels(Side::Buy), [(1, 49_999), (100, 49_000)]);
}

#[test]
fn a_batch_of_which_nothing_succeeds_is_refused_and_so_is_one_that_comes_again() {
    let mut world = World::new();
    let operations = vec![Operation::Place(placing(1, Side::Buy, 1, 49_000)), cancel(1), cancel(2)];
    assert!(run(&mut world, 1, false, operations.clone()).is_ok());
    let again = Msg::Batch(Batch { subaccount: account(1), atomic: false, operations });
    assert_eq!(world.refused(&again), ("clob", 7), "the first one is cancelled, the cancels are there");
}

#[test]
fn a_batch_takes_as_much_of_a_budget_as_it_has_operations() {
    let mut params = Params::default();
    params.rate_limits.short_term = vec![clob::Window { blocks: 1, limit: 5 }];
    let mut world = World::with(Start { params, ..Start::default() });
    let batch =
        |from: u32| (from..from + 3).map(|id| Operation::Place(placing(id, Side::Buy, 1, 40_000))).collect();
    assert!(run(&mut world, 1, false, batch(0)).is_ok());
    let error = run(&mut world, 1, false, batch(3)).unwrap_err();
    assert_eq!((error.codespace(), error.code()), ("clob", 5001));
    assert!(run(&mut world, 2, false, batch(0)).is_ok(), "somebody else's budget");
}
