//! Finds accounts by id: open addressing over numbers of slots, never iterated.

use alloc::vec::Vec;

use types::SubaccountId;

const VACANT: u32 = u32::MAX;
const SMALLEST: usize = 64;

/// Numbers of slots by the hash of their account's id. What it answers does not depend on the seed.
#[derive(Debug)]
pub(super) struct Index {
    places: Vec<u32>,
    used: usize,
    seed: u64,
}

impl Index {
    pub(super) fn new(seed: u64) -> Self {
        Self { places: alloc::vec![VACANT; SMALLEST], used: 0, seed }
    }

    #[inline]
    fn mask(&self) -> usize {
        self.places.len().saturating_sub(1)
    }

    #[inline]
    fn home(&self, id: &SubaccountId) -> usize {
        usize::try_from(hash(self.seed, id)).unwrap_or_default() & self.mask()
    }

    #[inline]
    fn at(&self, place: usize) -> u32 {
        self.places.get(place).copied().unwrap_or(VACANT)
    }

    fn put(&mut self, place: usize, slot: u32) {
        if let Some(entry) = self.places.get_mut(place) {
            *entry = slot;
        }
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        place.wrapping_add(1) & self.mask()
    }

    /// The slot that `id` most likely has; no slot when it surely has none.
    #[inline]
    pub(super) fn guess(&self, id: &SubaccountId) -> u32 {
        self.at(self.home(id))
    }

    /// The slot of `id`; `is_it` recognises it.
    #[inline]
    pub(super) fn find(&self, id: &SubaccountId, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.home(id);
        loop {
            match self.at(place) {
                VACANT => return None,
                slot if is_it(slot) => return Some(slot),
                _ => place = self.after(place),
            }
        }
    }

    /// Add a slot that is not there yet; `id_of` names the account of any slot.
    pub(super) fn insert(&mut self, id: &SubaccountId, slot: u32, id_of: impl Fn(u32) -> SubaccountId) {
        self.used = self.used.saturating_add(1);
        if self.used.saturating_mul(2) > self.places.len() {
            let larger = alloc::vec![VACANT; self.places.len().saturating_mul(2)];
            for slot in core::mem::replace(&mut self.places, larger) {
                if slot != VACANT {
                    self.settle(&id_of(slot), slot);
                }
            }
        }
        self.settle(id, slot);
    }

    fn settle(&mut self, id: &SubaccountId, slot: u32) {
        let mut place = self.home(id);
        while self.at(place) != VACANT {
            place = self.after(place);
        }
        self.put(place, slot);
    }

    /// Take out a slot that is there.
    pub(super) fn remove(&mut self, id: &SubaccountId, slot: u32, id_of: impl Fn(u32) -> SubaccountId) {
        let mut hole = self.home(id);
        while self.at(hole) != slot {
            if self.at(hole) == VACANT {
                return;
            }
            hole = self.after(hole);
        }
        self.used = self.used.saturating_sub(1);
        // Close the gap: whoever probed past the hole moves into it.
        let mut place = self.after(hole);
        while self.at(place) != VACANT {
            let slot = self.at(place);
            let wandered = place.wrapping_sub(self.home(&id_of(slot))) & self.mask();
            if wandered >= place.wrapping_sub(hole) & self.mask() {
                self.put(hole, slot);
                hole = place;
            }
            place = self.after(place);
        }
        self.put(hole, VACANT);
    }
}

#[inline]
fn hash(seed: u64, id: &SubaccountId) -> u64 {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3] = *id.owner.bytes();
    let a = u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]);
    let b = u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
    let c = u64::from(u32::from_le_bytes([c0, c1, c2, c3])) ^ (u64::from(id.number) << 32);
    let mixed = fold(a ^ seed ^ 0x9e37_79b9_7f4a_7c15, b ^ seed.rotate_left(17) ^ 0xd6e8_feb8_6659_fd93);
    fold(mixed ^ c, seed ^ 0xa076_1d64_78bd_642f)
}

/// Both halves of the product, mixed.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let (low, high) = a.carrying_mul(b, 0);
    low ^ high
}
