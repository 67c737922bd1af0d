//! When orders end: for heights and for seconds a wheel of the sixty-four moments at hand, and one bag for each
//! sixty-four later ones.
//!
//! A bag is an unsorted list through the records. Its orders are dealt to their moments when the first of these
//! is at hand, and sorted when they end, so neither coming nor leaving has to look for a place.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::arena::{Arena, Handle, Links};
use crate::books::Record;

/// Moments of a turn: the bits of a word.
const MOMENTS: usize = 64;
const LAST: u32 = 63;
const SHIFT: u32 = 6;

/// An order that ends: until when it was good, its turn, its record.
pub(crate) type Due = (u32, u64, Handle);

/// Resting orders by the moment until which they are good.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    pub(crate) heights: Wheel,
    pub(crate) times: Wheel,
}

impl Calendar {
    /// The wheel of seconds, or that of heights.
    pub(crate) fn wheel(&mut self, by_time: bool) -> &mut Wheel {
        if by_time {
            &mut self.times
        } else {
            &mut self.heights
        }
    }
}

/// Orders by moment.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Number of the turn whose moments are dealt: moment divided by their number in a turn.
    turn: u32,
    /// Moments of the turn with an order.
    taken: u64,
    /// Bags of the turn's moments; the first also holds what should have ended in an earlier turn.
    near: [Handle; MOMENTS],
    /// Bags of later turns.
    far: BTreeMap<u32, Handle>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { turn: 0, taken: 0, near: [Handle::NONE; MOMENTS], far: BTreeMap::new() }
    }
}

impl Wheel {
    /// Place of `moment` in the turn, when it is not later.
    fn place(&self, moment: u32) -> Option<u32> {
        match (moment >> SHIFT).cmp(&self.turn) {
            core::cmp::Ordering::Less => Some(0),
            core::cmp::Ordering::Equal => Some(moment & LAST),
            core::cmp::Ordering::Greater => None,
        }
    }

    /// First of the bag of `moment`, which gets `first` instead.
    fn swap(&mut self, moment: u32, first: Handle) -> Handle {
        let Some(place) = self.place(moment) else {
            let turn = moment >> SHIFT;
            let old = if first.is_none() { self.far.remove(&turn) } else { self.far.insert(turn, first) };
            return old.unwrap_or(Handle::NONE);
        };
        let bit = 1u64.wrapping_shl(place);
        if first.is_none() {
            self.taken &= !bit;
        } else {
            self.taken |= bit;
        }
        let at = usize::try_from(place).unwrap_or_default();
        self.near.get_mut(at).map_or(Handle::NONE, |bag| core::mem::replace(bag, first))
    }

    /// Add an order that is good until `moment`.
    pub(crate) fn insert(&mut self, orders: &mut Arena<Record>, handle: Handle, moment: u32) {
        let next = self.swap(moment, handle);
        orders.get_mut(handle).due = Links { prev: Handle::NONE, next };
        if let Some(next) = next.some() {
            orders.get_mut(next).due.prev = handle;
        }
    }

    /// Take out an order that is good until `moment`.
    pub(crate) fn remove(&mut self, orders: &mut Arena<Record>, handle: Handle, moment: u32) {
        let Links { prev, next } = orders.get(handle).due;
        if let Some(next) = next.some() {
            orders.get_mut(next).due.prev = prev;
        }
        match prev.some() {
            Some(prev) => orders.get_mut(prev).due.next = next,
            None => {
                self.swap(moment, next);
            }
        }
    }

    /// Append the orders that are good until `now` or an earlier moment. They stay.
    pub(crate) fn due(&mut self, orders: &mut Arena<Record>, now: u32, ended: &mut Vec<Due>) {
        if now >> SHIFT > self.turn {
            self.turn_to(orders, now >> SHIFT);
        }
        let upto =
            if now >> SHIFT < self.turn { 1 } else { u64::MAX.wrapping_shr(LAST.wrapping_sub(now & LAST)) };
        let mut places = self.taken & upto;
        while places != 0 {
            let at = usize::try_from(places.trailing_zeros()).unwrap_or_default();
            places &= places.wrapping_sub(1);
            let mut next = self.near.get(at).and_then(|bag| bag.some());
            while let Some(handle) = next {
                let record = orders.get(handle);
                next = record.due.next.some();
                if record.until <= now {
                    ended.push((record.until, record.sequence, handle));
                }
            }
        }
    }

    /// Deal the bags up to that of `turn`. What should have ended before goes into the first bag.
    fn turn_to(&mut self, orders: &mut Arena<Record>, turn: u32) {
        self.turn = turn;
        self.taken = 0;
        let late = core::mem::replace(&mut self.near, [Handle::NONE; MOMENTS]);
        for bag in late {
            self.deal(orders, bag);
        }
        while let Some(entry) = self.far.first_entry().filter(|entry| *entry.key() <= turn) {
            let bag = entry.remove();
            self.deal(orders, bag);
        }
    }

    fn deal(&mut self, orders: &mut Arena<Record>, bag: Handle) {
        let mut next = bag.some();
        while let Some(handle) = next {
            let record = orders.get(handle);
            next = record.due.next.some();
            let moment = record.until;
            self.insert(orders, handle, moment);
        }
    }
}
