//! What a state can do.

use alloc::vec::Vec;
use core::ops::Bound;

use crate::batch::Writes;
use crate::buffer::KeyBytes;
use crate::scheduled::Scheduled;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// An ordered map of bytes that can be read.
pub trait Read {
    /// Calls `with` with the value of `key` and answers true, or answers false when there is none.
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool;

    /// First pair within the bounds, in key order.
    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair>;

    /// Last pair within the bounds, in key order.
    fn prev(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair>;

    /// These keys, at most [`Writes::MOST`], will be asked for: a state that can look at all of them at once for
    /// less than one after the other does so. Answers nothing.
    fn look_ahead(&self, _keys: &[KeyBytes]) {}
}

impl Read for &dyn Read {
    fn read(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> bool {
        (**self).read(key, with)
    }

    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        (**self).next(from, to)
    }

    fn prev(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Pair> {
        (**self).prev(from, to)
    }

    fn look_ahead(&self, keys: &[KeyBytes]) {
        (**self).look_ahead(keys);
    }
}

/// Something that can undo: savepoints nest, item in transaction in block.
pub trait Journaled {
    /// Remember this moment.
    fn savepoint(&mut self);

    /// Undo everything since the last savepoint and forget that savepoint.
    fn rollback(&mut self);

    /// Keep everything since the last savepoint and forget that savepoint.
    fn release(&mut self);
}

impl Journaled for () {
    fn savepoint(&mut self) {}
    fn rollback(&mut self) {}
    fn release(&mut self) {}
}

/// A state that blocks are executed on.
pub trait State: Read + Journaled {
    /// Whether `what`, which a block of this height does by itself, fails, to show that nothing else does. Only
    /// in simulators.
    fn stumbles(&mut self, _what: Scheduled, _height: u64) -> bool {
        false
    }

    /// Give `key` this value.
    fn set(&mut self, key: &[u8], value: &[u8]);

    /// Forget `key`.
    fn remove(&mut self, key: &[u8]);

    /// Make these writes, one after the other.
    fn write_all(&mut self, writes: &Writes) {
        for (key, value) in writes.iter() {
            match value {
                Some(value) => self.set(key, value),
                None => self.remove(key),
            }
        }
    }

    /// Keys under `prefix` that were written since the block began, in key order, each once. A key that was
    /// written and got its old value back is still named.
    fn changed(&self, prefix: &[u8]) -> Vec<Vec<u8>>;

    /// Value that `key` had when the block began.
    fn before(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// This state as something to read.
    fn as_read(&self) -> &dyn Read;
}

/// Stop: the state contradicts what this code wrote. Going on would be guessing with people's money.
#[expect(
    clippy::panic,
    reason = "a fault must stop the node before it commits; the node catches and reports it"
)]
pub fn fault(reason: &str) -> ! {
    panic!("fault: {reason}")
}
