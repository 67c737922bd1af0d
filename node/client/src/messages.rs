//! What can be asked of the chain, as messages ready for a transaction.

use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use cosmos_sdk_proto::Any;
use prost::{Message, Name};
use proto::dydxprotocol::clob::{
    msg_cancel_order, order, MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder, Order, OrderBatch, OrderId,
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
}
