//! Answers: small tables for people, JSON for programs.

use client::{usd, Decimal};
use serde_json::Value;

/// Form of answers.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct OutputArgs {
    /// Form of the answer
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

/// Form of answers.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Tables and lines for people
    Text,
    /// One JSON document for programs
    Json,
}

impl OutputArgs {
    /// Print `json`, or what `text` makes for people.
    pub(crate) fn print(self, json: &Value, text: impl FnOnce() -> String) {
        let shown = match self.output {
            Format::Json => format!("{json:#}"),
            Format::Text => text(),
        };
        write(&shown);
    }
}

/// Write `text` and a line's end.
pub(crate) fn write(text: &str) {
    // A reader that has gone is no reason to complain.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{}\n", text.trim_end()).as_bytes());
}

/// Rows under a head, columns as wide as they must be; columns of numbers stand to the right.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.len())).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let numeric = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let right = |column: usize| {
        let mut cells =
            rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some() && cells.all(|cell| numeric(cell))
    };
    let right: Vec<_> = (0..head.len()).map(right).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).zip(&right).map(|((cell, width), right)| {
            if *right {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// Names and values, one a line.
pub(crate) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}")).collect::<Vec<_>>().join("\n")
}

/// An amount with a sign as a decimal with `digits` places.
pub(crate) fn signed(amount: i128, shown: impl Fn(u128) -> Decimal) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", shown(amount.unsigned_abs()))
}

/// USD of a decimal integer of quote quantums.
pub(crate) fn dollars(quantums: &str) -> String {
    quantums.parse().map_or_else(|_| quantums.to_owned(), |amount| signed(amount, usd))
}

/// A share in ppm as a percentage, or the word for none.
pub(crate) fn percent(ppm: &str) -> String {
    ppm.parse().map_or_else(|_| "none".into(), |ppm: u128| format!("{} %", Decimal::scaled(ppm, -4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_shown_in_percent() {
        assert_eq!(percent("123456"), "12.3456 %");
        assert_eq!(percent(""), "none");
    }

    #[test]
    fn tables_align_numbers_to_the_right_and_words_to_the_left() {
        let rows = vec![vec!["BTC-USD".into(), "5".into()], vec!["X".into(), "-100.5".into()]];
        assert_eq!(table(&["MARKET", "SIZE"], &rows), "MARKET     SIZE\nBTC-USD       5\nX        -100.5");
    }

    #[test]
    fn pairs_align_their_values() {
        assert_eq!(pairs(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2");
    }
}
