//! People who sign.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{
    mode_info, AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw,
};
use cosmos_sdk_proto::Any;
use prost::{Message, Name};
use secp256k1::{ecdsa, PublicKey, SecretKey};
use sha2::{Digest, Sha256};
use types::Address;

thread_local! {
    /// Public keys by name: deriving one costs as much as a signature, and stories ask for them all the time.
    static KEYS: RefCell<BTreeMap<String, [u8; 33]>> = const { RefCell::new(BTreeMap::new()) };
}

/// A person: a name, and the key that follows from it.
#[derive(Clone)]
pub struct Wallet {
    name: String,
    secret: SecretKey,
}

/// Everything about a transaction that is not its messages.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Chain id that is signed.
    pub chain_id: String,
    /// Account number that is signed.
    pub account_number: u64,
    /// Sequence.
    pub sequence: u64,
    /// Fee: amount and denomination; none for no fee.
    pub fee: Option<(u128, String)>,
    /// Gas limit.
    pub gas: u64,
    /// Any text.
    pub memo: String,
    /// Last height at which it may run; 0 for any.
    pub timeout_height: u64,
}

impl Wallet {
    /// The person called `name`; the same name is always the same person.
    pub fn new(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        // Practically every digest is a valid key; the few that are not would be a person without a story.
        let secret = SecretKey::from_secret_bytes(digest).expect("the digest of the name is a valid key");
        Self { name: name.into(), secret }
    }

    /// Their name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Their compressed public key.
    pub fn public_key(&self) -> [u8; 33] {
        let derive = || PublicKey::from_secret_key(&self.secret).serialize();
        KEYS.with_borrow_mut(|keys| *keys.entry(self.name.clone()).or_insert_with(derive))
    }

    /// Their address.
    pub fn address(&self) -> Address {
        accounts::address_of(&self.public_key())
    }

    /// 64 bytes of signature over the SHA-256 of `bytes`.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let digest = secp256k1::Message::from_digest(Sha256::digest(bytes).into());
        ecdsa::sign(digest, &self.secret).serialize_compact()
    }
}

/// A message packed for a transaction.
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// A signed transaction with these messages.
pub fn sign(wallet: &Wallet, messages: &[Any], envelope: &Envelope) -> Vec<u8> {
    sign_with(wallet, messages, envelope, |_, _| ())
}

/// The same, with a hand in what is signed: `edit` may change body and signing information first.
pub fn sign_with(
    wallet: &Wallet,
    messages: &[Any],
    envelope: &Envelope,
    edit: impl FnOnce(&mut TxBody, &mut AuthInfo),
) -> Vec<u8> {
    let mut body = TxBody {
        messages: messages.to_vec(),
        memo: envelope.memo.clone(),
        timeout_height: envelope.timeout_height,
        ..TxBody::default()
    };
    let key = PubKey { key: wallet.public_key().to_vec() };
    let direct = mode_info::Sum::Single(mode_info::Single { mode: 1 });
    let mut auth = AuthInfo {
        signer_infos: vec![SignerInfo {
            public_key: Some(Any {
                type_url: "/cosmos.crypto.secp256k1.PubKey".into(),
                value: key.encode_to_vec(),
            }),
            mode_info: Some(ModeInfo { sum: Some(direct) }),
            sequence: envelope.sequence,
        }],
        fee: Some(Fee {
            amount: envelope
                .fee
                .iter()
                .map(|(amount, denom)| Coin { denom: denom.clone(), amount: amount.to_string() })
                .collect(),
            gas_limit: envelope.gas,
            ..Fee::default()
        }),
        ..AuthInfo::default()
    };
    edit(&mut body, &mut auth);
    let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth.encode_to_vec());
    let doc = SignDoc {
        body_bytes: body_bytes.clone(),
        auth_info_bytes: auth_info_bytes.clone(),
        chain_id: envelope.chain_id.clone(),
        account_number: envelope.account_number,
    };
    let signatures = vec![wallet.sign(&doc.encode_to_vec()).to_vec()];
    TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec()
}
