//! A process that is killed while it writes leaves a store that was committed.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{block, Random, TABLE};
use tree::Store;

const FOLDER: &str = "TREE_TEST_FOLDER";

/// The block of a height: large enough that a kill often falls into a write.
fn block_at(height: u64) -> Vec<store::Change> {
    block(&mut Random(height), 2_000, 150)
}

fn commit(store: &mut Store, height: u64) {
    store.stage(height, &block_at(height));
    store.commit(&[(b"height".to_vec(), height.to_be_bytes().to_vec())]).unwrap();
}

/// Not a test of its own: what the process that gets killed does. Ends at once when nobody asked for it.
#[test]
fn the_process_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (mut store, loaded) = Store::open(Path::new(&folder), TABLE, 5).unwrap();
    println!("writing");
    for height in loaded.height + 1.. {
        commit(&mut store, height);
    }
}

#[test]
fn a_killed_writer_continues_like_one_that_was_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(31);
    let mut twin = Store::in_memory(TABLE, 5);
    let mut heights = Vec::new();
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("writing")));
        std::thread::sleep(Duration::from_millis(random.below(250)));
        child.kill().unwrap();
        child.wait().unwrap();
        let (store, loaded) = Store::open(folder.path(), TABLE, 5).unwrap();
        let reader = twin.reader();
        for height in reader.latest().height() + 1..=loaded.height {
            commit(&mut twin, height);
        }
        assert_eq!(reader.latest().height(), loaded.height);
        for height in store.reader().heights() {
            let (ours, theirs) = (store.reader().at(height), reader.at(height));
            assert_eq!(ours.map(|view| view.app_hash()), theirs.map(|view| view.app_hash()));
        }
        if loaded.height > 0 {
            assert_eq!(loaded.meta, [(b"height".to_vec(), loaded.height.to_be_bytes().to_vec())]);
        }
        heights.push(loaded.height);
    }
    println!("heights after each kill: {heights:?}");
    assert!(heights.is_sorted() && heights[11] > 5, "{heights:?}");
}
