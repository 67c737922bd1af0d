//! Looking ahead: the same steps as finding an order, without an answer.
//!
//! Each step is small and the same for all, so that a processor has many of them under way at a time.

use super::Books;
use crate::arena::Handle;
use crate::warm::{Ahead, Rest};

/// Where an operation will probably look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    /// Hashes of the order, its trader, its id and its owner's budget.
    hashes: [u32; 4],
    order: Handle,
    trader: Handle,
    used: Handle,
    level: Handle,
}

impl Glance {
    pub(crate) const NONE: Self = Self {
        hashes: [0; 4],
        order: Handle::NONE,
        trader: Handle::NONE,
        used: Handle::NONE,
        level: Handle::NONE,
    };
}

impl Books {
    /// Ask memory for all that operations on these orders need: who, and where the order would rest.
    pub(crate) fn glance(&self, ahead: &[Ahead], some: &mut [Glance]) -> u64 {
        for ((id, _), glance) in ahead.iter().zip(some.iter_mut()) {
            let trader = self.hasher.subaccount(&id.subaccount, id.market.0);
            let order = self.hasher.order(trader, id.kind, id.client_id);
            glance.hashes = [order, trader, self.used.hash(id), self.budgets.hash(id)];
        }
        let some = some.get_mut(..ahead.len()).unwrap_or_default();
        let mut seen = 0;
        for Glance { hashes: [order, trader, used, owner], .. } in some.iter() {
            seen ^= self.budgets.touch(*owner);
            seen ^= self.by_id.touch(*order) ^ self.by_trader.touch(*trader) ^ self.used.touch(*used);
        }
        for ((id, rests), glance) in ahead.iter().zip(some.iter_mut()) {
            let [order, trader, used, owner] = glance.hashes;
            glance.order = self.by_id.glance(order);
            glance.trader = self.by_trader.glance(trader);
            glance.used = self.used.glance(used);
            seen ^= self.budgets.look(owner);
            let level =
                rests.and_then(|Rest { side, price, .. }| self.market(id.market)?.side(side).get(price));
            glance.level = level.unwrap_or(Handle::NONE);
        }
        seen ^ self.glance_at_records(some) ^ self.glance_around(some)
    }

    /// Ask memory for what orders that come to rest need besides: their subaccount in all markets, those that end
    /// at the same moment, and the records that they will probably use.
    pub(crate) fn glance_at_arrivals(&self, ahead: &[Ahead], some: &mut [Glance]) -> u64 {
        let arrivals = || ahead.iter().filter_map(|(id, rests)| Some((id, rests.as_ref()?)));
        let mut seen = 0;
        for (later, ((id, rest), glance)) in arrivals().zip(some.iter_mut()).enumerate() {
            let holder = self.hasher.subaccount(&id.subaccount, u32::MAX);
            let (moments, until) = self.calendar.of(rest.good_til);
            let moment = self.hasher.moment(until);
            glance.hashes = [holder, moment, 0, 0];
            seen ^= self.by_holder.touch(holder) ^ moments.touch(moment);
            let record = self.orders.coming(later);
            seen ^= self.orders.look(record).map_or(0, |record| record.sequence) ^ self.parts.touch(record);
            seen ^= self.levels.look(self.levels.coming(later)).map_or(0, |level| u64::from(level.orders));
            seen ^= self.traders.look(self.traders.coming(later)).map_or(0, |one| u64::from(one.resting));
        }
        for ((_, rest), glance) in arrivals().zip(some.iter_mut()) {
            let [holder, moment, ..] = glance.hashes;
            seen ^= self.holders.look(self.by_holder.glance(holder)).map_or(0, |one| u64::from(one.traders));
            glance.order = self.calendar.of(rest.good_til).0.glance(moment);
            seen ^= self.orders.look(glance.order).map_or(0, |record| record.sequence);
        }
        for (_, glance) in arrivals().zip(some.iter()) {
            let next = self.orders.look(glance.order).map_or(Handle::NONE, |record| record.due.next);
            seen ^= self.orders.look(next).map_or(0, |record| record.sequence);
        }
        seen
    }

    /// The records that the indices name.
    fn glance_at_records(&self, some: &[Glance]) -> u64 {
        let mut seen = 0;
        for Glance { order, trader, used, level, .. } in some {
            seen ^= self.orders.look(*order).map_or(0, |record| record.sequence);
            seen ^= self.traders.look(*trader).map_or(0, |trader| u64::from(trader.resting));
            seen ^= self.levels.look(*level).map_or(0, |level| u64::from(level.orders));
            seen ^= self.used.look(*used);
        }
        seen
    }

    /// What the records name: levels, counts, neighbours in the queues and among those that end together.
    fn glance_around(&self, some: &[Glance]) -> u64 {
        let sequence = |handle| self.orders.look(handle).map_or(0, |record| record.sequence);
        let mut seen = 0;
        for glance in some {
            if let Some(record) = self.orders.look(glance.order) {
                let (queue, due) = (record.queue, record.due);
                seen ^= sequence(queue.prev) ^ sequence(queue.next) ^ sequence(due.prev) ^ sequence(due.next);
                seen ^= self.levels.look(record.level).map_or(0, |level| u64::from(level.orders));
            }
            if let Some(trader) = self.traders.look(glance.trader) {
                seen ^= self.holders.look(trader.holder).map_or(0, |holder| u64::from(holder.traders));
            }
            let tail = self.levels.look(glance.level).map_or(Handle::NONE, |level| level.queue.tail);
            seen ^= sequence(tail);
        }
        seen
    }
}
