//! What a user can ask, and the only stateless check of it, in the order of the dYdX chain.

use alloc::vec::Vec;

use bank::wire::{at_most, strict};
use num::{Ppm, Subticks};
use proto::ballast::clob::v1 as ours;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order as part;
use proto::dydxprotocol::subaccounts::SubaccountId as WireSubaccountId;
use types::{Address, Chain, Malformed, MarketId, SubaccountId};

use crate::batch::{Batch, Operation};
use crate::compact;
use crate::error::Error;
use crate::leverage::Leverage;
use crate::order::{
    Builder, Condition, ConditionKind, GoodTil, Kind, Order, OrderId, SelfTrade, Side, Size, TimeInForce,
    Twap,
};
use crate::params::{MAX_BATCH, MAX_BUILDER_FEE};

/// Type of [`Msg::Place`] on the wire.
pub const PLACE_ORDER: &str = "/dydxprotocol.clob.MsgPlaceOrder";

/// Type of [`Msg::Cancel`] on the wire.
pub const CANCEL_ORDER: &str = "/dydxprotocol.clob.MsgCancelOrder";

/// Type of [`Msg::BatchCancel`] on the wire.
pub const BATCH_CANCEL: &str = "/dydxprotocol.clob.MsgBatchCancel";

/// Type of [`Msg::PlaceMore`] on the wire.
pub const PLACE_ORDER_MORE: &str = "/ballast.clob.v1.MsgPlaceOrder";

/// Type of [`Msg::Batch`] on the wire.
pub const BATCH: &str = "/ballast.clob.v1.MsgBatch";

/// A message about orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Msg {
    /// Place an order.
    Place(Order),
    /// Cancel an order.
    Cancel(Cancel),
    /// Cancel many short-term orders.
    BatchCancel(BatchCancel),
    /// Place an order with choices that the dYdX chain does not have.
    PlaceMore {
        /// Which.
        order: Order,
        /// Whether it takes the place of the one with its id. Short-term orders always do when they come later.
        replace: bool,
    },
    /// Many operations.
    Batch(Batch),
    /// Set the account's own limit on leverage.
    Leverage(Leverage),
}

/// Cancels one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Which.
    pub id: OrderId,
    /// Until when the cancel holds.
    pub good_til: GoodTil,
}

/// Cancels many short-term orders of one subaccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchCancel {
    /// Whose.
    pub subaccount: SubaccountId,
    /// Client ids by market; at least one market, at least one id each, nothing twice.
    pub markets: Vec<(MarketId, Vec<u32>)>,
    /// Until which block the cancels hold.
    pub good_til_block: u32,
}

impl Msg {
    /// Who must have signed.
    pub fn signer(&self) -> Address {
        match self {
            Self::Place(order) | Self::PlaceMore { order, .. } => order.id.subaccount.owner,
            Self::Batch(batch) => batch.subaccount.owner,
            Self::Cancel(cancel) => cancel.id.subaccount.owner,
            Self::BatchCancel(batch) => batch.subaccount.owner,
            Self::Leverage(leverage) => leverage.subaccount.owner,
        }
    }

    /// Whether it is about short-term orders, and so free of gas and sequence.
    pub fn is_short_term(&self) -> bool {
        match self {
            Self::Place(order) | Self::PlaceMore { order, .. } => !order.id.kind.is_stateful(),
            Self::Batch(batch) => batch.operations.iter().all(|operation| !operation.kind().is_stateful()),
            Self::Cancel(cancel) => !cancel.id.kind.is_stateful(),
            Self::BatchCancel(_) => true,
            Self::Leverage(_) => false,
        }
    }

    /// Whether it only cancels.
    pub fn is_cancel(&self) -> bool {
        match self {
            Self::Place(_) | Self::PlaceMore { .. } | Self::Leverage(_) => false,
            Self::Cancel(_) | Self::BatchCancel(_) => true,
            Self::Batch(batch) => batch.operations.iter().all(Operation::is_cancel),
        }
    }

    /// Whether it may trade at once, against orders that rest.
    pub fn may_take(&self) -> bool {
        match self {
            Self::Place(order) | Self::PlaceMore { order, .. } => {
                order.id.kind.may_take() && order.time_in_force != TimeInForce::PostOnly
            }
            Self::Batch(batch) => batch.operations.iter().any(Operation::may_take),
            Self::Cancel(_) | Self::BatchCancel(_) | Self::Leverage(_) => false,
        }
    }

    /// Whether it places orders, and none of them ever trades at once.
    pub fn is_post_only(&self) -> bool {
        match self {
            Self::Place(order) | Self::PlaceMore { order, .. } => {
                order.time_in_force == TimeInForce::PostOnly
            }
            Self::Cancel(_) | Self::BatchCancel(_) | Self::Leverage(_) => false,
            Self::Batch(batch) => !self.is_cancel() && batch.operations.iter().all(Operation::is_passive),
        }
    }
}

/// Read a `MsgPlaceOrder`.
pub fn decode_place(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: wire::MsgPlaceOrder = strict("MsgPlaceOrder", bytes)?;
    order(&wire.order.unwrap_or_default(), chain).map(Msg::Place)
}

/// Read a `ballast.clob.v1.MsgPlaceOrder`.
pub fn decode_place_more(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: ours::MsgPlaceOrder = strict("MsgPlaceOrder", bytes)?;
    let self_trade = match ours::SelfTrade::try_from(wire.self_trade) {
        Ok(ours::SelfTrade::CancelMaker) => SelfTrade::CancelMaker,
        Ok(ours::SelfTrade::CancelTaker) => SelfTrade::CancelTaker,
        Ok(ours::SelfTrade::CancelBoth) => SelfTrade::CancelBoth,
        Err(_) => return Err(Malformed::new("self_trade", "is no choice that there is").into()),
    };
    let order = Order { self_trade, ..order(&wire.order.unwrap_or_default(), chain)? };
    Ok(Msg::PlaceMore { order, replace: wire.replace })
}

/// Read a `ballast.clob.v1.MsgBatch`.
pub fn decode_batch(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: ours::MsgBatch = strict("MsgBatch", bytes)?;
    let subaccount = subaccount(wire.subaccount_id, chain)?;
    let operations = compact::decode(&wire.operations)?;
    Ok(Msg::Batch(Batch { subaccount, atomic: wire.atomic, operations }))
}

/// Read a `MsgCancelOrder`.
pub fn decode_cancel(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    use wire::msg_cancel_order::GoodTilOneof as Until;
    let wire: wire::MsgCancelOrder = strict("MsgCancelOrder", bytes)?;
    let id = wire.order_id.unwrap_or_default();
    let subaccount = subaccount(id.subaccount_id.clone(), chain)?;
    let until = wire.good_til_oneof.map(|until| match until {
        Until::GoodTilBlock(height) => GoodTil::Block(height),
        Until::GoodTilBlockTime(seconds) => GoodTil::Time(seconds),
    });
    let kind = kind(id.order_flags)?;
    let good_til = good_til(kind, until)?;
    Ok(Msg::Cancel(Cancel { id: order_id(&id, subaccount, kind), good_til }))
}

/// Read a `MsgBatchCancel`.
pub fn decode_batch_cancel(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    at_most("short_term_cancels", bytes, 2, MAX_BATCH)?;
    let wire: wire::MsgBatchCancel = strict("MsgBatchCancel", bytes)?;
    let subaccount = subaccount(wire.subaccount_id, chain)?;
    if wire.good_til_block == 0 {
        return Err(Error::NoBlock);
    }
    let mut markets: Vec<(MarketId, Vec<u32>)> = Vec::new();
    let mut count: usize = 0;
    for batch in wire.short_term_cancels {
        let market = MarketId(batch.clob_pair_id);
        if markets.iter().any(|(other, _)| *other == market) {
            return Err(Error::Batch("names a clob pair twice"));
        }
        if batch.client_ids.is_empty() {
            return Err(Error::Batch("names a clob pair without client ids"));
        }
        count = count.saturating_add(batch.client_ids.len());
        if count > MAX_BATCH {
            return Err(Error::Batch("names more than 100 client ids"));
        }
        let mut sorted = batch.client_ids.clone();
        sorted.sort_unstable();
        if !sorted.is_sorted_by(|a, b| a < b) {
            return Err(Error::Batch("names a client id twice"));
        }
        markets.push((market, batch.client_ids));
    }
    if markets.is_empty() {
        return Err(Error::Batch("names no clob pair"));
    }
    Ok(Msg::BatchCancel(BatchCancel { subaccount, markets, good_til_block: wire.good_til_block }))
}

pub(crate) fn subaccount(wire: Option<WireSubaccountId>, chain: &Chain) -> Result<SubaccountId, Error> {
    let wire = Some(wire.unwrap_or_default());
    subaccounts::msg::subaccount("subaccount_id", wire, chain).map_err(Error::Subaccount)
}

fn order_id(wire: &wire::OrderId, subaccount: SubaccountId, kind: Kind) -> OrderId {
    OrderId { subaccount, market: MarketId(wire.clob_pair_id), kind, client_id: wire.client_id }
}

/// The kind of a user's order: slices are the chain's own.
fn kind(flags: u32) -> Result<Kind, Error> {
    Kind::from_flags(flags).filter(|kind| *kind != Kind::TwapSlice).ok_or(Error::Flags(flags))
}

fn good_til(kind: Kind, until: Option<GoodTil>) -> Result<GoodTil, Error> {
    match (kind.is_stateful(), until) {
        (false, Some(GoodTil::Block(height))) if height > 0 => Ok(GoodTil::Block(height)),
        (true, Some(GoodTil::Time(seconds))) if seconds > 0 => Ok(GoodTil::Time(seconds)),
        (false, _) => Err(Error::NoBlock),
        (true, _) => Err(Error::NoTime),
    }
}

/// The rules of one order that need no state, then what is not implemented.
fn order(wire: &wire::Order, chain: &Chain) -> Result<Order, Error> {
    let time_in_force = part::TimeInForce::try_from(wire.time_in_force);
    if time_in_force == Ok(part::TimeInForce::FillOrKill) {
        return Err(Error::FillOrKill);
    }
    let id = wire.order_id.clone().unwrap_or_default();
    let subaccount = subaccount(id.subaccount_id.clone(), chain)?;
    let time_in_force = match time_in_force {
        Ok(part::TimeInForce::Unspecified) => TimeInForce::Rest,
        Ok(part::TimeInForce::Ioc) => TimeInForce::ImmediateOrCancel,
        Ok(part::TimeInForce::PostOnly) => TimeInForce::PostOnly,
        Ok(part::TimeInForce::FillOrKill) | Err(_) => return Err(Error::TimeInForce(wire.time_in_force)),
    };
    if part::ConditionType::try_from(wire.condition_type).is_err() {
        return Err(Error::Condition(wire.condition_type));
    }
    let side = match part::Side::try_from(wire.side) {
        Ok(part::Side::Buy) => Side::Buy,
        Ok(part::Side::Sell) => Side::Sell,
        Ok(part::Side::Unspecified) | Err(_) => return Err(Error::Side(wire.side)),
    };
    if wire.quantums == 0 {
        return Err(Error::ZeroSize);
    }
    let router = wire.order_router_address.as_str();
    if !router.is_empty() && Address::from_bech32(router, &chain.prefix).is_err() {
        return Err(Error::Router(router.chars().take(90).collect()));
    }
    let kind = kind(id.order_flags)?;
    let until = wire.good_til_oneof.map(|until| match until {
        part::GoodTilOneof::GoodTilBlock(height) => GoodTil::Block(height),
        part::GoodTilOneof::GoodTilBlockTime(seconds) => GoodTil::Time(seconds),
    });
    let good_til = good_til(kind, until)?;
    if kind == Kind::LongTerm && time_in_force == TimeInForce::ImmediateOrCancel {
        return Err(Error::LongTermImmediate);
    }
    if wire.subticks == 0 && kind != Kind::Twap {
        return Err(Error::ZeroPrice);
    }
    let condition = condition(wire, kind)?;
    let builder = builder(wire.builder_code_parameters.as_ref(), chain)?;
    let twap = twap(wire.twap_parameters.as_ref(), kind)?;
    if !router.is_empty() {
        return Err(Error::Router(router.chars().take(90).collect()));
    }
    Ok(Order {
        id: order_id(&id, subaccount, kind),
        side,
        price: Subticks::new(wire.subticks),
        size: Size::new(wire.quantums),
        good_til,
        time_in_force,
        reduce_only: wire.reduce_only,
        self_trade: SelfTrade::CancelMaker,
        client_metadata: wire.client_metadata,
        condition,
        builder,
        twap,
    })
}

/// Condition and trigger belong to conditional orders, and to all of them.
fn condition(wire: &wire::Order, order_kind: Kind) -> Result<Option<Condition>, Error> {
    let kind = match part::ConditionType::try_from(wire.condition_type) {
        Ok(part::ConditionType::StopLoss) => Some(ConditionKind::StopLoss),
        Ok(part::ConditionType::TakeProfit) => Some(ConditionKind::TakeProfit),
        Ok(part::ConditionType::Unspecified) | Err(_) => None,
    };
    let conditional = order_kind == Kind::Conditional;
    if kind.is_some() != conditional {
        return Err(Error::Condition(wire.condition_type));
    }
    if (wire.conditional_order_trigger_subticks != 0) != conditional {
        return Err(Error::Trigger);
    }
    let trigger = Subticks::new(wire.conditional_order_trigger_subticks);
    Ok(kind.map(|kind| Condition { kind, trigger }))
}

fn builder(wire: Option<&wire::BuilderCodeParameters>, chain: &Chain) -> Result<Option<Builder>, Error> {
    let Some(builder) = wire else { return Ok(None) };
    let Ok(address) = Address::from_bech32(&builder.builder_address, &chain.prefix) else {
        return Err(Error::BuilderCode("needs the address of a builder"));
    };
    if builder.fee_ppm == 0 || builder.fee_ppm > MAX_BUILDER_FEE {
        return Err(Error::BuilderCode("fee must be 1 to 10000 ppm"));
    }
    Ok(Some(Builder { address, fee_ppm: builder.fee_ppm }))
}

/// How a TWAP order is cut; other orders are not.
fn twap(wire: Option<&wire::TwapParameters>, kind: Kind) -> Result<Option<Twap>, Error> {
    let wrong = |reason| Err(Error::TwapParameters(reason));
    let twap = match (kind, wire) {
        (Kind::Twap, Some(twap)) => twap,
        (Kind::Twap, None) => return wrong("parameters are missing"),
        (_, Some(_)) => return wrong("parameters belong to twap orders"),
        (_, None) => return Ok(None),
    };
    if !(30..=3_600).contains(&twap.interval) {
        return wrong("interval must be 30 to 3600 seconds");
    }
    if !(300..=86_400).contains(&twap.duration) {
        return wrong("duration must be 300 to 86400 seconds");
    }
    if twap.duration.checked_rem(twap.interval) != Some(0) {
        return wrong("duration must be a multiple of the interval");
    }
    if twap.price_tolerance >= 1_000_000 {
        return wrong("price tolerance must be below 1000000 ppm");
    }
    let wire::TwapParameters { duration, interval, price_tolerance } = *twap;
    Ok(Some(Twap { duration, interval, tolerance: Ppm::new(price_tolerance) }))
}

/// An order's id on the wire.
pub(crate) fn wire_id(id: &OrderId, chain: &Chain) -> wire::OrderId {
    let subaccount = WireSubaccountId {
        owner: id.subaccount.owner.to_bech32(&chain.prefix),
        number: id.subaccount.number,
    };
    wire::OrderId {
        subaccount_id: Some(subaccount),
        client_id: id.client_id,
        order_flags: id.kind.flags(),
        clob_pair_id: id.market.0,
    }
}

/// An order on the wire, as its owner signed it.
pub(crate) fn wire_order(order: &Order, chain: &Chain) -> wire::Order {
    let side = match order.side {
        Side::Buy => part::Side::Buy,
        Side::Sell => part::Side::Sell,
    };
    let time_in_force = match order.time_in_force {
        TimeInForce::Rest => part::TimeInForce::Unspecified,
        TimeInForce::ImmediateOrCancel => part::TimeInForce::Ioc,
        TimeInForce::PostOnly => part::TimeInForce::PostOnly,
    };
    let until = match order.good_til {
        GoodTil::Block(height) => part::GoodTilOneof::GoodTilBlock(height),
        GoodTil::Time(seconds) => part::GoodTilOneof::GoodTilBlockTime(seconds),
    };
    let condition_type = match order.condition.map(|condition| condition.kind) {
        None => part::ConditionType::Unspecified,
        Some(ConditionKind::StopLoss) => part::ConditionType::StopLoss,
        Some(ConditionKind::TakeProfit) => part::ConditionType::TakeProfit,
    };
    wire::Order {
        order_id: Some(wire_id(&order.id, chain)),
        side: side.into(),
        quantums: order.size.raw(),
        subticks: order.price.raw(),
        good_til_oneof: Some(until),
        time_in_force: time_in_force.into(),
        reduce_only: order.reduce_only,
        client_metadata: order.client_metadata,
        condition_type: condition_type.into(),
        conditional_order_trigger_subticks: order.condition.map_or(0, |condition| condition.trigger.raw()),
        twap_parameters: order.twap.map(|twap| wire::TwapParameters {
            duration: twap.duration,
            interval: twap.interval,
            price_tolerance: twap.tolerance.raw(),
        }),
        builder_code_parameters: order.builder.map(|builder| wire::BuilderCodeParameters {
            builder_address: builder.address.to_bech32(&chain.prefix),
            fee_ppm: builder.fee_ppm,
        }),
        order_router_address: alloc::string::String::new(),
    }
}
