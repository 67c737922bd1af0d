//! Which conditional orders a block's prices wake, in which order, and how many.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ratio, Round, Subticks};
use store::{Ctx, Read};

use crate::books::Books;
use crate::conditional::{fire, remove, row};
use crate::event::Reason;
use crate::oracle::oracle_subticks;
use crate::order::OrderId;
use crate::state::{pair, Pair, Status, BACKLOG};
use crate::triggers::Direction;
use crate::waiting::Traded;

/// A price that wakes the orders on one side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Step {
    /// Which orders.
    pub direction: Direction,
    /// The price, rounded against them.
    pub price: Subticks,
}

impl Step {
    /// F8: whether it wakes an order with this trigger.
    pub fn fires(&self, direction: Direction, trigger: Subticks) -> bool {
        self.direction == direction && direction.fires(trigger, self.price)
    }

    /// Whether it wakes all that `other` does.
    fn covers(&self, other: &Self) -> bool {
        self.fires(other.direction, other.price)
    }
}

/// Prices whose orders are not all placed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Backlog {
    /// Height of the block that began it.
    pub since: u64,
    /// What is left, in order; not empty.
    pub steps: Vec<Step>,
}

/// F9: what the prices of a block wake. `oracle` and trade prices in subticks; trade prices count up to
/// `oracle * band` away from the oracle price. In order: oracle price, lowest, highest trade price; of each the
/// orders at or above it (rounded up), then those at or below it (rounded down).
pub fn steps(oracle: Ratio, fresh: bool, traded: Option<Traded>, band: Ratio) -> Option<Vec<Step>> {
    let mut prices = Vec::with_capacity(3);
    if fresh {
        prices.push(oracle);
    }
    if let Some(traded) = traded {
        let width = oracle.mul(band)?;
        let (low, high) = (oracle.sub(width)?, oracle.add(width)?);
        for price in [traded.min, traded.max] {
            let price = Ratio::new(i128::from(price.raw()), 1_i128)?;
            let clamped = if price.compare(&low)?.is_lt() {
                low
            } else if price.compare(&high)?.is_gt() {
                high
            } else {
                price
            };
            prices.push(clamped);
        }
    }
    let mut steps = Vec::with_capacity(6);
    for price in prices {
        for (direction, round) in [(Direction::AtOrBelow, Round::Ceil), (Direction::AtOrAbove, Round::Floor)]
        {
            let price = u64::try_from(price.to_integer(round)?).ok()?;
            add(&mut steps, Step { direction, price: Subticks::new(price) });
        }
    }
    Some(steps)
}

/// Add a step unless the steps wake all that it does.
fn add(steps: &mut Vec<Step>, step: Step) {
    if !steps.iter().any(|earlier| earlier.covers(&step)) {
        steps.push(step);
    }
}

/// Steps that a backlog remembers as they are; more of them are merged.
const MAX_STEPS: usize = 16;

/// The same steps, at most one of each direction, each in its first place.
fn merged(steps: &[Step]) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::with_capacity(2);
    for step in steps {
        match merged.iter_mut().find(|other| other.direction == step.direction) {
            Some(other) if step.covers(other) => *other = *step,
            Some(_) => {}
            None => merged.push(*step),
        }
    }
    merged
}

/// A market on its way through the pass.
struct Turn {
    pair: Pair,
    steps: Vec<Step>,
    since: u64,
    /// Whether a row remembers its backlog.
    old: bool,
    /// Whether its orders may be placed now.
    open: bool,
}

/// Before a block's messages: place the conditional orders that the oracle price, or the last block's trades,
/// have reached; at most `max_triggers`, what is left follows in later blocks before anything newer.
pub fn trigger(ctx: &mut Ctx<'_>, books: &mut Books) {
    let mut turns = turns(ctx, books);
    let mut left = books.budgets.params.max_triggers;
    let open = turns.iter().filter(|turn| turn.open).count();
    let share = u32::try_from(open).ok().and_then(|open| left.checked_div(open)).unwrap_or_default().max(1);
    // Every market gets its share, then the oldest backlog gets the rest.
    for most in [share, u32::MAX] {
        for turn in turns.iter_mut().filter(|turn| turn.open) {
            let most = most.min(left);
            left = left.saturating_sub(most.saturating_sub(run(ctx, books, turn, most)));
        }
    }
    for turn in &turns {
        let market = turn.pair.market;
        let waits = |step: &Step| books.fired(market, step.direction, step.price).is_some();
        if turn.steps.iter().any(waits) {
            let steps = if turn.steps.len() > MAX_STEPS { merged(&turn.steps) } else { turn.steps.clone() };
            BACKLOG.set(ctx.state, &market, &Backlog { since: turn.since, steps });
        } else if turn.old {
            BACKLOG.remove(ctx.state, &market);
        }
    }
}

/// Markets in their order: backlogs by age, then the others by number.
fn turns(ctx: &Ctx<'_>, books: &Books) -> Vec<Turn> {
    let state = ctx.state.as_read();
    let mut old = BACKLOG.scan(state, &(), usize::MAX);
    old.sort_by_key(|(market, backlog)| (backlog.since, *market));
    let markets = books.waiting.markets();
    let new = markets.into_iter().filter(|market| !old.iter().any(|(other, _)| other == market));
    let fresh = Backlog { since: ctx.block.height, steps: Vec::new() };
    let new: Vec<_> = new.map(|market| (market, fresh.clone())).collect();
    let old = old.into_iter().map(|(market, backlog)| (market, backlog, true));
    let all = old.chain(new.into_iter().map(|(market, backlog)| (market, backlog, false)));
    all.filter_map(|(market, backlog, old)| {
        let pair = pair(state, market)?;
        let fresh = prices::is_fresh(state, ctx.block, market);
        let mut steps = backlog.steps;
        for step in wake(ctx, books, &pair, fresh).unwrap_or_default() {
            add(&mut steps, step);
        }
        let ends = pair.status == Status::FinalSettlement;
        Some(Turn {
            pair,
            steps,
            since: backlog.since,
            old,
            open: ends || (fresh && pair.status.is_active()),
        })
    })
    .collect()
}

/// What the prices of this block wake in a market.
fn wake(ctx: &Ctx<'_>, books: &Books, pair: &Pair, fresh: bool) -> Option<Vec<Step>> {
    let state: &dyn Read = ctx.state.as_read();
    if pair.status == Status::FinalSettlement {
        // Everything that still waits has to go.
        let all = |direction, price| Step { direction, price: Subticks::new(price) };
        return Some(alloc::vec![all(Direction::AtOrBelow, 0), all(Direction::AtOrAbove, u64::MAX)]);
    }
    let oracle = oracle_subticks(state, pair)?;
    let least = prices::params(state, pair.market)?.min_price_change;
    let band = Ratio::new(i128::from(least.raw()).checked_mul(5)?, 1_000_000_i128)?;
    let traded = books.waiting.traded(pair.market);
    let traded = traded.filter(|traded| traded.height.saturating_add(1) == ctx.block.height);
    steps(oracle, fresh, traded, band)
}

/// Place at most `most` of the orders that a market's steps wake. Returns how many more there could have been.
fn run(ctx: &mut Ctx<'_>, books: &mut Books, turn: &mut Turn, most: u32) -> u32 {
    let mut left = most;
    while let Some(step) = turn.steps.first().copied() {
        while let Some(next) = books.fired(turn.pair.market, step.direction, step.price) {
            if left == 0 || books.budgets.fills_left() == 0 {
                return left;
            }
            left = left.saturating_sub(1);
            wake_one(ctx, books, turn, (&next.id, step));
        }
        turn.steps.remove(0);
    }
    left
}

fn wake_one(ctx: &mut Ctx<'_>, books: &mut Books, turn: &Turn, (id, step): (&OrderId, Step)) {
    if turn.pair.status == Status::FinalSettlement {
        let row = row(ctx.state.as_read(), id);
        remove(ctx, books, &row, Reason::FinalSettlement);
    } else {
        fire(ctx, books, id, step);
    }
}
