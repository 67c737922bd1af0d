//! Sizes, names and words of the sources.

use std::fs;

use crate::judge;
use crate::tree::{code_only, files, has_word, modules, root, rust_files, without_tests, File};

const MAX_LINES: usize = 700;
const MAX_TEST_LINES: usize = 200;
const MAX_WIDTH: usize = 120;
const MAX_BYTES: u64 = 1 << 20;

/// What the root may hold; a tool's own file is fine, a new folder is a decision.
const TOP_LEVEL: &[&str] = &[
    ".ci",
    ".git",
    ".gitignore",
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "genesis",
    "modules",
    "node",
    "proto",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "scripts",
    "target",
];

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: &[&str] = &[
    "common", "handler", "handlers", "helper", "helpers", "impl", "impls", "keeper", "manager", "misc",
    "types", "util", "utils",
];

/// Words in their exact case, and why they do not belong here. Written apart so that this file may be judged too.
const EXACT_WORDS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "say what is missing in an issue"),
    (concat!("FIX", "ME"), "say what is wrong in an issue"),
    (concat!("XX", "X"), "say what is wrong in an issue"),
    (concat!("HA", "CK"), "say why it must be so"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tm", "p/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("crates", ".io"), "a host of a registry"),
    (concat!("npmjs", ".org"), "a host of a registry"),
    (concat!("npmjs", ".com"), "a host of a registry"),
    (concat!("pypi", ".org"), "a host of a registry"),
    (concat!("proxy.gol", "ang.org"), "a host of a registry"),
    (concat!("deb.deb", "ian.org"), "a host of a registry"),
    (concat!("v4-", "chain/"), "a path of somebody else's code"),
    (concat!("proto", "col/x/"), "a path of somebody else's code"),
];

/// Words in any case that tell of how the code came to be instead of what it is.
const TALK: &[&str] = &[
    concat!("clau", "de"),
    concat!("anthro", "pic"),
    concat!("chat", "gpt"),
    concat!("the ", "ceo"),
    concat!("this ", "session"),
    concat!("last ", "session"),
    concat!("previous ", "session"),
    concat!("as ", "requested"),
    concat!("the ", "brief"),
    concat!("issue ", "#"),
    concat!("contract", ".md"),
];

fn has_prose(file: &File) -> bool {
    let lock = file.name() == "Cargo.lock";
    let text = [".rs", ".md", ".proto", ".toml", ".json", ".js", ".mjs", ".ts", ".py", ".txt"];
    !lock && (file.ends_with(&text) || file.is_script())
}

#[test]
fn no_source_is_too_long_to_read() {
    let mut wrong = Vec::new();
    let files = rust_files();
    for file in &files {
        let (kept, tests) = without_tests(file.text());
        if kept.len() > MAX_LINES {
            wrong.push(format!("{}: {} lines without tests, at most {MAX_LINES}", file.path, kept.len()));
        }
        if tests > MAX_TEST_LINES {
            wrong.push(format!("{}: {tests} lines of tests, at most {MAX_TEST_LINES}", file.path));
        }
    }
    judge("lengths of sources", files.len(), &wrong);
}

#[test]
fn no_line_is_too_wide_to_read() {
    let mut wrong = Vec::new();
    let mut lines = 0;
    for file in files().iter().filter(|file| file.ends_with(&[".rs", ".proto"]) || file.is_script()) {
        for (number, line) in file.text().lines().enumerate() {
            lines += 1;
            let width = line.chars().count();
            if width > MAX_WIDTH {
                wrong.push(format!("{}:{}: {width} characters, at most {MAX_WIDTH}", file.path, number + 1));
            }
        }
    }
    judge("widths of lines", lines, &wrong);
}

#[test]
fn sources_and_wire_definitions_are_ascii() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for file in files().iter().filter(|file| file.ends_with(&[".rs", ".proto"])) {
        looked_at += 1;
        for (number, line) in file.text.as_deref().unwrap_or("\u{fffd}").lines().enumerate() {
            if !line.is_ascii() {
                wrong.push(format!("{}:{}: a character that is not ASCII", file.path, number + 1));
            }
        }
    }
    judge("characters of sources", looked_at, &wrong);
}

#[test]
fn names_say_what_a_file_holds() {
    let mut wrong = Vec::new();
    let files = files();
    for file in &files {
        let names =
            file.path.rsplit_once('/').map_or("", |(folder, _)| folder).split('/').chain([file.stem()]);
        // The crate of words that all modules share is called what it is.
        for name in names.filter(|name| EMPTY_NAMES.contains(name)) {
            if !(name == "types" && file.path.starts_with("modules/types/"))
                && !file.path.starts_with("proto/")
            {
                wrong.push(format!("{}: {name} says nothing", file.path));
            }
        }
        if file.size > MAX_BYTES {
            wrong.push(format!("{}: {} bytes, at most {MAX_BYTES}", file.path, file.size));
        }
    }
    judge("names of files", files.len(), &wrong);
}

#[test]
fn the_root_holds_only_what_it_must() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        looked_at += 1;
        if !TOP_LEVEL.contains(&name.as_str()) {
            wrong.push(format!("{name} does not belong at the root"));
        }
    }
    for needed in TOP_LEVEL.iter().filter(|name| !["target", ".git"].contains(name)) {
        if !root().join(needed).exists() {
            wrong.push(format!("{needed} is missing at the root"));
        }
    }
    judge("entries of the root", looked_at, &wrong);
}

#[test]
fn no_text_holds_words_that_do_not_last() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for file in files().iter().filter(|file| has_prose(file)) {
        looked_at += 1;
        for (number, line) in file.text().lines().enumerate() {
            let lower = line.to_lowercase();
            for (word, reason) in EXACT_WORDS {
                let whole = word.chars().all(char::is_alphanumeric);
                if if whole { has_word(line, word) } else { line.contains(word) } {
                    wrong.push(format!("{}:{}: {word}: {reason}", file.path, number + 1));
                }
            }
            for word in TALK.iter().filter(|word| lower.contains(**word)) {
                wrong.push(format!(
                    "{}:{}: {word}: say what is, not how it came to be",
                    file.path,
                    number + 1
                ));
            }
            if lower.split("issue ").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
                wrong.push(format!("{}:{}: the number of an issue", file.path, number + 1));
            }
        }
    }
    judge("words", looked_at, &wrong);
}

#[test]
fn no_test_is_ignored() {
    let mut wrong = Vec::new();
    let mut tests = 0;
    for file in rust_files() {
        for (number, line) in code_only(file.text()).lines().enumerate() {
            tests += usize::from(line.contains("#[test]") || line.contains("#[tokio::test"));
            if line.contains(concat!("#[ign", "ore")) {
                wrong.push(format!("{}:{}: an ignored test", file.path, number + 1));
            }
        }
        for (number, line) in file.text().lines().enumerate() {
            let comment = line.trim_start();
            if comment.starts_with("//") && comment.contains(concat!("```ign", "ore")) {
                wrong.push(format!("{}:{}: an ignored example; write ```text", file.path, number + 1));
            }
        }
    }
    judge("tests", tests, &wrong);
}

#[test]
fn every_crate_starts_with_what_it_is() {
    let mut wrong = Vec::new();
    let mut crates = 0;
    let files = files();
    for manifest in files.iter().filter(|file| file.name() == "Cargo.toml" && file.path != "Cargo.toml") {
        let folder = manifest.path.strip_suffix("/Cargo.toml").unwrap();
        let top = ["src/lib.rs", "src/main.rs"].map(|name| format!("{folder}/{name}"));
        let text = files.iter().find(|file| top.contains(&file.path)).map_or("", |file| file.text());
        crates += 1;
        let words: usize = text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|l| l.split_whitespace().count())
            .sum();
        if words < 15 {
            wrong.push(format!("{folder}: the crate's documentation has {words} words"));
        }
    }
    judge("crates", crates, &wrong);
}

#[test]
fn the_state_machine_cannot_reach_the_world() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for module in modules() {
        let top = fs::read_to_string(root().join(format!("modules/{module}/src/lib.rs"))).unwrap();
        if !code_only(&top).contains("#![no_std]") {
            wrong.push(format!("modules/{module}: its lib.rs lacks #![no_std]"));
        }
    }
    for file in rust_files().iter().filter(|file| file.is_pure()) {
        looked_at += 1;
        let code = code_only(file.text());
        for (number, line) in without_tests(&code).0 {
            for word in ["std", "f32", "f64", "async", "unsafe", "HashMap", "HashSet"] {
                if has_word(line, word) && !line.contains("#![no_std]") {
                    wrong.push(format!("{}:{number}: {word} in the state machine", file.path));
                }
            }
            let tests = line.contains("#[cfg(test)]");
            if ["cfg(", "cfg!(", "cfg_attr("].iter().any(|cfg| line.contains(cfg)) && !tests {
                wrong.push(format!(
                    "{}:{number}: one state machine, not one for each configuration",
                    file.path
                ));
            }
            if ["#[allow(", "#![allow("].iter().any(|allow| line.contains(allow)) {
                wrong.push(format!("{}:{number}: an exception is `expect` with a reason", file.path));
            }
        }
    }
    judge("sources of the state machine", looked_at, &wrong);
}

#[test]
#[cfg(unix)]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for file in files().iter().filter(|file| file.is_script() && !file.name().contains('.')) {
        looked_at += 1;
        let mode = fs::metadata(root().join(&file.path)).unwrap().permissions().mode();
        if mode & 0o111 == 0 || !file.text().starts_with("#!") {
            wrong.push(format!("{}: not executable, or without a first line that says by what", file.path));
        }
    }
    judge("scripts", looked_at, &wrong);
}
