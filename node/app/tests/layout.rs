//! Every table of the chain, byte for byte: `LAYOUT.txt` beside this crate's manifest is the record, and a change
//! of it is a change of the stored state. `BALLAST_BLESS=1` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use store::Collection;

const HEADING: &str =
    "# Tables of the state: prefix, name, key -> value. Keys are big-endian, values borsh.\n";

fn text(rows: &[Collection]) -> String {
    let mut text = HEADING.to_owned();
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in rows {
        let [module, table] = row.prefix;
        writeln!(text, "{module:02x}{table:02x} {:width$}  {} -> {}", row.name, row.key, row.value).unwrap();
    }
    text
}

#[test]
fn the_layout_of_the_state_is_the_recorded_one() {
    let rows = app::layout();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("LAYOUT.txt");
    if std::env::var_os("BALLAST_BLESS").is_some() {
        fs::write(&file, text(&rows)).unwrap();
    }
    let recorded = fs::read_to_string(&file).unwrap_or_default();
    println!("{} tables", rows.len());
    assert!(rows.len() > 20, "only {} tables", rows.len());
    for (is, was) in text(&rows).lines().zip(recorded.lines()) {
        assert_eq!(
            is, was,
            "a table differs from LAYOUT.txt; if stored state may change, set BALLAST_BLESS=1"
        );
    }
    let (is, was) = (text(&rows).lines().count(), recorded.lines().count());
    assert_eq!(is, was, "tables were added to or taken from LAYOUT.txt");
}

#[test]
fn no_two_tables_share_a_prefix_or_a_name() {
    let rows = app::layout();
    assert_eq!(rows.iter().map(|row| row.prefix).collect::<BTreeSet<_>>().len(), rows.len(), "prefixes");
    assert_eq!(rows.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), rows.len(), "names");
}

#[test]
fn each_table_is_named_after_the_store_of_its_module_byte() {
    let rows = app::layout();
    for row in &rows {
        let store = app::STORES.iter().find(|(byte, _)| *byte == row.prefix[0]);
        let (_, store) = store.unwrap_or_else(|| panic!("{} has a module byte without a store", row.name));
        assert!(row.name.starts_with(&format!("{store}/")), "{} is in the store {store}", row.name);
        assert!(
            !row.key.is_empty() && !row.value.is_empty(),
            "{} says nothing of its key or value",
            row.name
        );
    }
    let used: BTreeSet<_> = rows.iter().map(|row| row.prefix[0]).collect();
    for (byte, store) in app::STORES {
        assert!(used.contains(byte), "the store {store} has no table");
    }
}
