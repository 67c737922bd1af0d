//! F6: at which average price the book would take a given worth.

use num::{QuoteQuantums, Ratio, Round, Wide};
use types::MarketId;

use crate::books::{Books, Grid};
use crate::order::Side;

/// Average prices of trading the impact notional against each side, in subticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impact {
    /// What a seller would get; nothing when the bids are worth less.
    pub bid: Option<Ratio>,
    /// What a buyer would pay; nothing when the asks are worth less.
    pub ask: Option<Ratio>,
}

/// F6: impact prices of `market` for `notional` quote quantums; best prices for a notional of zero.
pub fn impact(books: &Books, market: MarketId, notional: QuoteQuantums) -> Impact {
    let side = |side| {
        let grid = books.grid(market)?;
        if notional.is_positive() {
            walk(books, (market, side), grid, notional)
        } else {
            Ratio::new(i128::from(books.best_price(market, side)?.raw()), 1_i128)
        }
    };
    Impact { bid: side(Side::Buy), ask: side(Side::Sell) }
}

/// `notional / base`, where base is what the best levels give for it: whole levels, and of the last one
/// `ceil(rest / price)`.
fn walk(
    books: &Books,
    (market, side): (MarketId, Side),
    grid: Grid,
    notional: QuoteQuantums,
) -> Option<Ratio> {
    // In units in which both worth and price are whole: subticks times base, or quote quantums.
    let power = Wide::pow10(grid.quantum_conversion_exponent.unsigned_abs())?;
    let negative = grid.quantum_conversion_exponent < 0;
    let (of_quote, of_price) = if negative { (power, Wide::ONE) } else { (Wide::ONE, power) };
    let wanted = Wide::from(notional.raw()).mul(of_quote)?;
    let mut rest = wanted;
    let mut base = Wide::ZERO;
    for level in books.levels(market, side) {
        let price = Wide::from(i128::from(level.price.raw())).mul(of_price)?;
        let quantums = Wide::from(i128::try_from(level.quantums).ok()?);
        let worth = quantums.mul(price)?;
        if worth >= rest {
            base = base.add(rest.div(price, Round::Ceil)?)?;
            return Ratio::new(wanted, base.mul(of_price)?);
        }
        rest = rest.sub(worth)?;
        base = base.add(quantums)?;
    }
    None
}
