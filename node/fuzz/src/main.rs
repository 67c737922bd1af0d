//! Runs one target under libFuzzer: the one that `BALLAST_FUZZ_TARGET` names; `list` prints the names that there are.
//! What it begins with is written into the folder `BALLAST_FUZZ_SEEDS` first. `scripts/fuzz` builds and calls it.
#![no_main]

use std::sync::OnceLock;

static RUN: OnceLock<fn(&[u8])> = OnceLock::new();

/// A mistake of whoever calls this program.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; see scripts/fuzz"))
}

fn prepare() {
    let name = setting("BALLAST_FUZZ_TARGET");
    if name == "list" {
        for target in fuzz::TARGETS.iter().chain([&fuzz::CANARY]) {
            println!("{}", target.name);
        }
        std::process::exit(0);
    }
    let target = fuzz::target(&name).unwrap_or_else(|| panic!("there is no target {name}"));
    let folder = std::path::PathBuf::from(setting("BALLAST_FUZZ_SEEDS"));
    for (at, seed) in (target.seeds)().iter().enumerate() {
        let file = folder.join(format!("seed-{at:02}"));
        std::fs::write(&file, seed).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    RUN.get_or_init(|| target.run);
}

libfuzzer_sys::fuzz_target!(init: prepare(), |data: &[u8]| {
    if let Some(run) = RUN.get() {
        run(data);
    }
});
