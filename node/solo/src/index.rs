//! Finding transactions and blocks by their events: what is indexed, and how a query is answered from it.
//!
//! An equality is one look at the index; any other test of an attribute walks the values that its key has.
//! The first condition gives candidates and the others thin them out, within bounds of rows and answers.

use tendermint_proto::v0_38::abci::Event;

use crate::query::{compare, whole_part, Comparison, Condition, Operand, Query, Test};
use crate::store::{Store, StoreError};

/// Longest indexed key or value in bytes; longer ones are not found by.
const MAX_INDEXED: usize = 256;
/// Most index rows that one query may look at.
const MAX_ROWS: usize = 100_000;
/// Most transactions or blocks that one query may find.
const MAX_FOUND: usize = 10_000;
/// Most blocks that a query without event attributes may look at.
const MAX_BLOCKS: u64 = 10_000;

/// Where a transaction or a block is: height, and index in the block (0 for the block itself).
pub(crate) type Place = (u64, u32);

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Txs,
    Blocks,
}

impl Scope {
    fn tag(self) -> u8 {
        match self {
            Self::Txs => b'E',
            Self::Blocks => b'F',
        }
    }

    fn height_key(self) -> &'static str {
        match self {
            Self::Txs => "tx.height",
            Self::Blocks => "block.height",
        }
    }

    /// Values of `tm.event` that all that is searched has.
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Txs => &["Tx"],
            Self::Blocks => &["NewBlock", "NewBlockHeader", "NewBlockEvents"],
        }
    }
}

/// Index entries of the events of a transaction or block: a place is appended to make a row.
pub(crate) fn entries(scope: Scope, events: &[Event]) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for event in events {
        for attribute in event.attributes.iter().filter(|attribute| attribute.index) {
            let key = format!("{}.{}", event.r#type, attribute.key);
            entries.extend(entry(scope, &key, &attribute.value));
        }
    }
    entries.sort();
    entries.dedup();
    entries
}

/// Both texts behind their lengths, so that no entry is the beginning of another.
fn entry(scope: Scope, key: &str, value: &str) -> Option<Vec<u8>> {
    let mut bytes = prefix(scope, key)?;
    append(&mut bytes, value)?;
    Some(bytes)
}

/// What all entries of a key begin with.
fn prefix(scope: Scope, key: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![scope.tag()];
    append(&mut bytes, key)?;
    Some(bytes)
}

fn append(bytes: &mut Vec<u8>, text: &str) -> Option<()> {
    if text.len() > MAX_INDEXED {
        return None;
    }
    bytes.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Some(())
}

/// The value in what follows the beginning of a row, and the bytes of its place.
pub(crate) fn value_in(rest: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (value, place) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((std::str::from_utf8(value).ok()?, place))
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

impl From<crate::query::QueryError> for SearchError {
    fn from(error: crate::query::QueryError) -> Self {
        Self::Query(error.to_string())
    }
}

/// A query as the index can answer it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan<'a> {
    hash: Option<[u8; 32]>,
    heights: Vec<(Comparison, &'a str)>,
    attributes: Vec<&'a Condition>,
}

impl<'a> Plan<'a> {
    fn of(scope: Scope, query: &'a Query) -> Result<Self, SearchError> {
        let mut plan = Self::default();
        for condition in query.conditions() {
            plan.add(scope, condition)?;
        }
        // What is found by one look comes before what has to be walked through.
        plan.attributes.sort_by_key(|condition| condition.test.exact().is_none());
        Ok(plan)
    }

    fn add(&mut self, scope: Scope, condition: &'a Condition) -> Result<(), SearchError> {
        let refuse = |reason: String| Err(SearchError::Query(reason));
        let (key, test) = (condition.key.as_str(), &condition.test);
        match (key, test) {
            ("tx.hash", _) if scope == Scope::Txs => {
                let text = test.exact().unwrap_or_default();
                let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                let Some(hash) = bytes else {
                    return refuse("tx.hash must be = and 64 digits of hex in quotes".into());
                };
                if self.hash.is_some_and(|other| other != hash) {
                    return refuse("tx.hash is given twice".into());
                }
                self.hash = Some(hash);
            }
            ("tm.event", Test::Exists) => {}
            ("tm.event", _) if test.exact().is_some_and(|kind| scope.kinds().contains(&kind)) => {}
            ("tm.event", _) => {
                return refuse(format!("tm.event: only {:?} can be searched", scope.kinds()));
            }
            (_, Test::Exists) if key == scope.height_key() => {}
            (_, Test::Compare(comparison, Operand::Number(number) | Operand::Text(number)))
                if key == scope.height_key() =>
            {
                if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                    return refuse(format!("{key}: {number:?} is not a height"));
                }
                self.heights.push((*comparison, number));
            }
            _ if key == scope.height_key() => return refuse(format!("{key} is compared with numbers only")),
            _ => self.attributes.push(condition),
        }
        Ok(())
    }

    fn takes_height(&self, height: u64) -> bool {
        let height = height.to_string();
        self.heights.iter().all(|(comparison, bound)| comparison.takes(compare(&height, bound)))
    }

    /// Heights that can hold an answer, within `first..=last`.
    fn span(&self, first: u64, last: u64) -> std::ops::RangeInclusive<u64> {
        let (mut first, mut last) = (first, last);
        for (comparison, bound) in &self.heights {
            let bound = whole_part(bound);
            match comparison {
                Comparison::Equal => (first, last) = (first.max(bound), last.min(bound)),
                Comparison::Less | Comparison::AtMost => last = last.min(bound),
                Comparison::More | Comparison::AtLeast => first = first.max(bound),
            }
        }
        first..=last
    }
}

/// What one search may still look at.
struct Budget {
    rows: usize,
}

impl Budget {
    /// Take one row.
    fn take(&mut self) -> bool {
        self.rows = self.rows.saturating_sub(1);
        self.rows > 0
    }

    fn check(&self) -> Result<(), SearchError> {
        if self.rows == 0 {
            return Err(SearchError::TooMany);
        }
        Ok(())
    }
}

/// Places of the transactions or blocks up to height `last` that answer `query`, oldest first.
pub(crate) fn search(
    store: &Store,
    scope: Scope,
    query: &Query,
    last: u64,
) -> Result<Vec<Place>, SearchError> {
    let plan = Plan::of(scope, query)?;
    let (first, end) = store.span()?.unwrap_or((1, 0));
    let span = plan.span(first, end.min(last));
    let mut budget = Budget { rows: MAX_ROWS };
    let mut conditions = plan.attributes.iter();
    let mut found = match plan.hash {
        Some(hash) => store.tx(&hash)?.map(|tx| (tx.height, tx.index)).into_iter().collect(),
        None => match conditions.next() {
            Some(condition) => of_condition(store, scope, condition, span.clone(), &mut budget)?,
            None => of_heights(store, scope, span.clone())?,
        },
    };
    found.retain(|(height, _)| span.contains(height) && plan.takes_height(*height));
    for condition in conditions {
        thin(store, scope, condition, &mut found, &mut budget)?;
    }
    if found.len() > MAX_FOUND {
        return Err(SearchError::TooMany);
    }
    Ok(found)
}

/// Places where a condition holds.
fn of_condition(
    store: &Store,
    scope: Scope,
    condition: &Condition,
    span: std::ops::RangeInclusive<u64>,
    budget: &mut Budget,
) -> Result<Vec<Place>, SearchError> {
    let mut places = Vec::new();
    if let Some(value) = condition.test.exact() {
        let Some(entry) = entry(scope, &condition.key, value) else { return Ok(places) };
        store.places(&entry, *span.start(), &mut |height, index| {
            places.push((height, index));
            height <= *span.end() && budget.take()
        })?;
    } else {
        let Some(prefix) = prefix(scope, &condition.key) else { return Ok(places) };
        store.values(&prefix, &mut |value, height, index| {
            if span.contains(&height) && condition.test.holds(value) {
                places.push((height, index));
            }
            budget.take()
        })?;
        places.sort_unstable();
        places.dedup();
    }
    budget.check()?;
    Ok(places)
}

/// Keep those of `found` where a condition holds.
fn thin(
    store: &Store,
    scope: Scope,
    condition: &Condition,
    found: &mut Vec<Place>,
    budget: &mut Budget,
) -> Result<(), SearchError> {
    let (Some((first, _)), Some((last, _))) = (found.first(), found.last()) else { return Ok(()) };
    let Some(value) = condition.test.exact() else {
        let holds = of_condition(store, scope, condition, *first..=*last, budget)?;
        found.retain(|place| holds.binary_search(place).is_ok());
        return Ok(());
    };
    let Some(entry) = entry(scope, &condition.key, value) else {
        found.clear();
        return Ok(());
    };
    let mut kept = Vec::new();
    for (height, index) in found.iter().copied() {
        budget.take();
        budget.check()?;
        if store.has_entry(&entry, height, index)? {
            kept.push((height, index));
        }
    }
    *found = kept;
    Ok(())
}

fn of_heights(
    store: &Store,
    scope: Scope,
    span: std::ops::RangeInclusive<u64>,
) -> Result<Vec<Place>, SearchError> {
    if span.end().saturating_sub(*span.start()) >= MAX_BLOCKS {
        return Err(SearchError::Query(format!("without other conditions, at most {MAX_BLOCKS} blocks")));
    }
    if scope == Scope::Blocks {
        return Ok(span.map(|height| (height, 0)).collect());
    }
    let mut places = Vec::new();
    for height in span {
        let count = store.meta(height)?.map(|meta| meta.num_txs).unwrap_or_default();
        places.extend((0..u32::try_from(count).unwrap_or_default()).map(|index| (height, index)));
        // Places that the bounds of heights take away again are few: two blocks.
        if places.len() > MAX_ROWS {
            return Err(SearchError::TooMany);
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned<T>(scope: Scope, text: &str, look: impl FnOnce(Plan<'_>) -> T) -> T {
        look(Plan::of(scope, &Query::parse(text).unwrap()).unwrap())
    }

    #[test]
    fn heights_and_hashes_are_told_from_attributes() {
        let hash = "AB".repeat(32);
        planned(Scope::Txs, &format!("tx.hash='{hash}'"), |plan| assert_eq!(plan.hash, Some([0xab; 32])));
        planned(Scope::Txs, "tx.height = 5 AND a.b>1 AND a.c='7' AND tm.event='Tx'", |plan| {
            assert_eq!(plan.heights, [(Comparison::Equal, "5")]);
            let keys: Vec<_> = plan.attributes.iter().map(|condition| condition.key.as_str()).collect();
            assert_eq!(keys, ["a.c", "a.b"], "what is cheap comes first");
        });
        planned(Scope::Txs, "tx.height>=2 AND tx.height<9", |plan| {
            assert_eq!(plan.span(1, 100), 2..=9);
            assert!(plan.takes_height(8) && plan.takes_height(2));
            assert!(!plan.takes_height(9) && !plan.takes_height(1));
        });
        planned(Scope::Blocks, "block.height>99999999999999999999 AND tx.height=1", |plan| {
            assert!(plan.span(1, 100).is_empty());
            assert_eq!(plan.attributes.len(), 1);
        });
    }

    #[test]
    fn what_no_index_can_answer_is_refused_with_its_reason() {
        let rows = [
            (Scope::Txs, "tx.hash='00'", "64 digits"),
            (Scope::Txs, "tx.hash EXISTS", "64 digits"),
            (Scope::Txs, "tx.hash CONTAINS '00'", "64 digits"),
            (Scope::Txs, "tx.height='five'", "not a height"),
            (Scope::Txs, "tx.height=''", "not a height"),
            (Scope::Txs, "tx.height CONTAINS '1'", "numbers only"),
            (Scope::Blocks, "block.height > DATE 2026-01-01", "numbers only"),
            (Scope::Txs, "tm.event='NewBlock'", "only [\"Tx\"]"),
            (Scope::Blocks, "tm.event='Tx'", "NewBlock"),
        ];
        for (scope, text, reason) in rows {
            let error = Plan::of(scope, &Query::parse(text).unwrap()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn no_index_entry_is_the_beginning_of_another() {
        let one = entry(Scope::Txs, "a.b", "c").unwrap();
        for (key, value) in [("a.b", "cd"), ("a.bc", ""), ("a", "b.c")] {
            assert!(!entry(Scope::Txs, key, value).unwrap().starts_with(&one));
        }
        assert!(!entry(Scope::Blocks, "a.b", "c").unwrap().starts_with(&one));
        assert_eq!(entry(Scope::Txs, "a.b", &"x".repeat(257)), None);
    }

    #[test]
    fn a_search_that_walks_too_many_rows_is_refused() {
        use tendermint_proto::v0_38::abci::{EventAttribute, ExecTxResult, ResponseFinalizeBlock};
        let attribute =
            |value: usize| EventAttribute { key: "b".into(), value: value.to_string(), index: true };
        let event = |r#type: &str, rows| Event {
            r#type: r#type.into(),
            attributes: (0..rows).map(attribute).collect(),
        };
        let events = vec![event("few", 1_000), event("many", MAX_ROWS)];
        let results = ResponseFinalizeBlock {
            tx_results: vec![ExecTxResult { events, ..Default::default() }],
            ..Default::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), [0; 32]).unwrap();
        store.save_results(5, &[b"tx".to_vec()], &results).unwrap();
        let mut budget = Budget { rows: MAX_ROWS };
        let walk = |text: &str, budget: &mut Budget| {
            let query = Query::parse(text).unwrap();
            of_condition(&store, Scope::Txs, &query.conditions()[0], 1..=9, budget)
        };
        assert_eq!(walk("few.b > 5", &mut budget).unwrap(), [(5, 0)]);
        assert_eq!(budget.rows, MAX_ROWS - 1_000, "each row is counted");
        assert!(matches!(walk("many.b > 5", &mut budget), Err(SearchError::TooMany)));
        assert_eq!(walk("many.b = 99999", &mut Budget { rows: 2 }).unwrap(), [(5, 0)], "one look");
    }
}
