//! Attributes packed: names, tags and words in vectors of their own.
//!
//! A block writes some twenty attributes for each operation. Packed, each is a few scalar stores into memory that
//! is near; as whole values they would be three times as large and pass through the stack.

use alloc::vec::Vec;

use crate::{Address, Value};

/// What an attribute holds besides its name, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// One word.
    Unsigned,
    /// One word, as the two's complement.
    Signed,
    True,
    False,
    /// Three words.
    Address,
    /// One name more.
    Text,
    /// One of the values that are kept whole.
    Whole,
}

/// Ends of the vectors.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    names: usize,
    tags: usize,
    words: usize,
    whole: usize,
}

/// Attributes in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    names: Vec<&'static str>,
    tags: Vec<Tag>,
    words: Vec<u64>,
    whole: Vec<Value>,
}

impl Packed {
    #[inline]
    pub(crate) const fn mark(&self) -> Mark {
        Mark {
            names: self.names.len(),
            tags: self.tags.len(),
            words: self.words.len(),
            whole: self.whole.len(),
        }
    }

    /// Add an attribute.
    #[inline(always)]
    pub(crate) fn push(&mut self, name: &'static str, value: Value) {
        self.names.push(name);
        let tag = match value {
            Value::Unsigned(number) => match u64::try_from(number) {
                Ok(word) => self.words(Tag::Unsigned, [word]),
                Err(_) => self.keep(Value::Unsigned(number)),
            },
            Value::Signed(number) => match i64::try_from(number) {
                Ok(word) => self.words(Tag::Signed, [word.cast_unsigned()]),
                Err(_) => self.keep(Value::Signed(number)),
            },
            Value::Bool(true) => Tag::True,
            Value::Bool(false) => Tag::False,
            Value::Address(address) => self.words(Tag::Address, words(&address)),
            Value::Text(text) => {
                self.names.push(text);
                Tag::Text
            }
            whole @ (Value::Owned(_) | Value::Bytes(_) | Value::Hash(_)) => self.keep(whole),
        };
        self.tags.push(tag);
    }

    #[inline(always)]
    fn words<const N: usize>(&mut self, tag: Tag, words: [u64; N]) -> Tag {
        for word in words {
            self.words.push(word);
        }
        tag
    }

    #[cold]
    fn keep(&mut self, value: Value) -> Tag {
        self.whole.push(value);
        Tag::Whole
    }

    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.names.truncate(mark.names);
        self.tags.truncate(mark.tags);
        self.words.truncate(mark.words);
        self.whole.truncate(mark.whole);
    }

    /// The attributes between two marks.
    pub(crate) fn range(&self, from: Mark, to: Mark) -> Attributes<'_> {
        Attributes {
            names: self.names.get(from.names..to.names).unwrap_or_default(),
            tags: self.tags.get(from.tags..to.tags).unwrap_or_default(),
            words: self.words.get(from.words..to.words).unwrap_or_default(),
            whole: self.whole.get(from.whole..to.whole).unwrap_or_default(),
        }
    }
}

/// Names and values, in the order they were given.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    names: &'a [&'static str],
    tags: &'a [Tag],
    words: &'a [u64],
    whole: &'a [Value],
}

impl Attributes<'_> {
    /// The value of the attribute whose name was taken, out of where its tag says.
    fn value(&mut self, tag: Tag) -> Option<Value> {
        Some(match tag {
            Tag::Unsigned => Value::Unsigned(next(&mut self.words)?.into()),
            Tag::Signed => Value::Signed(next(&mut self.words)?.cast_signed().into()),
            Tag::True => Value::Bool(true),
            Tag::False => Value::Bool(false),
            Tag::Address => {
                let words = [next(&mut self.words)?, next(&mut self.words)?, next(&mut self.words)?];
                Value::Address(address(words))
            }
            Tag::Text => Value::Text(next(&mut self.names)?),
            Tag::Whole => next(&mut self.whole)?,
        })
    }
}

impl Iterator for Attributes<'_> {
    type Item = (&'static str, Value);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = next(&mut self.tags)?;
        let name = next(&mut self.names)?;
        self.value(tag).map(|value| (name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.tags.len(), Some(self.tags.len()))
    }
}

impl ExactSizeIterator for Attributes<'_> {}

fn next<T: Clone>(all: &mut &[T]) -> Option<T> {
    let (first, rest) = all.split_first()?;
    *all = rest;
    Some(first.clone())
}

#[inline]
fn words(address: &Address) -> [u64; 3] {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3] = *address.bytes();
    [
        u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
        u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
        u32::from_le_bytes([c0, c1, c2, c3]).into(),
    ]
}

fn address([a, b, c]: [u64; 3]) -> Address {
    let mut bytes = [0; 20];
    let words = a.to_le_bytes().into_iter().chain(b.to_le_bytes()).chain(c.to_le_bytes());
    bytes.iter_mut().zip(words).for_each(|(to, from)| *to = from);
    Address::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn every_value_comes_out_as_it_went_in() {
        let mut bytes = [0; 20];
        bytes.iter_mut().zip(1..).for_each(|(byte, number)| *byte = number);
        let all = vec![
            Value::Unsigned(0),
            Value::Unsigned(u64::MAX.into()),
            Value::Unsigned(u128::from(u64::MAX) + 1),
            Value::Unsigned(u128::MAX),
            Value::Signed(0),
            Value::Signed(-1),
            Value::Signed(i64::MIN.into()),
            Value::Signed(i128::from(i64::MIN) - 1),
            Value::Signed(i64::MAX.into()),
            Value::Signed(i128::from(i64::MAX) + 1),
            Value::Signed(i128::MIN),
            Value::Bool(true),
            Value::Bool(false),
            Value::Address(Address::new(bytes)),
            Value::Text("word"),
            Value::Owned("made".into()),
            Value::Bytes(vec![1, 2, 3]),
            Value::Hash([7; 32]),
        ];
        // Each also behind each other one, so that none takes more or less than its own.
        for first in &all {
            for second in &all {
                let mut packed = Packed::default();
                packed.push("zero", Value::Bool(true));
                let from = packed.mark();
                packed.push("one", first.clone());
                packed.push("two", second.clone());
                let to = packed.mark();
                packed.push("three", Value::Text("last"));
                let seen: Vec<_> = packed.range(from, to).collect();
                assert_eq!(seen, [("one", first.clone()), ("two", second.clone())]);
                packed.truncate(from);
                assert_eq!(packed.range(Mark::default(), packed.mark()).len(), 1);
            }
        }
    }
}
