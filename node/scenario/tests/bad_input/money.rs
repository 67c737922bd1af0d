//! Coins and collateral.

use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use proto::dydxprotocol::sending;
use proto::dydxprotocol::subaccounts::SubaccountId;
use scenario::{any, World};
use types::Address;

use crate::{row, Left, Row, USDC};

const NOTHING: Left = Left::Nothing;
const FEE: Left = Left::SequenceAndFee;

fn coins(amount: &str) -> Vec<Coin> {
    vec![Coin { denom: "uusdc".into(), amount: amount.into() }]
}

fn module(world: &World, name: &str) -> String {
    Address::module(name).to_bech32(&world.machine.chain().prefix)
}

/// A payment of alice to bob, changed.
fn send(world: &World, edit: impl FnOnce(&mut MsgSend)) -> Vec<u8> {
    let mut message = MsgSend {
        from_address: world.address("alice"),
        to_address: world.address("bob"),
        amount: coins("1"),
    };
    edit(&mut message);
    world.sign("alice", &[any(&message)])
}

fn multi_send(world: &World, edit: impl FnOnce(&mut MsgMultiSend)) -> Vec<u8> {
    let mut message = MsgMultiSend {
        inputs: vec![Input { address: world.address("alice"), coins: coins("2") }],
        outputs: ["bob", "carl"]
            .map(|person| Output { address: world.address(person), coins: coins("1") })
            .to_vec(),
    };
    edit(&mut message);
    world.sign("alice", &[any(&message)])
}

fn deposit(world: &World, edit: impl FnOnce(&mut sending::MsgDepositToSubaccount)) -> Vec<u8> {
    let mut message = sending::MsgDepositToSubaccount {
        sender: world.address("alice"),
        recipient: Some(world.wire_id("alice")),
        asset_id: 0,
        quantums: 1,
    };
    edit(&mut message);
    world.sign("alice", &[any(&message)])
}

fn withdraw(world: &World, edit: impl FnOnce(&mut sending::MsgWithdrawFromSubaccount)) -> Vec<u8> {
    let mut message = sending::MsgWithdrawFromSubaccount {
        sender: Some(world.wire_id("alice")),
        recipient: world.address("alice"),
        asset_id: 0,
        quantums: 1,
    };
    edit(&mut message);
    world.sign("alice", &[any(&message)])
}

fn transfer(world: &World, edit: impl FnOnce(&mut sending::Transfer)) -> Vec<u8> {
    let mut transfer = sending::Transfer {
        sender: Some(world.wire_id("alice")),
        recipient: Some(world.wire_id("bob")),
        asset_id: 0,
        amount: 1,
    };
    edit(&mut transfer);
    world.sign("alice", &[any(&sending::MsgCreateTransfer { transfer: Some(transfer) })])
}

/// What alice may withdraw, and one more.
fn beyond(world: &World) -> u64 {
    let risk = subaccounts::risk(world.machine.state(), &world.account("alice")).unwrap();
    u64::try_from((risk.net_collateral - risk.initial).raw()).unwrap() + 1
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = payments();
    rows.extend(multi());
    rows.extend(deposits());
    rows.extend(withdrawals());
    rows.extend(transfers());
    rows
}

fn payments() -> Vec<Row> {
    vec![
        row("more than the wallet", ("sdk", 5), FEE, |world| {
            send(world, |message| message.amount = coins("900000000001"))
        }),
        row("a coin that the sender has not", ("sdk", 5), FEE, |world| {
            send(world, |message| message.amount[0].denom = "uother".into())
        }),
        row("a payment to the collateral pool", ("sdk", 4), FEE, |world| {
            send(world, |message| message.to_address = module(world, "subaccounts"))
        }),
        row("a payment to the insurance fund", ("sdk", 4), FEE, |world| {
            send(world, |message| message.to_address = module(world, "insurance_fund"))
        }),
        row("a payment to the fee collector", ("sdk", 4), FEE, |world| {
            send(world, |message| message.to_address = module(world, "fee_collector"))
        }),
        row("a payment of zero", ("sdk", 10), NOTHING, |world| {
            send(world, |message| message.amount = coins("0"))
        }),
        row("a payment of nothing", ("sdk", 10), NOTHING, |world| {
            send(world, |message| message.amount.clear())
        }),
        row("a negative payment", ("sdk", 10), NOTHING, |world| {
            send(world, |message| message.amount = coins("-1"))
        }),
        row("a payment beyond 128 bits", ("sdk", 10), NOTHING, |world| {
            send(world, |message| message.amount = coins("340282366920938463463374607431768211456"))
        }),
        row("one coin twice", ("sdk", 10), NOTHING, |world| {
            send(world, |message| message.amount.push(message.amount[0].clone()))
        }),
        row("a denomination that is none", ("sdk", 10), NOTHING, |world| {
            send(world, |message| message.amount[0].denom = "u".into())
        }),
        row("a payment to no address", ("sdk", 7), NOTHING, |world| {
            send(world, |message| message.to_address.clear())
        }),
        row("a payment to another chain's address", ("sdk", 7), NOTHING, |world| {
            send(world, |message| message.to_address = world.id("bob").owner.to_bech32("cosmos"))
        }),
        row("a payment from another", ("sdk", 8), NOTHING, |world| {
            send(world, |message| message.from_address = world.address("bob"))
        }),
        row("a good payment before a bad one", ("sdk", 5), FEE, |world| {
            let pay = |amount| {
                any(&MsgSend {
                    from_address: world.address("alice"),
                    to_address: world.address("bob"),
                    amount: coins(amount),
                })
            };
            world.sign("alice", &[pay("1"), pay("900000000000")])
        }),
    ]
}

fn multi() -> Vec<Row> {
    vec![
        row("more out than in", ("bank", 4), NOTHING, |world| {
            multi_send(world, |message| message.outputs[0].coins = coins("2"))
        }),
        row("two payers", ("bank", 9), NOTHING, |world| {
            multi_send(world, |message| message.inputs.push(message.inputs[0].clone()))
        }),
        row("no payer", ("bank", 2), NOTHING, |world| multi_send(world, |message| message.inputs.clear())),
        row("no receiver", ("bank", 3), NOTHING, |world| {
            multi_send(world, |message| message.outputs.clear())
        }),
        row("a module among the receivers", ("sdk", 4), FEE, |world| {
            multi_send(world, |message| message.outputs[1].address = module(world, "insurance_fund"))
        }),
    ]
}

fn deposits() -> Vec<Row> {
    vec![
        row("a deposit beyond the wallet", ("sdk", 5), FEE, |world| {
            deposit(world, |message| message.quantums = 900_000 * USDC + 1)
        }),
        row("the largest deposit", ("sdk", 5), FEE, |world| {
            deposit(world, |message| message.quantums = u64::MAX)
        }),
        row("a deposit of nothing", ("subaccounts", 500), NOTHING, |world| {
            deposit(world, |message| message.quantums = 0)
        }),
        row("a deposit of another asset", ("subaccounts", 501), NOTHING, |world| {
            deposit(world, |message| message.asset_id = 1)
        }),
        row("a deposit with another's money", ("sdk", 8), NOTHING, |world| {
            deposit(world, |message| message.sender = world.address("bob"))
        }),
        row("a deposit to number 128001", ("subaccounts", 200), NOTHING, |world| {
            deposit(world, |message| message.recipient.as_mut().unwrap().number = 128_001)
        }),
        row("a deposit to no address", ("subaccounts", 201), NOTHING, |world| {
            deposit(world, |message| message.recipient = Some(SubaccountId::default()))
        }),
        row("a deposit to nobody", ("sending", 5), NOTHING, |world| {
            deposit(world, |message| message.recipient = None)
        }),
        row("a deposit from no address", ("sending", 6), NOTHING, |world| {
            deposit(world, |message| message.sender = "ballast1".into())
        }),
    ]
}

fn withdrawals() -> Vec<Row> {
    vec![
        row("a withdrawal beyond the margin", ("subaccounts", 102), FEE, |world| {
            withdraw(world, |message| message.quantums = beyond(world))
        }),
        row("the largest withdrawal", ("subaccounts", 102), FEE, |world| {
            withdraw(world, |message| message.quantums = u64::MAX)
        }),
        row("a withdrawal from an empty account", ("subaccounts", 102), FEE, |world| {
            withdraw(world, |message| message.sender.as_mut().unwrap().number = 7)
        }),
        row("a withdrawal from another's account", ("sdk", 8), NOTHING, |world| {
            withdraw(world, |message| message.sender = Some(world.wire_id("bob")))
        }),
        row("a withdrawal to the insurance fund", ("sdk", 4), FEE, |world| {
            withdraw(world, |message| message.recipient = module(world, "insurance_fund"))
        }),
        row("a withdrawal of nothing", ("subaccounts", 500), NOTHING, |world| {
            withdraw(world, |message| message.quantums = 0)
        }),
        row("a withdrawal of another asset", ("subaccounts", 501), NOTHING, |world| {
            withdraw(world, |message| message.asset_id = 1)
        }),
        row("a good withdrawal before a bad one", ("subaccounts", 102), FEE, |world| {
            let bad = world.withdraw("alice", beyond(world));
            world.sign("alice", &[world.withdraw("alice", 1), bad])
        }),
    ]
}

fn transfers() -> Vec<Row> {
    vec![
        row("a transfer beyond the margin", ("subaccounts", 102), FEE, |world| {
            transfer(world, |message| message.amount = beyond(world))
        }),
        row("a transfer to itself", ("sending", 1), NOTHING, |world| {
            transfer(world, |message| message.recipient = message.sender.clone())
        }),
        row("a transfer of nothing", ("sending", 2), NOTHING, |world| {
            transfer(world, |message| message.amount = 0)
        }),
        row("a transfer of another asset", ("sending", 1_101), NOTHING, |world| {
            transfer(world, |message| message.asset_id = 1)
        }),
        row("a transfer from another's account", ("sdk", 8), NOTHING, |world| {
            transfer(world, |message| {
                message.sender = Some(world.wire_id("bob"));
                message.recipient = Some(world.wire_id("alice"));
            })
        }),
        row("a transfer without content", ("sending", 5), NOTHING, |world| {
            world.sign("alice", &[any(&sending::MsgCreateTransfer { transfer: None })])
        }),
    ]
}
