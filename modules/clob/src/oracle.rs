//! The oracle price in the unit of a book.

use num::{Ratio, Wide};
use store::Read;

use crate::state::Pair;

/// F7: the oracle price of a market in subticks, exactly: `price * 10^(price exponent + atomic resolution + 6 -
/// conversion exponent)`, whatever its age. Nothing before the first price.
pub(crate) fn oracle_subticks(state: &dyn Read, pair: &Pair) -> Option<Ratio> {
    let price = prices::price(state, pair.market)?.price;
    let market = prices::params(state, pair.market)?;
    let perpetual = perpetuals::perpetual(state, pair.market)?;
    let exponent = market
        .exponent
        .checked_add(perpetual.atomic_resolution)?
        .checked_add(6)?
        .checked_sub(pair.quantum_conversion_exponent)?;
    let power = Wide::pow10(exponent.unsigned_abs())?;
    let price = i128::from(price.raw());
    if exponent < 0 {
        Ratio::new(price, power)
    } else {
        Ratio::new(Wide::from(price).mul(power)?, 1_i128)
    }
}
