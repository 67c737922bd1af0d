//! Price levels of one side of a book: a window of ticks near the touch, an ordered map for the rest.
//!
//! A level inside the window is found by its tick, its better or worse neighbour by the bits of a two-step
//! bitmap. Levels outside live in a tree. The window follows the touch when too many new levels miss it. Where
//! the window stands changes how fast an answer comes, never the answer.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;
use num::Subticks;

use crate::arena::Handle;
use crate::order::Side;

/// Ticks in the window: 64 words of 64 bits, whose emptiness is one word more.
const WINDOW: usize = 4096;
const WINDOW_TICKS: u64 = 4096;
/// Ticks of the window that are kept free for prices better than the best.
const ROOM: u64 = 1024;
/// New levels that may miss the window before it moves; pays for the move.
const PATIENCE: u32 = 1024;

/// Handles of the levels of one side, by price.
#[derive(Debug)]
pub(crate) struct Ladder {
    side: Side,
    /// Subticks in a tick; not 0.
    tick: u64,
    /// 2^64 / tick, rounded up: finds the tick of a price without a division. 0 for a tick of one.
    reciprocal: u64,
    /// Tick number of the first slot.
    base: u64,
    /// Empty until the first level comes. A slot whose bit is clear may hold a level that is empty.
    slots: Vec<Handle>,
    words: [u64; 64],
    summary: u64,
    far: BTreeMap<u64, Handle>,
    misses: u32,
    /// Best price and its level; none when the handle is none.
    best: (u64, Handle),
}

impl Ladder {
    pub(crate) fn new(side: Side, tick: u32) -> Self {
        let tick = tick.max(1).into();
        Self {
            side,
            tick,
            reciprocal: reciprocal(tick),
            base: 0,
            slots: Vec::new(),
            words: [0; 64],
            summary: 0,
            far: BTreeMap::new(),
            misses: 0,
            best: (0, Handle::NONE),
        }
    }

    /// The level whose turn it is.
    #[inline]
    pub(crate) fn best(&self) -> Option<Handle> {
        self.best.1.some()
    }

    /// The price whose turn it is.
    #[inline]
    pub(crate) fn best_price(&self) -> Option<Subticks> {
        let (price, level) = self.best;
        level.some().map(|_| Subticks::new(price))
    }

    /// The level at `price`; it may be empty.
    #[inline]
    pub(crate) fn get(&self, price: Subticks) -> Option<Handle> {
        match self.position(price.raw()) {
            Some(at) => self.slots.get(at).copied().and_then(Handle::some),
            None => self.far.get(&price.raw()).copied(),
        }
    }

    /// Ask memory for what says whether a price has a level.
    #[inline]
    pub(crate) fn touch(&self, price: Subticks) -> u64 {
        self.position(price.raw()).and_then(|at| self.words.get(at >> 6)).copied().unwrap_or_default()
    }

    /// A level at a price that has none got its first order.
    pub(crate) fn insert(&mut self, price: Subticks, level: Handle) {
        let price = price.raw();
        if self.best.1.is_none() {
            if self.slots.is_empty() || self.position(price).is_none() {
                self.stand_at(price);
            }
            self.best = (price, level);
        }
        match self.position(price) {
            Some(at) => self.fill(at, level),
            None => {
                self.far.insert(price, level);
                self.misses = self.misses.saturating_add(1);
            }
        }
        if self.is_better(price, self.best.0) {
            self.best = (price, level);
        }
        if self.misses > PATIENCE {
            self.follow();
        }
    }

    /// The level at `price` lost its last order. Inside the window it can still be found.
    pub(crate) fn remove(&mut self, price: Subticks) {
        let price = price.raw();
        let position = self.position(price);
        match position {
            Some(at) => self.clear(at),
            None => {
                self.far.remove(&price);
            }
        }
        if self.best.0 != price {
            return;
        }
        let near = match self.side {
            Side::Buy => self.last_below(position.unwrap_or(WINDOW)),
            Side::Sell => self.first_from(position.unwrap_or_default()),
        };
        let near = near.and_then(|at| self.at(at));
        let best = if self.far.is_empty() { near } else { self.better(near, self.far_best()) };
        self.best = best.unwrap_or((0, Handle::NONE));
    }

    /// Let go of an empty level at `price`.
    pub(crate) fn forget(&mut self, price: Subticks, level: Handle) {
        let Some(at) = self.position(price.raw()) else { return };
        if let Some(slot) = self.slots.get_mut(at).filter(|slot| **slot == level) {
            *slot = Handle::NONE;
        }
    }

    fn far_best(&self) -> Option<(u64, Handle)> {
        let far = match self.side {
            Side::Buy => self.far.last_key_value(),
            Side::Sell => self.far.first_key_value(),
        };
        far.map(|(price, level)| (*price, *level))
    }

    /// The next level worse than `price`.
    pub(crate) fn worse_than(&self, price: Subticks) -> Option<Handle> {
        let price = price.raw();
        let tick = price.checked_div(self.tick).unwrap_or_default();
        let whole = tick.checked_mul(self.tick) == Some(price);
        let (near, far) = match self.side {
            Side::Buy => {
                let end = if whole { tick } else { tick.saturating_add(1) };
                let below = (Bound::Unbounded, Bound::Excluded(price));
                (self.last_below(self.offset(end)), self.far.range(below).next_back())
            }
            Side::Sell => {
                let above = (Bound::Excluded(price), Bound::Unbounded);
                (self.first_from(self.offset(tick.saturating_add(1))), self.far.range(above).next())
            }
        };
        let far = far.map(|(price, level)| (*price, *level));
        self.better(near.and_then(|at| self.at(at)), far).map(|(_, level)| level)
    }

    /// Use another tick.
    pub(crate) fn set_tick(&mut self, tick: u32) {
        self.empty_window();
        self.tick = tick.max(1).into();
        self.reciprocal = reciprocal(self.tick);
        self.follow();
    }

    fn is_better(&self, price: u64, than: u64) -> bool {
        match self.side {
            Side::Buy => price > than,
            Side::Sell => price < than,
        }
    }

    fn better(&self, a: Option<(u64, Handle)>, b: Option<(u64, Handle)>) -> Option<(u64, Handle)> {
        match (a, b) {
            (Some(a), Some(b)) if self.is_better(b.0, a.0) => Some(b),
            (None, other) => other,
            (some, _) => some,
        }
    }

    /// Slot of `price`, when it is in the window.
    #[inline]
    fn position(&self, price: u64) -> Option<usize> {
        let (_, tick) = price.carrying_mul(self.reciprocal, 0);
        let tick = if self.reciprocal == 0 { price } else { tick };
        let offset = tick.wrapping_sub(self.base);
        // What the reciprocal makes of a price off the grid does not lead back to the price.
        if offset < WINDOW_TICKS && tick.wrapping_mul(self.tick) == price {
            usize::try_from(offset).ok()
        } else {
            None
        }
    }

    /// Slots of the window that come before tick number `tick`.
    fn offset(&self, tick: u64) -> usize {
        usize::try_from(tick.saturating_sub(self.base).min(WINDOW_TICKS)).unwrap_or(WINDOW)
    }

    fn at(&self, at: usize) -> Option<(u64, Handle)> {
        let level = self.slots.get(at).copied().and_then(Handle::some)?;
        let tick = self.base.saturating_add(u64::try_from(at).unwrap_or_default());
        Some((tick.saturating_mul(self.tick), level))
    }

    fn fill(&mut self, at: usize, level: Handle) {
        if let (Some(slot), Some(word)) = (self.slots.get_mut(at), self.words.get_mut(at >> 6)) {
            *slot = level;
            *word |= bit(at);
            self.summary |= bit(at >> 6);
        }
    }

    /// The level at a slot is empty; the slot keeps it.
    fn clear(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at >> 6) {
            *word &= !bit(at);
            if *word == 0 {
                self.summary &= !bit(at >> 6);
            }
        }
    }

    /// Highest taken slot before `end`.
    fn last_below(&self, end: usize) -> Option<usize> {
        let last = end.checked_sub(1)?;
        let within = self.words.get(last >> 6)? & upto(last);
        if within != 0 {
            return Some((last & !63) | highest(within));
        }
        let word = highest_or_none(self.summary & (upto(last >> 6) & !bit(last >> 6)))?;
        Some((word << 6) | highest(*self.words.get(word)?))
    }

    /// Lowest taken slot from `start` on.
    fn first_from(&self, start: usize) -> Option<usize> {
        let within = self.words.get(start >> 6)? & !(upto(start) & !bit(start));
        if within != 0 {
            return Some((start & !63) | lowest(within));
        }
        let rest = self.summary & !upto(start >> 6);
        if rest == 0 {
            return None;
        }
        let word = lowest(rest);
        Some((word << 6) | lowest(*self.words.get(word)?))
    }

    /// Move the window to the touch.
    fn follow(&mut self) {
        if self.best.1.is_none() {
            return;
        }
        self.stand_at(self.best.0);
        let from = self.base.saturating_mul(self.tick);
        let to = self.base.saturating_add(WINDOW_TICKS).saturating_mul(self.tick);
        let near: Vec<(u64, Handle)> =
            self.far.range(from..to).map(|(price, level)| (*price, *level)).collect();
        for (price, level) in near {
            if let Some(at) = self.position(price) {
                self.far.remove(&price);
                self.fill(at, level);
            }
        }
    }

    /// Empty the window and put it where `best` is the best price.
    fn stand_at(&mut self, best: u64) {
        self.empty_window();
        if self.slots.is_empty() {
            self.slots = alloc::vec![Handle::NONE; WINDOW];
        }
        let worse = match self.side {
            Side::Buy => WINDOW_TICKS.saturating_sub(ROOM),
            Side::Sell => ROOM,
        };
        self.base = best.checked_div(self.tick).unwrap_or_default().saturating_sub(worse);
        self.misses = 0;
    }

    fn empty_window(&mut self) {
        while let Some(at) = self.first_from(0) {
            if let Some((price, level)) = self.at(at) {
                self.far.insert(price, level);
            }
            self.clear(at);
        }
        // Empty levels too: they belong to prices of the old window.
        self.slots.fill(Handle::NONE);
    }
}

/// What finds the tick of a price by multiplication: exact for every multiple of `tick`.
fn reciprocal(tick: u64) -> u64 {
    u64::MAX.checked_div(tick).unwrap_or_default().wrapping_add(1)
}

/// The bit of `at` within its word.
#[inline]
fn bit(at: usize) -> u64 {
    1u64.wrapping_shl(u32::try_from(at & 63).unwrap_or_default())
}

/// The bit of `at` within its word and all lower ones.
#[inline]
fn upto(at: usize) -> u64 {
    let bit = bit(at);
    bit | bit.wrapping_sub(1)
}

fn highest(word: u64) -> usize {
    usize::try_from(63u32.saturating_sub(word.leading_zeros())).unwrap_or_default()
}

fn highest_or_none(word: u64) -> Option<usize> {
    (word != 0).then(|| highest(word))
}

fn lowest(word: u64) -> usize {
    usize::try_from(word.trailing_zeros()).unwrap_or_default()
}
