//! How much of a match a hard cap of open interest allows.

use num_traits::{Signed, Zero};

use crate::money::{int, scaled, Int};
use crate::orders::Exchange;

impl Exchange {
    /// Of `size`: what either side closes, and what the cap leaves for new positions, in whole steps.
    pub fn growable(&self, market: u32, (taker, buy): (usize, bool), maker: usize, size: u64) -> u64 {
        let terms = self.ledger.market(market);
        let Some(cap) = terms.cap else { return size };
        let most = if terms.price == 0 {
            Int::zero()
        } else {
            let (n, d) = scaled(int(cap), -terms.oracle_exponent());
            n / (d * terms.price)
        };
        let against = |account: usize, buys: bool| {
            let held = self.ledger.accounts[account].size(market);
            if buys { -held } else { held }.max(Int::zero())
        };
        let room = (most - &terms.open).max(Int::zero());
        let all = against(taker, buy) + against(maker, !buy) + room;
        if all.is_negative() || all >= int(size) {
            return size;
        }
        u64::try_from(all).unwrap() / terms.step * terms.step
    }
}
