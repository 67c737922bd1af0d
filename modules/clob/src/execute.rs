//! From message to change: one `match`.

use alloc::vec::Vec;

use prost::Message;
use proto::dydxprotocol::clob as wire;
use store::{attempt, Ctx, Read};
use types::Block;

use crate::batch::{self, OperationResult};
use crate::books::Books;
use crate::cancel::{self, batch_cancel, BatchCancelled};
use crate::error::Error;
use crate::leverage;
use crate::limits::{charge, room, Family};
use crate::msg::{BatchCancel, Cancel, Msg};
use crate::order::{GoodTil, Kind, OrderId};
use crate::params::BATCH_WEIGHT;
use crate::place::{self, place, PlacedOrder};
use crate::spent;
use crate::state::SPENT;

/// What a message did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An order was accepted.
    Placed(PlacedOrder),
    /// An order with more choices was accepted.
    PlacedMore(PlacedOrder),
    /// A cancel holds.
    Cancelled,
    /// Some cancels of a batch hold.
    BatchCancelled(BatchCancelled),
    /// What became of each operation of a batch.
    Batched(Vec<OperationResult>),
    /// The limit on leverage holds.
    LeverageSet,
}

impl Outcome {
    /// The answer on the wire.
    pub fn response(&self) -> Vec<u8> {
        match self {
            Self::Placed(_) => wire::MsgPlaceOrderResponse {}.encode_to_vec(),
            Self::PlacedMore(_) => proto::ballast::clob::v1::MsgPlaceOrderResponse {}.encode_to_vec(),
            Self::LeverageSet => wire::MsgUpdateLeverageResponse {}.encode_to_vec(),
            Self::Cancelled => wire::MsgCancelOrderResponse {}.encode_to_vec(),
            Self::BatchCancelled(batch) => {
                let batches = |ids: &cancel::Ids| {
                    let batch = |(market, client_ids): &(types::MarketId, Vec<u32>)| wire::OrderBatch {
                        clob_pair_id: market.0,
                        client_ids: client_ids.clone(),
                    };
                    ids.iter().map(batch).collect()
                };
                let response = wire::MsgBatchCancelResponse {
                    short_term_succeeded: batches(&batch.succeeded),
                    short_term_failed: batches(&batch.failed),
                };
                response.encode_to_vec()
            }
            Self::Batched(results) => {
                let results = results.iter().map(|result| result.to_wire()).collect();
                proto::ballast::clob::v1::MsgBatchResponse { results }.encode_to_vec()
            }
        }
    }
}

/// Run one message whose signature was checked. A refusal leaves nothing behind but what the message took of
/// its owner's budget.
pub fn execute(ctx: &mut Ctx<'_>, books: &mut Books, msg: &Msg) -> Result<Outcome, Error> {
    for weight in weights(msg) {
        charge(ctx, books, msg.signer(), weight)?;
    }
    attempt(ctx, books, |ctx, books| match msg {
        Msg::Place(order) => place(ctx, books, order).map(Outcome::Placed),
        Msg::Cancel(one) => cancel::cancel(ctx, books, one).map(|()| Outcome::Cancelled),
        Msg::BatchCancel(batch) => batch_cancel(ctx, books, batch).map(Outcome::BatchCancelled),
        Msg::PlaceMore { order, replace } => {
            let place = if *replace { place::replace } else { place };
            place(ctx, books, order).map(Outcome::PlacedMore)
        }
        Msg::Batch(operations) => batch::batch(ctx, books, operations).map(Outcome::Batched),
        Msg::Leverage(one) => leverage::update(ctx, books, one).map(|()| Outcome::LeverageSet),
    })
}

/// What a message takes of its signer's budgets: cancels of orders that live until a time are free.
fn weights(msg: &Msg) -> [(Family, u32); 3] {
    let (short_term, stateful) = match msg {
        Msg::BatchCancel(_) => (BATCH_WEIGHT, 0),
        Msg::Batch(batch) => (batch.weight(Family::ShortTerm), batch.weight(Family::Stateful)),
        Msg::Place(_) | Msg::PlaceMore { .. } | Msg::Cancel(_) if msg.is_short_term() => (1, 0),
        Msg::Place(_) | Msg::PlaceMore { .. } => (0, 1),
        Msg::Cancel(_) | Msg::Leverage(_) => (0, 0),
    };
    let leverage = u32::from(matches!(msg, Msg::Leverage(_)));
    [(Family::ShortTerm, short_term), (Family::Stateful, stateful), (Family::Leverage, leverage)]
}

/// The rules of a message that need neither books nor accounts: what a node may ask before it passes a message
/// on. `block` is the next one.
pub fn check(state: &dyn Read, block: &Block, msg: &Msg) -> Result<(), Error> {
    for weight in weights(msg) {
        room(state, block, msg.signer(), weight)?;
    }
    match msg {
        Msg::Batch(operations) => batch::check(state, block, operations),
        Msg::Place(order) | Msg::PlaceMore { order, .. } => {
            let pair = place::admissible(state, block, order)?;
            let spent = SPENT.get(state, &order.id).unwrap_or_default();
            spent::uncancelled(&spent, order)?;
            spent::unfilled(&spent, order, &pair).map(|_| ())
        }
        Msg::Cancel(cancel) => cancel::check(state, block, cancel),
        Msg::Leverage(one) => leverage::check(state, one),
        Msg::BatchCancel(batch) => {
            let mut all = cancels(batch);
            let any = all.any(|cancel| cancel::check(state, block, &cancel).is_ok());
            let count = cancels(batch).count();
            any.then_some(()).ok_or(Error::BatchFailed(count))
        }
    }
}

fn cancels(batch: &BatchCancel) -> impl Iterator<Item = Cancel> + '_ {
    batch.markets.iter().flat_map(|(market, client_ids)| {
        client_ids.iter().map(|client_id| Cancel {
            id: OrderId {
                subaccount: batch.subaccount,
                market: *market,
                kind: Kind::ShortTerm,
                client_id: *client_id,
            },
            good_til: GoodTil::Block(batch.good_til_block),
        })
    })
}
