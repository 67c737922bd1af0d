//! Pages of Cosmos queries: bounded, by key or by offset.

use alloc::vec::Vec;

use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

use crate::Error;

/// Rows of a page when the request names no limit.
pub const DEFAULT_LIMIT: usize = 100;

/// Rows that a page has at most, whatever the request says.
pub const MAX_LIMIT: usize = 1_000;

/// Rows that may be skipped by offset; deeper pages need the key.
pub const MAX_OFFSET: usize = 10_000;

/// A request for a page, within bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Key of the first row; empty to begin at the start.
    pub key: Vec<u8>,
    /// Rows to skip; 0 when there is a key.
    pub offset: usize,
    /// Rows at most.
    pub limit: usize,
    /// Last row first.
    pub reverse: bool,
}

impl Page {
    /// Read a request. Refused when it has both key and offset, or an offset above [`MAX_OFFSET`].
    pub fn read(request: Option<&PageRequest>) -> Result<Self, Error> {
        let Some(request) = request else {
            return Ok(Self { key: Vec::new(), offset: 0, limit: DEFAULT_LIMIT, reverse: false });
        };
        if !request.key.is_empty() && request.offset != 0 {
            return Err(Error::InvalidPage("a page is named by key or by offset, not by both"));
        }
        let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);
        if offset > MAX_OFFSET {
            return Err(Error::InvalidPage("the offset is above 10000: use the key"));
        }
        let limit = match usize::try_from(request.limit).unwrap_or(usize::MAX) {
            0 => DEFAULT_LIMIT,
            limit => limit.min(MAX_LIMIT),
        };
        Ok(Self { key: request.key.clone(), offset, limit, reverse: request.reverse })
    }

    /// The page of a short list whose rows are in rising order of their keys.
    pub fn of<T>(&self, mut rows: Vec<(Vec<u8>, T)>) -> (Vec<T>, PageResponse) {
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if self.reverse {
            rows.reverse();
        }
        let before = |key: &Vec<u8>| match self.reverse {
            false => *key < self.key,
            true => *key > self.key,
        };
        let mut rows =
            rows.into_iter().skip_while(|(key, _)| !self.key.is_empty() && before(key)).skip(self.offset);
        let found = rows.by_ref().take(self.limit).map(|(_, row)| row).collect();
        let next_key = rows.next().map(|(key, _)| key).unwrap_or_default();
        let total = if self.key.is_empty() { total } else { 0 };
        (found, PageResponse { next_key, total })
    }
}
