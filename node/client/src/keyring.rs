//! Keys in a folder: one file each, readable by their owner only. The secrets in them are not encrypted: this
//! is the kind of keyring that Cosmos tools call "test", for test chains and machines that nobody else uses.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::keys::{Key, KeyError};

/// Longest name of a key.
const MAX_NAME: usize = 64;
/// Longest key file, in bytes; a real one has about 300.
const MAX_FILE: u64 = 4096;

/// Why a key is not there, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// No key of that name.
    #[error(
        "there is no key {name:?} in {folder}; `keys list` shows those there are, `keys add {name}` makes it"
    )]
    Unknown {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: String,
    },
    /// A key of that name exists already.
    #[error("there is a key {0:?} already; take another name, or `keys delete` it first")]
    Exists(String),
    /// Not a name that can be a file's.
    #[error("{0:?} is no name for a key: take 1 to {MAX_NAME} letters, digits, '-' or '_'")]
    Name(String),
    /// Others could read the secret.
    #[error("{path} can be used by others (mode {mode:o}); `chmod 600 {path}`, and consider the key known to them")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not a key.
    #[error("{path} is no key file: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, without its content.
        reason: &'static str,
    },
    /// The file or folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The secret in the file is none.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The folder of the keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    warning: String,
    kind: String,
    public_key: String,
    secret: String,
}

impl Keyring {
    /// The keyring in `folder`; it is made when the first key is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Names of the keys, sorted.
    pub fn names(&self) -> Result<Vec<String>, KeyringError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|source| failed(&self.folder, source))? {
            let entry = entry.map_err(|source| failed(&self.folder, source))?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if let Some(name) = file.strip_suffix(".json") {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The key called `name`. Refuses a file that others may use.
    pub fn load(&self, name: &str) -> Result<Key, KeyringError> {
        let path = self.path(name)?;
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(self.unknown(name)),
            Err(source) => return Err(failed(&path, source)),
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o177 != 0 {
            return Err(KeyringError::Open { path, mode });
        }
        let malformed = |reason| KeyringError::Malformed { path: path.clone(), reason };
        if metadata.len() > MAX_FILE {
            return Err(malformed("too long"));
        }
        let text = fs::read(&path).map_err(|source| failed(&path, source))?;
        // The parser's own message could quote the secret: it is not passed on.
        let file: File =
            serde_json::from_slice(&text).map_err(|_| malformed("not the JSON that is expected"))?;
        if file.kind != "secp256k1" {
            return Err(malformed("not a secp256k1 key"));
        }
        let key = Key::from_hex(&file.secret)?;
        if hex::encode(key.public()) != file.public_key {
            return Err(malformed("its public key is of another secret"));
        }
        Ok(key)
    }

    /// Store a new key; never overwrites one.
    pub fn store(&self, name: &str, key: &Key) -> Result<(), KeyringError> {
        let path = self.path(name)?;
        fs::create_dir_all(&self.folder).map_err(|source| failed(&self.folder, source))?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&self.folder, private).map_err(|source| failed(&self.folder, source))?;
        let file = File {
            warning: "not encrypted: whoever reads this file has the account".into(),
            kind: "secp256k1".into(),
            public_key: hex::encode(key.public()),
            secret: hex::encode(key.secret()),
        };
        let text = serde_json::to_string_pretty(&file).unwrap_or_default();
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(KeyringError::Exists(name.into()));
            }
            Err(source) => return Err(failed(&path, source)),
        };
        let written = writeln!(opened, "{text}").and_then(|()| opened.sync_all());
        written.map_err(|source| failed(&path, source))
    }

    /// Remove the key called `name` for good.
    pub fn delete(&self, name: &str) -> Result<(), KeyringError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(self.unknown(name)),
            Err(source) => Err(failed(&path, source)),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyringError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
            return Err(KeyringError::Name(name.chars().take(MAX_NAME).collect()));
        }
        Ok(self.folder.join(format!("{name}.json")))
    }

    fn unknown(&self, name: &str) -> KeyringError {
        KeyringError::Unknown { name: name.into(), folder: self.folder.display().to_string() }
    }
}

fn failed(path: &Path, source: std::io::Error) -> KeyringError {
    KeyringError::File { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(folder.path().join("keyring"));
        (folder, keyring)
    }

    #[test]
    fn a_stored_key_is_found_again_and_is_for_its_owner_only() {
        let (_folder, keyring) = keyring();
        assert!(keyring.names().unwrap().is_empty());
        let key = Key::from_seed_text("alice").unwrap();
        keyring.store("alice", &key).unwrap();
        keyring.store("bob", &Key::from_seed_text("bob").unwrap()).unwrap();
        assert_eq!(keyring.names().unwrap(), ["alice", "bob"]);
        assert_eq!(keyring.load("alice").unwrap().address(), key.address());
        let path = keyring.folder.join("alice.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        keyring.delete("alice").unwrap();
        assert!(matches!(keyring.load("alice"), Err(KeyringError::Unknown { .. })));
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let (_folder, keyring) = keyring();
        let (one, two) = (Key::from_seed_text("one").unwrap(), Key::from_seed_text("two").unwrap());
        keyring.store("alice", &one).unwrap();
        assert!(matches!(keyring.store("alice", &two), Err(KeyringError::Exists(_))));
        assert_eq!(keyring.load("alice").unwrap().address(), one.address());
    }

    #[test]
    fn a_key_that_others_can_use_is_refused() {
        let (_folder, keyring) = keyring();
        keyring.store("alice", &Key::from_seed_text("alice").unwrap()).unwrap();
        let path = keyring.folder.join("alice.json");
        for mode in [0o644, 0o640, 0o604, 0o660, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(keyring.load("alice"), Err(KeyringError::Open { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        keyring.load("alice").unwrap();
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let (_folder, keyring) = keyring();
        for name in ["", "../alice", "a/b", "a.b", "a b", &"a".repeat(65)] {
            assert!(matches!(keyring.load(name), Err(KeyringError::Name(_))), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_its_secret() {
        let (_folder, keyring) = keyring();
        let key = Key::from_seed_text("alice").unwrap();
        keyring.store("alice", &key).unwrap();
        let path = keyring.folder.join("alice.json");
        let good = fs::read_to_string(&path).unwrap();
        let secret = hex::encode(key.secret());
        for bad in [
            good.replace('{', ""),
            good.replace("secp256k1", "ed25519"),
            good.replace(&secret, &secret[2..]),
            good.replace(&hex::encode(key.public()), &"02".repeat(33)),
            good.replace("\"warning\"", "\"other\""),
        ] {
            fs::write(&path, bad).unwrap();
            let error = keyring.load("alice").unwrap_err().to_string();
            assert!(!error.contains(&secret[2..]), "{error}");
        }
    }
}
