//! A block in the pieces that subscribers choose from, each encoded once.

use std::ops::Range;

use prost::encoding::{encode_key, encode_varint, WireType};
use prost::Message;

use types::SubaccountId;

use super::filter::{About, Filter};

/// Flag and length before a message of gRPC.
const PREFIX: usize = 5;

/// Pieces, as entries of a repeated field of a message.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// Fields before the entries. With some, there is a message also without entries.
    head: Vec<u8>,
    bytes: Vec<u8>,
    pieces: Vec<(About, Range<usize>)>,
}

impl Sheet {
    /// Add an entry of field `number`.
    pub(crate) fn put(&mut self, number: u32, about: About, message: &impl Message) {
        let from = self.bytes.len();
        part_entry(number, message, &mut self.bytes);
        self.pieces.push((about, from..self.bytes.len()));
    }

    /// Put these fields before all entries.
    pub(crate) fn begin(&mut self, head: Vec<u8>) {
        self.head = head;
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Accounts that entries are about; some more than once.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &SubaccountId> {
        let of = self.pieces.iter().filter_map(|(about, _)| match about {
            About::Event(_, accounts) => Some(accounts),
            About::Book(..) | About::Account(_) | About::Price(_) => None,
        });
        of.flatten().flatten()
    }

    /// Bytes of all.
    pub(crate) fn bytes(&self) -> usize {
        self.head.len().saturating_add(self.bytes.len())
    }

    /// The message of what `filter` wants after the first `known` entries, as gRPC frames it; nothing when there
    /// is nothing to say.
    pub(crate) fn message(&self, filter: &Filter, known: usize) -> Option<Vec<u8>> {
        let wanted = || self.pieces.iter().skip(known).filter(|(about, _)| filter.wants(about));
        let size = wanted().map(|(_, range)| range.len()).fold(self.head.len(), usize::saturating_add);
        if size == 0 {
            return None;
        }
        let mut message = framed(size);
        message.extend_from_slice(&self.head);
        for (_, range) in wanted() {
            message.extend_from_slice(self.bytes.get(range.clone()).unwrap_or_default());
        }
        Some(message)
    }
}

/// Append `message` as an entry of field 1.
pub(crate) fn entry(message: &impl Message, out: &mut Vec<u8>) {
    part_entry(1, message, out);
}

/// Append `message` as an entry of field `number`.
pub(crate) fn part_entry(number: u32, message: &impl Message, out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(message.encoded_len()).unwrap_or(u64::MAX), out);
    message.encode_raw(out);
}

/// Append an encoded message as an entry of field `number`.
pub(crate) fn raw_entry(number: u32, message: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(message.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(message);
}

/// The beginning of a message of `size` bytes.
fn framed(size: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(size.saturating_add(PREFIX));
    message.push(0);
    message.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    message
}

/// Entries as one message, framed.
pub(crate) fn frame(entries: &[u8]) -> Vec<u8> {
    let mut message = framed(entries.len());
    message.extend_from_slice(entries);
    message
}

/// The message in a frame.
pub(crate) fn unframed(message: &[u8]) -> &[u8] {
    message.get(PREFIX..).unwrap_or_default()
}
