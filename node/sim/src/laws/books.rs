//! Laws about orders that rest: levels, turns, lives, indexes, and that nothing is kept for ever.

use std::collections::{BTreeMap, BTreeSet};

use clob::{Kind, OrderId, Resting, Side, Size};
use store::Memory;
use types::{Event, MarketId, SubaccountId};

use super::seen::{market, number, subaccount, Seen};
use super::Verdict;

/// Every order that rests, market by market, best first.
fn resting(books: &clob::Books) -> impl Iterator<Item = Resting> + '_ {
    let sides = books.markets().flat_map(|market| [(market, Side::Buy), (market, Side::Sell)]);
    sides.flat_map(move |(market, side)| {
        books.levels(market, side).flat_map(move |level| books.queue(market, side, level.price))
    })
}

/// I-14: no resting order that may only reduce wants more than the position that it opposes.
pub(super) fn reducing(seen: &Seen<'_>) -> Verdict {
    app::invariants::check_reducing(seen.books)?;
    Ok(resting(seen.books).filter(|resting| resting.order.reduce_only).count() as u64)
}

/// I-15: a level is the sum of its orders; prices get worse and are on ticks, sizes above zero and on steps, turns
/// only increase.
pub(super) fn levels(seen: &Seen<'_>) -> Verdict {
    let books = seen.books;
    let mut count = 0;
    for market in books.markets() {
        let pair = clob::pair(seen.now, market).ok_or_else(|| format!("no pair {market}"))?;
        for side in [Side::Buy, Side::Sell] {
            let mut last = None;
            for level in books.levels(market, side) {
                let worse = last.is_none_or(|last| side.crosses(last, level.price) && level.price != last);
                last = Some(level.price);
                let queue: Vec<_> = books.queue(market, side, level.price).collect();
                let sum: u128 = queue.iter().map(|resting| u128::from(resting.remaining.raw())).sum();
                let turns = queue.is_sorted_by(|a, b| a.sequence < b.sequence);
                let sizes = queue.iter().all(|resting| {
                    let (remaining, order) = (resting.remaining, &resting.order);
                    let placed = order.price == level.price && order.side == side;
                    placed && !remaining.is_zero() && remaining.is_multiple_of(pair.step)
                });
                let adds_up = sum == level.quantums && queue.len() as u64 == u64::from(level.orders);
                if !(worse && turns && sizes && adds_up && pair.on_tick(level.price)) {
                    return Err(format!("{side:?} level {level:?} of market {market} holds {queue:?}"));
                }
                count += 1;
            }
        }
    }
    Ok(count)
}

pub(super) fn id_of(event: &Event, [owner, count, flags, client]: [&str; 4]) -> Option<OrderId> {
    Some(OrderId {
        subaccount: subaccount(event, owner, count)?,
        market: market(event),
        kind: Kind::from_flags(u32::try_from(number(event, flags)).ok()?)?,
        client_id: u32::try_from(number(event, client)).ok()?,
    })
}

const MAKER: [&str; 4] = ["maker_owner", "maker_number", "maker_order_flags", "maker_client_id"];
pub(super) const OWN: [&str; 4] = ["owner", "number", "order_flags", "client_id"];

/// I-16: `size = remaining + filled`, less what was cut off an order that may only reduce; what an order has
/// filled grows by exactly its fills.
pub(super) fn lives(seen: &Seen<'_>) -> Verdict {
    let mut filled: BTreeMap<OrderId, u64> = BTreeMap::new();
    let mut fresh: BTreeSet<OrderId> = BTreeSet::new();
    for event in &seen.events {
        match event.kind {
            clob::FILL_EVENT => {
                let id = id_of(event, MAKER).ok_or("a fill without a maker")?;
                *filled.entry(id).or_default() += u64::try_from(number(event, "size")).unwrap_or_default();
            }
            clob::PLACED_EVENT | clob::REMOVED_EVENT | clob::RESIZED_EVENT => {
                fresh.extend(id_of(event, OWN));
            }
            _ => {}
        }
    }
    let mut count = 0;
    for Resting { order, remaining, .. } in resting(seen.books) {
        let (is, was) =
            (clob::state::filled(seen.now, &order.id), clob::state::filled(seen.before, &order.id));
        let sum = remaining.plus(is);
        if sum > order.size || (sum != order.size && !order.reduce_only) {
            return Err(format!("{}: {remaining} rest and {is} are filled of {}", order.id, order.size));
        }
        let told = filled.get(&order.id).copied().unwrap_or_default();
        if !fresh.contains(&order.id) && is != was.plus(Size::new(told)) {
            return Err(format!("{}: {was} became {is} by fills of {told}", order.id));
        }
        count += 1;
    }
    Ok(count)
}

/// How many orders there are, of each account in each market, and of each account that live long and short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    all: u64,
    traders: BTreeMap<(SubaccountId, MarketId), u32>,
    holders: BTreeMap<SubaccountId, [u32; 2]>,
}

impl Counted {
    /// With one more order.
    pub(super) fn with(mut self, id: SubaccountId, market: MarketId, kind: Kind) -> Self {
        self.all += 1;
        *self.traders.entry((id, market)).or_default() += 1;
        let [stateful, short_term] = self.holders.entry(id).or_default();
        match kind {
            Kind::ShortTerm => *short_term += 1,
            Kind::TwapSlice => {}
            Kind::Conditional | Kind::LongTerm | Kind::Twap => *stateful += 1,
        }
        self
    }

    /// What the indexes of `books` say about whoever is in `queues`.
    fn indexed(books: &clob::Books, queues: &Self) -> Self {
        let trader = |(id, market): &(SubaccountId, MarketId)| ((*id, *market), books.resting(id, *market));
        let holder = |id: &SubaccountId| (*id, [books.stateful(id), books.short_term(id)]);
        Self {
            all: books.len() as u64,
            traders: queues.traders.keys().map(trader).collect(),
            holders: queues.holders.keys().map(holder).collect(),
        }
    }
}

/// Whether queues and indexes count the same.
pub(super) fn same(queues: &Counted, indexes: &Counted) -> Result<(), String> {
    if queues == indexes {
        Ok(())
    } else {
        Err(format!("queues hold {queues:?}, indexes {indexes:?}"))
    }
}

/// I-17: an order is found by its id, and counts by account, market and kind are those of the queues.
pub(super) fn indexes(seen: &Seen<'_>) -> Verdict {
    let books = seen.books;
    let mut queues = Counted::default();
    for Resting { order, .. } in resting(books) {
        let id = order.id;
        if books.find(&id).map(|handle| books.id(handle)) != Some(id) {
            return Err(format!("{id} is not found by its id"));
        }
        queues = queues.with(id.subaccount, id.market, id.kind);
    }
    same(&queues, &Counted::indexed(books, &queues))?;
    Ok(queues.all)
}

/// Rows of one table.
fn rows(state: &Memory, prefix: [u8; 2]) -> u64 {
    state.iter().filter(|(key, _)| key.starts_with(&prefix)).count() as u64
}

/// I-35: one row for each order, level and account, an hour of volume for each that is due, and ids that are spent
/// only as long as somebody could send their order again.
pub(super) fn growth(
    state: &Memory,
    books: &clob::Books,
    (height, late): (u64, &BTreeSet<OrderId>),
) -> Verdict {
    let levels = |market| {
        let of = |side| books.levels(market, side).count() as u64;
        of(Side::Buy) + of(Side::Sell)
    };
    let accounts = subaccounts::page(state, None, usize::MAX).len() as u64;
    let expected = [
        ("orders", [0x17, 0x02], books.len() as u64),
        ("levels", [0x17, 0x03], books.markets().map(levels).sum()),
        ("accounts", [0x15, 0x00], accounts),
        ("hours of volume", [0x14, 0x05], rows(state, [0x14, 0x06])),
    ];
    for (name, prefix, expected) in expected {
        let found = rows(state, prefix);
        if found != expected {
            return Err(format!("{found} rows of {name}, {expected} of them are needed"));
        }
    }
    let spent = state.iter().filter(|(key, _)| key.starts_with(&[0x17, 0x04]));
    let mut count = 4;
    for (key, value) in spent {
        let id = <OrderId as store::Key>::read(&mut &key[2..]).ok_or("an id that does not parse")?;
        let row: clob::state::Spent = borsh::from_slice(&value).map_err(|error| error.to_string())?;
        // What should have left earlier is forgotten a block later.
        let due = row.keep < height && !late.contains(&id);
        if id.kind == Kind::ShortTerm && due && books.find(&id).is_none() {
            return Err(format!("{id} is kept until {}, at {height}", row.keep));
        }
        count += 1;
    }
    Ok(count)
}
