//! Keys in a folder: one file each, readable by their owner only. A secret is sealed under a passphrase, or it is
//! open: the kind of keyring that Cosmos tools call "test", for test chains and machines that nobody else uses.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::Address;

use crate::keys::{address_of, Key, KeyError};
use crate::seal::{Sealed, SHORTEST};

/// Longest name of a key.
const MAX_NAME: usize = 64;
/// Longest key file, in bytes; a real one has at most 700.
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
    /// The secret is sealed and nobody says the passphrase.
    #[error("the key {name:?} is sealed: {reason}")]
    Sealed {
        /// The name.
        name: String,
        /// Why there is no passphrase.
        reason: String,
    },
    /// Not the passphrase that the secret is sealed under, or a changed file.
    #[error("that is not the passphrase of the key {0:?}")]
    Passphrase(String),
    /// A passphrase that is guessed too easily.
    #[error("a passphrase has at least {SHORTEST} characters")]
    Short,
    /// The secret in the file is none.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Who is asked for the passphrase of the key of this name, or why nobody can be.
pub type Ask = fn(&str) -> Result<String, String>;

/// The folder of the keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
    ask: Ask,
}

/// What everybody may know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The compressed key.
    pub bytes: [u8; 33],
    /// Whether its secret is sealed under a passphrase.
    pub sealed: bool,
}

impl PublicKey {
    /// Address of the account that it controls.
    pub fn address(&self) -> Address {
        address_of(&self.bytes)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    kind: String,
    public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

impl Keyring {
    /// The keyring in `folder`; it is made when the first key is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let ask: Ask = |_| Err("nobody here can be asked for its passphrase".into());
        Self { folder: folder.into(), ask }
    }

    /// The same keyring with somebody to ask for passphrases.
    #[must_use]
    pub fn asking(self, ask: Ask) -> Self {
        Self { ask, ..self }
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

    /// The key called `name`; asks for the passphrase of a sealed one. Refuses a file that others may use.
    pub fn load(&self, name: &str) -> Result<Key, KeyringError> {
        let (path, file) = self.read(name)?;
        let malformed = |reason| KeyringError::Malformed { path: path.clone(), reason };
        let public = public_of(&file).ok_or_else(|| malformed("its public key is none"))?;
        let key = match (&file.secret, &file.sealed) {
            (Some(secret), None) => Key::from_hex(secret)?,
            (None, Some(sealed)) if sealed.is_known() => {
                let passphrase = (self.ask)(name);
                let passphrase =
                    passphrase.map_err(|reason| KeyringError::Sealed { name: name.into(), reason })?;
                let secret = sealed.open(&passphrase, &public);
                Key::from_secret(secret.ok_or_else(|| KeyringError::Passphrase(name.into()))?)?
            }
            (None, Some(_)) => return Err(malformed("sealed in a way that is not known here")),
            _ => return Err(malformed("it has no secret, or two")),
        };
        if key.public() != public {
            return Err(malformed("its public key is of another secret"));
        }
        Ok(key)
    }

    /// What everybody may know of the key called `name`; asks nobody. Refuses a file that others may use.
    pub fn public(&self, name: &str) -> Result<PublicKey, KeyringError> {
        let (path, file) = self.read(name)?;
        let reason = "its public key is none";
        let bytes = public_of(&file).ok_or(KeyringError::Malformed { path, reason })?;
        Ok(PublicKey { bytes, sealed: file.sealed.is_some() })
    }

    fn read(&self, name: &str) -> Result<(PathBuf, File), KeyringError> {
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
        if metadata.len() > MAX_FILE {
            return Err(KeyringError::Malformed { path, reason: "too long" });
        }
        let text = fs::read(&path).map_err(|source| failed(&path, source))?;
        // The parser's own message could quote the secret: it is not passed on.
        let Ok(file) = serde_json::from_slice::<File>(&text) else {
            return Err(KeyringError::Malformed { path, reason: "not the JSON that is expected" });
        };
        if file.kind != "secp256k1" {
            return Err(KeyringError::Malformed { path, reason: "not a secp256k1 key" });
        }
        Ok((path, file))
    }

    /// Store a new key, open to whoever can read the file; never overwrites one.
    pub fn store(&self, name: &str, key: &Key) -> Result<(), KeyringError> {
        let warning = "not encrypted: whoever reads this file has the account";
        self.write(
            name,
            &File {
                warning: Some(warning.into()),
                kind: "secp256k1".into(),
                public_key: hex::encode(key.public()),
                secret: Some(hex::encode(key.secret())),
                sealed: None,
            },
        )
    }

    /// Store a new key, sealed under `passphrase`; never overwrites one.
    pub fn store_sealed(&self, name: &str, key: &Key, passphrase: &str) -> Result<(), KeyringError> {
        if passphrase.chars().count() < SHORTEST {
            return Err(KeyringError::Short);
        }
        let sealed = Sealed::new(&key.secret(), passphrase, &key.public());
        self.write(
            name,
            &File {
                warning: None,
                kind: "secp256k1".into(),
                public_key: hex::encode(key.public()),
                secret: None,
                sealed: Some(sealed.ok_or_else(|| KeyringError::Passphrase(name.into()))?),
            },
        )
    }

    fn write(&self, name: &str, file: &File) -> Result<(), KeyringError> {
        let path = self.path(name)?;
        fs::create_dir_all(&self.folder).map_err(|source| failed(&self.folder, source))?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&self.folder, private).map_err(|source| failed(&self.folder, source))?;
        let text = serde_json::to_string_pretty(file).unwrap_or_default();
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

fn public_of(file: &File) -> Option<[u8; 33]> {
    hex::decode(&file.public_key).ok()?.try_into().ok()
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
    fn a_sealed_key_opens_under_its_passphrase_alone_and_its_address_is_known_without() {
        let (_folder, keyring) = keyring();
        let key = Key::from_seed_text("alice").unwrap();
        assert!(matches!(keyring.store_sealed("alice", &key, "seven77"), Err(KeyringError::Short)));
        keyring.store_sealed("alice", &key, "correct horse").unwrap();
        let text = fs::read_to_string(keyring.folder.join("alice.json")).unwrap();
        assert!(!text.contains(&hex::encode(key.secret())), "{text}");
        assert!(text.len() < 700, "{}", text.len());
        assert_eq!(keyring.public("alice").unwrap(), PublicKey { bytes: key.public(), sealed: true });
        assert_eq!(keyring.public("alice").unwrap().address(), key.address());
        assert!(matches!(keyring.load("alice"), Err(KeyringError::Sealed { .. })));
        let right = keyring.clone().asking(|_| Ok("correct horse".into()));
        assert_eq!(right.load("alice").unwrap().secret(), key.secret());
        let wrong = keyring.clone().asking(|_| Ok("correct house".into()));
        assert!(matches!(wrong.load("alice"), Err(KeyringError::Passphrase(_))));
        // The text of another key's secret is not accepted in its place.
        keyring.store_sealed("bob", &Key::from_seed_text("bob").unwrap(), "correct horse").unwrap();
        let (alice, bob) = (hex::encode(key.public()), hex::encode(keyring.public("bob").unwrap().bytes));
        let path = keyring.folder.join("bob.json");
        let swapped = fs::read_to_string(&path).unwrap().replace(&bob, &alice);
        fs::write(&path, swapped).unwrap();
        assert!(matches!(right.load("bob"), Err(KeyringError::Passphrase(_))));
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
