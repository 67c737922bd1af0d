//! Damage on disk is reported when the store is opened; a store that opens is the store that was committed.
//!
//! BALLAST_FLIPS says how many bytes are damaged at least (50).

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{block, put, Random, TABLE};
use tree::{Error, Store};

/// All that a store holds: heights with their hashes and pairs, and the metadata.
type Everything = Vec<(u64, [u8; 32], Vec<(Vec<u8>, Vec<u8>)>)>;

fn everything(store: &Store, loaded: &tree::Loaded) -> Everything {
    let reader = store.reader();
    let heights = reader.heights().filter_map(|height| reader.at(height));
    let pairs = |view: &tree::View| view.pairs().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    let mut all: Everything = heights.map(|view| (view.height(), view.app_hash(), pairs(&view))).collect();
    all.push((loaded.height, loaded.app_hash, loaded.meta.clone()));
    all
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Files of the database whose loss or damage matters.
fn files(folder: &Path) -> Vec<PathBuf> {
    let matters = |name: &str| {
        name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST") || name == "CURRENT"
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| matters(path.file_name().unwrap().to_str().unwrap()));
    files.sort();
    files
}

/// A database with tables, a log with several blocks and what both must read as. Written in runs: opening
/// turns the log of the run before into tables.
fn database(folder: &Path) -> Everything {
    let mut random = Random(21);
    let mut height = 0;
    for _ in 0..3 {
        let (mut store, _) = Store::open(folder, TABLE, 6).unwrap();
        for _ in 0..4 {
            height += 1;
            store.stage(height, &block(&mut random, 200, 40));
            store.commit(&[(b"last".to_vec(), height.to_be_bytes().to_vec())]).unwrap();
        }
    }
    let copy = tempfile::tempdir().unwrap();
    copy_folder(folder, copy.path());
    let (store, loaded) = Store::open(copy.path(), TABLE, 6).unwrap();
    let all = everything(&store, &loaded);
    assert_eq!((loaded.height, all.len()), (12, 7));
    all
}

/// What opening a damaged database did.
fn outcome(folder: &Path, expected: &Everything, what: &str) -> Option<Error> {
    match Store::open(folder, TABLE, 6) {
        Err(error) => Some(error),
        Ok((store, loaded)) => {
            assert!(everything(&store, &loaded) == *expected, "{what} changed the state in silence");
            None
        }
    }
}

#[test]
fn abci_31_a_changed_byte_is_reported_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let expected = database(folder.path());
    let mut random = Random(22);
    let mut tried: Vec<(String, bool)> = Vec::new();
    let flips = std::env::var("BALLAST_FLIPS").map_or(50, |text| text.parse::<usize>().unwrap());
    let mut all = files(folder.path());
    all.push(folder.path().join("HEIGHT"));
    let each = flips.div_ceil(all.len()).max(12);
    for file in all {
        let name = file.file_name().unwrap().to_str().unwrap().to_string();
        let bytes = fs::read(&file).unwrap();
        let length = bytes.len() as u64;
        assert!(length > 9, "{name}");
        // Both ends, where lengths and footers are, and places between.
        let mut places = vec![0, 1, 4, 5, 6, 7, 12, length / 2, length - 1, length - 2, length - 9];
        places.extend((0..each).map(|_| random.below(length)));
        places.retain(|place| *place < length);
        for place in places {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(folder.path(), copy.path());
            let mut damaged = bytes.clone();
            damaged[place as usize] ^= 1 << random.below(8);
            fs::write(copy.path().join(&name), damaged).unwrap();
            let error = outcome(copy.path(), &expected, &format!("byte {place} of {length} of {name}"));
            tried.push((name.clone(), error.is_some()));
        }
    }
    let reported = tried.iter().filter(|(_, reported)| *reported).count();
    println!("{} changed bytes: {reported} reported, the others harmless, 0 changed the state", tried.len());
    assert!(tried.len() >= flips && reported * 2 > tried.len());
    for kind in [".sst", ".log", "MANIFEST", "CURRENT"] {
        assert!(tried.iter().any(|(name, reported)| name.contains(kind) && *reported), "{kind}");
    }
}

#[test]
fn a_lost_or_cut_file_is_reported_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let expected = database(folder.path());
    for file in files(folder.path()) {
        let name = file.file_name().unwrap();
        let bytes = fs::read(&file).unwrap();
        for length in [None, Some(0), Some(bytes.len() / 2), Some(bytes.len() - 1)] {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(folder.path(), copy.path());
            let path = copy.path().join(name);
            match length {
                None => fs::remove_file(&path).unwrap(),
                Some(length) => fs::write(&path, &bytes[..length]).unwrap(),
            }
            let what = format!("{} cut to {length:?}", path.display());
            let error = outcome(copy.path(), &expected, &what);
            // The last record of a manifest may be one that says nothing new.
            let must = length.is_none() || !name.to_str().unwrap().starts_with("MANIFEST");
            assert!(error.is_some() || !must, "{what}");
        }
    }
}

#[test]
fn a_write_that_never_finished_is_the_height_before() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(folder.path(), TABLE, 6).unwrap();
    let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    let log = || files(folder.path()).into_iter().rfind(is_log).unwrap();
    store.stage(1, &[put(b"\x10a", "1")]);
    store.commit(&[]).unwrap();
    let hash = store.reader().latest().app_hash();
    let (whole, height) = (fs::read(log()).unwrap(), fs::read(folder.path().join("HEIGHT")).unwrap());
    store.stage(2, &[put(b"\x10a", "2"), put(b"\x10b", "3")]);
    store.commit(&[]).unwrap();
    let longer = fs::read(log()).unwrap();
    let log = log();
    drop(store);
    // A crash in the middle of the second write: part of its record, and nothing after.
    let cut = (whole.len() + longer.len()) / 2;
    assert!(longer.starts_with(&whole));
    fs::write(&log, &longer[..cut]).unwrap();
    let refused = Store::open(folder.path(), TABLE, 6).err().unwrap();
    assert!(matches!(refused, Error::Behind { found: 1, committed: 2 }), "{refused}");
    fs::write(folder.path().join("HEIGHT"), height).unwrap();
    let (store, loaded) = Store::open(folder.path(), TABLE, 6).unwrap();
    assert_eq!((loaded.height, store.reader().latest().app_hash()), (1, hash));
}

#[test]
fn a_damaged_or_lost_height_file_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let expected = database(folder.path());
    let bytes = fs::read(folder.path().join("HEIGHT")).unwrap();
    for place in (0..bytes.len()).filter(|place| place % 48 < 3) {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(folder.path(), copy.path());
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        fs::write(copy.path().join("HEIGHT"), damaged).unwrap();
        assert!(outcome(copy.path(), &expected, "HEIGHT").is_none());
    }
    fs::remove_file(folder.path().join("HEIGHT")).unwrap();
    assert!(outcome(folder.path(), &expected, "no HEIGHT").is_none());
}

/// Opens the database of a store as RocksDB would for anybody, and changes one row.
fn tamper(folder: &Path, family: &str, change: impl FnOnce(&rocksdb::DB, &rocksdb::ColumnFamily)) {
    let names = rocksdb::DB::list_cf(&rocksdb::Options::default(), folder).unwrap();
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), folder, names).unwrap();
    change(&db, db.cf_handle(family).unwrap());
}

/// The error of opening a database in which a row was changed.
fn refusal(family: &str, change: impl FnOnce(&rocksdb::DB, &rocksdb::ColumnFamily)) -> String {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path());
    tamper(folder.path(), family, change);
    Store::open(folder.path(), TABLE, 6).err().expect("a tampered row was served").to_string()
}

#[test]
fn abci_33_any_row_of_the_state_that_is_lost_or_zeroed_is_refused_when_it_opens() {
    let folder = tempfile::tempdir().unwrap();
    let expected = database(folder.path());
    let (_, _, pairs) = &expected[expected.len() - 2];
    let mut tried = 0;
    for (key, value) in pairs.iter().step_by(pairs.len().div_ceil(20)) {
        for zeroed in [None, Some(vec![0; value.len()])] {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(folder.path(), copy.path());
            tamper(copy.path(), "state", |db, family| match &zeroed {
                None => db.delete_cf(family, key).unwrap(),
                Some(zeros) => db.put_cf(family, key, zeros).unwrap(),
            });
            let error = outcome(copy.path(), &expected, "a row");
            // A value that was all zeros already is what it was.
            let same = zeroed.is_some_and(|zeros| zeros == *value);
            assert!(same || matches!(error, Some(Error::AppHash { height: 12, .. })), "{error:?}");
            tried += 1;
        }
    }
    println!("{tried} rows lost or zeroed, all refused");
    assert!(tried >= 20);
}

#[test]
fn abci_32_a_changed_pair_is_refused_with_height_both_hashes_and_remedy() {
    let text = refusal("state", |db, family| db.put_cf(family, b"\x10nobody", b"rich").unwrap());
    assert!(text.starts_with("state at height 12 has application hash "), "{text}");
    assert!(text.ends_with("was committed: restore the data folder from a snapshot or resync it from peers"));
    assert_eq!(text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64).count(), 2);
}

#[test]
fn rows_that_are_lost_or_false_are_refused_by_name() {
    let height = |height: u64| height.to_be_bytes();
    let text = refusal("meta", |db, family| db.delete_cf(family, b"head").unwrap());
    assert!(text.starts_with("the head row is missing"), "{text}");
    let text = refusal("meta", |db, family| db.put_cf(family, b"head", b"nonsense").unwrap());
    assert!(text.starts_with("the head row is corrupt"), "{text}");
    let text = refusal("meta", |db, family| db.put_cf(family, b"/last", b"12345678x").unwrap());
    assert!(text.starts_with("metadata row 2f6c617374 is corrupt"), "{text}");
    let text = refusal("undo", |db, family| db.delete_cf(family, height(10)).unwrap());
    assert!(text.starts_with("the undo row of height 10 is missing"), "{text}");
    let text = refusal("undo", |db, family| {
        let other = db.get_cf(family, height(11)).unwrap().unwrap();
        db.put_cf(family, height(10), other).unwrap();
    });
    assert!(text.starts_with("the undo row of height 10 is corrupt"), "{text}");
    let text = refusal("undo", |db, family| db.put_cf(family, height(13), b"later").unwrap());
    assert!(text.starts_with("the state after height 12 is missing"), "{text}");
    let text = refusal("state", |db, family| db.put_cf(family, b"\x66", b"x").unwrap());
    assert!(text.starts_with("the state is corrupt (a key belongs to no store)"), "{text}");
}

#[test]
fn a_store_in_use_or_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(folder.path(), TABLE, 6).unwrap();
    store.stage(1, &[]);
    store.commit(&[]).unwrap();
    let refused = Store::open(folder.path(), TABLE, 6).err().unwrap();
    assert!(matches!(refused, Error::Locked(_)), "{refused}");
    drop(store);
    let refused = Store::open(folder.path(), &[(1, "app"), (2, "bank")], 6).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "the database has the stores app, bank, clob, empty, prices, this program has app, bank: \
         use the program that wrote it"
    );
}
