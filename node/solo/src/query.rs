//! The query language of events, as CometBFT has it: conditions joined by `AND`, each a key and a test of its
//! values. One language for subscriptions and searches.
//!
//! `key = 'text'`, `key = 5`, `key < 5` (also `<=`, `>`, `>=`), the same with `DATE 2026-01-31` and
//! `TIME 2026-01-31T23:59:59Z`, `key CONTAINS 'text'`, `key EXISTS`. Words are upper case. Numbers are decimals
//! without a sign, of any length; texts stand in single quotes and have no escapes.

mod number;
mod scan;

use std::collections::BTreeMap;
use std::fmt;

use tendermint::Time;

pub(crate) use number::{compare, whole_part};
use scan::{Scanner, Token};

/// Longest query in bytes.
pub const MAX_QUERY: usize = 1_024;
/// Most conditions in a query.
pub const MAX_CONDITIONS: usize = 10;

/// What a query is matched with: the values of each `type.attribute`, in the order they were emitted.
pub type EventMap = BTreeMap<String, Vec<String>>;

/// Why a text is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse query: offset {at}: {reason}")]
pub struct QueryError {
    /// Byte of the text where it is wrong.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
}

/// Conditions that must all hold. At least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    conditions: Vec<Condition>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `type.attribute`, or a name that the engine gives: `tm.event`, `tx.hash`, `tx.height`, `block.height`.
    pub key: String,
    /// What one of its values must satisfy.
    pub test: Test,
}

/// What a value must satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Any value at all.
    Exists,
    /// A value with this text in it.
    Contains(String),
    /// A value that compares like this.
    Compare(Comparison, Operand),
}

/// How a value compares with an operand: the value stands on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// What values are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A text, only for equality.
    Text(String),
    /// Decimal digits, at most one point among them. A value counts by the number it begins with.
    Number(String),
    /// The beginning of a day, UTC. Only values that are dates compare.
    Date(Time),
    /// A moment. Only values that are moments (RFC 3339) compare.
    Time(Time),
}

impl Query {
    /// Take a text apart. Work and memory are proportional to its length, which is bounded by [`MAX_QUERY`].
    ///
    /// # Errors
    /// The offset and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_QUERY {
            let reason = format!("maximum query length exceeded: {MAX_QUERY} bytes");
            return Err(QueryError { at: MAX_QUERY, reason });
        }
        let mut scanner = Scanner::new(text);
        let mut conditions = Vec::new();
        loop {
            if conditions.len() == MAX_CONDITIONS {
                return Err(scanner.wrong(format!("more than {MAX_CONDITIONS} conditions")));
            }
            conditions.push(condition(&mut scanner)?);
            match scanner.next()? {
                None => return Ok(Self { conditions }),
                Some(Token::And) => {}
                Some(other) => return Err(scanner.wrong(format!("got {other}, wanted AND or the end"))),
            }
        }
    }

    /// The conditions, in the order they were written.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether each condition holds for some value of its key.
    pub fn matches(&self, events: &EventMap) -> bool {
        self.conditions.iter().all(|condition| {
            let values = events.get(&condition.key);
            values.is_some_and(|values| values.iter().any(|value| condition.test.holds(value)))
        })
    }
}

impl fmt::Display for Query {
    /// The text that gives the same query.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.conditions.iter().enumerate() {
            let joint = if place == 0 { "" } else { " AND " };
            // These two before a space begin an operand.
            let space = if matches!(condition.key.as_str(), "DATE" | "TIME") { '\t' } else { ' ' };
            write!(out, "{joint}{}{space}{}", condition.key, condition.test)?;
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (comparison, operand) = match self {
            Self::Exists => return out.write_str("EXISTS"),
            Self::Contains(text) => return write!(out, "CONTAINS '{text}'"),
            Self::Compare(comparison, operand) => (comparison, operand),
        };
        out.write_str(match comparison {
            Comparison::Equal => "= ",
            Comparison::Less => "< ",
            Comparison::AtMost => "<= ",
            Comparison::More => "> ",
            Comparison::AtLeast => ">= ",
        })?;
        match operand {
            Operand::Text(text) => write!(out, "'{text}'"),
            Operand::Number(digits) => out.write_str(digits),
            Operand::Date(day) => {
                let text = day.to_rfc3339();
                write!(out, "DATE {}", text.get(..10).unwrap_or(&text))
            }
            Operand::Time(time) => write!(out, "TIME {}", time.to_rfc3339()),
        }
    }
}

impl Test {
    /// Whether a value satisfies it.
    pub fn holds(&self, value: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Contains(part) => value.contains(part.as_str()),
            Self::Compare(comparison, operand) => {
                let ordering = match operand {
                    Operand::Text(text) => Some(value.cmp(text.as_str())),
                    Operand::Number(digits) => {
                        number::beginning(value).map(|found| number::compare(found, digits))
                    }
                    Operand::Date(day) => scan::date(value).map(|found| found.cmp(day)),
                    Operand::Time(time) => Time::parse_from_rfc3339(value).ok().map(|found| found.cmp(time)),
                };
                ordering.is_some_and(|ordering| comparison.takes(ordering))
            }
        }
    }

    /// The one text that a value must be, if the test is that.
    pub(crate) fn exact(&self) -> Option<&str> {
        match self {
            Self::Compare(Comparison::Equal, Operand::Text(text) | Operand::Number(text)) => Some(text),
            _ => None,
        }
    }
}

impl Comparison {
    pub(crate) fn takes(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

fn condition(scanner: &mut Scanner<'_>) -> Result<Condition, QueryError> {
    let key = match scanner.next()? {
        Some(Token::Key(key)) => key.to_owned(),
        other => return Err(scanner.wanted(other, "a key such as tx.height")),
    };
    let test = match scanner.next()? {
        Some(Token::Exists) => Test::Exists,
        Some(Token::Contains) => match scanner.next()? {
            Some(Token::Text(text)) => Test::Contains(text.to_owned()),
            other => return Err(scanner.wanted(other, "a text in single quotes")),
        },
        Some(Token::Compare(comparison)) => {
            let operand = match scanner.next()? {
                Some(Token::Number(digits)) => Operand::Number(digits.to_owned()),
                Some(Token::Date(day)) => Operand::Date(day),
                Some(Token::Time(time)) => Operand::Time(time),
                Some(Token::Text(text)) if comparison == Comparison::Equal => Operand::Text(text.to_owned()),
                other => {
                    return Err(scanner.wanted(other, "a number, DATE or TIME, or after = a text in quotes"));
                }
            };
            Test::Compare(comparison, operand)
        }
        other => return Err(scanner.wanted(other, "one of = < <= > >= CONTAINS EXISTS")),
    };
    Ok(Condition { key, test })
}

#[cfg(test)]
mod tests;
