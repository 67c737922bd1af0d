//! Looking ahead: the same steps as finding an order, without an answer.
//!
//! Each step is small and the same for all, so that a processor has many of them under way at a time.

use super::record::Flags;
use super::{Books, TOGETHER};
use crate::arena::Handle;
use crate::ladder::Ladder;
use crate::order::{GoodTil, Side};
use crate::warm::{Ahead, Rest};
use types::MarketId;

/// Where an operation will probably look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    /// Hashes of the order, its trader, its id and its owner's budget.
    hashes: [u32; 4],
    order: Handle,
    trader: Handle,
    used: Handle,
    level: Handle,
    /// The first two orders that it will trade with.
    makers: [Handle; 2],
}

impl Glance {
    pub(crate) const NONE: Self = Self {
        hashes: [0; 4],
        order: Handle::NONE,
        trader: Handle::NONE,
        used: Handle::NONE,
        level: Handle::NONE,
        makers: [Handle::NONE; 2],
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
        for Glance { hashes: [order, _, used, owner], .. } in some.iter() {
            seen ^= self.budgets.touch(*owner) ^ self.by_id.touch(*order) ^ self.used.touch(*used);
        }
        let mut ends: usize = 0;
        for ((id, rests), glance) in ahead.iter().zip(some.iter_mut()) {
            let [order, trader, used, owner] = glance.hashes;
            glance.order = self.by_id.glance(order);
            if glance.order.is_none() {
                seen ^= self.by_trader.touch(trader);
            }
            glance.used = self.used.glance(used);
            seen ^= self.budgets.look(owner);
            (glance.level, glance.makers) = match rests {
                Some(rest) => self.glance_at_price(id.market, rest),
                None => (Handle::NONE, [Handle::NONE; 2]),
            };
            ends = ends.saturating_add(usize::from(rests.is_none()));
        }
        seen ^= self.used.look_at_room(ends);
        seen ^ self.glance_at_records(some) ^ self.glance_around(some) ^ self.glance_at_trades(ahead, some)
    }

    /// The level where an order of `side` would rest, and the first order that it meets if it crosses.
    fn glance_at_price(&self, market: MarketId, &Rest { side, price, .. }: &Rest) -> (Handle, [Handle; 2]) {
        let mut makers = [Handle::NONE; 2];
        let Some(market) = self.market(market) else { return (Handle::NONE, makers) };
        let level = market.side(side).get(price).unwrap_or(Handle::NONE);
        let other = market.side(side.opposite());
        if other.best_price().is_some_and(|best| side.crosses(price, best)) {
            let best = other.best().and_then(|best| self.levels.look(best));
            makers = [best.map_or(Handle::NONE, |level| level.queue.head), Handle::NONE];
        }
        (level, makers)
    }

    fn ladder(&self, slot: u32, side: Side) -> Option<&Ladder> {
        let market = self.markets.get(usize::try_from(slot).ok()?)?;
        Some(market.side(side))
    }

    /// Ask memory for all that leads to orders that rest and will leave: some dozens at a time.
    pub(crate) fn glance_at_leaving(&self, handles: &[Handle]) -> u64 {
        let known = || handles.iter().filter_map(|handle| self.orders.look(*handle));
        let mut seen = handles.iter().fold(0, |seen, handle| seen ^ self.look_beside(*handle));
        for record in known() {
            seen ^= self.look_at_trader(record.trader);
        }
        let mut used = [Handle::NONE; TOGETHER];
        let traders = || known().filter_map(|record| Some((record, self.traders.look(record.trader)?)));
        for (record, trader) in traders() {
            seen ^= self.by_id.touch(self.hasher.order(trader.hash, record.kind, record.client_id));
            seen ^= self.holders.look(trader.holder).map_or(0, |holder| u64::from(holder.traders));
            seen ^= self.used.touch(self.used.hash(&record.id(trader)));
            let level = self.levels.look(record.level).filter(|level| level.orders <= 1);
            let ladder =
                level.and_then(|level| Some(self.ladder(level.slot, level.side)?.touch(level.price)));
            seen ^= ladder.unwrap_or_default();
        }
        for (place, (record, trader)) in used.iter_mut().zip(traders()) {
            *place = self.used.glance(self.used.hash(&record.id(trader)));
        }
        used.iter().fold(seen, |seen, handle| seen ^ self.used.look(*handle))
    }

    /// Ask memory for what orders that come to rest need besides: their subaccount in all markets, those that end
    /// at the same moment, and the records that they will probably use.
    pub(crate) fn glance_at_arrivals(&self, ahead: &[Ahead], some: &mut [Glance]) -> u64 {
        let arrivals = || ahead.iter().filter_map(|(id, rests)| Some((id, rests.as_ref()?)));
        let mut seen = 0;
        for (later, ((id, rest), glance)) in arrivals().zip(some.iter_mut()).enumerate() {
            let holder = self.hasher.subaccount(&id.subaccount, u32::MAX);
            let (GoodTil::Block(until) | GoodTil::Time(until)) = rest.good_til;
            let record = self.orders.coming(later);
            let (moments, moment) = (&self.calendar.times, self.calendar.times.hash(until, record));
            glance.hashes = [holder, moment, 0, 0];
            seen ^= self.by_holder.touch(holder) ^ moments.touch(moment);
            seen ^= self.orders.look(record).map_or(0, |record| record.sequence) ^ self.parts.touch(record);
            seen ^= self.levels.look(self.levels.coming(later)).map_or(0, |level| u64::from(level.orders));
            seen ^= self.traders.look(self.traders.coming(later)).map_or(0, |one| u64::from(one.resting));
            let side = self.market(id.market).map(|market| market.side(rest.side));
            seen ^= side.map_or(0, |ladder| ladder.touch(rest.price));
        }
        for (_, glance) in arrivals().zip(some.iter_mut()) {
            let [holder, moment, ..] = glance.hashes;
            seen ^= self.holders.look(self.by_holder.glance(holder)).map_or(0, |one| u64::from(one.traders));
            glance.order = self.calendar.times.glance(moment);
            seen ^= self.orders.look(glance.order).map_or(0, |record| record.sequence);
        }
        for (_, glance) in arrivals().zip(some.iter()) {
            let next = self.orders.look(glance.order).map_or(Handle::NONE, |record| record.due.next);
            seen ^= self.orders.look(next).map_or(0, |record| record.sequence);
        }
        seen
    }

    /// The records that the indices name.
    fn glance_at_records(&self, some: &mut [Glance]) -> u64 {
        let mut seen = 0;
        for Glance { hashes: [_, name, ..], order, trader, used, level, makers } in some {
            // An order that rests leads to its trader, only others need the index.
            if order.is_none() {
                *trader = self.by_trader.glance(*name);
                seen ^= self.look_at_trader(*trader);
            }
            seen ^= self.turn(*order);
            seen ^= self.levels.look(*level).map_or(0, |level| u64::from(level.orders));
            seen ^= self.used.look(*used);
            if let Some(maker) = self.orders.look(makers[0]) {
                makers[1] = self.behind(makers[0], maker.queue.next);
            }
        }
        seen
    }

    /// The order that trades after `maker`: the next one of its queue, or the first one at the next price.
    fn behind(&self, maker: Handle, next: Handle) -> Handle {
        if !next.is_none() {
            return next;
        }
        let level = self.orders.look(maker).and_then(|maker| self.levels.look(maker.level));
        let worse = level.and_then(|level| {
            let market = self.markets.get(usize::try_from(level.slot).ok()?)?;
            self.levels.look(market.side(level.side).worse_than(level.price)?)
        });
        worse.map_or(Handle::NONE, |level| level.queue.head)
    }

    /// Both ends of a trader's record, which may stand in two cache lines.
    fn look_at_trader(&self, trader: Handle) -> u64 {
        let words = self.traders.look(trader).map(|trader| (trader.id.number, trader.resting, trader.idle));
        words.map_or(0, |(one, other, idle)| u64::from(one) ^ u64::from(other) ^ u64::from(idle))
    }

    /// What the records name: levels, counts, neighbours in the queues and among those that end together.
    fn glance_around(&self, some: &mut [Glance]) -> u64 {
        let mut seen = 0;
        for glance in some.iter_mut() {
            seen ^= self.look_beside(glance.order);
            if let Some(record) = self.orders.look(glance.order) {
                glance.trader = record.trader;
                seen ^= self.look_at_trader(record.trader);
            }
            let tail = self.levels.look(glance.level).map_or(Handle::NONE, |level| level.queue.tail);
            seen ^= self.turn(tail);
        }
        for Glance { trader, .. } in some {
            let holder = self.traders.look(*trader).map_or(Handle::NONE, |trader| trader.holder);
            seen ^= self.holders.look(holder).map_or(0, |holder| u64::from(holder.traders));
        }
        seen
    }

    fn turn(&self, order: Handle) -> u64 {
        self.orders.look(order).map_or(0, |record| record.sequence)
    }

    /// What an order leaves behind when it goes.
    fn look_beside(&self, order: Handle) -> u64 {
        let Some(record) = self.orders.look(order) else { return 0 };
        let (queue, due) = (record.queue, record.due);
        let level = self.levels.look(record.level).map_or(0, |level| u64::from(level.orders));
        let together = if record.flags.has(Flags::BY_TIME) {
            self.turn(due.prev) ^ self.turn(due.next)
        } else {
            self.calendar.heights.look(due)
        };
        self.turn(queue.prev) ^ self.turn(queue.next) ^ together ^ level
    }

    /// For those that trade: accounts and fees of both sides, and what the makers have used up.
    fn glance_at_trades(&self, ahead: &[Ahead], some: &[Glance]) -> u64 {
        let mut seen = 0;
        for ((id, _), Glance { makers, .. }) in ahead.iter().zip(some) {
            if makers[0].is_none() {
                continue;
            }
            let makers = makers.map(|maker| self.orders.look(maker).map(|_| self.id(maker)).unwrap_or(*id));
            let [one, two] = &makers;
            self.accounts.warm([&id.subaccount, &one.subaccount, &two.subaccount], Some(id.market));
            self.desk.warm([&id.subaccount.owner, &one.subaccount.owner, &two.subaccount.owner]);
            for maker in &makers {
                seen ^= self.used.touch(self.used.hash(maker));
            }
        }
        seen
    }
}
