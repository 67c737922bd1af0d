//! Keys: bytes whose order is the order of the values they stand for.

use alloc::vec::Vec;

use types::{Address, Denom, MarketId, SubaccountId, Time};

use crate::buffer::KeyBytes;

/// A value that can be a key or part of one. Big-endian and of fixed width, so that byte order is value order.
pub trait Key: Sized {
    /// Append the bytes.
    fn write(&self, out: &mut KeyBytes);

    /// Take the value off the front of `bytes`; nothing when they do not hold one.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// Bytes of any length; only as the last part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Last(pub Vec<u8>);

impl Key for Last {
    fn write(&self, out: &mut KeyBytes) {
        out.extend_from_slice(&self.0);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self(core::mem::take(bytes).to_vec()))
    }
}

macro_rules! unsigned_keys {
    ($($integer:ty),*) => {
        $(impl Key for $integer {
            fn write(&self, out: &mut KeyBytes) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let (head, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_be_bytes(*head))
            }
        })*
    };
}

unsigned_keys!(u8, u16, u32, u64, u128);

macro_rules! signed_keys {
    ($($signed:ty => $unsigned:ty),*) => {
        $(impl Key for $signed {
            fn write(&self, out: &mut KeyBytes) {
                // Flipping the sign bit makes negative numbers sort before positive ones.
                (self.cast_unsigned() ^ (1 << (<$unsigned>::BITS.saturating_sub(1)))).write(out);
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let raw = <$unsigned as Key>::read(bytes)?;
                Some((raw ^ (1 << (<$unsigned>::BITS.saturating_sub(1)))).cast_signed())
            }
        })*
    };
}

signed_keys!(i32 => u32, i64 => u64, i128 => u128);

impl<const N: usize> Key for [u8; N] {
    fn write(&self, out: &mut KeyBytes) {
        out.extend_from_slice(self);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*head)
    }
}

impl Key for bool {
    fn write(&self, out: &mut KeyBytes) {
        u8::from(*self).write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u8::read(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Key for () {
    fn write(&self, _: &mut KeyBytes) {}

    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Key for Address {
    fn write(&self, out: &mut KeyBytes) {
        self.bytes().write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        <[u8; 20]>::read(bytes).map(Self::new)
    }
}

impl Key for MarketId {
    fn write(&self, out: &mut KeyBytes) {
        self.0.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        u32::read(bytes).map(Self)
    }
}

impl Key for SubaccountId {
    fn write(&self, out: &mut KeyBytes) {
        self.owner.write(out);
        self.number.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { owner: Key::read(bytes)?, number: Key::read(bytes)? })
    }
}

impl Key for Time {
    fn write(&self, out: &mut KeyBytes) {
        self.nanos_total().write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        i128::read(bytes).map(Self::from_nanos)
    }
}

/// A denomination has no fixed width: only as the last part of a key.
impl Key for Denom {
    fn write(&self, out: &mut KeyBytes) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::new(core::str::from_utf8(core::mem::take(bytes)).ok()?).ok()
    }
}

macro_rules! tuple_keys {
    ($($part:ident),*) => {
        impl<$($part: Key),*> Key for ($($part,)*) {
            fn write(&self, out: &mut KeyBytes) {
                #[expect(non_snake_case, reason = "the parts are named by their type parameters")]
                let ($($part,)*) = self;
                $($part.write(out);)*
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($part::read(bytes)?,)*))
            }
        }
    };
}

tuple_keys!(A, B);
tuple_keys!(A, B, C);
tuple_keys!(A, B, C, D);

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(key: &impl Key) -> Vec<u8> {
        let mut out = KeyBytes::default();
        key.write(&mut out);
        out.bytes().to_vec()
    }

    fn sorts<K: Key + Ord + Clone + PartialEq + core::fmt::Debug>(values: &[K]) {
        let mut by_value = values.to_vec();
        by_value.sort();
        let mut by_bytes = values.to_vec();
        by_bytes.sort_by_key(|value| bytes(value));
        assert_eq!(by_value, by_bytes);
        for value in values {
            let encoded = bytes(value);
            let mut rest = encoded.as_slice();
            assert_eq!(K::read(&mut rest).as_ref(), Some(value));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn bytes_sort_as_the_values_do_and_read_back() {
        sorts(&[0u32, 1, 255, 256, u32::MAX]);
        sorts(&[0i64, -1, 1, i64::MIN, i64::MAX, -256, 255]);
        sorts(&[0i128, -1, 1, i128::MIN, i128::MAX]);
        sorts(&[(true, 5u64), (false, 9), (true, 4)]);
        sorts(&[Time::from_unix(-1, 0), Time::from_unix(0, 1), Time::from_unix(7, 0)]);
        let owner = |byte| Address::new([byte; 20]);
        sorts(&[SubaccountId { owner: owner(1), number: 9 }, SubaccountId { owner: owner(2), number: 0 }]);
        sorts(&[(MarketId(3), owner(1)), (MarketId(2), owner(9))]);
    }

    #[test]
    fn short_or_impossible_bytes_are_not_a_key() {
        assert_eq!(u32::read(&mut [1, 2, 3].as_slice()), None);
        assert_eq!(bool::read(&mut [2].as_slice()), None);
        assert_eq!(Denom::read(&mut b"1x".as_slice()), None);
    }
}
