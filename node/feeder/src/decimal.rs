//! Decimal text to a market's own units, without floating point.

/// The price `text` (`17.005`) in units of 10^`exponent` USD. Digits below the unit are cut off, so that prices
/// keep their order. Nothing when it is no plain decimal number, zero, or does not fit.
pub fn exact(text: &str, exponent: i32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number = |part: &str| if part.is_empty() { Some(0) } else { part.parse::<u128>().ok() };
    let price = if exponent >= 0 {
        number(whole)? / 10_u128.checked_pow(exponent.unsigned_abs())?
    } else {
        let places = usize::try_from(exponent.unsigned_abs()).ok()?;
        let kept = fraction.get(..places).unwrap_or(fraction);
        let missing = u32::try_from(places - kept.len()).ok()?;
        let scaled = number(whole)?.checked_mul(10_u128.checked_pow(exponent.unsigned_abs())?)?;
        scaled.checked_add(number(kept)?.checked_mul(10_u128.checked_pow(missing)?)?)?
    };
    u64::try_from(price).ok().filter(|price| *price > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_units_exactly() {
        for (text, exponent, price) in [
            ("273.91", -8, 27_391_000_000),
            ("0.696", -9, 696_000_000),
            ("116847.86625433", -5, 11_684_786_625),
            ("116847.86625433", -8, 11_684_786_625_433),
            ("4.0786", -2, 407),
            ("12", -3, 12_000),
            ("1500", 2, 15),
            ("007", 0, 7),
            ("9007199254740993", -3, 9_007_199_254_740_993_000),
            ("0.1", -1, 1),
        ] {
            assert_eq!(exact(text, exponent), Some(price), "{text} at 10^{exponent}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in
            ["", ".", ".5", "-1", "+1", "1e3", "1,5", "0", "0.0000", " 1", "1.2.3", "18446744073709551616"]
        {
            assert_eq!(exact(text, 0), None, "{text}");
        }
        assert_eq!(exact("0.0001", -3), None);
        assert_eq!(exact("1", -60), None);
        assert_eq!(exact("1", 60), None);
    }
}
