//! Whether an order may come at all: what is asked before any book is looked at.

use num_traits::Zero;

use crate::ledger::Why;
use crate::money::{int, Int};
use crate::orders::{refusal, swap, Exchange, Origin, WINDOW};
use crate::terms::{clob, Code, Id, Order, Until};

const NINETY_FIVE_DAYS: i64 = 95 * 86_400;

impl Exchange {
    pub fn in_window(&self, until: Until) -> Result<(), Code> {
        let (height, time) = (self.ledger.height, self.previous_time);
        match until {
            Until::Block(block) if u64::from(block) < height => Err(clob(10)),
            Until::Block(block) if u64::from(block) > height + WINDOW => Err(clob(11)),
            Until::Time(until) if i64::from(until) <= time => Err(clob(3003)),
            Until::Time(until) if i64::from(until) > time + NINETY_FIVE_DAYS => Err(clob(3004)),
            Until::Block(_) | Until::Time(_) => Ok(()),
        }
    }

    pub fn admissible(&self, order: &Order, origin: Origin) -> Result<(), Code> {
        let Some(market) = self.ledger.markets.iter().find(|market| market.id == order.id.market) else {
            return Err(clob(8));
        };
        if !order.price.is_multiple_of(market.tick) || !order.size.is_multiple_of(market.step) {
            return Err(clob(12));
        }
        self.taken(order)?;
        if origin == Origin::User {
            self.in_window(order.until)?;
        }
        if self.ledger.worth(market.id, order.size, order.price) >= int(1) << 80 {
            return Err(clob(20_002));
        }
        if !order.reduce_only && !self.ledger.fresh(market.id) {
            return Err(clob(20_001));
        }
        Ok(())
    }

    /// How many orders the account may have by what it is worth.
    pub fn tier_allows(&self, account: usize, short_term: bool) -> Result<(), Code> {
        let bounds = &self.bounds;
        let tiers = if short_term { &bounds.short_term_tiers } else { &bounds.equity_tiers };
        let (settled, _) = self.ledger.settled(&self.ledger.accounts[account]);
        let worth = self.ledger.risk(&settled).worth;
        let reached = tiers.iter().rfind(|(needs, _)| worth >= int(*needs));
        let mine = |id: &Id| id.account == account && (id.flags == 0) == short_term;
        // Slices do not count, the orders that they belong to do.
        let resting = self.resting.iter().filter(|r| mine(&r.order.id) && r.order.id.flags != 256).count();
        let going_on = self.parked.iter().filter(|parked| mine(&parked.id)).count();
        let open = resting + going_on + self.room.orders.iter().filter(|w| mine(&w.order.id)).count();
        match (tiers.is_empty(), reached) {
            (true, _) => Ok(()),
            (false, Some((_, limit))) if open < *limit as usize => Ok(()),
            (false, _) => Err(clob(10_001)),
        }
    }

    pub fn affordable(&self, order: &Order) -> Result<(), Code> {
        let quote = self.ledger.worth(order.id.market, order.size, order.price);
        if quote >= int(1) << 80 {
            return Err(clob(20_003));
        }
        let fee = self.ledger.fee(&quote, self.rates(order.id.account, order.id.market).0);
        let built = self.built(&quote, order).map_or(Int::zero(), |(_, fee)| fee);
        let fee = fee + built;
        let change = swap(order.id.account, order.id.market, (order.buy, order.size), &quote, &fee);
        self.ledger.could(&change, Why::Check).map_err(refusal)
    }
}
