//! Strict reading of wire messages: one value, one sequence of bytes.

use alloc::format;
use alloc::vec::Vec;

use prost::encoding::{decode_key, decode_varint, skip_field, DecodeContext, WireType};
use prost::Message;
use types::Malformed;

/// Decode `bytes`, refusing everything that does not encode back to the same bytes: unknown fields, fields out
/// of order, repeated single fields, defaults written out, over-long integers.
pub fn strict<M: Message + Default>(field: &'static str, bytes: &[u8]) -> Result<M, Malformed> {
    let message =
        M::decode(bytes).map_err(|error| Malformed::new(field, format!("does not decode: {error}")))?;
    if message.encode_to_vec() == bytes {
        Ok(message)
    } else {
        Err(Malformed::new(field, "is not in canonical form or has unknown fields"))
    }
}

/// The same for a message whose published definition declares its fields in another `order` than that of their
/// numbers: some clients write them as declared. Both orders are accepted, and no third.
pub fn strict_or_declared<M: Message + Default>(
    field: &'static str,
    bytes: &[u8],
    order: &[u32],
) -> Result<M, Malformed> {
    let refused = match strict::<M>(field, bytes) {
        Ok(message) => return Ok(message),
        Err(refused) => refused,
    };
    let Ok(message) = M::decode(bytes) else { return Err(refused) };
    let sorted = message.encode_to_vec();
    let mut declared = Vec::with_capacity(sorted.len());
    for number in order {
        append_field(field, &sorted, *number, &mut declared)?;
    }
    if declared == bytes {
        Ok(message)
    } else {
        Err(refused)
    }
}

/// Append all occurrences of field `number` in `message` to `out`, as they stand there.
fn append_field(
    field: &'static str,
    mut message: &[u8],
    number: u32,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let broken = |error| Malformed::new(field, format!("does not decode: {error}"));
    while !message.is_empty() {
        let start = message;
        let (found, wire_type) = decode_key(&mut message).map_err(broken)?;
        skip_field(wire_type, found, &mut message, DecodeContext::default()).map_err(broken)?;
        if found == number {
            out.extend(start.iter().take(start.len().saturating_sub(message.len())));
        }
    }
    Ok(())
}

/// Refuse a message in which `inner` occurs more than `limit` times within one of the messages at `outer`.
pub fn at_most_within(
    field: &'static str,
    mut bytes: &[u8],
    (outer, inner): (u32, u32),
    limit: usize,
) -> Result<(), Malformed> {
    let broken = |error| Malformed::new(field, format!("does not decode: {error}"));
    while !bytes.is_empty() {
        let (number, wire_type) = decode_key(&mut bytes).map_err(broken)?;
        if number != outer || wire_type != WireType::LengthDelimited {
            skip_field(wire_type, number, &mut bytes, DecodeContext::default()).map_err(broken)?;
            continue;
        }
        let length = decode_varint(&mut bytes).map_err(broken)?;
        let within = usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
        let (within, rest) = within.ok_or(Malformed::new(field, "ends early"))?;
        at_most(field, within, inner, limit)?;
        bytes = rest;
    }
    Ok(())
}

/// Refuse a message in which the repeated `tag` occurs more than `limit` times, before anything is allocated.
pub fn at_most(field: &'static str, mut bytes: &[u8], tag: u32, limit: usize) -> Result<(), Malformed> {
    let broken = |error| Malformed::new(field, format!("does not decode: {error}"));
    let mut found: usize = 0;
    while !bytes.is_empty() {
        let (number, wire_type) = decode_key(&mut bytes).map_err(broken)?;
        skip_field(wire_type, number, &mut bytes, DecodeContext::default()).map_err(broken)?;
        found = found.saturating_add(usize::from(number == tag));
    }
    if found > limit {
        return Err(Malformed::new(field, format!("has {found} elements, at most {limit} are allowed")));
    }
    Ok(())
}
