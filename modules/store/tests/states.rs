//! Both states against a naive model: random writes, savepoints and seeks.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use store::{Journaled, Memory, Overlay, Read, State};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A small generator of pseudo-random numbers, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }

    fn key(&mut self) -> Vec<u8> {
        let length = 1 + self.roll(2);
        (0..length).map(|_| u8::try_from(self.roll(6)).unwrap()).collect()
    }
}

fn equal(state: &dyn Read, model: &Model, dice: &mut Dice) {
    for _ in 0..4 {
        let key = dice.key();
        let mut value = None;
        assert_eq!(state.read(&key, &mut |bytes| value = Some(bytes.to_vec())), model.contains_key(&key));
        assert_eq!(value.as_ref(), model.get(&key));
        let (low, high) = (dice.key(), dice.key());
        if low < high {
            let bounds = (Bound::Included(low.as_slice()), Bound::Excluded(high.as_slice()));
            let own =
                |pair: Option<(&Vec<u8>, &Vec<u8>)>| pair.map(|(key, value)| (key.clone(), value.clone()));
            assert_eq!(state.next(bounds.0, bounds.1), own(model.range::<[u8], _>(bounds).next()));
            assert_eq!(state.prev(bounds.0, bounds.1), own(model.range::<[u8], _>(bounds).next_back()));
        } else {
            assert_eq!(state.next(Bound::Included(&low), Bound::Excluded(&high)), None);
        }
    }
}

fn walk(state: &mut dyn State, start: Model, seed: u64) -> Model {
    let mut dice = Dice(seed);
    let mut model = start;
    let mut saved: Vec<Model> = Vec::new();
    for _ in 0..400 {
        match dice.roll(8) {
            0..=3 => {
                let (key, value) = (dice.key(), dice.key());
                state.set(&key, &value);
                model.insert(key, value);
            }
            4 => {
                let key = dice.key();
                state.remove(&key);
                model.remove(&key);
            }
            5 => {
                state.savepoint();
                saved.push(model.clone());
            }
            6 if !saved.is_empty() => {
                state.rollback();
                model = saved.pop().unwrap();
            }
            7 if !saved.is_empty() => {
                state.release();
                saved.pop();
            }
            _ => {}
        }
        equal(state.as_read(), &model, &mut dice);
    }
    model
}

#[test]
fn pages_of_a_table_upwards_and_downwards_have_the_same_rows() {
    const TABLE: store::Map<u32, u64> = store::Map::new([7, 1], "test/table");
    const BESIDE: [store::Map<u32, u64>; 2] =
        [store::Map::new([7, 0], "test/before"), store::Map::new([7, 2], "test/after")];
    let mut memory = Memory::default();
    for number in 0..20_u32 {
        TABLE.set(&mut memory, &(number * 300), &u64::from(number));
        BESIDE.iter().for_each(|table| table.set(&mut memory, &number, &0));
    }
    let rising = TABLE.page(&memory, None, 100);
    let mut falling = TABLE.page_back(&memory, None, 100);
    falling.reverse();
    assert_eq!((rising.len(), &rising), (20, &falling));
    for (from, limit, expected) in [
        (900, 2, vec![900, 600]),
        (899, 2, vec![600, 300]),
        (0, 5, vec![0]),
        (u32::MAX, 1, vec![5_700]),
        (5, 0, vec![]),
    ] {
        let rows = TABLE.page_back(&memory, Some(&from), limit);
        assert_eq!(rows.iter().map(|(key, _)| *key).collect::<Vec<_>>(), expected, "{from}");
    }
}

#[test]
fn memory_and_overlay_equal_a_naive_map_under_nested_savepoints() {
    for seed in 0..60 {
        let mut memory = Memory::default();
        let first = walk(&mut memory, Model::new(), seed);
        memory.take_changes();
        let mut overlay = Overlay::new(memory.clone());
        walk(&mut overlay, first.clone(), seed + 1000);
        equal(&memory, &first, &mut Dice(seed));
        walk(&mut memory, first, seed + 2000);
    }
}

#[test]
fn the_changes_of_a_block_are_its_final_values_without_writes_that_changed_nothing() {
    let mut memory = Memory::from_pairs([(Arc::from(&b"a"[..]), Arc::from(&b"1"[..]))]);
    memory.set(b"a", b"2");
    memory.set(b"a", b"1");
    memory.set(b"b", b"3");
    memory.savepoint();
    memory.set(b"c", b"4");
    memory.rollback();
    assert_eq!(memory.changed(b""), [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]);
    assert_eq!(memory.before(b"a"), Some(b"1".to_vec()));
    let changes = memory.take_changes();
    assert_eq!(changes.len(), 1);
    assert_eq!((&*changes[0].0, changes[0].1.as_deref()), (&b"b"[..], Some(&b"3"[..])));
    memory.set(b"a", b"9");
    memory.remove(b"b");
    memory.discard_block();
    assert_eq!(memory.len(), 2);
    assert!(memory.read(b"a", &mut |value| assert_eq!(value, b"1")));
}

#[test]
fn a_fault_that_unwinds_through_an_attempt_leaves_no_trace() {
    let (mut memory, mut events) = (Memory::default(), types::Events::default());
    let block = types::Block::default();
    let chain = types::Chain {
        chain_id: "test".into(),
        prefix: "test".into(),
        collateral: types::Denom::new("uusdc").unwrap(),
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut ctx = store::Ctx { state: &mut memory, events: &mut events, block: &block, chain: &chain };
        store::attempt(&mut ctx, &mut (), |ctx, ()| {
            ctx.state.set(b"k", b"outer");
            store::attempt(ctx, &mut (), |ctx, ()| -> Result<(), ()> {
                ctx.state.set(b"k", b"inner");
                ctx.emit(types::Event::new("lost"));
                store::fault("planted")
            })
        })
    }));
    assert!(result.is_err());
    assert!(memory.is_empty() && events.is_empty());
}

/// What a naive map says of a block: its beginning, its present, the keys written.
#[derive(Clone, Default)]
struct Naive {
    start: Model,
    now: Model,
    written: std::collections::BTreeSet<Vec<u8>>,
    saved: Vec<Model>,
}

impl Naive {
    fn changes(&self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let differs = |key: &&Vec<u8>| self.start.get(*key) != self.now.get(*key);
        let keys = self.written.iter().filter(differs);
        keys.map(|key| (key.clone(), self.now.get(key).cloned())).collect()
    }

    fn next_block(&mut self, start: Model) {
        *self = Self { now: start.clone(), start, ..Self::default() };
    }
}

fn step(memory: &mut Memory, naive: &mut Naive, dice: &mut Dice, spread: u64) {
    let mut key = vec![u8::try_from(dice.roll(3)).unwrap(); 2];
    key.extend(u16::try_from(dice.roll(spread)).unwrap().to_be_bytes());
    key.extend(std::iter::repeat_n(
        7,
        [60, 170, 200].get(usize::try_from(dice.roll(27)).unwrap()).copied().unwrap_or_default(),
    ));
    match dice.roll(40) {
        0..=17 => {
            // Some do not fit in place, some only just.
            let most = [40, 40, 40, 40, 200, 400][usize::try_from(dice.roll(6)).unwrap()];
            let length = usize::try_from(dice.roll(most)).unwrap();
            let value = vec![u8::try_from(dice.roll(256)).unwrap(); length];
            memory.set(&key, &value);
            naive.now.insert(key.clone(), value);
            naive.written.insert(key);
        }
        18..=31 => {
            memory.remove(&key);
            if naive.now.remove(&key).is_some() {
                naive.written.insert(key);
            }
        }
        32..=35 => {
            memory.savepoint();
            naive.saved.push(naive.now.clone());
        }
        36 | 37 if !naive.saved.is_empty() => {
            memory.rollback();
            naive.now = naive.saved.pop().unwrap();
        }
        38 | 39 if !naive.saved.is_empty() => {
            memory.release();
            naive.saved.pop();
        }
        _ => {}
    }
}

fn same(memory: &Memory, naive: &Naive) {
    assert_eq!(memory.len(), naive.now.len());
    let pairs: Vec<_> = memory.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    assert!(pairs.iter().map(|(key, value)| (key, value)).eq(&naive.now));
}

#[test]
fn memory_equals_a_naive_map_over_blocks_that_end_or_are_discarded() {
    for (seed, spread) in [(1, 4), (2, 40), (3, 400), (4, 4000), (5, 9)] {
        let (mut memory, mut naive) = (Memory::with_seed(seed), Naive::default());
        let mut dice = Dice(seed);
        for block in 0..30 {
            for _ in 0..dice.roll(3000) {
                step(&mut memory, &mut naive, &mut dice, spread);
            }
            for prefix in [&[][..], &[1], &[1, 1], &[2, 2, 0], &[9]] {
                let written = naive.written.iter().filter(|key| key.starts_with(prefix)).cloned();
                assert_eq!(memory.changed(prefix), written.collect::<Vec<_>>());
            }
            for key in naive.written.iter().take(50) {
                assert_eq!(memory.before(key).as_ref(), naive.start.get(key));
            }
            if dice.roll(2) == 0 {
                same(&memory, &naive);
            }
            match block % 3 {
                0 => {
                    memory.discard_block();
                    naive.next_block(naive.start.clone());
                }
                1 => {
                    let own = |(key, value): store::Change| (key.to_vec(), value.map(|value| value.to_vec()));
                    let changes: Vec<_> = memory.take_changes().into_iter().map(own).collect();
                    assert_eq!(changes, naive.changes());
                    naive.next_block(naive.now.clone());
                }
                _ => {
                    memory.end_block();
                    naive.next_block(naive.now.clone());
                }
            }
        }
        same(&memory, &naive);
    }
}

#[test]
fn a_batch_equals_its_writes_one_by_one() {
    const ROWS: store::Map<u64, Vec<u8>> = store::Map::new([5, 1], "test/rows");
    const OTHERS: store::Map<u32, u64> = store::Map::new([5, 2], "test/others");
    let (mut memory, mut other) = (Memory::with_seed(1), Memory::with_seed(2));
    let mut dice = Dice(7);
    for block in 0..40 {
        if block % 4 == 1 {
            memory.savepoint();
            other.savepoint();
        }
        let mut batch = store::Batch::new(&mut memory);
        for _ in 0..dice.roll(300) {
            let (key, kind) = (dice.roll(500), dice.roll(6));
            let value = vec![1; usize::try_from(dice.roll(200)).unwrap()];
            match kind {
                0..=2 => {
                    batch.set(&ROWS, &key, &value);
                    ROWS.set(&mut other, &key, &value);
                }
                3 => {
                    batch.remove(&ROWS, &key);
                    ROWS.remove(&mut other, &key);
                    assert_eq!(ROWS.get(batch.written(), &(key + 1)), ROWS.get(&other, &(key + 1)));
                }
                _ => {
                    batch.set(&OTHERS, &u32::try_from(key).unwrap(), &key);
                    OTHERS.set(&mut other, &u32::try_from(key).unwrap(), &key);
                }
            }
        }
        drop(batch);
        if block % 4 == 1 {
            memory.rollback();
            other.rollback();
        }
        assert!(memory.iter().eq(other.iter()));
        assert_eq!(memory.take_changes(), other.take_changes());
    }
    assert!(memory.len() > 300);
}
