//! Golden transactions: accepted as they are, and refused after any change at all.

use accounts::{decode_tx, sign, Check, Kind, Limits, SignMode};
use prost::Message;
use types::Rejection;

use crate::world::{address, key, Draft, World, CHAIN};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn direct() -> Vec<u8> {
    hex(include_str!("../../golden/direct.hex"))
}

fn amino() -> Vec<u8> {
    hex(include_str!("../../golden/amino.hex"))
}

#[test]
fn an_address_is_the_hash_of_a_key() {
    // The generator of the curve is the key of the secret 1.
    let mut generator = [0; 33];
    generator.copy_from_slice(&hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"));
    let hash = hex("751e76e8199196d454941c45d1b3a323f1433bd6");
    assert_eq!(accounts::address_of(&generator).bytes().as_slice(), hash);
    assert_eq!(address(1).to_bech32("ballast"), "ballast10xcqpzrky6eff2g52qdye53xkk9jxkvrkjfw58");
}

#[test]
fn the_golden_transactions_decode_to_what_was_put_in() {
    for (bytes, mode) in [(direct(), SignMode::Direct), (amino(), SignMode::AminoJson)] {
        let tx = decode_tx(&bytes, &Limits::default()).unwrap();
        assert_eq!((tx.messages.len(), tx.memo.as_str(), tx.timeout_height), (1, "rent & <more>", 120));
        assert_eq!((tx.fee.gas_limit, tx.sequence, tx.mode), (200_000, 3, mode));
        assert_eq!(bank::coins::text(&tx.fee.coins), "5000uusdc");
        assert_eq!((tx.public_key, tx.size, tx.signature.len()), (Some(key(1)), bytes.len(), 64));
        assert!(!tx.extended);
        World::new().submit(&bytes).unwrap();
    }
}

#[test]
fn the_signed_bytes_equal_the_golden_ones() {
    let tx = decode_tx(&amino(), &Limits::default()).unwrap();
    let golden = include_str!("../../golden/amino.json").trim_end();
    assert_eq!(sign::sign_bytes(&tx, CHAIN, 7).unwrap(), golden.as_bytes());
    assert_eq!(Draft::new().bytes(), direct());
    assert_eq!(Draft::new().amino().encode_to_vec(), amino());
}

#[test]
fn tx_02_no_prefix_of_a_golden_transaction_decodes_as_one_that_is_admitted() {
    let mut world = World::new();
    let before = world.rows();
    for bytes in [direct(), amino()] {
        for end in 0..bytes.len() {
            assert!(world.submit(&bytes[..end]).is_err(), "the first {end} bytes");
        }
    }
    assert_eq!(world.rows(), before);
}

/// Flip every bit of `bytes`; every result must be refused and leave no trace.
fn flip_all(bytes: &[u8], kind: Kind) -> usize {
    let mut world = World::new();
    let before = world.rows();
    let mut flips = 0;
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            flipped[position] ^= 1 << bit;
            flips += 1;
            let Ok(tx) = decode_tx(&flipped, &Limits::default()) else { continue };
            let error = world.admit(&tx, kind, Check::Verify).unwrap_err();
            assert!(error.code() > 1, "byte {position}, bit {bit}");
        }
    }
    assert_eq!(world.rows(), before);
    assert!(world.events.is_empty());
    flips
}

#[test]
fn tx_03_no_golden_transaction_survives_the_flip_of_a_single_bit() {
    assert_eq!(flip_all(&direct(), Kind::Paid), direct().len() * 8);
    assert_eq!(flip_all(&amino(), Kind::Paid), amino().len() * 8);
}

#[test]
fn tx_03_a_sequence_free_transaction_survives_no_flip_either() {
    assert_eq!(flip_all(&direct(), Kind::SequenceFree), direct().len() * 8);
}
