//! Numbers and names of a story.

use app::genesis::Market;
use app::AppState;

/// `text` x 10^`places`, exactly.
pub(super) fn decimal(text: &str, places: i32) -> Result<i128, String> {
    let wrong = || format!("{text} is no number with at most {places} decimal places");
    let places = usize::try_from(places).map_err(|_| wrong())?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || fraction.len() > places {
        return Err(wrong());
    }
    let all = format!("{whole}{fraction:0<places$}");
    if !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    all.parse::<i128>().map(|value| sign * value).map_err(|_| wrong())
}

/// The same, for what cannot be negative and fits 64 bits.
pub(super) fn amount(text: &str, places: i32) -> Result<u64, String> {
    u64::try_from(decimal(text, places)?).map_err(|_| format!("{text} is negative or too large"))
}

/// The text of `raw` x 10^-`places`, without needless zeros.
pub(super) fn show(raw: i128, places: i32) -> String {
    let places = usize::try_from(places).unwrap_or_default();
    let digits = format!("{:0>width$}", raw.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if raw < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// `5%` in parts per million.
pub(super) fn ppm(text: &str) -> Result<i32, String> {
    let percent = text.strip_suffix('%').ok_or_else(|| format!("{text} is no percentage"))?;
    i32::try_from(decimal(percent, 4)?).map_err(|_| format!("{text} is too much"))
}

/// A whole number.
pub(super) fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no whole number of the right size"))
}

/// A market's units, as powers of ten.
#[derive(Clone, Copy)]
pub(super) struct Units {
    /// The market's number.
    pub(super) id: u32,
    /// Base quantums in a coin.
    pub(super) size: i32,
    /// Subticks in a USD per coin.
    pub(super) price: i32,
    /// Steps of the oracle price in a USD per coin.
    pub(super) oracle: i32,
}

/// The market called `name`, `BTC` for `BTC-USD`.
pub(super) fn market<'a>(app: &'a mut AppState, name: &str) -> Result<&'a mut Market, String> {
    let ticker = format!("{name}-USD");
    let found = app.markets.iter_mut().find(|market| market.ticker == ticker);
    found.ok_or_else(|| format!("there is no market {name}"))
}

/// Its units.
pub(super) fn units(app: &AppState, name: &str) -> Result<Units, String> {
    let ticker = format!("{name}-USD");
    let market = app.markets.iter().find(|market| market.ticker == ticker);
    let market = market.ok_or_else(|| format!("there is no market {name}"))?;
    Ok(Units {
        id: market.id,
        size: -market.atomic_resolution,
        price: 6 + market.atomic_resolution - market.quantum_conversion_exponent,
        oracle: -market.price_exponent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_shown_exactly() {
        for (text, places, raw) in [("1", 6, 1_000_000), ("-0.5", 1, -5), ("0.000001", 6, 1), ("12", 0, 12)] {
            assert_eq!(decimal(text, places), Ok(raw));
            assert_eq!(show(raw, places), text);
        }
        for (text, places) in [("0.0000001", 6), ("", 2), ("1e3", 2), ("1.5", 0), ("--1", 2), (".5", 2)] {
            assert!(decimal(text, places).is_err(), "{text}");
        }
        assert_eq!(ppm("0.05%"), Ok(500));
        assert_eq!(ppm("-0.011%"), Ok(-110));
    }
}
