//! Messages of users: what moves coins, and what is refused with which code.
#![cfg(test)]

use bank::genesis::{self, Balance, Genesis};
use bank::{decode_multi_send, decode_send, execute, Error};
use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use prost::Message;
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, Events, Rejection, Value};

fn chain() -> Chain {
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral: denom("uusdc") }
}

fn denom(name: &str) -> Denom {
    Denom::new(name).unwrap()
}

fn coin(amount: u128, name: &str) -> Coin {
    Coin { denom: denom(name), amount }
}

fn wire(amount: &str, name: &str) -> WireCoin {
    WireCoin { amount: amount.into(), denom: name.into() }
}

/// Coins written as `1 ualpha,2 uusdc`.
fn wires(text: &str) -> Vec<WireCoin> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once(' '));
    pairs.map(|(amount, name)| wire(amount, name)).collect()
}

/// A person by number, a module by name, or the text itself.
fn whom(name: &str) -> String {
    match (name.parse(), name) {
        (Ok(number), _) => text(person(number)),
        (_, "subaccounts" | "insurance" | bank::FEE_COLLECTOR) => text(Address::module(name)),
        _ => name.into(),
    }
}

fn person(name: u8) -> Address {
    Address::new([name; 20])
}

fn text(address: Address) -> String {
    address.to_bech32("ballast")
}

/// A bank in which person 1 holds 100 ualpha and 50 uusdc, and person 2 holds 7 uusdc.
struct World {
    state: Memory,
    events: Events,
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: Memory::default(), events: Events::default() };
        let balances = vec![
            Balance { address: person(1), coins: vec![coin(100, "ualpha"), coin(50, "uusdc")] },
            Balance { address: person(2), coins: vec![coin(7, "uusdc")] },
        ];
        let start = Genesis { balances, modules: vec!["subaccounts".into(), "insurance".into()] };
        world.with(|ctx| genesis::init(ctx, &start)).unwrap();
        world
    }

    fn with<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
        let (block, chain) = (Block::default(), chain());
        f(&mut Ctx { state: &mut self.state, events: &mut self.events, block: &block, chain: &chain })
    }

    fn send(&mut self, msg: &MsgSend) -> Result<(), Error> {
        let msg = decode_send(&msg.encode_to_vec(), &chain())?;
        self.with(|ctx| execute(ctx, &msg))
    }

    fn multi_send(&mut self, msg: &MsgMultiSend) -> Result<(), Error> {
        let msg = decode_multi_send(&msg.encode_to_vec(), &chain())?;
        self.with(|ctx| execute(ctx, &msg))
    }

    fn has(&self, who: Address, name: &str) -> u128 {
        bank::balance(&self.state, &who, &denom(name))
    }

    fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }
}

fn send(from: u8, to: Address, amount: Vec<WireCoin>) -> MsgSend {
    MsgSend { from_address: text(person(from)), to_address: text(to), amount }
}

fn output(to: Address, coins: Vec<WireCoin>) -> Output {
    Output { address: text(to), coins }
}

fn multi(coins: Vec<WireCoin>, outputs: Vec<Output>) -> MsgMultiSend {
    MsgMultiSend { inputs: vec![Input { address: text(person(1)), coins }], outputs }
}

#[test]
fn a_send_moves_coins_and_tells_who_paid_whom() {
    let mut world = World::new();
    world.send(&send(1, person(2), vec![wire("30", "ualpha"), wire("50", "uusdc")])).unwrap();
    assert_eq!((world.has(person(1), "ualpha"), world.has(person(1), "uusdc")), (70, 0));
    assert_eq!((world.has(person(2), "ualpha"), world.has(person(2), "uusdc")), (30, 57));
    let amount = Value::Text("30ualpha,50uusdc");
    let kinds: Vec<&str> = world.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["coin_spent", "coin_received", "transfer", "message"]);
    let events = world.events.clone().take();
    assert_eq!(events[0].attributes, [("spender", Value::Address(person(1))), ("amount", amount.clone())]);
    assert_eq!(events[1].attributes, [("receiver", Value::Address(person(2))), ("amount", amount.clone())]);
    let transfer =
        [("recipient", Value::Address(person(2))), ("sender", Value::Address(person(1))), ("amount", amount)];
    assert_eq!(events[2].attributes, transfer);
    let message = [("sender", Value::Address(person(1))), ("module", Value::Text("bank"))];
    assert_eq!(events[3].attributes, message);
}

#[test]
fn a_send_to_oneself_needs_the_coins_and_changes_nothing() {
    let mut world = World::new();
    let before = world.rows();
    world.send(&send(1, person(1), vec![wire("100", "ualpha")])).unwrap();
    assert_eq!(world.rows(), before);
    assert_eq!(world.send(&send(1, person(1), vec![wire("101", "ualpha")])).unwrap_err().code(), 5);
}

#[test]
fn a_multi_send_pays_everyone_from_one_account() {
    let mut world = World::new();
    let outputs = vec![
        output(person(2), vec![wire("10", "ualpha")]),
        output(person(3), vec![wire("5", "ualpha"), wire("2", "uusdc")]),
        output(person(1), vec![wire("1", "ualpha")]),
    ];
    world.multi_send(&multi(vec![wire("16", "ualpha"), wire("2", "uusdc")], outputs)).unwrap();
    assert_eq!((world.has(person(1), "ualpha"), world.has(person(1), "uusdc")), (85, 48));
    assert_eq!((world.has(person(2), "ualpha"), world.has(person(3), "ualpha")), (10, 5));
    assert_eq!(world.has(person(3), "uusdc"), 2);
    assert_eq!(bank::held(&world.state).values().copied().collect::<Vec<_>>(), [100, 57]);
}

#[test]
fn refused_sends_carry_the_codes_of_the_cosmos_sdk_and_leave_no_trace() {
    let many: Vec<String> = (0..17).map(|n| format!("1 u{n:03}")).collect();
    let rows = [
        ("more than it has", 1, "2", "101 ualpha", 5),
        ("a coin it does not have", 2, "1", "1 ualpha", 5),
        ("second coin missing", 1, "2", "1 ualpha,51 uusdc", 5),
        ("an account that is not there", 9, "1", "1 ualpha", 5),
        ("to a module", 1, "subaccounts", "1 ualpha", 4),
        ("to the fee collector", 1, bank::FEE_COLLECTOR, "1 ualpha", 4),
        ("foreign prefix", 1, "dydx1v88c3xv9xyv3eetdx0tvcmq7ung3dywp5upwc6", "1 ualpha", 7),
        ("no address", 1, "", "1 ualpha", 7),
        ("no coins", 1, "2", "", 10),
        ("zero", 1, "2", "0 ualpha", 10),
        ("negative", 1, "2", "-1 ualpha", 10),
        ("plus sign", 1, "2", "+1 ualpha", 10),
        ("leading zero", 1, "2", "01 ualpha", 10),
        ("fraction", 1, "2", "1.0 ualpha", 10),
        ("empty amount", 1, "2", " ualpha", 10),
        ("2^128", 1, "2", "340282366920938463463374607431768211456 ualpha", 10),
        ("2^128 - 1", 1, "2", "340282366920938463463374607431768211455 ualpha", 5),
        ("not a denomination", 1, "2", "1 u*", 10),
        ("repeated", 1, "2", "1 ualpha,1 ualpha", 10),
        ("unordered", 1, "2", "1 uusdc,1 ualpha", 10),
        ("17 coins", 1, "2", &many.join(","), 10),
    ];
    for (name, from, to, coins, code) in rows {
        let mut world = World::new();
        let before = world.rows();
        let msg = MsgSend { from_address: text(person(from)), to_address: whom(to), amount: wires(coins) };
        let error = world.send(&msg).unwrap_err();
        assert_eq!((error.codespace(), error.code()), ("sdk", code), "{name}: {error}");
        assert_eq!(world.rows(), before, "{name}");
        assert!(world.events.is_empty(), "{name}");
    }
}

/// Name, inputs, outputs, codespace and code.
type Row<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], (&'a str, u32));

#[test]
fn refused_multi_sends_carry_the_codes_of_the_cosmos_sdk_and_leave_no_trace() {
    let huge = "340282366920938463463374607431768211455 ualpha";
    let rows: &[Row] = &[
        ("no inputs", &[], &[("2", "1 ualpha")], ("bank", 2)),
        ("no outputs", &["1 ualpha"], &[], ("bank", 3)),
        ("less out", &["2 ualpha"], &[("2", "1 ualpha")], ("bank", 4)),
        ("other coin out", &["1 uusdc"], &[("2", "1 ualpha")], ("bank", 4)),
        ("overflow", &[huge], &[("2", huge), ("3", huge)], ("bank", 4)),
        ("two senders", &["1 ualpha", "1 ualpha"], &[("2", "2 ualpha")], ("bank", 9)),
        ("17 outputs", &["17 ualpha"], &[("2", "1 ualpha"); 17], ("sdk", 2)),
        ("to a module", &["1 ualpha"], &[("insurance", "1 ualpha")], ("sdk", 4)),
        ("too little", &[huge], &[("2", huge)], ("sdk", 5)),
        ("zero", &["1 ualpha"], &[("2", "0 ualpha")], ("sdk", 10)),
        ("empty output", &["1 ualpha"], &[("2", "")], ("sdk", 10)),
        ("bad address", &["1 ualpha"], &[("x", "1 ualpha")], ("sdk", 7)),
    ];
    for (name, inputs, outputs, (codespace, code)) in rows {
        let mut world = World::new();
        let before = world.rows();
        let input = |coins: &&str| Input { address: text(person(1)), coins: wires(coins) };
        let output = |row: &(&str, &str)| Output { address: whom(row.0), coins: wires(row.1) };
        let msg = MsgMultiSend {
            inputs: inputs.iter().map(input).collect(),
            outputs: outputs.iter().map(output).collect(),
        };
        let error = world.multi_send(&msg).unwrap_err();
        assert_eq!((error.codespace(), error.code()), (*codespace, *code), "{name}: {error}");
        assert_eq!(world.rows(), before, "{name}");
        assert!(world.events.is_empty(), "{name}");
    }
}

#[test]
fn bytes_that_are_not_the_one_encoding_of_a_message_are_refused() {
    let good = send(1, person(2), vec![wire("1", "ualpha")]).encode_to_vec();
    assert!(decode_send(&good, &chain()).is_ok());
    let mut unknown = good.clone();
    unknown.extend([0x78, 0x01]);
    let mut repeated = good.clone();
    repeated.extend_from_slice(&good[..2 + usize::from(good[1])]);
    let default = [&[0x0a, 0x00], &good[2 + usize::from(good[1])..]].concat();
    let mut long_length = good.clone();
    long_length[1] |= 0x80;
    long_length.insert(2, 0x00);
    for (name, bytes) in [
        ("unknown field", unknown),
        ("repeated field", repeated),
        ("written default", default),
        ("over-long length", long_length),
        ("group", vec![0x0b, 0x0c]),
        ("text that is not UTF-8", vec![0x0a, 0x01, 0xff]),
    ] {
        let error = decode_send(&bytes, &chain()).unwrap_err();
        assert_eq!((error.codespace(), error.code()), ("sdk", 2), "{name}: {error}");
    }
    for end in 0..good.len() {
        assert!(decode_send(&good[..end], &chain()).is_err(), "the first {end} bytes");
    }
}
