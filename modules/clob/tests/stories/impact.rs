//! Impact prices and the premiums that follow from them: vectors P1 to P11.

use clob::{impact, Books, Grid, Order, Side, Size};
use num::{QuoteQuantums, Ratio, Round, Subticks};

use crate::world::{account, order, BTC};

/// Ten-thousandths of a dollar in subticks, for a market whose coin is 10^10 base quantums.
const TICK: u64 = 1;
/// Base quantums of a tenth of a coin.
const TENTH: u64 = 1_000_000_000;

fn books(asks: &[(u64, u64)], bids: &[(u64, u64)]) -> Books {
    let mut books = Books::default();
    books.open(BTC, Grid { subticks_per_tick: 1, quantum_conversion_exponent: -8 });
    for (side, levels) in [(Side::Sell, asks), (Side::Buy, bids)] {
        for (tenths, price) in levels {
            let client_id = u32::try_from(books.len()).unwrap();
            let order: Order = order(account(1), client_id, side, tenths * TENTH, price * TICK);
            books.place(&order, Size::new(tenths * TENTH));
        }
    }
    books
}

/// Ten-thousandths of dollars as subticks: 10,001 dollars are 100,010,000.
fn dollars(tenthousandths: u64) -> u64 {
    tenthousandths
}

fn premium(books: &Books, notional: i128, index: u64, clamp: i128) -> i128 {
    let prices = impact(books, BTC, QuoteQuantums::new(notional * 1_000_000));
    let index = Ratio::new(i128::from(index), 1_i128).unwrap();
    let below = prices.bid.filter(|bid| index.compare(bid) == Some(core::cmp::Ordering::Less));
    let above = prices.ask.filter(|ask| index.compare(ask) == Some(core::cmp::Ordering::Greater));
    let Some(beyond) = below.or(above) else { return 0 };
    let ppm = beyond.sub(index).and_then(|gap| gap.div(index));
    let ppm = ppm.and_then(|share| share.mul(Ratio::new(1_000_000_i128, 1_i128)?));
    ppm.unwrap().to_integer(Round::Trunc).unwrap().clamp(-clamp, clamp)
}

#[test]
fn premiums_equal_the_vectors() {
    let full = 1_000_000;
    let p1 = books(&[(10, dollars(100_010_000))], &[(10, dollars(99_990_000))]);
    assert_eq!(premium(&p1, 5_000, 100_000_000, full), 0, "P1");
    let asks = [(1, 100_010_000), (1, 100_015_000), (10, 100_020_000)];
    let p3 = books(&asks, &[(10, 99_990_000)]);
    assert_eq!(premium(&p3, 5_000, 100_030_000, full), -129, "P3");
    let p5 = books(&[(10, 100_010_000)], &[(10, 99_999_000)]);
    assert_eq!(premium(&p5, 5_000, 99_975_000, full), 240, "P5");
    assert_eq!(premium(&p5, 5_000, 60_000_000, 100_000), 100_000, "P7");
    assert_eq!(premium(&p5, 5_000, 150_000_000, 100_000), -100_000, "P7");
    let p9 = books(&[(10, 100_001_000)], &[(1, 99_998_000)]);
    assert_eq!(premium(&p9, 5_000, 100_010_000, 100_000), -89, "P9");
}

#[test]
fn p11_impact_prices_need_enough_behind_them() {
    let books = books(&[(10, 500_000_000), (10, 500_010_000)], &[]);
    let ask = |dollars: i128| impact(&books, BTC, QuoteQuantums::new(dollars * 1_000_000)).ask;
    let at = |price: i128| Ratio::new(price, 1_i128);
    let same = |a: Option<Ratio>, b: Option<Ratio>| {
        a.unwrap().compare(&b.unwrap()) == Some(core::cmp::Ordering::Equal)
    };
    assert!(same(ask(10_000), at(500_000_000)));
    assert!(same(ask(50_000), at(500_000_000)));
    assert_eq!(ask(300_000), None);
    assert!(ask(100_001).is_some());
    assert_eq!(ask(100_002), None);
    assert_eq!(impact(&books, BTC, QuoteQuantums::new(1)).bid, None);
    assert!(same(ask(0), at(500_000_000)));
    let best = books.best_price(BTC, Side::Sell);
    assert_eq!(best, Some(Subticks::new(500_000_000)));
}
