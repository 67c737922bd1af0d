//! Keys on disk, in the format of CometBFT's key files. Never logged: `Debug` shows the address only.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use ed25519_consensus::SigningKey;
use rand::RngCore;
use serde_json::{json, Value};

use crate::chain::validators::address_of;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("key file {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a key.
    #[error("key file {} is malformed: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, without its content.
        reason: &'static str,
    },
}

/// An ed25519 key: of a validator, or of a node as peers and clients see it.
#[derive(Clone)]
pub struct Key {
    signing: SigningKey,
    public: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Key({})", self.address_hex())
    }
}

impl Key {
    /// A key from the system's randomness.
    pub fn generate() -> Self {
        let mut seed = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut seed);
        Self::from_seed(seed)
    }

    /// The key of this seed: the same each time, so only for chains that are worth nothing.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let signing = SigningKey::from(seed);
        let public = signing.verification_key().to_bytes();
        Self { signing, public }
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// Address of the key, 20 bytes.
    pub fn address(&self) -> [u8; 20] {
        address_of(&self.public)
    }

    /// The address as node ids are written: lower-case hex.
    pub fn node_id(&self) -> String {
        hex::encode(self.address())
    }

    fn address_hex(&self) -> String {
        hex::encode_upper(self.address())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signing.sign(message).to_bytes().to_vec()
    }

    /// The validator key in `path`; made and stored there (readable by the owner only) when there is none.
    pub fn load_or_create_validator(path: &Path) -> Result<Self, KeyError> {
        if path.exists() {
            return Self::load(path);
        }
        let key = Self::generate();
        key.store_validator(path)?;
        Ok(key)
    }

    /// The node key in `path`; made and stored there (readable by the owner only) when there is none.
    pub fn load_or_create_node(path: &Path) -> Result<Self, KeyError> {
        if path.exists() {
            return Self::load(path);
        }
        let key = Self::generate();
        let content = json!({ "priv_key": key.private_json() });
        store(path, &content)?;
        Ok(key)
    }

    /// Store as `priv_validator_key.json`; refuses to overwrite.
    pub fn store_validator(&self, path: &Path) -> Result<(), KeyError> {
        let content = json!({
            "address": self.address_hex(),
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": STANDARD.encode(self.public) },
            "priv_key": self.private_json(),
        });
        store(path, &content)
    }

    fn private_json(&self) -> Value {
        let mut bytes = self.signing.to_bytes().to_vec();
        bytes.extend_from_slice(&self.public);
        json!({ "type": "tendermint/PrivKeyEd25519", "value": STANDARD.encode(bytes) })
    }

    /// Read a validator or node key file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let malformed = |reason| KeyError::Malformed { path: path.to_owned(), reason };
        let text = std::fs::read(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
        // The parser's own message could quote the content: it is not passed on.
        let value: Value = serde_json::from_slice(&text).map_err(|_| malformed("not JSON"))?;
        let private = &value["priv_key"];
        if private["type"] != "tendermint/PrivKeyEd25519" {
            return Err(malformed("priv_key.type must be tendermint/PrivKeyEd25519"));
        }
        let bytes = private["value"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.ok_or_else(|| malformed("priv_key.value must be base64"))?;
        let wide = <[u8; 64]>::try_from(bytes).map_err(|_| malformed("priv_key.value must hold 64 bytes"))?;
        let mut seed = [0; 32];
        seed.copy_from_slice(&wide[..32]);
        let key = Self::from_seed(seed);
        if key.public != wide[32..] {
            return Err(malformed("priv_key.value holds a public key of another key"));
        }
        Ok(key)
    }
}

fn store(path: &Path, content: &Value) -> Result<(), KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(format!("{content:#}\n").as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_is_read_back_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config/priv_validator_key.json");
        let key = Key::load_or_create_validator(&path).unwrap();
        assert_eq!(Key::load_or_create_validator(&path).unwrap().public(), key.public());
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert!(key.store_validator(&path).is_err(), "a key is never overwritten");
    }

    #[test]
    fn a_validator_key_file_is_read_by_the_tendermint_crate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let key = Key::load_or_create_validator(&path).unwrap();
        let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let public: tendermint::PublicKey = serde_json::from_value(value["pub_key"].clone()).unwrap();
        assert_eq!(tendermint::account::Id::from(public).to_string(), value["address"].as_str().unwrap());
        let private: tendermint::PrivateKey = serde_json::from_value(value["priv_key"].clone()).unwrap();
        assert_eq!(private.public_key().to_bytes(), key.public());
    }

    #[test]
    fn what_is_wrong_with_a_key_file_is_said_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let secret = STANDARD.encode([7; 64]);
        let file =
            |value: &str| json!({ "priv_key": { "type": "tendermint/PrivKeyEd25519", "value": value } });
        let rows = [
            ("{".to_owned(), "not JSON"),
            ("{}".to_owned(), "priv_key.type"),
            (file("%").to_string(), "base64"),
            (file("AAAA").to_string(), "64 bytes"),
            (file(&secret).to_string(), "another key"),
        ];
        for (content, reason) in rows {
            std::fs::write(&path, content).unwrap();
            let error = Key::load(&path).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains(&secret), "{error}");
        }
        assert!(!format!("{:?}", Key::from_seed([7; 32])).contains(&secret));
    }
}
