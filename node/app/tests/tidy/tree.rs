//! The files of the repository, and which parts of a Rust source are code, comment or test.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "__pycache__"];

/// A file of the repository.
pub struct File {
    /// Path from the root, with slashes.
    pub path: String,
    /// Its text; nothing when it is not UTF-8.
    pub text: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

impl File {
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// The name up to its first dot.
    pub fn stem(&self) -> &str {
        self.name().split('.').next().unwrap()
    }

    pub fn ends_with(&self, extensions: &[&str]) -> bool {
        extensions.iter().any(|extension| self.path.ends_with(extension))
    }

    pub fn is_script(&self) -> bool {
        self.path.starts_with("scripts/") || self.path.starts_with(".ci/")
    }

    /// A source of the state machine itself, not of its tests.
    pub fn is_pure(&self) -> bool {
        self.path.starts_with("modules/") && self.path.contains("/src/") && self.ends_with(&[".rs"])
    }

    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All files, in the order of their paths.
pub fn files() -> Vec<File> {
    let root = root();
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(File {
                    path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
                    size: entry.metadata().unwrap().len(),
                    text: fs::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

pub fn rust_files() -> Vec<File> {
    files().into_iter().filter(|file| file.ends_with(&[".rs"])).collect()
}

/// Names of the crates in `modules/`.
pub fn modules() -> Vec<String> {
    let mut names: Vec<_> = files()
        .iter()
        .filter_map(|file| Some(file.path.strip_prefix("modules/")?.strip_suffix("/Cargo.toml")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The lines of a source, those of its `#[cfg(test)]` modules left out, and how many those are.
pub fn without_tests(text: &str) -> (Vec<(usize, &str)>, usize) {
    let mut kept = Vec::new();
    let mut tests = 0;
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let opens =
            line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|(_, next)| next.starts_with("mod "));
        if !opens {
            kept.push((number + 1, line));
            continue;
        }
        tests += 1;
        for (_, line) in lines.by_ref() {
            tests += 1;
            // Either the module's closing brace, which rustfmt puts at the left, or `mod tests;`.
            if line == "}" || (line.starts_with("mod ") && line.ends_with(';')) {
                break;
            }
        }
    }
    (kept, tests)
}

/// `text` with comments and the contents of literals replaced by spaces, line by line as it was.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let length = literal_or_comment(rest);
        if length == 0 {
            let character = rest.chars().next().unwrap();
            code.push(character);
            at += character.len_utf8();
            continue;
        }
        code.extend(rest[..length].chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        at += length;
    }
    code
}

/// Length in bytes of the comment or literal that `rest` starts with, else 0.
fn literal_or_comment(rest: &str) -> usize {
    let end_of =
        |from: usize, mark: &str| rest[from..].find(mark).map_or(rest.len(), |at| from + at + mark.len());
    if rest.starts_with("//") {
        return end_of(0, "\n").saturating_sub(1).max(2);
    }
    if rest.starts_with("/*") {
        return end_of(2, "*/");
    }
    if rest.starts_with("r\"") {
        return end_of(2, "\"");
    }
    if rest.starts_with("r#\"") {
        return end_of(3, "\"#");
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A character, not a lifetime.
    let mut characters = rest.chars();
    if characters.next() == Some('\'') {
        let first = characters.next();
        if first == Some('\\') || characters.next() == Some('\'') {
            return quoted(rest, '\'');
        }
    }
    0
}

/// Length of a literal between two `mark`s, with backslashes before what does not end it.
fn quoted(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == mark {
            return at + mark.len_utf8();
        }
    }
    rest.len()
}

/// Whether `word` stands in `text` with no letter, digit or underscore beside it.
pub fn has_word(text: &str, word: &str) -> bool {
    let inside = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, found)| {
        !inside(text[..at].chars().next_back()) && !inside(text[at + found.len()..].chars().next())
    })
}

/// Numbers `n` of which `text` has a word made of `letter` and n, such as F7.
pub fn ids(text: &str, letter: char) -> std::collections::BTreeSet<u32> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
        .filter_map(|word| word.strip_prefix(letter)?.parse().ok())
        .collect()
}

#[test]
fn comments_and_literals_are_not_code() {
    let text =
        "let a = \"x // \\\" y\"; // f64\nlet b: &'a str = r#\"std::\"#; /* f32\n */ 'c' '\\'' f(\"\")";
    let code = code_only(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), "let a = ; let b: &'a str = ; f( )");
}

#[test]
fn tests_in_a_file_are_counted_apart() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n\
                #[cfg(test)]\nmod more;\nfn d() {}\n";
    let (kept, tests) = without_tests(text);
    assert_eq!(kept.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 6, 9]);
    assert_eq!(tests, 6);
}

#[test]
fn words_and_ids_end_where_letters_end() {
    assert!(has_word("a f64.", "f64") && !has_word("xf64", "f64") && !has_word("f64_", "f64"));
    assert_eq!(ids("F1: see F12, not I3, F-4 or AF5.", 'F').into_iter().collect::<Vec<_>>(), [1, 12]);
}
