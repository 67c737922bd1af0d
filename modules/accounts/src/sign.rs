//! What is signed, and whether a signature is right. No state: this may run ahead of the block, in parallel,
//! and its answer may be kept as long as the same [`SignerData`] hold.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use cosmos_sdk_proto::cosmos::tx::v1beta1::SignDoc;
use prost::Message as _;
use ripemd::Ripemd160;
use secp256k1::{ecdsa, Message, PublicKey};
use sha2::{Digest, Sha256};
use types::Address;

use crate::tx::{DecodedTx, SignMode};
use crate::{amino, Error};

/// Everything a signature depends on that is not in the transaction itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignerData {
    /// This chain.
    pub chain_id: String,
    /// Number of the signer's account.
    pub account_number: u64,
    /// Its compressed key.
    pub public_key: [u8; 33],
}

/// The address that a key opens: RIPEMD-160 of its SHA-256.
pub fn address_of(public_key: &[u8; 33]) -> Address {
    Address::new(Ripemd160::digest(Sha256::digest(public_key)).into())
}

/// The bytes whose SHA-256 is signed.
pub fn sign_bytes(tx: &DecodedTx, chain_id: &str, account_number: u64) -> Result<Vec<u8>, Error> {
    match tx.mode {
        SignMode::Direct => {
            let doc = SignDoc {
                body_bytes: tx.body_bytes.clone(),
                auth_info_bytes: tx.auth_info_bytes.clone(),
                chain_id: chain_id.into(),
                account_number,
            };
            Ok(doc.encode_to_vec())
        }
        SignMode::AminoJson => amino::sign_doc(tx, chain_id, account_number).map(String::into_bytes),
        SignMode::Other(_) => {
            Err(Error::NotSupported("only SIGN_MODE_DIRECT and LEGACY_AMINO_JSON can be verified"))
        }
    }
}

/// Whether the signature is that of `signer`: 64 bytes r, s with s in the lower half, so that there is only one.
pub fn verify(tx: &DecodedTx, signer: &SignerData) -> Result<(), Error> {
    let bytes = sign_bytes(tx, &signer.chain_id, signer.account_number)?;
    signed(&signer.public_key, &bytes, &tx.signature)?.then_some(()).ok_or_else(|| Error::Signature {
        number: signer.account_number,
        sequence: tx.sequence,
        chain_id: signer.chain_id.clone(),
    })
}

/// Whether `signature` is that of the compressed key over the SHA-256 of `bytes`: r and s of 32 bytes each, both
/// from 1 to below the order of the group, and s in its lower half, so that there is one for each nonce. Refused
/// when the key is none.
pub fn signed(public_key: &[u8; 33], bytes: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let key = PublicKey::from_byte_array_compressed(*public_key)
        .map_err(|_| Error::PublicKey("the key is not a point of secp256k1"))?;
    let digest = Message::from_digest(Sha256::digest(bytes).into());
    // The library refuses r or s of zero and s in the upper half when it verifies.
    let verified = ecdsa::Signature::from_compact(signature)
        .and_then(|signature| ecdsa::verify(&signature, digest, &key));
    Ok(verified.is_ok())
}
