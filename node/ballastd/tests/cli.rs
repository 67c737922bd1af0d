//! The command line: what it refuses, how, and with which exit code.

mod support;

use std::os::unix::fs::PermissionsExt as _;

use support::{run, run_with, Home};

const ABANDON: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

#[test]
fn a_wrong_command_line_is_exit_code_2_and_says_what_is_right() {
    for (args, words) in [
        (vec!["fly"], "unrecognized subcommand"),
        (vec![], "Usage"),
        (vec!["start", "--engine", "other"], "[possible values: solo, cometbft]"),
        (vec!["start", "--speed", "5"], "unexpected argument"),
        (vec!["init", "--account", "alice"], "ADDRESS=COINS"),
        (vec!["init", "--insurance", "-5"], "unexpected argument"),
        (vec!["keys", "add"], "required arguments"),
        (vec!["tx", "deposit", "0", "--from", "a"], "must be above zero"),
        (vec!["tx", "deposit", "1.0000001", "--from", "a"], "at most six decimal places"),
        (vec!["tx", "deposit", "5"], "--from"),
        (vec!["tx", "deposit", "5", "--from", "a", "--gas", "lots"], "a whole number or `auto`"),
        (vec!["tx", "deposit", "5", "--from", "a", "--fees", "5"], "1000uusdc"),
        (vec!["tx", "send", "x", "5", "--from", "a"], "is no coin"),
        (vec!["tx", "place-order", "BTC", "hold", "1", "1", "--from", "a"], "[possible values: buy, sell]"),
        (vec!["tx", "place-order", "BTC", "buy", "one", "1", "--from", "a"], "is not a number"),
        (vec!["tx", "place-order", "BTC", "buy", "1", "1", "--blocks", "41", "--from", "a"], "1..=40"),
        (vec!["tx", "batch-cancel", "BTC", "--from", "a"], "MARKET=NUMBER"),
        (vec!["query", "tx", "12"], "64 hex digits"),
        (vec!["query", "orderbook"], "<MARKET>"),
        (vec!["query", "prices", "--output", "xml"], "[possible values: text, json]"),
    ] {
        run(&args).fails(2, words);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    for word in ["Exit codes:", "Examples:", "devnet", "init", "start", "keys", "tx", "query", "export"] {
        assert!(help.stdout.contains(word), "{word}");
    }
    for args in [vec!["tx", "--help"], vec!["query", "--help"], vec!["tx", "place-order", "--help"]] {
        assert_eq!(run(&args).code, 0);
    }
    assert_eq!(run(&["version"]).stdout.trim(), env!("CARGO_PKG_VERSION"));
    assert!(run(&["--version"]).stdout.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn keys_are_made_listed_shown_exported_imported_and_deleted() {
    let home = Home::empty();
    let added = home.run(&["keys", "add", "alice", "-o", "json"]).json();
    assert_eq!(added["mnemonic"].as_str().unwrap().split(' ').count(), 24);
    let address = added["address"].as_str().unwrap();
    assert!(address.starts_with("ballast1"));
    let recovered = ["keys", "add", "bob", "--recover", "--prefix", "cosmos", "-o", "json"];
    let recovered = home.run_with(ABANDON, &recovered).json();
    assert_eq!(recovered["address"], "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    assert!(recovered.get("mnemonic").is_none());

    let listed = home.run(&["keys", "list", "-o", "json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(home.address("alice"), address);
    let shown = home.run(&["keys", "show", "alice"]);
    let secret = home.run(&["keys", "export", "alice", "--unsafe"]).stdout.trim().to_owned();
    assert_eq!(secret.len(), 64);
    assert!(!shown.stdout.contains(&secret));

    let imported = home.run_with(&secret, &["keys", "import", "again", "-o", "json"]).json();
    assert_eq!(imported["address"], address);
    assert_eq!(home.run(&["keys", "delete", "again", "--yes"]).code, 0);
    home.run(&["keys", "show", "again"]).fails(1, "there is no key");
}

#[test]
fn a_sealed_key_needs_its_passphrase_to_be_used_and_not_to_be_known() {
    let home = Home::empty();
    let with = |passphrase: &str, args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ballastd"))
            .args(args)
            .args(["--home", home.path().to_str().unwrap()])
            .env("BALLAST_PASSPHRASE", passphrase)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    };
    assert!(with("short", &["keys", "add", "alice", "--seal"]).2.contains("at least 8 characters"));
    let (code, added, _) = with("correct horse", &["keys", "add", "alice", "--seal", "-o", "json"]);
    assert_eq!(code, 0);
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    assert_eq!(
        (added["sealed"].as_bool(), home.address("alice").as_str()),
        (Some(true), added["address"].as_str().unwrap())
    );
    assert!(home.run(&["keys", "list"]).stdout.contains("yes"));
    home.run(&["keys", "export", "alice", "--unsafe"]).fails(1, "BALLAST_PASSPHRASE");
    let (code, nothing, why) = with("wrong horse", &["keys", "export", "alice", "--unsafe"]);
    assert_eq!((code, nothing.as_str()), (1, ""), "{why}");
    assert!(why.contains("not the passphrase"), "{why}");
    assert_eq!(with("correct horse", &["keys", "export", "alice", "--unsafe"]).1.trim().len(), 64);
}

#[test]
fn shells_are_told_how_to_complete() {
    for shell in ["bash", "zsh", "fish"] {
        let told = run(&["completion", shell]);
        assert!(told.code == 0 && told.stdout.contains("place-order"), "{shell}");
    }
    run(&["completion", "abacus"]).fails(2, "[possible values:");
}

#[test]
fn what_keys_refuse_is_exit_code_1_and_leaves_the_keys_alone() {
    let home = Home::empty();
    let first = home.run(&["keys", "add", "alice", "-o", "json"]).json();
    home.run(&["keys", "add", "alice"]).fails(1, "there is a key");
    home.run(&["keys", "add", "../alice"]).fails(1, "is no name for a key");
    home.run_with("word word", &["keys", "add", "bob", "--recover"]).fails(1, "no phrase of 12 or 24");
    home.run(&["keys", "add", "bob", "--recover"]).fails(1, "nothing came on standard input");
    home.run_with("zz", &["keys", "import", "bob"]).fails(1, "64 hex digits");
    home.run(&["keys", "show", "bob"]).fails(1, "there is no key");
    home.run(&["keys", "delete", "alice"]).fails(1, "add --yes");
    home.run(&["keys", "delete", "bob", "--yes"]).fails(1, "there is no key");
    home.run(&["keys", "export", "alice"]).fails(1, "add --unsafe");
    let file = home.file("keyring-test/alice.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&["keys", "show", "alice"]).fails(1, "chmod 600");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(home.address("alice"), first["address"].as_str().unwrap());
}

#[test]
fn init_makes_a_folder_once_and_refuses_to_write_over_it() {
    let home = Home::with_chain(&["alice"]);
    for file in ["config/priv_validator_key.json", "config/node_key.json"] {
        let mode = std::fs::metadata(home.file(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let genesis = std::fs::read_to_string(home.file("config/genesis.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&genesis).unwrap();
    assert_eq!(document["chain_id"], "ballast-test-1");
    assert_eq!(document["consensus_params"]["block"]["max_bytes"], "4194304");
    assert_eq!(document["consensus_params"]["abci"]["vote_extensions_enable_height"], "1");
    assert_eq!(document["validators"].as_array().unwrap().len(), 1);
    home.run(&["init"]).fails(1, "exists already, and nothing was changed");
    assert_eq!(std::fs::read_to_string(home.file("config/genesis.json")).unwrap(), genesis);

    let app_state = home.run(&["genesis", "app-state"]).json();
    assert_eq!(app_state, document["app_state"]);
    let balances = app_state["balances"].as_array().unwrap();
    assert_eq!(balances.len(), 2);
    assert_eq!(balances[1]["address"], "module:insurance_fund");
}

#[test]
fn what_init_refuses_leaves_no_folder() {
    let address = "ballast1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqgpd5xs";
    let home = Home::empty();
    let twice = home.address_of_new_key();
    let rows = [
        (vec!["--chain-id".to_owned(), "x".repeat(51)], "chain_id"),
        (vec!["--moniker".to_owned(), String::new()], "moniker"),
        (
            vec!["--account".to_owned(), format!("{}=5uusdc", address.replace('5', "6"))],
            "an address that begins with ballast1, or the name of a key",
        ),
        (
            vec!["--account", &format!("{twice}=5uusdc"), "--account", &format!("{twice}=6uusdc")]
                .into_iter()
                .map(str::to_owned)
                .collect(),
            "is given twice",
        ),
        (vec!["--account".to_owned(), format!("{twice}=0uusdc")], "zero"),
    ];
    for (extra, words) in rows {
        let mut args = vec!["init"];
        args.extend(extra.iter().map(String::as_str));
        home.run(&args).fails(1, words);
        assert!(!home.file("config").exists(), "{extra:?}");
    }
}

#[test]
fn a_node_that_was_not_made_or_is_made_wrongly_does_not_start() {
    let empty = Home::empty();
    empty.run(&["start"]).fails(1, "make a node with `ballastd init`");
    empty.run(&["export"]).fails(1, "make a node with `ballastd init`");
    empty.run(&["genesis", "app-state"]).fails(1, "make it with `ballastd init`");
    let home = Home::with_chain(&[]);
    home.run(&["export"]).fails(1, "no state before its first");
    home.run(&["start", "--rpc", "here"]).fails(2, "HOST:PORT");
    home.run(&["start", "--block-interval", "60001"]).fails(2, "0..=60000");
    home.run(&["start", "--engine", "cometbft", "--abci", "unix://"]).fails(2, "abci.listen");
    home.run(&["start", "--engine", "cometbft", "--rpc", "ftp://x", "--grpc", "127.0.0.1:0"])
        .fails(1, "http://");

    let config = home.file("config/ballastd.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, good.replace("interval_ms", "interval")).unwrap();
    home.run(&["start"]).fails(1, "unknown field `interval`");
    std::fs::write(&config, good.replace("keep_heights = 100", "keep_heights = 1")).unwrap();
    home.run(&["start"]).fails(1, "state.keep_heights = 1 is out of bounds");
    std::fs::write(&config, &good).unwrap();

    let genesis = home.file("config/genesis.json");
    let text = std::fs::read_to_string(&genesis).unwrap();
    std::fs::write(&genesis, text.replace("\"price_max_age_seconds\"", "\"price_age\"")).unwrap();
    home.run(&["start"]).fails(1, "price_age");
    std::fs::write(&genesis, &text).unwrap();
    std::fs::remove_file(home.file("config/priv_validator_key.json")).unwrap();
    home.run(&["start", "--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]).fails(1, "priv_validator_key.json");
}

#[test]
fn a_node_that_does_not_answer_is_exit_code_75() {
    let home = Home::empty();
    home.run(&["keys", "add", "alice"]);
    for args in [
        vec!["query", "prices", "--node", "http://127.0.0.1:1"],
        vec!["tx", "deposit", "5", "--from", "alice", "--node", "127.0.0.1:1"],
    ] {
        home.run(&args).fails(75, "cannot reach the node");
    }
    home.run(&["query", "prices", "--node", "ftp://127.0.0.1:1"]).fails(1, "http://HOST:PORT");
    home.run(&["tx", "deposit", "5", "--from", "bob"]).fails(1, "there is no key \"bob\"");
}

#[test]
fn without_a_home_there_is_the_users_folder() {
    // Nothing is written: the folder of the user's home is only named.
    let ran = run_with("", &["keys", "show", "surely-not-there"]);
    ran.fails(1, ".ballast");
}

impl Home {
    /// An address that is nobody's here.
    fn address_of_new_key(&self) -> String {
        let elsewhere = Home::empty();
        elsewhere.run(&["keys", "add", "someone", "-o", "json"]).json()["address"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
