//! The bytes of a vote extension: what one validator says prices are.
//!
//! A price is written as its difference from the price of the state that its voter saw, the one after the block
//! before ([`prices::base`]): differences are small, and every byte is sent by everybody to everybody before a block
//! is decided. Markets are written in runs of neighbours:
//!
//! ```text
//! extension  = { run }                      nothing at all votes for nothing
//! run        = gap count { difference }     markets between the last run and this one: at least 1, but 0 before
//!                                           the first; how many follow each other: at least 1
//! difference = zigzag(price - base)         base: 0 for a market without a price
//! ```
//!
//! All are varints of the fewest bytes, so that every vote has one form.

use std::collections::BTreeMap;

use num::Price;
use types::MarketId;

/// Longest vote extension that peers accept: differences of 128 markets fit, first prices of 64.
pub const MAX_EXTENSION_BYTES: usize = 512;

/// Bytes of a difference, of the markets left out before it and of a length.
const LONGEST: usize = 16;

/// One more than the largest difference in zigzag form: both ways, any two prices apart.
const DIFFERENCES: u128 = 0x2_0000_0000_0000_0000;

/// The extension that votes at `height` for these prices, those of zero left out. Of more than fit, some: beginning
/// where `height` says, so that each has its turn, and all validators leave out the same.
pub fn extension(
    prices: &BTreeMap<MarketId, Price>,
    height: u64,
    base: impl Fn(MarketId) -> Price,
) -> Vec<u8> {
    let moves: Vec<(MarketId, i128)> = prices
        .iter()
        .filter(|(_, price)| price.raw() > 0)
        .map(|(market, price)| (*market, i128::from(price.raw()) - i128::from(base(*market).raw())))
        .collect();
    let mut bytes = encode(&moves);
    // Each takes a byte at least.
    let mut kept = moves.len().min(MAX_EXTENSION_BYTES);
    let first = first_of(height, moves.len());
    while bytes.len() > MAX_EXTENSION_BYTES {
        // None takes more than its difference and a run of its own.
        let excess = bytes.len().saturating_sub(MAX_EXTENSION_BYTES);
        kept = kept.saturating_sub(excess.checked_div(LONGEST).unwrap_or_default().max(1));
        let mut turn: Vec<_> = moves.iter().cycle().skip(first).take(kept).copied().collect();
        turn.sort_unstable();
        bytes = encode(&turn);
    }
    // Peers must never see what our own rule would refuse: better no vote.
    decode(&bytes).map(|_| bytes).unwrap_or_default()
}

/// Steps of 64 through all markets, one for each height.
fn first_of(height: u64, count: usize) -> usize {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let first = height.wrapping_mul(64).checked_rem(count).unwrap_or_default();
    usize::try_from(first).unwrap_or_default()
}

/// `moves` in rising order of market.
fn encode(moves: &[(MarketId, i128)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = 0;
    for run in moves.chunk_by(|(one, _), (other, _)| one.0.checked_add(1) == Some(other.0)) {
        let Some((market, _)) = run.first() else { continue };
        put(&mut bytes, u128::from(u64::from(market.0).saturating_sub(next)));
        put(&mut bytes, u128::try_from(run.len()).unwrap_or_default());
        for (market, difference) in run {
            put(&mut bytes, zigzag(*difference));
            next = u64::from(market.0).saturating_add(1);
        }
    }
    bytes
}

/// What an extension says: markets in rising order, each with the difference from its base; nothing when it is
/// malformed or too long.
pub fn decode(bytes: &[u8]) -> Option<Vec<(MarketId, i128)>> {
    if bytes.len() > MAX_EXTENSION_BYTES {
        return None;
    }
    let mut rest = bytes;
    let mut moves = Vec::new();
    let mut next = 0_u128;
    while !rest.is_empty() {
        let gap = take(&mut rest)?;
        let count = take(&mut rest)?;
        if count == 0 || gap == 0 && !moves.is_empty() {
            return None;
        }
        next = next.checked_add(gap)?;
        // Each takes a byte at least: no count is believed.
        for _ in 0..count {
            let difference = take(&mut rest).filter(|difference| *difference < DIFFERENCES)?;
            moves.push((MarketId(u32::try_from(next).ok()?), unzigzag(difference)));
            next = next.checked_add(1)?;
        }
    }
    Some(moves)
}

/// The price that a difference makes of its base; nothing when there is no such price, or it is 0.
pub fn price(base: Price, difference: i128) -> Option<Price> {
    let price = i128::from(base.raw()).checked_add(difference)?;
    u64::try_from(price).ok().filter(|price| *price > 0).map(Price::new)
}

fn zigzag(value: i128) -> u128 {
    let twice = value.unsigned_abs().wrapping_mul(2);
    if value < 0 {
        twice.wrapping_sub(1)
    } else {
        twice
    }
}

fn unzigzag(value: u128) -> i128 {
    let half = i128::try_from(value >> 1).unwrap_or(i128::MAX);
    if value & 1 == 0 {
        half
    } else {
        half.saturating_neg().saturating_sub(1)
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u128) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

/// A varint of at most ten bytes, none of which could be left out.
fn take(rest: &mut &[u8]) -> Option<u128> {
    let mut value = 0_u128;
    for at in 0..10_u32 {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u128::from(byte & 0x7f) << at.saturating_mul(7);
        if byte & 0x80 == 0 {
            return (*byte != 0 || at == 0).then_some(value);
        }
    }
    None
}
