//! The state at the start of a chain, and the state as a start of another one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::{Address, MarketId};

use crate::conditional::Conditional;
use crate::error::Error;
use crate::limits::{Family, Usage};
use crate::order::{Kind, Order, OrderId};
use crate::params::Params;
use crate::state::{
    pair, pairs, params, Level, Pair, Rank, Row, Spent, BACKLOG, CONDITIONALS, LEVELS, NEXT_SEQUENCE, ORDERS,
    PAIRS, PARAMS, PARKED, REFINED, SPENT, TRADED, TWAPS, USAGE,
};
use crate::trigger::Backlog;
use crate::twap::Parent;
use crate::waiting::Traded;

/// All that this module keeps; levels follow from orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Bounds that apply to everybody.
    pub params: Params,
    /// Markets.
    pub pairs: Vec<Pair>,
    /// Orders that rest.
    pub orders: Vec<(OrderId, Row)>,
    /// What ids have used up.
    pub spent: Vec<(OrderId, Spent)>,
    /// Number of the next order to rest; above those of all orders.
    pub next_sequence: u64,
    /// Conditional orders that wait.
    pub conditionals: Vec<(OrderId, Conditional)>,
    /// TWAP orders.
    pub twaps: Vec<(OrderId, Parent)>,
    /// Triggers that were reached and whose orders are not placed yet.
    pub backlog: Vec<(MarketId, Backlog)>,
    /// Prices of the last block in which markets traded.
    pub traded: Vec<(MarketId, Traded)>,
    /// What owners have used of budgets that span blocks.
    pub usage: Vec<((Family, Address), Usage)>,
    /// Orders that go on in the next block, by number.
    pub parked: Vec<(u64, Order)>,
    /// Heights at which markets got finer grids.
    pub refined: Vec<(MarketId, u64)>,
}

/// Write the state of `genesis`. Refused when a parameter is out of bounds, a market's units make no sense, or
/// an order has no market, no remaining size or a sequence number that is still to come.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    genesis.params.check()?;
    PARAMS.set(ctx.state, &genesis.params);
    for pair in &genesis.pairs {
        check(ctx.state.as_read(), pair)?;
        PAIRS.set(ctx.state, &pair.market, pair);
    }
    for (id, spent) in &genesis.spent {
        SPENT.set(ctx.state, id, spent);
    }
    let mut levels: BTreeMap<Vec<u8>, ((MarketId, Rank), Level)> = BTreeMap::new();
    for (id, row) in &genesis.orders {
        add(ctx, (id, row), genesis.next_sequence, &mut levels)?;
    }
    for (key, level) in levels.values() {
        LEVELS.set(ctx.state, key, level);
    }
    NEXT_SEQUENCE.set(ctx.state, &genesis.next_sequence);
    waiting(ctx, genesis)?;
    for (market, traded) in &genesis.traded {
        TRADED.set(ctx.state, market, traded);
    }
    for (key, usage) in &genesis.usage {
        USAGE.set(ctx.state, key, usage);
    }
    for (number, order) in &genesis.parked {
        PARKED.set(ctx.state, number, order);
    }
    for (market, height) in &genesis.refined {
        pair(ctx.state.as_read(), *market).ok_or(Error::NoPair(*market))?;
        REFINED.set(ctx.state, market, height);
    }
    Ok(())
}

/// Orders that wait: each has a market, its kind's terms, and a sequence number that is not still to come.
fn waiting(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    let known = |ctx: &Ctx<'_>, id: &OrderId, sequence: u64| {
        pair(ctx.state.as_read(), id.market).ok_or(Error::NoPair(id.market))?;
        (sequence < genesis.next_sequence).then_some(()).ok_or(Error::Exists(*id))
    };
    for (id, row) in &genesis.conditionals {
        known(ctx, id, row.sequence)?;
        row.order.condition.ok_or(Error::Condition(0))?;
        CONDITIONALS.set(ctx.state, id, row);
    }
    for (id, row) in &genesis.twaps {
        known(ctx, id, row.sequence)?;
        row.order.twap.ok_or(Error::TwapParameters("parameters are missing"))?;
        TWAPS.set(ctx.state, id, row);
    }
    let slices =
        genesis.orders.iter().map(|(id, _)| id).chain(genesis.parked.iter().map(|(_, order)| &order.id));
    for id in slices.filter(|id| id.kind == Kind::TwapSlice) {
        let parent = OrderId { kind: Kind::Twap, ..*id };
        TWAPS.get(ctx.state.as_read(), &parent).ok_or(Error::NotFound(parent))?;
    }
    for (market, backlog) in &genesis.backlog {
        BACKLOG.set(ctx.state, market, backlog);
    }
    Ok(())
}

fn check(state: &dyn Read, pair: &Pair) -> Result<(), Error> {
    let wrong = |reason| Err(Error::Pair { market: pair.market, reason });
    if pair.step.is_zero() || pair.subticks_per_tick == 0 {
        return wrong("step and tick must be above 0");
    }
    if !(-30..=30).contains(&pair.quantum_conversion_exponent) {
        return wrong("the conversion exponent must be -30 to 30");
    }
    if PAIRS.has(state, &pair.market) {
        return wrong("is there twice");
    }
    if perpetuals::perpetual(state, pair.market).is_none() {
        return wrong("has no perpetual");
    }
    Ok(())
}

fn add(
    ctx: &mut Ctx<'_>,
    (id, row): (&OrderId, &Row),
    next_sequence: u64,
    levels: &mut BTreeMap<Vec<u8>, ((MarketId, Rank), Level)>,
) -> Result<(), Error> {
    let pair = pair(ctx.state.as_read(), id.market).ok_or(Error::NoPair(id.market))?;
    let filled = crate::state::filled(ctx.state.as_read(), id);
    let remaining = row.remaining(filled);
    if remaining.is_zero() || row.sequence >= next_sequence || ORDERS.has(ctx.state.as_read(), id) {
        return Err(Error::Exists(*id));
    }
    if !pair.on_tick(row.price) {
        return Err(Error::OffTick { price: row.price, tick: pair.subticks_per_tick });
    }
    let rank = Rank { side: row.side, price: row.price };
    let mut key = store::KeyBytes::default();
    store::Key::write(&(id.market, rank), &mut key);
    let empty = Level { quantums: 0, orders: 0 };
    let (_, level) = levels.entry(key.bytes().to_vec()).or_insert(((id.market, rank), empty));
    level.quantums = level.quantums.saturating_add(remaining.raw().into());
    level.orders = level.orders.saturating_add(1);
    ORDERS.set(ctx.state, id, row);
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis {
        params: params(state),
        pairs: pairs(state),
        orders: ORDERS.scan(state, &(), usize::MAX),
        spent: SPENT.scan(state, &(), usize::MAX),
        next_sequence: NEXT_SEQUENCE.get(state).unwrap_or_default(),
        conditionals: CONDITIONALS.scan(state, &(), usize::MAX),
        twaps: TWAPS.scan(state, &(), usize::MAX),
        backlog: BACKLOG.scan(state, &(), usize::MAX),
        traded: TRADED.scan(state, &(), usize::MAX),
        usage: USAGE.scan(state, &(), usize::MAX),
        parked: PARKED.scan(state, &(), usize::MAX),
        refined: REFINED.scan(state, &(), usize::MAX),
    }
}
