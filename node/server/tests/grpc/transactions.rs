//! Sending, simulating and finding transactions.

use bytes::Bytes;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{MsgSend, QueryBalanceRequest, QueryBalanceResponse};
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as tx;
use cosmos_sdk_proto::Any;
use prost::Message;
use proto::dydxprotocol::sending::{MsgDepositToSubaccount, MsgWithdrawFromSubaccount};
use proto::dydxprotocol::subaccounts::SubaccountId;
use scenario::{any, sign, sign_with, Envelope, Wallet};
use server::{EngineError, Wait};
use tonic::Code;

use crate::engine::hash;
use crate::support::{start, Chain, CHAIN};

const SERVICE: &str = "/cosmos.tx.v1beta1.Service";

fn message() -> cosmos_sdk_proto::Any {
    let address = |name: &str| Wallet::new(name).address().to_bech32("ballast");
    any(&MsgSend {
        from_address: address("alice"),
        to_address: address("bob"),
        amount: vec![Coin { denom: "uusdc".into(), amount: "5".into() }],
    })
}

fn envelope(fee: Option<(u128, String)>, gas: u64) -> Envelope {
    Envelope {
        chain_id: CHAIN.into(),
        account_number: 0,
        sequence: 0,
        fee,
        gas,
        memo: String::new(),
        timeout_height: 0,
    }
}

/// A transaction of `name`, signed for account `number`.
pub(crate) fn signed(_: &Chain, name: &str, number: u64) -> Bytes {
    let mut envelope = envelope(Some((5_000, "uusdc".into())), 200_000);
    envelope.account_number = number;
    sign(&Wallet::new(name), &[message()], &envelope).into()
}

/// A transaction as clients simulate it: no fee, no gas, one empty signature.
pub(crate) fn unsigned() -> Vec<u8> {
    let raw = sign(&Wallet::new("alice"), &[message()], &envelope(None, 0));
    let mut raw = tx::TxRaw::decode(raw.as_slice()).unwrap();
    raw.signatures = vec![Vec::new()];
    raw.encode_to_vec()
}

#[tokio::test]
async fn a_simulation_takes_all_forms_that_clients_send() {
    let chain = start().await;
    let alice = Wallet::new("alice");
    let decoded = sign(&alice, &[message()], &envelope(None, 1_000_000));
    let fully = sign(&alice, &[message()], &envelope(Some((1_000_000, "uusdc".into())), 40_000_000));
    let keyless = sign_with(&alice, &[message()], &envelope(None, 0), |_, auth| {
        auth.signer_infos[0].public_key = None;
        let single = tx::mode_info::Single { mode: 127 };
        auth.signer_infos[0].mode_info = Some(tx::ModeInfo { sum: Some(tx::mode_info::Sum::Single(single)) });
    });
    let mut keyless = tx::TxRaw::decode(keyless.as_slice()).unwrap();
    keyless.signatures = vec![vec![0; 64]];
    let bytes = |tx_bytes: Vec<u8>| tx::SimulateRequest { tx_bytes, ..Default::default() };
    #[allow(deprecated, reason = "old clients still send the decoded form")]
    let old = tx::SimulateRequest { tx: tx::Tx::decode(decoded.as_slice()).ok(), tx_bytes: Vec::new() };
    let variants =
        [("a", bytes(unsigned())), ("b", old), ("c", bytes(fully)), ("d", bytes(keyless.encode_to_vec()))];
    for (name, request) in variants {
        let answer: tx::SimulateResponse = chain
            .call(&format!("{SERVICE}/Simulate"), &request)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let gas = answer.gas_info.unwrap();
        assert!(gas.gas_used > 10_000, "{name}: {gas:?}");
        // What it would do is told as events; the fee is there where one is paid.
        let events = answer.result.unwrap().events;
        assert!(events.iter().any(|event| event.r#type == "transfer"), "{name}: {events:?}");
    }
}

#[tokio::test]
async fn a_simulation_moves_money_as_a_block_would_and_leaves_it_where_it_is() {
    let chain = start().await;
    let address = |name: &str| Wallet::new(name).address().to_bech32("ballast");
    let account = |owner: &str, number| SubaccountId { owner: address(owner), number };
    let owns = || async {
        let request = QueryBalanceRequest { address: address("alice"), denom: "uusdc".into() };
        let answer: QueryBalanceResponse =
            chain.call("/cosmos.bank.v1beta1.Query/Balance", &request).await.unwrap();
        answer.balance.unwrap().amount.parse::<u64>().unwrap()
    };
    let deposit = |quantums| {
        any(&MsgDepositToSubaccount {
            sender: address("alice"),
            recipient: Some(account("alice", 9)),
            asset_id: 0,
            quantums,
        })
    };
    let withdraw = |quantums| {
        any(&MsgWithdrawFromSubaccount {
            sender: Some(account("alice", 9)),
            recipient: address("alice"),
            asset_id: 0,
            quantums,
        })
    };
    let owned = owns().await;
    let path = format!("{SERVICE}/Simulate");
    let simulate = |messages: Vec<Any>| {
        let tx_bytes = sign(&Wallet::new("alice"), &messages, &envelope(None, 0));
        let request = tx::SimulateRequest { tx_bytes, ..Default::default() }.encode_to_vec();
        chain.raw(&path, request)
    };
    // One after the other: what the first brings, the second may take.
    simulate(vec![deposit(1_000), withdraw(1_000)]).await.unwrap();
    simulate(vec![deposit(owned)]).await.unwrap();
    for (messages, words) in [
        (vec![deposit(owned + 1)], "insufficient funds"),
        (vec![withdraw(1)], "subaccounts"),
        (vec![deposit(1_000), withdraw(1_001)], "subaccounts"),
        (vec![deposit(owned), message()], "insufficient funds"),
    ] {
        let status = simulate(messages).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(words), "{words}: {status:?}");
    }
    assert_eq!(owns().await, owned, "nothing has happened");
}

#[tokio::test]
async fn a_simulation_of_what_is_not_a_transaction_is_refused() {
    let chain = start().await;
    for tx_bytes in [Vec::new(), vec![0xff; 40], signed(&chain, "nobody", 0).to_vec()] {
        let request = tx::SimulateRequest { tx_bytes, ..Default::default() }.encode_to_vec();
        let status = chain.raw(&format!("{SERVICE}/Simulate"), request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    }
}

#[tokio::test]
async fn what_is_sent_reaches_the_engine_in_the_mode_that_was_asked_for() {
    let chain = start().await;
    for (mode, wait) in [(tx::BroadcastMode::Sync, Wait::Check), (tx::BroadcastMode::Async, Wait::Nothing)] {
        let request = tx::BroadcastTxRequest { tx_bytes: b"hello".to_vec(), mode: mode.into() };
        let answer: tx::BroadcastTxResponse =
            chain.call(&format!("{SERVICE}/BroadcastTx"), &request).await.unwrap();
        let answer = answer.tx_response.unwrap();
        // A refusal of the mempool is an answer.
        assert_eq!((answer.code, answer.codespace.as_str(), answer.raw_log.as_str()), (4, "sdk", "hello"));
        assert_eq!(answer.txhash, hex::encode_upper(hash(b"hello")));
        let sent = chain.engine.sent.lock().unwrap().pop().unwrap();
        assert_eq!(sent, (Bytes::from_static(b"hello"), wait));
    }
    for (mode, bytes) in [(0, b"x".to_vec()), (1, b"x".to_vec()), (9, b"x".to_vec()), (2, Vec::new())] {
        let request = tx::BroadcastTxRequest { tx_bytes: bytes, mode }.encode_to_vec();
        let status = chain.raw(&format!("{SERVICE}/BroadcastTx"), request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{mode}");
    }
    assert!(chain.engine.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_mempool_that_does_not_take_a_transaction_says_so_with_the_cosmos_codes() {
    let chain = start().await;
    for (error, code) in [
        (EngineError::Known, 19),
        (EngineError::Full("5000 of 5000".into()), 20),
        (EngineError::TooLarge("2 MB".into()), 21),
    ] {
        *chain.engine.error.lock().unwrap() = Some(error);
        let request = tx::BroadcastTxRequest { tx_bytes: b"hello".to_vec(), mode: 2 };
        let answer: tx::BroadcastTxResponse =
            chain.call(&format!("{SERVICE}/BroadcastTx"), &request).await.unwrap();
        let answer = answer.tx_response.unwrap();
        assert_eq!((answer.code, answer.codespace.as_str()), (code, "sdk"));
        assert_eq!(answer.txhash, hex::encode_upper(hash(b"hello")));
    }
}

#[tokio::test]
async fn a_transaction_is_found_by_its_hash() {
    let chain = start().await;
    let sent = signed(&chain, "alice", 0);
    chain.engine.txs.lock().unwrap().push(sent.clone());
    let text = hex::encode_upper(hash(&sent));
    for form in [text.clone(), text.to_lowercase(), format!("0x{text}")] {
        let answer: tx::GetTxResponse =
            chain.call(&format!("{SERVICE}/GetTx"), &tx::GetTxRequest { hash: form }).await.unwrap();
        assert_eq!(answer.tx.unwrap().body.unwrap().messages, vec![message()]);
        let found = answer.tx_response.unwrap();
        assert_eq!((found.height, found.code, found.codespace.as_str()), (2, 5, "sdk"));
        assert_eq!((found.txhash.as_str(), found.data.as_str()), (text.as_str(), "ABCD"));
        assert_eq!(found.timestamp, "2026-01-01T00:00:02Z");
        assert_eq!((found.gas_wanted, found.gas_used, found.events.len()), (100, 42, 1));
        let any = found.tx.unwrap();
        assert_eq!((any.type_url.as_str(), Bytes::from(any.value)), ("/cosmos.tx.v1beta1.Tx", sent.clone()));
    }
    for (form, code) in [
        ("00".repeat(32), Code::NotFound),
        (String::new(), Code::InvalidArgument),
        ("00".repeat(31), Code::InvalidArgument),
        ("zz".repeat(32), Code::InvalidArgument),
    ] {
        let request = tx::GetTxRequest { hash: form.clone() }.encode_to_vec();
        let status = chain.raw(&format!("{SERVICE}/GetTx"), request).await.unwrap_err();
        assert_eq!(status.code(), code, "{form}");
        if code == Code::NotFound {
            assert_eq!(status.message(), format!("tx not found: {form}"));
        }
    }
}

#[tokio::test]
async fn the_votes_of_a_block_are_found_but_not_shown_as_a_transaction_of_accounts() {
    let chain = start().await;
    let votes = Bytes::from_static(b"\xff\x12votes");
    chain.engine.txs.lock().unwrap().push(votes.clone());
    let request = tx::GetTxRequest { hash: hex::encode(hash(&votes)) };
    let answer: tx::GetTxResponse = chain.call(&format!("{SERVICE}/GetTx"), &request).await.unwrap();
    let found = answer.tx_response.unwrap();
    assert_eq!((answer.tx, found.tx, found.height), (None, None, 2), "clients would fail on such bytes");
}

#[tokio::test]
#[allow(deprecated, reason = "older clients still send lists of conditions, and offsets")]
async fn a_search_reaches_the_engine_parsed_and_bounded() {
    let chain = start().await;
    chain.engine.txs.lock().unwrap().push(signed(&chain, "alice", 0));
    let page = |offset, limit| Some(PageRequest { offset, limit, ..PageRequest::default() });
    let new = |query: &str, page, limit, order_by| tx::GetTxsEventRequest {
        query: query.into(),
        page,
        limit,
        order_by,
        ..Default::default()
    };
    let old = |events: &[&str], pagination| tx::GetTxsEventRequest {
        events: events.iter().map(ToString::to_string).collect(),
        pagination,
        ..Default::default()
    };
    for (request, text, expected) in [
        (
            new("message.sender='a' AND tx.height=2", 2, 7, 2),
            "message.sender='a' AND tx.height=2",
            (2, 7, true),
        ),
        (new("tx.height = 2", 0, 0, 0), "tx.height=2", (1, 100, false)),
        (new("tx.height=2", 1, 1_000_000, 1), "tx.height=2", (1, 100, false)),
        (old(&["a.b='c'", "d.e=5"], page(40, 20)), "a.b='c' AND d.e=5", (3, 20, false)),
    ] {
        let answer: tx::GetTxsEventResponse =
            chain.call(&format!("{SERVICE}/GetTxsEvent"), &request).await.unwrap();
        assert_eq!((answer.total, answer.pagination.unwrap().total), (17, 17));
        assert_eq!((answer.txs.len(), answer.tx_responses.len()), (1, 1));
        assert_eq!(answer.tx_responses[0].timestamp, "2026-01-01T00:00:02Z");
        let asked = chain.engine.searched.lock().unwrap().take().unwrap();
        assert_eq!(asked.to_string(), text);
        assert_eq!((asked.page, asked.limit, asked.descending), expected);
    }
    for request in [
        new("", 1, 1, 0),
        new("tx.height>2", 1, 1, 0),
        new("tx.height=2 OR a.b=1", 1, 1, 0),
        new("tx.height=2", u64::MAX, 1, 0),
        old(&["a.b='c'"; 9], None),
    ] {
        let status = chain.raw(&format!("{SERVICE}/GetTxsEvent"), request.encode_to_vec()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{request:?}");
    }
    assert!(chain.engine.searched.lock().unwrap().is_none());
}

#[tokio::test]
async fn a_block_shows_the_transactions_of_accounts() {
    let chain = start().await;
    let sent = signed(&chain, "alice", 0);
    *chain.engine.txs.lock().unwrap() = vec![Bytes::from_static(b"\xffvotes"), sent.clone(), sent];
    let pagination = Some(PageRequest { limit: 1, ..PageRequest::default() });
    let request = tx::GetBlockWithTxsRequest { height: 2, pagination };
    let answer: tx::GetBlockWithTxsResponse =
        chain.call(&format!("{SERVICE}/GetBlockWithTxs"), &request).await.unwrap();
    let page = answer.pagination.unwrap();
    assert_eq!((answer.txs.len(), page.total, page.next_key.is_empty()), (1, 2, false));
    assert_eq!(answer.block.unwrap().data.unwrap().txs.len(), 3);
}
