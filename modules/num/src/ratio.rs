//! Exact fractions, for formulas that must round once, at their end.

use core::cmp::Ordering;
use core::fmt;

use crate::{Round, Wide};

/// An exact fraction. Its denominator is always positive; it is not reduced. Compared by value: 1/2 is 2/4.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: Wide,
    denominator: Wide,
}

#[expect(clippy::should_implement_trait, reason = "operators cannot answer nothing; one style for all")]
impl Ratio {
    /// `numerator / denominator`; nothing when the denominator is zero.
    pub fn new(numerator: impl Into<Wide>, denominator: impl Into<Wide>) -> Option<Self> {
        let (numerator, denominator) = (numerator.into(), denominator.into());
        if denominator.is_zero() {
            return None;
        }
        let numerator = if denominator.is_negative() { numerator.neg() } else { numerator };
        Some(Self { numerator, denominator: denominator.abs() })
    }

    /// Above the line; carries the sign.
    pub fn numerator(&self) -> Wide {
        self.numerator
    }

    /// Below the line; positive.
    pub fn denominator(&self) -> Wide {
        self.denominator
    }

    /// Sum; nothing when a term, the sum or the denominator outgrows 512 bits.
    pub fn add(self, other: Self) -> Option<Self> {
        let left = self.numerator.mul(other.denominator)?;
        let right = other.numerator.mul(self.denominator)?;
        Self::new(left.add(right)?, self.denominator.mul(other.denominator)?)
    }

    /// Difference; nothing when a term, the difference or the denominator outgrows 512 bits.
    pub fn sub(self, other: Self) -> Option<Self> {
        self.add(Self { numerator: other.numerator.neg(), denominator: other.denominator })
    }

    /// Product; nothing when either side of the line outgrows 512 bits.
    pub fn mul(self, other: Self) -> Option<Self> {
        Self::new(self.numerator.mul(other.numerator)?, self.denominator.mul(other.denominator)?)
    }

    /// Quotient; nothing when `other` is zero or either side of the line outgrows 512 bits.
    pub fn div(self, other: Self) -> Option<Self> {
        Self::new(self.numerator.mul(other.denominator)?, self.denominator.mul(other.numerator)?)
    }

    /// Which is greater; always an answer. `cmp` says the same.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    /// The nearest integer in the given direction; nothing when it does not fit 128 bits.
    pub fn to_integer(&self, round: Round) -> Option<i128> {
        self.numerator.div(self.denominator, round)?.to_i128()
    }
}

impl Default for Ratio {
    /// Zero.
    fn default() -> Self {
        Self { numerator: Wide::ZERO, denominator: Wide::ONE }
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        Wide::compare_products((self.numerator, other.denominator), (other.numerator, self.denominator))
    }
}

/// `numerator/denominator`, not reduced.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}
