//! Where events go while a block executes: one flat buffer that is used again and again.

use alloc::vec::Vec;

use crate::packed::{Attributes, Mark, Packed};
use crate::{Event, SubaccountId, Value};

/// Events in the order they happened. Their attributes stand packed in one buffer, so that telling an event does
/// not allocate once the buffer has grown; `clear` and `truncate` keep what has grown.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Kind of each event and where its attributes begin.
    heads: Vec<(&'static str, Mark)>,
    attributes: Packed,
    /// Events that were looked at.
    #[cfg(test)]
    looked: core::cell::Cell<usize>,
}

/// An event of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its kind.
    pub kind: &'static str,
    /// Names and values, in the order they were given.
    pub attributes: Attributes<'a>,
}

impl Told<'_> {
    /// First value called `name`.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.attributes.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Something that can be told. What happens often writes itself with [`Events::begin`]; everything else turns
/// into an [`Event`].
pub trait Tell {
    /// Append the event.
    fn tell(self, events: &mut Events);
}

impl<T: Into<Event>> Tell for T {
    fn tell(self, events: &mut Events) {
        events.push(self.into());
    }
}

/// The last event of a buffer, open for more attributes.
#[derive(Debug)]
pub struct Record<'a> {
    attributes: &'a mut Packed,
}

impl Record<'_> {
    /// One attribute more.
    #[inline]
    #[expect(clippy::return_self_not_must_use, reason = "the attribute is already in the buffer")]
    pub fn with(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(name, value.into());
        self
    }

    /// The two attributes `<owner>` and `<number>` of a subaccount.
    #[inline]
    #[expect(clippy::return_self_not_must_use, reason = "the attributes are already in the buffer")]
    pub fn with_subaccount(self, owner: &'static str, number: &'static str, id: &SubaccountId) -> Self {
        self.with(owner, id.owner).with(number, id.number)
    }
}

impl Events {
    /// Begin an event of this kind; what is called on the answer adds its attributes.
    #[inline]
    pub fn begin(&mut self, kind: &'static str) -> Record<'_> {
        self.heads.push((kind, self.attributes.mark()));
        Record { attributes: &mut self.attributes }
    }

    /// Append a finished event.
    pub fn push(&mut self, event: Event) {
        let record = self.begin(event.kind);
        event.attributes.into_iter().for_each(|(name, value)| record.attributes.push(name, value));
    }

    /// How many there are. A mark for [`Self::truncate`] and [`Self::split_off`].
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Forget all.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.attributes.truncate(Mark::default());
    }

    /// Forget all but the first `mark`.
    pub fn truncate(&mut self, mark: usize) {
        if let Some((_, start)) = self.heads.get(mark) {
            self.attributes.truncate(*start);
            self.heads.truncate(mark);
        }
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = Told<'_>> {
        self.since(0)
    }

    /// Each but the first `mark`, in order; those before them cost nothing.
    fn since(&self, mark: usize) -> impl Iterator<Item = Told<'_>> {
        let heads = self.heads.get(mark..).unwrap_or_default();
        let ends = heads.iter().skip(1).map(|(_, start)| *start).chain([self.attributes.mark()]);
        heads.iter().zip(ends).map(|((kind, start), end)| {
            #[cfg(test)]
            self.looked.set(self.looked.get().saturating_add(1));
            Told { kind, attributes: self.attributes.range(*start, end) }
        })
    }

    /// Take all but the first `mark`, each as an event of its own.
    pub fn split_off(&mut self, mark: usize) -> Vec<Event> {
        let event = |told: Told<'_>| Event { kind: told.kind, attributes: told.attributes.collect() };
        let rest = self.since(mark).map(event).collect();
        self.truncate(mark);
        rest
    }

    /// All, each as an event of its own; the buffer is empty then.
    pub fn take(&mut self) -> Vec<Event> {
        self.split_off(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Events {
        let mut events = Events::default();
        events.begin("a").with("x", 1u8).with("y", "text");
        Event::new("b").tell(&mut events);
        Event::new("c").with("z", true).tell(&mut events);
        events
    }

    #[test]
    fn what_was_told_comes_out_in_order_with_its_own_attributes() {
        let mut events = some();
        let seen: Vec<_> = events.iter().map(|told| (told.kind, told.attributes.len())).collect();
        assert_eq!(seen, [("a", 2), ("b", 0), ("c", 1)]);
        let a = Event::new("a").with("x", 1u8).with("y", "text");
        let (b, c) = (Event::new("b"), Event::new("c").with("z", true));
        assert_eq!(events.clone().split_off(1), [b.clone(), c.clone()]);
        assert_eq!(events.take(), [a, b, c]);
        assert!(events.is_empty() && events.take().is_empty());
    }

    #[test]
    fn splitting_off_costs_as_much_as_is_split_off() {
        for before in [0_u32, 10, 10_000] {
            let mut events = Events::default();
            for number in 0..before {
                let _told = events.begin("before").with("number", number);
            }
            let mark = events.len();
            for number in 0..7_u32 {
                let _told = events.begin("own").with("number", number);
            }
            events.looked.set(0);
            let own = events.split_off(mark);
            assert_eq!((own.len(), events.len()), (7, mark));
            assert_eq!(own.last(), Some(&Event::new("own").with("number", 6_u32)));
            assert_eq!(events.looked.get(), 7, "events looked at, {before} before them");
        }
    }

    #[test]
    fn truncating_forgets_the_later_events_and_their_attributes() {
        for mark in 0..5 {
            let mut events = some();
            events.truncate(mark);
            let mut expected = some().take();
            expected.truncate(mark);
            events.begin("d").with("w", 9u8);
            expected.push(Event::new("d").with("w", 9u8));
            assert_eq!(events.take(), expected, "{mark}");
        }
    }

    #[test]
    fn text_is_equal_however_it_is_held() {
        assert_eq!(Value::Text("a"), Value::Owned("a".into()));
        assert_eq!(Value::Hash([7; 32]), Value::Bytes([7; 32].into()));
        assert_ne!(Value::Text("a"), Value::Owned("b".into()));
        assert_ne!(Value::Text("a"), Value::Bytes(b"a".into()));
    }
}
