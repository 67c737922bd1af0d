//! Undoing: savepoints nest, steps are undone in the reverse order.

use store::Journaled;

use super::record::Flags;
use super::special::let_go;
use super::Books;
use crate::arena::Handle;
use crate::order::Size;

/// What undoes a step.
#[derive(Debug)]
pub(super) enum Undo {
    /// A sequence number was given to an order that waits.
    Numbered,
    /// The order came, with a sequence number of its own.
    Placed(Handle),
    /// The order came, with the sequence number of another.
    Superseded(Handle),
    Removed(Handle),
    Reduced(Handle, Size),
}

impl Books {
    fn unplace(&mut self, handle: Handle) {
        self.detach(handle);
        if self.orders.get(handle).flags.has(Flags::ROW) {
            // The row that it inherited is again one of an order that left.
            let id = self.id(handle);
            self.log.gone.push(id);
        }
        self.free(handle);
    }

    fn unnumber(&mut self) {
        self.next_sequence = self.next_sequence.saturating_sub(1);
    }

    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Numbered => self.unnumber(),
            Undo::Placed(handle) => {
                self.unplace(handle);
                self.unnumber();
            }
            Undo::Superseded(handle) => self.unplace(handle),
            Undo::Removed(handle) => {
                self.attach(handle, true);
                if self.orders.get(handle).flags.has(Flags::ROW) {
                    self.log.gone.pop();
                }
            }
            Undo::Reduced(handle, size) => {
                let record = self.orders.get_mut(handle);
                record.remaining = record.remaining.plus(size);
                let level = record.level;
                let level = self.touch(level);
                level.quantums = level.quantums.saturating_add(size.raw().into());
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
        self.journal.savepoint();
    }

    fn rollback(&mut self) {
        self.parked.rollback();
        self.waiting.rollback();
        self.used.rollback();
        self.pairs.rollback();
        self.accounts.rollback();
        self.desk.rollback();
        while let Some(step) = self.journal.back() {
            self.undo(step);
        }
    }

    #[inline]
    fn release(&mut self) {
        self.parked.release();
        self.waiting.release();
        self.used.release();
        self.pairs.release();
        self.accounts.release();
        self.desk.release();
        let (orders, parts) = (&mut self.orders, &mut self.parts);
        // What cannot come back any more lets its records go.
        self.journal.release_each(|step| {
            if let Undo::Removed(handle) = step {
                let_go(orders, parts, handle);
            }
        });
    }
}
