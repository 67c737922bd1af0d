//! Orders that are not in a book yet: those that wait for a price, and those that are placed in slices.

use crate::falls::Deed;
use crate::ledger::Ledger;
use crate::money::{int, Fraction, Int};
use crate::orders::{Exchange, Origin};
use crate::terms::{clob, gone, Code, Force, Id, Note, Order, Status, Until};

/// Which way a price has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Down,
    Up,
}

/// A price that wakes orders, rounded against them.
type Step = (Way, Int);

/// An order that waits; a sliced one with what is left of it, its slices to come and when the next is due.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub order: Order,
    pub turn: u64,
    pub left: u64,
    pub legs: u32,
    pub next: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Room {
    pub orders: Vec<Waiting>,
    /// Market, and lowest and highest price at which it traded in the last block and in this one.
    pub traded: Vec<(u32, u64, u64)>,
    pub trades: Vec<(u32, u64, u64)>,
    /// Market, height since which, and steps whose orders could not be placed yet.
    backlog: Vec<(u32, u64, Vec<Step>)>,
}

impl Room {
    pub fn trade(&mut self, market: u32, price: u64) {
        match self.trades.iter_mut().find(|(traded, ..)| *traded == market) {
            Some((_, low, high)) => (*low, *high) = ((*low).min(price), (*high).max(price)),
            None => self.trades.push((market, price, price)),
        }
    }
}

/// The steps of a backlog; of more than 16 those that reach the farthest, one for each way that there is, where the
/// first of that way was.
fn kept(steps: Vec<Step>) -> Vec<Step> {
    if steps.len() <= 16 {
        return steps;
    }
    let mut seen: Vec<Way> = Vec::new();
    for (way, _) in &steps {
        if !seen.contains(way) {
            seen.push(*way);
        }
    }
    let reach = |way: &Way| {
        let prices = steps.iter().filter(|step| step.0 == *way).map(|step| step.1.clone());
        if *way == Way::Down {
            prices.min()
        } else {
            prices.max()
        }
    };
    seen.iter().map(|way| (*way, reach(way).unwrap())).collect()
}

fn fires(step: &Step, way: Way, trigger: &Int) -> bool {
    step.0 == way
        && match way {
            Way::Down => step.1 <= *trigger,
            Way::Up => step.1 >= *trigger,
        }
}

fn way(order: &Order) -> Way {
    // A stop-loss (1) follows the market, a take-profit (2) goes against it.
    match (order.condition.map(|condition| condition.0), order.buy) {
        (Some(2), true) | (Some(1), false) => Way::Down,
        _ => Way::Up,
    }
}

fn trigger(order: &Order) -> Int {
    int(order.condition.unwrap().1)
}

/// An oracle price in subticks.
pub fn oracle(ledger: &Ledger, market: u32) -> Fraction {
    let market = ledger.market(market);
    let exponent = market.oracle_exponent() - market.conversion_exponent;
    let (n, d) = crate::money::scaled(int(market.price), exponent);
    Fraction::new(n, d)
}

impl Exchange {
    fn told(&mut self, kind: &str, id: Id, amount: u64) {
        self.notes.push(Note::Later { kind: kind.into(), id, amount });
    }

    fn next_turn(&mut self) -> u64 {
        self.next_turn += 1;
        self.next_turn - 1
    }

    fn may_wait(&self, id: &Id) -> Result<(), Code> {
        let waits = self.room.orders.iter().any(|waiting| waiting.order.id == *id);
        if waits || self.find(id).is_some() || self.parked_until(id).is_some() {
            return Err(clob(3005));
        }
        self.tier_allows(id.account, false)?;
        let mine = self.room.orders.iter().filter(|waiting| waiting.order.id.account == id.account);
        if mine.count() >= self.bounds.max_resting {
            return Err(clob(17));
        }
        Ok(())
    }

    /// Let an order wait whose market, window and units were looked at.
    pub fn wait(&mut self, order: &Order) -> Result<(), Code> {
        let market = self.ledger.market(order.id.market).clone();
        let mut waiting =
            Waiting { order: *order, turn: 0, left: order.size, legs: 0, next: self.ledger.now };
        if let Some((_, price)) = order.condition {
            if price % market.tick != 0 {
                return Err(clob(12));
            }
            self.may_wait(&order.id)?;
            let steps = self.room.backlog.iter().find(|(id, ..)| *id == market.id);
            let covers = |step: &Step| fires(step, way(order), &int(price));
            if steps.is_some_and(|(_, _, steps)| steps.iter().any(covers)) {
                return Err(clob(20_010));
            }
            self.told("conditional_placed", order.id, order.size);
        } else {
            let (duration, interval, _) = order.twap.unwrap();
            waiting.legs = duration / interval;
            if order.size / u64::from(waiting.legs) < market.step {
                return Err(clob(12));
            }
            self.may_wait(&order.id)?;
            let mut whole = *order;
            if order.price == 0 {
                whole.price = u64::try_from(oracle(&self.ledger, market.id).floor().to_integer()).unwrap();
            }
            self.affordable(&whole)?;
            self.told("twap_placed", order.id, order.size);
        }
        waiting.turn = self.next_turn();
        self.room.orders.push(waiting);
        Ok(())
    }

    fn leave(&mut self, id: &Id) -> Option<Waiting> {
        let at = self.room.orders.iter().position(|waiting| waiting.order.id == *id)?;
        Some(self.room.orders.remove(at))
    }

    /// Cancel an order that waits, and the slice of one that is sliced.
    pub fn cancel_waiting(&mut self, id: &Id, until: Until) -> Option<Result<(), Code>> {
        let waiting = self.room.orders.iter().find(|waiting| waiting.order.id == *id)?;
        if waiting.order.until > until {
            return Some(Err(clob(29)));
        }
        self.end(id, "cancelled");
        Some(Ok(()))
    }

    fn end(&mut self, id: &Id, reason: &str) {
        self.drop_slice(id, reason);
        let left = self.leave(id).unwrap().left;
        self.notes.push(Note::Removed { id: *id, reason: reason.into(), left, rested: false });
    }

    fn drop_slice(&mut self, id: &Id, reason: &str) {
        let slice = Id { flags: 256, ..*id };
        if id.flags == 128 && self.find(&slice).is_some() {
            self.take_out(&slice, reason);
        }
    }

    pub fn expire_waiting(&mut self) {
        let now = self.ledger.now;
        let over = |until| matches!(until, Until::Time(time) if i64::from(time) <= now);
        while let Some(id) = self
            .room
            .orders
            .iter()
            .find(|w| over(w.order.until) && !self.stays(&w.order.id, "expired"))
            .map(|w| w.order.id)
        {
            self.end(&id, "expired");
        }
    }

    /// Place what the oracle price, or the trades of the last block, have reached.
    pub fn trigger(&mut self) {
        let mut turns = std::mem::take(&mut self.room.backlog);
        turns.sort_by_key(|(market, since, _)| (*since, *market));
        let height = self.ledger.height;
        for market in self.ledger.markets.iter().map(|market| market.id) {
            let waits =
                self.room.orders.iter().any(|w| w.order.id.market == market && w.order.id.flags == 32);
            if waits && !turns.iter().any(|(known, ..)| *known == market) {
                turns.push((market, height, Vec::new()));
            }
        }
        for (market, since, mut steps) in turns {
            for step in self.steps(market) {
                // What wakes nobody more says nothing.
                if !steps.iter().any(|earlier| fires(earlier, step.0, &step.1)) {
                    steps.push(step);
                }
            }
            let over = self.ledger.market(market).status == Status::FinalSettlement;
            if !over && (!self.ledger.fresh(market) || !self.ledger.market(market).is_active()) {
                if steps.iter().any(|step| self.fired(market, step).is_some()) {
                    self.room.backlog.push((market, since, kept(steps)));
                }
                continue;
            }
            for step in steps {
                while let Some(id) = self.fired(market, &step).filter(|_| over) {
                    self.end(&id, "final_settlement");
                }
                while let Some(id) = self.fired(market, &step) {
                    self.fire(&id, &step);
                }
            }
        }
    }

    fn steps(&self, market: u32) -> Vec<Step> {
        if self.ledger.market(market).status == Status::FinalSettlement {
            return vec![(Way::Down, Int::ZERO), (Way::Up, int(u64::MAX))];
        }
        let oracle = oracle(&self.ledger, market);
        let mut prices = Vec::new();
        if self.ledger.fresh(market) {
            prices.push(oracle.clone());
        }
        if let Some((_, low, high)) = self.room.traded.iter().find(|(traded, ..)| *traded == market) {
            let width =
                &oracle * Fraction::new(int(self.ledger.market(market).min_price_change * 5), int(1_000_000));
            let whole = |price: u64| Fraction::from_integer(int(price));
            for price in [whole(*low), whole(*high)] {
                prices.push(price.max(&oracle - &width).min(&oracle + &width));
            }
        }
        let both =
            |price: Fraction| [(Way::Down, price.ceil().to_integer()), (Way::Up, price.floor().to_integer())];
        prices.into_iter().flat_map(both).collect()
    }

    /// Whom a step wakes first: the trigger that a moving market reaches first, then who waits longest.
    fn fired(&self, market: u32, step: &Step) -> Option<Id> {
        let waiting =
            self.room.orders.iter().filter(|w| w.order.id.market == market && w.order.id.flags == 32);
        let woken = waiting.filter(|w| fires(step, way(&w.order), &trigger(&w.order)));
        let first = woken.min_by_key(|w| {
            let distance = if step.0 == Way::Down { -trigger(&w.order) } else { trigger(&w.order) };
            (distance, w.turn)
        });
        first.map(|waiting| waiting.order.id)
    }

    fn fire(&mut self, id: &Id, step: &Step) {
        let waiting = self.leave(id).unwrap();
        self.told("conditional_triggered", *id, u64::try_from(step.1.clone()).unwrap());
        let before = self.clone();
        let put = self.put(&waiting.order, Origin::Triggered);
        if let Err(code) = put.and_then(|()| self.unless_fallen(Deed::Trigger)) {
            *self = before;
            let reason = gone(code);
            let left = waiting.order.size;
            self.notes.push(Note::Removed { id: *id, reason: reason.into(), left, rested: false });
        }
    }

    /// Place the slices that are due, the longest due first.
    pub fn slices(&mut self) {
        loop {
            let now = self.ledger.now;
            let sliced = self.room.orders.iter().filter(|w| w.order.id.flags == 128 && w.next <= now);
            let Some(id) = sliced.min_by_key(|w| (w.next, w.turn)).map(|w| w.order.id) else { return };
            let before = self.clone();
            if self.slice(&id).and_then(|()| self.unless_fallen(Deed::Slice)).is_err() {
                *self = before;
                self.drop_slice(&id, "cancelled");
                let left = self.leave(&id).unwrap().left;
                self.told("twap_failed", id, left);
            }
        }
    }

    fn slice(&mut self, id: &Id) -> Result<(), Code> {
        self.drop_slice(id, "expired");
        let now = self.ledger.now;
        let market = self.ledger.market(id.market).clone();
        let fresh = self.ledger.fresh(id.market) && market.is_active();
        let at = self.room.orders.iter().position(|waiting| waiting.order.id == *id).unwrap();
        let parent = &mut self.room.orders[at];
        let (order, left) = (parent.order, parent.left);
        if parent.legs == 0 {
            self.room.orders.remove(at);
            self.told("twap_completed", *id, left);
            return Ok(());
        }
        if market.status == Status::FinalSettlement {
            return Err(clob(34));
        }
        let (duration, interval, tolerance) = order.twap.unwrap();
        parent.next = now + i64::from(interval);
        if !fresh {
            return Ok(());
        }
        let even = |size: u64, legs: u32| size.div_ceil(legs.into());
        let most = even(order.size, duration / interval).saturating_mul(3);
        let size = even(left, parent.legs).min(most) / market.step * market.step;
        parent.legs -= 1;
        self.told("twap_slice", *id, size);
        if size == 0 {
            return Ok(());
        }
        let share = |ppm: i64| Fraction::new(int(ppm), int(1_000_000));
        let ticks = |price: Fraction| price.floor() / Fraction::from_integer(int(market.tick));
        let oracle = oracle(&self.ledger, id.market);
        let follows = if order.buy {
            ticks(oracle * share(1_000_000 + i64::from(tolerance))).ceil()
        } else {
            ticks(oracle * share(1_000_000 - i64::from(tolerance))).floor()
        };
        let follows = follows.to_integer().max(int(1)) * market.tick;
        let price = if order.price == 0 { u64::try_from(follows).unwrap() } else { order.price };
        let until = Until::Time(u32::try_from(now + 3).unwrap());
        let id = Id { flags: 256, ..*id };
        let slice = Order { id, price, size, until, force: Force::Rest, twap: None, ..order };
        self.put(&slice, Origin::Slice)
    }

    /// A slice traded: its order has so much less to do.
    pub fn slice_traded(&mut self, slice: &Id, size: u64) {
        let id = Id { flags: 128, ..*slice };
        let parent = self.room.orders.iter_mut().find(|waiting| waiting.order.id == id).unwrap();
        parent.left = parent.left.saturating_sub(size);
        if parent.left == 0 {
            self.leave(&id);
            self.told("twap_completed", id, 0);
        }
    }
}
