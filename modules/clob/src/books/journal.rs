//! Undoing: savepoints nest, steps are undone in the reverse order.

use store::{fault, Journaled};

use super::Books;
use crate::arena::Handle;
use crate::order::Size;

/// What undoes a step.
#[derive(Debug)]
pub(super) enum Undo {
    Placed(Handle),
    Removed(Handle),
    Reduced(Handle, Size),
    /// The last of `retriggered` came.
    Armed,
    /// The last of `retriggered` went.
    Disarmed,
}

/// Where a savepoint was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    undo: usize,
    next_sequence: u64,
    came: usize,
    gone: usize,
}

impl Books {
    #[inline]
    pub(super) fn note(&mut self, undo: Undo) {
        if !self.marks.is_empty() {
            self.undo.push(undo);
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Placed(handle) => {
                self.detach(handle);
                self.free(handle);
            }
            Undo::Removed(handle) => self.attach(handle, true),
            Undo::Reduced(handle, size) => {
                let record = self.orders.get_mut(handle);
                record.remaining = record.remaining.plus(size);
                let level = record.level;
                let level = self.touch(level);
                level.quantums = level.quantums.saturating_add(size.raw().into());
            }
            Undo::Armed => {
                if let Some(trigger) = self.retriggered.pop() {
                    self.triggers.remove(&trigger);
                }
            }
            Undo::Disarmed => {
                if let Some(trigger) = self.retriggered.pop() {
                    self.triggers.insert(&trigger);
                }
            }
        }
    }
}

impl Journaled for Books {
    #[inline]
    fn savepoint(&mut self) {
        self.parked.savepoint();
        self.waiting.savepoint();
        self.used.savepoint();
        self.pairs.savepoint();
        self.accounts.savepoint();
        self.desk.savepoint();
        self.marks.push(Mark {
            undo: self.undo.len(),
            next_sequence: self.next_sequence,
            came: self.log.came.len(),
            gone: self.log.gone.len(),
        });
    }

    fn rollback(&mut self) {
        self.parked.rollback();
        self.waiting.rollback();
        self.used.rollback();
        self.pairs.rollback();
        self.accounts.rollback();
        self.desk.rollback();
        let Some(mark) = self.marks.pop() else { fault("a rollback without a savepoint") };
        while self.undo.len() > mark.undo {
            if let Some(undo) = self.undo.pop() {
                self.undo(undo);
            }
        }
        self.next_sequence = mark.next_sequence;
        self.log.came.truncate(mark.came);
        self.log.gone.truncate(mark.gone);
    }

    #[inline]
    fn release(&mut self) {
        self.parked.release();
        self.waiting.release();
        self.used.release();
        self.pairs.release();
        self.accounts.release();
        self.desk.release();
        if self.marks.pop().is_none() {
            fault("a release without a savepoint");
        }
        if self.marks.is_empty() {
            self.retriggered.clear();
            // Nothing can come back any more: let the records of removed orders go.
            let mut undone = core::mem::take(&mut self.undo);
            for undo in undone.drain(..) {
                if let Undo::Removed(handle) = undo {
                    self.free(handle);
                }
            }
            self.undo = undone;
        }
    }
}
