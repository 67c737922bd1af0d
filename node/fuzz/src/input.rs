//! Numbers out of bytes; zeros when there are no more.

pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let count = N.min(self.0.len());
        let (head, rest) = self.0.split_at(count);
        out[..count].copy_from_slice(head);
        self.0 = rest;
        out
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn u8(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    /// Of any width and sign: the first byte says how wide.
    pub(crate) fn i128(&mut self) -> i128 {
        let width = self.u8() % 128;
        i128::from_le_bytes(self.take()) >> width
    }

    /// Of any width.
    pub(crate) fn amount(&mut self) -> u64 {
        let width = self.u8() % 64;
        self.u64() >> width
    }

    /// From `-bound` to `bound`.
    pub(crate) fn within(&mut self, bound: i32) -> i32 {
        i32::from(self.u16()) % (2 * bound + 1) - bound
    }

    /// Up to `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        head
    }
}
