//! Searching transactions: the part of the event query language that is offered, parsed before an engine sees it.

use std::fmt;

/// Conditions that one search may have.
pub(crate) const MAX_CONDITIONS: usize = 8;
/// Bytes of one search's text.
pub(crate) const MAX_TEXT: usize = 1_024;
/// Transactions of one page at most, and when none are asked for.
pub(crate) const MAX_PAGE: u32 = 100;

/// Transactions of which all conditions hold, one page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// At least one.
    pub conditions: Vec<Condition>,
    /// From 1.
    pub page: u32,
    /// Transactions of a page, 1 to 100.
    pub limit: u32,
    /// The newest first.
    pub descending: bool,
}

/// An attribute of an event has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `<event>.<attribute>`, or `tx.height` or `tx.hash`.
    pub key: String,
    /// The value it must have.
    pub value: Value,
}

/// A value that is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, without a single quote in it.
    Text(String),
    /// A number.
    Number(u64),
}

impl Condition {
    /// Parse `key='value'` or `key=number`, with spaces anywhere around the parts.
    fn parse(text: &str) -> Result<Self, String> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form key='value'"))?;
        let key = key.trim();
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        if !key.contains('.') || !key.chars().all(named) {
            return Err(format!("`{key}` is not of the form event.attribute; only = is understood"));
        }
        let value = value.trim();
        let value = match value.strip_prefix('\'').map(|rest| rest.strip_suffix('\'')) {
            Some(Some(text)) if !text.contains('\'') => Value::Text(text.into()),
            Some(_) => return Err(format!("{value} is not closed by a quote")),
            None => {
                Value::Number(value.parse().map_err(|_| format!("{value} is neither 'text' nor a number"))?)
            }
        };
        Ok(Self { key: key.into(), value })
    }
}

/// Conditions in one text, joined by AND, which may also stand inside of quotes.
pub(crate) fn parse(text: &str) -> Result<Vec<Condition>, String> {
    if text.len() > MAX_TEXT {
        return Err(format!("the query has {} bytes; {MAX_TEXT} are allowed", text.len()));
    }
    let mut conditions = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, c) in text.char_indices() {
        quoted ^= c == '\'';
        let rest = text.get(at..).unwrap_or_default();
        if !quoted && at >= start && rest.starts_with(" AND ") {
            conditions.push(Condition::parse(text.get(start..at).unwrap_or_default())?);
            start = at.saturating_add(" AND ".len());
        }
        if conditions.len() >= MAX_CONDITIONS {
            return Err(format!("more than {MAX_CONDITIONS} conditions"));
        }
    }
    conditions.push(Condition::parse(text.get(start..).unwrap_or_default())?);
    Ok(conditions)
}

/// As CometBFT writes it.
impl fmt::Display for Search {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.conditions.iter().enumerate() {
            let and = if index == 0 { "" } else { " AND " };
            match &condition.value {
                Value::Text(text) => write!(out, "{and}{}='{text}'", condition.key)?,
                Value::Number(number) => write!(out, "{and}{}={number}", condition.key)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, Search};

    fn written(text: &str) -> Result<String, String> {
        let search = |conditions| Search { conditions, page: 1, limit: 1, descending: false };
        parse(text).map(|conditions| search(conditions).to_string())
    }

    #[test]
    fn a_search_is_written_as_it_was_meant() {
        for (given, expected) in [
            ("message.sender='a'", "message.sender='a'"),
            ("  tx.height = 5 ", "tx.height=5"),
            ("message.action='/x.Msg' AND tx.height=7", "message.action='/x.Msg' AND tx.height=7"),
            ("transfer.amount='1 AND 2' AND a.b='c'", "transfer.amount='1 AND 2' AND a.b='c'"),
            ("a.b=''", "a.b=''"),
        ] {
            assert_eq!(written(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let many = ["a.b=1"; 9].join(" AND ");
        let long = format!("a.b='{}'", "x".repeat(2_000));
        for text in [
            "",
            " AND ",
            "a",
            "a=1",
            "a.b",
            "a.b=",
            "a.b=x",
            "a.b='x",
            "a.b=x'",
            "a.b='x'y'",
            "a.b>5",
            "a.b>=5",
            "a.b CONTAINS 'x'",
            "a.b EXISTS",
            "a.b=1 AND",
            "a.b=1 OR c.d=2",
            "a.b=-1",
            "\u{e9}.b=1",
            &many,
            &long,
        ] {
            assert!(written(text).is_err(), "{text}");
        }
    }
}
