//! Orders that met as many others as they may, and go on in the next block.

use crate::orders::{Exchange, Origin};
use crate::terms::{clob, Code, Force, Id, Note, Order, Status, Until};

impl Exchange {
    /// Whether what is left of an order that met enough goes on. A slice does not.
    pub(crate) fn park(&mut self, order: &Order) -> bool {
        let goes_on = order.force != Force::Immediate && order.id.flags != 256;
        if goes_on {
            self.parked.push(*order);
            self.next_turn += 1;
        }
        goes_on
    }

    /// An order cannot be placed under the id of one that goes on.
    pub(crate) fn not_parked(&self, order: &Order) -> Result<(), Code> {
        match self.parked.iter().find(|parked| parked.id == order.id) {
            None => Ok(()),
            Some(_) if order.id.flags != 0 && !order.replaces => Err(clob(3005)),
            Some(parked) if parked.hash == order.hash && parked.meets_own == order.meets_own => Err(clob(30)),
            Some(_) => Err(clob(20)),
        }
    }

    /// The moment until which an order that goes on lives.
    pub(crate) fn parked_until(&self, id: &Id) -> Option<Until> {
        self.parked.iter().find(|parked| parked.id == *id).map(|parked| parked.until)
    }

    /// An order that would go on is over.
    pub(crate) fn drop_parked(&mut self, id: &Id, reason: &str) {
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
    pub(crate) fn resume(&mut self) {
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
            if let Err(code) = self.put(&going, Origin::Continued) {
                *self = before;
                let reason = match code.1 {
                    3007 => "undercollateralized",
                    2001 => "reduce_only",
                    2003 => "post_only",
                    2005 => "isolated",
                    _ => "refused",
                };
                self.drop_parked(&order.id, reason);
            }
        }
    }
}
