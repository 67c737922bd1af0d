//! What the rows of the state do not say yet, and what may go once they do.

use alloc::vec::Vec;
use core::hint::black_box;
use num::Subticks;
use types::MarketId;

use super::record::Flags;
use super::{Books, LevelView};
use crate::arena::Handle;
use crate::order::{OrderId, Side};

/// Orders that are worth looking at together: what belongs to them fits the nearest cache.
pub(crate) const TOGETHER: usize = 32;

/// What changed, while it changes.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Records of orders that came, each once; some of orders that left again.
    pub(super) came: Vec<Handle>,
    /// Orders that have a row and left.
    pub(super) gone: Vec<OrderId>,
    /// Levels that changed, each once.
    pub(super) levels: Vec<Handle>,
    /// Traders whose last order left, each once; some have orders again.
    pub(super) idle: Vec<Handle>,
}

/// A level whose row may be wrong: where it is, and what it holds now.
pub(crate) type Change = (MarketId, Side, Subticks, Option<LevelView>);

/// What the rows of the state do not say yet. Orders that came and left since then are not in it.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Orders that came, each once.
    pub(crate) came: Vec<Handle>,
    /// Orders that have a row and left, each once. Some rest again: they are among those that came.
    pub(crate) gone: Vec<OrderId>,
    /// Levels that changed; some twice.
    pub(crate) levels: Vec<Change>,
}

impl Books {
    /// The changes since the last call; from now on they count as written. Give the lists back when done. While
    /// a savepoint is open nothing is given up, so that it can be undone.
    pub(crate) fn take_changes(&mut self) -> Changes {
        let mut changes = core::mem::take(&mut self.written);
        let mut log = core::mem::take(&mut self.log);
        for handle in log.came.drain(..) {
            let flags = &mut self.orders.get_mut(handle).flags;
            flags.set(Flags::LISTED, false);
            if flags.has(Flags::LIVE) && flags.has(Flags::FRESH) {
                flags.set(Flags::FRESH, false);
                flags.set(Flags::ROW, true);
                changes.came.push(handle);
            }
        }
        changes.gone.append(&mut log.gone);
        let nested = self.journal.is_open();
        for some in log.levels.chunks(TOGETHER) {
            self.look_at_levels(some);
            for handle in some {
                changes.levels.extend(self.written_level(*handle, nested));
            }
        }
        if !nested {
            log.levels.clear();
            for some in log.idle.chunks(TOGETHER) {
                self.look_at_traders(some);
                for handle in some {
                    self.dismiss(*handle);
                }
            }
            log.idle.clear();
        }
        self.log = log;
        changes
    }

    /// Look at all that belongs to these orders, at most [`TOGETHER`], before they are asked for one by one: so
    /// one wait for memory serves all of them.
    pub(crate) fn look(&self, orders: &[Handle]) {
        let mut near = [None; TOGETHER];
        for (place, handle) in near.iter_mut().zip(orders) {
            let record = self.orders.get(*handle);
            *place = Some((record.level, record.trader));
        }
        for ((level, trader), handle) in near.iter().flatten().zip(orders) {
            let parts = self.parts.touch(*handle);
            black_box((self.levels.get(*level).orders, self.traders.get(*trader).resting, parts));
        }
    }

    /// The same for levels that may go.
    fn look_at_levels(&self, levels: &[Handle]) {
        let orders = |handle: &Handle| self.levels.look(*handle).map_or(0, |level| level.orders);
        black_box(levels.iter().fold(0, |seen, handle| seen ^ orders(handle)));
        let place = |handle: &Handle| {
            let level = self.levels.look(*handle).filter(|level| level.orders == 0)?;
            self.markets.get(usize::try_from(level.slot).ok()?)?.side(level.side).get(level.price)
        };
        black_box(levels.iter().filter_map(place).count());
    }

    /// The same for traders that may go.
    fn look_at_traders(&self, traders: &[Handle]) {
        let known = || traders.iter().filter_map(|handle| self.traders.look(*handle));
        black_box(known().fold(0, |seen, trader| seen ^ trader.hash));
        let seen = known().fold(0, |seen, trader| seen ^ self.by_trader.touch(trader.hash));
        let holders = known().filter_map(|trader| self.holders.look(trader.holder));
        black_box(holders.fold(seen, |seen, holder| seen ^ u64::from(holder.traders)));
    }

    /// Use lists of changes that were written for the next ones: fresh memory is slow.
    pub(crate) fn give_back(&mut self, mut changes: Changes) {
        changes.came.clear();
        changes.gone.clear();
        changes.levels.clear();
        self.written = changes;
    }

    /// How many changes of orders wait to be written.
    pub fn changes_pending(&self) -> usize {
        self.log.came.len().saturating_add(self.log.gone.len())
    }

    /// Let the changes go unwritten: for books without a state, in tools and models.
    pub fn forget_changes(&mut self) {
        let changes = self.take_changes();
        self.give_back(changes);
    }

    /// What to write about a level; it goes when it is empty and nothing can be undone.
    fn written_level(&mut self, handle: Handle, nested: bool) -> Option<Change> {
        let level = self.levels.get_mut(handle);
        level.changed = nested;
        let (slot, side, price) = (level.slot, level.side, level.price);
        let view = LevelView { price, quantums: level.quantums, orders: level.orders };
        let market = self.markets.get_mut(usize::try_from(slot).ok()?)?;
        let ladder = market.side_mut(side);
        if view.orders > 0 {
            return Some((market.id, side, price, Some(view)));
        }
        // Another level may stand at its price by now.
        let now = ladder.get(price).filter(|other| *other != handle);
        if !nested {
            ladder.forget(price, handle);
            self.levels.free(handle);
        }
        let now = now.map(|other| self.levels.get(other)).filter(|level| level.orders > 0);
        let now = now.map(|level| LevelView { price, quantums: level.quantums, orders: level.orders });
        Some((market.id, side, price, now))
    }

    /// Let a trader go that has no orders any more.
    fn dismiss(&mut self, handle: Handle) {
        self.last_trader = Handle::NONE;
        let trader = self.traders.get_mut(handle);
        trader.idle = false;
        if trader.resting > 0 {
            return;
        }
        let (id, hash, at) = (trader.id, trader.hash, trader.holder);
        self.by_trader.remove(hash, handle);
        self.traders.free(handle);
        let holder = self.holders.get_mut(at);
        holder.traders = holder.traders.saturating_sub(1);
        if holder.traders == 0 {
            self.by_holder.remove(self.hasher.subaccount(&id, u32::MAX), at);
            self.holders.free(at);
        }
    }
}
