//! Conversions between base, quote and prices. Formulas are numbered as in the README.

use crate::product::{mul_mul_pow10, mul_pow10_div};
use crate::{mul_div, BaseQuantums, Ppm, Price, QuoteQuantums, Round, Subticks};

/// F3: what `base` costs at a book price: `floor(|base| * subticks * 10^qce)` quote quantums, never negative.
/// Nothing when it does not fit.
pub fn fill_quote(base: BaseQuantums, price: Subticks, qce: i32) -> Option<QuoteQuantums> {
    // The least number has no positive counterpart, so compute -floor(|base| ..) = ceil(-|base| ..).
    let below_zero = if base.is_positive() { base.raw().checked_neg()? } else { base.raw() };
    let negated = mul_mul_pow10(below_zero, price.raw().into(), qce, Round::Ceil)?;
    negated.checked_neg().map(QuoteQuantums::new)
}

/// F4: what `base` is worth at an oracle price: `trunc(base * price * 10^exponent)` quote quantums, signed.
/// `exponent` is the price exponent plus the atomic resolution plus 6. Nothing when it does not fit.
pub fn oracle_value(base: BaseQuantums, price: Price, exponent: i32) -> Option<QuoteQuantums> {
    mul_mul_pow10(base.raw(), price.raw().into(), exponent, Round::Trunc).map(QuoteQuantums::new)
}

/// F5: how much base `quote` is worth at an oracle price: `trunc(quote * 10^-exponent / price)`, signed.
/// Nothing at price zero or when it does not fit.
pub fn quote_to_base(quote: QuoteQuantums, price: Price, exponent: i32) -> Option<BaseQuantums> {
    mul_pow10_div(quote.raw(), exponent.checked_neg()?, price.raw(), Round::Trunc).map(BaseQuantums::new)
}

/// F2: `a * b / 10^6`; nothing when it does not fit.
pub fn ppm_mul(a: Ppm, b: Ppm, round: Round) -> Option<Ppm> {
    let product = mul_div(a.raw().into(), b.raw().into(), Ppm::ONE.raw().into(), round)?;
    u32::try_from(product).ok().map(Ppm::new)
}
