//! Orders that met as many others as they may, and go on in the next block.

use crate::falls::Deed;
use crate::orders::{Exchange, Origin};
use crate::terms::{clob, gone, Code, Force, Id, Note, Order, Status, Until};

impl Exchange {
    /// Whether what is left of an order that met enough goes on. A slice does not.
    pub fn park(&mut self, order: &Order) -> Result<bool, Code> {
        let goes_on = order.force != Force::Immediate && order.id.flags != 256;
        if goes_on {
            self.has_room(&order.id)?;
            self.parked.push(*order);
            self.next_turn += 1;
        }
        Ok(goes_on)
    }

    /// Whether its account may have one order more in its market.
    pub fn has_room(&self, id: &Id) -> Result<(), Code> {
        let mine = |other: &Id| other.account == id.account && other.market == id.market;
        let resting = self.resting.iter().filter(|resting| mine(&resting.order.id)).count();
        let going_on = self.parked.iter().filter(|parked| mine(&parked.id)).count();
        if resting + going_on >= self.bounds.max_resting {
            return Err(clob(17));
        }
        Ok(())
    }

    /// The order with this id that goes on.
    pub fn going_on(&self, id: &Id) -> Option<Order> {
        self.parked.iter().find(|parked| parked.id == *id).copied()
    }

    /// The new order goes on with the turn of the one that goes on.
    pub fn go_on_in_place(&mut self, order: &Order, old: &Order, left: u64, wanted: u64) {
        self.ended_short_term(Some(*old));
        if left < order.size {
            self.traded(order, 0, wanted);
        }
        *self.parked.iter_mut().find(|parked| parked.id == order.id).unwrap() = *order;
    }

    /// The new order is accepted: the one that would have gone on is over.
    pub fn replace_parked(&mut self, old: &Order, left: u64) {
        self.parked.retain(|parked| parked.id != old.id);
        self.ended_short_term(Some(*old));
        self.notes.push(Note::Removed { id: old.id, reason: "replaced".into(), left, rested: false });
    }

    /// The moment until which an order that goes on lives.
    pub fn parked_until(&self, id: &Id) -> Option<Until> {
        self.going_on(id).map(|parked| parked.until)
    }

    /// An order that would go on is over.
    pub fn drop_parked(&mut self, id: &Id, reason: &str) {
        let at = self.parked.iter().position(|parked| parked.id == *id).unwrap();
        let order = self.parked.remove(at);
        let left = order.size - self.spent(id).filled;
        if id.flags != 0 {
            self.forget(id);
        } else if reason != "cancelled" && reason != "expired" {
            self.ended(&order);
        }
        self.notes.push(Note::Removed { id: *id, reason: reason.into(), left, rested: false });
    }

    /// Before a block's messages: they go on, first come first; one that is still not done goes to the back.
    pub fn resume(&mut self) {
        let (height, now) = (self.ledger.height, self.ledger.now);
        for order in self.parked.clone() {
            let over = match order.until {
                Until::Block(block) => u64::from(block) < height,
                Until::Time(time) => i64::from(time) <= now,
            };
            if over {
                self.drop_parked(&order.id, "expired");
                continue;
            }
            let status = self.ledger.market(order.id.market).status;
            if matches!(status, Status::Paused | Status::CancelOnly | Status::PostOnly) {
                continue;
            }
            let before = self.clone();
            self.parked.retain(|parked| parked.id != order.id);
            let going = Order { replaces: false, ..order };
            let put = self.put(&going, Origin::Continued);
            if let Err(code) = put.and_then(|()| self.unless_fallen(Deed::Continue)) {
                *self = before;
                let reason = gone(code);
                self.drop_parked(&order.id, reason);
            }
        }
    }
}
