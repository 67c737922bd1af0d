//! Many operations of one subaccount under one signature: what they are, and what becomes of each.

use alloc::boxed::Box;
use alloc::vec::Vec;

use num::Subticks;
use proto::ballast::clob::v1 as wire;
use store::{attempt, Ctx, Read};
use types::{Block, MarketId, Rejection, SubaccountId};

use crate::books::Books;
use crate::cancel;
use crate::error::Error;
use crate::limits::Family;
use crate::msg::Cancel;
use crate::order::{
    Builder, Condition, ConditionKind, GoodTil, Kind, Order, OrderId, SelfTrade, Side, Size, TimeInForce,
};
use crate::params::SHORT_BLOCK_WINDOW;
use crate::place::{self, place};
use crate::state::{pair, Pair, REFINED};
use crate::warm::warm_batch;

/// Operations that a batch may have.
pub const MAX_OPERATIONS: usize = 100;

/// Operations of one subaccount, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Whose.
    pub subaccount: SubaccountId,
    /// All of them or none; otherwise each succeeds or fails by itself.
    pub atomic: bool,
    /// 1 to [`MAX_OPERATIONS`].
    pub operations: Vec<Operation>,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Place an order.
    Place(Placing),
    /// Place an order instead of the one with its id.
    Replace(Placing),
    /// Cancel an order.
    Cancel {
        /// Where it is.
        market: MarketId,
        /// Which kind; not a slice.
        kind: Kind,
        /// Its client id.
        client_id: u32,
        /// Until when the cancel holds.
        good_til: GoodTil,
    },
}

/// Terms of an order in the units of its market: ticks and steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placing {
    /// Where.
    pub market: MarketId,
    /// Chosen by the client.
    pub client_id: u32,
    /// Buy or sell.
    pub side: Side,
    /// Price in ticks; above 0.
    pub ticks: u64,
    /// Size in steps; above 0.
    pub steps: u64,
    /// Until when; a block makes it a short-term order.
    pub good_til: GoodTil,
    /// What happens to what does not trade at once.
    pub time_in_force: TimeInForce,
    /// Whether it may only make a position smaller.
    pub reduce_only: bool,
    /// What gives way when it meets an order of its own subaccount.
    pub self_trade: SelfTrade,
    /// Free for the client.
    pub client_metadata: u32,
    /// What it waits for, with the trigger in ticks; makes an order with a time conditional.
    pub condition: Option<(ConditionKind, u64)>,
    /// Who is paid for the software that made it.
    pub builder: Option<Builder>,
}

impl Placing {
    /// Kind of the order.
    pub const fn kind(&self) -> Kind {
        match (self.good_til, self.condition) {
            (GoodTil::Block(_), _) => Kind::ShortTerm,
            (GoodTil::Time(_), None) => Kind::LongTerm,
            (GoodTil::Time(_), Some(_)) => Kind::Conditional,
        }
    }

    /// The order in the market's units. Refused when a number does not fit 64 bits.
    pub fn order(&self, subaccount: SubaccountId, pair: &Pair) -> Result<Order, Error> {
        let large = Error::Overflow(self.market);
        let subticks = |ticks: u64| ticks.checked_mul(pair.subticks_per_tick.into()).map(Subticks::new);
        let size = self.steps.checked_mul(pair.step.raw()).map(Size::new);
        let condition = match self.condition {
            Some((kind, ticks)) => Some(Condition { kind, trigger: subticks(ticks).ok_or(large.clone())? }),
            None => None,
        };
        let Self { market, client_id, .. } = *self;
        Ok(Order {
            id: OrderId { subaccount, market, kind: self.kind(), client_id },
            side: self.side,
            price: subticks(self.ticks).ok_or(large.clone())?,
            size: size.ok_or(large)?,
            good_til: self.good_til,
            time_in_force: self.time_in_force,
            reduce_only: self.reduce_only,
            client_metadata: self.client_metadata,
            self_trade: self.self_trade,
            condition,
            builder: self.builder,
            twap: None,
        })
    }
}

impl Operation {
    /// Kind of the order that it is about.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Place(placing) | Self::Replace(placing) => placing.kind(),
            Self::Cancel { kind, .. } => *kind,
        }
    }

    /// Whether it cancels.
    pub const fn is_cancel(&self) -> bool {
        matches!(self, Self::Cancel { .. })
    }

    /// Whether it may trade at once, against orders that rest.
    pub fn may_take(&self) -> bool {
        !self.is_passive() && self.kind().may_take()
    }

    /// Whether it never trades at once.
    pub fn is_passive(&self) -> bool {
        match self {
            Self::Place(placing) | Self::Replace(placing) => placing.time_in_force == TimeInForce::PostOnly,
            Self::Cancel { .. } => true,
        }
    }
}

impl Batch {
    /// What it takes of its owner's budget of this family: cancels of orders that live until a time are free.
    pub(crate) fn weight(&self, family: Family) -> u32 {
        let counts = |operation: &&Operation| match family {
            Family::ShortTerm => !operation.kind().is_stateful(),
            Family::Stateful => operation.kind().is_stateful() && !operation.is_cancel(),
            Family::Leverage => false,
        };
        u32::try_from(self.operations.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }
}

/// What became of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationResult {
    /// Codespace and code of what refused it.
    pub refused: Option<(&'static str, u32)>,
    /// Number of the order's status.
    pub status: u32,
    /// What traded at once.
    pub filled: Size,
    /// What rests.
    pub resting: Size,
}

impl OperationResult {
    pub(crate) fn to_wire(self) -> wire::OperationResult {
        let (codespace, code) = self.refused.unwrap_or_default();
        wire::OperationResult {
            codespace: codespace.into(),
            code,
            status: self.status,
            filled_quantums: self.filled.raw(),
            resting_quantums: self.resting.raw(),
        }
    }
}

/// Run the operations in order. Refused when one of an atomic batch fails, or every one of any batch: then
/// nothing has happened, and the error is that of the first operation that failed.
pub(crate) fn batch(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    batch: &Batch,
) -> Result<Vec<OperationResult>, Error> {
    warm_batch(books, batch);
    let mut results = Vec::with_capacity(batch.operations.len());
    let mut first = None;
    let mut failed: usize = 0;
    for (index, operation) in batch.operations.iter().enumerate() {
        match attempt(ctx, books, |ctx, books| run(ctx, books, batch.subaccount, operation)) {
            Ok(result) => results.push(result),
            Err(error) => {
                let refused = Some((error.codespace(), error.code()));
                results.push(OperationResult { refused, ..OperationResult::default() });
                failed = failed.saturating_add(1);
                let first = first.get_or_insert(Error::Operation { index, cause: Box::new(error) });
                if batch.atomic {
                    return Err(first.clone());
                }
            }
        }
    }
    match first {
        Some(error) if failed == results.len() => Err(error),
        _ => Ok(results),
    }
}

fn run(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    subaccount: SubaccountId,
    operation: &Operation,
) -> Result<OperationResult, Error> {
    let placed = match operation {
        Operation::Cancel { .. } => {
            if let Some(cancel) = operation.cancel(subaccount) {
                cancel::cancel(ctx, books, &cancel)?;
            }
            return Ok(OperationResult::default());
        }
        Operation::Place(placing) => {
            let order = located(ctx.block, books.pairs.at(placing.market), placing, subaccount)?;
            place(ctx, books, &order)?
        }
        Operation::Replace(placing) => {
            let order = located(ctx.block, books.pairs.at(placing.market), placing, subaccount)?;
            place::replace(ctx, books, &order)?
        }
    };
    Ok(OperationResult {
        refused: None,
        status: placed.status.number(),
        filled: placed.filled,
        resting: placed.resting,
    })
}

/// The order that is meant, in `block`. Prices of a batch are counted in ticks: one that may have been signed when
/// they were larger would mean other prices now, and could even come again, as another order than the one that was
/// done. One that lives until a time does not say when it was signed; it cannot come twice, and as long as short-term
/// ones may come late it is refused too, so that mempools forget those that were on their way.
fn located(
    block: &Block,
    found: Option<(Pair, Option<u64>)>,
    placing: &Placing,
    subaccount: SubaccountId,
) -> Result<Order, Error> {
    let (pair, refined) = found.ok_or(Error::NoPair(placing.market))?;
    if let Some(refined) = refined {
        let old = refined.saturating_add(SHORT_BLOCK_WINDOW.into());
        let height = match placing.good_til {
            GoodTil::Block(until) => until.into(),
            GoodTil::Time(_) => block.height,
        };
        if height <= old {
            return Err(Error::Refined { market: placing.market, height, old });
        }
    }
    placing.order(subaccount, &pair)
}

impl Operation {
    fn cancel(&self, subaccount: SubaccountId) -> Option<Cancel> {
        let Self::Cancel { market, kind, client_id, good_til } = *self else { return None };
        Some(Cancel { id: OrderId { subaccount, market, kind, client_id }, good_til })
    }
}

/// Whether any operation could succeed, by the rules that need neither books nor accounts.
pub(crate) fn check(state: &dyn Read, block: &Block, batch: &Batch) -> Result<(), Error> {
    let mut first = None;
    for (index, operation) in batch.operations.iter().enumerate() {
        let checked = match operation {
            Operation::Cancel { .. } => operation
                .cancel(batch.subaccount)
                .map_or(Ok(()), |cancel| cancel::check(state, block, &cancel)),
            Operation::Place(placing) | Operation::Replace(placing) => {
                let found =
                    pair(state, placing.market).map(|pair| (pair, REFINED.get(state, &placing.market)));
                located(block, found, placing, batch.subaccount)
                    .and_then(|order| place::admissible(state, block, &order).map(|_| ()))
            }
        };
        match checked {
            Ok(()) if !batch.atomic => return Ok(()),
            Ok(()) => {}
            Err(cause) => {
                let error = Error::Operation { index, cause: Box::new(cause) };
                if batch.atomic {
                    return Err(error);
                }
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(()), Err)
}
