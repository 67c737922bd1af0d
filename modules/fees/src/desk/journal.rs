//! Undoing: each step remembers what it replaced.

use alloc::boxed::Box;

use num::QuoteQuantums;
use types::Address;

use super::{Desk, Held};
use crate::volumes::{Builder, Volume};

/// What a step replaced.
#[derive(Debug)]
pub(super) enum Undo {
    /// A block began: what left the window came back.
    Began,
    /// Volume of the user at a slot.
    Traded(usize, Volume),
    /// Fees of a pool.
    Till(Address, Option<Held>),
    /// Fees and merits of a builder. Boxed, because few fills have one and every fill pays for the size.
    Built(Box<Built>),
    /// Merits of a builder that became a row.
    Brought(Address, Builder),
    /// Fees of a builder that were paid.
    Paid(Address, Address, QuoteQuantums),
}

/// What a builder had in a pool, and in all.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) pool: Address,
    pub(super) builder: Address,
    pub(super) fees: Option<QuoteQuantums>,
    pub(super) brought: Option<Builder>,
}

impl Desk {
    /// Take all fees out of the till, by pool.
    pub(crate) fn empty_till(&mut self) -> alloc::collections::BTreeMap<Address, Held> {
        let till = core::mem::take(&mut self.till);
        for (pool, held) in &till {
            self.journal.note(|| Undo::Till(*pool, Some(*held)));
        }
        till
    }

    /// Take all builder fees out of the till, by pool and builder.
    pub(crate) fn empty_built(&mut self) -> alloc::collections::BTreeMap<(Address, Address), QuoteQuantums> {
        let built = core::mem::take(&mut self.built);
        for ((pool, builder), fees) in &built {
            self.journal.note(|| Undo::Paid(*pool, *builder, *fees));
        }
        built
    }

    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Began => self.era = self.era.saturating_add(1),
            Undo::Traded(slot, old) => {
                let user = self.users.get_mut(slot);
                // Its row may have been written in between.
                user.total = None;
                let listed = user.traded.is_zero() && !old.is_zero();
                user.traded = old;
                if listed {
                    self.traded.push(slot);
                }
            }
            Undo::Till(pool, Some(held)) => {
                self.till.insert(pool, held);
            }
            Undo::Till(pool, None) => {
                self.till.remove(&pool);
            }
            Undo::Built(old) => {
                let Built { pool, builder, fees, brought } = *old;
                match fees {
                    Some(fees) => self.built.insert((pool, builder), fees),
                    None => self.built.remove(&(pool, builder)),
                };
                match brought {
                    Some(brought) => self.builders.insert(builder, brought),
                    None => self.builders.remove(&builder),
                };
            }
            Undo::Brought(builder, brought) => {
                self.builders.insert(builder, brought);
            }
            Undo::Paid(pool, builder, fees) => {
                self.built.insert((pool, builder), fees);
            }
        }
    }
}

store::journaled!(Desk);
