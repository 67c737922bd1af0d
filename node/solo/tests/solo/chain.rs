//! The engine with the real application: votes become prices, signed transactions move coins, proofs hold
//! against headers, and a node that dies goes on.

use std::collections::BTreeMap;
use std::path::Path;

use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use host::{Host, PriceSource};
use num::Price;
use scenario::{any, sign, Envelope, Wallet, World};
use solo::{ChainValidator, Engine, EngineError, Genesis, Key, Point, Voter};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::RequestQuery;
use tendermint_proto::v0_38::crypto::ProofOp;
use types::{Denom, MarketId};

use crate::support::{config, keys, start_time};

const DENOM: &str = "uballast";

/// A source whose prices are the genesis' times `percent` / 100.
struct Scaled(u64);

impl PriceSource for Scaled {
    fn prices(&self, _: u64) -> BTreeMap<MarketId, Price> {
        let markets = World::devnet().markets.into_iter();
        markets.map(|market| (MarketId(market.id), Price::new(market.price * self.0 / 100))).collect()
    }
}

fn genesis() -> Genesis {
    let mut app = World::devnet();
    app.balances.push(app::genesis::Balance {
        address: Wallet::new("alice").address().to_bech32(&app.prefix),
        coins: vec![app::genesis::GenesisCoin { denom: DENOM.into(), amount: "1000000000".into() }],
    });
    let state: serde_json::Value = serde_json::to_value(&app).unwrap();
    let validators = keys(3).into_iter().map(|key| ChainValidator::new(key.public(), 10));
    Genesis::new("solo-test-1", start_time(), validators.collect(), state)
}

pub(crate) fn open(folder: &Path) -> (Engine, Host) {
    let host = Host::open(&folder.join("state.db"), host::Config::default(), ()).unwrap();
    let voter = |(key, percent): (Key, u64)| Voter::new(key, host.voting(Scaled(percent)));
    let voters = keys(3).into_iter().zip([101, 100, 110]).map(voter).collect();
    let engine = Engine::open(&config(folder), host.clone(), genesis(), voters).unwrap();
    (engine, host)
}

pub(crate) fn send(host: &Host, amount: u64) -> Vec<u8> {
    let (alice, bob) = (Wallet::new("alice"), Wallet::new("bob"));
    let chain = host.chain().unwrap();
    let account = accounts::account(&host.reader().latest(), &alice.address()).unwrap_or_default();
    let message = MsgSend {
        from_address: alice.address().to_bech32(&chain.prefix),
        to_address: bob.address().to_bech32(&chain.prefix),
        amount: vec![WireCoin { denom: DENOM.into(), amount: amount.to_string() }],
    };
    let envelope = Envelope {
        chain_id: "solo-test-1".into(),
        account_number: account.number,
        sequence: account.sequence,
        fee: Some((25_000, DENOM.into())),
        gas: 1_000_000,
        memo: String::new(),
        timeout_height: 0,
    };
    sign(&alice, &[any(&message)], &envelope)
}

#[test]
fn three_votes_per_asset_become_the_median() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, host) = open(folder.path());
    engine.step().unwrap();
    let decided = engine.step().unwrap();
    assert_eq!(decided.results.tx_results.len(), 1, "the votes for block 1");
    assert_eq!(decided.results.tx_results[0].code, 0);
    let view = host.reader().latest();
    for market in World::devnet().markets {
        let price = prices::price(&view, MarketId(market.id)).unwrap();
        assert_eq!(price.price, Price::new(market.price * 101 / 100), "market {}", market.id);
        assert_eq!(price.updated_height, 2);
    }
}

#[test]
fn a_signed_transaction_is_checked_executed_and_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, host) = open(folder.path());
    engine.step().unwrap();
    let tx = send(&host, 5_000);
    let mut forged = tx.clone();
    *forged.last_mut().unwrap() ^= 1;
    let refused = engine.submit(forged).unwrap();
    assert_eq!((refused.codespace.as_str(), refused.code), ("sdk", 4));
    let check = engine.submit(tx).unwrap();
    assert_eq!((check.code, check.log.as_str()), (0, ""));
    let decided = engine.step().unwrap();
    assert_eq!(decided.results.tx_results.iter().map(|result| result.code).collect::<Vec<_>>(), [0, 0]);
    let bob =
        bank::balance(&host.reader().latest(), &Wallet::new("bob").address(), &Denom::new(DENOM).unwrap());
    assert_eq!(bob, 5_000);
    assert_eq!(host.last_block().app_hash, engine.app_hash());
}

#[test]
fn a_proof_of_stored_state_holds_against_the_next_header() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, host) = open(folder.path());
    for _ in 0..4 {
        engine.step().unwrap();
    }
    let next = engine.step().unwrap();
    // The first row of the prices module, whatever it is.
    let view = host.reader().latest();
    let from = std::ops::Bound::Included(&[0x11_u8][..]);
    let (key, value) = store::Read::next(&view, from, std::ops::Bound::Unbounded).unwrap();
    let answer = host.query(RequestQuery {
        data: key[1..].to_vec().into(),
        path: "/store/prices/key".into(),
        height: 4,
        prove: true,
    });
    assert_eq!((answer.code, answer.height), (0, 4), "{}", answer.log);
    assert!(!value.is_empty() && !answer.value.is_empty());
    let header = next.stored.block.header.clone().unwrap();
    assert_eq!(header.height, 5);
    let op = |op: ProofOp| tree::Op { kind: kind(&op.r#type), key: op.key, data: op.data };
    let ops: Vec<tree::Op> = answer.proof_ops.unwrap().ops.into_iter().map(op).collect();
    let ops: [tree::Op; 2] = ops.try_into().unwrap();
    let root: [u8; 32] = header.app_hash.as_slice().try_into().unwrap();
    tree::verify(&root, "prices", &key[1..], Some(&answer.value), &ops).unwrap();
    assert!(tree::verify(&root, "prices", &key[1..], Some(b"other"), &ops).is_err());
    let other = host.last_block().app_hash;
    assert!(tree::verify(&other, "prices", &key[1..], Some(&answer.value), &ops).is_err(), "another height");
}

fn kind(text: &str) -> &'static str {
    [tree::STORE_OP, tree::SIMPLE_OP].into_iter().find(|kind| *kind == text).unwrap()
}

/// Six blocks with transactions; dies at `point` of block `at`.
fn run(point: Option<Point>, at: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, mut host) = open(folder.path());
    let mut died = false;
    while engine.height() < 6 {
        let next = engine.height() + 1;
        if next > 1 {
            engine.submit(send(&host, next)).unwrap();
        }
        if let (Some(point), false) = (point, died || next != at) {
            engine.interrupt_at(point);
        }
        match engine.step() {
            Ok(_) => {}
            Err(EngineError::Interrupted(_)) => {
                died = true;
                drop((engine, host));
                (engine, host) = open(folder.path());
            }
            Err(error) => panic!("{error}"),
        }
    }
    engine.app_hash().to_vec()
}

#[test]
fn the_real_application_goes_on_from_any_moment_with_the_same_state() {
    let undisturbed = run(None, 0);
    let points = [Point::Proposed, Point::BlockSaved, Point::Executed, Point::ResultsSaved, Point::Committed];
    for point in points {
        for at in [1, 2, 5] {
            assert_eq!(run(Some(point), at), undisturbed, "{point:?} of block {at}");
        }
    }
}
