//! A block that closes accounts: nobody's position grows or turns round, nothing is lost, and whoever takes the
//! other side does so at the price that exact fractions give.

use std::collections::{BTreeMap, BTreeSet};

use clob::Side;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use types::{MarketId, SubaccountId, Told, Value};

use crate::input::Input;
use crate::money::big;
use world::{account, World, BTC, DOLLAR, ETH, REST, SOL};

#[path = "../../../modules/liquidations/tests/liquidations/world.rs"]
#[expect(dead_code, reason = "the world of the module's own tests, which use more of it")]
pub(crate) mod world;

const MARKETS: [MarketId; 3] = [BTC, ETH, SOL];
/// Names of those who quote; the others have no orders that others could fill.
const MAKERS: [u8; 2] = [50, 51];

/// Accounts, margins and fund; then steps: a price, an index, an order, a block.
pub(crate) fn disasters() -> Vec<Vec<u8>> {
    let fall = |to: u8| {
        [vec![2, 40, 200, 0, 0, 0, 1, 0], (0..90).map(|at: u8| at.wrapping_mul(5).wrapping_add(to)).collect()]
            .concat()
    };
    (0..8_u8).map(|at| fall(at * 31)).collect()
}

/// An account in exact numbers, with its funding settled.
#[derive(Clone, Debug, Default, PartialEq)]
struct Plain {
    quote: BigInt,
    sizes: BTreeMap<MarketId, BigInt>,
}

type Book = BTreeMap<SubaccountId, Plain>;

fn names(count: u8) -> impl Iterator<Item = u8> {
    (1..=count).chain(MAKERS).chain([REST])
}

fn settled(world: &World, count: u8) -> Book {
    let plain = |id: SubaccountId| {
        let account = world.books.accounts.settled(&id).expect("an account is counted");
        let sizes = account.positions.iter().map(|(market, held)| (*market, held.base.raw().into()));
        (id, Plain { quote: account.quote.raw().into(), sizes: sizes.collect() })
    };
    names(count).map(|name| plain(account(name))).collect()
}

/// Terms that do not change.
struct Terms {
    initial: u32,
    fraction: u32,
    prices: BTreeMap<MarketId, u64>,
}

impl Terms {
    /// Sizes and prices of the tests' world give quote quantums after six zeros.
    fn notional(&self, market: MarketId, size: &BigInt) -> BigInt {
        let power = match market {
            BTC => 7_u32,
            ETH => 9,
            _ => 9,
        };
        let exact = big(size.clone()) * big(self.prices[&market]) / big(BigInt::from(10).pow(power));
        exact.trunc().to_integer()
    }

    fn maintenance(&self, notional: &BigInt) -> BigInt {
        let up = |amount: BigRational, ppm: u32| (amount.abs() * big(ppm) / big(1_000_000)).ceil();
        up(up(big(notional.clone()), self.initial), self.fraction).to_integer()
    }

    /// Net collateral and maintenance margin.
    fn risk(&self, account: &Plain) -> (BigInt, BigInt) {
        let mut sums = (account.quote.clone(), BigInt::zero());
        for (market, size) in &account.sizes {
            let notional = self.notional(*market, size);
            sums = (sums.0 + &notional, sums.1 + self.maintenance(&notional));
        }
        sums
    }

    /// What an account gets for a part of its position at its bankruptcy price.
    fn bankruptcy(&self, account: &Plain, market: MarketId, slice: &BigInt) -> BigInt {
        let before = account.sizes.get(&market).cloned().unwrap_or_default();
        let after = &before + slice;
        let (worth, margin) = self.risk(account);
        let (old, new) = (self.notional(market, &before), self.notional(market, &after));
        let part = if margin.is_positive() {
            big(self.maintenance(&old) - self.maintenance(&new)) / big(margin)
        } else {
            big(slice.abs()) / big(before.abs())
        };
        old - new - (big(worth) * part).floor().to_integer()
    }
}

fn address(event: &Told<'_>, name: &str) -> SubaccountId {
    match event.get(name) {
        Some(Value::Address(owner)) => SubaccountId { owner, number: 0 },
        other => panic!("{name} of an event is {other:?}"),
    }
}

fn number(event: &Told<'_>, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Signed(number)) => number,
        Some(Value::Unsigned(number)) => i128::try_from(number).expect("a number of money"),
        other => panic!("{name} of an event is {other:?}"),
    }
}

/// Follows one deleveraging in exact numbers. Those in `begun` were worth less than nothing when theirs began: what
/// is rounded in their favour may leave them with exactly nothing before their last counterparty.
fn follow(book: &mut Book, begun: &mut BTreeSet<SubaccountId>, terms: &Terms, event: &Told<'_>) {
    let (id, other) = (address(event, "owner"), address(event, "counterparty"));
    let market = MarketId(u32::try_from(number(event, "market")).expect("a market"));
    let (size, quote) = (BigInt::from(number(event, "size")), BigInt::from(number(event, "quote")));
    let held = book[&id].sizes.get(&market).cloned().unwrap_or_default();
    let against = book[&other].sizes.get(&market).cloned().unwrap_or_default();
    assert!(size.is_positive() && size <= held.abs() && size <= against.abs(), "a position turns round");
    assert!(held.is_negative() != against.is_negative(), "both are on the same side");
    let (worth, _) = terms.risk(&book[&id]);
    let owes = worth.is_negative() || worth.is_zero() && begun.contains(&id);
    assert!(owes, "an account that is worth {worth} is deleveraged");
    begun.insert(id);
    let slice = -size * held.signum();
    assert_eq!(quote, terms.bankruptcy(&book[&id], market, &slice), "a bankruptcy price differs");
    for (id, quote, slice) in [(id, quote.clone(), slice.clone()), (other, -quote, -slice)] {
        let account = book.entry(id).or_default();
        account.quote += quote;
        let size = account.sizes.entry(market).or_default();
        *size += slice;
        if size.is_zero() {
            account.sizes.remove(&market);
        }
    }
}

/// Liquidates, and looks at everything that changed.
fn liquidate(world: &mut World, terms: &Terms, count: u8, quoted: bool) {
    let before = settled(world, count);
    world.events.clear();
    world.liquidate();
    let after = settled(world, count);
    let is_maker = |id: &SubaccountId| MAKERS.iter().any(|name| account(*name) == *id);
    for (id, old) in before.iter().filter(|(id, _)| !is_maker(id)) {
        for market in MARKETS {
            let size = |plain: &Plain| plain.sizes.get(&market).cloned().unwrap_or_default();
            let (old, new) = (size(old), size(&after[id]));
            assert!(new.abs() <= old.abs(), "a position grows");
            assert!(new.is_zero() || new.is_negative() == old.is_negative(), "a position turns round");
        }
    }
    assert!(world.fund() >= 0, "the fund owes");
    if quoted {
        return;
    }
    let (mut followed, mut begun) = (before, BTreeSet::new());
    for event in world.events.iter() {
        match event.kind {
            "deleveraging" => follow(&mut followed, &mut begun, terms, &event),
            kind => assert!(!matches!(kind, "liquidation" | "fill"), "nothing was offered, but {kind}"),
        }
    }
    assert_eq!(followed, after, "accounts changed by more than their events say");
}

fn holders(input: &mut Input<'_>, count: u8) -> Vec<(i128, Vec<(MarketId, i128)>)> {
    let holder = |input: &mut Input<'_>| {
        let quote = (input.i128() >> 84) + i128::from(input.u8());
        let mask = input.u8();
        let held = MARKETS.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        let positions = held.map(|(_, market)| (*market, (input.i128() >> 86) * 5));
        (quote, positions.filter(|(_, size)| *size != 0).collect::<Vec<_>>())
    };
    (0..count)
        .map(|_| holder(input))
        .map(|(quote, held)| (if quote == 0 { 1 } else { quote }, held))
        .collect()
}

/// Prices fall, the book takes what it takes, the fund pays what it can, the other side gets the rest.
pub(crate) fn deleveraging_vs_rational(data: &[u8]) {
    let mut input = Input(data);
    let count = input.u8() % 5 + 2;
    let (initial, fraction) = (u32::from(input.u16()), u32::from(input.u16()) * 15);
    let (initial, fraction) = (1_000 + initial, fraction.min(990_000));
    let fund = i128::from(input.u32());
    let quoted = input.u8() & 1 == 1;
    let accounts = holders(&mut input, count);
    let mut rows: Vec<_> =
        (1..).zip(&accounts).map(|(name, (quote, held))| (name, *quote, &held[..])).collect();
    rows.extend(MAKERS.map(|name| (name, 1_000_000_000 * DOLLAR, &[][..])));
    let mut world = World::with_margins(&rows, fund, (initial, fraction));
    let prices = BTreeMap::from([(BTC, 5_000_000_000), (ETH, 3_000_000_000), (SOL, 5_000_000_000)]);
    let mut terms = Terms { initial, fraction, prices };
    for _ in 0..12 {
        if input.is_empty() {
            break;
        }
        let (what, market) = (input.u8(), MARKETS[usize::from(input.u8() % 3)]);
        match what % 5 {
            0 | 1 => {
                // Up to four times as much, or next to nothing.
                let factor = u64::from(input.u16());
                let price = terms.prices.get_mut(&market).expect("a market");
                *price = (*price / 16_384 * factor).clamp(1, 1 << 44);
                world.set_price(market, *price);
            }
            2 => world.move_index(market, input.i128() >> 100),
            3 if quoted => {
                let (side, name) =
                    (if what & 8 == 0 { Side::Buy } else { Side::Sell }, MAKERS[usize::from(what >> 7)]);
                let (size, price) = (u64::from(input.u32()).max(1) * 5, u64::from(input.u16()).max(1) * 5);
                world.try_rest(name, market, side, size, price << (what >> 4 & 7));
            }
            _ => {
                liquidate(&mut world, &terms, count, quoted);
                world.next_block();
            }
        }
    }
    liquidate(&mut world, &terms, count, quoted);
}
