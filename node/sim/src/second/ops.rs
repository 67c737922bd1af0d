//! Messages in the model's words.

use app::msg::Msg;
use app::Machine;
use clob::{GoodTil, Operation, OrderId, Placing, SelfTrade, Side, TimeInForce};
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use model::terms::{Force, Id, MeetsOwn, Op, Order, Purse, Until};
use perpetuals::Collateral;
use prost::Message;
use proto::ballast::clob::v1 as ballast;
use types::{Address, SubaccountId};

use super::Known;

const NOBODY: &str = "somebody whom the model does not know";

/// What an accepted message asked; `answer` is the data of its transaction and the message's place in it.
///
/// # Errors
/// With what the model does not have.
pub(super) fn of(
    known: &mut Known,
    machine: &Machine,
    message: &Msg,
    answer: (&[u8], usize),
) -> Result<Vec<Op>, &'static str> {
    match message {
        Msg::Bank(message) => coins(known, machine, message),
        Msg::Subaccounts(message) => money(known, message).map(|op| vec![op]),
        Msg::Clob(message) => trading(known, machine, message, answer),
        // What it changes is read when it holds.
        Msg::Governance(_) => Ok(Vec::new()),
    }
}

fn coins(known: &mut Known, machine: &Machine, message: &bank::Msg) -> Result<Vec<Op>, &'static str> {
    let bank::Msg::Send(send) = message else { return Err("a payment to many") };
    let mut ops = Vec::new();
    for coin in send.coins.iter().filter(|coin| coin.denom == machine.chain().collateral) {
        let amount = u64::try_from(coin.amount).map_err(|_| "a large payment")?;
        let from = known.owner(&send.from).ok_or(NOBODY)?;
        let to = purse(known, machine, &send.to);
        if let Purse::Pool = to {
            *known.given.entry(send.to).or_default() += amount;
        }
        ops.push(Op::Give { from, to, amount });
    }
    Ok(ops)
}

/// Where coins go that are sent to an address.
fn purse(known: &Known, machine: &Machine, to: &Address) -> Purse {
    if let Some(owner) = known.owner(to) {
        return Purse::Wallet(owner);
    }
    if *to == fees::collector() {
        return Purse::Collector;
    }
    let isolated = perpetuals::isolated(machine.state()).into_iter().map(Collateral::Isolated);
    for of in std::iter::once(Collateral::Cross).chain(isolated) {
        if *to == of.address(subaccounts::POOL) {
            return Purse::Pool;
        }
        if *to == of.address(insurance::FUND) {
            let owner = if let Collateral::Isolated(market) = of { Some(market.0) } else { None };
            return Purse::Fund(owner);
        }
    }
    Purse::Away
}

fn money(known: &Known, message: &subaccounts::Msg) -> Result<Op, &'static str> {
    let account = |id: &SubaccountId| known.account(id).ok_or(NOBODY);
    match message {
        subaccounts::Msg::Deposit { sender, recipient, amount } if *sender == recipient.owner => {
            Ok(Op::Deposit { account: account(recipient)?, amount: *amount })
        }
        subaccounts::Msg::Withdraw { sender, recipient, amount } if *recipient == sender.owner => {
            Ok(Op::Withdraw { account: account(sender)?, amount: *amount })
        }
        subaccounts::Msg::Transfer { sender, recipient, amount } => {
            Ok(Op::Transfer { from: account(sender)?, to: account(recipient)?, amount: *amount })
        }
        subaccounts::Msg::Deposit { .. } | subaccounts::Msg::Withdraw { .. } => {
            Err("money between a wallet and the account of somebody else")
        }
    }
}

fn trading(
    known: &Known,
    machine: &Machine,
    message: &clob::Msg,
    (data, index): (&[u8], usize),
) -> Result<Vec<Op>, &'static str> {
    Ok(match message {
        clob::Msg::Place(order) => vec![Op::Place(self::order(known, machine, (order, false))?)],
        clob::Msg::PlaceMore { order, replace } => {
            vec![Op::Place(self::order(known, machine, (order, *replace))?)]
        }
        clob::Msg::Cancel(cancel) => vec![Op::Cancel(id(known, &cancel.id)?, until(cancel.good_til))],
        clob::Msg::BatchCancel(batch) => vec![Op::Batch {
            account: known.account(&batch.subaccount).ok_or(NOBODY)?,
            markets: batch.markets.iter().map(|(market, clients)| (market.0, clients.clone())).collect(),
            until: batch.good_til_block,
        }],
        clob::Msg::Leverage(leverage) => {
            let account = known.account(&leverage.subaccount).ok_or(NOBODY)?;
            let one = |(market, ppm): &(types::MarketId, num::Ppm)| Op::Leverage {
                account,
                market: market.0,
                ppm: ppm.raw(),
            };
            leverage.shares.iter().map(one).collect()
        }
        clob::Msg::Batch(batch) => {
            let data = TxMsgData::decode(data).map_err(|_| "an answer that does not parse")?;
            let answer = data.msg_responses.get(index).map(|any| any.value.as_slice()).unwrap_or_default();
            let answer =
                ballast::MsgBatchResponse::decode(answer).map_err(|_| "an answer that does not parse")?;
            // Parts that were refused leave nothing.
            let done = batch.operations.iter().zip(&answer.results).filter(|(_, result)| result.code == 0);
            let part = |(part, _): (&Operation, _)| operation(known, machine, batch.subaccount, part);
            vec![Op::Many {
                account: known.account(&batch.subaccount).ok_or(NOBODY)?,
                atomic: true,
                parts: done.map(part).collect::<Result<_, _>>()?,
            }]
        }
    })
}

fn operation(
    known: &Known,
    machine: &Machine,
    subaccount: SubaccountId,
    part: &Operation,
) -> Result<Op, &'static str> {
    let (placing, replaces) = match part {
        Operation::Cancel { market, kind, client_id, good_til } => {
            let order = OrderId { subaccount, market: *market, kind: *kind, client_id: *client_id };
            return Ok(Op::Cancel(id(known, &order)?, until(*good_til)));
        }
        Operation::Place(placing) => (placing, false),
        Operation::Replace(placing) => (placing, true),
    };
    let pair = clob::pair(machine.state(), placing.market).ok_or("a market without a book")?;
    let order = whole(placing, subaccount, &pair);
    Ok(Op::Place(self::order(known, machine, (&order, replaces))?))
}

/// The order of a part of a batch, in the units of its market.
fn whole(placing: &Placing, subaccount: SubaccountId, pair: &clob::Pair) -> clob::Order {
    let subticks = |ticks: u64| num::Subticks::new(ticks.saturating_mul(pair.subticks_per_tick.into()));
    let Placing { market, client_id, side, good_til, time_in_force, reduce_only, .. } = *placing;
    clob::Order {
        id: OrderId { subaccount, market, kind: placing.kind(), client_id },
        side,
        price: subticks(placing.ticks),
        size: clob::Size::new(placing.steps.saturating_mul(pair.step.raw())),
        good_til,
        time_in_force,
        reduce_only,
        client_metadata: placing.client_metadata,
        self_trade: placing.self_trade,
        condition: placing.condition.map(|(kind, ticks)| clob::Condition { kind, trigger: subticks(ticks) }),
        builder: placing.builder,
        twap: None,
    }
}

fn until(good_til: GoodTil) -> Until {
    match good_til {
        GoodTil::Block(block) => Until::Block(block),
        GoodTil::Time(time) => Until::Time(time),
    }
}

fn id(known: &Known, id: &OrderId) -> Result<Id, &'static str> {
    let account = known.account(&id.subaccount).ok_or(NOBODY)?;
    Ok(Id { account, market: id.market.0, flags: id.kind.flags(), client: id.client_id })
}

fn order(
    known: &Known,
    machine: &Machine,
    (order, replaces): (&clob::Order, bool),
) -> Result<Order, &'static str> {
    let builder = match &order.builder {
        Some(builder) => Some((known.owner(&builder.address).ok_or(NOBODY)?, builder.fee_ppm)),
        None => None,
    };
    let kind = |kind| if kind == clob::ConditionKind::StopLoss { 1 } else { 2 };
    Ok(Order {
        id: id(known, &order.id)?,
        buy: order.side == Side::Buy,
        price: order.price.raw(),
        size: order.size.raw(),
        until: until(order.good_til),
        force: match order.time_in_force {
            TimeInForce::Rest => Force::Rest,
            TimeInForce::ImmediateOrCancel => Force::Immediate,
            TimeInForce::PostOnly => Force::PostOnly,
        },
        reduce_only: order.reduce_only,
        metadata: order.client_metadata,
        condition: order.condition.map(|condition| (kind(condition.kind), condition.trigger.raw())),
        twap: order.twap.map(|twap| (twap.duration, twap.interval, twap.tolerance.raw())),
        builder,
        meets_own: match order.self_trade {
            SelfTrade::CancelMaker => MeetsOwn::Maker,
            SelfTrade::CancelTaker => MeetsOwn::Taker,
            SelfTrade::CancelBoth => MeetsOwn::Both,
        },
        replaces,
        hash: clob::order_hash(order, machine.chain()),
    })
}
