//! Users of the desk by address: open addressing, never iterated. What it answers does not depend on where a
//! user stands in it.

use alloc::vec::Vec;
use types::Address;

use crate::rates::Rates;
use crate::volumes::{Total, Volume};

/// Users that are remembered from block to block.
const KEPT: usize = 65_536;
const SMALLEST: usize = 64;
const VACANT: usize = usize::MAX;

/// What the desk knows of somebody.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct User {
    pub(super) address: Address,
    /// Block that `rates` are of.
    pub(super) stamp: Option<u64>,
    pub(super) rates: Rates,
    /// The row of its volume, when it was read or written last, and the desk's era then. As long
    /// as no bucket has left the window since, the row still says so.
    pub(super) total: Option<(u64, Total)>,
    /// Traded in this block.
    pub(super) traded: Volume,
}

/// Users by address.
#[derive(Debug, Default)]
pub(super) struct Users {
    users: Vec<User>,
    slots: Vec<usize>,
    nobody: User,
}

impl Users {
    /// Where `address` stands; it gets a place if it has none.
    pub(super) fn slot(&mut self, address: &Address) -> usize {
        if self.users.len().saturating_mul(2) >= self.slots.len() {
            self.grow();
        }
        let mut at = self.home(address);
        loop {
            let slot = self.slots.get(at).copied().unwrap_or(VACANT);
            match self.users.get(slot) {
                Some(user) if user.address == *address => return slot,
                Some(_) => at = self.after(at),
                None => break,
            }
        }
        let slot = self.users.len();
        self.users.push(User { address: *address, ..User::default() });
        if let Some(place) = self.slots.get_mut(at) {
            *place = slot;
        }
        slot
    }

    /// Where `address` most likely stands.
    #[inline]
    pub(super) fn guess(&self, address: &Address) -> usize {
        self.slots.get(self.home(address)).copied().unwrap_or(VACANT)
    }

    /// Who stands at `slot`.
    pub(super) fn get(&self, slot: usize) -> &User {
        self.users.get(slot).unwrap_or(&self.nobody)
    }

    /// Who stands at `slot`.
    pub(super) fn get_mut(&mut self, slot: usize) -> &mut User {
        self.users.get_mut(slot).unwrap_or(&mut self.nobody)
    }

    /// Forget everybody when there are too many. Nobody may have traded.
    pub(super) fn shrink(&mut self) {
        if self.users.len() > KEPT {
            self.users.clear();
            self.slots.fill(VACANT);
        }
    }

    fn home(&self, address: &Address) -> usize {
        let mut hash: u64 = 0x9e37_79b9_7f4a_7c15;
        for word in address.bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(word).for_each(|(to, from)| *to = *from);
            hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0xd6e8_feb8_6659_fd93);
            hash ^= hash >> 32;
        }
        usize::try_from(hash & 0xffff_ffff).unwrap_or_default() & self.mask()
    }

    fn mask(&self) -> usize {
        self.slots.len().saturating_sub(1)
    }

    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask()
    }

    fn grow(&mut self) {
        let wanted = self.slots.len().saturating_mul(2).max(SMALLEST);
        self.slots = alloc::vec![VACANT; wanted];
        for slot in 0..self.users.len() {
            let mut at = self.home(&self.get(slot).address);
            while self.slots.get(at).is_some_and(|taken| *taken != VACANT) {
                at = self.after(at);
            }
            if let Some(place) = self.slots.get_mut(at) {
                *place = slot;
            }
        }
    }
}
