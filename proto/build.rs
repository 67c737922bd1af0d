//! Compiles every `.proto` file next to this one into Rust messages and descriptor sets, without `protoc`.

use prost::Message;
use std::path::{Path, PathBuf};
use std::{env, error::Error, fs};

/// Top directories whose messages become Rust types, with what they import; each is a package prefix.
const OURS: [&str; 2] = ["ballast", "dydxprotocol"];

/// Top directories of schemas that other crates have the Rust types of: only described, for reflection.
const STANDARDS: [&str; 2] = ["cosmos", "tendermint"];

/// Packages of annotations that stand at methods and fields.
const ANNOTATIONS: [&str; 2] = ["google.api", "cosmos_proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let ours = compile(&OURS)?;
    fs::write(out.join("descriptors.bin"), &ours)?;
    fs::write(out.join("standards.bin"), compile(&STANDARDS)?)?;

    let mut ours = prost_types::FileDescriptorSet::decode(ours.as_slice())?;
    // What annotations are made of is no message of ours.
    ours.file.retain(|file| !ANNOTATIONS.contains(&file.package()));
    prost_build::Config::new().enable_type_names().include_file("packages.rs").compile_fds(ours)?;
    Ok(())
}

/// The encoded descriptors, with their annotations, of all files under `roots` and of what they import.
fn compile(roots: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut files = Vec::new();
    println!("cargo:rerun-if-changed=google");
    println!("cargo:rerun-if-changed=cosmos_proto");
    for root in roots {
        println!("cargo:rerun-if-changed={root}");
        collect(Path::new(root), &mut files)?;
    }
    files.sort(); // the descriptor set must not depend on the order a disk lists files in
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).open_files(&files)?;
    Ok(compiler.encode_file_descriptor_set())
}

/// Adds the `.proto` files under `directory`.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
