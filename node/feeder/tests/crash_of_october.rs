//! The recorded crash of 10 October 2025, second by second, against figures that were computed from the same
//! files by another program. Skipped where the recordings are not beside the repository.

use std::path::Path;

use feeder::{median, Listed, Prices, Replay, Window};

const SECOND: i64 = 1_000_000;
/// Units of a price in this test: a ten-thousandth of a cent, so that averages of two are exact.
const EXPONENT: i32 = -6;

/// Coin; lowest last price on coin-margined perpetual, Coinbase and Gemini; lowest median of three; lowest
/// median over fresh venues when there are two; seconds without three fresh venues.
type Row = (&'static str, [f64; 3], f64, f64, u32);

const ROWS: [Row; 5] = [
    ("AAVE", [65.63, 128.0, 178.3416], 128.0, 101.595, 1_739),
    ("AVAX", [6.02, 17.0, 20.883], 17.0, 11.795, 788),
    ("BCH", [462.16, 478.12, 500.05], 478.12, 478.12, 2_667),
    ("DOT", [0.696, 2.86, 3.0392], 2.86, 2.049, 937),
    ("UNI", [2.0, 5.0, 4.95], 4.95, 3.608, 1_262),
];

#[derive(Clone, Debug)]
struct Seen {
    venues: [u64; 3],
    of_three: u64,
    of_fresh: u64,
    too_few: u32,
}

fn units(usd: f64) -> u64 {
    (usd * 1e6).round() as u64
}

fn look(replay: &Replay, market: u32, seen: &mut Seen) {
    let last: Vec<u64> = replay.last(market).into_iter().flatten().collect();
    assert_eq!(last.len(), 3, "a venue has not traded market {market} yet");
    for (lowest, price) in seen.venues.iter_mut().zip(&last) {
        *lowest = price.min(lowest).to_owned();
    }
    let alone = |price: &u64| Prices::from([(market, *price)]);
    let last: Vec<Prices> = last.iter().map(alone).collect();
    seen.of_three = seen.of_three.min(median(&last, 3)[&market]);
    let fresh: Vec<Prices> = (0..3).map(|venue| replay.prices(venue)).collect();
    if let Some(price) = median(&fresh, 2).get(&market) {
        seen.of_fresh = seen.of_fresh.min(*price);
    }
    seen.too_few += u32::from(!median(&fresh, 3).contains_key(&market));
}

#[test]
fn medians_of_the_recorded_crash_are_those_of_the_reference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/crash_2025-10-10_trades");
    if !folder.is_dir() {
        println!("skipped: data absent");
        return;
    }
    let listed = (0..).zip(ROWS).map(|(market, row)| Listed {
        market,
        ticker: format!("{}-USD", row.0),
        exponent: EXPONENT,
        price: 1,
    });
    let listed: Vec<Listed> = listed.collect();
    let mut replay = Replay::open(&folder, &listed, Window::default()).unwrap();
    assert_eq!(replay.venues().collect::<Vec<_>>(), ["binance-delivery", "coinbase", "gemini"]);
    let nothing = Seen { venues: [u64::MAX; 3], of_three: u64::MAX, of_fresh: u64::MAX, too_few: 0 };
    let mut seen = vec![nothing; ROWS.len()];
    let mut seconds = 0;
    let mut time = replay.begin();
    while time <= replay.end() {
        replay.advance(time).unwrap();
        for (market, seen) in (0..).zip(&mut seen) {
            look(&replay, market, seen);
        }
        seconds += 1;
        time += SECOND;
    }
    assert_eq!(seconds, 4_801);
    for ((coin, venues, of_three, of_fresh, too_few), seen) in ROWS.into_iter().zip(seen) {
        println!("{coin}: {seen:?}");
        assert_eq!(seen.venues, venues.map(units), "{coin}: lowest last prices");
        assert_eq!(seen.of_three, units(of_three), "{coin}: lowest median of three");
        assert_eq!(seen.of_fresh, units(of_fresh), "{coin}: lowest median of fresh venues");
        assert_eq!(seen.too_few, too_few, "{coin}: seconds without three fresh venues");
    }
}
