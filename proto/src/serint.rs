//! Signed integers inside `bytes` fields ("SerInt" in the comments of the schema).
//!
//! One sign byte, 2 for zero and above, 3 below, then the magnitude, big-endian, without leading zeros; zero
//! is the sign byte alone. A field that is absent or empty means zero. Every value has one encoding and only
//! that one is read, so equal amounts are equal bytes.

use alloc::vec::Vec;

/// Sign byte of zero and everything above.
const NON_NEGATIVE: u8 = 2;
/// Sign byte of everything below zero.
const NEGATIVE: u8 = 3;
/// Longest magnitude, in bytes.
const LONGEST: usize = 16;

/// Why bytes are not an integer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The first byte is no sign.
    #[error("sign byte {0} is neither 2 nor 3")]
    Sign(u8),
    /// The magnitude begins with a zero byte, or zero has a minus.
    #[error("the integer is not in its shortest form")]
    NotShortest,
    /// The magnitude has more bytes than any amount here may have.
    #[error("magnitude of {0} bytes, at most 16")]
    TooLong(usize),
    /// The magnitude has 16 bytes but the value is outside i128.
    #[error("the integer is outside the range of 128 bits")]
    OutOfRange,
}

/// The bytes of `value`: 1 to 17 of them.
#[must_use]
pub fn encode(value: i128) -> Vec<u8> {
    let magnitude = value.unsigned_abs().to_be_bytes();
    let mut out = Vec::with_capacity(1 + LONGEST);
    out.push(if value < 0 { NEGATIVE } else { NON_NEGATIVE });
    out.extend(magnitude.iter().skip_while(|byte| **byte == 0));
    out
}

/// The integer in `bytes`; nothing is zero. Refuses every form but the one [`encode`] writes.
pub fn decode(bytes: &[u8]) -> Result<i128, Error> {
    let Some((&sign, magnitude)) = bytes.split_first() else {
        return Ok(0);
    };
    if sign != NON_NEGATIVE && sign != NEGATIVE {
        return Err(Error::Sign(sign));
    }
    match magnitude.first() {
        None if sign == NEGATIVE => return Err(Error::NotShortest),
        Some(0) => return Err(Error::NotShortest),
        None | Some(_) => {}
    }
    if magnitude.len() > LONGEST {
        return Err(Error::TooLong(magnitude.len()));
    }
    let magnitude = magnitude.iter().fold(0u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let value =
        if sign == NEGATIVE { 0i128.checked_sub_unsigned(magnitude) } else { magnitude.try_into().ok() };
    value.ok_or(Error::OutOfRange)
}
