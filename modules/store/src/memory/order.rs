//! The order of a table's keys, for those tables that somebody walks.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;

const SHORT: usize = 62;

/// A key, in place when it is short. Sorts and compares as its bytes do.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

impl Name {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match (u8::try_from(key.len()), bytes.get_mut(..key.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(key);
                Self::Short { length, bytes }
            }
            _ => Self::Long(key.into()),
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

/// Live keys in order, and the cells they are in. Most tables are written far more often than they are walked:
/// there is no order until somebody walks. From then on what came and went is noted, and sorted in at the next
/// walk. Too many notes are dropped and the order with them: making it anew costs less than those notes would.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    sorted: Option<BTreeMap<Name, u32>>,
    /// Keys that came or went, one after the other, and where each ends.
    stale: Vec<u8>,
    ends: Vec<usize>,
}

impl Order {
    /// A key came or went; `live` of them there are now.
    #[inline]
    pub(super) fn note(&mut self, key: &[u8], live: usize) {
        if self.sorted.is_none() {
            return;
        }
        if self.ends.len() > live.saturating_add(1024) {
            *self = Self::default();
        } else {
            self.stale.extend_from_slice(key);
            self.ends.push(self.stale.len());
        }
    }

    /// The order as it is now. `all` are the live keys with their cells, `find` answers the cell of a live key.
    pub(super) fn now<I: Iterator<Item = (Name, u32)>>(
        &mut self,
        all: impl FnOnce() -> I,
        find: impl Fn(&[u8]) -> Option<u32>,
    ) -> &BTreeMap<Name, u32> {
        let sorted = match &mut self.sorted {
            Some(sorted) => {
                let mut start = 0;
                for end in &self.ends {
                    let key = self.stale.get(start..*end).unwrap_or_default();
                    match find(key) {
                        Some(cell) => sorted.insert(Name::new(key), cell),
                        None => sorted.remove(key),
                    };
                    start = *end;
                }
                sorted
            }
            none => none.insert(all().collect()),
        };
        self.stale.clear();
        self.ends.clear();
        sorted
    }
}
