//! Looking at the books: orders, levels, counts, and the digest of all.

use num::Subticks;
use sha2::{Digest, Sha256};
use types::{MarketId, SubaccountId};

use super::record::{Flags, Record};
use super::special::Parts;
use super::{Books, LevelView};
use crate::arena::Handle;
use crate::index::same;
use crate::ladder::Ladder;
use crate::order::{GoodTil, Order, OrderId, Resting, SelfTrade, Side, Size};

impl Books {
    /// The order that `handle` names.
    #[inline]
    pub fn get(&self, handle: Handle) -> Resting {
        let record = self.orders.get(handle);
        let level = self.levels.get(record.level);
        let Parts { condition, builder } = self.parts(handle);
        let order = Order {
            id: self.id(handle),
            side: level.side,
            price: level.price,
            size: record.size,
            good_til: self.good_til(handle),
            time_in_force: record.time_in_force,
            reduce_only: record.flags.has(Flags::REDUCE_ONLY),
            self_trade: SelfTrade::CancelMaker,
            client_metadata: record.client_metadata,
            condition,
            builder,
            twap: None,
        };
        let Record { remaining, sequence, flags, .. } = *record;
        Resting { order, remaining, sequence, successor: flags.has(Flags::SUCCESSOR) }
    }

    /// Name of the order that `handle` names.
    #[inline]
    pub fn id(&self, handle: Handle) -> OrderId {
        let record = self.orders.get(handle);
        record.id(self.traders.get(record.trader))
    }

    /// Whose order `handle` names.
    #[inline]
    pub fn owner(&self, handle: Handle) -> &SubaccountId {
        &self.traders.get(self.orders.get(handle).trader).id
    }

    /// What has not traded yet of the order that `handle` names.
    #[inline]
    pub fn remaining(&self, handle: Handle) -> Size {
        self.orders.get(handle).remaining
    }

    /// Price of the order that `handle` names.
    #[inline]
    pub(crate) fn price(&self, handle: Handle) -> Subticks {
        self.levels.get(self.orders.get(handle).level).price
    }

    /// Until when the order that `handle` names is good.
    #[inline]
    pub(crate) fn good_til(&self, handle: Handle) -> GoodTil {
        let record = self.orders.get(handle);
        if record.flags.has(Flags::BY_TIME) {
            GoodTil::Time(record.until)
        } else {
            GoodTil::Block(record.until)
        }
    }

    /// The resting order called `id`.
    #[inline]
    pub fn find(&self, id: &OrderId) -> Option<Handle> {
        let is_it = |handle| {
            let record = self.orders.get(handle);
            let trader = self.traders.get(record.trader);
            record.client_id == id.client_id
                && record.kind == id.kind
                && trader.market == id.market
                && same(&trader.id, &id.subaccount)
        };
        let trader = match self.last(&id.subaccount, id.market) {
            Some(trader) => self.traders.get(trader).hash,
            None => self.hasher.subaccount(&id.subaccount, id.market.0),
        };
        self.by_id.find(self.hasher.order(trader, id.kind, id.client_id), is_it)
    }

    /// The order of `side` that trades next.
    #[inline]
    pub fn best(&self, market: MarketId, side: Side) -> Option<Handle> {
        self.levels.get(self.market(market)?.side(side).best()?).queue.head.some()
    }

    /// Best price of `side`.
    #[inline]
    pub fn best_price(&self, market: MarketId, side: Side) -> Option<Subticks> {
        self.market(market)?.side(side).best_price()
    }

    /// Levels of one side, best first.
    pub fn levels(&self, market: MarketId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let ladder = self.market(market).map(|market| market.side(side));
        let mut next = ladder.and_then(Ladder::best);
        core::iter::from_fn(move || {
            let level = self.levels.get(next?);
            next = ladder.and_then(|ladder| ladder.worse_than(level.price));
            Some(LevelView { price: level.price, quantums: level.quantums, orders: level.orders })
        })
    }

    /// The level at `price`.
    pub fn level(&self, market: MarketId, side: Side, price: Subticks) -> Option<LevelView> {
        let level = self.levels.get(self.market(market)?.side(side).get(price)?);
        let view = LevelView { price: level.price, quantums: level.quantums, orders: level.orders };
        (view.orders > 0).then_some(view)
    }

    /// Orders at `price`, oldest first.
    pub fn queue(&self, market: MarketId, side: Side, price: Subticks) -> impl Iterator<Item = Resting> + '_ {
        let level = self.market(market).and_then(|market| market.side(side).get(price));
        let mut next = level.and_then(|level| self.levels.get(level).queue.head.some());
        core::iter::from_fn(move || {
            let handle = next?;
            next = self.orders.get(handle).queue.next.some();
            Some(self.get(handle))
        })
    }

    /// How many orders rest, in all markets.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no order rests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an order rests in `market`.
    pub fn has_orders(&self, market: MarketId) -> bool {
        [Side::Buy, Side::Sell].into_iter().any(|side| self.best(market, side).is_some())
    }

    /// How many orders of a subaccount rest in a market.
    pub fn resting(&self, id: &SubaccountId, market: MarketId) -> u32 {
        self.trader(id, market).map_or(0, |trader| self.traders.get(trader).resting)
    }

    /// How many orders of a subaccount rest that live until a time, in all markets; slices do not count.
    pub fn stateful(&self, id: &SubaccountId) -> u32 {
        self.holder(id).map_or(0, |holder| self.holders.get(holder).stateful)
    }

    /// How many short-term orders of a subaccount rest, in all markets.
    pub fn short_term(&self, id: &SubaccountId) -> u32 {
        self.holder(id).map_or(0, |holder| self.holders.get(holder).short_term)
    }

    /// A digest of every resting order in its place, of every order that waits for a price, of what ids have used
    /// up and of the next sequence number. Two books with the same digest behave the same.
    pub fn hash(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.next_sequence.to_be_bytes());
        let sides = self.slots.keys().flat_map(|market| [(*market, Side::Buy), (*market, Side::Sell)]);
        for (market, side) in sides {
            let levels = self.levels(market, side);
            for resting in levels.flat_map(|level| self.queue(market, side, level.price)) {
                digest.update(borsh::to_vec(&resting).unwrap_or_default());
            }
        }
        self.parked.digest(&mut digest);
        self.waiting.digest(&mut digest);
        self.used.digest(&mut digest);
        digest.finalize().into()
    }
}
