//! Exact decimal numbers, as people write prices and sizes.

use std::fmt;
use std::str::FromStr;

/// Most digits of a number, before and after the point together.
const MAX_DIGITS: usize = 36;

/// A non-negative number of at most 36 digits: `digits / 10^scale`.
#[derive(Clone, Copy, Debug, Eq)]
pub struct Decimal {
    digits: u128,
    scale: u32,
}

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Something else than digits with at most one point.
    #[error("{0:?} is not a number like 12 or 0.5")]
    Malformed(String),
    /// More digits than any amount has.
    #[error("{0:?} has more than {MAX_DIGITS} digits")]
    TooLong(String),
}

impl Decimal {
    /// `digits` times 10 to the power of `exponent`.
    pub fn scaled(digits: u128, exponent: i32) -> Self {
        if exponent <= 0 {
            return Self { digits, scale: exponent.unsigned_abs() }.normal();
        }
        let factor = 10_u128.checked_pow(exponent.unsigned_abs());
        let digits = factor.and_then(|factor| digits.checked_mul(factor)).unwrap_or(u128::MAX);
        Self { digits, scale: 0 }
    }

    /// The number times 10 to the power of `exponent`: its whole part, and whether that is all of it. Nothing
    /// when it does not fit into 128 bits.
    pub fn whole(self, exponent: i32) -> Option<(u128, bool)> {
        let shift = i64::from(exponent) - i64::from(self.scale);
        let power = u32::try_from(shift.unsigned_abs()).ok()?;
        let Some(factor) = 10_u128.checked_pow(power) else {
            // Shifted out to the right nothing is left; to the left it fits only if it is zero.
            return if shift < 0 || self.digits == 0 { Some((0, self.digits == 0)) } else { None };
        };
        if shift >= 0 {
            return self.digits.checked_mul(factor).map(|whole| (whole, true));
        }
        Some((self.digits / factor, self.digits.is_multiple_of(factor)))
    }

    /// The number without zeros at its end.
    fn normal(mut self) -> Self {
        while self.scale > 0 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (self.normal(), other.normal());
        (one.digits, one.scale) == (two.digits, two.scale)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let quoted = || text.chars().take(50).collect();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || (text.contains('.') && fraction.is_empty()) {
            return Err(DecimalError::Malformed(quoted()));
        }
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError::Malformed(quoted()));
        }
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.len() > MAX_DIGITS || fraction.len() > MAX_DIGITS {
            return Err(DecimalError::TooLong(quoted()));
        }
        let parsed = if digits.is_empty() { Ok(0) } else { digits.parse() };
        match (parsed, u32::try_from(fraction.len())) {
            (Ok(digits), Ok(scale)) => Ok(Self { digits, scale }),
            _ => Err(DecimalError::TooLong(quoted())),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digits, scale } = self.normal();
        let scale = usize::try_from(scale).map_err(|_| fmt::Error)?;
        if scale == 0 {
            return formatter.pad(&digits.to_string());
        }
        let text = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = text.split_at(text.len() - scale);
        formatter.pad(&format!("{whole}.{fraction}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_exactly() {
        for (text, shown) in [
            ("0", "0"),
            ("12", "12"),
            ("0.5", "0.5"),
            ("00.50", "0.5"),
            ("28688.19524", "28688.19524"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), shown);
        }
        assert_eq!(format!("[{:>6}]", "0.50".parse::<Decimal>().unwrap()), "[   0.5]");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,000", "0x1", "1.2.3", "\u{661}"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert!(matches!("1".repeat(37).parse::<Decimal>(), Err(DecimalError::TooLong(_))));
    }

    #[test]
    fn the_whole_part_says_whether_something_is_lost() {
        let whole = |text: &str, exponent| text.parse::<Decimal>().unwrap().whole(exponent);
        assert_eq!(whole("20000", 5), Some((2_000_000_000, true)));
        assert_eq!(whole("0.123456", 6), Some((123_456, true)));
        assert_eq!(whole("0.1234567", 6), Some((123_456, false)));
        assert_eq!(whole("1500", -2), Some((15, true)));
        assert_eq!(whole("1550", -2), Some((15, false)));
        assert_eq!(whole("1", 60), None);
        assert_eq!(whole("0", 60), Some((0, true)));
        assert_eq!(whole("1", -60), Some((0, false)));
    }

    #[test]
    fn scaled_digits_are_shown_as_people_write_them() {
        assert_eq!(Decimal::scaled(2_868_819_524, -5).to_string(), "28688.19524");
        assert_eq!(Decimal::scaled(1_000_000, -6).to_string(), "1");
        assert_eq!(Decimal::scaled(5, 2).to_string(), "500");
        assert_eq!("1.50".parse::<Decimal>().unwrap(), Decimal::scaled(15, -1));
    }
}
