//! Hostile bytes: every level of a transaction is read strictly and within bounds.

use accounts::{decode_tx, Limits};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{self as wire, mode_info};
use cosmos_sdk_proto::Any;
use prost::Message;
use types::Rejection;

use crate::world::{coins, Draft, World};

fn varint(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 127 {
        out.push(u8::try_from(number % 128).unwrap() | 128);
        number /= 128;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

fn read_varint(bytes: &mut &[u8]) -> usize {
    usize::try_from(prost::encoding::decode_varint(bytes).unwrap()).unwrap()
}

/// `message` with the bytes of the sub-message at `path` changed by `change`, lengths put right.
fn change_at(mut message: &[u8], path: &[usize], change: &dyn Fn(&mut Vec<u8>)) -> Vec<u8> {
    let Some((tag, deeper)) = path.split_first() else {
        let mut changed = message.to_vec();
        change(&mut changed);
        return changed;
    };
    let (mut out, mut done) = (Vec::new(), false);
    while !message.is_empty() {
        let key = read_varint(&mut message);
        out.extend(varint(key));
        let number = read_varint(&mut message);
        if key % 8 != 2 {
            out.extend(varint(number));
            continue;
        }
        let (payload, rest) = message.split_at(number);
        message = rest;
        let hit = key / 8 == *tag && !done;
        let payload = if hit { change_at(payload, deeper, change) } else { payload.to_vec() };
        done |= hit;
        out.extend(varint(payload.len()));
        out.extend(payload);
    }
    assert!(done, "nothing at {path:?}");
    out
}

/// Every message inside a transaction, with the way to it.
const LEVELS: [(&str, &[usize]); 11] = [
    ("TxRaw", &[]),
    ("TxBody", &[1]),
    ("message Any", &[1, 1]),
    ("AuthInfo", &[2]),
    ("SignerInfo", &[2, 1]),
    ("key Any", &[2, 1, 1]),
    ("PubKey", &[2, 1, 1, 2]),
    ("ModeInfo", &[2, 1, 2]),
    ("Single", &[2, 1, 2, 1]),
    ("Fee", &[2, 2]),
    ("Coin", &[2, 2, 1]),
];

#[test]
fn tx_04_tx_06_tx_28_bytes_that_are_not_canonical_are_refused_at_every_level() {
    let good = Draft::new().bytes();
    assert!(World::new().submit(&good).is_ok());
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));
    let changes: [Change<'_>; 7] = [
        ("unknown field", &|bytes| bytes.extend([0xc0, 0x3e, 0x01])),
        ("unknown field that older nodes may ignore", &|bytes| bytes.extend([0xc0, 0xbb, 0x01, 0x01])),
        ("unknown group", &|bytes| bytes.extend([0xc3, 0x3e, 0xc4, 0x3e])),
        ("over-long key", &|bytes| bytes[0] |= 0x80),
        ("broken key", &|bytes| bytes.push(0xff)),
        ("field number zero", &|bytes| bytes.extend([0x00, 0x00])),
        ("everything twice", &|bytes| bytes.extend_from_within(..)),
    ];
    let mut rows = 0;
    for (level, path) in LEVELS {
        for (name, change) in changes {
            let over_long = name == "over-long key";
            let bytes = change_at(&good, path, &|bytes| {
                change(bytes);
                if over_long {
                    bytes.insert(1, 0x00);
                }
            });
            let error = World::new().submit(&bytes).unwrap_err();
            // Two signers, two coins and so on are lists that were made longer: refused for what they hold.
            let codes: &[u32] = if name == "everything twice" { &[2, 4, 13, 14] } else { &[2] };
            assert!(codes.contains(&error.code()), "{name} in {level}: {} {error}", error.code());
            rows += 1;
        }
    }
    assert_eq!(rows, 77);
}

#[test]
fn tx_04_a_default_that_is_written_out_is_refused() {
    let mut draft = Draft::new();
    draft.body.memo.clear();
    let good = draft.bytes();
    // An empty memo stands between messages and timeout.
    let bytes = change_at(&good, &[1], &|body| {
        let end = body.len() - 2;
        body.splice(end..end, [0x12, 0x00]);
    });
    assert_eq!(World::new().submit(&bytes).unwrap_err().code(), 2);
}

fn any(type_url: &str, value: &[u8]) -> Any {
    Any { type_url: type_url.into(), value: value.to_vec() }
}

fn two(draft: &mut Draft) {
    let info = draft.info().clone();
    draft.auth.signer_infos.push(info);
    draft.signatures = 2;
}

fn multisig(depth: usize) -> Option<wire::ModeInfo> {
    let single = mode_info::Sum::Single(mode_info::Single { mode: 1 });
    let mut info = wire::ModeInfo { sum: Some(single) };
    for _ in 0..depth {
        let multi = mode_info::Multi { bitarray: None, mode_infos: vec![info] };
        info = wire::ModeInfo { sum: Some(mode_info::Sum::Multi(multi)) };
    }
    Some(info)
}

/// Name, what is done to a good transaction before it is signed, and the code of the refusal.
type Row = (&'static str, fn(&mut Draft), u32);

const ROWS: [Row; 35] = [
    ("no message", |tx| tx.body.messages.clear(), 18),
    ("17 messages", |tx| tx.body.messages = vec![tx.body.messages[0].clone(); 17], 2),
    ("memo of 257 bytes", |tx| tx.body.memo = "x".repeat(257), 12),
    ("memo of 129 letters in 258 bytes", |tx| tx.body.memo = "\u{e9}".repeat(129), 12),
    ("extension option", |tx| tx.body.extension_options.push(any("/x.Y", &[])), 31),
    ("17 extension options", |tx| tx.body.extension_options = vec![any("", &[]); 17], 2),
    ("foreign extension", |tx| tx.body.non_critical_extension_options.push(any("/x.Y", &[])), 31),
    ("two extensions", |tx| tx.body.non_critical_extension_options = vec![any(EXTENSION, &[]); 2], 31),
    ("17 extensions", |tx| tx.body.non_critical_extension_options = vec![any(EXTENSION, &[]); 17], 2),
    ("authenticator 0", |tx| tx.body.non_critical_extension_options = vec![any(EXTENSION, &[10, 1, 0])], 37),
    (
        "authenticator, not packed",
        |tx| tx.body.non_critical_extension_options = vec![any(EXTENSION, &[8, 1])],
        37,
    ),
    ("extension of rubbish", |tx| tx.body.non_critical_extension_options = vec![any(EXTENSION, &[255])], 37),
    ("no signer", |tx| tx.auth.signer_infos.clear(), 15),
    ("two signers", two, 14),
    ("nine signers", |tx| tx.auth.signer_infos = vec![tx.auth.signer_infos[0].clone(); 9], 2),
    ("no signature", |tx| tx.signatures = 0, 15),
    ("two signatures", |tx| tx.signatures = 2, 4),
    ("nine signatures", |tx| tx.signatures = 9, 2),
    ("no mode info", |tx| tx.info().mode_info = None, 2),
    ("empty mode info", |tx| tx.info().mode_info = Some(wire::ModeInfo { sum: None }), 2),
    ("multisignature", |tx| tx.info().mode_info = multisig(1), 37),
    ("multisignature 8 deep", |tx| tx.info().mode_info = multisig(8), 37),
    ("multisignature 200 deep", |tx| tx.info().mode_info = multisig(200), 2),
    ("ed25519 key", |tx| tx.info().public_key = Some(any("/cosmos.crypto.ed25519.PubKey", &[10, 0])), 8),
    ("key without a type", |tx| tx.info().public_key = Some(any("", &[])), 8),
    ("key of 32 bytes", |tx| tx.info().public_key = Some(crate::world::any_key(&[2; 32])), 8),
    ("key of 65 bytes", |tx| tx.info().public_key = Some(crate::world::any_key(&[4; 65])), 8),
    ("granter", |tx| tx.fee().granter = "ballast1x".into(), 18),
    ("17 coins", |tx| tx.fee().amount = vec![Coin { denom: "uusdc".into(), amount: "1".into() }; 17], 13),
    ("unordered coins", |tx| tx.fee().amount = coins("1uusdc,1uballast"), 13),
    ("repeated coin", |tx| tx.fee().amount = coins("1uusdc,1uusdc"), 13),
    ("coin of zero", |tx| tx.fee().amount = coins("0uusdc"), 13),
    ("negative coin", |tx| tx.fee().amount = coins("-1uusdc"), 13),
    ("coin of 2^128", |tx| tx.fee().amount = coins("340282366920938463463374607431768211456uusdc"), 13),
    ("signer part above 4 KiB", |tx| tx.fee().payer = "x".repeat(4_096), 2),
];

const EXTENSION: &str = accounts::tx::TX_EXTENSION;

#[test]
fn tx_07_tx_13_tx_18_transactions_beyond_what_is_offered_are_refused_by_name() {
    let mut world = World::new();
    let before = world.rows();
    for (name, change, code) in ROWS {
        let mut draft = Draft::new();
        change(&mut draft);
        let error = world.submit(&draft.bytes()).unwrap_err();
        assert_eq!((error.codespace(), error.code()), ("sdk", code), "{name}: {error}");
        assert_eq!(world.rows(), before, "{name}");
    }
}

#[test]
fn a_tip_is_refused() {
    // Field 3 of AuthInfo: a tip that is empty but there.
    let bytes = change_at(&Draft::new().bytes(), &[2], &|auth| auth.extend([0x1a, 0x00]));
    let error = World::new().submit(&bytes).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (37, "tips: feature not supported"));
}

#[test]
fn tx_21_text_that_is_not_utf_8_is_refused() {
    let bytes = change_at(&Draft::new().bytes(), &[1, 2], &|memo| memo[0] = 0xff);
    assert_eq!(World::new().submit(&bytes).unwrap_err().code(), 2);
}

#[test]
fn an_extension_that_selects_nothing_is_welcome_in_both_of_its_forms() {
    for value in [&[][..], &[0x0a, 0x00]] {
        let mut draft = Draft::new();
        draft.body.non_critical_extension_options = vec![any(EXTENSION, value)];
        World::new().submit(&draft.bytes()).unwrap();
    }
}

#[test]
fn tx_21_sixteen_messages_and_a_memo_of_256_bytes_are_welcome() {
    let mut draft = Draft::new();
    draft.body.messages = vec![draft.body.messages[0].clone(); 16];
    draft.body.memo = "\u{202e}\0\u{1b}[2J\n".repeat(25);
    assert_eq!(draft.body.memo.len(), 225);
    draft.body.memo.push_str(&"x".repeat(31));
    World::new().submit(&draft.bytes()).unwrap();
}

#[test]
fn tx_08_size_is_bounded_to_the_byte() {
    let bytes = Draft::new().bytes();
    let exact = Limits { bytes: bytes.len(), ..Limits::default() };
    assert!(decode_tx(&bytes, &exact).is_ok());
    let error = decode_tx(&bytes, &Limits { bytes: bytes.len() - 1, ..exact }).unwrap_err();
    assert_eq!(error.code(), 21);
    assert_eq!(decode_tx(&vec![0; 65_537], &Limits::default()).unwrap_err().code(), 21);
}

#[test]
fn tx_01_bytes_of_all_kinds_are_refused_without_a_panic() {
    let mut random: u64 = 1;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(random >> 56).unwrap()
    };
    for length in 0..2_000 {
        let bytes: Vec<u8> = (0..length % 300).map(|_| next()).collect();
        assert!(decode_tx(&bytes, &Limits::default()).is_err());
    }
    for bytes in [vec![], vec![0], vec![0x0a], vec![0xff; 65_536], [0x1a, 0x00].repeat(32_768)] {
        assert!(decode_tx(&bytes, &Limits::default()).is_err());
    }
}

#[test]
fn bytes_that_were_changed_anywhere_by_chance_are_refused() {
    let (good, mut world) = (Draft::new().bytes(), World::new());
    let mut random: u64 = 7;
    for _ in 0..5_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(random >> 33).unwrap() % good.len();
        let mut bytes = good.clone();
        match random % 3 {
            0 => drop(bytes.remove(place)),
            1 => bytes.insert(place, u8::try_from((random >> 20) & 255).unwrap()),
            _ => bytes.truncate(place),
        }
        assert!(world.submit(&bytes).is_err(), "{place}");
    }
}

#[test]
fn raw_transactions_are_named_by_the_hash_of_their_bytes() {
    use sha2::{Digest, Sha256};
    let bytes = Draft::new().raw().encode_to_vec();
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    assert_eq!(decode_tx(&bytes, &Limits::default()).unwrap().hash, hash);
}
