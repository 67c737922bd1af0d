//! Recorded trades, from files made here.

use std::path::Path;

use feeder::{Listed, Prices, Replay, ReplayError, Window};

const SECOND: i64 = 1_000_000;
/// 2025-10-10.
const DAY: i64 = 1_760_054_400 * SECOND;

fn listed() -> Vec<Listed> {
    let market = |market, ticker: &str| Listed { market, ticker: ticker.into(), exponent: -3, price: 1 };
    vec![market(7, "AVAX-USD"), market(12, "DOT-USD")]
}

/// A file of (seconds after midnight, price).
fn write(folder: &Path, name: &str, trades: &[(i64, &str)]) {
    let mut text = String::from("timestamp,side,price,amount\n");
    for (second, price) in trades {
        text.push_str(&format!("{},buy,{price},0.5\n", DAY + second * SECOND));
    }
    let compressed = name.ends_with(".zst");
    let bytes = if compressed { compress(text.as_bytes()) } else { text.into_bytes() };
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn open(folder: &Path) -> Result<Replay, ReplayError> {
    Replay::open(folder, &listed(), Window { from: 100, to: 400 })
}

fn prices(rows: &[(u32, u64)]) -> Prices {
    rows.iter().copied().collect()
}

#[test]
fn each_venue_says_its_last_trade_while_it_is_younger_than_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "alpha__AVAX-USD.csv", &[(10, "17.5"), (90, "18.001"), (150, "19"), (150, "20")]);
    write(folder, "alpha__DOT-USD.csv.zst", &[(30, "4.0786"), (260, "4.1")]);
    write(folder, "beta__AVAXUSD_PERP.csv.zst", &[(161, "6.02")]);
    write(folder, "beta__NOPEUSD.csv", &[(1, "1")]);
    std::fs::write(folder.join("README.md"), "no trades").unwrap();
    let mut replay = open(folder).unwrap();
    assert_eq!(replay.venues().collect::<Vec<_>>(), ["alpha", "beta"]);
    assert_eq!((replay.markets(1), replay.markets(2)), (vec![7, 12], vec![7]));
    assert_eq!((replay.begin(), replay.end()), (DAY + 100 * SECOND, DAY + 400 * SECOND));
    assert_eq!((replay.prices(0), replay.prices(1)), (prices(&[(7, 18_001)]), prices(&[])));
    for (second, alpha, beta) in [
        (149, vec![(7, 18_001)], vec![]),
        (150, vec![(7, 20_000)], vec![]),
        (209, vec![(7, 20_000)], vec![(7, 6_020)]),
        (210, vec![], vec![(7, 6_020)]),
        (221, vec![], vec![]),
        (260, vec![(12, 4_100)], vec![]),
    ] {
        replay.advance(DAY + second * SECOND).unwrap();
        assert_eq!((replay.prices(0), replay.prices(1)), (prices(&alpha), prices(&beta)), "second {second}");
    }
    assert_eq!(replay.last(7), [Some(20_000), Some(6_020)]);
    assert_eq!(replay.prices(2), Prices::new());
}

#[test]
fn the_span_is_that_of_fresh_venues_only() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a__DOT-USD.csv", &[(95, "4")]);
    write(folder.path(), "b__DOTUSD.csv", &[(120, "2.5")]);
    write(folder.path(), "c__DOTUSDT.csv", &[(130, "3")]);
    let mut replay = open(folder.path()).unwrap();
    replay.advance(DAY + 140 * SECOND).unwrap();
    let span = replay.spans()[&12];
    assert_eq!((span.low, span.high, span.venues), (2_500, 4_000, 3));
    replay.advance(DAY + 160 * SECOND).unwrap();
    let span = replay.spans()[&12];
    assert_eq!((span.low, span.high, span.venues), (2_500, 3_000, 2));
}

#[test]
fn a_file_that_breaks_falls_silent_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a__DOT-USD.csv", &[(95, "4"), (110, "oops"), (111, "5")]);
    write(folder.path(), "b__DOTUSD.csv", &[(120, "2.5")]);
    let error = open(folder.path()).err().map(|error| error.to_string()).unwrap();
    assert!(error.contains("line 3: no price"), "{error}");
    write(folder.path(), "a__DOT-USD.csv", &[(95, "4"), (130, "4.5"), (110, "5"), (140, "6")]);
    let mut replay = open(folder.path()).unwrap();
    let error = replay.advance(DAY + 135 * SECOND).unwrap_err().to_string();
    assert!(error.contains("line 4: earlier than the line before"), "{error}");
    replay.advance(DAY + 150 * SECOND).unwrap();
    assert_eq!(replay.last(12), [Some(4_500), Some(2_500)]);
}

#[test]
fn what_is_no_recording_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(open(folder.path()), Err(ReplayError::Nothing(_))));
    assert!(matches!(open(&folder.path().join("nowhere")), Err(ReplayError::Folder { .. })));
    let file = folder.path().join("a__DOT-USD.csv");
    for (content, reason) in [
        (String::new(), "it is empty"),
        ("time,price\n1,2\n".into(), "no columns"),
        ("timestamp,price\nx,2\n".into(), "no time"),
        ("timestamp,price\n5\n".into(), "no price"),
        (format!("timestamp,price\n5,{}\n", "1".repeat(5_000)), "longer than"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = open(folder.path()).err().map(|error| error.to_string()).unwrap();
        assert!(error.contains(reason), "{error}");
    }
    std::fs::rename(&file, folder.path().join("a__DOT-USD.csv.zst")).unwrap();
    assert!(matches!(open(folder.path()), Err(ReplayError::Track(_))));
}
