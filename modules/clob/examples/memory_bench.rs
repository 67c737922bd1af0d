//! Goal G19: bytes that a resting order takes in the books with everything that leads to it.
//! `cargo run --release --example memory_bench`.
//!
//! Counted are all bytes that the allocator gave the books: records, id index, levels and ladders, traders and
//! holders, calendar, lists of changes, journal. Orders rest in 300 markets, half short-term and half good til a
//! time, of subaccounts with four orders in a market on average, at distances from the touch as the workloads have
//! them; then on sparse levels, then of subaccounts with one order in a market too, the worst case. And what an
//! order that waits for a price takes. The last line is JSON.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]
#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "rates are for people to read")]
#![expect(clippy::integer_division, reason = "a tool deals out numbers")]

use std::alloc::System;

use clob::{
    Books, Direction, GoodTil, Grid, Kind, Order, OrderId, SelfTrade, Side, Size, TimeInForce, Trigger,
};
use num::Subticks;
use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use store::Journaled;
use types::{Address, MarketId, SubaccountId};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MARKETS: u32 = 300;
const BLOCK: u32 = 10_000;

fn live() -> f64 {
    let stats = ALLOCATOR.stats();
    (stats.bytes_allocated - stats.bytes_deallocated) as f64
}

fn spread(number: u32, salt: u64) -> u64 {
    let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (salt << 32));
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

fn id(number: u32, accounts: u32, kind: Kind) -> OrderId {
    let market = number % MARKETS;
    let mut bytes = [0; 20];
    let owner = (spread(number, 1) % u64::from(accounts)) as u32;
    bytes[..4].copy_from_slice(&owner.to_be_bytes());
    let subaccount = SubaccountId { owner: Address::new(bytes), number: 0 };
    OrderId { subaccount, market: MarketId(market), kind, client_id: number }
}

/// Ticks from the touch: 1 and a geometric number with mean 8, one in twenty uniform to 400. Sparse: uniform to
/// 1,600, which leaves hardly two orders on a level.
fn distance(number: u32, sparse: bool) -> u64 {
    let draw = spread(number, 3);
    if sparse {
        return 1 + draw % 1_600;
    }
    if draw.is_multiple_of(20) {
        return 1 + draw / 20 % 400;
    }
    let share = ((draw / 20 % 1_000_003) as f64 + 0.5) / 1_000_003.0;
    1 + (share.ln() / (8.0_f64 / 9.0).ln()) as u64
}

fn order(number: u32, accounts: u32, sparse: bool) -> Order {
    let short = (number / MARKETS).is_multiple_of(2);
    let kind = if short { Kind::ShortTerm } else { Kind::LongTerm };
    let good_til = if short {
        GoodTil::Block(1 + (spread(number, 2) % 40) as u32)
    } else {
        GoodTil::Time(1_700_000_000 + (spread(number, 2) % 8_000_000) as u32)
    };
    let side = if number / MARKETS % 4 < 2 { Side::Buy } else { Side::Sell };
    let distance = distance(number, sparse);
    let price = if side == Side::Buy { 100_000 - distance } else { 100_000 + distance };
    Order {
        id: id(number, accounts, kind),
        side,
        price: Subticks::new(price * 10),
        size: Size::new(1_000),
        good_til,
        time_in_force: TimeInForce::Rest,
        reduce_only: false,
        self_trade: SelfTrade::default(),
        client_metadata: 0,
        condition: None,
        builder: None,
        twap: None,
    }
}

/// Bytes for each of `count` orders.
fn resting(count: u32, accounts: u32, sparse: bool) -> f64 {
    let before = live();
    let mut books = Books::default();
    for market in 0..MARKETS {
        books.open(MarketId(market), Grid { subticks_per_tick: 10, quantum_conversion_exponent: 0 });
    }
    for number in 0..count {
        let order = order(number, accounts, sparse);
        books.savepoint();
        books.place(&order, order.size);
        books.release();
        if number % BLOCK == BLOCK - 1 {
            books.forget_changes();
        }
    }
    books.forget_changes();
    let bytes = (live() - before) / f64::from(count);
    let levels: usize = (0..MARKETS)
        .flat_map(|market| [Side::Buy, Side::Sell].map(|side| books.levels(MarketId(market), side).count()))
        .sum();
    println!(
        "{count:>9} resting orders of {accounts} subaccounts in 300 markets on {levels} levels: \
         {bytes:.1} bytes each"
    );
    bytes
}

/// Bytes for each of `count` triggers.
fn waiting(count: u32) -> f64 {
    let before = live();
    let mut books = Books::default();
    for number in 0..count {
        let direction =
            if (number / MARKETS).is_multiple_of(2) { Direction::AtOrBelow } else { Direction::AtOrAbove };
        books.arm(&Trigger {
            id: id(number, 100_000, Kind::Conditional),
            direction,
            price: Subticks::new(spread(number, 4) % 8_000 * 10),
            sequence: number.into(),
            until: 1_700_000_000 + (spread(number, 2) % 8_000_000) as u32,
        });
    }
    let bytes = (live() - before) / f64::from(count);
    println!("{count:>9} triggers in 300 markets: {bytes:.1} bytes each");
    bytes
}

fn main() {
    let [one, two] = [1_000_000, 2_000_000].map(|count| resting(count, count / MARKETS / 4, false));
    let sparse = resting(2_000_000, 2_000_000 / MARKETS / 4, true);
    let worst = resting(2_000_000, 100_000, true);
    let trigger = waiting(1_000_000);
    println!(
        "{{\"goal\":\"G19\",\"bytes_at_1m\":{one:.1},\"bytes_at_2m\":{two:.1},\
         \"bytes_sparse\":{sparse:.1},\"bytes_worst\":{worst:.1},\"bytes_trigger\":{trigger:.1}}}"
    );
}
