//! Bytes from outside: what is read is written the same way, so that nothing has two forms.

use abci::FrameError;
use accounts::{decode_tx, DecodedTx, Limits, SignMode, SignerData};
use app::msg::Transaction;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};
use prost::bytes::BytesMut;
use prost::Message;
use scenario::World;
use tendermint_proto::v0_38::abci::{
    request::Value, Request, RequestEcho, RequestInfo, RequestProcessProposal,
};
use types::{Chain, Denom};

use crate::input::Input;

/// The chain and the account that the golden transactions are signed for.
const CHAIN: &str = "test-1";
const ACCOUNT: u64 = 7;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

fn golden() -> [Vec<u8>; 2] {
    [
        hex(include_str!("../../../modules/accounts/golden/direct.hex")),
        hex(include_str!("../../../modules/accounts/golden/amino.hex")),
    ]
}

fn chain() -> Chain {
    let collateral = Denom::new("uusdc").expect("a denomination");
    Chain { chain_id: CHAIN.into(), prefix: "ballast".into(), collateral }
}

/// The golden transactions, and one of each kind of message that people send most.
pub(crate) fn transactions() -> Vec<Vec<u8>> {
    let world = World::new(&["ann", "bob"], 1_000_000_000);
    let messages = [
        world.deposit("ann", 5_000_000),
        world.withdraw("ann", 1_000_000),
        world.transfer("ann", "bob", 1_000_000),
    ];
    let mut out: Vec<Vec<u8>> = golden().into();
    out.extend(messages.iter().map(|message| world.sign("ann", std::slice::from_ref(message))));
    out.push(world.sign("ann", &messages));
    out
}

pub(crate) fn tx_decode(data: &[u8]) {
    let limits = Limits::default();
    if let Ok(tx) = decode_tx(data, &limits) {
        assert_eq!((encode(&tx), tx.size), (data.to_vec(), data.len()), "a transaction has a second form");
        let body = TxBody::decode(&tx.body_bytes[..]).expect("a body that was read");
        assert_eq!(body.encode_to_vec(), tx.body_bytes, "a body has a second form");
        let auth = AuthInfo::decode(&tx.auth_info_bytes[..]).expect("signing information that was read");
        assert_eq!(auth.encode_to_vec(), tx.auth_info_bytes, "signing information has a second form");
        assert!(!tx.messages.is_empty() && tx.memo.len() <= limits.memo);
    }
    let chain = chain();
    if let Ok(tx) = Transaction::decode(data, &limits, &chain) {
        assert!(!tx.messages.is_empty());
        assert!(tx.gas() >= tx.message_gas());
        let _ = (tx.kind(), tx.signer(&chain).is_ok(), app::lanes::lane(&tx));
    }
}

fn encode(tx: &DecodedTx) -> Vec<u8> {
    TxRaw {
        body_bytes: tx.body_bytes.clone(),
        auth_info_bytes: tx.auth_info_bytes.clone(),
        signatures: vec![tx.signature.clone()],
    }
    .encode_to_vec()
}

/// A choice of golden transaction, then edits: no change, a flip, an insertion, a removal.
pub(crate) fn edits() -> Vec<Vec<u8>> {
    let flip = |which: u8, at: u16| vec![which, 0, at.to_le_bytes()[0], at.to_le_bytes()[1], 1];
    (0..12).flat_map(|at| [flip(0, at * 23), flip(1, at * 23)]).collect()
}

/// No bytes but the signed ones pass as what was signed.
pub(crate) fn tx_canonical(data: &[u8]) {
    let mut input = Input(data);
    let golden = golden();
    let original = &golden[usize::from(input.u8() % 2)];
    let mut bytes = original.clone();
    for _ in 0..8 {
        if input.is_empty() {
            break;
        }
        let (edit, at, value) = (input.u8() % 4, usize::from(input.u16()) % bytes.len().max(1), input.u8());
        match edit {
            0 if !bytes.is_empty() => bytes[at] ^= value,
            1 => bytes.insert(at, value),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            _ => bytes.truncate(bytes.len().saturating_sub(usize::from(value))),
        }
    }
    let Ok(tx) = decode_tx(&bytes, &Limits::default()) else { return };
    let known = decode_tx(original, &Limits::default()).expect("the golden transaction");
    let public_key = known.public_key.expect("the golden transaction names its key");
    let signer = SignerData { chain_id: CHAIN.into(), account_number: ACCOUNT, public_key };
    let verified = accounts::verify(&tx, &signer).is_ok();
    // A key beside the signature is not signed by the sorted JSON; authentication compares it with the account's.
    let same = tx.public_key == known.public_key || tx.public_key.is_none();
    if verified && tx.mode == SignMode::Direct {
        assert_eq!(&bytes, original, "another transaction passes with the same signature");
    }
    if verified && same && tx.mode == SignMode::AminoJson {
        assert_eq!((tx.messages, tx.fee, tx.memo), (known.messages, known.fee, known.memo));
        assert_eq!((tx.sequence, tx.timeout_height), (known.sequence, known.timeout_height));
    }
}

/// What is signed names chain, account and sequence, and what a hardware wallet shows is JSON with the same words.
pub(crate) fn sign_bytes(data: &[u8]) {
    let Ok(mut tx) = decode_tx(data, &Limits::default()) else { return };
    for mode in [SignMode::Direct, SignMode::AminoJson, SignMode::Other(9)] {
        tx.mode = mode;
        let Ok(bytes) = accounts::sign::sign_bytes(&tx, CHAIN, ACCOUNT) else { continue };
        for (chain, number) in [("test-2", ACCOUNT), (CHAIN, ACCOUNT + 1)] {
            assert_ne!(accounts::sign::sign_bytes(&tx, chain, number).as_ref(), Ok(&bytes));
        }
        assert_ne!(mode, SignMode::Other(9), "a mode that cannot be verified has bytes to sign");
        if mode == SignMode::AminoJson {
            let document: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON is signed");
            assert_eq!(document["memo"].as_str().unwrap_or_default(), tx.memo);
            assert_eq!(document["sequence"], tx.sequence.to_string());
            assert_eq!(document["msgs"].as_array().map(Vec::len), Some(tx.messages.len()));
        }
    }
}

/// A placement, a cancel, one that lives until a time, one with extras.
pub(crate) fn batches() -> Vec<Vec<u8>> {
    vec![
        vec![10, 0, 0, 7, 5, 100, 3],
        vec![10, 2, 0, 7, 5, 0, 1, 9, 0, 100, 3],
        vec![0, 0x40, 1, 7, 0x80, 1, 100, 3],
        vec![10, 0x84, 0, 7, 0, 100, 3, 4, 9],
        vec![0, 0xc0, 1, 7, 0x80, 1, 100, 3, 0x10, 1, 55],
    ]
}

pub(crate) fn compact_batch(data: &[u8]) {
    if let Ok(operations) = clob::compact::decode(data) {
        assert!((1..=clob::MAX_OPERATIONS).contains(&operations.len()));
        assert_eq!(clob::compact::encode(&operations), data, "operations have a second form");
    }
}

/// How the bytes are cut, then frames.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let requests = [
        Value::Echo(RequestEcho { message: "a".into() }),
        Value::Info(RequestInfo { version: "1".into(), ..RequestInfo::default() }),
        Value::ProcessProposal(RequestProcessProposal {
            txs: vec![vec![1, 2, 3].into()],
            height: 5,
            ..RequestProcessProposal::default()
        }),
    ];
    let wire = |value: &Value| Request { value: Some(value.clone()) }.encode_length_delimited_to_vec();
    let mut out: Vec<Vec<u8>> = requests.iter().map(|value| [vec![3], wire(value)].concat()).collect();
    out.push([vec![1], requests.iter().flat_map(wire).collect()].concat());
    out
}

/// Every frame that is whole, and why the rest is not read.
fn read(buffer: &mut BytesMut) -> (Vec<Request>, Option<String>) {
    let mut out = Vec::new();
    loop {
        match abci::next_frame(buffer) {
            Ok(Some(request)) => out.push(request),
            Ok(None) => return (out, None),
            Err(error @ (FrameError::TooLong(_) | FrameError::Length | FrameError::Request(_))) => {
                return (out, Some(error.to_string()))
            }
        }
    }
}

/// Requests do not depend on how the bytes arrive.
pub(crate) fn abci_frame(data: &[u8]) {
    let Some((piece, wire)) = data.split_first() else { return };
    let whole = read(&mut BytesMut::from(wire));
    let mut buffer = BytesMut::new();
    let mut pieces = (Vec::new(), None);
    for part in wire.chunks(usize::from(*piece).max(1)) {
        buffer.extend_from_slice(part);
        let (requests, error) = read(&mut buffer);
        pieces.0.extend(requests);
        pieces.1 = error;
        if pieces.1.is_some() {
            break;
        }
    }
    assert_eq!(whole, pieces, "requests depend on how their bytes were cut");
    for request in whole.0 {
        let mut again = BytesMut::from(&request.encode_length_delimited_to_vec()[..]);
        assert_eq!(read(&mut again), (vec![request], None));
        assert!(again.is_empty());
    }
}
