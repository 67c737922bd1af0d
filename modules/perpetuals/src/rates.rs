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
    /// 10^-exponent when the exponent is below zero and this fits a word; else 0.
    divisor: u64,
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
        let divisor = if terms.exponent < 0 {
            10_u64.checked_pow(terms.exponent.unsigned_abs()).unwrap_or_default()
        } else {
            0
        };
        Some(Self {
            price,
            exponent: terms.exponent,
            divisor,
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
        if self.divisor == 0 {
            return None;
        }
        match size.checked_mul(self.price.raw()) {
            Some(product) => product.checked_div(self.divisor),
            None => {
                let product = u128::from(size).checked_mul(self.price.raw().into())?;
                u64::try_from(product.checked_div(self.divisor.into())?).ok()
            }
        }
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
