//! What `abci_query` proves, checked with the `ics23` crate against the header after the answer's height.

use ics23::commitment_proof::Proof as Body;
use ics23::{CommitmentProof, HostFunctionsManager};
use prost::Message;
use scenario::{any, sign, Envelope, Wallet};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};

use crate::engine::{Engine, CHAIN};

fn deposit(person: &str, sequence: u64) -> Vec<u8> {
    use proto::dydxprotocol::{sending::MsgDepositToSubaccount, subaccounts::SubaccountId};
    let owner = Wallet::new(person).address().to_bech32("ballast");
    let message = MsgDepositToSubaccount {
        sender: owner.clone(),
        recipient: Some(SubaccountId { owner, number: 0 }),
        asset_id: 0,
        quantums: 5_000_000,
    };
    let envelope = Envelope {
        chain_id: CHAIN.into(),
        account_number: 0,
        sequence,
        fee: Some((25_000, "uusdc".into())),
        gas: 1_000_000,
        memo: String::new(),
        timeout_height: 0,
    };
    sign(&Wallet::new(person), &[any(&message)], &envelope)
}

fn query(engine: &Engine, key: &[u8]) -> ResponseQuery {
    engine.host.query(RequestQuery {
        path: "/store/subaccounts/key".into(),
        data: key.to_vec().into(),
        height: 0,
        prove: true,
    })
}

/// The two operations, from key to store root to app hash.
fn verify(answer: &ResponseQuery, app_hash: &[u8]) -> bool {
    let ops = &answer.proof_ops.as_ref().unwrap().ops;
    assert_eq!(ops.iter().map(|op| op.r#type.as_str()).collect::<Vec<_>>(), ["ics23:jmt", "ics23:simple"]);
    let proofs: Vec<_> = ops.iter().map(|op| CommitmentProof::decode(op.data.as_slice()).unwrap()).collect();
    let Some(Body::Exist(store)) = &proofs[1].proof else { panic!("the store must exist") };
    let outer = ics23::verify_membership::<HostFunctionsManager>(
        &proofs[1],
        &ics23::tendermint_spec(),
        &app_hash.to_vec(),
        b"subaccounts",
        &store.value,
    );
    let (spec, key) = (tree::store_spec(), &answer.key);
    let inner = if answer.value.is_empty() {
        ics23::verify_non_membership::<HostFunctionsManager>(&proofs[0], &spec, &store.value, key)
    } else {
        ics23::verify_membership::<HostFunctionsManager>(&proofs[0], &spec, &store.value, key, &answer.value)
    };
    outer && inner
}

#[test]
fn a_subaccount_and_its_absence_are_proven_against_the_next_header() {
    let mut engine = Engine::in_memory(&["alice"]);
    engine.block(&[]);
    let number = accounts_number(&engine);
    assert_eq!(number, 0, "alice is the first account");
    let result = engine.block(&[deposit("alice", 0)]);
    assert_eq!(result.tx_results[1].code, 0, "{}", result.tx_results[1].log);
    // The header of block h + 1 carries the state root after block h.
    let header_app_hash = engine.app_hash.clone();
    engine.block(&[]);
    let mut key = vec![0x00];
    key.extend_from_slice(Wallet::new("alice").address().bytes());
    key.extend_from_slice(&0_u32.to_be_bytes());
    let present = query(&engine, &key);
    assert_eq!(present.height, 2);
    assert!(!present.value.is_empty());
    assert!(verify(&present, &header_app_hash));
    let mut other = key.clone();
    other[24] = 7;
    let absent = query(&engine, &other);
    assert!(absent.value.is_empty());
    assert!(verify(&absent, &header_app_hash));
    let mut wrong = header_app_hash.clone();
    wrong[0] ^= 1;
    assert!(!verify(&present, &wrong));
    let mut forged = present.clone();
    forged.value = vec![1; present.value.len()].into();
    assert!(!verify(&forged, &header_app_hash));
}

fn accounts_number(engine: &Engine) -> u64 {
    use cosmos_sdk_proto::cosmos::auth::v1beta1 as auth;
    let request = auth::QueryAccountRequest { address: Wallet::new("alice").address().to_bech32("ballast") };
    let path = "/cosmos.auth.v1beta1.Query/Account";
    let answer = engine.host.call(path, &request.encode_to_vec(), 0).unwrap();
    let any = auth::QueryAccountResponse::decode(answer.value.as_slice()).unwrap().account.unwrap();
    auth::BaseAccount::decode(any.value.as_slice()).unwrap().account_number
}

#[test]
fn unknown_stores_heights_and_paths_are_refused_with_words() {
    let mut engine = Engine::in_memory(&["alice"]);
    engine.block(&[]);
    for (path, height, code) in [
        ("/store/nothing/key", 0, 18),
        ("/store/bank/subspace", 0, 18),
        ("/store/bank/key", 99, 18),
        ("/nonsense", 0, 6),
        ("/cosmos.auth.v1beta1.Query/Nonsense", 0, 6),
        ("", 0, 6),
    ] {
        let prove = height > 0;
        let request = RequestQuery { path: path.into(), height, prove, ..RequestQuery::default() };
        let answer = engine.host.query(request);
        assert_eq!(answer.code, code, "{path}: {}", answer.log);
        assert!(!answer.log.is_empty());
    }
    let unknown = proto::dydxprotocol::prices::QueryMarketPriceRequest { id: 999 };
    let answer = engine.host.query(RequestQuery {
        path: "/dydxprotocol.prices.Query/MarketPrice".into(),
        data: unknown.encode_to_vec().into(),
        ..RequestQuery::default()
    });
    assert_eq!(answer.code, 22);
    assert!(answer.log.starts_with("rpc error: code = NotFound"), "{}", answer.log);
}
