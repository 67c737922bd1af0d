//! `ballastd devnet` as people run it: the program, its folder, and the line of JSON that it ends with.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn devnet(options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
    command.args(["devnet", "--fast", "--rpc-port", "0", "--grpc-port", "0"]).args(options);
    command.output().expect("the program runs")
}

/// A devnet in a folder of its own; its line of JSON.
fn report(options: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("chain");
    let output = devnet(&[options, &["--home", home.to_str().unwrap()]].concat());
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert_eq!(said.lines().count(), 1, "standard output holds more than a line: {said}");
    println!("{}", said.trim_end());
    serde_json::from_str(&said).expect("a line of JSON")
}

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} is missing: {report}"))
}

#[test]
fn a_seed_gives_the_same_chain_twice_and_every_law_holds() {
    let options = ["--blocks", "40", "--seed", "1"];
    let (mut first, mut second) = (report(&options), report(&options));
    assert_eq!(number(&first, "height"), 40);
    assert_eq!(first["app_hash"].as_str().unwrap().len(), 64);
    assert!(number(&first, "fills") > 0 && number(&first, "transactions") > number(&first, "fills") / 10);
    assert!(number(&first, "invariants_checked") > 0);
    assert_eq!(number(&first, "invariants_failed"), 0);
    for report in [&mut first, &mut second] {
        report["seconds"] = Value::Null;
    }
    assert_eq!(first, second);
    let mut other = report(&["--blocks", "40", "--seed", "2"]);
    other["seconds"] = Value::Null;
    assert_ne!(first["app_hash"], other["app_hash"]);
}

#[test]
fn a_crash_liquidates_uses_the_insurance_fund_and_reaches_deleveraging() {
    // Blocks two seconds apart: the crash comes early, and each of its blocks falls deeper.
    let options = ["--blocks", "80", "--seed", "1", "--scenario", "crash", "--block-ms", "2000"];
    let report = report(&options);
    assert!(number(&report, "liquidations") >= 20, "{report}");
    assert!(number(&report, "insurance_paid") > 0, "{report}");
    assert!(number(&report, "deleveragings") > 0, "{report}");
    assert!(number(&report, "funding_payments") > 0, "{report}");
    assert_eq!(number(&report, "invariants_failed"), 0);
}

#[test]
fn recorded_prices_stay_within_what_fresh_venues_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/crash_2025-10-10_trades");
    if !folder.is_dir() {
        println!("skipped: data absent");
        return;
    }
    let options = ["--replay", folder.to_str().unwrap(), "--replay-from", "21:12", "--blocks", "120"];
    let report = report(&[&options[..], &["--speed", "5", "--seed", "1"]].concat());
    assert!(number(&report, "oracle_checks") >= 500, "{report}");
    assert_eq!(number(&report, "prices_outside_span"), 0, "{report}");
    assert!(number(&report, "liquidations") > 0, "{report}");
    assert_eq!(number(&report, "invariants_failed"), 0);
}

#[test]
fn a_bare_chain_has_no_traders_and_tells_the_phrases_of_its_accounts() {
    let output = devnet(&["--blocks", "3", "--no-bots"]);
    let told = String::from_utf8(output.stderr).unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((number(&line, "height"), number(&line, "transactions")), (3, 0));
    let alice = told.lines().find(|line| line.starts_with("alice ballast1")).expect("alice is told of");
    let words: Vec<_> = alice.split(' ').collect();
    assert_eq!(words.len(), 2 + 24);
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter"), "dear").unwrap();
    let output = devnet(&["--blocks", "1", "--home", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
