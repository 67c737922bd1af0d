//! Every case has a test of its name somewhere in this repository, or a reason why it has none.

use std::collections::BTreeMap;
use std::path::Path;

/// Cases that cannot happen here, and why.
const NONE: [(&str, &str); 2] = [
    ("mar_17", "there is one collateral, worth what it is: no weights, no freezing, no other decimals"),
    ("mar_18", "the collateral is the unit of account; no feed prices it"),
];

fn tests(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| line.trim().strip_prefix("fn "));
            for name in names.filter(|name| name.starts_with("ord_") || name.starts_with("mar_")) {
                let name: String = name.chars().take_while(|letter| *letter != '(').collect();
                found.entry(name.chars().take(6).collect()).or_default().push(name);
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
    let cases =
        (1..=25).map(|case| format!("ord_{case:02}")).chain((1..=22).map(|case| format!("mar_{case:02}")));
    let mut missing = Vec::new();
    for case in cases {
        let reason = NONE.iter().find(|(none, _)| *none == case).map(|(_, reason)| *reason);
        match (found.get(&case), reason) {
            (Some(names), None) => println!("{case}: {}", names.join(", ")),
            (None, Some(reason)) => println!("{case}: not here: {reason}"),
            (Some(_), Some(_)) => panic!("{case} has a test and a reason to have none"),
            (None, None) => missing.push(case),
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
