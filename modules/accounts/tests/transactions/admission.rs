//! What a transaction must bring, what admission costs, and that a refusal costs nothing.

use accounts::{decode_tx, gas, Account, Check, GasPrice, Kind, Limits};
use types::{Address, Rejection, Value};

use crate::world::{address, any_key, coins, key, mode, Draft, World, MESSAGE_GAS};

fn decode(draft: &Draft) -> accounts::DecodedTx {
    decode_tx(&draft.bytes(), &Limits::default()).unwrap()
}

/// Name, change to the transaction, change to the chain, code of the refusal.
type Row = (&'static str, fn(&mut Draft), fn(&mut World), u32);

const ROWS: [Row; 32] = [
    ("wrong chain", |tx| tx.chain_id = "test-2".into(), |_| (), 4),
    ("no chain", |tx| tx.chain_id.clear(), |_| (), 4),
    ("wrong account number", |tx| tx.number = 0, |_| (), 4),
    ("signed by somebody else", |tx| tx.signer = 2, |_| (), 4),
    ("another payer", |tx| tx.fee().payer = address(2).to_bech32("ballast"), |_| (), 4),
    ("the signer as payer, other prefix", |tx| tx.fee().payer = address(1).to_bech32("dydx"), |_| (), 4),
    ("somebody else's key", |tx| tx.info().public_key = Some(any_key(&key(2))), |_| (), 8),
    ("no key at first use", |tx| tx.info().public_key = None, |_| (), 8),
    ("not a point", |tx| tx.info().public_key = Some(any_key(&[5; 33])), |_| (), 8),
    ("no account", |_| (), |world| world.state = store::Memory::default(), 9),
    ("sequence too low", |tx| tx.info().sequence = 2, |_| (), 32),
    ("sequence too high", |tx| tx.info().sequence = 4, |_| (), 32),
    ("sequence of 2^64 - 1", |tx| tx.info().sequence = u64::MAX, |_| (), 32),
    ("timestamp as sequence", |tx| tx.info().sequence = 1_790_000_000_000, |_| (), 32),
    ("gas 0", |tx| tx.fee().gas_limit = 0, |_| (), 11),
    ("gas 1", |tx| tx.fee().gas_limit = 1, |_| (), 11),
    ("gas for all but the messages", |tx| tx.fee().gas_limit = MESSAGE_GAS, |_| (), 11),
    ("gas above the maximum", |tx| tx.fee().gas_limit = 10_000_001, |_| (), 41),
    ("gas of 2^63", |tx| tx.fee().gas_limit = 1 << 63, |_| (), 41),
    ("gas of 2^64 - 1", |tx| tx.fee().gas_limit = u64::MAX, |_| (), 41),
    ("no fee", |tx| tx.fee().amount.clear(), |_| (), 13),
    ("no fee part at all", |tx| tx.auth.fee = None, |_| (), 11),
    ("fee one below the minimum", |tx| tx.fee().amount = coins("4999uusdc"), |_| (), 13),
    ("fee in the other coin below its minimum", |tx| tx.fee().amount = coins("199999uballast"), |_| (), 13),
    (
        "two coins, each below its minimum",
        |tx| tx.fee().amount = coins("199999uballast,4999uusdc"),
        |_| (),
        13,
    ),
    ("fee in a coin that is not priced", |tx| tx.fee().amount = coins("5000uother"), |_| (), 13),
    ("enough, and a coin that is not priced", |tx| tx.fee().amount = coins("1uother,5000uusdc"), |_| (), 13),
    ("fee in a coin that nobody has", |tx| tx.fee().amount = coins("5000ibc/AB"), |_| (), 13),
    ("fee above the balance", |tx| tx.fee().amount = coins("1000001uusdc"), |_| (), 5),
    (
        "fee of 2^128 - 1",
        |tx| tx.fee().amount = coins("340282366920938463463374607431768211455uusdc"),
        |_| (),
        5,
    ),
    ("one block too late", |_| (), |world| world.height = 121, 30),
    ("timeout of 1", |tx| tx.body.timeout_height = 1, |_| (), 30),
];

#[test]
fn a_refused_transaction_costs_nothing_and_leaves_no_trace() {
    for (name, change, prepare, code) in ROWS {
        let (mut draft, mut world) = (Draft::new(), World::new());
        change(&mut draft);
        prepare(&mut world);
        let before = world.rows();
        let error = world.submit(&draft.bytes()).unwrap_err();
        assert_eq!((error.codespace(), error.code()), ("sdk", code), "{name}: {error}");
        assert_eq!(world.rows(), before, "{name}");
        assert!(world.events.is_empty(), "{name}");
    }
}

#[test]
fn an_admitted_transaction_has_paid_its_fee_used_its_sequence_and_shown_its_key() {
    let mut world = World::new();
    world.submit(&Draft::new().bytes()).unwrap();
    assert_eq!(world.account(), Account { number: 7, sequence: 4, public_key: Some(key(1)) });
    assert_eq!(world.has(&address(1), "uusdc"), 995_000);
    assert_eq!(world.has(&Address::module(bank::FEE_COLLECTOR), "uusdc"), 5_000);
    let kinds: Vec<&str> = world.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["coin_spent", "coin_received", "transfer", "tx", "tx", "tx"]);
    let text = |name: &str| {
        let found = world.events.iter().filter(|event| event.kind == "tx").find_map(|event| event.get(name));
        found.unwrap()
    };
    assert_eq!((text("fee"), text("fee_payer")), (Value::Text("5000uusdc"), Value::Address(address(1))));
    assert_eq!(text("acc_seq"), Value::Text("ballast10xcqpzrky6eff2g52qdye53xkk9jxkvrkjfw58/3"));
    let signature =
        "HvqQDl/wubUV20s/faSjW6m+Cq3ws38FRkaZiX/heioawrJl/zyTwQgtyNM7kHtvNd8oos2WGgKvm66JfdnpwA==";
    assert_eq!(text("signature"), Value::Text(signature));
}

#[test]
fn a_key_that_was_shown_once_need_not_be_shown_again() {
    let mut world = World::new();
    world.submit(&Draft::new().bytes()).unwrap();
    let mut second = Draft::new();
    second.info().public_key = None;
    second.info().sequence = 4;
    world.submit(&second.bytes()).unwrap();
    assert_eq!(world.account().sequence, 5);
    let mut third = Draft::new();
    third.info().public_key = Some(any_key(&key(2)));
    third.info().sequence = 5;
    assert_eq!(world.submit(&third.bytes()).unwrap_err().code(), 8);
}

#[test]
fn tx_10_a_replay_meets_the_next_sequence_and_says_so_in_words_that_relayers_read() {
    let mut world = World::new();
    let bytes = Draft::new().bytes();
    world.submit(&bytes).unwrap();
    let before = world.rows();
    let error = world.submit(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "account sequence mismatch, expected 4, got 3: incorrect account sequence");
    assert_eq!((error.code(), world.rows() == before), (32, true));
}

#[test]
fn three_transactions_in_a_row_pass_before_a_block() {
    let mut world = World::new();
    for sequence in 3..6 {
        let mut draft = Draft::new();
        draft.info().sequence = sequence;
        world.submit(&draft.bytes()).unwrap();
    }
    assert_eq!(world.account().sequence, 6);
}

#[test]
fn tx_11_an_account_at_the_end_of_its_sequences_is_closed() {
    let mut world = World::new();
    let last = Account { number: 7, sequence: u64::MAX, public_key: None };
    let genesis = accounts::Genesis { accounts: vec![(address(1), last)] };
    world.state = store::Memory::default();
    world.with(|ctx| accounts::genesis::init(ctx, &genesis)).unwrap();
    let mut draft = Draft::new();
    draft.info().sequence = u64::MAX;
    let error = world.admit(&decode(&draft), Kind::FeeFree, Check::Verify).unwrap_err();
    assert_eq!(error.code(), 37);
}

#[test]
fn a_fee_free_transaction_uses_its_sequence_and_pays_nothing() {
    let mut world = World::new();
    let mut draft = Draft::new();
    *draft.fee() = Default::default();
    world.admit(&decode(&draft), Kind::FeeFree, Check::Verify).unwrap();
    // A fee that is offered all the same is not taken.
    let mut draft = Draft::new();
    draft.info().sequence = 4;
    world.admit(&decode(&draft), Kind::FeeFree, Check::Verify).unwrap();
    assert_eq!((world.account().sequence, world.has(&address(1), "uusdc")), (5, 1_000_000));
    let error = world.admit(&decode(&draft), Kind::FeeFree, Check::Verify).unwrap_err();
    assert_eq!(error.code(), 32);
}

#[test]
fn a_sequence_free_transaction_neither_checks_nor_uses_a_sequence() {
    let mut world = World::new();
    for sequence in [0, 3, 3, 99, u64::MAX] {
        let mut draft = Draft::new();
        draft.info().sequence = sequence;
        *draft.fee() = Default::default();
        world.admit(&decode(&draft), Kind::SequenceFree, Check::Verify).unwrap();
    }
    assert_eq!(world.account(), Account { number: 7, sequence: 3, public_key: Some(key(1)) });
    assert!(world.events.is_empty());
    // It is still bound to the chain, the account and the sequence it names.
    for change in [|tx: &mut Draft| tx.chain_id.push('0'), |tx: &mut Draft| tx.number = 9] {
        let mut draft = Draft::new();
        change(&mut draft);
        assert_eq!(world.admit(&decode(&draft), Kind::SequenceFree, Check::Verify).unwrap_err().code(), 4);
    }
    let mut tx = decode(&Draft::new());
    let mut other = Draft::new();
    other.info().sequence = 4;
    tx.signature = decode(&other).signature;
    assert_eq!(world.admit(&tx, Kind::SequenceFree, Check::Verify).unwrap_err().code(), 4);
}

#[test]
fn a_simulation_lacks_signature_fee_gas_and_key_but_not_the_sequence() {
    let mut draft = Draft::new();
    draft.info().public_key = None;
    draft.info().mode_info = mode(0);
    *draft.fee() = Default::default();
    let mut tx = decode(&draft);
    for signature in [vec![], vec![0; 64]] {
        tx.signature = signature;
        World::new().admit(&tx, Kind::Paid, Check::Simulate).unwrap();
    }
    // Nor does a fee matter that the account does not have.
    let mut rich = Draft::new();
    rich.fee().amount = coins("9000000uusdc");
    World::new().admit(&decode(&rich), Kind::Paid, Check::Simulate).unwrap();
    tx.sequence = 4;
    assert_eq!(World::new().admit(&tx, Kind::Paid, Check::Simulate).unwrap_err().code(), 32);
    let mut stranger = Draft::new();
    stranger.info().public_key = Some(any_key(&key(2)));
    let error = World::new().admit(&decode(&stranger), Kind::Paid, Check::Simulate).unwrap_err();
    assert_eq!(error.code(), 8);
}

#[test]
fn tx_20_a_transaction_may_run_up_to_its_timeout_height() {
    let mut world = World::new();
    world.height = 120;
    world.submit(&Draft::new().bytes()).unwrap();
    let mut late = World::new();
    late.height = 121;
    assert_eq!(late.submit(&Draft::new().bytes()).unwrap_err().code(), 30);
    for timeout in [0, u64::MAX] {
        let mut draft = Draft::new();
        draft.body.timeout_height = timeout;
        World::new().submit(&draft.bytes()).unwrap();
    }
}

#[test]
fn tx_14_gas_is_a_fixed_sum_known_before_the_transaction_runs() {
    let tx = decode(&Draft::new());
    let needed = gas::needed(&tx, MESSAGE_GAS);
    assert_eq!(needed, 10 * u64::try_from(tx.size).unwrap() + 1_000 + 40_000);
    assert_eq!(gas::needed(&tx, u64::MAX), u64::MAX);
    // Gas limits around it take equally many bytes, so the needed gas is the same for both.
    for (limit, code) in [(needed, 0), (needed - 1, 11)] {
        let mut draft = Draft::new();
        draft.fee().gas_limit = limit;
        let code_found = World::new().submit(&draft.bytes()).map_or_else(|error| error.code(), |()| 0);
        assert_eq!(code_found, code, "{limit}");
    }
}

#[test]
fn either_coin_pays_for_gas_and_fees_round_up() {
    for fee in ["5000uusdc", "200000uballast", "1uballast,5000uusdc", "200000uballast,1uusdc"] {
        let mut draft = Draft::new();
        draft.fee().amount = coins(fee);
        World::new().submit(&draft.bytes()).unwrap_or_else(|error| panic!("{fee}: {error}"));
    }
    let price = GasPrice::parse("0.025uusdc").unwrap();
    assert_eq!([0, 1, 39, 40, 41, 200_001].map(|gas| price.fee(gas)), [0, 1, 1, 1, 2, 5_001]);
    assert_eq!(
        GasPrice::parse("25000000000adv4tnt").unwrap().fee(u64::MAX),
        25_000_000_000 * u128::from(u64::MAX)
    );
    assert_eq!(price.to_string(), "0.025000000000000000uusdc");
}

#[test]
fn a_price_of_zero_asks_for_no_fee_and_no_prices_take_none() {
    let mut world = World::new();
    world.rules.gas_prices = vec![GasPrice::parse("0uusdc").unwrap()];
    let mut draft = Draft::new();
    draft.fee().amount.clear();
    world.submit(&draft.bytes()).unwrap();
    let mut world = World::new();
    world.rules.gas_prices.clear();
    assert_eq!(world.submit(&Draft::new().bytes()).unwrap_err().code(), 13);
    world.submit(&draft.bytes()).unwrap();
}

#[test]
fn prices_that_make_no_sense_are_refused() {
    let long = "0.0000000000000000001uusdc";
    let huge = "1267650600228229401496703205377uusdc";
    for text in ["", "1", "uusdc", ".5uusdc", "-1uusdc", "1.2.3uusdc", "1 uusdc", long, huge, "1u"] {
        assert!(GasPrice::parse(text).is_err(), "{text}");
    }
}
