//! Integers in `bytes` fields, against the reference's vectors.

use proto::serint::{decode, encode, Error};

#[test]
fn w1_small_integers_have_the_reference_bytes() {
    let table =
        [(0, "02"), (1, "0201"), (-1, "0301"), (255, "02ff"), (256, "020100"), (123_456_789, "02075bcd15")];
    for (value, bytes) in table {
        assert_eq!(hex::encode(encode(value)), bytes, "{value}");
        assert_eq!(decode(&hex::decode(bytes).unwrap()), Ok(value), "{bytes}");
    }
}

#[test]
fn w2_large_integers_have_the_reference_bytes() {
    let value = 123_456_789_123_456_789_123_456_789;
    assert_eq!(hex::encode(encode(value)), "02661efdf2e3b19f7c045f15");
    assert_eq!(hex::encode(encode(-value)), "03661efdf2e3b19f7c045f15");
    assert_eq!(decode(&encode(-value)), Ok(-value));
}

#[test]
fn nothing_is_zero() {
    assert_eq!(decode(&[]), Ok(0));
}

#[test]
fn the_ends_of_the_range_come_back() {
    for value in [i128::MAX, i128::MIN, i128::MIN + 1] {
        assert_eq!(decode(&encode(value)), Ok(value));
    }
}

#[test]
fn a_second_form_of_a_value_is_refused() {
    let table = [
        ("00", Error::Sign(0)),
        ("0101", Error::Sign(1)),
        ("0401", Error::Sign(4)),
        ("03", Error::NotShortest),
        ("0200", Error::NotShortest),
        ("020001", Error::NotShortest),
        ("0300ff", Error::NotShortest),
        ("0201000000000000000000000000000000ff00", Error::TooLong(18)),
        ("0280000000000000000000000000000000", Error::OutOfRange),
        ("0380000000000000000000000000000001", Error::OutOfRange),
    ];
    for (bytes, error) in table {
        assert_eq!(decode(&hex::decode(bytes).unwrap()), Err(error), "{bytes}");
    }
}
