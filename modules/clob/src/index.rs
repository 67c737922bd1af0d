//! A hash index from keys to records of an arena: open addressing.
//!
//! It holds handles only; whoever searches compares the record's own key. What it answers does not depend on
//! the seed, so a node may choose its own against people who look for collisions; only the order of its handles
//! does, and whoever asks for all of them sorts them.

use alloc::vec::Vec;
use types::{Address, SubaccountId};

use crate::arena::Handle;
use crate::order::{Kind, OrderId};

/// A slot: upper bits of the hash, so that most strangers are recognised without visiting the record.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    handle: Handle,
}

const VACANT: Slot = Slot { hash: 0, handle: Handle::NONE };
const SMALLEST: usize = 64;
/// Slots up to which three quarters of them stay vacant: hardly anybody has to probe.
const SMALL: usize = 16_384;
/// Slots up to which half of them stay vacant; of more, a quarter.
const ROOMY: usize = 262_144;

/// Handles by hash.
#[derive(Debug)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    used: usize,
    mask: usize,
}

impl Default for Index {
    fn default() -> Self {
        let mut index = Self { slots: Vec::new(), used: 0, mask: 0 };
        index.resize(SMALLEST);
        index
    }
}

impl Index {
    /// How many handles it holds.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        usize::try_from(hash).unwrap_or_default() & self.mask
    }

    #[inline]
    fn slot(&self, at: usize) -> Slot {
        self.slots.get(at).copied().unwrap_or(VACANT)
    }

    fn put(&mut self, at: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(at) {
            *place = slot;
        }
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask
    }

    /// The handle that has this hash and that `is_it` recognises.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(Handle) -> bool) -> Option<Handle> {
        let mut at = self.home(hash);
        loop {
            let slot = self.slot(at);
            if slot.handle.is_none() {
                return None;
            }
            if slot.hash == hash && is_it(slot.handle) {
                return Some(slot.handle);
            }
            at = self.after(at);
        }
    }

    /// Ask memory for the place of this hash.
    #[inline]
    pub(crate) fn touch(&self, hash: u32) -> u64 {
        self.slot(self.home(hash)).hash.into()
    }

    /// The handle that most likely has this hash, without a wait for each step; [`Handle::NONE`] when it is not
    /// near its place.
    #[inline]
    pub(crate) fn glance(&self, hash: u32) -> Handle {
        let mut at = self.home(hash);
        let mut found = Handle::NONE;
        for _ in 0..4 {
            let slot = self.slot(at);
            if slot.hash == hash {
                found = slot.handle;
            }
            at = self.after(at);
        }
        found
    }

    /// Add a handle that is not there yet.
    pub(crate) fn insert(&mut self, hash: u32, handle: Handle) {
        let slots = self.slots.len();
        let spare = if slots <= SMALL {
            slots.saturating_sub(slots >> 2)
        } else if slots <= ROOMY {
            slots >> 1
        } else {
            slots >> 2
        };
        if self.used.saturating_add(spare) >= slots {
            self.resize(self.slots.len().saturating_mul(2));
        }
        self.used = self.used.saturating_add(1);
        self.settle(Slot { hash, handle });
    }

    fn settle(&mut self, slot: Slot) {
        let mut at = self.home(slot.hash);
        while !self.slot(at).handle.is_none() {
            at = self.after(at);
        }
        self.put(at, slot);
    }

    /// Let another record stand where `handle` is, under the same hash.
    pub(crate) fn replace(&mut self, hash: u32, handle: Handle, other: Handle) {
        let mut at = self.home(hash);
        while self.slot(at).handle != handle {
            if self.slot(at).handle.is_none() {
                return;
            }
            at = self.after(at);
        }
        self.put(at, Slot { hash, handle: other });
    }

    /// How many handles it could hold: what it takes to look at all of them.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// All handles, in an order that depends on the seed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Handle> + '_ {
        self.slots.iter().filter_map(|slot| slot.handle.some())
    }

    /// Take out a handle that is there.
    pub(crate) fn remove(&mut self, hash: u32, handle: Handle) {
        let mut hole = self.home(hash);
        while self.slot(hole).handle != handle {
            if self.slot(hole).handle.is_none() {
                return;
            }
            hole = self.after(hole);
        }
        self.used = self.used.saturating_sub(1);
        // Close the gap: whoever probed past the hole moves into it.
        let mut at = self.after(hole);
        loop {
            let slot = self.slot(at);
            if slot.handle.is_none() {
                break;
            }
            let wandered = at.wrapping_sub(self.home(slot.hash)) & self.mask;
            if wandered >= at.wrapping_sub(hole) & self.mask {
                self.put(hole, slot);
                hole = at;
            }
            at = self.after(at);
        }
        self.put(hole, VACANT);
    }

    fn resize(&mut self, capacity: usize) {
        let old = core::mem::replace(&mut self.slots, alloc::vec![VACANT; capacity]);
        self.mask = capacity.saturating_sub(1);
        for slot in old {
            if !slot.handle.is_none() {
                self.settle(slot);
            }
        }
    }
}

/// Hashes keys of the book under a seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hasher {
    keys: [u64; 4],
}

impl Hasher {
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        let keys = [(); 4].map(|()| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            fold(state ^ 0xd6e8_feb8_6659_fd93, state.rotate_left(29) | 1)
        });
        Self { keys }
    }

    #[inline]
    fn words(self, a: u64, b: u64, c: u64, d: u64) -> u32 {
        let [k0, k1, k2, k3] = self.keys;
        let mixed = fold(a ^ k0, b ^ k1) ^ fold(c ^ k2, d ^ k3).rotate_left(23);
        let last = fold(mixed ^ k1, k3 | 1);
        u32::try_from(last >> 32).unwrap_or_default()
    }

    /// Hash of an order: that of its trader, and how the trader calls it.
    #[inline]
    pub(crate) fn order(self, trader: u32, kind: Kind, client_id: u32) -> u32 {
        let [k0, k1, k2, _] = self.keys;
        let name = (u64::from(trader) << 32) | u64::from(client_id);
        let mixed = fold(name ^ k0, k1 ^ u64::from(kind.flags()));
        u32::try_from(mixed.wrapping_mul(k2) >> 32).unwrap_or_default()
    }

    /// Hash of an order's id.
    #[inline]
    pub(crate) fn id(self, id: &OrderId) -> u32 {
        let (a, b, rest) = split(&id.subaccount.owner);
        let c = rest ^ (u64::from(id.subaccount.number) << 32) ^ (u64::from(id.kind.flags()) << 53);
        self.words(a, b, c, (u64::from(id.market.0) << 32) | u64::from(id.client_id))
    }

    /// Hash of a height or second.
    #[inline]
    pub(crate) fn moment(self, moment: u32) -> u32 {
        self.lane(moment, 0)
    }

    /// Hash of one of the lists of a moment.
    #[inline]
    pub(crate) fn lane(self, moment: u32, list: u32) -> u32 {
        let [k0, k1, k2, _] = self.keys;
        let mixed = fold(u64::from(moment) ^ (u64::from(list) << 32) ^ k0, k1 | 1);
        u32::try_from(mixed.wrapping_mul(k2 | 1) >> 32).unwrap_or_default()
    }

    /// Hash of a record's handle.
    #[inline]
    pub(crate) fn handle(self, handle: Handle) -> u32 {
        self.moment(handle.number())
    }

    /// Hash of an owner, by purpose.
    #[inline]
    pub(crate) fn owner(self, owner: &Address, purpose: u64) -> u32 {
        let (a, b, rest) = split(owner);
        self.words(a, b, rest, purpose)
    }

    /// Hash of a subaccount in a market.
    #[inline]
    pub(crate) fn subaccount(self, id: &SubaccountId, market: u32) -> u32 {
        let (a, b, rest) = split(&id.owner);
        self.words(a, b, rest ^ (u64::from(id.number) << 32), u64::from(market))
    }
}

/// Whether two subaccounts are the same, compared in words.
#[inline]
pub(crate) fn same(a: &SubaccountId, b: &SubaccountId) -> bool {
    a.number == b.number && split(&a.owner) == split(&b.owner)
}

/// Both halves of the product, mixed.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let (low, high) = a.carrying_mul(b, 0);
    low ^ high
}

#[inline]
fn split(address: &Address) -> (u64, u64, u64) {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3] = *address.bytes();
    (
        u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
        u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
        u32::from_le_bytes([c0, c1, c2, c3]).into(),
    )
}
