//! Gamblers: each is long in one market with almost all that its margin allows, or a good part of it, and then
//! waits for what comes.

use client::messages::{Side, TimeInForce};
use client::{Error, Market};

use super::orders::{price, size, Wish};
use super::{Sight, Trader};
use crate::devnet::accounts::Role;

/// How much margin gamblers bring, in percent of what the market demands at first: the later ones in a market
/// survive a longer fall.
const MARGIN_PERCENT: [u64; 5] = [118, 150, 190, 240, 300];
/// What markets demand at first, in parts per million of the position, by liquidity tier.
const INITIAL_MARGIN: [u64; 3] = [50_000, 100_000, 200_000];
/// How far from the oracle price a gambler still buys, in basis points.
const REACH: i64 = 80;
/// A gambler acts each so many blocks until it has what it wants.
const RHYTHM: u32 = 4;
/// Attempts after which it is content with what it has.
const ATTEMPTS: u32 = 12;

impl Trader {
    /// Buy what is missing to the position that this gambler wants.
    pub(super) async fn gamble(&mut self, sight: &Sight) -> Result<(), Error> {
        let number = u32::try_from(self.number).unwrap_or_default();
        if sight.height % RHYTHM != number % RHYTHM || self.next_order > ATTEMPTS || sight.markets.is_empty()
        {
            return Ok(());
        }
        let market = &sight.markets[self.number % sight.markets.len()];
        let wanted = self.wanted_notional(market, self.number / sight.markets.len());
        let Some(wanted) = size(market, wanted) else { return Ok(()) };
        let held = self.sender.client().subaccount(self.sender.address(), 0).await?;
        let held = held.positions.get(&market.id).map_or(0, |position| position.base);
        let missing = wanted.saturating_sub(u64::try_from(held).unwrap_or_default());
        if missing < market.step.max(wanted / 10) {
            self.next_order = ATTEMPTS + 1;
            return Ok(());
        }
        let Some(subticks) = price(market, Side::Buy, REACH) else { return Ok(()) };
        let quantums = missing - missing % market.step.max(1);
        let time_in_force = TimeInForce::Ioc;
        let wish = Wish { side: Side::Buy, quantums, subticks, until: sight.height + 2, time_in_force };
        let order = self.order(market.id, &wish);
        self.sender.send_free(&[order.place()]).await?;
        Ok(())
    }

    fn wanted_notional(&self, market: &Market, place: usize) -> u64 {
        let tier = usize::try_from(market.liquidity_tier).unwrap_or(usize::MAX);
        let demanded = INITIAL_MARGIN.get(tier).copied().unwrap_or(1_000_000);
        let brought = demanded * MARGIN_PERCENT[place % MARGIN_PERCENT.len()] / 100;
        u64::try_from(u128::from(Role::Gambler.stake()) * 1_000_000 / u128::from(brought)).unwrap_or(u64::MAX)
    }
}
