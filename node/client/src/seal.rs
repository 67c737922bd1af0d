//! A secret under a passphrase: Argon2id makes a key of the passphrase, XChaCha20-Poly1305 seals the secret with it.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngCore;
use serde::{Deserialize, Serialize};

/// Shortest passphrase, in characters.
pub(crate) const SHORTEST: usize = 8;

/// What sealing costs: 64 MiB, three passes, one lane. RFC 9106 calls this its second choice, for machines that have
/// little memory to spare.
const COST: Cost = Cost { memory_kib: 65_536, passes: 3, lanes: 1 };

/// Most that a file may ask for: 1 GiB and as much work as a minute holds. Whoever writes key files could otherwise
/// have this program use up the machine.
const MOST: Cost = Cost { memory_kib: 1_048_576, passes: 16, lanes: 16 };

/// What turning a passphrase into a key costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A sealed secret, as it stands in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    cipher: String,
    derivation: String,
    cost: Cost,
    salt: String,
    nonce: String,
    text: String,
}

/// The names of what is used, so that a file says how to open it.
const CIPHER: &str = "xchacha20poly1305";
const DERIVATION: &str = "argon2id";

impl Sealed {
    /// Seal `secret`, which belongs to `public`: another key's text cannot be put in its place.
    pub(crate) fn new(secret: &[u8; 32], passphrase: &str, public: &[u8]) -> Option<Self> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        rand::rngs::OsRng.fill_bytes(&mut salt);
        rand::rngs::OsRng.fill_bytes(&mut nonce);
        let cipher = XChaCha20Poly1305::new(&derive(passphrase, &salt, COST)?.into());
        let text = cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: public }).ok()?;
        Some(Self {
            cipher: CIPHER.into(),
            derivation: DERIVATION.into(),
            cost: COST,
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            text: hex::encode(text),
        })
    }

    /// Whether this program can open it at all.
    pub(crate) fn is_known(&self) -> bool {
        let Cost { memory_kib, passes, lanes } = self.cost;
        self.cipher == CIPHER
            && self.derivation == DERIVATION
            && memory_kib <= MOST.memory_kib
            && passes <= MOST.passes
            && lanes <= MOST.lanes
    }

    /// The secret; nothing for another passphrase, another public key, or changed bytes.
    pub(crate) fn open(&self, passphrase: &str, public: &[u8]) -> Option<[u8; 32]> {
        if !self.is_known() {
            return None;
        }
        let key = derive(passphrase, &hex::decode(&self.salt).ok()?, self.cost)?;
        let nonce: [u8; 24] = hex::decode(&self.nonce).ok()?.try_into().ok()?;
        let text = hex::decode(&self.text).ok()?;
        let opened = XChaCha20Poly1305::new(&key.into());
        opened.decrypt(&XNonce::from(nonce), Payload { msg: &text, aad: public }).ok()?.try_into().ok()
    }
}

fn derive(passphrase: &str, salt: &[u8], cost: Cost) -> Option<[u8; 32]> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut key = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.as_bytes(), salt, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_passphrase_and_key_open_what_was_sealed() {
        let sealed = Sealed::new(&[7; 32], "correct horse", b"public").unwrap();
        assert_eq!(sealed.open("correct horse", b"public"), Some([7; 32]));
        assert_eq!(sealed.open("correct hors", b"public"), None);
        assert_eq!(sealed.open("correct horse", b"other"), None);
        for (from, to) in [("\"text\":\"", "\"text\":\"00"), ("argon2id", "argon2i"), (":3", ":2")] {
            let changed = serde_json::to_string(&sealed).unwrap().replacen(from, to, 1);
            let changed: Sealed = serde_json::from_str(&changed).unwrap();
            assert_eq!(changed.open("correct horse", b"public"), None, "{from}");
        }
        let again = Sealed::new(&[7; 32], "correct horse", b"public").unwrap();
        assert_ne!(sealed.text, again.text, "salt and nonce are new each time");
    }

    #[test]
    fn a_file_cannot_ask_for_all_memory() {
        let mut sealed = Sealed::new(&[7; 32], "correct horse", b"public").unwrap();
        sealed.cost.memory_kib = u32::MAX;
        assert!(!sealed.is_known());
        assert_eq!(sealed.open("correct horse", b"public"), None);
    }
}
