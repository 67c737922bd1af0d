//! Hash of a key.

/// Hash of a key under a seed. A multiplication takes 16 bytes; the last ones may overlap those before.
#[inline]
pub(super) fn hash(seed: u64, key: &[u8]) -> u32 {
    let fold = |a: u64, b: u64| {
        let (low, high) = a.carrying_mul(b, 0);
        low ^ high
    };
    let secret = 0xa076_1d64_78bd_642f ^ seed.rotate_left(32);
    let length = u64::try_from(key.len()).unwrap_or_default();
    let mut state = fold(seed ^ 0x9e37_79b9_7f4a_7c15, length ^ 0xd6e8_feb8_6659_fd93);
    let mut take = |bytes: &[u8; 16]| {
        let both = u128::from_le_bytes(*bytes);
        let low = u64::try_from(both & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(both >> 64).unwrap_or_default();
        state = fold(low ^ secret, high ^ state);
    };
    let (chunks, rest) = key.as_chunks::<16>();
    chunks.iter().for_each(&mut take);
    if !rest.is_empty() {
        let mut short = [0; 16];
        take(key.last_chunk().unwrap_or_else(|| {
            short.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            &short
        }));
    }
    state = fold(state ^ secret, 0xe703_7ed1_a0b4_28db);
    u32::try_from(state >> 32).unwrap_or_default()
}
