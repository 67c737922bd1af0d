//! Keys of accounts: words to a key, a key to an address and signatures.

use bip39::{Language, Mnemonic};
use cosmrs::bip32::{DerivationPath, XPrv};
use cosmrs::crypto::secp256k1::SigningKey;
use rand::RngCore;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use types::Address;

/// Where Cosmos wallets keep the first key of a phrase.
const PATH: &str = "m/44'/118'/0'/0/0";

/// Why something is no key. Never quotes what it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a phrase of 12 or 24 known words with a right checksum.
    #[error("that is no phrase of 12 or 24 English words with a valid checksum")]
    Mnemonic,
    /// Not 32 bytes of a possible secret key.
    #[error("a secret key is 64 hex digits, not zero and below the order of secp256k1")]
    Secret,
}

/// A secp256k1 key. `Debug` shows the public part only.
pub struct Key {
    secret: [u8; 32],
    signing: SigningKey,
    public: [u8; 33],
}

/// 24 words that nobody else has.
pub fn new_mnemonic() -> Result<String, KeyError> {
    let mut entropy = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut entropy);
    let words = Mnemonic::from_entropy(&entropy).map_err(|_| KeyError::Mnemonic)?;
    Ok(words.to_string())
}

impl Key {
    /// The first key of a phrase of 12 or 24 words, as all Cosmos wallets derive it.
    pub fn from_mnemonic(phrase: &str) -> Result<Self, KeyError> {
        let words = phrase.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let words =
            Mnemonic::parse_in_normalized(Language::English, &words).map_err(|_| KeyError::Mnemonic)?;
        if !matches!(words.word_count(), 12 | 24) {
            return Err(KeyError::Mnemonic);
        }
        let path: DerivationPath = PATH.parse().map_err(|_| KeyError::Mnemonic)?;
        let seed = words.to_seed_normalized("");
        let key = XPrv::derive_from_path(seed, &path).map_err(|_| KeyError::Mnemonic)?;
        Self::from_secret(key.to_bytes())
    }

    /// A key from its 32 bytes.
    pub fn from_secret(secret: [u8; 32]) -> Result<Self, KeyError> {
        let signing = SigningKey::from_slice(&secret).map_err(|_| KeyError::Secret)?;
        let public = signing.public_key().to_bytes();
        let public = public.try_into().map_err(|_| KeyError::Secret)?;
        Ok(Self { secret, signing, public })
    }

    /// A key from 64 hex digits.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let bytes = hex::decode(text.trim()).map_err(|_| KeyError::Secret)?;
        Self::from_secret(bytes.try_into().map_err(|_| KeyError::Secret)?)
    }

    /// The key that follows from `text` alone: for test chains, where everybody may have it.
    pub fn from_seed_text(text: &str) -> Result<Self, KeyError> {
        Self::from_secret(Sha256::digest(text.as_bytes()).into())
    }

    /// The secret. Whoever has it, has the account.
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// The compressed public key.
    pub fn public(&self) -> [u8; 33] {
        self.public
    }

    /// Address of the account that this key controls.
    pub fn address(&self) -> Address {
        address_of(&self.public)
    }

    /// 64 bytes of signature (r, s; s in its lower half) over the SHA-256 of `message`.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature = self.signing.sign(message).map_err(|_| KeyError::Secret)?;
        Ok(signature.normalize_s().unwrap_or(signature).to_bytes().into())
    }
}

/// Address of the account that a compressed public key controls: RIPEMD-160 of its SHA-256.
pub(crate) fn address_of(public: &[u8; 33]) -> Address {
    Address::new(Ripemd160::digest(Sha256::digest(public)).into())
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Key({})", hex::encode(self.public))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABANDON: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn a_known_phrase_gives_the_address_that_all_wallets_give() {
        let key = Key::from_mnemonic(ABANDON).unwrap();
        assert_eq!(key.address().to_bech32("cosmos"), "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
        let untidy = format!("  {}\n", ABANDON.to_uppercase().replace(' ', "  "));
        assert_eq!(Key::from_mnemonic(&untidy).unwrap().public(), key.public());
    }

    #[test]
    fn a_new_phrase_has_24_words_and_is_new() {
        let phrase = new_mnemonic().unwrap();
        assert_eq!(phrase.split(' ').count(), 24);
        assert_ne!(phrase, new_mnemonic().unwrap());
        assert!(Key::from_mnemonic(&phrase).is_ok());
    }

    #[test]
    fn a_phrase_with_a_wrong_word_or_checksum_is_refused_without_being_quoted() {
        for phrase in [
            "",
            "abandon",
            &ABANDON.replace("about", "abandon"),
            &ABANDON.replace("about", "sikrit"),
            &format!("{ABANDON} abandon abandon abandon"),
        ] {
            let error = Key::from_mnemonic(phrase).unwrap_err();
            assert_eq!(error, KeyError::Mnemonic);
            assert!(!error.to_string().contains("abandon"));
        }
    }

    #[test]
    fn secrets_come_in_and_out_as_they_are_and_never_show() {
        let key = Key::from_mnemonic(ABANDON).unwrap();
        let hex = hex::encode(key.secret());
        assert_eq!(Key::from_hex(&hex).unwrap().address(), key.address());
        assert!(!format!("{key:?}").contains(&hex));
        for wrong in ["", "00", &"0".repeat(64), &"f".repeat(64), &"g".repeat(64)] {
            assert_eq!(Key::from_hex(wrong).unwrap_err(), KeyError::Secret);
        }
    }

    #[test]
    fn signatures_have_the_lower_of_the_two_possible_values() {
        let half_order =
            hex::decode("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0").unwrap();
        let key = Key::from_seed_text("alice").unwrap();
        for message in 0_u8..64 {
            let signature = key.sign(&[message]).unwrap();
            assert!(signature[32..] <= half_order[..]);
        }
    }
}
