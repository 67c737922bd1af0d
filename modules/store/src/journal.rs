//! Undoing in memory: the steps that lead back, and how far back each savepoint is.
//!
//! Opening and closing a savepoint under which nothing happens is a count up and a count down: where it was
//! taken is written down with the first step after it. So a structure of many parts may open one in each.

use alloc::vec::Vec;

use crate::state::fault;

/// Where the steps of a savepoint begin.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Number of the savepoint, counted from the outermost, which is 1.
    depth: u32,
    /// Steps that are older.
    steps: usize,
}

/// Steps of the kind `U` that undo what happened under the savepoints that are open.
///
/// Whoever holds one notes a step with every change and offers a method `undo`, which takes back one step and
/// notes nothing; [`journaled`](crate::journaled) makes the rest.
#[derive(Clone, Debug)]
pub struct Journal<U> {
    steps: Vec<U>,
    /// Savepoints that are open.
    depth: u32,
    /// The savepoint of the last mark; 0 without one.
    marked: u32,
    /// Savepoints with steps, outermost first.
    marks: Vec<Mark>,
}

impl<U> Default for Journal<U> {
    fn default() -> Self {
        Self { steps: Vec::new(), depth: 0, marked: 0, marks: Vec::new() }
    }
}

impl<U> Journal<U> {
    /// Whether a savepoint is open, so that what happens may have to be undone.
    #[inline]
    pub const fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Remember what undoes a change, if it may have to be undone.
    #[inline]
    pub fn note(&mut self, step: impl FnOnce() -> U) {
        if self.depth > 0 {
            if self.marked < self.depth {
                self.mark();
            }
            self.steps.push(step());
        }
    }

    fn mark(&mut self) {
        self.marked = self.depth;
        self.marks.push(Mark { depth: self.depth, steps: self.steps.len() });
    }

    /// Open a savepoint.
    #[inline]
    pub fn savepoint(&mut self) {
        self.depth = self.depth.wrapping_add(1);
    }

    /// The next step to undo, newest first; nothing once all under the last savepoint are undone, which is closed
    /// with that.
    pub fn back(&mut self) -> Option<U> {
        if self.depth == 0 {
            fault("a rollback without a savepoint");
        }
        if self.marked == self.depth {
            let start = self.marks.last().map_or(0, |mark| mark.steps);
            if self.steps.len() > start {
                return self.steps.pop();
            }
            self.marks.pop();
            self.marked = self.marks.last().map_or(0, |mark| mark.depth);
        }
        self.depth = self.depth.saturating_sub(1);
        None
    }

    /// Keep what happened under the last savepoint, and close it.
    #[inline]
    pub fn release(&mut self) {
        if self.is_closing() {
            self.close(drop);
        }
    }

    /// Count down; whether there are steps to keep.
    #[inline]
    fn is_closing(&mut self) -> bool {
        let Some(depth) = self.depth.checked_sub(1) else { fault("a release without a savepoint") };
        self.depth = depth;
        self.marked > depth
    }

    /// As [`release`](Self::release); hands out each step that can no longer be undone, newest first.
    #[inline]
    pub fn release_each(&mut self, each: impl FnMut(U)) {
        if self.is_closing() {
            self.close(each);
        }
    }

    /// Keep the steps under the last mark, whose savepoint was closed: they are now under the one before.
    fn close(&mut self, mut each: impl FnMut(U)) {
        self.marked = self.depth;
        if self.depth == 0 {
            self.marks.clear();
            while let Some(step) = self.steps.pop() {
                each(step);
            }
            return;
        }
        match self.marks.as_mut_slice() {
            [.., outer, _] if outer.depth == self.depth => drop(self.marks.pop()),
            [.., last] => last.depth = self.depth,
            [] => {}
        }
    }
}

/// Makes a type [`Journaled`](crate::Journaled) that has a field `journal`, a [`Journal`], and a method `undo`,
/// which takes back one of its steps.
#[macro_export]
macro_rules! journaled {
    ($type:ty) => {
        impl $crate::Journaled for $type {
            #[inline]
            fn savepoint(&mut self) {
                self.journal.savepoint();
            }

            #[inline]
            fn rollback(&mut self) {
                while let Some(step) = self.journal.back() {
                    self.undo(step);
                }
            }

            #[inline]
            fn release(&mut self) {
                self.journal.release();
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Journaled;

    /// A value that remembers, and another one inside of it that is also used by itself.
    #[derive(Default)]
    struct Inner {
        value: u64,
        journal: Journal<u64>,
    }

    impl Inner {
        fn set(&mut self, value: u64) {
            let old = core::mem::replace(&mut self.value, value);
            self.journal.note(|| old);
        }

        fn undo(&mut self, old: u64) {
            self.value = old;
        }
    }

    journaled!(Inner);

    #[derive(Default)]
    struct Outer {
        own: Inner,
        inner: Inner,
    }

    impl Journaled for Outer {
        fn savepoint(&mut self) {
            self.own.savepoint();
            self.inner.savepoint();
        }

        fn rollback(&mut self) {
            self.own.rollback();
            self.inner.rollback();
        }

        fn release(&mut self) {
            self.own.release();
            self.inner.release();
        }
    }

    /// What a savepoint was taken on.
    enum Open {
        Outer(u64, u64),
        Inner(u64),
    }

    fn close(pair: &mut Outer, open: &Open, keep: bool) {
        match (open, keep) {
            (Open::Outer(..), true) => pair.release(),
            (Open::Inner(_), true) => pair.inner.release(),
            (Open::Outer(own, inner), false) => {
                pair.rollback();
                assert_eq!((pair.own.value, pair.inner.value), (*own, *inner));
            }
            (Open::Inner(inner), false) => {
                pair.inner.rollback();
                assert_eq!(pair.inner.value, *inner);
            }
        }
    }

    fn close_last(pair: &mut Outer, last: Option<Open>, keep: bool) {
        let Some(last) = last else { return };
        let before = (pair.own.value, pair.inner.value);
        close(pair, &last, keep);
        assert!(!keep || before == (pair.own.value, pair.inner.value));
    }

    #[test]
    fn a_rollback_restores_what_a_copy_of_everything_would() {
        for seed in 1..200u64 {
            let mut random = seed;
            let mut draw = |below: u64| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % below
            };
            let (mut pair, mut open) = (Outer::default(), Vec::new());
            for _ in 0..400 {
                match draw(7) {
                    0 => {
                        open.push(Open::Outer(pair.own.value, pair.inner.value));
                        pair.savepoint();
                    }
                    1 => {
                        open.push(Open::Inner(pair.inner.value));
                        pair.inner.savepoint();
                    }
                    2 => pair.own.set(draw(1_000)),
                    3 | 4 => pair.inner.set(draw(1_000)),
                    keep => close_last(&mut pair, open.pop(), keep == 5),
                }
            }
            while let Some(last) = open.pop() {
                close(&mut pair, &last, draw(2) == 0);
            }
            for journal in [&pair.own.journal, &pair.inner.journal] {
                assert!(!journal.is_open() && journal.steps.is_empty() && journal.marks.is_empty());
            }
        }
    }

    #[test]
    fn steps_are_handed_out_once_they_are_final_and_not_before() {
        let (mut journal, mut out) = (Journal::default(), Vec::new());
        journal.savepoint();
        journal.note(|| 1);
        journal.savepoint();
        journal.savepoint();
        journal.note(|| 2);
        journal.release_each(|step| out.push(step));
        journal.release_each(|step| out.push(step));
        assert!(out.is_empty());
        journal.savepoint();
        journal.note(|| 3);
        assert_eq!((journal.back(), journal.back()), (Some(3), None));
        journal.release_each(|step| out.push(step));
        assert_eq!(out, [2, 1]);
        journal.note(|| 4);
        assert!(journal.steps.is_empty());
    }

    #[test]
    fn a_savepoint_without_steps_writes_nothing_down() {
        let mut journal = Journal::<u64>::default();
        for _ in 0..10 {
            journal.savepoint();
        }
        for _ in 0..10 {
            journal.release();
        }
        assert_eq!((journal.marks.capacity(), journal.steps.capacity()), (0, 0));
    }

    #[test]
    #[should_panic(expected = "a rollback without a savepoint")]
    fn a_rollback_without_a_savepoint_is_a_fault() {
        Journal::<u64>::default().back();
    }

    #[test]
    #[should_panic(expected = "a release without a savepoint")]
    fn a_release_without_a_savepoint_is_a_fault() {
        Journal::<u64>::default().release();
    }
}
