//! What a story consists of, so that parts of it can be left out: transactions, rough rounds, votes, trouble.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A part of a story that it can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// The block.
    pub height: u64,
    /// What it is.
    pub what: What,
    /// Which one of the block.
    pub index: u64,
}

/// Kinds of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A transaction, `t` in text.
    Transaction,
    /// A round whose proposer is byzantine, whose block is small, or that ends without a decision, `r`.
    Round,
    /// Votes that are lies, missing, or late, `v`.
    Votes,
    /// Trouble of a node, `n`.
    Trouble,
}

impl What {
    const ALL: [(Self, char); 4] =
        [(Self::Transaction, 't'), (Self::Round, 'r'), (Self::Votes, 'v'), (Self::Trouble, 'n')];
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = What::ALL.iter().find(|(what, _)| *what == self.what).map_or('?', |(_, letter)| *letter);
        write!(f, "{letter}{}.{}", self.height, self.index)
    }
}

impl FromStr for Item {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no part of a story: write it as t12.3");
        let mut chars = text.chars();
        let first = chars.next().ok_or_else(wrong)?;
        let (what, _) = What::ALL.iter().find(|(_, letter)| *letter == first).ok_or_else(wrong)?;
        let (height, index) = chars.as_str().split_once('.').ok_or_else(wrong)?;
        let number = |text: &str| text.parse().map_err(|_| wrong());
        Ok(Self { height: number(height)?, what: *what, index: number(index)? })
    }
}

/// Which parts are told, and which were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    only: Option<BTreeSet<Item>>,
    told: Vec<(Item, String)>,
}

impl Script {
    pub(crate) fn new(only: Option<BTreeSet<Item>>) -> Self {
        Self { only, told: Vec::new() }
    }

    /// Whether this part is told; it is noted with a word about it.
    pub(crate) fn tells(
        &mut self,
        (height, what, index): (u64, What, usize),
        word: impl FnOnce() -> String,
    ) -> bool {
        let item = Item { height, what, index: u64::try_from(index).unwrap_or(u64::MAX) };
        let tells = self.only.as_ref().is_none_or(|only| only.contains(&item));
        if tells {
            let word = if self.only.is_some() { word() } else { String::new() };
            self.told.push((item, word));
        }
        tells
    }

    /// What was told, in order.
    pub(crate) fn told(&self) -> &[(Item, String)] {
        &self.told
    }
}
