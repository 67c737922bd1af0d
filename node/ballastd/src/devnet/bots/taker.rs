//! Takers: small orders in random directions that trade at once or not at all.

use client::messages::{Side, TimeInForce};
use client::Error;
use rand::Rng;

use super::orders::{price, size, Wish};
use super::{Sight, Trader};

/// How far from the oracle price a taker still trades, in basis points.
const REACH: i64 = 60;
/// Smallest and largest order, in USD.
const NOTIONAL: (u64, u64) = (200, 3_000);

impl Trader {
    /// Trade in one or two markets.
    pub(super) async fn take(&mut self, sight: &Sight) -> Result<(), Error> {
        for _ in 0..self.random.gen_range(1..=2) {
            let market = self.random.gen_range(0..sight.markets.len().max(1));
            let notional = self.random.gen_range(NOTIONAL.0..=NOTIONAL.1) * 1_000_000;
            let side = if self.random.gen() { Side::Buy } else { Side::Sell };
            let Some(market) = sight.markets.get(market) else { continue };
            let reach = if side == Side::Buy { REACH } else { -REACH };
            let (Some(subticks), Some(quantums)) = (price(market, side, reach), size(market, notional))
            else {
                continue;
            };
            let time_in_force = TimeInForce::Ioc;
            let wish = Wish { side, quantums, subticks, until: sight.height + 2, time_in_force };
            let order = self.order(market.id, &wish);
            self.sender.send_free(&[order.place()]).await?;
        }
        Ok(())
    }
}
