//! The last block that a node is to make, when the operator names one.

use std::sync::{Condvar, Mutex, PoisonError};

/// Where to stop, and whether the node is there.
pub(crate) struct Halt {
    height: u64,
    reached: Mutex<bool>,
    changed: Condvar,
}

impl Halt {
    /// Stop after the block at `height`; never when it is 0.
    pub(crate) fn at(height: u64) -> Self {
        Self { height, reached: Mutex::new(false), changed: Condvar::new() }
    }

    /// The block at `height` is committed.
    pub(crate) fn committed(&self, height: u64) {
        if self.height > 0 && height >= self.height {
            *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_all();
            tracing::info!(height, "halt_height is reached: this was the last block");
        }
    }

    /// Wait until it is. Nothing to do meanwhile: the process ends soon after.
    pub(crate) fn wait(&self) {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let reached = self.changed.wait_while(reached, |reached| !*reached);
        drop(reached.unwrap_or_else(PoisonError::into_inner));
    }

    /// Never return when the node is not to make the block at `height`: the process is about to end, and what
    /// the engine asked for is asked again after the next start.
    pub(crate) fn hold(&self, height: u64) {
        if self.height > 0 && height > self.height {
            loop {
                std::thread::park();
            }
        }
    }
}
