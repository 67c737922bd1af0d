//! From a price and a budget to an order that fits its market.

use client::messages::{subaccount, NewOrder, OrderName, Side, TimeInForce, Until};
use client::Market;

use super::Trader;

/// Ten thousand basis points are the whole.
const WHOLE: i64 = 10_000;

/// Base quantums for `notional` (quote quantums) at the oracle price: a multiple of the step, at least one step.
/// Nothing without a price.
pub(super) fn size(market: &Market, notional: u64) -> Option<u64> {
    let (price, exponent) = market.oracle?;
    // notional * 10^-6 USD / (price * 10^exponent USD) coins, of 10^-resolution quantums each.
    let power = -6 - exponent - market.atomic_resolution;
    let ten = 10_u128.checked_pow(power.unsigned_abs())?;
    let (over, under) = if power >= 0 { (ten, 1) } else { (1, ten) };
    let quantums = u128::from(notional).checked_mul(over)? / u128::from(price).checked_mul(under)?;
    let step = u128::from(market.step.max(1));
    u64::try_from((quantums / step).max(1) * step).ok()
}

/// The oracle price and `basis_points` on top, in subticks on a tick: rounded down for a buyer, up for a seller.
pub(super) fn price(market: &Market, side: Side, basis_points: i64) -> Option<u64> {
    let oracle = i128::from(market.oracle_subticks()?);
    let tick = i128::from(market.subticks_per_tick.max(1));
    let exact = oracle * i128::from(WHOLE + basis_points);
    let unit = tick * i128::from(WHOLE);
    let ticks = if side == Side::Sell { (exact + unit - 1) / unit } else { exact / unit };
    u64::try_from(ticks.max(1) * tick).ok()
}

/// A short-term order of a trader.
pub(super) struct Wish {
    pub(super) side: Side,
    pub(super) quantums: u64,
    pub(super) subticks: u64,
    pub(super) until: u32,
    pub(super) time_in_force: TimeInForce,
}

impl Trader {
    /// The order for `wish` in `market`, with a new client id.
    pub(super) fn order(&mut self, market: u32, wish: &Wish) -> NewOrder {
        let name =
            OrderName { subaccount: subaccount(self.sender.address(), 0), client_id: self.new_id(), market };
        NewOrder {
            name,
            side: wish.side,
            quantums: wish.quantums,
            subticks: wish.subticks,
            until: Until::Block(wish.until),
            time_in_force: wish.time_in_force,
            reduce_only: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Market {
        Market {
            id: 2,
            ticker: "LINK-USD".into(),
            atomic_resolution: -6,
            step: 1_000_000,
            subticks_per_tick: 1_000_000,
            quantum_conversion_exponent: -9,
            status: 1,
            oracle: Some((7_204_646_989, -9)),
            open_interest: 0,
            liquidity_tier: 1,
        }
    }

    #[test]
    fn sizes_are_whole_steps_worth_at_most_the_budget() {
        assert_eq!(size(&link(), 1_000_000_000), Some(138_000_000));
        assert_eq!(size(&link(), 1), Some(1_000_000));
        assert_eq!(size(&Market { oracle: None, ..link() }, 1), None);
    }

    #[test]
    fn prices_lie_on_a_tick_and_never_beyond_what_was_meant() {
        // The oracle price on a tick is 7.204; ten basis points of it are 0.0072.
        assert_eq!(price(&link(), Side::Buy, 10), Some(7_211_000_000));
        assert_eq!(price(&link(), Side::Sell, 10), Some(7_212_000_000));
        assert_eq!(price(&link(), Side::Buy, -10), Some(7_196_000_000));
        assert_eq!(price(&link(), Side::Sell, -10), Some(7_197_000_000));
        assert_eq!(price(&link(), Side::Buy, 0), Some(7_204_000_000));
        assert_eq!(price(&link(), Side::Buy, -10_000), Some(1_000_000));
    }
}
