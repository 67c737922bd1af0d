//! The orders that end at a height: many at each, so they stand in a list of handles, and know where.
//!
//! Who leaves leaves a hole: no neighbour far away has to be told. A list ends with its height; one that is mostly
//! holes before that is closed up. A block reads its list from one end to the other. The order in a list means
//! nothing.

use alloc::vec::Vec;

use crate::arena::{Arena, Handle, Links};
use crate::calendar::{Due, Ends};
use crate::index::{Hasher, Index};

/// Holes that a list may have besides as many as there are orders in it.
const HOLES: usize = 4_096;

/// The orders that end at one height, and holes of orders that left.
#[derive(Debug, Default)]
struct Bucket {
    height: u32,
    /// How many are no holes.
    live: usize,
    orders: Vec<Handle>,
}

impl Bucket {
    /// Orders that are there.
    fn iter(&self) -> impl Iterator<Item = Handle> + '_ {
        self.orders.iter().filter_map(|handle| handle.some())
    }

    /// Close the holes, and tell the orders where they stand now.
    #[cold]
    fn close_up<T: Ends>(&mut self, orders: &mut Arena<T>) {
        self.orders.retain(|handle| !handle.is_none());
        for (at, handle) in self.orders.iter().enumerate() {
            orders.get_mut(*handle).due_mut().next = Handle::numbered(at);
        }
    }
}

/// Orders by height. Each keeps its bucket and its place there in its links.
#[derive(Debug)]
pub(crate) struct Heights {
    buckets: Arena<Bucket>,
    /// Buckets by height, none of them empty.
    index: Index,
    hasher: Hasher,
    /// The bucket of the order that came last: the next one probably belongs there too.
    last: Handle,
    /// No order ends before this height.
    from: u32,
}

impl Heights {
    pub(crate) fn new(hasher: Hasher) -> Self {
        let (buckets, index) = (Arena::default(), Index::default());
        Self { buckets, index, hasher, last: Handle::NONE, from: 0 }
    }

    fn find(&self, height: u32) -> Option<Handle> {
        let is_it = |handle| self.buckets.get(handle).height == height;
        self.index.find(self.hasher.moment(height), is_it)
    }

    #[inline]
    fn bucket(&mut self, height: u32) -> Handle {
        if let Some(last) = self.last.some().filter(|last| self.buckets.get(*last).height == height) {
            return last;
        }
        self.last = self.find(height).unwrap_or_else(|| {
            // One that was used before has room.
            let handle = self.buckets.reuse(Bucket::default);
            self.buckets.get_mut(handle).height = height;
            self.index.insert(self.hasher.moment(height), handle);
            handle
        });
        self.last
    }

    /// Add an order.
    pub(crate) fn insert<T: Ends>(&mut self, orders: &mut Arena<T>, handle: Handle) {
        let height = orders.get(handle).until();
        self.from = self.from.min(height);
        let prev = self.bucket(height);
        let bucket = self.buckets.get_mut(prev);
        *orders.get_mut(handle).due_mut() = Links { prev, next: Handle::numbered(bucket.orders.len()) };
        bucket.orders.push(handle);
        bucket.live = bucket.live.saturating_add(1);
    }

    /// Take out an order that is there.
    pub(crate) fn remove<T: Ends>(&mut self, orders: &mut Arena<T>, handle: Handle) {
        let Links { prev, next: at } = orders.get(handle).due();
        let bucket = self.buckets.get_mut(prev);
        if let Some(place) = bucket.orders.get_mut(at.index()) {
            *place = Handle::NONE;
        }
        bucket.live = bucket.live.saturating_sub(1);
        let holes = bucket.orders.len().saturating_sub(bucket.live);
        if bucket.live > 0 && holes > bucket.live.saturating_add(HOLES) {
            bucket.close_up(orders);
        }
        if bucket.live == 0 {
            bucket.orders.clear();
            self.index.remove(self.hasher.moment(bucket.height), prev);
            self.buckets.free(prev);
            self.last = Handle::NONE;
        }
    }

    /// Ask memory for what the removal of an order with these links needs.
    #[inline]
    pub(crate) fn look(&self, Links { prev, next: at }: Links) -> u64 {
        let bucket = self.buckets.look(prev);
        bucket.and_then(|bucket| bucket.orders.get(at.index())).map_or(0, |one| u64::from(one.is_none()))
    }

    /// Append the orders that are good until `now` or an earlier height, in no order. They stay.
    pub(crate) fn due<T: Ends>(&mut self, orders: &Arena<T>, now: u32, ended: &mut Vec<Due>) {
        let Some(passed) = now.checked_sub(self.from) else { return };
        let first = ended.len();
        let mut list = |bucket: Handle| {
            let bucket = self.buckets.get(bucket);
            ended.extend(bucket.iter().map(|handle| (bucket.height, orders.get(handle).turn(), handle)));
        };
        if usize::try_from(passed).is_ok_and(|passed| passed < self.index.slots()) {
            (self.from..=now).filter_map(|height| self.find(height)).for_each(&mut list);
        } else {
            // More heights passed than there can be buckets: look at the buckets.
            let passed = |bucket: &Handle| self.buckets.get(*bucket).height <= now;
            self.index.iter().filter(passed).for_each(&mut list);
        }
        // Who stays is found again.
        let oldest = ended.iter().skip(first).map(|(until, ..)| *until).min();
        self.from = oldest.unwrap_or(now.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An order that ends at height 9.
    #[derive(Debug)]
    struct Item(u64, Links);

    impl Ends for Item {
        fn until(&self) -> u32 {
            9
        }

        fn turn(&self) -> u64 {
            self.0
        }

        fn due(&self) -> Links {
            self.1
        }

        fn due_mut(&mut self) -> &mut Links {
            &mut self.1
        }
    }

    #[test]
    fn holes_are_closed_before_they_outnumber_the_orders_by_much() {
        let (mut heights, mut items) = (Heights::new(Hasher::new(1)), Arena::default());
        let come = |heights: &mut Heights, items: &mut Arena<Item>, turn: u64| {
            let handle = items.insert(Item(turn, Links::NONE));
            heights.insert(items, handle);
            handle
        };
        let stay: Vec<Handle> = (0..100).map(|turn| come(&mut heights, &mut items, turn)).collect();
        let mut most = 0;
        for turn in 100..20_000 {
            let handle = come(&mut heights, &mut items, turn);
            heights.remove(&mut items, handle);
            items.free(handle);
            most = most.max(heights.buckets.iter().map(|bucket| bucket.orders.len()).sum());
        }
        assert!((HOLES..=HOLES + 202).contains(&most), "{most}");
        let mut ended = Vec::new();
        heights.due(&items, 9, &mut ended);
        ended.sort_unstable();
        let turns: Vec<u64> = ended.iter().map(|(_, turn, _)| *turn).collect();
        assert_eq!(turns, (0..100).collect::<Vec<_>>());
        stay.into_iter().for_each(|handle| heights.remove(&mut items, handle));
        assert!(heights.buckets.iter().all(|bucket| bucket.orders.is_empty()));
    }
}
