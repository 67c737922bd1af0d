//! The plainest book that is right: a sorted map of queues. The second opinion of tests and benchmarks.

use std::collections::{BTreeMap, VecDeque};

use clob::{OrderId, Side, Size};
use num::Subticks;

/// An order as the naive book keeps it.
pub(crate) type Queued = (OrderId, Size);

/// One market's book.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naive {
    bids: BTreeMap<u64, VecDeque<Queued>>,
    asks: BTreeMap<u64, VecDeque<Queued>>,
    places: BTreeMap<OrderId, (Side, Subticks)>,
}

impl Naive {
    fn side(&mut self, side: Side) -> &mut BTreeMap<u64, VecDeque<Queued>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Where an order rests.
    pub(crate) fn find(&self, id: &OrderId) -> Option<(Side, Subticks)> {
        self.places.get(id).copied()
    }

    /// How many orders rest.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Rest behind all others.
    pub(crate) fn place(&mut self, id: OrderId, side: Side, price: Subticks, size: Size) {
        self.places.insert(id, (side, price));
        self.side(side).entry(price.raw()).or_default().push_back((id, size));
    }

    /// Leave, and say how much remained.
    pub(crate) fn remove(&mut self, id: &OrderId) -> Option<Size> {
        let (side, price) = self.places.remove(id)?;
        let level = self.side(side).get_mut(&price.raw())?;
        let at = level.iter().position(|(other, _)| other == id)?;
        let (_, size) = level.remove(at)?;
        if level.is_empty() {
            self.side(side).remove(&price.raw());
        }
        Some(size)
    }

    /// Become smaller, or leave.
    pub(crate) fn reduce(&mut self, id: &OrderId, by: Size) {
        let Some((side, price)) = self.find(id) else { return };
        let Some(level) = self.side(side).get_mut(&price.raw()) else { return };
        let Some((_, size)) = level.iter_mut().find(|(other, _)| other == id) else { return };
        *size = size.less(by);
        if size.is_zero() {
            self.remove(id);
        }
    }

    /// The order of `side` that trades next.
    pub(crate) fn best(&self, side: Side) -> Option<(Subticks, Queued)> {
        let level = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        level.and_then(|(price, queue)| Some((Subticks::new(*price), *queue.front()?)))
    }

    /// Trade, own orders leaving; returns the fills and what remains.
    pub(crate) fn sweep(&mut self, taker: &clob::Taker) -> (Vec<(OrderId, Subticks, Size)>, Size) {
        let mut left = taker.remaining;
        let mut fills = Vec::new();
        while let Some((price, (maker, size))) = self.best(taker.side.opposite()) {
            if left.is_zero() || !taker.side.crosses(taker.limit, price) {
                break;
            }
            if maker.subaccount == taker.subaccount {
                self.remove(&maker);
                continue;
            }
            let size = size.min(left);
            left = left.less(size);
            self.reduce(&maker, size);
            fills.push((maker, price, size));
        }
        (fills, left)
    }

    /// Every order in its turn, best level first.
    pub(crate) fn orders(&self, side: Side) -> Vec<(Subticks, Queued)> {
        let flat = |(price, queue): (&u64, &VecDeque<Queued>)| {
            let price = Subticks::new(*price);
            queue.iter().map(|queued| (price, *queued)).collect::<Vec<_>>()
        };
        match side {
            Side::Buy => self.bids.iter().rev().flat_map(flat).collect(),
            Side::Sell => self.asks.iter().flat_map(flat).collect(),
        }
    }
}
