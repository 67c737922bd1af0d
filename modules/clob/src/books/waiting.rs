//! Orders that wait for a price: what the books offer of their index of triggers.

use num::Subticks;
use types::MarketId;

use super::Books;
use crate::triggers::{Direction, Trigger};

impl Books {
    /// Let an order wait for its price. One that waits already stays as it is.
    pub fn arm(&mut self, trigger: &Trigger) {
        self.waiting.arm(trigger);
    }

    /// Let an order wait no longer: it fired, ended, or was cancelled. Returns whether it waited.
    pub fn disarm(&mut self, trigger: &Trigger) -> bool {
        self.waiting.disarm(trigger)
    }

    /// The next order that `price` fires: the trigger that a market moving there reaches first, at one trigger
    /// the lowest sequence number. It waits on until it is disarmed.
    pub fn fired(&self, market: MarketId, direction: Direction, price: Subticks) -> Option<Trigger> {
        self.waiting.first(market, direction).filter(|trigger| direction.fires(trigger.price, price))
    }

    /// How many orders wait for a price, in all markets.
    pub fn waiting(&self) -> usize {
        self.waiting.conditionals()
    }
}
