//! Bytes, signatures, sequences, fees, gas: everything around the messages.

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{mode_info, AuthInfo, ModeInfo, TxBody, TxRaw};
use cosmos_sdk_proto::Any;
use prost::Message;
use proto::dydxprotocol::clob::order::Side;
use scenario::{sign, sign_with, Envelope, Wallet, World};

use crate::{long_term, row, Left, Row, BTC, PRICE, SIZE, USDC};

const NOTHING: Left = Left::Nothing;

/// A good transaction of alice.
fn good(world: &World) -> Vec<u8> {
    world.sign("alice", &[world.withdraw("alice", 1)])
}

/// A good one with another envelope.
fn enveloped(world: &World, edit: impl FnOnce(&mut Envelope)) -> Vec<u8> {
    let mut envelope = world.envelope("alice");
    edit(&mut envelope);
    sign(&Wallet::new("alice"), &[world.withdraw("alice", 1)], &envelope)
}

/// A good one whose body or signing information is changed before it is signed.
fn edited(world: &World, edit: impl FnOnce(&mut TxBody, &mut AuthInfo)) -> Vec<u8> {
    let (wallet, envelope) = (Wallet::new("alice"), world.envelope("alice"));
    sign_with(&wallet, &[world.withdraw("alice", 1)], &envelope, edit)
}

/// A good one that is changed after it was signed.
fn tampered(world: &World, edit: impl FnOnce(&mut TxRaw)) -> Vec<u8> {
    let mut raw = TxRaw::decode(good(world).as_slice()).unwrap();
    edit(&mut raw);
    raw.encode_to_vec()
}

fn key(bytes: &[u8]) -> Option<Any> {
    let value = PubKey { key: bytes.to_vec() }.encode_to_vec();
    Some(Any { type_url: "/cosmos.crypto.secp256k1.PubKey".into(), value })
}

fn coin(amount: &str, denom: &str) -> Coin {
    Coin { denom: denom.into(), amount: amount.into() }
}

fn mode(mode: i32) -> Option<ModeInfo> {
    Some(ModeInfo { sum: Some(mode_info::Sum::Single(mode_info::Single { mode })) })
}

/// The order of the group, less `s`: the other signature of the same message.
fn other_half(s: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let mut borrow = 0;
    for (byte, order) in s.iter_mut().zip(ORDER).rev() {
        let difference = i32::from(order) - i32::from(*byte) - borrow;
        borrow = i32::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = bytes();
    rows.extend(signatures());
    rows.extend(sequences());
    rows.extend(fees());
    rows.extend(bodies());
    rows.extend(mixes());
    rows
}

fn bytes() -> Vec<Row> {
    vec![
        row("no bytes", ("sdk", 18), NOTHING, |_| Vec::new()),
        row("one byte", ("sdk", 2), NOTHING, |_| vec![0x0a]),
        row("noise", ("sdk", 2), NOTHING, |_| (0..200).map(|i: u8| i.wrapping_mul(167) ^ 0x5c).collect()),
        row("cut off by one byte", ("sdk", 2), NOTHING, |world| {
            let mut tx = good(world);
            tx.pop();
            tx
        }),
        row("cut off in the body", ("sdk", 2), NOTHING, |world| good(world)[..20].to_vec()),
        row("an unknown field", ("sdk", 2), NOTHING, |world| {
            let mut tx = good(world);
            tx.extend([0x7a, 0x00]);
            tx
        }),
        row("an unknown field in the body", ("sdk", 2), NOTHING, |world| {
            tampered(world, |raw| raw.body_bytes.extend([0x52, 0x01, 0x00]))
        }),
        row("fields in another order", ("sdk", 2), NOTHING, |world| {
            let raw = TxRaw::decode(good(world).as_slice()).unwrap();
            let signature = TxRaw { signatures: raw.signatures.clone(), ..TxRaw::default() };
            let rest = TxRaw { signatures: Vec::new(), ..raw };
            [signature.encode_to_vec(), rest.encode_to_vec()].concat()
        }),
        row("an over-long integer", ("sdk", 2), NOTHING, |world| {
            // Timeout height 1 in two bytes.
            tampered(world, |raw| raw.body_bytes.extend([0x18, 0x81, 0x00]))
        }),
        row("more bytes than allowed", ("sdk", 21), NOTHING, |world| {
            enveloped(world, |envelope| envelope.memo = "m".repeat(65_536))
        }),
        row("oracle votes from a user", ("app", 3), NOTHING, |world| {
            [vec![app::oracle::VOTE_SET_MARK], good(world)].concat()
        }),
    ]
}

fn signatures() -> Vec<Row> {
    vec![
        row("unsigned", ("sdk", 15), NOTHING, |world| tampered(world, |raw| raw.signatures.clear())),
        row("an empty signature", ("sdk", 4), NOTHING, |world| {
            tampered(world, |raw| raw.signatures[0].clear())
        }),
        row("a zero signature", ("sdk", 4), NOTHING, |world| {
            tampered(world, |raw| raw.signatures[0] = vec![0; 64])
        }),
        row("a signature with a byte more", ("sdk", 4), NOTHING, |world| {
            tampered(world, |raw| raw.signatures[0].push(0))
        }),
        row("two signatures", ("sdk", 4), NOTHING, |world| {
            tampered(world, |raw| raw.signatures.push(raw.signatures[0].clone()))
        }),
        row("one bit of the signature", ("sdk", 4), NOTHING, |world| {
            tampered(world, |raw| raw.signatures[0][40] ^= 1)
        }),
        row("the upper half of s", ("sdk", 4), NOTHING, |world| {
            tampered(world, |raw| other_half(&mut raw.signatures[0][32..]))
        }),
        row("one bit of the body", ("sdk", 4), NOTHING, |world| {
            let tx = enveloped(world, |envelope| envelope.memo = "memo".into());
            let mut raw = TxRaw::decode(tx.as_slice()).unwrap();
            *raw.body_bytes.last_mut().unwrap() ^= 1;
            raw.encode_to_vec()
        }),
        row("another key's signature", ("sdk", 4), NOTHING, |world| {
            let bob = Wallet::new("bob");
            sign_with(&bob, &[world.withdraw("alice", 1)], &world.envelope("alice"), |_, auth| {
                auth.signer_infos[0].public_key = key(&Wallet::new("alice").public_key());
            })
        }),
        row("another's key", ("sdk", 8), NOTHING, |world| {
            sign(&Wallet::new("bob"), &[world.withdraw("alice", 1)], &world.envelope("alice"))
        }),
        row("a key of 32 bytes", ("sdk", 8), NOTHING, |world| {
            edited(world, |_, auth| auth.signer_infos[0].public_key = key(&[2; 32]))
        }),
        row("a key that is no point", ("sdk", 8), NOTHING, |world| {
            edited(world, |_, auth| auth.signer_infos[0].public_key = key(&[0xff; 33]))
        }),
        row("an ed25519 key", ("sdk", 8), NOTHING, |world| {
            edited(world, |_, auth| {
                let key = auth.signer_infos[0].public_key.as_mut().unwrap();
                key.type_url = "/cosmos.crypto.ed25519.PubKey".into();
            })
        }),
        row("two signers", ("sdk", 14), NOTHING, |world| {
            edited(world, |_, auth| auth.signer_infos.push(auth.signer_infos[0].clone()))
        }),
        row("no signer", ("sdk", 15), NOTHING, |world| edited(world, |_, auth| auth.signer_infos.clear())),
        row("no sign mode", ("sdk", 2), NOTHING, |world| {
            edited(world, |_, auth| auth.signer_infos[0].mode_info = None)
        }),
        row("the textual sign mode", ("sdk", 37), NOTHING, |world| {
            edited(world, |_, auth| auth.signer_infos[0].mode_info = mode(2))
        }),
        row("amino JSON for a message it does not know", ("sdk", 37), NOTHING, |world| {
            edited(world, |_, auth| auth.signer_infos[0].mode_info = mode(127))
        }),
        row("a multisignature", ("sdk", 37), NOTHING, |world| {
            edited(world, |_, auth| {
                let multi = mode_info::Multi::default();
                let sum = Some(mode_info::Sum::Multi(multi));
                auth.signer_infos[0].mode_info = Some(ModeInfo { sum });
            })
        }),
    ]
}

fn sequences() -> Vec<Row> {
    vec![
        row("a replay", ("sdk", 32), NOTHING, |world| {
            let deposit = world.deposit("alice", 100_000 * USDC);
            let envelope = Envelope { sequence: 0, ..world.envelope("alice") };
            sign(&Wallet::new("alice"), &[deposit], &envelope)
        }),
        row("a sequence too low", ("sdk", 32), NOTHING, |world| {
            enveloped(world, |envelope| envelope.sequence -= 1)
        }),
        row("a sequence too high", ("sdk", 32), NOTHING, |world| {
            enveloped(world, |envelope| envelope.sequence += 1)
        }),
        row("the last sequence", ("sdk", 32), NOTHING, |world| {
            enveloped(world, |envelope| envelope.sequence = u64::MAX)
        }),
        row("another chain", ("sdk", 4), NOTHING, |world| {
            enveloped(world, |envelope| envelope.chain_id = "ballast-story-2".into())
        }),
        row("no chain", ("sdk", 4), NOTHING, |world| {
            enveloped(world, |envelope| envelope.chain_id = String::new())
        }),
        row("another account number", ("sdk", 4), NOTHING, |world| {
            enveloped(world, |envelope| envelope.account_number += 1)
        }),
        row("a signer without an account", ("sdk", 9), NOTHING, |world| {
            sign(&Wallet::new("nobody"), &[world.withdraw("nobody", 1)], &world.envelope("nobody"))
        }),
        row("a free order for another chain", ("sdk", 4), NOTHING, |world| {
            let order = world.place(world.order("alice", BTC, 50, (Side::Buy, SIZE, PRICE)));
            let envelope = Envelope { chain_id: "other".into(), ..world.envelope("alice") };
            sign(&Wallet::new("alice"), &[order], &envelope)
        }),
    ]
}

fn fees() -> Vec<Row> {
    vec![
        row("no fee", ("sdk", 13), NOTHING, |world| enveloped(world, |envelope| envelope.fee = None)),
        row("a fee too low by one", ("sdk", 13), NOTHING, |world| {
            enveloped(world, |envelope| envelope.fee = Some((24_999, "uballast".into())))
        }),
        row("a fee in another coin", ("sdk", 13), NOTHING, |world| {
            enveloped(world, |envelope| envelope.fee = Some((25_000, "uother".into())))
        }),
        row("a fee of zero coins", ("sdk", 13), NOTHING, |world| {
            enveloped(world, |envelope| envelope.fee = Some((0, "uballast".into())))
        }),
        row("a fee beyond the balance", ("sdk", 5), NOTHING, |world| {
            enveloped(world, |envelope| envelope.fee = Some((1 << 100, "uballast".into())))
        }),
        row("a fee that overflows", ("sdk", 13), NOTHING, |world| {
            edited(world, |_, auth| {
                let huge = "340282366920938463463374607431768211456";
                auth.fee.as_mut().unwrap().amount = vec![coin(huge, "uballast")];
            })
        }),
        row("a negative fee", ("sdk", 13), NOTHING, |world| {
            edited(world, |_, auth| auth.fee.as_mut().unwrap().amount = vec![coin("-25000", "uballast")])
        }),
        row("fee coins out of order", ("sdk", 13), NOTHING, |world| {
            edited(world, |_, auth| {
                let coins = vec![coin("25000", "uusdc"), coin("25000", "uballast")];
                auth.fee.as_mut().unwrap().amount = coins;
            })
        }),
        row("somebody else pays the fee", ("sdk", 4), NOTHING, |world| {
            let bob = world.address("bob");
            edited(world, |_, auth| auth.fee.as_mut().unwrap().payer = bob)
        }),
        row("an allowance pays the fee", ("sdk", 18), NOTHING, |world| {
            let bob = world.address("bob");
            edited(world, |_, auth| auth.fee.as_mut().unwrap().granter = bob)
        }),
        row("no gas", ("sdk", 11), NOTHING, |world| enveloped(world, |envelope| envelope.gas = 0)),
        row("too little gas", ("sdk", 11), NOTHING, |world| {
            enveloped(world, |envelope| envelope.gas = 10_000)
        }),
        row("more gas than a block", ("sdk", 41), NOTHING, |world| {
            enveloped(world, |envelope| envelope.gas = 50_000_001)
        }),
        row("all gas there is", ("sdk", 41), NOTHING, |world| {
            enveloped(world, |envelope| envelope.gas = u64::MAX)
        }),
    ]
}

fn bodies() -> Vec<Row> {
    vec![
        row("no message", ("sdk", 18), NOTHING, |world| world.sign("alice", &[])),
        row("17 messages", ("sdk", 2), NOTHING, |world| {
            world.sign("alice", &vec![world.withdraw("alice", 1); 17])
        }),
        row("a memo of 257 bytes", ("sdk", 12), NOTHING, |world| {
            enveloped(world, |envelope| envelope.memo = "m".repeat(257))
        }),
        row("a timeout that has passed", ("sdk", 30), NOTHING, |world| {
            enveloped(world, |envelope| envelope.timeout_height = world.height())
        }),
        row("an extension", ("sdk", 31), NOTHING, |world| {
            edited(world, |body, _| body.extension_options.push(Any::default()))
        }),
        row("an unknown message", ("sdk", 6), NOTHING, |world| {
            world.sign("alice", &[Any { type_url: "/ballast.Nothing".into(), value: vec![1] }])
        }),
        row("a message of the authority that names nobody", ("sdk", 2), NOTHING, |world| {
            let type_url = "/dydxprotocol.clob.MsgUpdateClobPair".into();
            world.sign("alice", &[Any { type_url, value: Vec::new() }])
        }),
        row("a message of the engine", ("sdk", 6), NOTHING, |world| {
            let type_url = "/dydxprotocol.clob.MsgProposedOperations".into();
            world.sign("alice", &[Any { type_url, value: Vec::new() }])
        }),
        row("a message that does not decode", ("sdk", 2), NOTHING, |world| {
            let message = Any { value: vec![0xff], ..world.withdraw("alice", 1) };
            world.sign("alice", &[message])
        }),
        row("an unknown field in a message", ("sdk", 2), NOTHING, |world| {
            let mut message = world.withdraw("alice", 1);
            message.value.extend([0x78, 0x01]);
            world.sign("alice", &[message])
        }),
    ]
}

fn mixes() -> Vec<Row> {
    vec![
        row("messages of two signers", ("sdk", 4), NOTHING, |world| {
            world.sign("alice", &[world.withdraw("alice", 1), world.withdraw("bob", 1)])
        }),
        row("a short-term order beside a withdrawal", ("app", 2), NOTHING, |world| {
            let order = world.place(world.order("alice", BTC, 50, (Side::Buy, SIZE, PRICE)));
            world.sign("alice", &[order, world.withdraw("alice", 1)])
        }),
        row("two short-term orders", ("app", 2), NOTHING, |world| {
            let order = |id| world.place(world.order("alice", BTC, id, (Side::Buy, SIZE, PRICE)));
            world.sign("alice", &[order(50), order(51)])
        }),
        row("a long-term order beside two transfers", ("app", 2), NOTHING, |world| {
            let transfer = world.transfer("alice", "bob", 1);
            world.sign("alice", &[world.place(long_term(world, 50)), transfer.clone(), transfer])
        }),
        row("a long-term order beside a withdrawal", ("app", 2), NOTHING, |world| {
            world.sign("alice", &[world.place(long_term(world, 50)), world.withdraw("alice", 1)])
        }),
    ]
}
