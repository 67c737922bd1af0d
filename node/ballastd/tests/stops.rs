//! Situations in which a node does not start or stops: each has an exit code, a reason, and something to do.

mod support;

use std::path::Path;
use std::process::Command;

use support::socket::call;
use support::{Ended, Home, Node};
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{request, RequestFinalizeBlock, RequestInitChain, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

/// Let the chain go on to this height.
fn run_to(home: &Home, height: &str) {
    assert_eq!(home.start(&["--block-interval", "0", "--stop-at", height]).ended().0, 0);
}

/// Height and application hash of a stopped node.
fn held(home: &Home) -> (u64, String) {
    let export = home.run(&["export"]).json();
    (export["height"].as_u64().unwrap(), export["app_hash"].as_str().unwrap().to_owned())
}

fn stops(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for words in words {
        assert!(ended.said.contains(words), "{words:?} is not in {ended:?}");
    }
}

#[test]
fn abci_05_an_application_ahead_of_its_engine_does_not_start_and_says_what_to_restore() {
    let home = Home::with_chain(&["alice"]);
    let (blocks, older) = (home.file("data/blocks.db"), home.file("older"));
    run_to(&home, "10");
    copy(&blocks, &older);
    run_to(&home, "12");
    let before = held(&home);
    copy(&older, &blocks);
    let ended = home.start_to_end(&[]);
    stops(
        &ended,
        74,
        &["the application is at height 12, the block store only at 10", "restore the block store"],
    );
    assert_eq!(held(&home), before, "what is refused changes nothing");
}

#[test]
fn abci_06_an_application_behind_its_engine_replays_to_the_same_state() {
    let home = Home::with_chain(&["alice"]);
    let state = home.file("data/state.db");
    let mut replayed = Vec::new();
    for height in ["20", "118", "119"] {
        run_to(&home, height);
        copy(&state, &home.file(&format!("at{height}")));
    }
    run_to(&home, "120");
    let last = held(&home);
    for height in ["0", "20", "118", "119"] {
        let _ = std::fs::remove_dir_all(&state);
        if height != "0" {
            copy(&home.file(&format!("at{height}")), &state);
        }
        run_to(&home, "120");
        assert_eq!(held(&home), last, "from height {height}");
        replayed.push(height);
    }
    println!("replayed to 120 from {replayed:?}");
}

#[test]
fn abci_06_an_application_whose_blocks_were_pruned_does_not_start_and_says_so() {
    let home = Home::with_chain(&["alice"]);
    let config = home.file("config/ballastd.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let fewer = text.replace("\nkeep = 100000", "\nkeep = 5").replace("\nkeep = 100_000", "\nkeep = 5");
    assert_ne!(text, fewer, "{text}");
    std::fs::write(&config, fewer).unwrap();
    run_to(&home, "30");
    std::fs::remove_dir_all(home.file("data/state.db")).unwrap();
    let ended = home.start_to_end(&[]);
    stops(&ended, 74, &["the application is at height 0, but blocks below", "restore its state from a copy"]);
}

/// A genesis as an engine sends it, with these validators' keys and powers.
fn genesis(home: &Home, validators: &[(Vec<u8>, i64)], change: impl Fn(String) -> String) -> request::Value {
    let document = std::fs::read(home.file("config/genesis.json")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    request::Value::InitChain(RequestInitChain {
        time: Some(Timestamp { seconds: 1_800_000_000, nanos: 0 }),
        chain_id: "ballast-test-1".into(),
        validators: validators
            .iter()
            .map(|(key, power)| ValidatorUpdate {
                pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(key.clone())) }),
                power: *power,
            })
            .collect(),
        app_state_bytes: change(document["app_state"].to_string()).into(),
        initial_height: 1,
        ..RequestInitChain::default()
    })
}

fn comet(home: &Home) -> Node {
    home.start_for_comet("tcp://127.0.0.1:0")
}

#[test]
fn abci_07_a_malformed_genesis_is_refused_by_the_field_that_is_wrong() {
    let home = Home::with_chain(&["alice"]);
    let good = |power| (vec![7; 32], power);
    let same = |text: String| text;
    let stranger = |text: String| text.replacen('{', "{\"wonder\": 1,", 1);
    let cases = [
        (genesis(&home, &[], same), "validator"),
        (genesis(&home, &[good(0)], same), "power"),
        (genesis(&home, &[good(-1)], same), "negative power"),
        (genesis(&home, &[good(1), good(1)], same), "twice"),
        (genesis(&home, &[(vec![7; 31], 1)], same), "32 bytes"),
        (genesis(&home, &[good(1)], stranger), "wonder"),
        (genesis(&home, &[good(1)], |_| "nonsense".into()), "genesis"),
    ];
    for (request, words) in cases {
        let node = comet(&home);
        assert!(call(&node.rpc, request).is_none(), "{words}");
        stops(&node.end(), 70, &["the genesis file is refused", words]);
    }
    let node = comet(&home);
    assert!(call(&node.rpc, genesis(&home, &[good(1)], same)).is_some());
    // An engine that starts again before the first block begins again.
    assert!(call(&node.rpc, genesis(&home, &[good(1)], same)).is_some());
    assert_eq!(node.stop(), 0);
}

#[test]
fn abci_07_a_genesis_for_a_chain_that_has_begun_is_refused() {
    let home = Home::with_chain(&["alice"]);
    run_to(&home, "5");
    let before = held(&home);
    let node = comet(&home);
    assert!(call(&node.rpc, genesis(&home, &[(vec![7; 32], 1)], |text| text)).is_none());
    stops(&node.end(), 1, &["this node's state is at height 5", "restore the engine's data"]);
    assert_eq!(held(&home), before);
}

#[test]
fn abci_16_a_second_engine_that_brings_other_blocks_ends_the_node_before_it_writes() {
    let home = Home::with_chain(&["alice"]);
    run_to(&home, "5");
    let before = held(&home);
    let block = |(height, seconds)| {
        let time = Some(Timestamp { seconds, nanos: 0 });
        let request = RequestFinalizeBlock { height, time, ..RequestFinalizeBlock::default() };
        request::Value::FinalizeBlock(request)
    };
    const LATER: i64 = 1_900_000_000;
    for blocks in [&[(5, LATER)][..], &[(7, LATER)], &[(6, LATER), (6, LATER + 1)]] {
        let node = comet(&home);
        let (last, first) = blocks.split_last().unwrap();
        for at in first {
            let answer = call(&node.rpc, block(*at));
            assert!(answer.is_some());
            assert_eq!(call(&node.rpc, block(*at)), answer, "the same block has the same answer");
        }
        assert!(call(&node.rpc, block(*last)).is_none());
        stops(&node.end(), 70, &[&format!("it has height {}", last.0), "Nothing of this block was written"]);
        assert_eq!(held(&home), before);
    }
}

#[test]
fn abci_31_a_home_in_use_is_refused_and_the_node_in_it_goes_on() {
    let home = Home::with_chain(&["alice"]);
    let node = home.start(&["--block-interval", "20"]);
    let ended = home.start_to_end(&[]);
    stops(&ended, 74, &["is in use by another process: stop that one first"]);
    assert_eq!(node.stop(), 0);
}

#[test]
fn net_22_a_port_in_use_is_refused_by_name_and_a_stale_unix_socket_is_replaced() {
    let (home, other) = (Home::with_chain(&["alice"]), Home::with_chain(&["bob"]));
    let node = home.start(&["--block-interval", "20"]);
    let rpc = node.rpc.trim_start_matches("tcp://").to_owned();
    for arguments in [["--rpc", rpc.as_str()], ["--grpc", node.grpc.as_str()]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
        let free = if arguments[0] == "--rpc" { "--grpc" } else { "--rpc" };
        command.args(["start", "--home"]).arg(other.path()).args(arguments).args([free, "127.0.0.1:0"]);
        let ended = Node::try_spawn(&mut command).err().unwrap();
        let port = arguments[1].rsplit(':').next().unwrap();
        stops(&ended, 1, &[port]);
    }
    assert_eq!(node.stop(), 0);
    let socket = home.file("abci.sock");
    let address = format!("unix://{}", socket.display());
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists(), "a process that is gone left it");
    let node = home.start_for_comet(&address);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
    command.args(["start", "--engine", "cometbft", "--abci", &address, "--grpc", "127.0.0.1:0", "--home"]);
    let ended = Node::try_spawn(command.arg(other.path())).err().unwrap();
    stops(&ended, 1, &["another node listens there"]);
    assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok(), "the first one goes on");
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_node_that_is_asked_to_stop_as_soon_as_it_says_that_it_runs_stops_well() {
    let home = Home::with_chain(&["alice"]);
    for round in 0..10 {
        assert_eq!(home.start(&[]).stop(), 0, "round {round}");
        assert_eq!(home.start_for_comet("tcp://127.0.0.1:0").stop(), 0, "round {round} under CometBFT");
    }
}
