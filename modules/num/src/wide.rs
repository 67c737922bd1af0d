//! Signed 512-bit integers, for formulas whose intermediate products outgrow 128 bits.

use core::cmp::Ordering;
use core::fmt;

use ruint::Uint;

use crate::Round;

type U512 = Uint<512, 8>;
type U1024 = Uint<1024, 16>;

/// A signed integer of up to 512 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Wide {
    /// Never set for zero, so that equal values are equal.
    negative: bool,
    magnitude: U512,
}

#[expect(clippy::should_implement_trait, reason = "operators cannot answer nothing; one style for all")]
impl Wide {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, magnitude: U512::ZERO };

    /// One.
    pub const ONE: Self = Self { negative: false, magnitude: U512::ONE };

    fn new(negative: bool, magnitude: U512) -> Self {
        Self { negative: negative && !magnitude.is_zero(), magnitude }
    }

    /// 10 to the power of `exponent`; nothing beyond 512 bits.
    pub fn pow10(exponent: u32) -> Option<Self> {
        let magnitude = U512::from(10_u64).checked_pow(U512::from(exponent))?;
        Some(Self::new(false, magnitude))
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.magnitude.is_zero()
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Its distance from zero.
    #[must_use]
    pub fn abs(self) -> Self {
        Self::new(false, self.magnitude)
    }

    /// The value with the other sign.
    #[must_use]
    pub fn neg(self) -> Self {
        Self::new(!self.negative, self.magnitude)
    }

    /// Sum; nothing beyond 512 bits.
    pub fn add(self, other: Self) -> Option<Self> {
        if self.negative == other.negative {
            return Some(Self::new(self.negative, self.magnitude.checked_add(other.magnitude)?));
        }
        Some(match self.magnitude.cmp(&other.magnitude) {
            Ordering::Less => Self::new(other.negative, other.magnitude.checked_sub(self.magnitude)?),
            Ordering::Equal | Ordering::Greater => {
                Self::new(self.negative, self.magnitude.checked_sub(other.magnitude)?)
            }
        })
    }

    /// Difference; nothing beyond 512 bits.
    pub fn sub(self, other: Self) -> Option<Self> {
        self.add(other.neg())
    }

    /// Product; nothing beyond 512 bits.
    pub fn mul(self, other: Self) -> Option<Self> {
        Some(Self::new(self.negative != other.negative, self.magnitude.checked_mul(other.magnitude)?))
    }

    /// Quotient, rounded; nothing when `other` is zero.
    pub fn div(self, other: Self, round: Round) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let (quotient, remainder) = self.magnitude.div_rem(other.magnitude);
        let negative = self.negative != other.negative;
        let further = !remainder.is_zero() && round.is_away(negative);
        let one = if further { U512::ONE } else { U512::ZERO };
        Some(Self::new(negative, quotient.checked_add(one)?))
    }

    /// Which of the products `a * b` and `c * d` is greater, at full width. `b` and `d` are above zero.
    pub(crate) fn compare_products((a, b): (Self, Self), (c, d): (Self, Self)) -> Ordering {
        let left: U1024 = a.magnitude.widening_mul(b.magnitude);
        let right: U1024 = c.magnitude.widening_mul(d.magnitude);
        match (a.negative, c.negative) {
            (false, false) => left.cmp(&right),
            (true, true) => right.cmp(&left),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    /// The value in 128 bits; nothing when it does not fit.
    pub fn to_i128(&self) -> Option<i128> {
        let magnitude = u128::try_from(self.magnitude).ok()?;
        if self.negative {
            0_i128.checked_sub_unsigned(magnitude)
        } else {
            i128::try_from(magnitude).ok()
        }
    }
}

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        Self::new(value < 0, U512::from(value.unsigned_abs()))
    }
}

impl From<u128> for Wide {
    fn from(value: u128) -> Self {
        Self::new(false, U512::from(value))
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        fmt::Display::fmt(&self.magnitude, f)
    }
}
