//! `ballastd snapshot` and `ballastd restore`: the state as files that another node can check and take.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use host::Shelf;
use serde_json::json;
use tree::snapshot::{Manifest, Restore, MAX_CHUNKS};
use tree::Store;

use crate::failure::{Failure, Outcome};
use crate::home::{Home, HomeArgs};

/// What a file with a snapshot begins with.
const MAGIC: &[u8; 16] = b"ballast-rows-v1\n";

/// No chunk in a file is longer; a row of that size is beyond every limit of this chain.
const LONGEST: u64 = 1 << 30;

/// What can be done with snapshots.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// The snapshots that this node offers
    List(HomeArgs),
    /// Write one of a stopped node's state
    Create(HomeArgs),
    /// Write one to a single file
    Export {
        #[command(flatten)]
        home: HomeArgs,
        /// Height of the snapshot
        height: u64,
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Read one from a file that `export` wrote
    Import {
        #[command(flatten)]
        home: HomeArgs,
        /// The file
        file: PathBuf,
    },
}

/// Options of `ballastd restore`.
#[derive(clap::Args, Debug)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Height of one of the snapshots that `snapshot list` names
    height: u64,
    /// Application hash of that height, from somebody you trust: it is in the header of the next block
    #[arg(long, value_name = "HEX", value_parser = hash)]
    app_hash: [u8; 32],
}

fn hash(text: &str) -> Result<[u8; 32], String> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|_| "a hash is 64 hexadecimal digits".to_owned())?;
    Ok(hash)
}

/// Run one of the commands.
pub(crate) fn run(command: &Command) -> Outcome {
    match command {
        Command::List(home) => list(&shelf(&home.resolve()?)),
        Command::Create(home) => create(&home.resolve()?),
        Command::Export { home, height, file } => export(&shelf(&home.resolve()?), *height, file),
        Command::Import { home, file } => import(&shelf(&home.resolve()?), file),
    }
}

fn shelf(home: &Home) -> Shelf {
    Shelf::beside(&home.state())
}

fn list(shelf: &Shelf) -> Outcome {
    let snapshots: Vec<_> = shelf.list().iter().map(described).collect();
    println!("{:#}", json!({ "folder": shelf.folder(), "snapshots": snapshots }));
    Ok(())
}

fn described(manifest: &Manifest) -> serde_json::Value {
    let hash = hex::encode_upper(manifest.hash());
    json!({ "height": manifest.height, "chunks": manifest.chunks.len(), "hash": hash })
}

fn create(home: &Home) -> Outcome {
    if !home.state().exists() {
        return Err(Failure::refused(format!(
            "{} does not exist; there is no state yet",
            home.state().display()
        )));
    }
    let (store, loaded) = Store::open(&home.state(), app::STORES, usize::MAX).map_err(Failure::store)?;
    if loaded.height == 0 {
        return Err(Failure::refused("the database holds no block yet"));
    }
    let shelf = shelf(home);
    let manifest =
        shelf.create(&store.reader().latest()).map_err(|error| Failure::file(shelf.folder(), error))?;
    let mut said = described(&manifest);
    said["app_hash"] = hex::encode_upper(loaded.app_hash).into();
    println!("{said:#}");
    Ok(())
}

fn export(shelf: &Shelf, height: u64, path: &Path) -> Outcome {
    let manifest = found(shelf, height)?;
    let failed = |error| Failure::file(path, error);
    let file = File::options().write(true).create_new(true).open(path).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let count = u32::try_from(manifest.chunks.len()).unwrap_or(u32::MAX);
    let head = [&MAGIC[..], &height.to_be_bytes(), &count.to_be_bytes(), &manifest.metadata()].concat();
    out.write_all(&head).map_err(failed)?;
    for number in 0..manifest.chunks.len() {
        let chunk = chunk(shelf, height, number)?;
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        out.write_all(&length.to_be_bytes()).and_then(|()| out.write_all(&chunk)).map_err(failed)?;
    }
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    println!("snapshot of height {height} written to {}", path.display());
    Ok(())
}

fn import(shelf: &Shelf, path: &Path) -> Outcome {
    let failed = |error| Failure::file(path, error);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let manifest = head(&mut file).map_err(failed)?;
    if shelf.manifest(manifest.height).is_some() {
        return Err(Failure::refused(format!("there is a snapshot of height {} already", manifest.height)));
    }
    let taken = shelf.fill(manifest.height, |folder| {
        for number in 0..manifest.chunks.len() {
            let chunk = next(&mut file, number, &manifest)?;
            host::write(&folder.join(number.to_string()), &chunk)?;
        }
        Ok(manifest.clone())
    });
    taken.map_err(failed)?;
    println!("snapshot of height {} read from {}", manifest.height, path.display());
    Ok(())
}

fn wrong(what: impl Into<String>) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what.into())
}

fn head(file: &mut impl Read) -> std::io::Result<Manifest> {
    let (mut magic, mut height, mut count) = ([0; 16], [0; 8], [0; 4]);
    file.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(wrong("this is no snapshot, or one of another version"));
    }
    file.read_exact(&mut height)?;
    file.read_exact(&mut count)?;
    let count = usize::try_from(u32::from_be_bytes(count)).unwrap_or(usize::MAX);
    if !(1..=MAX_CHUNKS).contains(&count) {
        return Err(wrong(format!("it claims {count} chunks")));
    }
    let mut chunks = vec![[0; 32]; count];
    for hash in &mut chunks {
        file.read_exact(hash)?;
    }
    Ok(Manifest { height: u64::from_be_bytes(height), chunks })
}

fn next(file: &mut impl Read, number: usize, manifest: &Manifest) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_be_bytes(length);
    if length > LONGEST {
        return Err(wrong(format!("chunk {number} claims {length} bytes")));
    }
    let mut chunk = Vec::new();
    file.take(length).read_to_end(&mut chunk)?;
    if manifest.fits(number, &chunk) {
        Ok(chunk)
    } else {
        Err(wrong(format!("chunk {number} is not what the file says of it; get the file again")))
    }
}

fn found(shelf: &Shelf, height: u64) -> Result<Manifest, Failure> {
    shelf.manifest(height).ok_or_else(|| {
        Failure::refused(format!("there is no snapshot of height {height}; see `ballastd snapshot list`"))
    })
}

fn chunk(shelf: &Shelf, height: u64, number: usize) -> Result<Vec<u8>, Failure> {
    let damaged = || format!("chunk {number} of the snapshot of height {height} is missing or damaged");
    shelf.chunk(height, number).ok_or_else(|| Failure::store(damaged()))
}

/// Make a snapshot the state. The state before stays in a folder of its own; the engine's blocks after the height
/// are executed again at the next start.
pub(crate) fn restore(args: &RestoreArgs) -> Outcome {
    let home = args.home.resolve()?;
    let existed = home.state().exists();
    if existed {
        // It may be damaged, which is why somebody restores; it must not be in use.
        if let Err(locked @ tree::Error::Locked(_)) = Store::open(&home.state(), app::STORES, usize::MAX) {
            return Err(Failure::store(locked));
        }
    }
    let shelf = shelf(&home);
    let manifest = found(&shelf, args.height)?;
    let mut restore = Restore::new(manifest.clone(), u64::MAX);
    for number in 0..manifest.chunks.len() {
        restore.take(number, &chunk(&shelf, args.height, number)?).map_err(Failure::store)?;
    }
    let rows = restore.rows().map_err(Failure::store)?;
    let restoring = home.restoring();
    remove(&restoring)?;
    let (mut store, _) = Store::open(&restoring, app::STORES, 1).map_err(Failure::store)?;
    if !store.restore(args.height, &rows, &args.app_hash).map_err(Failure::store)? {
        drop(store);
        remove(&restoring)?;
        return Err(Failure::refused(
            "the rows of the snapshot have another application hash; nothing is changed",
        ));
    }
    drop(store);
    let (state, replaced) = (home.state(), home.replaced());
    if existed {
        remove(&replaced)?;
        fs::rename(&state, &replaced).map_err(|error| Failure::file(&state, error))?;
    }
    fs::rename(&restoring, &state).map_err(|error| Failure::file(&restoring, error))?;
    let data = home.data();
    File::open(&data).and_then(|folder| folder.sync_all()).map_err(|error| Failure::file(&data, error))?;
    println!(
        "restored height {}, {} rows; a state before is in {}",
        args.height,
        rows.len(),
        replaced.display()
    );
    Ok(())
}

fn remove(folder: &Path) -> Outcome {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(|error| Failure::file(folder, error))
}

/// Before a start: what a restore that was cut off left behind goes, as long as there is a state.
pub(crate) fn tidy(home: &Home) -> Outcome {
    if home.restoring().exists() && !home.state().exists() {
        return Err(Failure::refused("a restore was cut off half-way; run `ballastd restore` again"));
    }
    remove(&home.restoring())
}
