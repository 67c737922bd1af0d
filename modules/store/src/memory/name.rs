//! Keys as cells hold them: nearly all are short enough to stand in place.

use alloc::boxed::Box;
use core::borrow::Borrow;
use core::cmp::Ordering;

const SHORT: usize = 38;

/// A key. Sorts and compares as its bytes do.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

impl Name {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match (u8::try_from(key.len()), bytes.get_mut(..key.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(key);
                Self::Short { length, bytes }
            }
            _ => Self::Long(key.into()),
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

/// Hash of a key under a seed.
#[inline]
pub(super) fn hash(seed: u64, key: &[u8]) -> u32 {
    let fold = |a: u64, b: u64| {
        let (low, high) = a.carrying_mul(b, 0);
        low ^ high
    };
    let length = u64::try_from(key.len()).unwrap_or_default();
    let mut state = fold(seed ^ 0x9e37_79b9_7f4a_7c15, length ^ 0xd6e8_feb8_6659_fd93);
    let (words, rest) = key.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), 0xa076_1d64_78bd_642f ^ seed.rotate_left(32));
    }
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    state = fold(state ^ u64::from_le_bytes(last), 0xe703_7ed1_a0b4_28db);
    u32::try_from(state >> 32).unwrap_or_default()
}
