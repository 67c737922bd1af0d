//! What was found before, and what fuzzing begins with, through every target, without coverage.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz::{breaks, CANARY, TARGETS};

const MOST_FILES: usize = 50;
const MOST_BYTES: u64 = 200_000;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn files(name: &str) -> Vec<PathBuf> {
    let folder =
        fs::read_dir(corpus().join(name)).unwrap_or_else(|_| panic!("{name} has no folder in corpus"));
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn no_target_breaks_on_an_input_that_is_kept() {
    let mut ran = 0;
    for target in TARGETS {
        let kept = files(target.name);
        assert!(!kept.is_empty(), "{} keeps no input", target.name);
        let inputs = kept.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap()));
        let seeds = (target.seeds)().into_iter().enumerate();
        for (name, bytes) in inputs.chain(seeds.map(|(at, seed)| (format!("seed {at}"), seed))) {
            assert!(!breaks(target, &bytes), "{} breaks on {name}", target.name);
            ran += 1;
        }
    }
    println!("{ran} inputs of {} targets", TARGETS.len());
    assert!(ran > 100, "only {ran} inputs");
}

#[test]
fn no_target_breaks_on_short_inputs_or_those_of_others() {
    let mut inputs: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    inputs.push(Vec::new());
    inputs.extend(TARGETS.iter().flat_map(|target| (target.seeds)()));
    for target in TARGETS {
        for bytes in &inputs {
            assert!(!breaks(target, bytes), "{} breaks on {bytes:?}", target.name);
        }
    }
}

#[test]
fn the_planted_bug_of_the_canary_is_one() {
    assert!(!breaks(&CANARY, &[0, 0xba, 0x11, 0xa5, 3, 1, 2, 3]));
    assert!(breaks(&CANARY, &[0, 0xba, 0x11, 0xa5, 65]));
}

#[test]
fn the_kept_inputs_are_few_small_and_of_targets_that_there_are() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folders = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().file_name());
    let folders: BTreeSet<String> = folders.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(folders, names);
    let mut bytes = 0;
    for name in &names {
        let files = files(name);
        assert!(files.len() <= MOST_FILES, "{name} keeps {} inputs; at most {MOST_FILES}", files.len());
        bytes += files.iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes of inputs; at most {MOST_BYTES}");
}
