//! Positions of all accounts in two tables: what margin needs of each, and beside it what only its ledger needs.
//! An account's positions stand together in order of market; room comes in a few sizes and is used again.
//!
//! Numbers are kept in 64 bits. A position with a number that outgrows them is kept whole, apart from the others.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use num::{BaseQuantums, FundingIndex, QuoteQuantums};
use types::MarketId;

use crate::ledger::Ledger;
use crate::state::Position;

/// Positions for which room is made at least.
const SMALLEST: usize = 64;

/// The size of a position that is kept apart.
const APART: i64 = i64::MIN;

/// No room.
const NOWHERE: u32 = u32::MAX;

/// What margin needs of a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hot {
    pub(crate) market: MarketId,
    /// Where its account stands among the holders of the market; in free room, where the next free room is.
    pub(super) standing: u32,
    base: i64,
    index: i64,
}

/// What only the ledger of a position needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cold {
    cost: i64,
    realised: i64,
    funding: i64,
    fees: i64,
}

/// Where an account's positions stand, how many there are, and how many have room there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    pub(super) len: u32,
    room: u32,
}

fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Room for one position more than for `room`: 1, 2, 3, 4, 6, 8, 12, 16 and so on.
fn larger(room: u32) -> u32 {
    let power = 1_u32.checked_shl(room.checked_ilog2().unwrap_or_default()).unwrap_or_default();
    room.saturating_add((power >> 1).max(1))
}

fn pack(market: MarketId, standing: u32, position: &Position) -> Option<(Hot, Cold)> {
    let Position { base, funding_index, cost, ledger } = position;
    let word = |number: i128| i64::try_from(number).ok();
    let base = word(base.raw()).filter(|base| *base != APART)?;
    let hot = Hot { market, standing, base, index: word(funding_index.raw())? };
    let cold = Cold {
        cost: word(cost.raw())?,
        realised: word(ledger.realised.raw())?,
        funding: word(ledger.funding.raw())?,
        fees: word(ledger.fees.raw())?,
    };
    Some((hot, cold))
}

fn unpack(hot: &Hot, cold: &Cold) -> Position {
    let quote = |number: i64| QuoteQuantums::new(number.into());
    Position {
        base: BaseQuantums::new(hot.base.into()),
        funding_index: FundingIndex::new(hot.index.into()),
        cost: quote(cold.cost),
        ledger: Ledger {
            realised: quote(cold.realised),
            funding: quote(cold.funding),
            fees: quote(cold.fees),
        },
    }
}

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Positions {
    hot: Vec<Hot>,
    cold: Vec<Cold>,
    /// By room: where the first free room of that size is.
    free: BTreeMap<u32, u32>,
    /// Positions with numbers that outgrow 64 bits, by slot of the account and market.
    apart: BTreeMap<(u32, MarketId), Position>,
}

/// Positions of one account, to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    of: &'a Positions,
    at: u32,
    hot: &'a [Hot],
    start: usize,
}

impl Positions {
    #[inline]
    pub(super) fn of(&self, at: u32, span: Span) -> Held<'_> {
        let start = place(span.start);
        let hot = self.hot.get(start..start.saturating_add(place(span.len))).unwrap_or_default();
        Held { of: self, at, hot, start }
    }

    /// Read where the positions begin, and wait for nothing.
    #[inline]
    pub(super) fn touch(&self, span: Span) {
        core::hint::black_box(self.hot.get(place(span.start)).map(|hot| hot.standing));
    }

    /// Read all that the positions stand in, and wait for nothing.
    pub(super) fn touch_all(&self, span: Span) {
        // Two of them to a line of the processor's cache.
        let places = || (place(span.start)..place(span.start.saturating_add(span.len))).step_by(2);
        let hot = places().filter_map(|at| self.hot.get(at)).fold(0, |seen, hot| seen ^ hot.standing);
        let cold = places().filter_map(|at| self.cold.get(at)).fold(0, |seen, cold| seen ^ cold.cost);
        core::hint::black_box((hot, cold));
    }

    /// Read the ledger of the position in `market`, and wait for nothing.
    #[inline]
    pub(super) fn touch_ledger(&self, at: u32, span: Span, market: MarketId) {
        let held = self.of(at, span);
        let cold = held.find(market).ok().and_then(|found| self.cold.get(held.start.saturating_add(found)));
        core::hint::black_box(cold.map(|cold| cold.cost));
    }

    /// Where the holder's place in the list of `market` is kept.
    pub(super) fn standing_mut(&mut self, span: Span, market: MarketId) -> Option<&mut u32> {
        let start = place(span.start);
        let hot = self.hot.get_mut(start..start.checked_add(place(span.len))?)?;
        let found = hot.binary_search_by_key(&market, |hot| hot.market).ok()?;
        hot.get_mut(found).map(|hot| &mut hot.standing)
    }

    /// Write a position over the one at `found`.
    pub(super) fn set(
        &mut self,
        (at, span): (u32, Span),
        found: usize,
        (market, standing): (MarketId, u32),
        position: &Position,
    ) {
        let (hot, cold) = if let Some(packed) = pack(market, standing, position) {
            if !self.apart.is_empty() {
                self.apart.remove(&(at, market));
            }
            packed
        } else {
            self.apart.insert((at, market), *position);
            (Hot { market, standing, base: APART, index: 0 }, Cold::default())
        };
        let place = place(span.start).saturating_add(found);
        if let (Some(to), Some(beside)) = (self.hot.get_mut(place), self.cold.get_mut(place)) {
            (*to, *beside) = (hot, cold);
        }
    }

    /// Make room at `found`; the account's positions stand where the answer says, with one more to be written.
    pub(super) fn insert(&mut self, span: Span, found: usize) -> Span {
        let span = if span.len == span.room { self.resettle(span, larger(span.room)) } else { span };
        let start = place(span.start);
        let (from, end) = (start.saturating_add(found), start.saturating_add(place(span.len)));
        self.shift(from, end, from.saturating_add(1));
        Span { len: span.len.saturating_add(1), ..span }
    }

    /// Take the position at `found` away; the others stand where the answer says.
    pub(super) fn remove(&mut self, (at, span): (u32, Span), found: usize) -> Span {
        let start = place(span.start);
        let (gone, end) = (start.saturating_add(found), start.saturating_add(place(span.len)));
        if let Some(hot) = self.hot.get(gone).filter(|hot| hot.base == APART) {
            self.apart.remove(&(at, hot.market));
        }
        self.shift(gone.saturating_add(1), end, gone);
        let left = Span { len: span.len.saturating_sub(1), ..span };
        if left.len == 0 {
            self.give_back(left);
            return Span::default();
        }
        if left.len <= left.room >> 2 {
            return self.resettle(left, left.len);
        }
        left
    }

    /// Move `from..end` so that it starts at `to`; the room there is the account's.
    fn shift(&mut self, from: usize, end: usize, to: usize) {
        let fits = to.saturating_add(end.saturating_sub(from)) <= self.hot.len();
        if from < end && fits {
            self.hot.copy_within(from..end, to);
            self.cold.copy_within(from..end, to);
        }
    }

    fn resettle(&mut self, old: Span, room: u32) -> Span {
        let new = Span { start: self.take(room), len: old.len, room };
        let start = place(old.start);
        self.shift(start, start.saturating_add(place(old.len)), place(new.start));
        if old.room > 0 {
            self.give_back(old);
        }
        new
    }

    fn take(&mut self, room: u32) -> u32 {
        if let Some(head) = self.free.get_mut(&room).filter(|head| **head != NOWHERE) {
            let start = *head;
            *head = self.hot.get(place(start)).map_or(NOWHERE, |hot| hot.standing);
            return start;
        }
        let start = self.hot.len();
        let end = start.saturating_add(place(room));
        if end > self.hot.capacity() {
            // A sixteenth more, so that no more than that stands empty.
            let more = (start >> 4).max(SMALLEST).max(place(room));
            self.hot.reserve_exact(more);
            self.cold.reserve_exact(more);
        }
        self.hot.resize(end, Hot::default());
        self.cold.resize(end, Cold::default());
        u32::try_from(start).unwrap_or(NOWHERE)
    }

    fn give_back(&mut self, span: Span) {
        let head = self.free.entry(span.room).or_insert(NOWHERE);
        if let Some(hot) = self.hot.get_mut(place(span.start)) {
            hot.standing = core::mem::replace(head, span.start);
        }
    }
}

impl<'a> Held<'a> {
    /// Of an account that is not there.
    pub(super) fn nothing(of: &'a Positions) -> Self {
        Self { of, at: NOWHERE, hot: &[], start: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hot.is_empty()
    }

    /// What margin needs of each, in order of market.
    #[inline]
    pub(crate) fn hot(&self) -> &'a [Hot] {
        self.hot
    }

    /// Markets of all positions, in order.
    pub(crate) fn markets(&self) -> impl Iterator<Item = MarketId> + 'a {
        self.hot.iter().map(|hot| hot.market)
    }

    /// Which of them is in `market`, or where it would stand.
    #[inline]
    pub(super) fn find(&self, market: MarketId) -> Result<usize, usize> {
        // Most accounts have few: a look at each in turn is faster than halving.
        let after = self.hot.iter().position(|hot| hot.market >= market);
        match after {
            Some(found) if self.hot.get(found).is_some_and(|hot| hot.market == market) => Ok(found),
            Some(found) => Err(found),
            None => Err(self.hot.len()),
        }
    }

    /// Size of one, and the funding index at which it was settled.
    #[inline]
    pub(crate) fn size_of(&self, hot: &Hot) -> (BaseQuantums, FundingIndex) {
        if hot.base == APART {
            let whole = self.of.apart.get(&(self.at, hot.market)).copied().unwrap_or_default();
            return (whole.base, whole.funding_index);
        }
        (BaseQuantums::new(hot.base.into()), FundingIndex::new(hot.index.into()))
    }

    /// The position that stands there.
    pub(crate) fn get(&self, found: usize) -> Option<(MarketId, Position)> {
        let hot = self.hot.get(found)?;
        if hot.base == APART {
            return self.of.apart.get(&(self.at, hot.market)).map(|whole| (hot.market, *whole));
        }
        let cold = self.of.cold.get(self.start.saturating_add(found))?;
        Some((hot.market, unpack(hot, cold)))
    }

    /// Its position in `market`, if it has one.
    pub(crate) fn position(&self, market: MarketId) -> Option<Position> {
        self.get(self.find(market).ok()?).map(|(_, position)| position)
    }

    /// Size of its position in `market`; zero without one.
    #[inline]
    pub(crate) fn size(&self, market: MarketId) -> BaseQuantums {
        let hot = self.find(market).ok().and_then(|found| self.hot.get(found));
        hot.map(|hot| self.size_of(hot).0).unwrap_or_default()
    }

    /// All of them, in order of market.
    pub(crate) fn iter(self) -> impl Iterator<Item = (MarketId, Position)> + 'a {
        (0..self.hot.len()).filter_map(move |found| self.get(found))
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use num::{BaseQuantums, FundingIndex, QuoteQuantums};
    use types::MarketId;

    use super::{Cold, Hot, Positions, Span};
    use crate::ledger::Ledger;
    use crate::state::Position;

    fn draw(seed: &mut u64, below: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33).checked_rem(below).unwrap_or_default()
    }

    /// Small, at the edge of 64 bits, or beyond it.
    fn number(seed: &mut u64) -> i128 {
        match draw(seed, 24) {
            0 => i64::MIN.into(),
            1 => i64::MAX.into(),
            2 => i128::from(i64::MAX).saturating_add(1),
            3 => i128::MIN,
            _ => i128::from(draw(seed, 1_000)).saturating_sub(500),
        }
    }

    fn position(seed: &mut u64) -> Position {
        let quote = |seed: &mut u64| QuoteQuantums::new(number(seed));
        Position {
            base: BaseQuantums::new(number(seed)),
            funding_index: FundingIndex::new(number(seed)),
            cost: quote(seed),
            ledger: Ledger { realised: quote(seed), funding: quote(seed), fees: quote(seed) },
        }
    }

    #[test]
    fn accounts_keep_their_positions_to_the_unit_however_they_come_and_go() {
        let (mut seed, mut positions) = (7, Positions::default());
        let mut spans = [Span::default(); 12];
        let mut naive: BTreeMap<(usize, MarketId), (u32, Position)> = BTreeMap::new();
        for turn in 0..60_000_u32 {
            let at = usize::try_from(draw(&mut seed, 12)).unwrap();
            // Accounts fill up and empty again.
            let market = MarketId(u32::try_from(draw(&mut seed, 40)).unwrap());
            let shrinks = turn & 512 != 0;
            let span = &mut spans[at];
            let name = u32::try_from(at).unwrap();
            match positions.of(name, *span).find(market) {
                Ok(found) if shrinks => {
                    *span = positions.remove((name, *span), found);
                    naive.remove(&(at, market));
                }
                Err(_) if shrinks => {}
                place => {
                    let new = position(&mut seed);
                    let found = place.unwrap_or_else(|found| {
                        *span = positions.insert(*span, found);
                        found
                    });
                    positions.set((name, *span), found, (market, turn), &new);
                    naive.insert((at, market), (turn, new));
                }
            }
            let held = positions.of(name, *span);
            let rows: Vec<_> =
                held.iter().zip(held.hot()).map(|((id, row), hot)| (id, hot.standing, row)).collect();
            let range = naive.range((at, MarketId(0))..=(at, MarketId(u32::MAX)));
            let want: Vec<_> = range.map(|((_, id), (standing, row))| (*id, *standing, *row)).collect();
            assert_eq!(rows, want, "turn {turn}");
            let sizes = held.hot().iter().map(|hot| held.size_of(hot));
            assert!(sizes.eq(want.iter().map(|(_, _, row)| (row.base, row.funding_index))));
        }
        assert!(
            positions.hot.len() < 12 * 4 * 48,
            "{} places for at most 480 positions",
            positions.hot.len()
        );
        assert!(positions
            .apart
            .keys()
            .all(|(at, market)| { naive.contains_key(&(usize::try_from(*at).unwrap(), *market)) }));
    }

    #[test]
    fn a_position_takes_56_bytes() {
        assert_eq!((size_of::<Hot>(), size_of::<Cold>()), (24, 32));
        assert_eq!(size_of::<super::super::Slot>(), 64);
    }
}
