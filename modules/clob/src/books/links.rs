//! Linking orders into all that leads to them: level, queue, calendar, index, trader.

use store::fault;

use super::{Books, Holder, Level, Record, Trader};
use crate::arena::{Handle, Links, List};
use crate::order::{Kind, Order, OrderId, Resting};

fn queue(record: &mut Record) -> &mut Links {
    &mut record.queue
}

impl Books {
    /// The level, named among those that changed.
    pub(super) fn touch(&mut self, level: Handle) -> &mut Level {
        let level = self.levels.get_mut(level);
        if !level.changed {
            level.changed = true;
            if let Some(market) = self.markets.get(level.market) {
                self.changes.levels.push((market.id, level.side, level.price));
            }
        }
        level
    }

    /// Link a record into everything that leads to it; `again` puts it where it was before it left.
    pub(super) fn attach(&mut self, handle: Handle, again: bool) {
        let Resting { order, remaining, .. } = self.orders.get(handle).resting;
        let at = self.level_at(&order);
        let level = self.touch(at);
        level.quantums = level.quantums.saturating_add(remaining.raw().into());
        level.orders = level.orders.saturating_add(1);
        let trader = self.trader_of(&order.id);
        let level = self.levels.get_mut(at);
        if again {
            self.orders.relink(&mut level.queue, handle, queue);
            self.calendar.relink(&mut self.orders, handle);
        } else {
            self.orders.append(&mut level.queue, handle, queue);
            self.calendar.append(&mut self.orders, handle);
        }
        let record = self.orders.get_mut(handle);
        record.level = at;
        record.trader = trader;
        self.by_id.insert(record.hash, handle);
    }

    pub(super) fn detach(&mut self, handle: Handle) {
        let record = self.orders.get(handle);
        let (at, trader, hash) = (record.level, record.trader, record.hash);
        let (id, remaining) = (record.resting.order.id, record.resting.remaining);
        let level = self.touch(at);
        level.quantums = level.quantums.saturating_sub(remaining.raw().into());
        level.orders = level.orders.saturating_sub(1);
        let level = self.levels.get_mut(at);
        self.orders.unlink(&mut level.queue, handle, queue);
        if level.orders == 0 {
            if let Some(market) = self.markets.get_mut(level.market) {
                market.side_mut(level.side).remove(level.price);
            }
            self.levels.free(at);
        }
        self.calendar.unlink(&mut self.orders, handle);
        self.by_id.remove(hash, handle);
        self.leave(trader, &id);
    }

    fn level_at(&mut self, order: &Order) -> Handle {
        let slot = self.slots.get(&order.id.market).copied();
        let Some((slot, market)) = slot.and_then(|slot| Some((slot, self.markets.get_mut(slot)?))) else {
            fault("an order rests in a market without a book");
        };
        let ladder = market.side_mut(order.side);
        if let Some(level) = ladder.get(order.price) {
            return level;
        }
        let level = self.levels.insert(Level {
            price: order.price,
            quantums: 0,
            orders: 0,
            queue: List::EMPTY,
            market: slot,
            side: order.side,
            changed: false,
        });
        ladder.insert(order.price, level);
        level
    }

    /// The trader of an order, with one order more.
    fn trader_of(&mut self, id: &OrderId) -> Handle {
        let handle = match self.trader(&id.subaccount, id.market) {
            Some(handle) => handle,
            None => self.new_trader(id),
        };
        let trader = self.traders.get_mut(handle);
        trader.resting = trader.resting.saturating_add(1);
        let holder = trader.holder;
        if let Some(count) = counted(self.holders.get_mut(holder), id.kind) {
            *count = count.saturating_add(1);
        }
        handle
    }

    fn new_trader(&mut self, id: &OrderId) -> Handle {
        let OrderId { subaccount, market, .. } = *id;
        let holder = self.holder(&subaccount).unwrap_or_else(|| {
            let holder = Holder { id: subaccount, traders: 0, short_term: 0, stateful: 0 };
            let handle = self.holders.insert(holder);
            self.by_holder.insert(self.hasher.subaccount(&subaccount, u32::MAX), handle);
            handle
        });
        let traders = &mut self.holders.get_mut(holder).traders;
        *traders = traders.saturating_add(1);
        let handle = self.traders.insert(Trader { id: subaccount, market, resting: 0, holder });
        self.by_trader.insert(self.hasher.subaccount(&subaccount, market.0), handle);
        handle
    }

    /// The trader has one order less.
    fn leave(&mut self, handle: Handle, id: &OrderId) {
        let trader = self.traders.get_mut(handle);
        trader.resting = trader.resting.saturating_sub(1);
        let (gone, at) = (trader.resting == 0, trader.holder);
        let holder = self.holders.get_mut(at);
        if let Some(count) = counted(holder, id.kind) {
            *count = count.saturating_sub(1);
        }
        if gone {
            holder.traders = holder.traders.saturating_sub(1);
            if holder.traders == 0 {
                self.by_holder.remove(self.hasher.subaccount(&id.subaccount, u32::MAX), at);
                self.holders.free(at);
            }
            self.by_trader.remove(self.hasher.subaccount(&id.subaccount, id.market.0), handle);
            self.traders.free(handle);
        }
    }
}

/// Where an order of this kind counts.
fn counted(holder: &mut Holder, kind: Kind) -> Option<&mut u32> {
    match kind {
        Kind::ShortTerm => Some(&mut holder.short_term),
        Kind::Conditional | Kind::LongTerm | Kind::Twap => Some(&mut holder.stateful),
    }
}
