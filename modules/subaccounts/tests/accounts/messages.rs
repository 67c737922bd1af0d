//! What users can ask: reading it, running it, and every refusal.

use prost::Message;
use proto::dydxprotocol::sending::{
    MsgCreateTransfer, MsgDepositToSubaccount, MsgWithdrawFromSubaccount, Transfer,
};
use proto::dydxprotocol::subaccounts::SubaccountId as WireId;
use subaccounts::{decode_deposit, decode_transfer, decode_withdraw, Error, Msg, Subaccount};
use types::{Address, Chain, Denom, Rejection, SubaccountId};

use crate::world::{account, holding, person, World, BTC, DOLLAR, ONE_BTC, TWENTY_TEN};

fn chain() -> Chain {
    let collateral = Denom::new("uusdc").unwrap();
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral }
}

fn text(name: u8) -> String {
    person(name).to_bech32("ballast")
}

fn wire(name: u8, number: u32) -> Option<WireId> {
    Some(WireId { owner: text(name), number })
}

fn deposit() -> MsgDepositToSubaccount {
    MsgDepositToSubaccount { sender: text(1), recipient: wire(2, 128_000), asset_id: 0, quantums: 7 }
}

fn withdraw() -> MsgWithdrawFromSubaccount {
    MsgWithdrawFromSubaccount { sender: wire(1, 3), recipient: text(2), asset_id: 0, quantums: 7 }
}

fn transfer() -> Transfer {
    Transfer { sender: wire(1, 0), recipient: wire(2, 0), asset_id: 0, amount: 7 }
}

fn id(name: u8, number: u32) -> SubaccountId {
    SubaccountId { owner: person(name), number }
}

fn code(error: &Error) -> (&'static str, u32) {
    (error.codespace(), error.code())
}

#[test]
fn messages_decode_to_who_signs_and_who_receives() {
    let bytes = deposit().encode_to_vec();
    let msg = decode_deposit(&bytes, &chain()).unwrap();
    assert_eq!(msg, Msg::Deposit { sender: person(1), recipient: id(2, 128_000), amount: 7 });
    assert_eq!((msg.signer(), msg.recipients()), (person(1), vec![]));
    let bytes = withdraw().encode_to_vec();
    assert_eq!(bytes.first(), Some(&0x0a), "the recipient is field 1 and comes first");
    let msg = decode_withdraw(&bytes, &chain()).unwrap();
    assert_eq!(msg, Msg::Withdraw { sender: id(1, 3), recipient: person(2), amount: 7 });
    assert_eq!((msg.signer(), msg.recipients()), (person(1), vec![person(2)]));
    let bytes = MsgCreateTransfer { transfer: Some(transfer()) }.encode_to_vec();
    let msg = decode_transfer(&bytes, &chain()).unwrap();
    assert_eq!(msg, Msg::Transfer { sender: id(1, 0), recipient: id(2, 0), amount: 7 });
    assert_eq!((msg.signer(), msg.recipients()), (person(1), vec![person(2)]));
}

#[test]
fn a_withdrawal_may_have_its_fields_in_the_order_of_the_definition_and_in_no_third() {
    let bytes = withdraw().encode_to_vec();
    let recipient = 2 + usize::from(bytes[1]);
    let sender = recipient + 2 + usize::from(bytes[recipient + 1]);
    let (recipient, rest) = bytes.split_at(recipient);
    let (sender, amount) = rest.split_at(sender - recipient.len());
    let msg = decode_withdraw(&[sender, recipient, amount].concat(), &chain()).unwrap();
    assert_eq!(msg, decode_withdraw(&bytes, &chain()).unwrap());
    let refused: [&[&[u8]]; 5] = [
        &[sender, amount, recipient],
        &[amount, sender, recipient],
        &[sender, recipient, recipient, amount],
        &[sender, recipient, amount, &[0x28, 0x01]],
        &[sender, recipient, &[0x18, 0x00], amount],
    ];
    for parts in refused {
        let error = decode_withdraw(&parts.concat(), &chain()).unwrap_err();
        assert!(error.to_string().contains("canonical"), "{error}");
    }
}

#[test]
fn deposits_and_withdrawals_that_make_no_sense_are_refused_by_code() {
    type Spoil = fn(&mut MsgDepositToSubaccount);
    let rows: [(&str, Spoil, (&str, u32)); 8] = [
        ("nothing", |m| m.quantums = 0, ("subaccounts", 500)),
        ("another asset", |m| m.asset_id = 1, ("subaccounts", 501)),
        ("number", |m| m.recipient.as_mut().unwrap().number = 128_001, ("subaccounts", 200)),
        ("owner", |m| m.recipient.as_mut().unwrap().owner = "x".into(), ("subaccounts", 201)),
        (
            "owner of another chain",
            |m| m.recipient.as_mut().unwrap().owner = person(1).to_bech32("dydx"),
            ("subaccounts", 201),
        ),
        ("no account", |m| m.recipient = None, ("sending", 5)),
        ("no address", |m| m.sender = String::new(), ("sending", 6)),
        ("address in capitals", |m| m.sender = text(1).to_uppercase(), ("sending", 6)),
    ];
    for (name, spoil, expected) in rows {
        let mut msg = deposit();
        spoil(&mut msg);
        let refused = decode_deposit(&msg.encode_to_vec(), &chain()).unwrap_err();
        assert_eq!(code(&refused), expected, "{name}: {refused}");
        let back = MsgWithdrawFromSubaccount {
            sender: msg.recipient,
            recipient: msg.sender,
            asset_id: msg.asset_id,
            quantums: msg.quantums,
        };
        let refused = decode_withdraw(&back.encode_to_vec(), &chain()).unwrap_err();
        assert_eq!(code(&refused), expected, "{name}, withdrawal: {refused}");
    }
}

#[test]
fn transfers_that_make_no_sense_are_refused_by_code() {
    type Spoil = fn(&mut Transfer);
    let rows: [(&str, Spoil, (&str, u32)); 6] = [
        ("to itself", |t| t.recipient = t.sender.clone(), ("sending", 1)),
        ("nothing", |t| t.amount = 0, ("sending", 2)),
        ("another asset", |t| t.asset_id = 1, ("sending", 1_101)),
        ("number", |t| t.sender.as_mut().unwrap().number = u32::MAX, ("subaccounts", 200)),
        ("owner", |t| t.recipient.as_mut().unwrap().owner = String::new(), ("subaccounts", 201)),
        ("no account", |t| t.sender = None, ("sending", 5)),
    ];
    for (name, spoil, expected) in rows {
        let mut transfer = transfer();
        spoil(&mut transfer);
        let bytes = MsgCreateTransfer { transfer: Some(transfer) }.encode_to_vec();
        let refused = decode_transfer(&bytes, &chain()).unwrap_err();
        assert_eq!(code(&refused), expected, "{name}: {refused}");
    }
    assert_eq!(code(&decode_transfer(&[], &chain()).unwrap_err()), ("sending", 5));
}

#[test]
fn bytes_that_are_not_the_one_encoding_are_refused() {
    let good = deposit().encode_to_vec();
    let mut unknown = good.clone();
    unknown.extend([0x28, 1]);
    let mut cut = good.clone();
    cut.pop();
    let mut default = good;
    default.extend([0x18, 0]);
    for bytes in [unknown, cut, default] {
        assert_eq!(code(&decode_deposit(&bytes, &chain()).unwrap_err()), ("sdk", 2));
    }
}

fn held(world: &World, who: Address) -> u128 {
    bank::balance(&world.state, &who, &world.chain.collateral)
}

#[test]
fn money_goes_in_across_and_out_and_the_pool_holds_it() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    let start = held(&world, person(1));
    let mut run = |msg: Msg| world.execute(&msg);
    run(Msg::Deposit { sender: person(1), recipient: account(1), amount: 100 }).unwrap();
    run(Msg::Transfer { sender: account(1), recipient: id(2, 9), amount: 30 }).unwrap();
    run(Msg::Withdraw { sender: id(2, 9), recipient: person(77), amount: 10 }).unwrap();
    assert_eq!(start - held(&world, person(1)), 100);
    assert_eq!(held(&world, subaccounts::pool()), 90);
    assert_eq!(held(&world, person(77)), 10);
    assert_eq!(world.get(1).quote.raw(), 70);
    assert_eq!(subaccounts::get(&world.state, &id(2, 9)).quote.raw(), 20);
    world.check();
}

#[test]
fn what_cannot_be_paid_changes_nothing() {
    let pool = subaccounts::pool();
    for (name, msg, expected) in [
        (
            "more than the bank account has",
            Msg::Deposit { sender: person(50), recipient: account(1), amount: 1 },
            ("sdk", 5),
        ),
        (
            "more than the margin account has",
            Msg::Withdraw { sender: account(1), recipient: person(1), amount: 101 },
            ("subaccounts", 102),
        ),
        ("to a module", Msg::Withdraw { sender: account(1), recipient: pool, amount: 1 }, ("sdk", 4)),
        (
            "a transfer of more than there is",
            Msg::Transfer { sender: account(1), recipient: account(2), amount: 101 },
            ("subaccounts", 102),
        ),
        (
            "from an account that is not there",
            Msg::Transfer { sender: account(3), recipient: account(2), amount: 1 },
            ("subaccounts", 102),
        ),
    ] {
        let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
        world.deposit(1, 100);
        world.events.clear();
        let before = world.rows();
        let refused = world.execute(&msg).unwrap_err();
        assert_eq!(code(&refused), expected, "{name}: {refused}");
        assert_eq!((world.rows(), world.events.len()), (before, 0), "{name}");
    }
}

#[test]
fn a_withdrawal_leaves_initial_margin_to_the_quantum_after_funding_is_settled() {
    // MAR-03: worth $30,000 less funding of $1, initial margin $10,000.
    let start = || {
        let long = holding(-20_000 * DOLLAR, &[(BTC, ONE_BTC)]);
        let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, long)]);
        world.move_index(BTC, 10_000);
        world
    };
    let most = u64::try_from(19_999 * DOLLAR).unwrap();
    for (amount, passes) in [(most - 1, true), (most, true), (most + 1, false)] {
        let mut world = start();
        let msg = Msg::Withdraw { sender: account(1), recipient: person(1), amount };
        assert_eq!(world.execute(&msg).is_ok(), passes, "{amount}");
        world.check();
    }
}

#[test]
fn winnings_that_the_pool_does_not_hold_cannot_be_withdrawn() {
    // Person 1 is worth far more than all collateral, because person 2 has not been closed out yet.
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 10_000_000_000);
    world.deposit(2, 10_000_000_000);
    world.swap(1, 2, BTC, ONE_BTC, 50_000 * DOLLAR).unwrap();
    world.set_price(BTC, 20_000_000_000);
    let amount = 30_000_000_000;
    let msg = Msg::Withdraw { sender: account(1), recipient: person(1), amount };
    let before = world.rows();
    let refused = world.execute(&msg).unwrap_err();
    assert_eq!(code(&refused), ("sdk", 5));
    assert_eq!(world.rows(), before);
}

#[test]
fn a_transfer_helps_an_account_that_may_be_liquidated() {
    // MAR-05: allowed, because it only gets safer.
    let weak = holding(-46_000 * DOLLAR, &[(BTC, ONE_BTC)]);
    let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, weak), (2, holding(100, &[]))]);
    let help = Msg::Transfer { sender: account(2), recipient: account(1), amount: 100 };
    world.execute(&help).unwrap();
    let back = Msg::Transfer { sender: account(1), recipient: account(2), amount: 1 };
    assert!(world.execute(&back).is_err());
    assert_eq!(subaccounts::get(&world.state, &account(2)), Subaccount::default());
    world.check();
}
