//! Heights: what readers see while blocks are staged, committed, dropped and reopened.

mod support;

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};

use store::Read;
use support::{apply, block, put, remove, Plain, Random, TABLE};
use tree::{verify, Error, Reader, Store, View};

/// What a height was when it was committed.
struct Was {
    height: u64,
    app_hash: [u8; 32],
    plain: Plain,
}

/// Commits `count` random blocks and remembers each.
fn run(store: &mut Store, random: &mut Random, history: &mut Vec<Was>, count: u64) {
    for _ in 0..count {
        let (height, plain) = history.last().map_or((0, Plain::new()), |was| (was.height, was.plain.clone()));
        let block = block(random, 300, 60);
        commit(store, history, height + 1, plain, &block);
    }
}

fn commit(store: &mut Store, history: &mut Vec<Was>, height: u64, mut plain: Plain, block: &[store::Change]) {
    let app_hash = store.stage(height, block);
    store.commit(&[(b"last".to_vec(), height.to_be_bytes().to_vec())]).unwrap();
    apply(&mut plain, block);
    history.push(Was { height, app_hash, plain });
}

fn assert_same(view: &View, was: &Was) {
    assert_eq!((view.height(), view.app_hash()), (was.height, was.app_hash));
    assert!(view.pairs().eq(was.plain.iter()));
    let step = was.plain.len() / 16 + 1;
    for (key, value) in was.plain.iter().step_by(step) {
        let name = TABLE.iter().find(|(byte, _)| *byte == key[0]).unwrap().1;
        let proof = view.prove(name, &key[1..]).unwrap();
        verify(&was.app_hash, name, &key[1..], Some(value), &proof.ops).unwrap();
    }
    for absent in [b"nobody".as_slice(), b"no one", b"none"] {
        let proof = view.prove("bank", absent).unwrap();
        verify(&was.app_hash, "bank", absent, None, &proof.ops).unwrap();
    }
}

fn assert_kept(reader: &Reader, history: &[Was], keep: usize) {
    let first = history.len().saturating_sub(keep);
    for was in &history[..first] {
        assert!(reader.at(was.height).is_none());
    }
    for was in &history[first..] {
        assert_same(&reader.at(was.height).unwrap(), was);
    }
    let last = history.last().unwrap();
    assert_eq!(reader.heights(), history[first].height..=last.height);
    assert_same(&reader.latest(), last);
}

#[test]
fn every_kept_height_is_what_it_was() {
    let (mut store, mut random, mut history) = (Store::in_memory(TABLE, 10), Random(11), Vec::new());
    let reader = store.reader();
    for _ in 0..15 {
        run(&mut store, &mut random, &mut history, 2);
        assert_kept(&reader, &history, 10);
        // A block that is staged and not committed is in nobody's way.
        store.stage(1_000, &block(&mut random, 300, 60));
        assert_kept(&reader, &history, 10);
    }
}

#[test]
fn heights_from_before_a_tree_grew_or_shrank_are_proven_as_they_were() {
    let (mut store, mut random, mut history) = (Store::in_memory(TABLE, 9), Random(18), Vec::new());
    let mut plain = Plain::new();
    for (height, most) in (1..).zip([0, 1, 2, 6, 30, 150, 800, 4_000, 3_000]) {
        let block = block(&mut random, 1 << 40, most);
        commit(&mut store, &mut history, height, plain.clone(), &block);
        apply(&mut plain, &block);
        assert_kept(&store.reader(), &history, 9);
    }
    for height in 10..14 {
        let gone: Vec<_> = plain.keys().filter(|_| random.below(10) > 0).map(remove).collect();
        commit(&mut store, &mut history, height, plain.clone(), &gone);
        apply(&mut plain, &gone);
        assert_kept(&store.reader(), &history, 9);
    }
    assert!(plain.len() < 20);
}

#[test]
fn a_reopened_store_is_the_store_that_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut random, mut history) = (Random(12), Vec::new());
    for round in 0..6u64 {
        let (mut store, loaded) = Store::open(folder.path(), TABLE, 8).unwrap();
        assert_eq!(loaded.fresh, round == 0);
        assert_eq!(loaded.height, 3 * round);
        if let Some(was) = history.last() {
            let was: &Was = was;
            assert_eq!(loaded.app_hash, was.app_hash);
            assert!(loaded.pairs.iter().map(|(key, value)| (key, value)).eq(was.plain.iter()));
            assert_eq!(loaded.meta, [(b"last".to_vec(), was.height.to_be_bytes().to_vec())]);
            assert_kept(&store.reader(), &history, 8);
        }
        run(&mut store, &mut random, &mut history, 3);
        assert_kept(&store.reader(), &history, 8);
    }
}

#[test]
fn the_number_of_heights_kept_can_change_between_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut random, mut history) = (Random(13), Vec::new());
    for (keep, kept) in [(10, 6), (3, 3), (20, 9), (1, 1), (5, 5), (5, 5)] {
        let (mut store, _) = Store::open(folder.path(), TABLE, keep).unwrap();
        run(&mut store, &mut random, &mut history, 6);
        assert_kept(&store.reader(), &history, kept);
        drop(store);
        let (store, _) = Store::open(folder.path(), TABLE, keep).unwrap();
        assert_kept(&store.reader(), &history, kept);
    }
}

#[test]
fn a_crash_between_stage_and_commit_leaves_the_old_height() {
    let folder = tempfile::tempdir().unwrap();
    let (mut random, mut history) = (Random(14), Vec::new());
    let (mut store, _) = Store::open(folder.path(), TABLE, 5).unwrap();
    run(&mut store, &mut random, &mut history, 4);
    let next = block(&mut random, 300, 60);
    let staged = store.stage(5, &next);
    assert_kept(&store.reader(), &history, 5);
    drop(store);

    let (mut store, loaded) = Store::open(folder.path(), TABLE, 5).unwrap();
    assert_eq!(loaded.height, 4);
    assert_kept(&store.reader(), &history, 5);
    assert_eq!(store.stage(5, &next), staged, "the block gives the same hash when it is executed again");
    store.commit(&[]).unwrap();
    assert_eq!(store.reader().latest().app_hash(), staged);
}

#[test]
fn a_staged_block_can_be_dropped_or_replaced() {
    let (mut store, mut random, mut history) = (Store::in_memory(TABLE, 5), Random(15), Vec::new());
    run(&mut store, &mut random, &mut history, 3);
    assert!(matches!(store.commit(&[]), Err(Error::NothingStaged)));
    let one = block(&mut random, 300, 60);
    let other = block(&mut random, 300, 60);
    let hash = store.stage(4, &one);
    assert_eq!(store.staged(), Some((4, hash)));
    assert_ne!(store.stage(4, &other), hash);
    store.discard();
    assert_eq!(store.staged(), None);
    assert!(matches!(store.commit(&[]), Err(Error::NothingStaged)));
    assert_kept(&store.reader(), &history, 5);
    assert_eq!(store.stage(4, &one), hash);
    store.commit(&[]).unwrap();
    assert_eq!(store.reader().at(4).unwrap().app_hash(), hash);
}

#[test]
fn a_genesis_state_can_be_height_0_or_part_of_any_first_height() {
    for first in [0, 1, 500] {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), TABLE, 5).unwrap();
        let fresh = store.reader().latest();
        let hash = store.stage(first, &[put(b"\x10a", "1")]);
        // While genesis is staged, the state before it is still the empty one.
        let proof = fresh.prove("bank", b"a").unwrap();
        verify(&fresh.app_hash(), "bank", b"a", None, &proof.ops).unwrap();
        store.commit(&[]).unwrap();
        assert_eq!(store.reader().heights(), first..=first);
        store.stage(first + 1, &[remove(b"\x10a")]);
        store.commit(&[]).unwrap();
        drop(store);
        let (store, loaded) = Store::open(folder.path(), TABLE, 5).unwrap();
        assert_eq!((loaded.height, loaded.pairs.len()), (first + 1, 0));
        assert_eq!(store.reader().at(first).unwrap().app_hash(), hash);
    }
}

#[test]
#[should_panic(expected = "height that is committed")]
fn a_committed_height_cannot_be_staged_again() {
    let mut store = Store::in_memory(TABLE, 5);
    store.stage(0, &[]);
    store.commit(&[]).unwrap();
    store.stage(0, &[]);
}

#[test]
#[should_panic(expected = "belongs to no store")]
fn a_key_of_no_store_is_a_fault() {
    Store::in_memory(TABLE, 5).stage(1, &[put(b"\x55k", "v")]);
}

#[test]
fn an_empty_block_is_a_height_with_the_same_hash() {
    let mut store = Store::in_memory(TABLE, 5);
    let hash = store.stage(1, &[put(b"\x10a", "1")]);
    store.commit(&[]).unwrap();
    assert_eq!(store.stage(2, &[]), hash);
    store.commit(&[]).unwrap();
    assert_eq!(store.reader().heights(), 1..=2);
}

#[test]
fn metadata_rows_are_replaced_and_removed_with_their_block() {
    let folder = tempfile::tempdir().unwrap();
    for mut store in [Store::in_memory(TABLE, 5), Store::open(folder.path(), TABLE, 5).unwrap().0] {
        let row = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
        store.stage(1, &[]);
        store.commit(&[row("a", "1"), row("b", "2")]).unwrap();
        store.stage(2, &[]);
        store.commit(&[row("a", ""), row("b", "3"), row("", "head")]).unwrap();
        assert_eq!(store.meta(b"a").unwrap(), None);
        assert_eq!(store.meta(b"b").unwrap(), Some(b"3".to_vec()));
        assert_eq!(store.meta(b"").unwrap(), Some(b"head".to_vec()));
    }
    let (_, loaded) = Store::open(folder.path(), TABLE, 5).unwrap();
    assert_eq!(loaded.meta, [(b"".to_vec(), b"head".to_vec()), (b"b".to_vec(), b"3".to_vec())]);
}

#[test]
fn a_view_reads_like_an_ordered_map() {
    let (mut store, mut random) = (Store::in_memory(TABLE, 5), Random(16));
    let block = block(&mut random, 100, 60);
    let mut plain = Plain::new();
    apply(&mut plain, &block);
    store.stage(1, &block);
    store.commit(&[]).unwrap();
    let view = store.reader().latest();
    assert_eq!((view.len(), view.is_empty()), (plain.len(), false));
    let some: Vec<Vec<u8>> = block.iter().step_by(7).map(|(key, _)| key.to_vec()).collect();
    for low in &some {
        let mut read = None;
        assert_eq!(view.read(low, &mut |value| read = Some(value.to_vec())), plain.contains_key(&low[..]));
        assert_eq!(read.as_deref(), plain.get(&low[..]).map(|value| &value[..]));
        for high in &some {
            for from in [Bound::Included(&low[..]), Bound::Excluded(&low[..]), Bound::Unbounded] {
                for to in [Bound::Included(&high[..]), Bound::Excluded(&high[..]), Bound::Unbounded] {
                    let within = |key: &[u8]| std::ops::RangeBounds::<[u8]>::contains(&(from, to), key);
                    let copy =
                        |(k, v): (&std::sync::Arc<[u8]>, &std::sync::Arc<[u8]>)| (k.to_vec(), v.to_vec());
                    let first = plain.iter().find(|(key, _)| within(key)).map(copy);
                    let last = plain.iter().rev().find(|(key, _)| within(key)).map(copy);
                    assert_eq!((view.next(from, to), view.prev(from, to)), (first, last));
                }
            }
        }
    }
}

#[test]
fn readers_in_other_threads_always_see_whole_heights() {
    let (mut store, mut random, mut history) = (Store::in_memory(TABLE, 3), Random(17), Vec::new());
    run(&mut store, &mut random, &mut history, 1);
    let done = AtomicBool::new(false);
    let proven = std::thread::scope(|scope| {
        let readers = [0; 2].map(|_| {
            let (reader, done) = (store.reader(), &done);
            scope.spawn(move || {
                let mut proven = 0;
                while !done.load(Ordering::Relaxed) || proven == 0 {
                    proven += u64::from(proves(&reader.latest()));
                }
                proven
            })
        });
        run(&mut store, &mut random, &mut history, 60);
        done.store(true, Ordering::Relaxed);
        readers.map(|reader| reader.join().unwrap())
    });
    assert!(proven.iter().all(|proven| *proven > 0));
    assert_kept(&store.reader(), &history, 3);
}

/// Proves something of a view; false when its height is not kept any more, as a slow reader may find.
fn proves(view: &View) -> bool {
    let first = view.next(Bound::Included(b"\x10"), Bound::Excluded(b"\x11"));
    let (key, value) =
        first.map_or((b"nobody".to_vec(), None), |(key, value)| (key[1..].to_vec(), Some(value)));
    match view.prove("bank", &key) {
        Err(Error::Forgotten(height)) => {
            assert_eq!(height, view.height());
            false
        }
        proof => {
            verify(&view.app_hash(), "bank", &key, value.as_deref(), &proof.unwrap().ops).unwrap();
            true
        }
    }
}
