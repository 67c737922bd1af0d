//! Rows of the database that are not pairs, as bytes. Each begins with its own checksum: RocksDB checks what
//! it reads from disk, this checks that the row is the one that was meant.

use std::sync::Arc;

use store::Change;

use crate::hash::{sha256, Hash};

/// Length of a row's checksum.
const CHECKSUM: usize = 8;

/// First byte of the head row; another layout of the database takes another number.
const LAYOUT: u8 = 1;

/// What the database says of itself: written with every block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Last committed height.
    pub(crate) height: u64,
    /// Its application hash.
    pub(crate) app_hash: Hash,
    /// First height that can be rebuilt: there is an undo row for each height after it.
    pub(crate) oldest: u64,
    /// Names and roots of the stores, by name.
    pub(crate) stores: Vec<(String, Hash)>,
}

/// What takes the state of a height back to the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    /// The height before.
    pub(crate) height: u64,
    /// Its application hash.
    pub(crate) app_hash: Hash,
    /// Values of that height of all keys that were changed; `None` where there was none.
    pub(crate) changes: Vec<Change>,
}

/// `body` with its checksum in front. `key` goes into the checksum, so rows cannot stand for each other.
pub(crate) fn seal(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut row = checksum(key, body).to_vec();
    row.extend_from_slice(body);
    row
}

/// The body of a row, if the checksum is right.
pub(crate) fn unseal<'a>(key: &[u8], row: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, body) = row.split_first_chunk::<CHECKSUM>()?;
    (*sum == checksum(key, body)).then_some(body)
}

fn checksum(key: &[u8], body: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = [0; CHECKSUM];
    let hash = sha256(&[sha256(key), sha256(body)].concat());
    sum.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    sum
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend(self.height.to_be_bytes());
        out.extend(self.app_hash);
        out.extend(self.oldest.to_be_bytes());
        for (name, root) in &self.stores {
            put_bytes(&mut out, name.as_bytes());
            out.extend(root);
        }
        out
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let input = &mut bytes;
        (take::<1>(input)? == [LAYOUT]).then_some(())?;
        let height = u64::from_be_bytes(take(input)?);
        let app_hash = take(input)?;
        let oldest = u64::from_be_bytes(take(input)?);
        let mut stores = Vec::new();
        while !input.is_empty() {
            let name = String::from_utf8(take_bytes(input)?.to_vec()).ok()?;
            stores.push((name, take(input)?));
        }
        Some(Self { height, app_hash, oldest, stores })
    }
}

impl Undo {
    /// The row for what takes a state back to this height.
    pub(crate) fn encode(height: u64, app_hash: &Hash, changes: &[Change]) -> Vec<u8> {
        let mut out = height.to_be_bytes().to_vec();
        out.extend(app_hash);
        for (key, old) in changes {
            put_bytes(&mut out, key);
            out.push(u8::from(old.is_some()));
            if let Some(old) = old {
                put_bytes(&mut out, old);
            }
        }
        out
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let input = &mut bytes;
        let height = u64::from_be_bytes(take(input)?);
        let app_hash = take(input)?;
        let mut changes = Vec::new();
        while !input.is_empty() {
            let key = Arc::from(take_bytes(input)?);
            let old = match take::<1>(input)? {
                [0] => None,
                [1] => Some(Arc::from(take_bytes(input)?)),
                _ => return None,
            };
            changes.push((key, old));
        }
        Some(Self { height, app_hash, changes })
    }
}

/// Appends a length and the bytes. A key or value of 4 GiB is beyond every limit of this chain.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*taken)
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(take(input)?)).ok()?;
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}
