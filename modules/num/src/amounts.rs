//! Newtypes with units.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{mul_div, Round};

/// Largest amount that may come from outside: far above any real one, far below what sums could overflow.
const BOUND: i128 = 1 << 80;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default,
            BorshSerialize, BorshDeserialize,
        )]
        pub struct $name($raw);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// The number `raw`, in this unit.
            pub const fn new(raw: $raw) -> Self {
                Self(raw)
            }

            /// The bare number.
            pub const fn raw(self) -> $raw {
                self.0
            }

            /// Whether it is zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        number!($(#[$doc])* $name(i128));

        impl $name {
            /// The number `raw`, unless it is beyond what may come from outside (2^80 either way).
            pub fn bounded(raw: i128) -> Option<Self> {
                (-BOUND..=BOUND).contains(&raw).then_some(Self(raw))
            }

            /// Whether it is below zero.
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Whether it is above zero.
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Its distance from zero; that of the least number is a fault.
            #[must_use]
            pub fn abs(self) -> Self {
                if self.0 < 0 { -self } else { self }
            }

            /// -1, 0 or 1.
            pub fn signum(self) -> i32 {
                match self.0 {
                    ..0 => -1,
                    0 => 0,
                    1.. => 1,
                }
            }

            /// Sum; nothing beyond 128 bits.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// Difference; nothing beyond 128 bits.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
        }

        /// A sum beyond 128 bits cannot come from bounded amounts: it is a fault.
        impl Add for $name {
            type Output = Self;

            #[expect(clippy::arithmetic_side_effects, reason = "overflow is a fault in every profile")]
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        /// A difference beyond 128 bits cannot come from bounded amounts: it is a fault.
        impl Sub for $name {
            type Output = Self;

            #[expect(clippy::arithmetic_side_effects, reason = "overflow is a fault in every profile")]
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = Self;

            #[expect(clippy::arithmetic_side_effects, reason = "overflow is a fault in every profile")]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold(Self::ZERO, |sum, amount| sum + amount)
            }
        }
    };
}

amount!(
    /// Size in base quantums: 10^atomic_resolution of one base coin each. Positive is long.
    BaseQuantums
);
amount!(
    /// Money in quote quantums: 10^-6 of one unit of the collateral.
    QuoteQuantums
);
amount!(
    /// Cumulative funding of a market: quote quantums times 10^6 that one base quantum of a long has paid.
    FundingIndex
);
number!(
    /// Price on the book: `subticks * 10^quantum_conversion_exponent` quote quantums per base quantum.
    Subticks(u64)
);
number!(
    /// Oracle price: `price * 10^exponent` USD per base coin.
    Price(u64)
);
number!(
    /// Parts per million, not negative.
    Ppm(u32)
);
number!(
    /// Parts per million, of either sign.
    SignedPpm(i32)
);

const MILLION: i128 = 1_000_000;

impl Ppm {
    /// 100 %.
    pub const ONE: Self = Self(1_000_000);

    /// F1: this share of `amount`; nothing when it does not fit.
    pub fn of(self, amount: QuoteQuantums, round: Round) -> Option<QuoteQuantums> {
        mul_div(amount.raw(), self.0.into(), MILLION, round).map(QuoteQuantums::new)
    }
}

impl SignedPpm {
    /// F1: this share of `amount`; nothing when it does not fit.
    pub fn of(self, amount: QuoteQuantums, round: Round) -> Option<QuoteQuantums> {
        mul_div(amount.raw(), self.0.into(), MILLION, round).map(QuoteQuantums::new)
    }
}
