//! Reading without the books: values of committed rows, in the forms of the wire.

use alloc::vec::Vec;

use num::Subticks;
use proto::dydxprotocol::clob as wire;
use store::Read;
use types::{Chain, MarketId, SubaccountId};

use crate::error::Error;
use crate::limits::{Family, Window};
use crate::msg::{wire_id, wire_order};
use crate::order::{Kind, Order, OrderId, Resting, Side, Size};
use crate::params::{EquityTier, Params};
use crate::state::{filled, Level, Pair, Rank, Row, Status, CONDITIONALS, LEVELS, ORDERS, PARKED, TWAPS};

/// A market on the wire.
pub fn wire_pair(pair: &Pair) -> wire::ClobPair {
    use wire::clob_pair::{Metadata, Status as Wire};
    let status = match pair.status {
        Status::Active => Wire::Active,
        Status::Paused => Wire::Paused,
        Status::CancelOnly => Wire::CancelOnly,
        Status::PostOnly => Wire::PostOnly,
        Status::Initializing => Wire::Initializing,
        Status::FinalSettlement => Wire::FinalSettlement,
    };
    let metadata = wire::PerpetualClobMetadata { perpetual_id: pair.market.0 };
    wire::ClobPair {
        id: pair.market.0,
        metadata: Some(Metadata::PerpetualClobMetadata(metadata)),
        step_base_quantums: pair.step.raw(),
        subticks_per_tick: pair.subticks_per_tick,
        quantum_conversion_exponent: pair.quantum_conversion_exponent,
        status: status.into(),
    }
}

/// At most `depth` levels of one side, best first: price, base quantums, orders.
pub fn levels(state: &dyn Read, market: MarketId, side: Side, depth: usize) -> Vec<(Subticks, Level)> {
    let rows = LEVELS.scan(state, &(market, side), depth);
    rows.into_iter().map(|((_, Rank { price, .. }), level)| (price, level)).collect()
}

/// An order that lives until a time, resting or waiting, with what it has traded. Refused when there is none
/// (3006) or it is short-term (3000).
pub fn stateful_order(
    state: &dyn Read,
    id: &OrderId,
    chain: &Chain,
) -> Result<(wire::LongTermOrderPlacement, u64), Error> {
    if id.kind == Kind::ShortTerm {
        return Err(Error::Flags(id.kind.flags()));
    }
    let (order, height, sequence) = if let Some(row) = ORDERS.get(state, id) {
        (row.order(*id), row.height, row.sequence)
    } else if let Some(row) = CONDITIONALS.get(state, id) {
        (row.order, row.height, row.sequence)
    } else if let Some(row) = TWAPS.get(state, id) {
        let traded = row.order.size.less(row.remaining).raw();
        return Ok((placement(&row.order, (row.height, row.sequence), chain), traded));
    } else {
        return Err(Error::NotFound(*id));
    };
    Ok((placement(&order, (height, sequence), chain), filled(state, id).raw()))
}

/// Whether a conditional order has left its waiting.
pub fn triggered(state: &dyn Read, id: &OrderId) -> bool {
    id.kind == Kind::Conditional && !CONDITIONALS.has(state, id)
}

/// Where an order is that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the book.
    Resting,
    /// Waiting for its trigger.
    Untriggered,
    /// Placed in slices.
    Sliced,
}

/// An order that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its terms.
    pub order: Order,
    /// Where it is.
    pub place: Place,
    /// What has traded.
    pub filled: Size,
    /// Height of the block that placed it.
    pub height: u64,
}

/// What a subaccount has open, at most `limit` orders in each place, in order of market, flags and client id.
pub fn open_orders(state: &dyn Read, subaccount: &SubaccountId, limit: usize) -> Vec<Open> {
    let resting = ORDERS.scan(state, subaccount, limit).into_iter().map(|(id, row)| Open {
        order: row.order(id),
        place: Place::Resting,
        filled: filled(state, &id),
        height: row.height,
    });
    let waiting = CONDITIONALS.scan(state, subaccount, limit).into_iter().map(|(_, row)| Open {
        order: row.order,
        place: Place::Untriggered,
        filled: Size::ZERO,
        height: row.height,
    });
    let sliced = TWAPS.scan(state, subaccount, limit).into_iter().map(|(_, row)| Open {
        order: row.order,
        place: Place::Sliced,
        filled: row.order.size.less(row.remaining),
        height: row.height,
    });
    resting.chain(waiting).chain(sliced).collect()
}

/// Every order that rests in any book and what has traded under its id, in the order in which they came to rest.
pub fn all_resting(state: &dyn Read) -> Vec<(Resting, Size)> {
    let mut all: Vec<_> = ORDERS
        .scan(state, &(), usize::MAX)
        .into_iter()
        .map(|(id, row)| {
            let filled = filled(state, &id);
            let Row { sequence, successor, .. } = row;
            let remaining = row.remaining(filled);
            (Resting { order: row.order(id), remaining, sequence, successor }, filled)
        })
        .collect();
    all.sort_unstable_by_key(|(resting, _)| resting.sequence);
    all
}

/// Every order that waits for a price, then every one that is placed in slices.
pub fn all_waiting(state: &dyn Read) -> Vec<Order> {
    let conditionals = CONDITIONALS.scan(state, &(), usize::MAX).into_iter().map(|(_, row)| row.order);
    let twaps = TWAPS.scan(state, &(), usize::MAX).into_iter().map(|(_, row)| row.order);
    conditionals.chain(twaps).collect()
}

/// The terms of an order that is not done: one that rests, waits, is placed in slices, or goes on in the next
/// block.
pub fn terms(state: &dyn Read, id: &OrderId) -> Option<Order> {
    let resting = || ORDERS.get(state, id).map(|row| row.order(*id));
    let waiting = || CONDITIONALS.get(state, id).map(|row| row.order);
    let sliced = || TWAPS.get(state, id).map(|row| row.order);
    let parked = || {
        let rows = PARKED.scan(state, &(), usize::MAX);
        rows.into_iter().map(|(_, order)| order).find(|order| order.id == *id)
    };
    resting().or_else(waiting).or_else(sliced).or_else(parked)
}

/// An order as the wire has it.
pub fn wire_of(order: &Order, chain: &Chain) -> wire::Order {
    wire_order(order, chain)
}

fn placement(order: &Order, (height, sequence): (u64, u64), chain: &Chain) -> wire::LongTermOrderPlacement {
    let placement_index = wire::TransactionOrdering {
        block_height: u32::try_from(height).unwrap_or(u32::MAX),
        transaction_index: u32::try_from(sequence & u64::from(u32::MAX)).unwrap_or_default(),
    };
    wire::LongTermOrderPlacement {
        order: Some(wire_order(order, chain)),
        placement_index: Some(placement_index),
    }
}

/// Read an order id from the wire.
pub fn order_id(wire: wire::OrderId, chain: &Chain) -> Result<OrderId, Error> {
    let subaccount = subaccounts::msg::subaccount("subaccount_id", wire.subaccount_id, chain)
        .map_err(Error::Subaccount)?;
    let kind = Kind::from_flags(wire.order_flags).ok_or(Error::Flags(wire.order_flags))?;
    Ok(OrderId { subaccount, market: MarketId(wire.clob_pair_id), kind, client_id: wire.client_id })
}

/// An order's id as the wire has it.
pub fn wire_order_id(id: &OrderId, chain: &Chain) -> wire::OrderId {
    wire_id(id, chain)
}

/// Budgets of owners, on the wire.
pub fn wire_rate_limits(params: &Params) -> wire::BlockRateLimitConfiguration {
    let windows = |family| {
        let windows = params.rate_limits.of(family).iter();
        let window =
            |window: &Window| wire::MaxPerNBlocksRateLimit { num_blocks: window.blocks, limit: window.limit };
        windows.map(window).collect()
    };
    wire::BlockRateLimitConfiguration {
        max_short_term_orders_and_cancels_per_n_blocks: windows(Family::ShortTerm),
        max_stateful_orders_per_n_blocks: windows(Family::Stateful),
        max_leverage_updates_per_n_blocks: windows(Family::Leverage),
        ..wire::BlockRateLimitConfiguration::default()
    }
}

/// `Leverage`: the initial margin shares that an account has set for itself. Refused when the owner is not an
/// address of this chain or the number is too high.
pub fn leverage(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryLeverageRequest,
) -> Result<wire::QueryLeverageResponse, Error> {
    let id = proto::dydxprotocol::subaccounts::SubaccountId {
        owner: request.owner.clone(),
        number: request.number,
    };
    let id = subaccounts::msg::subaccount("subaccount", Some(id), chain).map_err(Error::Subaccount)?;
    let shares = subaccounts::leverage(state, &id).into_iter();
    let info = |(market, share): (MarketId, num::Ppm)| wire::ClobPairLeverageInfo {
        clob_pair_id: market.0,
        custom_imf_ppm: share.raw(),
    };
    Ok(wire::QueryLeverageResponse { clob_pair_leverage: shares.map(info).collect() })
}

/// How many orders an account may have, on the wire: requirement in quote quantums and limit.
pub fn wire_equity_tiers(params: &Params) -> wire::EquityTierLimitConfiguration {
    let tier = |tier: &EquityTier| wire::EquityTierLimit {
        usd_tnc_required: proto::serint::encode(tier.required.raw()),
        limit: tier.limit,
    };
    wire::EquityTierLimitConfiguration {
        short_term_order_equity_tiers: params.short_term_equity_tiers.iter().map(tier).collect(),
        stateful_order_equity_tiers: params.equity_tiers.iter().map(tier).collect(),
    }
}
