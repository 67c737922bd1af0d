//! What can be asked of the chain, as messages ready for a transaction.

use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use cosmos_sdk_proto::cosmos::upgrade::v1beta1::{MsgCancelUpgrade, MsgSoftwareUpgrade, Plan};
use cosmos_sdk_proto::Any;
use prost::{Message, Name};
use proto::ballast::clob::v1 as ballast;
use proto::dydxprotocol::clob::{
    msg_cancel_order, order, MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder, Order, OrderBatch, OrderId,
    TwapParameters,
};
use proto::dydxprotocol::sending::{
    MsgCreateTransfer, MsgDepositToSubaccount, MsgWithdrawFromSubaccount, Transfer,
};
use proto::dydxprotocol::subaccounts::SubaccountId;
use types::Coin;

pub use proto::dydxprotocol::clob::order::{Side, TimeInForce};

/// Orders of this kind live for at most some blocks and need neither fee nor sequence.
pub const SHORT_TERM: u32 = 0;
/// Orders of this kind live until a time and are ordinary transactions.
pub const LONG_TERM: u32 = 64;
/// Orders of this kind wait for a price first.
pub const CONDITIONAL: u32 = 32;
/// Orders of this kind are placed in slices.
pub const TWAP: u32 = 128;

/// A message packed for a transaction.
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// The subaccount `number` of `owner` (bech32).
pub fn subaccount(owner: &str, number: u32) -> SubaccountId {
    SubaccountId { owner: owner.into(), number }
}

/// Move collateral from the sender's balance into a subaccount.
pub fn deposit(sender: &str, to: SubaccountId, quantums: u64) -> Any {
    pack(&MsgDepositToSubaccount { sender: sender.into(), recipient: Some(to), asset_id: 0, quantums })
}

/// Move collateral from a subaccount of the sender to a balance.
pub fn withdraw(from: SubaccountId, recipient: &str, quantums: u64) -> Any {
    pack(&MsgWithdrawFromSubaccount {
        sender: Some(from),
        recipient: recipient.into(),
        asset_id: 0,
        quantums,
    })
}

/// Move collateral between subaccounts.
pub fn transfer(from: SubaccountId, to: SubaccountId, amount: u64) -> Any {
    let transfer = Transfer { sender: Some(from), recipient: Some(to), asset_id: 0, amount };
    pack(&MsgCreateTransfer { transfer: Some(transfer) })
}

/// Plan that another release executes blocks from `height` on, in place of any such plan. `info` is for operators.
pub fn plan_upgrade(authority: &str, name: &str, height: u64, info: &str) -> Any {
    let height = i64::try_from(height).unwrap_or(i64::MAX);
    let plan = Plan { name: name.into(), height, info: info.into(), ..Plan::default() };
    pack(&MsgSoftwareUpgrade { authority: authority.into(), plan: Some(plan) })
}

/// Plan no upgrade.
pub fn cancel_upgrade(authority: &str) -> Any {
    pack(&MsgCancelUpgrade { authority: authority.into() })
}

/// Send coins.
pub fn send(from: &str, to: &str, coins: &[Coin]) -> Any {
    pack(&MsgSend {
        from_address: from.into(),
        to_address: to.into(),
        amount: coins.iter().map(wire_coin).collect(),
    })
}

/// Until when an order is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A short-term order: the last block that may fill it.
    Block(u32),
    /// A long-term order: unix seconds.
    Time(u32),
}

/// What names an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderName {
    /// Whose it is.
    pub subaccount: SubaccountId,
    /// The client's own number for it.
    pub client_id: u32,
    /// Its market.
    pub market: u32,
}

/// What a trader wants, in the chain's numbers; see [`crate::Market`] for the way there.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOrder {
    /// Its name.
    pub name: OrderName,
    /// Buy or sell.
    pub side: Side,
    /// Size in base quantums.
    pub quantums: u64,
    /// Limit price in subticks.
    pub subticks: u64,
    /// Until when; this also says whether it is short-term or long-term.
    pub until: Until,
    /// What becomes of the part that does not trade at once.
    pub time_in_force: TimeInForce,
    /// It may only make a position smaller.
    pub reduce_only: bool,
}

impl NewOrder {
    /// The order on the wire.
    pub fn wire(&self) -> Order {
        Order {
            order_id: Some(order_id(&self.name, self.until)),
            side: self.side.into(),
            quantums: self.quantums,
            subticks: self.subticks,
            good_til_oneof: Some(match self.until {
                Until::Block(height) => order::GoodTilOneof::GoodTilBlock(height),
                Until::Time(seconds) => order::GoodTilOneof::GoodTilBlockTime(seconds),
            }),
            time_in_force: self.time_in_force.into(),
            reduce_only: self.reduce_only,
            ..Order::default()
        }
    }

    /// The message that places it.
    pub fn place(&self) -> Any {
        pack(&MsgPlaceOrder { order: Some(self.wire()) })
    }
}

/// What an order waits for before it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The market moves against the position: up for a buy, down for a sale.
    StopLoss(u64),
    /// The market moves with the position: down for a buy, up for a sale.
    TakeProfit(u64),
}

impl NewOrder {
    /// The message that places it when the price reaches the trigger, in subticks. It must live until a time.
    pub fn place_when(&self, trigger: Trigger) -> Any {
        let (kind, subticks) = match trigger {
            Trigger::StopLoss(subticks) => (order::ConditionType::StopLoss, subticks),
            Trigger::TakeProfit(subticks) => (order::ConditionType::TakeProfit, subticks),
        };
        let mut order = self.wire();
        order.condition_type = kind.into();
        order.conditional_order_trigger_subticks = subticks;
        pack(&MsgPlaceOrder { order: Some(with_flags(order, CONDITIONAL)) })
    }

    /// The message that places it in equal slices over `duration` seconds, one every `interval` seconds, each at
    /// most `tolerance` ppm from the oracle price. It must live until a time.
    pub fn place_sliced(&self, duration: u32, interval: u32, tolerance: u32) -> Any {
        let mut order = self.wire();
        order.twap_parameters = Some(TwapParameters { duration, interval, price_tolerance: tolerance });
        pack(&MsgPlaceOrder { order: Some(with_flags(order, TWAP)) })
    }

    /// The message that puts it in the place of the order with its name.
    pub fn replace(&self) -> Any {
        match self.until {
            // A short-term order replaces by coming later.
            Until::Block(_) => self.place(),
            Until::Time(_) => {
                pack(&ballast::MsgPlaceOrder { order: Some(self.wire()), self_trade: 0, replace: true })
            }
        }
    }
}

fn with_flags(mut order: Order, flags: u32) -> Order {
    if let Some(id) = &mut order.order_id {
        id.order_flags = flags;
    }
    order
}

/// Many operations of one subaccount under one signature: all of them or none when `atomic`, otherwise each by
/// itself.
pub fn batch(subaccount: SubaccountId, atomic: bool, operations: &[clob::Operation]) -> Any {
    let operations = clob::compact::encode(operations);
    pack(&ballast::MsgBatch { subaccount_id: Some(subaccount), atomic, operations })
}

/// Cancel one order. `until` must not be before the order's own end.
pub fn cancel(name: &OrderName, until: Until) -> Any {
    pack(&MsgCancelOrder {
        order_id: Some(order_id(name, until)),
        good_til_oneof: Some(match until {
            Until::Block(height) => msg_cancel_order::GoodTilOneof::GoodTilBlock(height),
            Until::Time(seconds) => msg_cancel_order::GoodTilOneof::GoodTilBlockTime(seconds),
        }),
    })
}

/// Cancel several short-term orders at once: client ids by market.
pub fn batch_cancel(subaccount: SubaccountId, orders: Vec<(u32, Vec<u32>)>, good_til_block: u32) -> Any {
    let batch = |(clob_pair_id, client_ids)| OrderBatch { clob_pair_id, client_ids };
    pack(&MsgBatchCancel {
        subaccount_id: Some(subaccount),
        short_term_cancels: orders.into_iter().map(batch).collect(),
        good_til_block,
    })
}

/// The id that an order of this name and duration has.
pub fn order_id(name: &OrderName, until: Until) -> OrderId {
    OrderId {
        subaccount_id: Some(name.subaccount.clone()),
        client_id: name.client_id,
        order_flags: match until {
            Until::Block(_) => SHORT_TERM,
            Until::Time(_) => LONG_TERM,
        },
        clob_pair_id: name.market,
    }
}

pub(crate) fn wire_coin(coin: &Coin) -> WireCoin {
    WireCoin { denom: coin.denom.to_string(), amount: coin.amount.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duration_says_which_kind_of_order_it_is() {
        let name = OrderName { subaccount: subaccount("ballast1x", 3), client_id: 7, market: 5 };
        assert_eq!(order_id(&name, Until::Block(9)).order_flags, SHORT_TERM);
        assert_eq!(order_id(&name, Until::Time(9)).order_flags, LONG_TERM);
        let order = NewOrder {
            name,
            side: Side::Sell,
            quantums: 10,
            subticks: 20,
            until: Until::Time(30),
            time_in_force: TimeInForce::PostOnly,
            reduce_only: true,
        };
        let placed = order.place();
        assert_eq!(placed.type_url, "/dydxprotocol.clob.MsgPlaceOrder");
        let wire = MsgPlaceOrder::decode(&placed.value[..]).unwrap().order.unwrap();
        assert_eq!((wire.quantums, wire.subticks, wire.side, wire.reduce_only), (10, 20, 2, true));
        assert_eq!(wire.good_til_oneof, Some(order::GoodTilOneof::GoodTilBlockTime(30)));
    }

    #[test]
    fn the_chain_reads_what_waits_what_is_sliced_what_replaces_and_what_comes_together() {
        let chain = types::Chain {
            chain_id: "test-1".into(),
            prefix: "ballast".into(),
            collateral: types::Denom::new("uusdc").unwrap(),
        };
        let owner = types::Address::new([7; 20]).to_bech32("ballast");
        let order = NewOrder {
            name: OrderName { subaccount: subaccount(&owner, 0), client_id: 7, market: 5 },
            side: Side::Sell,
            quantums: 1_000,
            subticks: 20,
            until: Until::Time(30),
            time_in_force: TimeInForce::Unspecified,
            reduce_only: false,
        };
        let read = |any: Any| match any.type_url.as_str() {
            clob::msg::PLACE_ORDER => clob::decode_place(&any.value, &chain),
            clob::msg::PLACE_ORDER_MORE => clob::decode_place_more(&any.value, &chain),
            _ => clob::decode_batch(&any.value, &chain),
        };
        let placed = |any: Any| match read(any) {
            Ok(clob::Msg::Place(order)) => order,
            other => panic!("{other:?}"),
        };
        let waiting = placed(order.place_when(Trigger::StopLoss(19)));
        assert_eq!(waiting.condition.unwrap().trigger.raw(), 19);
        let sliced = placed(order.place_sliced(600, 60, 10_000));
        assert_eq!(sliced.twap.map(|twap| (twap.duration, twap.interval)), Some((600, 60)));
        assert!(matches!(read(order.replace()), Ok(clob::Msg::PlaceMore { replace: true, .. })));
        let cancel = clob::Operation::Cancel {
            market: types::MarketId(5),
            kind: clob::Kind::ShortTerm,
            client_id: 9,
            good_til: clob::GoodTil::Block(40),
        };
        let Ok(clob::Msg::Batch(batch)) = read(batch(subaccount(&owner, 0), true, &[cancel])) else {
            panic!("not a batch");
        };
        assert!(batch.atomic && batch.operations == [cancel]);
    }
}
