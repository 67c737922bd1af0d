//! Orders that rest while something happens to them: cut to what is left to reduce, or replaced.

use num_traits::Signed;

use crate::money::{int, million, Fraction, Int};
use crate::orders::{Exchange, Resting};
use crate::terms::{clob, Code, Force, Id, Note, Order, Until};
use crate::waiting::oracle;

impl Exchange {
    /// Before a block's messages: what is over goes, and what nobody needs is forgotten.
    pub fn expire(&mut self) {
        let (height, now) = (self.ledger.height, self.ledger.now);
        let over = |until: Until| match until {
            Until::Block(block) => u64::from(block) < height,
            Until::Time(time) => i64::from(time) <= now,
        };
        while let Some(id) = self
            .resting
            .iter()
            .find(|r| over(r.order.until) && !self.stays(&r.order.id, "expired"))
            .map(|r| r.order.id)
        {
            self.take_out(&id, "expired");
        }
        self.expire_waiting();
        self.spent.retain(|(id, spent)| id.flags != 0 || spent.keep >= height);
    }

    /// How much of its account's position an order of this side may close, in whole steps.
    pub fn closable(&self, account: usize, market: u32, buy: bool) -> u64 {
        let size = self.ledger.accounts[account].size(market);
        if (buy && size.is_negative()) || (!buy && size.is_positive()) {
            let step = self.ledger.market(market).step;
            u64::try_from(size.abs()).unwrap() / step * step
        } else {
            0
        }
    }

    pub fn reducible(&self, order: &Order) -> Result<u64, Code> {
        if !order.reduce_only {
            return Ok(u64::MAX);
        }
        match self.closable(order.id.account, order.id.market, order.buy) {
            0 => Err(clob(2001)),
            most => Ok(most),
        }
    }

    /// Cut a resting order that may only reduce to what there is to reduce. Whether it wanted more.
    pub fn cut(&mut self, id: &Id) -> bool {
        let resting = self.find(id).unwrap();
        let (left, buy) = (resting.left, resting.order.buy);
        let most = self.closable(id.account, id.market, buy);
        if !resting.order.reduce_only || left <= most {
            return false;
        }
        if most == 0 {
            self.take_out(id, "reduce_only");
        } else {
            self.resting.iter_mut().find(|resting| resting.order.id == *id).unwrap().left = most;
            self.notes.push(Note::Resized(*id, most));
        }
        true
    }

    /// A position changed: its account's reduce-only orders want no more than is left, oldest first.
    pub fn position_changed(&mut self, account: usize, market: u32) {
        let mut mine: Vec<(u64, Id)> = Vec::new();
        for resting in &self.resting {
            let id = resting.order.id;
            if id.account == account && id.market == market && resting.order.reduce_only {
                mine.push((resting.turn, id));
            }
        }
        mine.sort();
        for (_, id) in mine {
            self.cut(&id);
        }
    }

    /// The worst price at which an order takes: its own, or the bound of the band on a tick within it.
    pub fn banded(&self, order: &Order) -> u64 {
        let market = self.ledger.market(order.id.market);
        if self.bounds.band == 0 || !self.ledger.fresh(market.id) {
            return order.price;
        }
        let away = if order.buy { self.bounds.band } else { -self.bounds.band };
        let bound = oracle(&self.ledger, market.id) * Fraction::new(int(1_000_000 + away), million());
        let ticks = bound / Fraction::from_integer(int(market.tick));
        let ticks = if order.buy { ticks.floor() } else { ticks.ceil() };
        let (bound, price) = (ticks.to_integer() * market.tick, int(order.price));
        u64::try_from(if order.buy { price.min(bound) } else { price.max(bound) }).unwrap()
    }

    /// What the builder of an order gets for a fill.
    pub fn built(&self, quote: &Int, order: &Order) -> Option<(usize, Int)> {
        order.builder.map(|(owner, ppm)| (owner, self.ledger.fee(quote, ppm.into())))
    }

    /// The new order stands where the old one stands, with its turn.
    pub fn in_place(&mut self, order: &Order, old: &Resting, left: u64, wanted: u64) {
        let successor = self.follows(order, &old.order);
        if left < order.size {
            self.traded(order, 0, wanted);
        }
        let resting = self.resting.iter_mut().find(|resting| resting.order.id == order.id).unwrap();
        (resting.order, resting.left, resting.successor) = (*order, wanted, successor);
        self.notes.push(Note::Resized(order.id, wanted));
    }

    /// An order that replaced `old` rests. Whether it refuses `old` by itself, because its block is later.
    pub fn follows(&mut self, new: &Order, old: &Order) -> bool {
        if new.until == old.until {
            self.ended_short_term(Some(*old));
        }
        old.id.flags == 0 && new.until != old.until
    }

    /// A short-term order was replaced by one that does not rest.
    pub fn ended_short_term(&mut self, old: Option<Order>) {
        if let Some(old) = old.filter(|old| old.id.flags == 0) {
            self.ended(&old);
        }
    }
}

/// Whether an order may take the place of the one that rests.
pub fn replaces(new: &Order, old: &Order) -> Result<(), Code> {
    if let (Until::Block(until), Until::Block(before)) = (new.until, old.until) {
        if (until, new.hash) == (before, old.hash) {
            return Err(clob(30));
        }
        if (until, new.hash) < (before, old.hash) {
            return Err(clob(20));
        }
    }
    let same = new.buy == old.buy && new.force == old.force && new.reduce_only == old.reduce_only;
    if same && new.force != Force::Immediate {
        Ok(())
    } else {
        Err(clob(20))
    }
}
