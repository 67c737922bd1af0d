//! Decimals of any length, as text.

use std::cmp::Ordering;

/// Digits, and a point with digits after it, that `text` begins with.
pub(super) fn beginning(text: &str) -> Option<&str> {
    let whole = digits(text);
    if whole == 0 {
        return None;
    }
    let fraction = text.get(whole..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
    let end = if fraction == 0 { whole } else { whole + 1 + fraction };
    text.get(..end)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// How two such numbers compare; leading and trailing zeros mean nothing.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let parts = |text| -> (&str, &str) {
        let (whole, fraction) = str::split_once(text, '.').unwrap_or((text, ""));
        (whole.trim_start_matches('0'), fraction.trim_end_matches('0'))
    };
    let ((left, left_fraction), (right, right_fraction)) = (parts(left), parts(right));
    let whole = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
    // A fraction that another one continues is the smaller, as texts compare.
    whole.then_with(|| left_fraction.cmp(right_fraction))
}

/// The whole part, cut to what 64 bits hold.
pub(crate) fn whole_part(text: &str) -> u64 {
    let whole = text.split('.').next().unwrap_or_default();
    whole.parse().unwrap_or(u64::MAX)
}
