//! Linking orders into all that leads to them: level, queue, calendar, index, trader.

use store::fault;
use types::{MarketId, SubaccountId};

use super::record::{Flags, Holder, Level, Record, Trader};
use super::Books;
use crate::arena::{Handle, Links};
use crate::index::same;
use crate::order::{Order, OrderId};

fn queue(record: &mut Record) -> &mut Links {
    &mut record.queue
}

impl Books {
    /// The level, named among those that changed.
    #[inline]
    pub(super) fn touch(&mut self, handle: Handle) -> &mut Level {
        let level = self.levels.get_mut(handle);
        if !level.changed {
            level.changed = true;
            self.log.levels.push(handle);
        }
        level
    }

    /// Link a record into everything that leads to it; `again` puts it where it was before it left.
    pub(super) fn attach(&mut self, handle: Handle, again: bool) {
        let record = self.orders.get_mut(handle);
        record.flags.set(Flags::LIVE, true);
        let (at, by_time) = (record.level, record.flags.has(Flags::BY_TIME));
        let (trader, kind, client_id) = (record.trader, record.kind, record.client_id);
        let remaining = record.remaining.raw();
        if record.flags.has(Flags::REDUCE_ONLY) {
            self.reducing.insert((trader, record.sequence), handle);
        }
        let level = self.touch(at);
        level.quantums = level.quantums.saturating_add(remaining.into());
        level.orders = level.orders.saturating_add(1);
        let first = level.orders == 1;
        let (slot, side, price) = (level.slot, level.side, level.price);
        let level = self.levels.get_mut(at);
        if again {
            self.orders.relink(&mut level.queue, handle, queue);
        } else {
            self.orders.append(&mut level.queue, handle, queue);
        }
        if first {
            self.ladder_mut(slot, side).insert(price, at);
        }
        self.calendar.insert(by_time, &mut self.orders, handle);
        let trader = self.traders.get_mut(trader);
        self.by_id.insert(self.hasher.order(trader.hash, kind, client_id), handle);
        trader.resting = trader.resting.saturating_add(1);
        let count = self.holders.get_mut(trader.holder).count(kind);
        *count = count.saturating_add(1);
    }

    /// Unlink a record from everything that leads to it. It keeps what it needs to come back.
    pub(super) fn detach(&mut self, handle: Handle) {
        let record = self.orders.get_mut(handle);
        record.flags.set(Flags::LIVE, false);
        let (at, by_time) = (record.level, record.flags.has(Flags::BY_TIME));
        let (trader, kind, client_id) = (record.trader, record.kind, record.client_id);
        let remaining = record.remaining.raw();
        if record.flags.has(Flags::REDUCE_ONLY) {
            self.reducing.remove(&(trader, record.sequence));
        }
        let level = self.touch(at);
        level.quantums = level.quantums.saturating_sub(remaining.into());
        level.orders = level.orders.saturating_sub(1);
        let empty = level.orders == 0;
        let (slot, side, price) = (level.slot, level.side, level.price);
        let level = self.levels.get_mut(at);
        self.orders.unlink(&mut level.queue, handle, queue);
        if empty {
            self.ladder_mut(slot, side).remove(price);
        }
        self.calendar.remove(by_time, &mut self.orders, handle);
        self.last_trader = trader;
        let trader = self.traders.get_mut(trader);
        self.by_id.remove(self.hasher.order(trader.hash, kind, client_id), handle);
        trader.resting = trader.resting.saturating_sub(1);
        if trader.resting == 0 && !trader.idle {
            trader.idle = true;
            self.log.idle.push(self.last_trader);
        }
        let count = self.holders.get_mut(trader.holder).count(kind);
        *count = count.saturating_sub(1);
    }

    /// The level for an order in the market at `slot`; it may be empty.
    pub(super) fn level_at(&mut self, slot: u32, order: &Order) -> Handle {
        let ladder = self.ladder_mut(slot, order.side);
        if let Some(level) = ladder.get(order.price) {
            return level;
        }
        self.levels.insert(Level::new(slot, order))
    }

    /// The trader of an order, and the slot of its market. It stays idle until an order attaches.
    pub(super) fn trader_of(&mut self, id: &OrderId) -> (Handle, u32) {
        let handle = match self.trader(&id.subaccount, id.market) {
            Some(handle) => handle,
            None => self.new_trader(id),
        };
        self.last_trader = handle;
        (handle, self.traders.get(handle).slot)
    }

    fn new_trader(&mut self, id: &OrderId) -> Handle {
        let OrderId { subaccount, market, .. } = *id;
        let Some(slot) = self.slot(market) else { fault("an order rests in a market without a book") };
        let holder = self.holder(&subaccount).unwrap_or_else(|| {
            let holder = Holder { id: subaccount, traders: 0, short_term: 0, stateful: 0, slices: 0 };
            let handle = self.holders.insert(holder);
            self.by_holder.insert(self.hasher.subaccount(&subaccount, u32::MAX), handle);
            handle
        });
        let traders = &mut self.holders.get_mut(holder).traders;
        *traders = traders.saturating_add(1);
        let hash = self.hasher.subaccount(&subaccount, market.0);
        let trader = Trader { id: subaccount, market, slot, hash, resting: 0, holder, idle: false };
        let handle = self.traders.insert(trader);
        self.by_trader.insert(hash, handle);
        handle
    }

    /// The trader of a subaccount in a market.
    #[inline]
    pub(super) fn trader(&self, id: &SubaccountId, market: MarketId) -> Option<Handle> {
        let is_it = |handle| self.is_trader(handle, id, market);
        let last = self.last(id, market);
        last.or_else(|| self.by_trader.find(self.hasher.subaccount(id, market.0), is_it))
    }

    fn is_trader(&self, handle: Handle, id: &SubaccountId, market: MarketId) -> bool {
        let trader: &Trader = self.traders.get(handle);
        trader.market == market && same(&trader.id, id)
    }

    /// The trader that was asked for last, if it is this one: an operation asks for the same one many times.
    #[inline]
    pub(super) fn last(&self, id: &SubaccountId, market: MarketId) -> Option<Handle> {
        self.last_trader.some().filter(|handle| self.is_trader(*handle, id, market))
    }

    /// An operation of this trader begins; one that `replaces` is about an order that most likely rests, and leads
    /// to its trader by itself.
    #[inline]
    pub(crate) fn turn_of(&mut self, id: &OrderId, replaces: bool) {
        let order = if replaces { self.find(id) } else { None };
        let trader = match order {
            Some(order) => Some(self.orders.get(order).trader),
            None => self.trader(&id.subaccount, id.market),
        };
        if let Some(trader) = trader {
            self.last_trader = trader;
        }
    }

    /// A subaccount in all markets.
    pub(super) fn holder(&self, id: &SubaccountId) -> Option<Handle> {
        let is_it = |handle| same(&self.holders.get(handle).id, id);
        self.by_holder.find(self.hasher.subaccount(id, u32::MAX), is_it)
    }
}
