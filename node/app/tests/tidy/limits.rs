//! The table of limits against the configuration and the constants.

use std::collections::BTreeMap;

use crate::judge;
use crate::tree::{files, root, without_tests};

/// Crates whose limits are an operator's matter.
const OUTER: [&str; 6] = ["abci", "solo", "server", "client", "host", "feeder"];

/// Where a limit is set -> its default, as the document has it.
fn table() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("\n## Limits\n").nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    let rows = section.lines().filter(|line| line.starts_with('|') && line.contains('`'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let number = cells[3].replace(',', "").parse().unwrap_or_else(|_| panic!("{row}: no number"));
        (cells[2].trim_matches('`').to_owned(), number)
    })
    .collect()
}

/// Keys of the configuration with a number -> their defaults.
fn keys() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(root().join("node/ballastd/src/ballastd.toml")).unwrap();
    let (mut section, mut keys) = (String::new(), BTreeMap::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = line.split_once(" = ") {
            if let Ok(number) = value.parse() {
                keys.insert(format!("{section}.{key}"), number);
            }
        }
    }
    keys
}

/// What `4 << 20` or `1_024` is.
fn number(text: &str) -> Option<u64> {
    let parse = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    match text.split_once("<<") {
        Some((base, shift)) => Some(parse(base)? << parse(shift)?),
        None => parse(text),
    }
}

/// Constants with a number, `path NAME` -> value.
fn constants() -> BTreeMap<String, u64> {
    let mut constants = BTreeMap::new();
    for file in files().iter().filter(|file| file.path.starts_with("node/") && file.path.ends_with(".rs")) {
        for (_, line) in without_tests(file.text()).0 {
            let Some((_, rest)) = line.split_once("const ") else { continue };
            let Some((name, rest)) = rest.split_once(": ") else { continue };
            let value = rest.split_once(" = ").and_then(|(_, value)| number(value.trim_end_matches(';')));
            if let Some(value) = value {
                constants.insert(format!("{} {name}", file.path), value);
            }
        }
    }
    constants
}

#[test]
fn every_limit_stands_in_the_table_with_its_default() {
    let (table, keys, constants) = (table(), keys(), constants());
    let mut wrong = Vec::new();
    for (place, told) in &table {
        match keys.get(place).or_else(|| constants.get(place)) {
            None => wrong.push(format!("{place} is no key and no constant")),
            Some(is) if is != told => wrong.push(format!("{place} is {is}, not {told}")),
            Some(_) => {}
        }
    }
    let bound =
        |key: &&String| ["max_", "keep"].iter().any(|word| key.rsplit('.').next().unwrap().starts_with(word));
    let missing_keys = keys.keys().filter(bound).filter(|key| !table.contains_key(*key));
    wrong.extend(missing_keys.map(|key| format!("{key} is not in the table")));
    let outer = |place: &&String| {
        let of = |name: &&str| place.starts_with(&format!("node/{name}/src/"));
        OUTER.iter().any(of) && ["MAX_", "MOST_"].iter().any(|word| place.contains(&format!(" {word}")))
    };
    let missing = constants.keys().filter(outer).filter(|place| !table.contains_key(*place));
    wrong.extend(missing.map(|place| format!("{place} is not in the table")));
    judge("limits", table.len(), &wrong);
    assert!(keys.len() > 20 && constants.len() > 30, "{} keys, {} constants", keys.len(), constants.len());
}

#[test]
fn numbers_are_read_as_they_are_written() {
    assert_eq!(
        (number("1_024"), number("128 << 20"), number("DEFAULT")),
        (Some(1_024), Some(134_217_728), None)
    );
}
