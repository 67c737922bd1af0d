//! Orders, accounts and reasons, as streams spell them.

use clob::{Order, OrderId};
use num::BaseQuantums;
use proto::dydxprotocol::clob::order::GoodTilOneof;
use proto::dydxprotocol::indexer::off_chain_updates as off_chain;
use proto::dydxprotocol::indexer::off_chain_updates::off_chain_update_v1::UpdateMessage;
use proto::dydxprotocol::indexer::off_chain_updates::order_place_v1::OrderPlacementStatus;
use proto::dydxprotocol::indexer::off_chain_updates::order_remove_v1::OrderRemovalStatus;
use proto::dydxprotocol::indexer::protocol::v1 as indexer;
use proto::dydxprotocol::indexer::shared::OrderRemovalReason;
use proto::dydxprotocol::subaccounts as accounts_wire;
use types::{Chain, MarketId, SubaccountId, Time};

use super::Scene;

fn stamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.seconds(),
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    }
}

/// An account's name.
pub(super) fn wire_account(id: &SubaccountId, chain: &Chain) -> accounts_wire::SubaccountId {
    accounts_wire::SubaccountId { owner: id.owner.to_bech32(&chain.prefix), number: id.number }
}

/// A position after a change; zero is closed.
pub(super) fn position(market: MarketId, base: BaseQuantums) -> accounts_wire::SubaccountPerpetualPosition {
    let limit = if base.is_negative() { i64::MIN } else { i64::MAX };
    let quantums = i64::try_from(base.raw()).unwrap_or(limit);
    accounts_wire::SubaccountPerpetualPosition { perpetual_id: market.0, quantums }
}

/// Collateral after a change; what is below zero stands in a field of its own.
pub(super) fn asset(quote: i128) -> accounts_wire::SubaccountAssetPosition {
    let whole = |amount: i128| u64::try_from(amount.max(0)).unwrap_or(u64::MAX);
    accounts_wire::SubaccountAssetPosition {
        asset_id: 0,
        quantums: whole(quote),
        debt: whole(quote.saturating_neg()),
    }
}

fn name(id: &OrderId, chain: &Chain) -> indexer::IndexerOrderId {
    let owner = id.subaccount.owner.to_bech32(&chain.prefix);
    indexer::IndexerOrderId {
        subaccount_id: Some(indexer::IndexerSubaccountId { owner, number: id.subaccount.number }),
        client_id: id.client_id,
        order_flags: id.kind.flags(),
        clob_pair_id: id.market.0,
    }
}

fn change(message: UpdateMessage) -> off_chain::OffChainUpdateV1 {
    off_chain::OffChainUpdateV1 { update_message: Some(message) }
}

/// An order is in its book.
pub(super) fn place(order: &Order, scene: &Scene<'_>) -> off_chain::OffChainUpdateV1 {
    use indexer::indexer_order::GoodTilOneof as Until;
    let wire = clob::query::wire_of(order, scene.chain);
    let builder = wire.builder_code_parameters.map(|builder| indexer::BuilderCodeParameters {
        builder_address: builder.builder_address,
        fee_ppm: builder.fee_ppm,
    });
    // Numbers of the enumerations are the same in both forms.
    let order = indexer::IndexerOrder {
        order_id: Some(name(&order.id, scene.chain)),
        side: wire.side,
        quantums: wire.quantums,
        subticks: wire.subticks,
        time_in_force: wire.time_in_force,
        reduce_only: wire.reduce_only,
        client_metadata: wire.client_metadata,
        condition_type: wire.condition_type,
        conditional_order_trigger_subticks: wire.conditional_order_trigger_subticks,
        builder_code_params: builder,
        good_til_oneof: wire.good_til_oneof.map(|until| match until {
            GoodTilOneof::GoodTilBlock(height) => Until::GoodTilBlock(height),
            GoodTilOneof::GoodTilBlockTime(seconds) => Until::GoodTilBlockTime(seconds),
        }),
        ..indexer::IndexerOrder::default()
    };
    change(UpdateMessage::OrderPlace(off_chain::OrderPlaceV1 {
        order: Some(order),
        placement_status: OrderPlacementStatus::Opened.into(),
        time_stamp: Some(stamp(scene.time)),
    }))
}

/// An order has traded this much.
pub(super) fn update(id: &OrderId, filled: u64, scene: &Scene<'_>) -> off_chain::OffChainUpdateV1 {
    change(UpdateMessage::OrderUpdate(off_chain::OrderUpdateV1 {
        order_id: Some(name(id, scene.chain)),
        total_filled_quantums: filled,
    }))
}

/// An order has left its book.
pub(super) fn remove(
    id: &OrderId,
    (reason, status): (OrderRemovalReason, OrderRemovalStatus),
    scene: &Scene<'_>,
) -> off_chain::OffChainUpdateV1 {
    change(UpdateMessage::OrderRemove(off_chain::OrderRemoveV1 {
        removed_order_id: Some(name(id, scene.chain)),
        reason: reason.into(),
        removal_status: status.into(),
        time_stamp: Some(stamp(scene.time)),
    }))
}

/// Why an order left, in the words of streams.
pub(super) fn removal_reason(reason: &str) -> OrderRemovalReason {
    match reason {
        "cancelled" => OrderRemovalReason::UserCanceled,
        "expired" => OrderRemovalReason::Expired,
        "self_trade" => OrderRemovalReason::SelfTradeError,
        "undercollateralized" => OrderRemovalReason::Undercollateralized,
        "not_resting" | "conditional_ioc_would_rest" => OrderRemovalReason::ImmediateOrCancelWouldRestOnBook,
        "replaced" => OrderRemovalReason::Replaced,
        "final_settlement" => OrderRemovalReason::FinalSettlement,
        "reduce_only" => OrderRemovalReason::ReduceOnlyResize,
        "post_only" => OrderRemovalReason::PostOnlyWouldCrossMakerOrder,
        "isolated" => OrderRemovalReason::ViolatesIsolatedSubaccountConstraints,
        "filled" => OrderRemovalReason::FullyFilled,
        _ => OrderRemovalReason::InternalError,
    }
}

/// What became of an order that did not rest, in the numbers of streams.
pub(super) fn status_number(reason: &str) -> u32 {
    match reason {
        "undercollateralized" => 1,
        "not_resting" | "conditional_ioc_would_rest" => 3,
        "reduce_only" => 4,
        "isolated" => 8,
        "post_only" => 9,
        _ => 2,
    }
}
