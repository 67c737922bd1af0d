//! What a market takes in each of its statuses, how it comes to another one, and how it ends.

use num_traits::{Signed, Zero};

use crate::falls::Deed;
use crate::ledger::{Change, Why};
use crate::liquidate::{below, cover, risk};
use crate::money::{int, Int};
use crate::orders::Exchange;
use crate::terms::{clob, Code, Force, Note, Order, Status};
use crate::waiting::oracle;

impl Status {
    /// Whether the authority may make it `next`.
    fn may_become(self, next: Self) -> bool {
        let trades_on = !matches!(self, Self::Initializing | Self::FinalSettlement);
        self == next
            || match next {
                Self::Active => self != Self::FinalSettlement,
                Self::FinalSettlement => true,
                Self::Initializing => self == Self::FinalSettlement,
                Self::Paused | Self::CancelOnly | Self::PostOnly => trades_on,
            }
    }
}

impl Exchange {
    /// Whether a market may get another status now; one that is over opens again only without orders.
    pub fn may_become(&self, market: u32, next: Status) -> Result<(), Code> {
        let Some(terms) = self.ledger.markets.iter().find(|terms| terms.id == market) else {
            return Err(clob(8));
        };
        let reopens = terms.status == Status::FinalSettlement && next != terms.status;
        let has_orders = self.resting.iter().any(|resting| resting.order.id.market == market);
        if !terms.status.may_become(next) || (reopens && has_orders) {
            return Err(clob(35));
        }
        Ok(())
    }

    /// Whether a market takes an order at all.
    pub fn taken(&self, order: &Order) -> Result<(), Code> {
        let rests = order.force == Force::PostOnly;
        let takes = match self.ledger.market(order.id.market).status {
            Status::Active => true,
            Status::PostOnly => rests,
            Status::Initializing => {
                let oracle = oracle(&self.ledger, order.id.market).floor().to_integer();
                let price = int(order.price);
                let beside = if order.buy { price <= oracle } else { price >= oracle };
                rests && order.id.flags == 0 && beside
            }
            Status::Paused | Status::CancelOnly | Status::FinalSettlement => false,
        };
        takes.then_some(()).ok_or(clob(34))
    }

    /// Before a block's messages: the orders of markets that are over go, bids first, best first.
    pub fn clear_books(&mut self) {
        let over = self.ledger.markets.iter().filter(|market| market.status == Status::FinalSettlement);
        for market in over.map(|market| market.id).collect::<Vec<_>>() {
            self.clear_book(market);
        }
    }

    /// One that stays keeps those behind it.
    fn clear_book(&mut self, market: u32) {
        for buy in [true, false] {
            while let Some(id) = self.best(market, buy).map(|resting| resting.order.id) {
                if self.stays(&id, "final_settlement") {
                    return;
                }
                self.take_out(&id, "final_settlement");
            }
        }
    }
}

/// After liquidations: the positions of markets that are over are closed. Debtors first, at the price that leaves
/// them nothing; then longs against shorts in order of accounts, at the oracle price.
pub fn wind_up(exchange: &mut Exchange, covers: &mut u32) {
    let over = |market: &&crate::terms::Market| {
        market.status == Status::FinalSettlement && market.open.is_positive()
    };
    let over: Vec<u32> = exchange.ledger.markets.iter().filter(over).map(|market| market.id).collect();
    let debtors: Vec<usize> = below(exchange)
        .into_iter()
        .filter(|(_, risk)| risk.worth.is_negative())
        .map(|(account, _)| account)
        .collect();
    for market in over {
        for account in &debtors {
            let holds = !exchange.ledger.accounts[*account].size(market).is_zero();
            if holds && !cover(exchange, *account, market, covers) {
                break;
            }
        }
        settle(exchange, market);
    }
}

fn settle(exchange: &mut Exchange, market: u32) {
    let side = |long: bool| {
        let accounts = 0..exchange.ledger.accounts.len();
        let sizes = accounts.map(|account| (account, exchange.ledger.accounts[account].size(market)));
        let holders = sizes.filter(|(_, size)| !size.is_zero() && size.is_positive() == long);
        let solvent = holders.filter(|(account, _)| !risk(exchange, *account).worth.is_negative());
        solvent.map(|(account, size)| (account, size.abs())).collect::<Vec<_>>()
    };
    let (mut longs, mut shorts) = (side(true), side(false));
    while let (Some((long, more)), Some((short, less))) = (longs.first().cloned(), shorts.first().cloned()) {
        let size = more.clone().min(less.clone());
        let met = close(exchange, market, (long, short), &size) || {
            // Who has nothing to lose, not even what rounding takes, is the first one.
            close(exchange, market, (short, long), &size)
        };
        if met {
            for queue in [&mut longs, &mut shorts] {
                queue[0].1 -= &size;
                queue.retain(|(_, left)| left.is_positive());
            }
            exchange.position_changed(long, market);
            exchange.position_changed(short, market);
        } else if more <= less {
            shorts.remove(0);
        } else {
            longs.remove(0);
        }
    }
}

/// The first account is worth the same after it.
fn close(exchange: &mut Exchange, market: u32, (first, second): (usize, usize), size: &Int) -> bool {
    let terms = exchange.ledger.market(market);
    let held = exchange.ledger.accounts[first].size(market);
    let slice = if held.is_positive() { -size } else { size.clone() };
    let ledger = &exchange.ledger;
    let quote = ledger.notional(terms, &held) - ledger.notional(terms, &(&held + &slice));
    let changes = [
        Change { account: first, quote: quote.clone(), base: Some((market, slice.clone())) },
        Change { account: second, quote: -&quote, base: Some((market, -slice)) },
    ];
    let before = exchange.ledger.clone();
    if exchange.ledger.update(&changes, Why::Trade).is_err() {
        return false;
    }
    if exchange.falls(Deed::Settle) {
        exchange.ledger = before;
        return false;
    }
    let size = size.clone();
    exchange.notes.push(Note::Settled { account: first, other: second, market, size, quote });
    true
}
