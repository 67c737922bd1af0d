//! The snapshots of a node: one folder each, named by its height.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tree::snapshot::{self, Manifest};
use tree::View;

/// Snapshots that are offered at most; the newest ones.
const OFFERED: usize = 10;

/// File with the hashes of the chunks.
const CHUNKS: &str = "chunks";

/// What the folder of an unfinished snapshot ends with.
const PART: &str = "part";

/// Bytes of a hash.
const HASH: usize = 32;

/// The folder that snapshots are in; it need not exist.
#[derive(Clone, Debug)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// The one beside the state's database `state`.
    pub fn beside(state: &Path) -> Self {
        Self(state.with_file_name("snapshots"))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Write the rows of `view` as a snapshot; whole, or there is none. Nothing is written when there is one.
    pub fn create(&self, view: &View) -> io::Result<Manifest> {
        self.fill(view.height(), |folder| {
            snapshot::cut(view, |number, chunk| write(&folder.join(number.to_string()), chunk))
        })
    }

    /// Make the folder of a snapshot with `write`, which answers what is in it.
    pub fn fill(
        &self,
        height: u64,
        write_all: impl FnOnce(&Path) -> io::Result<Manifest>,
    ) -> io::Result<Manifest> {
        if let Some(manifest) = self.manifest(height) {
            return Ok(manifest);
        }
        let part = self.0.join(format!("{height}.{PART}"));
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        fs::create_dir_all(&part)?;
        let manifest = write_all(&part)?;
        write(&part.join(CHUNKS), &manifest.metadata())?;
        File::open(&part)?.sync_all()?;
        fs::rename(&part, self.0.join(height.to_string()))?;
        File::open(&self.0)?.sync_all()?;
        Ok(manifest)
    }

    /// The finished snapshots, the newest first.
    pub fn list(&self) -> Vec<Manifest> {
        let mut all: Vec<Manifest> = self.heights().into_iter().filter_map(|at| self.manifest(at)).collect();
        all.sort_by_key(|manifest| std::cmp::Reverse(manifest.height));
        all.truncate(OFFERED);
        all
    }

    /// What the finished snapshot of `height` says of itself; nothing when there is none.
    pub fn manifest(&self, height: u64) -> Option<Manifest> {
        let most = u64::try_from(snapshot::MAX_CHUNKS * HASH).ok()?;
        let metadata = read(&self.0.join(height.to_string()).join(CHUNKS), most)?;
        let (hashes, rest) = metadata.as_chunks::<HASH>();
        (rest.is_empty() && !hashes.is_empty()).then(|| Manifest { height, chunks: hashes.to_vec() })
    }

    /// One chunk, if its bytes are still those that were written.
    pub fn chunk(&self, height: u64, number: usize) -> Option<Vec<u8>> {
        let manifest = self.manifest(height)?;
        let chunk = read(&self.0.join(height.to_string()).join(number.to_string()), 1 << 32)?;
        manifest.fits(number, &chunk).then_some(chunk)
    }

    /// Remove all but the newest `keep` snapshots, and unfinished ones.
    pub fn sweep(&self, keep: usize) -> io::Result<()> {
        let mut heights = self.heights();
        heights.sort_unstable_by_key(|height| std::cmp::Reverse(*height));
        for height in heights.into_iter().skip(keep) {
            fs::remove_dir_all(self.0.join(height.to_string()))?;
        }
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == PART) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    fn heights(&self) -> Vec<u64> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }
}

/// Write a file and return when it is on the disk.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A file of at most `most` bytes; nothing when it is missing or larger.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    let within = file.metadata().ok()?.len() <= most;
    within.then_some(())?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
