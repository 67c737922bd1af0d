//! Sources that are stale, frozen, or whose clocks are wrong.

use feeder::{median, Limits, Prices, Quote, Unfit, Watch};

const SECOND: i64 = 1_000_000;

fn quote(seconds: i64, price: u64) -> Quote {
    Quote { time: seconds * SECOND, price }
}

fn note(watch: &mut Watch, now: i64, quote: Quote) {
    watch.note(7, quote, now * SECOND);
}

fn at(watch: &Watch, seconds: i64) -> Result<u64, Unfit> {
    watch.price(7, seconds * SECOND)
}

#[test]
fn orc_06_age_is_that_of_the_source_whenever_a_quote_came_and_a_clock_ahead_gives_no_price() {
    let mut watch = Watch::new(Limits::default());
    assert_eq!(at(&watch, 100), Err(Unfit::Missing));
    note(&mut watch, 100, quote(100, 5));
    assert_eq!((at(&watch, 100), at(&watch, 159), at(&watch, 160)), (Ok(5), Ok(5), Err(Unfit::Old)));
    // The same quote again, and an older one, at second 160: neither makes it younger.
    note(&mut watch, 160, quote(100, 5));
    note(&mut watch, 160, quote(99, 6));
    assert_eq!(at(&watch, 160), Err(Unfit::Old));
    assert_eq!(watch.last(7), Some(quote(100, 5)));
    // A clock that is ahead, by as much as clocks may differ and by more.
    note(&mut watch, 199, quote(205, 8));
    assert_eq!((at(&watch, 199), at(&watch, 200)), (Err(Unfit::Ahead), Ok(8)));
    note(&mut watch, 206, quote(206, 0));
    assert_eq!(at(&watch, 206), Err(Unfit::Zero));
}

#[test]
fn orc_06_one_time_from_the_future_silences_a_source_only_until_it_says_a_right_one() {
    let mut watch = Watch::new(Limits::default());
    note(&mut watch, 100, quote(100, 5));
    note(&mut watch, 101, quote(1_000_000, 6));
    assert_eq!(at(&watch, 101), Err(Unfit::Ahead));
    note(&mut watch, 102, quote(102, 6));
    assert_eq!(at(&watch, 102), Ok(6));
    // Nor does the wrong time make its price young for ever, or old at once.
    for second in 103..=702 {
        note(&mut watch, second, quote(second, 6));
        assert_eq!(at(&watch, second), Ok(6), "second {second}");
    }
    note(&mut watch, 703, quote(703, 6));
    assert_eq!(at(&watch, 703), Err(Unfit::Frozen));
}

#[test]
fn orc_06_a_price_that_never_moves_is_frozen_however_new_its_times_and_one_tick_thaws_it() {
    let mut watch = Watch::new(Limits::default());
    for second in 0..=1_200 {
        note(&mut watch, second, quote(second, 5));
        let expected = if second <= 600 { Ok(5) } else { Err(Unfit::Frozen) };
        assert_eq!(at(&watch, second), expected, "second {second}");
    }
    note(&mut watch, 1_201, quote(1_201, 6));
    assert_eq!(at(&watch, 1_201), Ok(6));
    note(&mut watch, 1_202, quote(1_202, 5));
    assert_eq!(at(&watch, 1_202), Ok(5), "it moved");
}

#[test]
fn orc_05_orc_06_of_three_sources_two_of_which_are_stale_or_frozen_there_is_no_price() {
    let mut watches = [0; 3].map(|_| Watch::new(Limits::default()));
    let mut with_price = 0;
    for second in 0..2_000 {
        for (number, watch) in watches.iter_mut().enumerate() {
            // The first moves, the second is frozen from 500 on, the third stops at 1,500.
            let stopped = number == 2 && second > 1_500;
            let price = if number == 1 { second.min(500) } else { second };
            if !stopped {
                note(watch, second, quote(second, 1_000 + u64::try_from(price).unwrap()));
            }
        }
        let said = watches.each_ref().map(|watch| {
            at(watch, second).map_or_else(|_| Prices::new(), |price| Prices::from([(7, price)]))
        });
        let price = median(&said, 2).get(&7).copied();
        // Two of three are good until the third is a minute old.
        assert_eq!(price.is_some(), second < 1_560, "second {second}");
        with_price += i64::from(price.is_some());
        if second > 1_100 && second < 1_560 {
            let now = 1_000 + u64::try_from(second).unwrap();
            assert!(price.is_some_and(|price| now - price <= 60), "the frozen one has no say");
        }
    }
    assert_eq!(with_price, 1_560);
}
