//! Upgrades and stops at a height, with the program itself: which one starts, which one stops, and where. The
//! upgrade is `rehearsal`, which a node knows when BALLAST_REHEARSE_UPGRADE is set: it raises the highest gas
//! limit by one, so that doing it twice, or not at all, would show.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::socket::call;
use support::{Ended, Home, Node};
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{request, RequestCommit, RequestFinalizeBlock};

/// Exit code of a program that the next block is not for.
const UPGRADE: i32 = 76;

/// A chain whose authority is alice.
fn home() -> Home {
    let home = Home::with_chain(&["alice"]);
    let path = home.file("config/genesis.json");
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    document["app_state"]["governance"]["authority"] = home.address("alice").into();
    std::fs::write(&path, document.to_string()).unwrap();
    home
}

fn command(home: &Home, extra: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
    command.args(home.start_args(&[&["--block-interval", "20"], extra].concat()));
    command
}

/// Run a program with the upgrade, or without it, until it ends by itself.
fn run(home: &Home, rehearses: bool, extra: &[&str]) -> Ended {
    let mut command = command(home, extra);
    if rehearses {
        command.env("BALLAST_REHEARSE_UPGRADE", "1");
    }
    match Node::try_spawn(&mut command) {
        Ok(node) => node.end(),
        Err(ended) => ended,
    }
}

fn stops(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for words in words {
        assert!(ended.said.contains(words), "{words:?} is not in {ended:?}");
    }
}

fn tx(home: &Home, node: &Node, args: &[&str]) -> u64 {
    let sent = home.run(&[args, &["--from", "alice", "--node", &node.grpc, "-o", "json"]].concat()).json();
    assert_eq!(sent["code"], 0, "{sent}");
    sent["height"].as_str().unwrap().parse().unwrap()
}

/// Plan the upgrade, and let the program of now run until it stops. The height of the plan.
fn run_to_plan(home: &Home) -> u64 {
    let node = Node::try_spawn(&mut command(home, &[])).unwrap();
    let last = tx(home, &node, &["tx", "plan-upgrade", "rehearsal", "1000000"]);
    let height = last + 40;
    let args = ["tx", "plan-upgrade", "rehearsal", &height.to_string(), "--info", "from the shelf"];
    tx(home, &node, &args);
    let asked = home.run(&["query", "upgrade", "--node", &node.grpc, "-o", "json"]).json();
    assert_eq!(asked["plan"]["height"], height.to_string(), "{asked}");
    stops(
        &node.end(),
        UPGRADE,
        &[&format!("UPGRADE \"rehearsal\" NEEDED at height {height}: from the shelf")],
    );
    assert_eq!(held(home).0, height - 1);
    height
}

/// Height and highest gas limit of a stopped node.
fn held(home: &Home) -> (u64, u64) {
    let document = home.run(&["export", "--genesis"]).json();
    let first: u64 = document["initial_height"].as_str().unwrap().parse().unwrap();
    (first - 1, document["app_state"]["max_gas"].as_u64().unwrap())
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[test]
fn abci_19_each_program_runs_the_blocks_that_are_its_own_and_no_other_starts() {
    let home = home();
    let (data, early, planned) = (home.file("data"), home.file("early"), home.file("planned"));
    stops(&run(&home, false, &["--stop-at", "3"]), 0, &["block 3 is committed"]);
    copy(&data, &early);
    let (_, gas) = held(&home);
    let height = run_to_plan(&home);
    copy(&data, &planned);

    // At the plan: the old program does not start any more, however often.
    for _ in 0..2 {
        let needed = format!("UPGRADE \"rehearsal\" NEEDED at height {height}");
        stops(&run(&home, false, &[]), UPGRADE, &[&needed, "Nothing is lost"]);
        assert_eq!(held(&home), (height - 1, gas));
    }
    // Before the plan: the new program does not start yet.
    copy(&early, &data);
    stops(&run(&home, true, &[]), UPGRADE, &["this release is too early", "version 1 of app"]);
    assert_eq!(held(&home).0, 3);
    // At the plan: the new program goes on, and changes the rows once.
    copy(&planned, &data);
    stops(&run(&home, true, &["--stop-at", &height.to_string()]), 0, &[]);
    assert_eq!(held(&home), (height, gas + 1));
    stops(&run(&home, true, &["--stop-at", &(height + 5).to_string()]), 0, &[]);
    assert_eq!(held(&home), (height + 5, gas + 1));
    assert_eq!(home.run(&["verify"]).code, 0);
    // After it: the old program does not start, and says what to run.
    stops(&run(&home, false, &[]), UPGRADE, &["this release is too old", "upgrade \"rehearsal\""]);
    assert_eq!(held(&home), (height + 5, gas + 1));
    // The block of the plan is executed again like any other.
    assert_eq!(home.run(&["rollback", "--height", &(height - 1).to_string()]).code, 0);
    assert_eq!(held(&home), (height - 1, gas));
    stops(&run(&home, true, &["--stop-at", &(height + 6).to_string()]), 0, &[]);
    assert_eq!(held(&home), (height + 6, gas + 1));
}

#[test]
fn abci_20_a_node_that_dies_at_any_step_of_the_block_of_an_upgrade_does_it_once() {
    let home = home();
    stops(&run(&home, false, &["--stop-at", "2"]), 0, &[]);
    let (_, gas) = held(&home);
    let height = run_to_plan(&home);
    let (data, planned) = (home.file("data"), home.file("planned"));
    copy(&data, &planned);
    let of_block = |point: &String| {
        ["finalize_block:", "commit:", "store:", "prepare_proposal:", "process_proposal:"]
            .iter()
            .any(|group| point.starts_with(group))
    };
    let points: Vec<String> = tree::crash::points().into_iter().filter(of_block).collect();
    let (mut deaths, mut before, mut after) = (0, 0, 0);
    for point in &points {
        copy(&planned, &data);
        let mut dying = command(&home, &["--stop-at", &(height + 2).to_string()]);
        dying.env("BALLAST_REHEARSE_UPGRADE", "1").env("BALLAST_CRASH_AT", format!("{point}:1"));
        let ended = Node::try_spawn(&mut dying).map_or_else(|ended| ended, Node::end);
        deaths += usize::from(ended.signal.is_some());
        let (at, limit) = held(&home);
        assert_eq!(limit, if at < height { gas } else { gas + 1 }, "{point}: all of it or nothing");
        *(if at < height { &mut before } else { &mut after }) += 1;
        stops(&run(&home, true, &["--stop-at", &(height + 3).to_string()]), 0, &[]);
        assert_eq!(held(&home), (height + 3, gas + 1), "{point}");
        assert_eq!(home.run(&["verify"]).code, 0);
    }
    println!("{} points, {deaths} deaths: {before} before the block was there, {after} after", points.len());
    assert!(deaths >= 8 && before >= 4 && after >= 2, "{deaths} {before} {after}");
}

/// Give this key of the configuration this value.
fn set(home: &Home, key: &str, value: u64) {
    let path = home.file("config/ballastd.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let start = format!("{key} = ");
    let line = format!("{start}{value}");
    assert!(text.lines().any(|old| old.starts_with(&start)));
    let lines = text.lines().map(|old| if old.starts_with(&start) { line.as_str() } else { old });
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[test]
fn abci_18_a_node_ends_well_after_the_last_block_that_it_is_told_to_make() {
    let home = Home::with_chain(&["alice"]);
    for height in [1, 7] {
        set(&home, "halt_height", height);
        stops(&run(&home, false, &[]), 0, &[&format!("block {height} is committed, the last one")]);
        assert_eq!(held(&home).0, height);
        let again = run(&home, false, &[]);
        stops(&again, 1, &[&format!("halt_height is {height}"), "remove halt_height"]);
        assert_eq!(held(&home).0, height);
    }
    set(&home, "halt_height", 0);
    stops(&run(&home, false, &["--stop-at", "9"]), 0, &[]);

    // CometBFT gets the answer to its commit, and nothing of the block after.
    set(&home, "halt_height", 10);
    let node = home.start_for_comet("tcp://127.0.0.1:0");
    let time = Some(Timestamp { seconds: 1_900_000_000, nanos: 0 });
    let block = |height| {
        let request = RequestFinalizeBlock { height, time, ..RequestFinalizeBlock::default() };
        request::Value::FinalizeBlock(request)
    };
    assert!(call(&node.rpc, block(10)).is_some());
    let _ = call(&node.rpc, request::Value::Commit(RequestCommit {}));
    let address = node.rpc.clone();
    assert!(call(&address, block(11)).is_none());
    stops(&node.end(), 0, &["block 10 is committed, the last one"]);
    assert_eq!(held(&home).0, 10);
}
