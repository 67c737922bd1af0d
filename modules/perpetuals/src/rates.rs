//! Margin of one market at one price, ready for many positions: the numbers of [`Terms`] in a form that machine
//! words can work on. Where a number does not fit a word, the exact way of [`Terms`] is taken; both ways give the
//! same number.

use num::{BaseQuantums, Ppm, Price, QuoteQuantums};

use crate::margin::{share_of, MILLION};
use crate::terms::{Margin, Terms};

const MILLION_WORD: u64 = 1_000_000;

/// What margin needs of a market: price, exponent, shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    price: Price,
    exponent: i32,
    /// 10^-exponent.
    divisor: Divisor,
    /// The tier's own initial margin.
    base: Ppm,
    /// Maintenance margin as a fraction of it.
    fraction: Ppm,
    /// Initial margin at the present open interest.
    scaled: Ppm,
}

impl Rates {
    /// Rates of a market at `price`. Nothing when its open interest is worth more than 128 bits hold.
    pub fn new(terms: &Terms, price: Price) -> Option<Self> {
        Some(Self {
            price,
            exponent: terms.exponent,
            divisor: Divisor::new(terms.exponent),
            base: terms.tier.initial_margin,
            fraction: terms.tier.maintenance_fraction,
            scaled: terms.initial_ppm(price).ok()?,
        })
    }

    /// Initial margin share at the present open interest (F5).
    pub fn initial_ppm(&self) -> Ppm {
        self.scaled
    }

    /// The same rates at another initial margin share.
    #[must_use]
    pub fn with_initial_ppm(self, scaled: Ppm) -> Self {
        Self { scaled, ..self }
    }

    /// F1, F3 and F6 of one position at once; `custom` is the user's own initial margin share. Nothing when a
    /// number does not fit 128 bits.
    #[inline]
    pub fn margin(&self, base: BaseQuantums, custom: Ppm) -> Option<Margin> {
        let share = self.scaled.max(custom);
        let words = self.worth(base).and_then(|worth| self.margin_of_word(worth, base.is_negative(), share));
        words.or_else(|| self.margin_of_any(base, share))
    }

    /// F1: signed worth of a position, toward zero. Nothing when it does not fit 128 bits.
    #[inline]
    pub fn notional(&self, base: BaseQuantums) -> Option<QuoteQuantums> {
        match self.worth(base) {
            Some(worth) => Some(signed(worth, base.is_negative())),
            None => crate::margin::notional(base, self.price, self.exponent),
        }
    }

    /// Size of the worth, when machine words suffice.
    #[inline]
    fn worth(&self, base: BaseQuantums) -> Option<u64> {
        let size = u64::try_from(base.raw().unsigned_abs()).ok()?;
        self.divisor.quotient(size, self.price.raw())
    }

    #[inline]
    fn margin_of_word(&self, worth: u64, negative: bool, share: Ppm) -> Option<Margin> {
        let base = portion(worth, self.base)?;
        let initial = if share == self.base { base } else { portion(worth, share)? };
        let maintenance = portion(base, self.fraction)?;
        Some(Margin {
            notional: signed(worth, negative),
            initial: QuoteQuantums::new(initial.into()),
            maintenance: QuoteQuantums::new(maintenance.into()),
        })
    }

    fn margin_of_any(&self, base: BaseQuantums, share: Ppm) -> Option<Margin> {
        let notional = crate::margin::notional(base, self.price, self.exponent)?;
        Some(Margin {
            notional,
            initial: share_of(notional, share)?,
            maintenance: crate::margin::maintenance_margin(notional, self.base, self.fraction)?,
        })
    }
}

/// A power of ten to divide by, with its reciprocal: division by multiplication (Moller and Granlund 2011).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Divisor {
    /// Itself; 0 when no power of ten in a word is divided by.
    whole: u64,
    /// Itself moved up to the highest bit.
    high: u64,
    /// `floor((2^128 - 1) / high) - 2^64`.
    reciprocal: u64,
    shift: u32,
}

impl Divisor {
    /// 10^-exponent when the exponent is below zero and this fits a word.
    fn new(exponent: i32) -> Self {
        let power = 10_u64.checked_pow(exponent.unsigned_abs()).filter(|_| exponent < 0);
        let Some(whole) = power else { return Self::default() };
        let shift = whole.leading_zeros();
        let high = whole.wrapping_shl(shift);
        let all = u128::MAX.checked_div(high.into()).unwrap_or_default();
        Self { whole, high, reciprocal: words(all).0, shift }
    }

    /// `floor(one * other / this)`; nothing when it does not fit a word.
    #[inline]
    fn quotient(&self, one: u64, other: u64) -> Option<u64> {
        let (low, high) = one.carrying_mul(other, 0);
        if high >= self.whole {
            return None;
        }
        let whole = (u128::from(high) << 64 | u128::from(low)).wrapping_shl(self.shift);
        let (low, high) = words(whole);
        // A guess that is at most one too large or one too small, by what it leaves.
        let guess = u128::from(self.reciprocal).wrapping_mul(high.into()).wrapping_add(whole);
        let (fraction, guess) = words(guess);
        let mut quotient = guess.wrapping_add(1);
        let mut rest = low.wrapping_sub(quotient.wrapping_mul(self.high));
        if rest > fraction {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.high);
        }
        if rest >= self.high {
            quotient = quotient.wrapping_add(1);
        }
        Some(quotient)
    }
}

/// The low and the high half.
#[inline]
fn words(number: u128) -> (u64, u64) {
    let [low, high] = [number & u128::from(u64::MAX), number >> 64];
    (u64::try_from(low).unwrap_or_default(), u64::try_from(high).unwrap_or_default())
}

#[inline]
fn signed(size: u64, negative: bool) -> QuoteQuantums {
    let size = i128::from(size);
    QuoteQuantums::new(if negative { size.saturating_neg() } else { size })
}

/// `ceil(whole * share / 10^6)`, by millions and their rest so that no product outgrows a word. Nothing when
/// `share` is above the whole.
#[inline]
fn portion(whole: u64, share: Ppm) -> Option<u64> {
    if share.raw() > MILLION {
        return None;
    }
    let share = u64::from(share.raw());
    let millions = whole.checked_div(MILLION_WORD)?;
    let rest = whole.checked_rem(MILLION_WORD)?;
    let most = millions.checked_mul(share)?;
    most.checked_add(rest.checked_mul(share)?.div_ceil(MILLION_WORD))
}

#[cfg(test)]
mod tests {
    use super::Divisor;

    #[test]
    fn division_by_multiplication_is_division() {
        let mut seed = 1_u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bits = u32::try_from(seed >> 58).unwrap();
            (seed ^ (seed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> bits
        };
        for exponent in -20..=1 {
            let divisor = Divisor::new(exponent);
            let power = 10_u64.checked_pow(exponent.unsigned_abs()).filter(|_| exponent < 0);
            let edges = [0, 1, u64::MAX, 10, power.unwrap_or(3), power.unwrap_or(3).wrapping_sub(1)];
            let all = edges.into_iter().flat_map(|one| edges.map(|other| (one, other)));
            for (one, other) in all.chain((0..20_000).map(|_| (draw(), draw()))) {
                let product = u128::from(one) * u128::from(other);
                let exact = power.and_then(|power| u64::try_from(product / u128::from(power)).ok());
                assert_eq!(divisor.quotient(one, other), exact, "{one} * {other} * 10^{exponent}");
            }
        }
    }
}
