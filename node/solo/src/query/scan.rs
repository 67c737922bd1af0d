//! From text to words.

use std::fmt;

use tendermint::Time;

use super::{number, Comparison, QueryError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Key(&'a str),
    Text(&'a str),
    Number(&'a str),
    Date(Time),
    Time(Time),
    Compare(Comparison),
    And,
    Contains,
    Exists,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Key(_) => "a name",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time",
            Self::Compare(_) => "a comparison",
            Self::And => "AND",
            Self::Contains => "CONTAINS",
            Self::Exists => "EXISTS",
        })
    }
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Where the token at hand began, and where the next one can begin.
    began: usize,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, began: 0, at: 0 }
    }

    pub(super) fn wrong(&self, reason: impl Into<String>) -> QueryError {
        QueryError { at: self.began, reason: reason.into() }
    }

    pub(super) fn wanted(&self, got: Option<Token<'_>>, wanted: &str) -> QueryError {
        match got {
            Some(token) => self.wrong(format!("got {token}, wanted {wanted}")),
            None => self.wrong(format!("EOF: wanted {wanted}")),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Pass the longest beginning whose letters `fit`.
    fn pass(&mut self, fit: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|letter| !fit(letter)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// The next token; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, QueryError> {
        self.pass(char::is_whitespace);
        self.began = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let token = match first {
            '=' | '<' | '>' => self.comparison(first),
            '\'' => self.quoted()?,
            '0'..='9' => self.number(),
            _ if first == '_' || first.is_alphabetic() => self.word()?,
            other => return Err(self.wrong(format!("{other:?} has no meaning here"))),
        };
        Ok(Some(token))
    }

    fn comparison(&mut self, first: char) -> Token<'a> {
        self.at += 1;
        let or_equal = first != '=' && self.rest().starts_with('=');
        self.at += usize::from(or_equal);
        Token::Compare(match (first, or_equal) {
            ('<', false) => Comparison::Less,
            ('<', true) => Comparison::AtMost,
            ('>', false) => Comparison::More,
            ('>', true) => Comparison::AtLeast,
            _ => Comparison::Equal,
        })
    }

    fn quoted(&mut self) -> Result<Token<'a>, QueryError> {
        self.at += 1;
        let text = self.pass(|letter| letter != '\'');
        if self.rest().is_empty() {
            return Err(self.wrong("EOF: the quote is not closed"));
        }
        self.at += 1;
        Ok(Token::Text(text))
    }

    fn number(&mut self) -> Token<'a> {
        let found = number::beginning(self.rest()).unwrap_or_default();
        self.at += found.len();
        if self.rest().starts_with('.') {
            // A point with nothing after it belongs to the number.
            self.at += 1;
        }
        Token::Number(found)
    }

    fn word(&mut self) -> Result<Token<'a>, QueryError> {
        let word = self.pass(|letter| matches!(letter, '.' | '_' | '-') || letter.is_alphanumeric());
        let before_space = self.rest().starts_with(' ');
        Ok(match word {
            "AND" => Token::And,
            "CONTAINS" => Token::Contains,
            "EXISTS" => Token::Exists,
            "DATE" if before_space => {
                let text = self.moment();
                let day = date(text).ok_or_else(|| self.wrong("DATE must be followed by YYYY-MM-DD"))?;
                Token::Date(day)
            }
            "TIME" if before_space => {
                // Second 60 would be read as a part of second 59, which this language cannot write.
                let time = Time::parse_from_rfc3339(self.moment()).ok();
                let whole = time.filter(|time| time.unix_timestamp_nanos() % 1_000_000_000 == 0);
                Token::Time(whole.ok_or_else(|| self.wrong("TIME must be followed by 2006-01-02T15:04:05Z"))?)
            }
            _ => Token::Key(word),
        })
    }

    fn moment(&mut self) -> &'a str {
        self.at += 1;
        self.pass(|letter| letter.is_ascii_digit() || matches!(letter, '-' | ':' | 'T' | 'Z'))
    }
}

/// The beginning of the day that `text` names as YYYY-MM-DD.
pub(super) fn date(text: &str) -> Option<Time> {
    if text.len() != 10 {
        return None;
    }
    Time::parse_from_rfc3339(&format!("{text}T00:00:00Z")).ok()
}
