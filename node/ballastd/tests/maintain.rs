//! What an operator does to a stopped node: verify, rollback, prune, and a new chain from its state.

mod support;

use support::Home;

/// Run a node until it stops by itself at `height`.
fn run_to(home: &Home, height: u64) {
    let node = home.start(&["--block-interval", "20", "--stop-at", &height.to_string()]);
    let (code, said) = node.ended();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn abci_28_a_node_goes_back_and_its_engine_executes_the_blocks_again_to_the_same_state() {
    let home = Home::with_chain(&["alice"]);
    home.run(&["verify"]).fails(1, "no state before its first");
    home.run(&["rollback"]).fails(1, "there is no state yet");
    home.run(&["prune", "--keep", "3"]).fails(1, "there is no state yet");
    run_to(&home, 12);
    let verified = home.run(&["verify"]).json();
    assert_eq!(verified["height"], 12);
    assert!(verified["rows"]["bank"].as_u64().unwrap() > 0);
    let at_twelve = home.run(&["export", "--rows"]).json();

    let said = home.run(&["rollback"]);
    assert!(said.stdout.contains("rolled back to height 11"), "{said:?}");
    let said = home.run(&["rollback", "--height", "5"]);
    assert!(said.stdout.contains("rolled back to height 5"), "{said:?}");
    assert_eq!(home.run(&["verify"]).json()["height"], 5);
    home.run(&["rollback", "--height", "5"]).fails(1, "height 5 is not available");
    home.run(&["rollback", "--height", "99"]).fails(1, "height 99 is not available");

    run_to(&home, 13);
    assert_eq!(home.run(&["rollback"]).code, 0);
    assert_eq!(home.run(&["export", "--rows"]).json(), at_twelve, "the same rows and hash");

    let said = home.run(&["prune", "--keep", "2"]);
    assert!(said.stdout.contains("the first one kept is 11"), "{said:?}");
    home.run(&["rollback", "--height", "10"]).fails(1, "heights 11 to 11 are");
    assert_eq!(home.run(&["verify"]).json()["app_hash"], at_twelve["app_hash"]);
    run_to(&home, 14);
}

#[test]
fn abci_47_a_chain_begins_with_the_state_of_another_and_goes_on() {
    let home = Home::with_chain(&["alice"]);
    run_to(&home, 6);
    let genesis = home.run(&["export", "--genesis", "--chain-id", "ballast-next-1"]).json();
    assert_eq!(genesis["initial_height"], "7");
    let before = home.run(&["export"]).json();
    let next = Home::with_chain(&["bob"]);
    let key = "config/priv_validator_key.json";
    std::fs::copy(home.file(key), next.file(key)).unwrap();
    std::fs::write(next.file("config/genesis.json"), genesis.to_string()).unwrap();
    run_to(&next, 9);
    let after = next.run(&["export"]).json();
    assert_eq!((after["height"].as_u64(), &after["chain_id"]), (Some(9), &"ballast-next-1".into()));
    assert_eq!(after["totals"], before["totals"]);
    assert_eq!(after["invariants"], "hold");
}

#[test]
fn nothing_is_done_to_the_database_of_a_running_node() {
    let home = Home::with_chain(&["alice"]);
    run_to(&home, 2);
    let node = home.start(&["--block-interval", "50"]);
    for command in [
        &["verify"][..],
        &["export"],
        &["export", "--genesis"],
        &["rollback"],
        &["prune", "--keep", "2"],
        &["snapshot", "create"],
    ] {
        home.run(command).fails(74, "in use by another process");
    }
    assert_eq!(node.stop(), 0);
    assert_eq!(home.run(&["verify"]).code, 0);
}

#[test]
fn a_snapshot_goes_through_a_file_to_another_node_and_becomes_its_state() {
    let home = Home::with_chain(&["alice"]);
    home.run(&["snapshot", "create"]).fails(1, "there is no state yet");
    run_to(&home, 6);
    let made = home.run(&["snapshot", "create"]).json();
    let hash = made["app_hash"].as_str().unwrap();
    let file = home.file("six");
    let file = file.to_str().unwrap();
    home.run(&["snapshot", "export", "5", file]).fails(1, "no snapshot of height 5");
    assert_eq!(home.run(&["snapshot", "export", "6", file]).code, 0);
    let at_six = home.run(&["export", "--rows"]).json();
    run_to(&home, 9);
    let at_nine = home.run(&["export", "--rows"]).json();

    let other = Home::with_chain(&["alice"]);
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(other.file("bad"), bytes).unwrap();
    other
        .run(&["snapshot", "import", other.file("bad").to_str().unwrap()])
        .fails(1, "is not what the file says");
    other
        .run(&["snapshot", "import", other.file("config/genesis.json").to_str().unwrap()])
        .fails(1, "no snapshot");
    assert_eq!(other.run(&["snapshot", "import", file]).code, 0);
    other.run(&["snapshot", "import", file]).fails(1, "already");
    let listed = other.run(&["snapshot", "list"]).json();
    assert_eq!(listed["snapshots"][0]["hash"], made["hash"]);
    other.run(&["restore", "6", "--app-hash", &"0".repeat(64)]).fails(1, "another application hash");
    other.run(&["export"]).fails(1, "no state before its first");
    assert_eq!(other.run(&["restore", "6", "--app-hash", hash]).code, 0);
    assert_eq!(other.run(&["export", "--rows"]).json(), at_six);

    // A node whose state was damaged goes on from its snapshot: its engine has the blocks since.
    assert_eq!(home.run(&["restore", "6", "--app-hash", hash]).code, 0);
    assert_eq!(home.run(&["export", "--rows"]).json(), at_six);
    run_to(&home, 10);
    assert_eq!(home.run(&["rollback", "--height", "9"]).code, 0);
    assert_eq!(home.run(&["export", "--rows"]).json(), at_nine);
}
