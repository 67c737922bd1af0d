//! Market makers: after each block they take back their quotes and make new ones around the oracle price.
//!
//! They lean upwards by some basis points, as makers do who sell to a crowd that wants to be long: perpetuals
//! trade at a premium, and longs pay funding.

use client::messages::{batch_cancel, subaccount, Side, TimeInForce};
use client::Error;
use rand::Rng;

use super::orders::{price, size, Wish};
use super::{Sight, Trader};

/// How far a maker's quotes are above the oracle price on average, in basis points.
const LEAN: i64 = 16;
/// Distance of each level from the leaning middle, in basis points, and its size in quote quantums.
const LEVELS: [(i64, u64); 2] = [(5, 15_000_000_000), (15, 30_000_000_000)];
/// Blocks that a quote lives when it is not taken back.
const LIFE: u32 = 3;

impl Trader {
    /// Replace all quotes.
    pub(super) async fn quote(&mut self, sight: &Sight) -> Result<(), Error> {
        let own = subaccount(self.sender.address(), 0);
        let until = sight.height + LIFE;
        let old = self.forget_resting();
        if !old.is_empty() {
            self.sender.send_free(&[batch_cancel(own, old, until)]).await?;
        }
        for market in &sight.markets {
            let lean = LEAN + self.random.gen_range(-3..=3);
            for (distance, notional) in LEVELS {
                let distance = distance + self.random.gen_range(0..=2);
                let bid = price(market, Side::Buy, lean - distance);
                let ask = price(market, Side::Sell, lean + distance);
                let (Some(bid), Some(ask), Some(quantums)) = (bid, ask, size(market, notional)) else {
                    continue;
                };
                // On a coarse tick both could be the same price.
                let ask = ask.max(bid + u64::from(market.subticks_per_tick));
                for (side, subticks) in [(Side::Buy, bid), (Side::Sell, ask)] {
                    let time_in_force = TimeInForce::PostOnly;
                    let order =
                        self.order(market.id, &Wish { side, quantums, subticks, until, time_in_force });
                    self.resting.push((market.id, order.name.client_id));
                    self.sender.send_free(&[order.place()]).await?;
                }
            }
        }
        Ok(())
    }
}
