//! Margin formulas F1 to F7 of the README: pure functions of numbers. They answer nothing when a result does
//! not fit 128 bits, which no amount within bounds reaches.

use num::{mul_div, oracle_value, ppm_mul, BaseQuantums, Ppm, Price, QuoteQuantums, Round};

/// A whole, in millionths.
pub const MILLION: u32 = 1_000_000;

/// F1: worth of a signed position at the oracle price, toward zero.
/// `exponent` = price exponent + atomic resolution + 6.
pub fn notional(base: BaseQuantums, price: Price, exponent: i32) -> Option<QuoteQuantums> {
    oracle_value(base, price, exponent)
}

/// F2: initial margin of a notional (its sign does not matter) at this share, rounded up.
pub fn share_of(notional: QuoteQuantums, share: Ppm) -> Option<QuoteQuantums> {
    share.of(notional.abs(), Round::Ceil)
}

/// F3: maintenance margin: a share of the *base* initial margin, both rounded up. Neither open interest nor a
/// user's own setting enters.
pub fn maintenance_margin(notional: QuoteQuantums, initial: Ppm, fraction: Ppm) -> Option<QuoteQuantums> {
    fraction.of(share_of(notional, initial)?, Round::Ceil)
}

/// F4: maintenance margin as a share of notional, rounded down. For display and for clamping funding only.
/// Shares within their bounds (at most the whole) always have an answer.
pub fn maintenance_ppm(initial: Ppm, fraction: Ppm) -> Ppm {
    ppm_mul(initial, fraction, Round::Floor).unwrap_or(initial)
}

/// Bounds of open interest between which initial margin grows from its base to the whole notional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Up to here the base applies.
    pub lower: QuoteQuantums,
    /// From here on the whole notional is required; 0 turns scaling off.
    pub upper: QuoteQuantums,
}

/// F5: initial margin share scaled by the notional of open interest, rounded down, at most 1,000,000.
pub fn scaled_initial_ppm(base: Ppm, caps: Caps, open_notional: QuoteQuantums) -> Option<Ppm> {
    if caps.upper.is_zero() || open_notional <= caps.lower {
        return Some(base);
    }
    if open_notional >= caps.upper {
        return Some(Ppm::ONE.max(base));
    }
    let above = open_notional.checked_sub(caps.lower)?;
    let span = caps.upper.checked_sub(caps.lower)?;
    let room = MILLION.saturating_sub(base.raw());
    let more = mul_div(room.into(), above.raw(), span.raw(), Round::Floor)?;
    base.raw().checked_add(u32::try_from(more).ok()?).map(Ppm::new)
}

/// F7: the largest funding rate or premium, either way, in ppm:
/// `floor(factor * (initial - maintenance) / 1e6)`, with the maintenance share of F4.
pub fn max_rate(initial: Ppm, fraction: Ppm, factor: Ppm) -> u64 {
    let gap = initial.raw().saturating_sub(maintenance_ppm(initial, fraction).raw());
    let rate = mul_div(factor.raw().into(), gap.into(), MILLION.into(), Round::Floor);
    rate.and_then(|rate| u64::try_from(rate).ok()).unwrap_or_default()
}
