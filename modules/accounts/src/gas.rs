//! What a transaction costs in gas: a fixed sum that is known before it runs, so that nothing ever runs out of
//! gas half-way.

use crate::tx::DecodedTx;

/// Gas of each byte of a transaction.
pub const PER_BYTE: u64 = 10;

/// Gas of the signature.
pub const PER_SIGNATURE: u64 = 1_000;

/// Gas that `tx` takes when its messages take `messages`. F1: bytes x 10 + 1,000 + messages.
pub fn needed(tx: &DecodedTx, messages: u64) -> u64 {
    let bytes = u64::try_from(tx.size).unwrap_or(u64::MAX);
    bytes.saturating_mul(PER_BYTE).saturating_add(PER_SIGNATURE).saturating_add(messages)
}
