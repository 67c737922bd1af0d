//! The index of triggers against a plain map: random orders that wait, fire and leave, undone and kept at random.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::BTreeMap;

use clob::{Books, Direction, Kind, OrderId, Trigger};
use num::Subticks;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use store::Journaled;
use types::{Address, MarketId, SubaccountId};

fn id(market: u32, client_id: u32) -> OrderId {
    let subaccount = SubaccountId { owner: Address::new([7; 20]), number: client_id % 3 };
    OrderId { subaccount, market: MarketId(market), kind: Kind::Conditional, client_id }
}

fn trigger(market: u32, direction: Direction, price: u64, sequence: u64) -> Trigger {
    let id = id(market, u32::try_from(sequence).unwrap());
    Trigger { id, direction, price: Subticks::new(price), sequence, until: 9 }
}

fn fire(books: &mut Books, market: u32, direction: Direction, price: u64) -> Vec<u64> {
    let mut fired = Vec::new();
    while let Some(trigger) = books.fired(MarketId(market), direction, Subticks::new(price)) {
        fired.push(trigger.sequence);
        assert!(books.disarm(&trigger));
    }
    fired
}

#[test]
fn the_price_that_is_reached_first_fires_first_and_at_one_price_the_older_order() {
    let mut books = Books::default();
    for (sequence, price) in [(1, 50), (2, 40), (3, 50), (4, 60)] {
        books.arm(&trigger(0, Direction::AtOrBelow, price, sequence));
        books.arm(&trigger(0, Direction::AtOrAbove, price, sequence));
    }
    assert_eq!(books.waiting(), 8);
    assert_eq!(books.fired(MarketId(0), Direction::AtOrBelow, Subticks::new(61)), None);
    assert_eq!(books.fired(MarketId(1), Direction::AtOrBelow, Subticks::new(1)), None);
    assert_eq!(fire(&mut books, 0, Direction::AtOrBelow, 50), [4, 1, 3]);
    assert_eq!(fire(&mut books, 0, Direction::AtOrAbove, 50), [2, 1, 3]);
    assert_eq!(books.waiting(), 2);
    assert!(!books.disarm(&trigger(0, Direction::AtOrAbove, 50, 1)));
}

/// The plainest index that is right.
#[derive(Clone, Default)]
struct Naive(BTreeMap<(u32, Direction, u64, u64), ()>);

impl Naive {
    fn fired(&self, market: u32, direction: Direction, price: u64) -> Option<(u64, u64)> {
        let waits = self.0.keys().filter(|key| (key.0, key.1) == (market, direction));
        let fires = waits.map(|key| (key.2, key.3)).filter(|(trigger, _)| match direction {
            Direction::AtOrBelow => price <= *trigger,
            Direction::AtOrAbove => price >= *trigger,
        });
        match direction {
            Direction::AtOrBelow => fires.min_by_key(|(trigger, sequence)| (!*trigger, *sequence)),
            Direction::AtOrAbove => fires.min(),
        }
    }
}

#[test]
fn the_index_agrees_with_a_plain_map_over_random_triggers_kept_and_undone() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut books, mut naive, mut marks) = (Books::default(), Naive::default(), Vec::new());
    let (mut sequence, mut fires) = (0, 0);
    for _ in 0..30_000 {
        let market = rng.gen_range(0..3);
        let direction = Direction::BOTH[rng.gen_range(0..2)];
        match rng.gen_range(0..100) {
            0..=54 => {
                sequence += 1;
                let price = rng.gen_range(0..300);
                books.arm(&trigger(market, direction, price, sequence));
                naive.0.insert((market, direction, price, sequence), ());
            }
            55..=74 if !naive.0.is_empty() => {
                let at = rng.gen_range(0..naive.0.len());
                let (key, ()) = naive.0.iter().nth(at).unwrap();
                let (market, direction, price, sequence) = *key;
                naive.0.remove(&(market, direction, price, sequence));
                assert!(books.disarm(&trigger(market, direction, price, sequence)));
            }
            75..=93 => {
                let price = if direction == Direction::AtOrBelow {
                    rng.gen_range(250..310)
                } else {
                    rng.gen_range(0..50)
                };
                while let Some(fired) = books.fired(MarketId(market), direction, Subticks::new(price)) {
                    let expected = naive.fired(market, direction, price);
                    assert_eq!(expected, Some((fired.price.raw(), fired.sequence)));
                    naive.0.remove(&(market, direction, fired.price.raw(), fired.sequence));
                    books.disarm(&fired);
                    fires += 1;
                }
                assert_eq!(naive.fired(market, direction, price), None);
            }
            94..=96 => {
                books.savepoint();
                marks.push((naive.clone(), books.hash()));
            }
            97 => {
                if marks.pop().is_some() {
                    books.release();
                }
            }
            _ => {
                if let Some((old, hash)) = marks.pop() {
                    books.rollback();
                    assert_eq!(books.hash(), hash);
                    naive = old;
                }
            }
        }
        assert_eq!(books.waiting(), naive.0.len());
    }
    assert!(fires > 1_000, "only {fires} fired");
    assert_ne!(books.hash(), Books::default().hash());
}

#[test]
fn the_digest_tells_a_trigger_from_another_and_forgets_those_that_left() {
    let mut books = Books::default();
    let empty = books.hash();
    books.arm(&trigger(0, Direction::AtOrBelow, 5, 1));
    let below = books.hash();
    books.disarm(&trigger(0, Direction::AtOrBelow, 5, 1));
    assert_eq!(books.hash(), empty);
    books.arm(&trigger(0, Direction::AtOrAbove, 5, 1));
    assert!(books.hash() != below && books.hash() != empty);
}
