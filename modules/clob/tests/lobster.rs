//! The recorded day through the books, when the recording is there.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]

mod lobster_replay;

use std::path::PathBuf;

use lobster_replay::{replay, text, Report};

#[test]
fn a_day_of_nasdaq_orders_leaves_the_recorded_book_after_every_message() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../../../shared/data/lobster_nasdaq_2012-06-21");
    let file = |what: &str| folder.join(format!("GOOG_2012-06-21_34200000_57600000_{what}_10.csv.zst"));
    if !file("message").exists() {
        println!("skipped: data absent");
        return;
    }
    let report = replay(&text(&file("message")).unwrap(), &text(&file("orderbook")).unwrap()).unwrap();
    let expected = Report {
        rows: 147_916,
        rows_equal: 147_916,
        named: 6_949,
        named_matched: 6_944,
        anonymous: 815,
        anonymous_matched: 815,
        off_best: 0,
        shares: 492_509,
    };
    assert_eq!(report, expected);
}
