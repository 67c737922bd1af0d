//! A small chain with people who sign: person `n` has the secret key `[n; 32]`.

use accounts::{
    authenticate, decode_tx, Account, Check, DecodedTx, Error, GasPrice, Kind, Limits, Policy, Rules,
};
use bank::genesis::Balance;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as wire;
use cosmos_sdk_proto::Any;
use prost::Message;
use secp256k1::{ecdsa, PublicKey, SecretKey};
use sha2::{Digest, Sha256};
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, Events, Time};

pub(crate) const CHAIN: &str = "test-1";
pub(crate) const MESSAGE_GAS: u64 = 40_000;

pub(crate) fn chain() -> Chain {
    Chain { chain_id: CHAIN.into(), prefix: "ballast".into(), collateral: Denom::new("uusdc").unwrap() }
}

fn secret(person: u8) -> SecretKey {
    SecretKey::from_secret_bytes([person; 32]).unwrap()
}

pub(crate) fn key(person: u8) -> [u8; 33] {
    PublicKey::from_secret_key(&secret(person)).serialize()
}

pub(crate) fn address(person: u8) -> Address {
    accounts::address_of(&key(person))
}

pub(crate) fn sign(person: u8, bytes: &[u8]) -> Vec<u8> {
    let digest = secp256k1::Message::from_digest(Sha256::digest(bytes).into());
    ecdsa::sign(digest, &secret(person)).serialize_compact().to_vec()
}

/// Coins written as `1ualpha,2uusdc`.
pub(crate) fn coins(text: &str) -> Vec<WireCoin> {
    let coin = |part: &str| {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        WireCoin { amount: part[..end].into(), denom: part[end..].into() }
    };
    text.split(',').filter(|part| !part.is_empty()).map(coin).collect()
}

/// A transaction in the making; as it starts out, it is the golden one.
pub(crate) struct Draft {
    pub(crate) body: wire::TxBody,
    pub(crate) auth: wire::AuthInfo,
    pub(crate) signatures: usize,
    pub(crate) chain_id: String,
    pub(crate) number: u64,
    pub(crate) signer: u8,
}

impl Draft {
    pub(crate) fn new() -> Self {
        let to = Address::new([2; 20]).to_bech32("ballast");
        let from = address(1).to_bech32("ballast");
        let send = MsgSend { from_address: from, to_address: to, amount: coins("1000uusdc") };
        let message = Any { type_url: "/cosmos.bank.v1beta1.MsgSend".into(), value: send.encode_to_vec() };
        let body = wire::TxBody {
            messages: vec![message],
            memo: "rent & <more>".into(),
            timeout_height: 120,
            ..Default::default()
        };
        let info = wire::SignerInfo { public_key: Some(any_key(&key(1))), mode_info: mode(1), sequence: 3 };
        let fee = wire::Fee { amount: coins("5000uusdc"), gas_limit: 200_000, ..Default::default() };
        let auth = wire::AuthInfo { signer_infos: vec![info], fee: Some(fee), ..Default::default() };
        Self { body, auth, signatures: 1, chain_id: CHAIN.into(), number: 7, signer: 1 }
    }

    pub(crate) fn info(&mut self) -> &mut wire::SignerInfo {
        &mut self.auth.signer_infos[0]
    }

    pub(crate) fn fee(&mut self) -> &mut wire::Fee {
        self.auth.fee.as_mut().unwrap()
    }

    pub(crate) fn raw(&self) -> wire::TxRaw {
        let (body_bytes, auth_info_bytes) = (self.body.encode_to_vec(), self.auth.encode_to_vec());
        let doc = wire::SignDoc {
            body_bytes: body_bytes.clone(),
            auth_info_bytes: auth_info_bytes.clone(),
            chain_id: self.chain_id.clone(),
            account_number: self.number,
        };
        let signature = sign(self.signer, &doc.encode_to_vec());
        wire::TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature; self.signatures] }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.raw().encode_to_vec()
    }

    /// The same, signed as amino JSON.
    pub(crate) fn amino(mut self) -> wire::TxRaw {
        self.info().mode_info = mode(127);
        let mut raw = self.raw();
        let unsigned = decode_tx(&raw.encode_to_vec(), &Limits::default()).unwrap();
        let doc = accounts::amino::sign_doc(&unsigned, &self.chain_id, self.number).unwrap();
        raw.signatures = vec![sign(self.signer, doc.as_bytes())];
        raw
    }
}

pub(crate) fn any_key(key: &[u8]) -> Any {
    let value = PubKey { key: key.to_vec() }.encode_to_vec();
    Any { type_url: "/cosmos.crypto.secp256k1.PubKey".into(), value }
}

pub(crate) fn mode(mode: i32) -> Option<wire::ModeInfo> {
    let single = wire::mode_info::Single { mode };
    Some(wire::ModeInfo { sum: Some(wire::mode_info::Sum::Single(single)) })
}

/// Block 100 of a chain where person 1 has account 7, used 3 sequences and holds 1,000,000 of two coins.
pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) events: Events,
    pub(crate) chain: Chain,
    pub(crate) height: u64,
    pub(crate) rules: Rules,
}

impl World {
    pub(crate) fn new() -> Self {
        let price = |text| GasPrice::parse(text).unwrap();
        let rules = Rules { gas_prices: vec![price("0.025uusdc"), price("1uballast")], max_gas: 10_000_000 };
        let mut world =
            Self { state: Memory::default(), events: Events::default(), chain: chain(), height: 100, rules };
        let coin = |name| Coin { denom: Denom::new(name).unwrap(), amount: 1_000_000 };
        let coins = vec![coin("uballast"), coin("uother"), coin("uusdc")];
        let bank = bank::Genesis {
            balances: vec![Balance { address: address(1), coins }],
            modules: vec!["subaccounts".into()],
        };
        let old = Account { number: 7, sequence: 3, public_key: None };
        let people = accounts::Genesis { accounts: vec![(address(1), old)] };
        world.with(|ctx| bank::genesis::init(ctx, &bank)).unwrap();
        world.with(|ctx| accounts::genesis::init(ctx, &people)).unwrap();
        world
    }

    pub(crate) fn with<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
        let block = Block { height: self.height, time: Time::default(), previous_time: Time::default() };
        let chain = self.chain.clone();
        f(&mut Ctx { state: &mut self.state, events: &mut self.events, block: &block, chain: &chain })
    }

    pub(crate) fn admit(&mut self, tx: &DecodedTx, kind: Kind, check: Check<'_>) -> Result<(), Error> {
        let rules = self.rules.clone();
        let policy = Policy { kind, rules: &rules, message_gas: MESSAGE_GAS, check };
        self.with(|ctx| authenticate(ctx, tx, &address(1), &policy))
    }

    /// Decode and admit a transaction that pays.
    pub(crate) fn submit(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let tx = decode_tx(bytes, &Limits::default())?;
        self.admit(&tx, Kind::Paid, Check::Verify)
    }

    pub(crate) fn account(&self) -> Account {
        accounts::account(&self.state, &address(1)).unwrap()
    }

    pub(crate) fn has(&self, who: &Address, name: &str) -> u128 {
        bank::balance(&self.state, who, &Denom::new(name).unwrap())
    }

    pub(crate) fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }
}
