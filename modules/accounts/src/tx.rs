//! From bytes to a transaction. What comes out makes sense on its own; whether it may run is another question.
//!
//! Bytes are read strictly at every level: decoding and encoding again must give the same bytes, so that nobody
//! can make a second transaction out of a signed one. Counts are bounded before anything is allocated.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bank::coins;
use bank::wire::{at_most, strict};
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as wire;
use cosmos_sdk_proto::Any;
use sha2::{Digest, Sha256};
use types::{Coin, Malformed};

use crate::Error;

/// Type of the only kind of public key.
pub const SECP256K1_KEY: &str = "/cosmos.crypto.secp256k1.PubKey";

/// Type of the only extension that a transaction may carry, and only when it selects nothing.
pub const TX_EXTENSION: &str = "/dydxprotocol.accountplus.TxExtension";

/// An extension that selects no authenticators: left out, or written as an empty packed list, which some
/// clients do.
const NO_AUTHENTICATORS: [&[u8]; 2] = [&[], &[0x0a, 0x00]];

/// Bytes of the part with signer and fee: enough for 16 coins with the longest names.
const MAX_AUTH_INFO: usize = 4_096;

/// Signers that are counted before their number is refused.
const COUNTED_SIGNERS: usize = 8;

/// How large a transaction may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all.
    pub bytes: usize,
    /// Messages.
    pub messages: usize,
    /// Bytes of the memo.
    pub memo: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 65_536, messages: 16, memo: 256 }
    }
}

/// A message as it stands in the transaction; its module reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type, for example `/cosmos.bank.v1beta1.MsgSend`.
    pub type_url: String,
    /// Its encoding, not yet looked at.
    pub bytes: Vec<u8>,
}

/// How the signed bytes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignMode {
    /// Protobuf `SignDoc`.
    Direct,
    /// Sorted JSON, as hardware wallets show it.
    AminoJson,
    /// Not named, or a mode that this chain does not verify. Clients ask for simulations with it.
    Other(i32),
}

/// What the signer offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// Coins, denominations in strictly rising order.
    pub coins: Vec<Coin>,
    /// Gas that the transaction may use.
    pub gas_limit: u64,
    /// Who should pay; empty for the signer.
    pub payer: String,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedTx {
    /// At least one.
    pub messages: Vec<Message>,
    /// Any text.
    pub memo: String,
    /// Last height at which it may run; 0 for any.
    pub timeout_height: u64,
    /// Whether it carries an (empty) extension.
    pub extended: bool,
    /// The fee.
    pub fee: Fee,
    /// Compressed secp256k1 key of the signer, when the transaction names it.
    pub public_key: Option<[u8; 33]>,
    /// How it was signed.
    pub mode: SignMode,
    /// Sequence that it claims to be.
    pub sequence: u64,
    /// Signature, of any length yet.
    pub signature: Vec<u8>,
    /// What `messages` to `extended` were read from.
    pub body_bytes: Vec<u8>,
    /// What `fee` to `sequence` were read from.
    pub auth_info_bytes: Vec<u8>,
    /// Bytes in all.
    pub size: usize,
    /// SHA-256 of all bytes: the transaction's name.
    pub hash: [u8; 32],
}

/// Read a transaction.
pub fn decode_tx(bytes: &[u8], limits: &Limits) -> Result<DecodedTx, Error> {
    if bytes.len() > limits.bytes {
        return Err(Error::TooLarge { size: bytes.len(), limit: limits.bytes });
    }
    at_most("signatures", bytes, 3, COUNTED_SIGNERS)?;
    let raw: wire::TxRaw = strict("tx", bytes)?;
    let body = body(&raw.body_bytes, limits)?;
    let auth_info = auth_info(&raw.auth_info_bytes)?;
    let (signer, fee) = (one_signer(&auth_info)?, fee(auth_info.fee.as_ref())?);
    let signature = one_signature(raw.signatures)?;
    let extended = !body.non_critical_extension_options.is_empty();
    Ok(DecodedTx {
        messages: body.messages.into_iter().map(message).collect(),
        memo: body.memo,
        timeout_height: body.timeout_height,
        extended,
        fee,
        public_key: signer.public_key.as_ref().map(public_key).transpose()?,
        mode: mode(signer)?,
        sequence: signer.sequence,
        signature,
        body_bytes: raw.body_bytes,
        auth_info_bytes: raw.auth_info_bytes,
        size: bytes.len(),
        hash: Sha256::digest(bytes).into(),
    })
}

fn message(any: Any) -> Message {
    Message { type_url: any.type_url, bytes: any.value }
}

fn body(bytes: &[u8], limits: &Limits) -> Result<wire::TxBody, Error> {
    at_most("messages", bytes, 1, limits.messages)?;
    at_most("extension_options", bytes, 1_023, limits.messages)?;
    at_most("non_critical_extension_options", bytes, 2_047, limits.messages)?;
    let body: wire::TxBody = strict("body", bytes)?;
    if body.messages.is_empty() {
        return Err(Error::NoMessages);
    }
    if body.memo.len() > limits.memo {
        return Err(Error::Memo { length: body.memo.len(), limit: limits.memo });
    }
    if !body.extension_options.is_empty() {
        return Err(Error::Extension("extension_options must be empty"));
    }
    match body.non_critical_extension_options.as_slice() {
        [] => Ok(body),
        [extension] => extension_is_empty(extension).map(|()| body),
        _ => Err(Error::Extension("more than one extension")),
    }
}

fn extension_is_empty(extension: &Any) -> Result<(), Error> {
    if extension.type_url != TX_EXTENSION {
        return Err(Error::Extension("only dydxprotocol.accountplus.TxExtension may be there"));
    }
    if !NO_AUTHENTICATORS.contains(&extension.value.as_slice()) {
        return Err(Error::NotSupported("signing with smart account authenticators"));
    }
    Ok(())
}

fn auth_info(bytes: &[u8]) -> Result<wire::AuthInfo, Error> {
    if bytes.len() > MAX_AUTH_INFO {
        let reason = format!("has {} bytes, at most {MAX_AUTH_INFO} are allowed", bytes.len());
        return Err(Malformed::new("auth_info", reason).into());
    }
    at_most("signer_infos", bytes, 1, COUNTED_SIGNERS)?;
    let auth_info: wire::AuthInfo = strict("auth_info", bytes)?;
    #[expect(deprecated, reason = "the old field must be seen to be refused")]
    if auth_info.tip.is_some() {
        return Err(Error::NotSupported("tips"));
    }
    Ok(auth_info)
}

fn one_signer(auth_info: &wire::AuthInfo) -> Result<&wire::SignerInfo, Error> {
    match auth_info.signer_infos.as_slice() {
        [] => Err(Error::NoSignatures),
        [signer] => Ok(signer),
        several => Err(Error::TooManySigners { count: several.len() }),
    }
}

fn one_signature(signatures: Vec<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let count = signatures.len();
    match (count, signatures.into_iter().next()) {
        (1, Some(signature)) => Ok(signature),
        (_, None) => Err(Error::NoSignatures),
        _ => Err(Error::SignatureCount { count }),
    }
}

fn mode(signer: &wire::SignerInfo) -> Result<SignMode, Error> {
    match signer.mode_info.as_ref().and_then(|info| info.sum.as_ref()) {
        None => Err(Malformed::new("mode_info", "is missing").into()),
        Some(wire::mode_info::Sum::Multi(_)) => Err(Error::NotSupported("multisignatures")),
        Some(wire::mode_info::Sum::Single(single)) => Ok(match single.mode {
            1 => SignMode::Direct,
            127 => SignMode::AminoJson,
            other => SignMode::Other(other),
        }),
    }
}

fn public_key(any: &Any) -> Result<[u8; 33], Error> {
    if any.type_url != SECP256K1_KEY {
        return Err(Error::PublicKey("only secp256k1 keys can sign"));
    }
    let key: PubKey = strict("public_key", &any.value)?;
    key.key.as_slice().try_into().map_err(|_| Error::PublicKey("a compressed key has 33 bytes"))
}

fn fee(fee: Option<&wire::Fee>) -> Result<Fee, Error> {
    let Some(fee) = fee else { return Ok(Fee::default()) };
    if !fee.granter.is_empty() {
        return Err(Error::FeeGranter);
    }
    let coins = coins::read(&fee.amount).map_err(|wrong| Error::InvalidFee(format!("{wrong}")))?;
    Ok(Fee { coins, gas_limit: fee.gas_limit, payer: fee.payer.clone() })
}
