//! Documents against each other and against the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge;
use crate::tree::{code_only, files, ids, modules, root, without_tests, File};

/// Modules that hold words and tools instead of state and messages.
const GROUND: &[&str] = &["num", "types", "store"];

/// Sections of a module's README, and the source that calls for it; nothing: always.
const SECTIONS: &[(&str, Option<&str>)] = &[
    ("Concepts", None),
    ("State", Some("state")),
    ("Messages", Some("msg")),
    ("Parameters", Some("params")),
    ("Events", Some("event")),
    ("Errors", Some("error")),
    ("Invariants", None),
];

/// Sections of a document: heading without what stands in brackets -> text.
fn sections(text: &str) -> BTreeMap<String, String> {
    let mut sections = BTreeMap::new();
    let mut heading = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            heading = name.split(" (").next().unwrap().trim().to_owned();
            sections.insert(heading.clone(), String::new());
        } else if let Some(body) = sections.get_mut(&heading) {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

/// A module's README and its sources.
struct Module {
    name: String,
    readme: String,
    sources: Vec<File>,
}

impl Module {
    fn all() -> Vec<Self> {
        modules()
            .into_iter()
            .map(|name| {
                let folder = format!("modules/{name}/");
                let readme =
                    std::fs::read_to_string(root().join(&folder).join("README.md")).unwrap_or_default();
                let sources =
                    files().into_iter().filter(|f| f.is_pure() && f.path.starts_with(&folder)).collect();
                Self { name, readme, sources }
            })
            .collect()
    }

    fn source(&self, stem: &str) -> Option<&File> {
        self.sources.iter().find(|file| file.path.ends_with(&format!("/src/{stem}.rs")))
    }

    /// What its comments say, tests left out.
    fn comments(&self) -> String {
        let mut comments = String::new();
        for file in &self.sources {
            for (_, line) in without_tests(file.text()).0 {
                if let Some((_, comment)) = line.split_once("//") {
                    comments.push_str(comment);
                    comments.push('\n');
                }
            }
        }
        comments
    }

    /// Codes that `fn code` of its errors can answer, as far as they are written as numbers.
    fn codes(&self) -> BTreeSet<u32> {
        let mut codes = BTreeSet::new();
        let code = self.source("error").map_or(String::new(), |file| code_only(file.text()));
        for body in code.split("fn code(").skip(1) {
            let body = body.split("\n    }\n").next().unwrap();
            for answer in body.split("=>").skip(1) {
                let number =
                    answer.trim_start().split([',', '\n', ' ', '}']).next().unwrap().replace('_', "");
                codes.extend(number.parse::<u32>().ok());
            }
        }
        codes
    }
}

/// `text` without the commas that group digits by thousands: `1,000` becomes `1000`, `1, 2` stays.
fn ungrouped(text: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let groups = |at: usize| {
        let after: Vec<_> = text[at + 1..].chars().take(4).collect();
        is_digit(text[..at].chars().next_back())
            && after.len() >= 3
            && after.iter().take(3).all(char::is_ascii_digit)
            && !is_digit(after.get(3).copied())
    };
    text.char_indices().filter(|(at, c)| *c != ',' || !groups(*at)).map(|(_, c)| c).collect()
}

/// Codes in the first cells of a table: `clob 2, 3`, `1_000`, `1,000` and `4 to 6`.
fn table_codes(text: &str) -> BTreeSet<u32> {
    let mut codes = BTreeSet::new();
    for row in text.lines().filter_map(|line| line.strip_prefix('|')) {
        let cell = ungrouped(row.split('|').next().unwrap()).replace('_', "");
        let words: Vec<_> =
            cell.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        for (at, word) in words.iter().enumerate() {
            let Ok(number) = word.parse::<u32>() else { continue };
            let last = if words.get(at + 1) == Some(&"to") { words.get(at + 2) } else { None };
            codes.extend(number..=last.and_then(|last| last.parse().ok()).unwrap_or(number));
        }
    }
    codes
}

#[test]
fn a_module_has_a_readme_with_the_sections_that_its_files_call_for() {
    let mut wrong = Vec::new();
    let modules = Module::all();
    for module in &modules {
        let name = &module.name;
        if module.readme.split_whitespace().count() < 30 {
            wrong.push(format!("modules/{name}/README.md is missing or says nothing"));
        } else if !GROUND.contains(&name.as_str()) {
            let sections = sections(&module.readme);
            for (heading, source) in SECTIONS {
                let called_for = source.is_none_or(|source| module.source(source).is_some());
                if called_for && sections.get(*heading).is_none_or(|body| body.trim().is_empty()) {
                    wrong.push(format!("modules/{name}/README.md lacks ## {heading}"));
                }
            }
        }
    }
    judge("READMEs of modules", modules.len(), &wrong);
}

#[test]
fn the_table_of_errors_has_the_codes_of_the_code() {
    let mut wrong = Vec::new();
    let modules = Module::all();
    // What a lower module refuses comes through with its own code; 2 is that of bytes that do not decode.
    let every: BTreeSet<u32> = modules.iter().flat_map(Module::codes).chain([2]).collect();
    let mut compared = 0;
    for module in modules.iter().filter(|module| module.source("error").is_some()) {
        let Some(table) = sections(&module.readme).remove("Errors") else { continue };
        let (coded, written) = (module.codes(), table_codes(&table));
        compared += coded.len();
        let missing: Vec<_> = coded.difference(&written).collect();
        let unknown: Vec<_> = written.difference(&coded).filter(|code| !every.contains(code)).collect();
        if !missing.is_empty() || !unknown.is_empty() {
            let name = &module.name;
            wrong.push(format!("modules/{name}: README lacks codes {missing:?}, invents codes {unknown:?}"));
        }
    }
    judge("codes of errors", compared, &wrong);
}

#[test]
fn formulas_and_invariants_are_cited_by_the_names_they_have() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for module in Module::all() {
        let name = &module.name;
        let (sections, comments) = (sections(&module.readme), module.comments());
        let empty = String::new();
        for (letter, heading) in [('F', "Formulas"), ('I', "Invariants")] {
            let defined = ids(sections.get(heading).unwrap_or(&empty), letter);
            let cited = ids(&comments, letter);
            looked_at += defined.len();
            for id in cited.difference(&defined) {
                wrong
                    .push(format!("modules/{name}: {letter}{id} is cited but not in its README's {heading}"));
            }
            for id in defined.difference(&cited).filter(|_| letter == 'F') {
                wrong.push(format!("modules/{name}: {letter}{id} of its README is cited by no comment"));
            }
        }
    }
    judge("formulas and invariants", looked_at, &wrong);
}

/// Targets of the links in a document, code blocks left out.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            targets
                .extend(line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        }
    }
    targets
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut documents = 0;
    let mut followed = 0;
    for file in files().iter().filter(|file| file.ends_with(&[".md"])) {
        documents += 1;
        for target in links(file.text()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let here = root().join(&file.path);
            let there = if path.is_empty() { here } else { here.parent().unwrap().join(path) };
            if !there.exists() {
                wrong.push(format!("{}: {target} does not exist", file.path));
            } else if !anchor.is_empty()
                && !anchors(&std::fs::read_to_string(there).unwrap()).contains(anchor)
            {
                wrong.push(format!("{}: {target} names no heading", file.path));
            }
        }
    }
    println!("{documents} documents");
    judge("links", followed, &wrong);
}

/// What headings are called in links: lower case, spaces as hyphens, no other marks.
fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            kept.chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

/// The paths in backticks that the two top documents name, such as `modules/clob` or `scripts/test`.
#[test]
fn paths_that_the_top_documents_name_exist() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap_or_default();
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.split_whitespace().next().unwrap_or_default();
            let ours = ["modules/", "node/", "scripts/", "proto/", "genesis/", ".ci/"];
            let plain = !path.contains(['*', '<', '{', '$']);
            if plain && ours.iter().any(|start| path.starts_with(start)) {
                looked_at += 1;
                if !root().join(path).exists() {
                    wrong.push(format!("{document}: {path} does not exist"));
                }
            }
        }
    }
    judge("paths in the top documents", looked_at, &wrong);
}

#[test]
fn codes_are_read_from_tables_as_they_are_written() {
    let table = "| code | meaning |\n| --- | --- |\n| clob 2, 3 | a |\n| 1_000 | b |\n| `sdk/11` | c 7 |\n\
                 | 1,001 | d |\n| 4 to 6 | e |\n| 20, 300 | f |\n";
    let codes: Vec<_> = table_codes(table).into_iter().collect();
    assert_eq!(codes, [2, 3, 4, 5, 6, 11, 20, 300, 1_000, 1_001]);
}
