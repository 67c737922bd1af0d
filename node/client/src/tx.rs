//! Transactions: messages, what they may cost, and a signature over all of it (SIGN_MODE_DIRECT).

use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{
    mode_info, AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw,
};
use cosmos_sdk_proto::Any;
use prost::Message;
use sha2::{Digest, Sha256};
use types::Coin;

use crate::keys::{Key, KeyError};
use crate::messages::wire_coin;

/// SIGN_MODE_DIRECT.
const DIRECT: i32 = 1;

/// Everything about a transaction that is not its messages.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// The chain that it is for.
    pub chain_id: String,
    /// Account number of the signer.
    pub account_number: u64,
    /// Sequence of the signer; short-term trading messages do not look at it.
    pub sequence: u64,
    /// What is paid; nothing for short-term trading messages.
    pub fee: Vec<Coin>,
    /// Highest gas it may use.
    pub gas: u64,
    /// Any text, at most 256 bytes.
    pub memo: String,
    /// Last height at which it may run; 0 for any.
    pub timeout_height: u64,
}

/// A transaction that is signed, or to be simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTx {
    /// The bytes that are sent.
    pub bytes: Vec<u8>,
}

impl SignedTx {
    /// Its hash, upper-case hex, as everyone names it.
    pub fn hash(&self) -> String {
        hex::encode_upper(Sha256::digest(&self.bytes))
    }
}

/// Sign `messages`.
pub fn sign(key: &Key, messages: &[Any], envelope: &Envelope) -> Result<SignedTx, KeyError> {
    let (body_bytes, auth_info_bytes) = (body(messages, envelope), auth(key, envelope));
    let document = SignDoc {
        body_bytes: body_bytes.clone(),
        auth_info_bytes: auth_info_bytes.clone(),
        chain_id: envelope.chain_id.clone(),
        account_number: envelope.account_number,
    };
    let signatures = vec![key.sign(&document.encode_to_vec())?.to_vec()];
    Ok(SignedTx { bytes: TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec() })
}

/// The same without a signature: what simulation takes.
pub fn unsigned(key: &Key, messages: &[Any], envelope: &Envelope) -> SignedTx {
    let raw = TxRaw {
        body_bytes: body(messages, envelope),
        auth_info_bytes: auth(key, envelope),
        signatures: vec![Vec::new()],
    };
    SignedTx { bytes: raw.encode_to_vec() }
}

fn body(messages: &[Any], envelope: &Envelope) -> Vec<u8> {
    TxBody {
        messages: messages.to_vec(),
        memo: envelope.memo.clone(),
        timeout_height: envelope.timeout_height,
        ..TxBody::default()
    }
    .encode_to_vec()
}

fn auth(key: &Key, envelope: &Envelope) -> Vec<u8> {
    let public = PubKey { key: key.public().to_vec() };
    let direct = mode_info::Sum::Single(mode_info::Single { mode: DIRECT });
    AuthInfo {
        signer_infos: vec![SignerInfo {
            public_key: Some(Any {
                type_url: "/cosmos.crypto.secp256k1.PubKey".into(),
                value: public.encode_to_vec(),
            }),
            mode_info: Some(ModeInfo { sum: Some(direct) }),
            sequence: envelope.sequence,
        }],
        fee: Some(Fee {
            amount: envelope.fee.iter().map(wire_coin).collect(),
            gas_limit: envelope.gas,
            ..Fee::default()
        }),
        ..AuthInfo::default()
    }
    .encode_to_vec()
}
