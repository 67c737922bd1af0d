//! When orders end: for heights and for seconds lists of orders for each moment at which some end.
//!
//! The lists of seconds go through the records and are unsorted; an index finds them by their moment. Neither
//! coming nor leaving has to look for a place, nothing is ever moved, and a block asks for the moments since the
//! last one. Each record waits for the one before it in its list; so a second has several lists, which are walked
//! together.

use alloc::vec::Vec;

use crate::arena::{Arena, Handle, Links};
use crate::books::Record;
use crate::heights::Heights;
use crate::index::{Hasher, Index};

/// What a calendar keeps.
pub(crate) trait Ends {
    /// Moment until which it is good.
    fn until(&self) -> u32;
    /// Its turn among those that end together.
    fn turn(&self) -> u64;
    /// Neighbours among those that end together.
    fn due(&self) -> Links;
    /// The same, to be changed.
    fn due_mut(&mut self) -> &mut Links;
}

impl Ends for Record {
    #[inline]
    fn until(&self) -> u32 {
        self.until
    }

    #[inline]
    fn turn(&self) -> u64 {
        self.sequence
    }

    #[inline]
    fn due(&self) -> Links {
        self.due
    }

    #[inline]
    fn due_mut(&mut self) -> &mut Links {
        &mut self.due
    }
}

/// Lists of a moment.
const LANES: usize = 8;
/// The bits of a record's number that say in which list of its moment it is.
const LANE: u32 = 7;

/// In which list of its moment a record is.
#[inline]
fn lane(handle: Handle) -> u32 {
    handle.number() & LANE
}

/// An order that ends: until when it was good, its turn, its record.
pub(crate) type Due = (u32, u64, Handle);

/// Resting orders by the moment until which they are good.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub(crate) heights: Heights,
    pub(crate) times: Moments,
}

impl Calendar {
    pub(crate) fn new(hasher: Hasher) -> Self {
        Self { heights: Heights::new(hasher), times: Moments::new(hasher) }
    }

    /// Add an order to the calendar of seconds, or to that of heights.
    #[inline]
    pub(crate) fn insert(&mut self, by_time: bool, orders: &mut Arena<Record>, handle: Handle) {
        if by_time {
            self.times.insert(orders, handle);
        } else {
            self.heights.insert(orders, handle);
        }
    }

    /// Take out an order that is there.
    #[inline]
    pub(crate) fn remove(&mut self, by_time: bool, orders: &mut Arena<Record>, handle: Handle) {
        if by_time {
            self.times.remove(orders, handle);
        } else {
            self.heights.remove(orders, handle);
        }
    }
}

/// Orders by moment.
#[derive(Debug)]
pub(crate) struct Moments {
    /// The first order of each list.
    heads: Index,
    hasher: Hasher,
    /// No order ends before this moment.
    from: u32,
}

impl Moments {
    pub(crate) fn new(hasher: Hasher) -> Self {
        Self { heads: Index::default(), hasher, from: 0 }
    }

    /// Hash of the list that a record with this handle is in.
    #[inline]
    pub(crate) fn hash(&self, moment: u32, handle: Handle) -> u32 {
        self.hasher.lane(moment, lane(handle))
    }

    /// Ask memory for the place of this hash of a list.
    #[inline]
    pub(crate) fn touch(&self, hash: u32) -> u64 {
        self.heads.touch(hash)
    }

    /// The first order of the list that probably has this hash.
    #[inline]
    pub(crate) fn glance(&self, hash: u32) -> Handle {
        self.heads.glance(hash)
    }

    fn head<T: Ends>(&self, orders: &Arena<T>, moment: u32, which: u32) -> Option<Handle> {
        let is_it = |handle| lane(handle) == which && orders.get(handle).until() == moment;
        self.heads.find(self.hasher.lane(moment, which), is_it)
    }

    /// Add an order.
    pub(crate) fn insert<T: Ends>(&mut self, orders: &mut Arena<T>, handle: Handle) {
        let moment = orders.get(handle).until();
        self.from = self.from.min(moment);
        let Some(head) = self.head(orders, moment, lane(handle)) else {
            *orders.get_mut(handle).due_mut() = Links::NONE;
            self.heads.insert(self.hash(moment, handle), handle);
            return;
        };
        // Behind the head, so that the index need not change.
        let next = core::mem::replace(&mut orders.get_mut(head).due_mut().next, handle);
        *orders.get_mut(handle).due_mut() = Links { prev: head, next };
        if let Some(next) = next.some() {
            orders.get_mut(next).due_mut().prev = handle;
        }
    }

    /// Take out an order that is there.
    pub(crate) fn remove<T: Ends>(&mut self, orders: &mut Arena<T>, handle: Handle) {
        let record = orders.get(handle);
        let (Links { prev, next }, moment) = (record.due(), record.until());
        if let Some(next) = next.some() {
            orders.get_mut(next).due_mut().prev = prev;
        }
        if let Some(prev) = prev.some() {
            orders.get_mut(prev).due_mut().next = next;
            return;
        }
        let hash = self.hash(moment, handle);
        match next.some() {
            Some(next) => self.heads.replace(hash, handle, next),
            None => self.heads.remove(hash, handle),
        }
    }

    /// Append the orders that are good until `now` or an earlier moment, in no order. They stay.
    pub(crate) fn due<T: Ends>(&mut self, orders: &Arena<T>, now: u32, ended: &mut Vec<Due>) {
        let Some(passed) = now.checked_sub(self.from) else { return };
        let first = ended.len();
        let slots = self.heads.slots().checked_div(LANES).unwrap_or_default();
        if usize::try_from(passed).is_ok_and(|passed| passed < slots) {
            for moment in self.from..=now {
                let head = |which| self.head(orders, moment, which).unwrap_or(Handle::NONE);
                list(orders, (0..=LANE).map(head), ended);
            }
        } else {
            // More moments passed than there can be lists: look at the lists.
            let mut heads = self.heads.iter().filter(|head| orders.get(*head).until() <= now).peekable();
            while heads.peek().is_some() {
                list(orders, heads.by_ref().take(LANES), ended);
            }
        }
        // Who stays is found again.
        let oldest = ended.iter().skip(first).map(|(until, ..)| *until).min();
        self.from = oldest.unwrap_or(now.saturating_add(1));
    }
}

/// Append the orders of some lists, at most [`LANES`], by their first ones.
fn list<T: Ends>(orders: &Arena<T>, heads: impl Iterator<Item = Handle>, ended: &mut Vec<Due>) {
    let mut next = [Handle::NONE; LANES];
    next.iter_mut().zip(heads).for_each(|(place, head)| *place = head);
    while next.iter().any(|handle| !handle.is_none()) {
        for place in &mut next {
            if let Some(handle) = place.some() {
                let record = orders.get(handle);
                ended.push((record.until(), record.turn(), handle));
                *place = record.due().next;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
#[expect(clippy::as_conversions, reason = "small numbers of a test")]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;

    #[derive(Clone, Copy, Debug)]
    struct Item {
        until: u32,
        turn: u64,
        due: Links,
    }

    impl Ends for Item {
        fn until(&self) -> u32 {
            self.until
        }

        fn turn(&self) -> u64 {
            self.turn
        }

        fn due(&self) -> Links {
            self.due
        }

        fn due_mut(&mut self) -> &mut Links {
            &mut self.due
        }
    }

    /// Small numbers that look random.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    #[derive(Clone, Default)]
    struct Naive(BTreeMap<(u32, u64), Handle>);

    /// What is compared with a plain map.
    trait Lists {
        fn insert(&mut self, items: &mut Arena<Item>, handle: Handle);
        fn remove(&mut self, items: &mut Arena<Item>, handle: Handle);
        fn due(&mut self, items: &Arena<Item>, now: u32, ended: &mut Vec<Due>);
    }

    macro_rules! lists {
        ($calendar:ty) => {
            impl Lists for $calendar {
                fn insert(&mut self, items: &mut Arena<Item>, handle: Handle) {
                    self.insert(items, handle);
                }

                fn remove(&mut self, items: &mut Arena<Item>, handle: Handle) {
                    self.remove(items, handle);
                }

                fn due(&mut self, items: &Arena<Item>, now: u32, ended: &mut Vec<Due>) {
                    self.due(items, now, ended);
                }
            }
        };
    }

    lists!(Moments);
    lists!(Heights);

    /// Calendar, records and a plain map of the same orders.
    struct Both<C> {
        calendar: C,
        items: Arena<Item>,
        naive: Naive,
        turn: u64,
        undo: Vec<(bool, Handle)>,
    }

    impl<C: Lists> Both<C> {
        fn put(&mut self, handle: Handle) {
            self.calendar.insert(&mut self.items, handle);
            let item = self.items.get(handle);
            assert_eq!(self.naive.0.insert((item.until, item.turn), handle), None);
        }

        fn take(&mut self, handle: Handle) {
            self.calendar.remove(&mut self.items, handle);
            let item = self.items.get(handle);
            assert_eq!(self.naive.0.remove(&(item.until, item.turn)), Some(handle));
        }

        fn come(&mut self, until: u32) {
            self.turn += 1;
            let handle = self.items.insert(Item { until, turn: self.turn, due: Links::NONE });
            self.put(handle);
            self.undo.push((true, handle));
        }

        fn go(&mut self, handle: Handle) {
            self.take(handle);
            self.undo.push((false, handle));
        }

        fn undo(&mut self, many: usize) {
            for _ in 0..many {
                match self.undo.pop() {
                    Some((true, handle)) => self.take(handle),
                    Some((false, handle)) => self.put(handle),
                    None => return,
                }
            }
        }

        fn any(&self, draw: &mut Draw) -> Option<Handle> {
            let at = draw.below((self.naive.0.len() as u64).max(1));
            self.naive.0.values().nth(at as usize).copied()
        }

        /// What ends at `now` is the same; so it is when it is asked again, since all of it stays.
        fn check(&mut self, now: u32) -> Vec<Handle> {
            let plain: Vec<Due> = self
                .naive
                .0
                .range(..=(now, u64::MAX))
                .map(|((until, turn), at)| (*until, *turn, *at))
                .collect();
            for _ in 0..2 {
                let mut ended = vec![];
                self.calendar.due(&self.items, now, &mut ended);
                ended.sort_unstable();
                assert_eq!(ended, plain, "at {now}");
            }
            plain.into_iter().map(|(.., handle)| handle).collect()
        }
    }

    /// From `start`, orders come that end within `near` mostly; time jumps by up to `jump` now and then.
    fn agrees(calendar: impl Lists, (seed, start): (u64, u32), (near, jump): (u64, u64)) {
        let mut draw = Draw(seed);
        let (items, naive) = (Arena::default(), Naive::default());
        let mut both = Both { calendar, items, naive, turn: 0, undo: vec![] };
        let (mut now, mut ended, mut most) = (start, 0, 0);
        for _ in 0..4_000 {
            for _ in 0..draw.below(12) {
                let ahead = match draw.below(10) {
                    0 => draw.below(jump * 2),
                    1 => 0,
                    _ => draw.below(near),
                };
                // Some end when they come, or before.
                let until = u64::from(now) + ahead;
                let until = until.saturating_sub(if draw.below(20) == 0 { draw.below(near) } else { 0 });
                both.come(u32::try_from(until).unwrap_or(u32::MAX));
            }
            for _ in 0..draw.below(4) {
                if let Some(handle) = both.any(&mut draw) {
                    both.go(handle);
                }
            }
            if draw.below(5) == 0 {
                let many = draw.below(both.undo.len() as u64 + 1);
                both.undo(many as usize);
            }
            if draw.below(3) == 0 {
                both.undo.clear();
            }
            let step = match draw.below(50) {
                0 => draw.below(jump),
                1..5 => 0,
                _ => draw.below(3),
            };
            now = u32::try_from(u64::from(now) + step).unwrap_or(u32::MAX);
            most = most.max(both.naive.0.len());
            let due = both.check(now);
            ended += due.len();
            // Now and then some stay, and have to be found again.
            let some = if draw.below(10) == 0 { due.len() >> 1 } else { due.len() };
            for handle in due.into_iter().take(some) {
                both.go(handle);
            }
        }
        assert!(ended > 4_000, "only {ended} ended");
        assert!(most > 50, "only {most} waited");
    }

    fn moments(seed: u64) -> Moments {
        Moments::new(Hasher::new(seed))
    }

    fn heights(seed: u64) -> Heights {
        Heights::new(Hasher::new(seed))
    }

    #[test]
    fn heights_end_as_in_a_plain_map_whatever_comes_goes_and_is_undone() {
        agrees(heights(1), (1, 0), (40, 200));
        agrees(heights(2), (2, 900), (40, 100_000));
    }

    #[test]
    fn seconds_end_as_in_a_plain_map_also_when_time_jumps_far_and_when_it_ends() {
        agrees(moments(3), (3, 1_700_000_000), (8_000, 8_000_000));
        agrees(moments(4), (4, 1_700_000_000), (90, 90));
        agrees(moments(5), (5, u32::MAX - 3_000), (500, 500));
    }

    #[test]
    fn a_block_looks_at_the_moments_that_passed_and_not_at_those_to_come() {
        let (mut moments, mut items) = (Moments::new(Hasher::new(7)), Arena::default());
        for turn in 0..10_000_u32 {
            let handle = items.insert(Item { until: 1_000_000 + turn, turn: turn.into(), due: Links::NONE });
            moments.insert(&mut items, handle);
        }
        let mut ended = vec![];
        for now in [5, 6, 999_999] {
            moments.due(&items, now, &mut ended);
            assert!(ended.is_empty());
            assert_eq!(moments.from, now + 1);
        }
    }
}
