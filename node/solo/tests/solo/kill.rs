//! Processes that are killed, as opposed to engines that are dropped.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use solo::Engine;

use crate::chain::{open, send};

/// Tells the child process where its home is.
const HOME: &str = "SOLO_TEST_HOME";
const KILLS: u64 = 12;

/// One block with one transaction that follows from the state.
fn block(engine: &mut Engine, host: &host::Host) {
    let next = engine.height() + 1;
    if next > 1 {
        engine.submit(send(host, next)).unwrap();
    }
    engine.step().unwrap();
}

/// The child: makes blocks until it is killed. Without a home it is not a child and has nothing to do.
#[test]
fn makes_blocks_until_it_is_killed() {
    let Ok(home) = std::env::var(HOME) else { return };
    let (mut engine, host) = open(Path::new(&home));
    loop {
        block(&mut engine, &host);
    }
}

#[test]
fn a_process_that_is_killed_again_and_again_ends_with_the_state_of_its_twin() {
    let folder = tempfile::tempdir().unwrap();
    let mut heights = Vec::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::makes_blocks_until_it_is_killed"])
            .env(HOME, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Moments that have nothing to do with those of a block.
        std::thread::sleep(Duration::from_millis(700 + kill * 37));
        child.kill().unwrap();
        child.wait().unwrap();
        let (engine, _host) = open(folder.path());
        heights.push(engine.height());
    }
    assert!(heights.windows(2).all(|pair| pair[0] <= pair[1]), "{heights:?}");
    let (engine, _host) = open(folder.path());
    assert!(engine.height() > KILLS, "the chain grew: {heights:?}");
    let twin_folder = tempfile::tempdir().unwrap();
    let (mut twin, host) = open(twin_folder.path());
    while twin.height() < engine.height() {
        block(&mut twin, &host);
    }
    assert_eq!(twin.app_hash(), engine.app_hash(), "{heights:?}");
}
