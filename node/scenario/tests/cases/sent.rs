//! Transactions that somebody builds to get around a rule (TX), and blocks of a proposer that takes what it is
//! given (ABCI-13, ABCI-14), told over the whole chain.

use std::collections::BTreeSet;

use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
use cosmos_sdk_proto::Any;
use prost::Message;
use proto::dydxprotocol::clob::order::Side;
use scenario::{sign, Envelope, Wallet, World};
use types::{Address, Chain};

use crate::{holds, order, world};
use crate::{DOLLAR, STEP, USD};

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn rows(world: &mut World) -> Rows {
    world.machine.memory().iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn copy(world: &mut World) -> store::Memory {
    store::Memory::from_pairs(world.machine.memory().iter().map(|(key, value)| (key.clone(), value.clone())))
}

/// Code of the refusal of each transaction of a block, zero for success.
fn codes(world: &mut World, txs: Vec<Vec<u8>>) -> Vec<u32> {
    let input = world.input(txs);
    let results = world.apply(&input).expect("the conservation laws hold");
    results.into_iter().map(|result| result.refusal.map_or(0, |refusal| refusal.code)).collect()
}

/// The deposit of a dollar by alice with this sequence.
fn numbered(world: &World, sequence: u64) -> Vec<u8> {
    let envelope = Envelope { sequence, ..world.envelope("alice") };
    sign(&Wallet::new("alice"), &[world.deposit("alice", USD)], &envelope)
}

#[test]
fn tx_05_messages_inside_of_messages_are_refused_at_every_depth_on_a_small_stack() {
    let thread = std::thread::Builder::new().stack_size(256 * 1_024);
    let run = || {
        let chain = Chain {
            chain_id: "ballast-story-1".into(),
            prefix: "ballast".into(),
            collateral: types::Denom::new("uusdc").unwrap(),
        };
        let mut refused = 0;
        for kind in ["/cosmos.bank.v1beta1.MsgSend", "/dydxprotocol.clob.MsgPlaceOrder", clob::msg::BATCH] {
            // Each level is the first field of the one around it, as in an Any in an Any.
            let mut nested = vec![0x0a, 0x00];
            for depth in 1..=10_000_u32 {
                let mut outer = vec![0x0a];
                prost::encoding::encode_varint(nested.len() as u64, &mut outer);
                outer.extend(&nested);
                nested = outer;
                if depth > 16 && depth % 97 == 0 {
                    assert!(app::msg::Msg::decode(kind, &nested, &chain).is_err(), "{kind} at {depth}");
                    refused += 1;
                }
            }
        }
        refused
    };
    assert_eq!(thread.spawn(run).unwrap().join().unwrap(), 3 * 103);
}

#[test]
fn tx_07_a_million_of_anything_is_refused_before_it_is_read() {
    let world = world(&[("alice", 1)]);
    let good = TxRaw::decode(numbered(&world, 0).as_slice()).unwrap();
    let limits = accounts::Limits { bytes: usize::MAX, ..accounts::Limits::default() };
    let reason = |raw: &TxRaw| accounts::decode_tx(&raw.encode_to_vec(), &limits).unwrap_err().to_string();
    let million = |field: u8| [field, 0x00].repeat(1_000_000);
    let messages = TxRaw { body_bytes: million(0x0a), ..good.clone() };
    assert!(reason(&messages).contains("messages"), "{}", reason(&messages));
    let signers = TxRaw { auth_info_bytes: million(0x0a), ..good.clone() };
    assert!(reason(&signers).contains("auth_info"), "{}", reason(&signers));
    let signatures = TxRaw { signatures: vec![Vec::new(); 1_000_000], ..good };
    assert!(reason(&signatures).contains("signatures"), "{}", reason(&signatures));
}

#[test]
fn tx_08_a_proposer_that_includes_too_long_a_transaction_makes_a_block_in_which_it_fails() {
    let mut world = world(&[("alice", 1)]);
    let long = Envelope { memo: "m".repeat(70_000), ..world.envelope("alice") };
    let long = sign(&Wallet::new("alice"), &[world.deposit("alice", USD)], &long);
    let input = world.input(vec![long]);
    assert_eq!(app::proposal::check(world.machine.state(), &input.txs, input.height), Ok(()));
    let result = world.apply(&input).unwrap().remove(0);
    assert_eq!(result.refusal.unwrap().code, 21);
}

#[test]
fn tx_10_a_transaction_runs_once_in_its_block_the_next_and_after_a_restart() {
    let mut world = world(&[("alice", 1), ("bob", 1)]);
    let tx = world.sign("alice", &[world.deposit("alice", USD)]);
    assert_eq!(codes(&mut world, vec![tx.clone(), tx.clone(), tx.clone()]), [0, 32, 32]);
    assert_eq!(holds(&world, "alice").0, 2_000_000);
    for restarted in [false, true] {
        if restarted {
            world.restart();
        }
        let mut absent = world.twin();
        assert_eq!(codes(&mut world, vec![tx.clone()]), [32]);
        absent.block();
        assert!(rows(&mut world) == rows(&mut absent), "it left a trace");
    }
}

#[test]
fn tx_11_of_two_transactions_with_one_sequence_one_runs_and_a_gap_may_be_filled_in_the_same_block() {
    let mut world = world(&[("alice", 1)]);
    let next = world.envelope("alice").sequence;
    let tx = |sequence: u64| numbered(&world, sequence);
    let other = sign(&Wallet::new("alice"), &[world.deposit("alice", 2 * USD)], &world.envelope("alice"));
    let (low, high, last) = (tx(next - 1), tx(next + 1), tx(u64::MAX));
    let (first, second) = (tx(next), tx(next + 1));
    let block = vec![low, last, high.clone(), first, other, second];
    assert_eq!(high, block[5], "the same bytes fail before the gap is filled and run behind it");
    assert_eq!(codes(&mut world, block), [32, 32, 32, 0, 32, 0]);
    assert_eq!(holds(&world, "alice").0, 3_000_000);
    assert_eq!(world.envelope("alice").sequence, next + 2);
}

#[test]
fn tx_12_a_free_order_sent_a_thousand_times_has_one_effect_and_is_forgotten_when_its_window_ends() {
    let mut world = world(&[("alice", 1_000_000), ("bob", 1_000_000)]);
    let quiet = rows(&mut world).len();
    let bid = order(&world, "alice", 7, Side::Buy, (STEP, 28_000 * DOLLAR));
    let bid = world.sign("alice", &[world.place(bid)]);
    assert_eq!(codes(&mut world, vec![bid.clone()]), [0]);
    let ask = order(&world, "bob", 1, Side::Sell, (STEP, 28_000 * DOLLAR));
    let ask = world.sign("bob", &[world.place(ask)]);
    assert_eq!(codes(&mut world, vec![ask]), [0]);
    assert_eq!(holds(&world, "alice").1, i128::from(STEP));
    let mut largest = 0;
    for _ in 0..10 {
        let again = codes(&mut world, vec![bid.clone(); 100]);
        assert!(again.iter().all(|code| *code != 0), "{again:?}");
        largest = largest.max(rows(&mut world).len());
    }
    assert_eq!(holds(&world, "alice").1, i128::from(STEP), "it traded once");
    assert!(largest < quiet + 40, "a thousand repetitions leave {} rows", largest - quiet);
    world.blocks(30);
    let again = codes(&mut world, vec![bid]);
    assert!(again[0] != 0, "it has expired");
}

#[test]
fn tx_15_whichever_message_of_a_transaction_fails_all_are_undone_and_fee_and_sequence_stay() {
    let mut base = world(&[("alice", 100), ("bob", 100)]);
    let mut cells = 0;
    for count in [1, 2, 3, 5, 8, 16] {
        for failing in 0..count {
            let (mut world, mut absent) = (base.twin(), base.twin());
            let messages: Vec<Any> = (0..count)
                .map(|at| match at {
                    _ if at == failing => world.withdraw("alice", 101 * USD + 16 * USD),
                    _ if at % 3 == 0 => world.deposit("alice", USD),
                    _ if at % 3 == 1 => world.transfer("alice", "bob", USD),
                    _ => world.withdraw("alice", USD),
                })
                .collect();
            let tx = world.sign("alice", &messages);
            assert_eq!(codes(&mut world, vec![tx]), [102], "{failing} of {count}");
            absent.block();
            let (after, before) = (rows(&mut world), rows(&mut absent));
            let differing: Vec<_> = after.iter().filter(|row| !before.contains(row)).collect();
            // The sequence, the fee of alice and that of the collector.
            assert_eq!((after.len(), differing.len()), (before.len(), 3), "{failing} of {count}");
            assert_eq!(world.envelope("alice").sequence, absent.envelope("alice").sequence + 1);
            cells += 1;
        }
    }
    assert_eq!(cells, 35);
}

#[test]
fn tx_20_a_free_order_is_good_for_blocks_and_a_numbered_one_until_its_sequence_is_used() {
    let mut world = world(&[("alice", 100), ("bob", 100)]);
    let now = world.height();
    let timed = |world: &World, timeout_height: u64| {
        let envelope = Envelope { timeout_height, ..world.envelope("alice") };
        sign(&Wallet::new("alice"), &[world.deposit("alice", 1)], &envelope)
    };
    let passed = timed(&world, now);
    assert_eq!(codes(&mut world, vec![passed]), [30]);
    for good in [now + 3, 0, u64::MAX] {
        let tx = timed(&world, good);
        assert_eq!(codes(&mut world, vec![tx]), [0], "{good}");
    }
    let far = {
        let mut far = order(&world, "alice", 1, Side::Buy, (STEP, DOLLAR));
        let until = u32::try_from(world.height() + 1_000).unwrap();
        far.good_til_oneof = Some(proto::dydxprotocol::clob::order::GoodTilOneof::GoodTilBlock(until));
        world.sign("alice", &[world.place(far)])
    };
    assert_ne!(codes(&mut world, vec![far]), [0], "no free order is good beyond its window");
}

/// Messages that users may send; all others are refused, or the authority's.
const FOR_USERS: [&str; 10] = [
    "/ballast.clob.v1.MsgBatch",
    "/ballast.clob.v1.MsgPlaceOrder",
    "/cosmos.bank.v1beta1.MsgMultiSend",
    "/cosmos.bank.v1beta1.MsgSend",
    "/dydxprotocol.clob.MsgBatchCancel",
    "/dydxprotocol.clob.MsgCancelOrder",
    "/dydxprotocol.clob.MsgPlaceOrder",
    "/dydxprotocol.clob.MsgUpdateLeverage",
    "/dydxprotocol.sending.MsgCreateTransfer",
    "/dydxprotocol.sending.MsgDepositToSubaccount",
];

/// Types of all messages that are called like those of transactions.
fn message_types() -> BTreeSet<String> {
    let sets = [proto::FILE_DESCRIPTOR_SET, proto::COSMOS_DESCRIPTOR_SET];
    let files = sets.map(|set| prost_types::FileDescriptorSet::decode(set).unwrap().file).concat();
    let of = |file: &prost_types::FileDescriptorProto| {
        let package = file.package().to_owned();
        let names: Vec<_> = file.message_type.iter().map(|message| message.name().to_owned()).collect();
        names.into_iter().map(move |name| format!("/{package}.{name}"))
    };
    let name = |kind: &str| kind.rsplit('.').next().unwrap_or_default().to_owned();
    let sent = |kind: &String| name(kind).starts_with("Msg") && !kind.ends_with("Response");
    files.iter().flat_map(of).filter(sent).collect()
}

#[test]
fn tx_22_a_message_that_is_not_for_users_is_refused_whatever_its_type_before_and_in_a_block() {
    let mut world = world(&[("alice", 100)]);
    let (mut users, mut authority, mut unknown) = (0, 0, 0);
    let types = message_types();
    for kind in &types {
        let refused = |world: &mut World, tx: &[u8]| {
            let (mut memory, last) = (copy(world), world.machine.last_block());
            let known = app::Signatures::default();
            app::check::check(&mut memory, tx, last, app::check::Mode::New, &known).refusal
        };
        let tx = world.sign("alice", &[Any { type_url: kind.clone(), value: Vec::new() }]);
        let mempool = refused(&mut world, &tx).map(|refusal| (refusal.codespace.to_string(), refusal.code));
        let input = world.input(vec![tx]);
        let block = world.apply(&input).unwrap().remove(0).refusal;
        let block = block.map(|refusal| (refusal.codespace.to_string(), refusal.code));
        assert_eq!(mempool, block, "{kind}");
        let (codespace, code) = block.unwrap_or_default();
        if FOR_USERS.contains(&kind.as_str()) || kind == "/dydxprotocol.sending.MsgWithdrawFromSubaccount" {
            users += 1;
        } else if governance::is_administrative(kind) {
            assert!(code != 0, "{kind}: an empty message of the authority");
            authority += 1;
        } else {
            assert_eq!((codespace.as_str(), code), ("sdk", 6), "{kind} is of no class: whose is it?");
            unknown += 1;
        }
    }
    println!("{} types: {users} for users, {authority} for the authority, {unknown} refused", types.len());
    assert!(users == 11 && authority >= 10 && unknown >= 1);
}

#[test]
fn tx_23_accounts_of_the_chain_take_no_payments_and_stray_ones_change_no_law() {
    let mut world = world(&[("alice", 100), ("bob", 100)]);
    for name in [bank::FEE_COLLECTOR, insurance::FUND, subaccounts::POOL] {
        let to = Address::module(name).to_bech32("ballast");
        let send = cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend {
            from_address: world.address("alice"),
            to_address: to,
            amount: vec![cosmos_sdk_proto::cosmos::base::v1beta1::Coin {
                denom: "uusdc".into(),
                amount: "1".into(),
            }],
        };
        let message = Any { type_url: bank::msg::SEND.into(), value: send.encode_to_vec() };
        assert_eq!(world.run("alice", &[message]).refusal.unwrap().code, 4, "{name}");
    }
}

#[test]
fn tx_24_messages_in_one_transaction_do_what_they_do_one_by_one() {
    let mut base = world(&[("alice", 100), ("alice/1", 0), ("bob", 100)]);
    let mut random: u64 = 24;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % limit
    };
    let (mut whole, mut refused) = (0, 0);
    for round in 0..60 {
        let (mut together, mut apart) = (base.twin(), base.twin());
        let messages: Vec<Any> = (0..1 + below(16))
            .map(|_| {
                let amount = USD * (1 + below(30));
                match below(4) {
                    0 => base.deposit("alice", amount),
                    1 => base.withdraw("alice", amount),
                    2 => base.transfer("alice", "alice/1", amount),
                    _ => base.transfer("alice/1", "bob", 1 + below(amount)),
                }
            })
            .filter(|message| !message.value.is_empty())
            .collect();
        let all = together.run("alice", &messages).refusal.map(|refusal| refusal.code);
        let mut first = None;
        let mut twin = apart.twin();
        for message in &messages {
            first = apart.run("alice", std::slice::from_ref(message)).refusal.map(|refusal| refusal.code);
            if first.is_some() {
                break;
            }
        }
        assert_eq!(all, first, "round {round}");
        let expected = if all.is_none() { &mut apart } else { &mut twin };
        for person in ["alice", "alice/1", "bob"] {
            assert_eq!(holds(&together, person), holds(expected, person), "round {round}: {person}");
        }
        assert_eq!(together.wallet("alice"), expected.wallet("alice"), "round {round}");
        whole += u32::from(all.is_none());
        refused += u32::from(all.is_some());
    }
    assert!(whole > 10 && refused > 10, "{whole} and {refused}");
}

#[test]
fn tx_26_abci_13_a_block_of_failing_duplicate_and_broken_transactions_is_accepted_and_the_good_one_runs() {
    let mut world = world(&[("alice", 100), ("bob", 100)]);
    let good = world.sign("bob", &[world.deposit("bob", USD)]);
    let poor = world.sign("alice", &[world.withdraw("alice", 1_000 * USD)]);
    // Ten thousand transactions in 21 MB.
    let mut txs = vec![vec![0xfe; 2_120]; 9_900];
    txs.extend(vec![poor; 90]);
    txs.extend(vec![Vec::new(); 9]);
    txs.push(good);
    let input = world.input(txs);
    assert_eq!(input.txs.len(), 10_001);
    assert_eq!(app::proposal::check(world.machine.state(), &input.txs, input.height), Ok(()));
    let mut absent = world.twin();
    let results = world.apply(&input).unwrap();
    assert_eq!(results.iter().filter(|result| result.refusal.is_none()).count(), 1);
    assert_eq!(holds(&world, "bob").0, 101_000_000);
    absent.block();
    assert_eq!(world.wallet("alice"), absent.wallet("alice"));
    assert_eq!(world.envelope("alice").sequence, absent.envelope("alice").sequence + 1, "charged once");
}

#[test]
fn abci_14_blocks_whose_transactions_all_fail_and_a_thousand_empty_ones_leave_no_rows() {
    let mut world = world(&[("alice", 100), ("bob", 100)]);
    world.blocks(100);
    let before = rows(&mut world).len();
    world.blocks(1_000);
    assert_eq!(rows(&mut world).len(), before, "empty blocks");
    for _ in 0..20 {
        let poor = world.sign("alice", &[world.withdraw("alice", 1_000 * USD)]);
        assert_eq!(codes(&mut world, vec![vec![0xfe; 100], poor, vec![0x0a]]), [2, 102, 2]);
    }
    world.blocks(100);
    assert_eq!(rows(&mut world).len(), before, "failing blocks");
}
