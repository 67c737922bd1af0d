//! The guide, followed to the letter: every block of commands is run, and what it says is printed is looked for.

mod support;

use std::process::Command;

use support::Home;

const GUIDE: &str = include_str!("../../client/GUIDE.md");

/// A fenced block: what stands behind the fence, and its lines.
struct Fence<'a> {
    kind: &'a str,
    lines: Vec<&'a str>,
}

fn fences(text: &str) -> Vec<Fence<'_>> {
    let (mut found, mut open): (Vec<Fence<'_>>, Option<Fence<'_>>) = (Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some(Fence { kind, lines: Vec::new() }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(fence)) => fence.lines.push(line),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

/// Whether `line` is `pattern`, in which `...` stands for anything and blanks for blanks.
fn is_like(line: &str, pattern: &str) -> bool {
    let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (line, pattern) = (tidy(line), tidy(pattern));
    let (mut rest, mut parts) = (line.as_str(), pattern.split("..."));
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default().trim()) else { return false };
    rest = after;
    for part in parts {
        match rest.split_once(part.trim()) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    pattern.ends_with("...") || rest.is_empty()
}

#[test]
fn lines_are_compared_with_room_for_what_changes() {
    assert!(is_like("BTC-USD   0.05  28688", "BTC-USD  0.05 ..."));
    assert!(is_like("ask  28700  0.1  1", "...28700...0.1..."));
    assert!(!is_like("BTC-USD   0.06", "BTC-USD  0.05"));
    assert!(!is_like("THEN it", "THEN"));
}

#[test]
fn whoever_follows_the_guide_trades_and_sees_what_it_says() {
    let home = Home::empty();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_ballastd"));
    let (mut node, mut printed, mut commands, mut compared) = (None, String::new(), 0, 0);
    let (mut programs, mut program_of_a_suite, mut restarts) = (0, false, 0);
    for fence in fences(GUIDE) {
        let began = std::time::Instant::now();
        match fence.kind {
            "sh node" => {
                if let Some(before) = node.take() {
                    let before: support::Node = before;
                    assert_eq!(before.stop(), 0);
                    restarts += 1;
                }
                // The next command comes before the first block, and waits for it.
                let started = home.start(&["--block-interval", "100"]);
                printed = format!("ballastd is running: JSON-RPC {}, gRPC {}", started.rpc, started.grpc);
                node = Some(started);
                commands += fence.lines.len();
            }
            "sh" => {
                let path =
                    format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
                let mut shell = Command::new("bash");
                shell.args(["-euo", "pipefail", "-c", &fence.lines.join("\n")]);
                shell
                    .current_dir(home.path())
                    .env("PATH", path)
                    .env("BALLAST_HOME", home.path())
                    .env_remove("RUST_LOG");
                if let Some(node) = &node {
                    shell.env("BALLAST_NODE", &node.grpc);
                }
                let output = shell.output().unwrap();
                printed = String::from_utf8_lossy(&output.stdout).into_owned();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}\n{printed}\n{errors}", fence.lines.join("\n"));
                commands += fence.lines.len();
            }
            // Programs, which the suites of their clients run, with what they print.
            "ts" | "python" => {
                program_of_a_suite = true;
                programs += 1;
            }
            "text" if std::mem::take(&mut program_of_a_suite) => {}
            "text" => {
                for wanted in &fence.lines {
                    let found = printed.lines().any(|line| is_like(line, wanted));
                    assert!(found, "{wanted:?} is not in\n{printed}");
                    compared += 1;
                }
            }
            other => panic!("a block of another kind: {other:?}"),
        }
        if fence.kind.starts_with("sh") {
            println!("{:6.2} s  {}", began.elapsed().as_secs_f32(), fence.lines[0]);
        }
    }
    println!("{commands} commands, {compared} lines compared");
    assert_eq!(restarts, 1, "whoever comes back finds the money again");
    assert_eq!(programs, 2, "a program in each language whose client has a suite");
    assert!(commands > 15 && compared > 8, "the guide says too little");
    assert_eq!(node.unwrap().stop(), 0);
}
