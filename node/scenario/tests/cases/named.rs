//! Every case has a test of its name somewhere in this repository, or a reason why it has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Families of cases, and how many each has.
const FAMILIES: [(&str, u32); 6] =
    [("ord", 25), ("mar", 22), ("tx", 28), ("liq", 22), ("orc", 25), ("abci", 50)];

/// Cases of the network that are held to; the others are the engine's or wait for the public gateway.
const NET: [&str; 7] = ["net_01", "net_02", "net_09", "net_12", "net_14", "net_19", "net_22"];

/// Cases that cannot happen here, and why.
const NONE: [(&str, &str); 8] = [
    ("mar_17", "there is one collateral, worth what it is: no weights, no freezing, no other decimals"),
    ("mar_18", "the collateral is the unit of account; no feed prices it"),
    ("tx_16", "no transaction changes the validators: they are those of the genesis"),
    ("tx_25", "gas is a fixed sum for a kind of message; work is bounded by number, benchmarks measure it"),
    ("liq_21", "collateral comes and goes by the bank alone; there is no other chain to be refunded by"),
    ("orc_18", "exponents and pairs are those of the genesis: no message changes one or takes a market away"),
    ("orc_25", "extensions are not compressed: nothing that is read is ever larger than what came"),
    ("abci_40", "events are values of a block's answer: nothing that a block runs writes to a sink"),
];

/// Cases that have no test yet: what is missing. A line is to go when its test comes.
const MISSING: &[(&str, &str)] = &[];

/// Whether `name` is that of a case, `abci_05`.
fn is_case(name: &str) -> bool {
    name.split_once('_').is_some_and(|(family, number)| {
        let known = family == "net" || FAMILIES.iter().any(|(known, _)| *known == family);
        known && number.len() == 2 && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// The cases that the name of a test begins with: `tx_04_tx_06_something` is of two.
fn cases(test: &str) -> Vec<String> {
    let words: Vec<&str> = test.split('_').collect();
    let pairs = words.chunks(2).map(|pair| pair.join("_"));
    pairs.take_while(|pair| is_case(pair)).collect()
}

fn tests(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| line.trim().trim_start_matches("async "));
            for name in lines.filter_map(|line| line.strip_prefix("fn ")) {
                let name: String = name.chars().take_while(|letter| *letter != '(').collect();
                for case in cases(&name) {
                    found.entry(case).or_default().push(name.clone());
                }
            }
        }
    }
}

#[test]
fn every_case_has_a_test_of_its_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeMap::new();
    tests(&root.join("modules"), &mut found);
    tests(&root.join("node"), &mut found);
    let numbered =
        FAMILIES.iter().flat_map(|(name, last)| (1..=*last).map(move |at| format!("{name}_{at:02}")));
    let all: BTreeSet<String> = numbered.chain(NET.map(String::from)).collect();
    let (mut missing, mut tested, mut reasons) = (Vec::new(), 0, 0);
    for case in &all {
        let of = |list: &[(&str, &'static str)]| {
            list.iter().find(|(none, _)| none == case).map(|(_, reason)| *reason)
        };
        match (found.get(case), of(&NONE), of(MISSING)) {
            (Some(names), None, None) => println!("{case}: {}", names.join(", ")),
            (Some(_), None, Some(_)) => panic!("{case} has a test: its line in MISSING is to go"),
            (None, Some(reason), None) => println!("{case}: not here: {reason}"),
            (None, None, Some(reason)) => println!("{case}: not yet: {reason}"),
            (Some(_), Some(_), _) => panic!("{case} has a test and a reason to have none"),
            (None, Some(_), Some(_)) => panic!("{case} has two reasons"),
            (None, None, None) => missing.push(case),
        }
        tested += u32::from(found.contains_key(case));
        reasons += u32::from(!found.contains_key(case));
    }
    println!("{} cases: {tested} with a test, {reasons} with a reason", all.len());
    assert_eq!(missing, Vec::<&String>::new());
    for (case, reason) in NONE.iter().chain(MISSING) {
        assert!(all.contains(*case) && !reason.is_empty(), "{case} is no case");
    }
    let strange: Vec<_> =
        found.keys().filter(|case| !all.contains(*case) && !case.starts_with("net")).collect();
    assert_eq!(strange, Vec::<&String>::new(), "tests of cases that there are not");
}

#[test]
fn the_cases_of_a_test_are_those_that_its_name_begins_with() {
    assert_eq!(cases("abci_05_what_tx_06_says"), ["abci_05"]);
    assert_eq!(cases("tx_04_tx_06_twice"), ["tx_04", "tx_06"]);
    assert_eq!(cases("run_01_once"), Vec::<String>::new());
    assert_eq!(cases("net_1_short"), Vec::<String>::new());
}
