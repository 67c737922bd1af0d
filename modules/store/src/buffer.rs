//! Bytes that are made and used at once: on the stack unless they are long.

use alloc::vec::Vec;

/// Up to `N` bytes in place; more go to the heap.
#[derive(Clone, Debug)]
pub struct Buffer<const N: usize> {
    place: [u8; N],
    length: usize,
    /// All bytes, once they are too many.
    heap: Vec<u8>,
}

/// Bytes of a key.
pub type KeyBytes = Buffer<64>;

impl<const N: usize> Default for Buffer<N> {
    fn default() -> Self {
        Self { place: [0; N], length: 0, heap: Vec::new() }
    }
}

impl<const N: usize> Buffer<N> {
    /// Append bytes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        match self.place.get_mut(self.length..end) {
            Some(place) if self.heap.is_empty() => {
                place.copy_from_slice(bytes);
                self.length = end;
            }
            _ => {
                if self.heap.is_empty() {
                    self.heap.extend_from_slice(self.place.get(..self.length).unwrap_or_default());
                }
                self.heap.extend_from_slice(bytes);
            }
        }
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        if self.heap.is_empty() {
            self.place.get(..self.length).unwrap_or_default()
        } else {
            &self.heap
        }
    }
}

impl<const N: usize> borsh::io::Write for Buffer<N> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> borsh::io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> borsh::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_same_in_place_and_on_the_heap() {
        for lengths in [[0, 0, 0], [3, 5, 0], [8, 0, 1], [3, 6, 2], [20, 0, 4], [0, 9, 9]] {
            let (mut buffer, mut expected) = (Buffer::<8>::default(), Vec::new());
            for (at, length) in lengths.into_iter().enumerate() {
                let some = alloc::vec![u8::try_from(at).unwrap(); length];
                buffer.extend_from_slice(&some);
                expected.extend(some);
            }
            assert_eq!(buffer.bytes(), expected, "{lengths:?}");
        }
    }
}
