//! Every crate states its floor, and stands only on crates of lower floors.
//!
//! Cargo refuses circles; this refuses the shortcuts that grow into them. Development dependencies count too:
//! tests that need crates of several floors live on a floor above them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Floors of the pure state machine; all its crates are on one of them, in `modules/`.
const PURE: std::ops::RangeInclusive<u32> = 0..=19;

struct Crate {
    floor: u32,
    folder: String,
    /// Names of the workspace's crates that it depends on.
    needs: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// (section, key, value) of each line of a manifest; dots in the key are kept.
fn entries(manifest: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut entries = Vec::new();
    for line in manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            section = header.to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            entries.push((section.clone(), key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    entries
}

/// The crates that the root manifest names by path: name -> folder.
fn listed() -> BTreeMap<String, String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    entries(&manifest)
        .into_iter()
        .filter(|(section, ..)| section == "workspace.dependencies")
        .filter_map(|(_, name, value)| {
            Some((name, value.split("path = \"").nth(1)?.split('"').next()?.to_owned()))
        })
        .collect()
}

/// Folders of the workspace's members: `proto`, and each one in `modules/` and `node/`.
fn folders() -> Vec<String> {
    let mut folders = vec!["proto".to_owned()];
    for group in ["modules", "node"] {
        for entry in fs::read_dir(root().join(group)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("Cargo.toml").is_file() {
                folders.push(format!("{group}/{}", entry.file_name().into_string().unwrap()));
            }
        }
    }
    folders.sort();
    folders
}

fn read(folder: &str, known: &BTreeMap<String, String>) -> (String, Crate) {
    let path = root().join(folder).join("Cargo.toml");
    let entries = entries(&fs::read_to_string(&path).unwrap());
    let value = |section: &str, key: &str| {
        entries.iter().find(|entry| entry.0 == section && entry.1 == key).map(|entry| entry.2.clone())
    };
    let name = value("package", "name").unwrap().trim_matches('"').to_owned();
    let floor = value("package.metadata", "floor")
        .and_then(|floor| floor.parse().ok())
        .unwrap_or_else(|| panic!("{} states no floor in [package.metadata]", path.display()));
    let mut needs = Vec::new();
    for (section, key, value) in &entries {
        // Also `[dependencies.name]` and those of a target.
        let table = section.split("dependencies.").nth(1);
        let dependency = match table {
            Some(name) => name,
            None if section.ends_with("dependencies") => key.split('.').next().unwrap(),
            None => continue,
        };
        assert!(
            !value.contains("path =") && !value.contains("git =") && !(table.is_some() && key != "workspace"),
            "{folder}: {dependency} is described here; the root manifest describes all dependencies"
        );
        if known.contains_key(dependency) {
            needs.push(dependency.to_owned());
        }
    }
    (name, Crate { floor, folder: folder.to_owned(), needs })
}

fn crates() -> BTreeMap<String, Crate> {
    let known = listed();
    folders().iter().map(|folder| read(folder, &known)).collect()
}

#[test]
fn every_dependency_is_on_a_lower_floor() {
    let crates = crates();
    let mut edges = 0;
    let mut wrong = Vec::new();
    for (name, one) in &crates {
        for need in &one.needs {
            let other = crates.get(need).unwrap_or_else(|| panic!("{need}, needed by {name}, is no member"));
            edges += 1;
            if other.floor >= one.floor {
                wrong.push(format!("{name} (floor {}) needs {need} (floor {})", one.floor, other.floor));
            }
        }
    }
    println!("{} crates, {edges} edges", crates.len());
    assert!(crates.len() > 15, "only {} crates were found", crates.len());
    assert!(edges > 50, "only {edges} edges were found");
    assert!(wrong.is_empty(), "a dependency must be on a lower floor:\n{}", wrong.join("\n"));
}

#[test]
fn the_state_machine_stands_below_everything_that_touches_the_world() {
    let mut pure = 0;
    for (name, one) in crates() {
        let modules = one.folder.starts_with("modules/") || one.folder == "proto";
        assert_eq!(modules, PURE.contains(&one.floor), "{name} is in {} on floor {}", one.folder, one.floor);
        pure += usize::from(modules);
    }
    println!("{pure} pure crates");
    assert!(pure > 10, "only {pure} pure crates were found");
}

#[test]
fn a_crate_is_called_like_its_folder_and_listed_in_the_root_manifest() {
    let listed = listed();
    for (name, one) in crates() {
        assert!(
            one.folder == name || one.folder.ends_with(&format!("/{name}")),
            "{name} is in {}",
            one.folder
        );
        let is_top = !crates().values().any(|other| other.needs.contains(&name));
        assert!(is_top || listed.get(&name) == Some(&one.folder), "the root manifest does not list {name}");
    }
}
