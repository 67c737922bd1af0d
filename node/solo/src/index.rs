//! Finding transactions by their events: what is indexed, and the query language of `tx_search`.
//!
//! A query is `key<op>value` conditions joined by `AND`. `tx.hash='HEX'` finds one transaction,
//! `tx.height` compares with `=`, `<`, `<=`, `>` and `>=`, and any other key is an event attribute
//! (`type.attribute='value'`) compared with `=`. What else the language has elsewhere is refused by name.

use tendermint_proto::v0_38::abci::Event;

use crate::store::{Store, StoreError};

/// Longest indexed key or value in bytes; longer ones are not found by.
const MAX_INDEXED: usize = 256;
/// Longest query in bytes.
const MAX_QUERY: usize = 1_024;
/// Most conditions in a query.
const MAX_CONDITIONS: usize = 10;
/// Most index rows that one query may look at.
const MAX_ROWS: usize = 100_000;
/// Most transactions that one query may find.
const MAX_FOUND: usize = 10_000;
/// Most blocks that a query without event attributes may look at.
const MAX_BLOCKS: u64 = 1_000;

const ENTRY: u8 = b'E';

/// Index entries of a transaction's events: a place is appended to make a row.
pub(crate) fn entries(events: &[Event]) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for event in events {
        for attribute in event.attributes.iter().filter(|attribute| attribute.index) {
            let key = format!("{}.{}", event.r#type, attribute.key);
            entries.extend(entry(&key, &attribute.value));
        }
    }
    entries.sort();
    entries.dedup();
    entries
}

/// Both texts behind their lengths, so that no entry is the beginning of another.
fn entry(key: &str, value: &str) -> Option<Vec<u8>> {
    if key.len() > MAX_INDEXED || value.len() > MAX_INDEXED {
        return None;
    }
    let mut bytes = vec![ENTRY];
    for text in [key, value] {
        bytes.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Some(bytes)
}

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchError {
    #[error("query: {0}")]
    Query(String),
    #[error("query: it looks at more than {MAX_ROWS} rows or finds more than {MAX_FOUND}; add conditions")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A query, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    hash: Option<[u8; 32]>,
    heights: Vec<(Op, u64)>,
    attributes: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, SearchError> {
        let refuse = |reason: &str| Err(SearchError::Query(reason.into()));
        if text.len() > MAX_QUERY {
            return refuse("longer than 1024 bytes");
        }
        let mut query = Self::default();
        let mut rest = text.trim();
        let mut count = 0;
        while !rest.is_empty() {
            count += 1;
            if count > MAX_CONDITIONS {
                return refuse("more than 10 conditions");
            }
            let (key, op, value, after) = condition(rest)?;
            query.add(key, op, value)?;
            let after = after.trim_start();
            rest = match after.get(..3) {
                None if after.is_empty() => break,
                Some(word) if word.eq_ignore_ascii_case("and") => after[3..].trim_start(),
                _ => return refuse("conditions must be joined by AND"),
            };
            if rest.is_empty() {
                return refuse("a condition must follow AND");
            }
        }
        if count == 0 {
            return refuse("empty; give conditions such as tx.hash='...' or tx.height=5");
        }
        Ok(query)
    }

    fn add(&mut self, key: &str, op: Op, value: &str) -> Result<(), SearchError> {
        let refuse = |reason: String| Err(SearchError::Query(reason));
        match key {
            "tx.hash" if op == Op::Equal => {
                let bytes = hex::decode(value).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                let Some(hash) = bytes else { return refuse("tx.hash must be 64 digits of hex".into()) };
                if self.hash.is_some_and(|other| other != hash) {
                    return refuse("tx.hash is given twice".into());
                }
                self.hash = Some(hash);
            }
            "tx.height" => match value.parse() {
                Ok(height) => self.heights.push((op, height)),
                Err(_) => return refuse(format!("tx.height: {value:?} is not a height")),
            },
            // Every transaction that is searched is of this kind.
            "tm.event" if op == Op::Equal && value == "Tx" => {}
            "tm.event" => return refuse("tm.event: only 'Tx' can be searched".into()),
            _ if op == Op::Equal => self.attributes.push((key.into(), value.into())),
            _ => return refuse(format!("{key}: event attributes are compared with = only")),
        }
        Ok(())
    }

    fn takes_height(&self, height: u64) -> bool {
        self.heights.iter().all(|(op, bound)| match op {
            Op::Equal => height == *bound,
            Op::Less => height < *bound,
            Op::AtMost => height <= *bound,
            Op::More => height > *bound,
            Op::AtLeast => height >= *bound,
        })
    }

    /// Heights that can hold an answer, within `first..=last`.
    fn span(&self, first: u64, last: u64) -> std::ops::RangeInclusive<u64> {
        let (mut first, mut last) = (first, last);
        for (op, bound) in &self.heights {
            match op {
                Op::Equal => (first, last) = (first.max(*bound), last.min(*bound)),
                Op::Less => last = last.min(bound.saturating_sub(1)),
                Op::AtMost => last = last.min(*bound),
                Op::More => first = first.max(bound.saturating_add(1)),
                Op::AtLeast => first = first.max(*bound),
            }
        }
        first..=last
    }
}

/// `key op value` at the beginning of `text`, and what follows.
fn condition(text: &str) -> Result<(&str, Op, &str, &str), SearchError> {
    let refuse = |reason: &str| Err(SearchError::Query(reason.into()));
    let Some(end) = text.find(|c: char| c.is_whitespace() || "=<>!'".contains(c)) else {
        return refuse("a condition needs a key, an operator and a value");
    };
    let (key, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let ops = [("<=", Op::AtMost), (">=", Op::AtLeast), ("=", Op::Equal), ("<", Op::Less), (">", Op::More)];
    let Some((symbol, op)) = ops.into_iter().find(|(symbol, _)| rest.starts_with(symbol)) else {
        return refuse("operators are = < <= > >=; CONTAINS and EXISTS are not offered");
    };
    if key.is_empty() {
        return refuse("a condition needs a key");
    }
    let rest = rest[symbol.len()..].trim_start();
    if let Some(quoted) = rest.strip_prefix('\'') {
        let Some((value, after)) = quoted.split_once('\'') else {
            return refuse("a quote is not closed");
        };
        return Ok((key, op, value, after));
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (value, after) = rest.split_at(end);
    if value.is_empty() {
        return refuse("a condition needs a value");
    }
    Ok((key, op, value, after))
}

/// Places (height, index) of the transactions up to height `last` that answer `query`, oldest first.
pub(crate) fn search(store: &Store, query: &Query, last: u64) -> Result<Vec<(u64, u32)>, SearchError> {
    let attributes = query.attributes.iter().map(|(key, value)| entry(key, value));
    let Some(attributes) = attributes.collect::<Option<Vec<_>>>() else {
        return Ok(Vec::new());
    };
    let candidates = match (query.hash, attributes.first()) {
        (Some(hash), _) => store.tx(&hash)?.map(|tx| (tx.height, tx.index)).into_iter().collect(),
        (None, Some(entry)) => of_entry(store, entry)?,
        (None, None) => of_heights(store, query, last)?,
    };
    let mut found = Vec::new();
    for (height, index) in candidates {
        if height > last || !query.takes_height(height) {
            continue;
        }
        let mut fits = true;
        for entry in &attributes {
            fits = fits && store.has_entry(entry, height, index)?;
        }
        if fits {
            found.push((height, index));
        }
        if found.len() > MAX_FOUND {
            return Err(SearchError::TooMany);
        }
    }
    Ok(found)
}

fn of_entry(store: &Store, entry: &[u8]) -> Result<Vec<(u64, u32)>, SearchError> {
    let mut places = Vec::new();
    store.places(entry, &mut |height, index| {
        places.push((height, index));
        places.len() <= MAX_ROWS
    })?;
    if places.len() > MAX_ROWS {
        return Err(SearchError::TooMany);
    }
    Ok(places)
}

fn of_heights(store: &Store, query: &Query, last: u64) -> Result<Vec<(u64, u32)>, SearchError> {
    let (first, end) = store.span()?.unwrap_or((1, 0));
    let span = query.span(first, end.min(last));
    if span.end().saturating_sub(*span.start()) >= MAX_BLOCKS {
        return Err(SearchError::Query(format!("without other conditions, at most {MAX_BLOCKS} blocks")));
    }
    let mut places = Vec::new();
    for height in span {
        let count = store.meta(height)?.map(|meta| meta.num_txs).unwrap_or_default();
        places.extend((0..u32::try_from(count).unwrap_or_default()).map(|index| (height, index)));
        if places.len() > MAX_FOUND {
            return Err(SearchError::TooMany);
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_as_clients_print_them_are_read() {
        let hash = "AB".repeat(32);
        let query = Query::parse(&format!("tx.hash='{hash}'")).unwrap();
        assert_eq!(query.hash, Some([0xab; 32]));
        let query =
            Query::parse("tx.height = 5 AND message.sender='it AND that' AND transfer.amount=7").unwrap();
        assert_eq!(query.heights, [(Op::Equal, 5)]);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(query.attributes, [pair("message.sender", "it AND that"), pair("transfer.amount", "7")]);
        let query = Query::parse("tm.event='Tx' AND tx.height>=2 AND tx.height<9").unwrap();
        assert_eq!(query.span(1, 100), 2..=8);
    }

    #[test]
    fn what_is_not_a_query_is_refused_with_its_reason() {
        let long = format!("a.b='{}'", "x".repeat(1_024));
        let many = ["a.b='c'"; 11].join(" AND ");
        let rows = [
            ("", "empty"),
            ("tx.hash", "needs a key, an operator"),
            ("tx.hash='00'", "64 digits"),
            ("tx.height='five'", "not a height"),
            ("tx.height=-1", "not a height"),
            ("a.b='c", "not closed"),
            ("a.b='c' OR a.b='d'", "joined by AND"),
            ("a.b='c' AND ", "must follow AND"),
            ("a.b CONTAINS 'c'", "CONTAINS"),
            ("a.b EXISTS", "CONTAINS"),
            ("a.b>5", "with = only"),
            ("='c'", "needs a key"),
            ("a.b=", "needs a value"),
            ("tm.event='NewBlock'", "only 'Tx'"),
            (&long, "longer"),
            (&many, "more than 10"),
            ("\u{e4}\u{e4}='\u{f6}'\u{fc}\u{fc}", "joined by AND"),
        ];
        for (text, reason) in rows {
            let error = Query::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn no_index_entry_is_the_beginning_of_another() {
        let one = entry("a.b", "c").unwrap();
        for (key, value) in [("a.b", "cd"), ("a.bc", ""), ("a", "b.c")] {
            assert!(!entry(key, value).unwrap().starts_with(&one));
        }
        assert_eq!(entry("a.b", &"x".repeat(257)), None);
    }
}
