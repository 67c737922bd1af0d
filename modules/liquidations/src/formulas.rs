//! All arithmetic of liquidation and deleveraging but the allocation. Nothing here reads state.

use num::{
    mul_div, oracle_value, quote_to_base, round_to_multiple, BaseQuantums, Ppm, Price, QuoteQuantums, Ratio,
    Round, Subticks, Wide,
};

use subaccounts::Risk;

use crate::params::Params;

const MILLION: i128 = 1_000_000;

/// One position, at the oracle price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its size; negative for a short.
    pub base: BaseQuantums,
    /// Its signed worth.
    pub notional: QuoteQuantums,
    /// Its maintenance margin.
    pub maintenance: QuoteQuantums,
}

/// What closing a part of a position changes, at the oracle price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Size of the position afterwards minus size before; opposite in sign to the position.
    pub base: BaseQuantums,
    /// Signed worth of the position afterwards minus before.
    pub notional: QuoteQuantums,
    /// Maintenance margin that becomes free.
    pub maintenance: QuoteQuantums,
}

/// F1: how near bankruptcy the account is, 0 to 1:
/// `clamp(adjustment * (1 - net collateral / maintenance), 0, 1)`. Nothing without maintenance margin.
pub fn bankruptcy_rating(risk: &Risk, adjustment: Ppm) -> Option<Ratio> {
    let missing = risk.maintenance.checked_sub(risk.net_collateral)?;
    let over = Wide::from(i128::from(adjustment.raw())).mul(Wide::from(missing.raw()))?;
    let under = Wide::from(MILLION).mul(Wide::from(risk.maintenance.raw()))?;
    Ratio::new(over.clamp(Wide::ZERO, under.max(Wide::ZERO)), under)
}

/// F2: the worst price, in quote quantums per base quantum, at which a position may be closed against the book:
/// `(notional - rating * spread * maintenance) / size`. Always that of the whole position.
pub fn fillable_price(risk: &Risk, holding: &Holding, params: &Params) -> Option<Ratio> {
    let rating = bankruptcy_rating(risk, params.bankruptcy_adjustment)?;
    let spread = Wide::from(i128::from(params.spread_to_maintenance.raw()))
        .mul(Wide::from(holding.maintenance.raw()))?;
    let concession = rating.mul(Ratio::new(spread, MILLION)?)?;
    Ratio::new(holding.notional.raw(), 1_i128)?.sub(concession)?.div(Ratio::new(holding.base.raw(), 1_i128)?)
}

/// F3: a price as a limit on the book: rounded in favour of the account that is closed (a long sells at the
/// price or above, a short buys at it or below) to a multiple of `tick`, and held within `tick` and the largest
/// multiple that fits.
pub fn limit(price: Ratio, long: bool, tick: u32, quantum_conversion_exponent: i32) -> Option<Subticks> {
    let round = if long { Round::Ceil } else { Round::Floor };
    let power = Wide::pow10(quantum_conversion_exponent.unsigned_abs())?;
    let subticks = if quantum_conversion_exponent >= 0 {
        price.div(Ratio::new(power, 1_i128)?)?
    } else {
        price.mul(Ratio::new(power, 1_i128)?)?
    };
    let tick = i128::from(tick);
    let highest = round_to_multiple(i128::from(u64::MAX), tick, Round::Floor)?;
    let beyond = if subticks.numerator().is_negative() { tick } else { highest };
    let whole = subticks.to_integer(round).unwrap_or(beyond);
    let ticks = round_to_multiple(whole.clamp(0, i128::from(u64::MAX)), tick, round)?;
    u64::try_from(ticks.clamp(tick, highest)).ok().map(Subticks::new)
}

/// F4: what the account must get (above zero) or may pay (below) for a slice so that its net collateral shrinks
/// as its maintenance margin does, to exactly nothing when all is closed:
/// `-notional - floor(net collateral * slice's maintenance / maintenance)`, where `notional` is the slice's
/// change of worth. An account that needs no maintenance margin settles by size instead: `position` is the size
/// before.
pub fn bankruptcy_quote(risk: &Risk, slice: &Slice, position: BaseQuantums) -> Option<QuoteQuantums> {
    let (part, whole) = if risk.maintenance.is_positive() {
        (slice.maintenance.raw(), risk.maintenance.raw())
    } else {
        (slice.base.abs().raw(), position.abs().raw())
    };
    let share = mul_div(risk.net_collateral.raw(), part, whole, Round::Floor)?;
    QuoteQuantums::ZERO.checked_sub(slice.notional)?.checked_sub(QuoteQuantums::new(share))
}

/// F5: what the insurance fund gets (above zero) or pays (below) for a fill. `quote` is what the fill itself
/// gives the account (above zero) or takes (below), `bankruptcy` is F4 of its size. A surplus goes to the fund
/// up to `max_fee` of the quote, rounded down; a shortfall is the fund's. A fill of no quote moves nothing.
pub fn insurance_delta(
    quote: QuoteQuantums,
    bankruptcy: QuoteQuantums,
    max_fee: Ppm,
) -> Option<QuoteQuantums> {
    if quote.is_zero() {
        return Some(QuoteQuantums::ZERO);
    }
    let surplus = quote.checked_sub(bankruptcy)?;
    if surplus.is_positive() {
        Some(max_fee.of(quote.abs(), Round::Floor)?.min(surplus))
    } else {
        Some(surplus)
    }
}

/// F6: how much of a position may be liquidated in a block, as a notional:
/// `max(min(min_notional, notional), floor(notional * portion))`.
pub fn liquidatable_notional(notional: QuoteQuantums, params: &Params) -> Option<QuoteQuantums> {
    let notional = notional.abs();
    let portion = params.max_position_portion.of(notional, Round::Floor)?;
    Some(params.min_position_notional.min(notional).max(portion))
}

/// Where a market's sizes and prices come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Oracle price.
    pub price: Price,
    /// Price times base quantums times 10^exponent is quote quantums.
    pub exponent: i32,
    /// Sizes on the book are multiples of this.
    pub step: BaseQuantums,
}

/// F7: how much of a position to close now, always positive. `left` is what remains of the account's notional
/// for this block. The whole position when it fits, is not larger than a step, or would leave less than
/// `min_position_notional` and fits what is left of the account's; else the allowed notional at the oracle price,
/// rounded down to a step, at least one step.
pub fn liquidatable_size(
    holding: &Holding,
    scale: &Scale,
    left: QuoteQuantums,
    params: &Params,
) -> Option<BaseQuantums> {
    let (size, notional) = (holding.base.abs(), holding.notional.abs());
    let allowed = liquidatable_notional(notional, params)?.min(left);
    if notional <= allowed || size <= scale.step {
        return Some(size);
    }
    let base = quote_to_base(allowed, scale.price, scale.exponent)?;
    let steps = round_to_multiple(base.raw(), scale.step.raw(), Round::Floor)?;
    let closed = BaseQuantums::new(steps).clamp(scale.step, size);
    let rest = oracle_value(size - closed, scale.price, scale.exponent)?;
    Some(if rest < params.min_position_notional && notional <= left { size } else { closed })
}
