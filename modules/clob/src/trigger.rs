//! Which conditional orders a block's prices wake, in which order, and how many.

use alloc::vec::Vec;
use core::hint::black_box;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ratio, Round, Subticks};
use store::{Ctx, Read};
use types::MarketId;

use crate::arena::Handle;
use crate::books::{Books, TOGETHER};
use crate::conditional::{fire, remove, row, Woken};
use crate::event::Reason;
use crate::oracle::oracle_subticks;
use crate::order::OrderId;
use crate::state::{Pair, Status, BACKLOG, CONDITIONALS};
use crate::triggers::Direction;
use crate::waiting::Traded;
use crate::warm::{warm_arrivals, Rest};

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
    /// The next orders, as far as they were looked at ahead.
    near: Vec<Woken>,
}

/// Before a block's messages: place the conditional orders that the oracle price, or the last block's trades,
/// have reached; at most `max_triggers`, what is left follows in later blocks before anything newer.
pub fn trigger(ctx: &mut Ctx<'_>, books: &mut Books) {
    let (mut turns, open) = turns(ctx, books);
    let mut left = books.budgets.params.max_triggers;
    let share = left.checked_div(open).unwrap_or_default().max(1);
    // Every market gets its share, then the oldest backlog gets the rest.
    for most in [share, u32::MAX] {
        let mut rest = turns.as_mut_slice();
        while !rest.is_empty() {
            let near = look_ahead(ctx, books, rest, most.min(left));
            let (some, later) = rest.split_at_mut(near);
            for turn in some.iter_mut().filter(|turn| turn.open) {
                let most = most.min(left);
                left = left.saturating_sub(most.saturating_sub(run(ctx, books, turn, most)));
            }
            rest = later;
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

/// Markets that have something to place, in their order: backlogs by age, then the others by number. And how
/// many are open, also of those that have nothing to place.
fn turns(ctx: &Ctx<'_>, books: &mut Books) -> (Vec<Turn>, u32) {
    let mut old = BACKLOG.scan(ctx.state.as_read(), &(), usize::MAX);
    old.sort_by_key(|(market, backlog)| (backlog.since, *market));
    let (new, mut open) = reached(ctx, books, &old);
    let mut turns = Vec::with_capacity(old.len().saturating_add(new.len()));
    for (market, backlog) in old {
        let turn = turn(ctx, books, (market, None), Some(backlog));
        open = open.saturating_add(u32::from(turn.as_ref().is_some_and(|turn| turn.open)));
        turns.extend(turn);
    }
    for market in new {
        turns.extend(turn(ctx, books, market, None));
    }
    (turns, open)
}

/// A market, and its oracle price in subticks when that was worked out already.
type Reached = (MarketId, Option<Ratio>);

/// Markets without a backlog whose prices may fire somebody, by number; and how many without one are open.
fn reached(ctx: &Ctx<'_>, books: &mut Books, old: &[(MarketId, Backlog)]) -> (Vec<Reached>, u32) {
    let (mut reached, mut open) = (Vec::new(), 0_u32);
    let Books { waiting, pairs, accounts, .. } = books;
    let traded = waiting.traded_in(ctx.block.height.saturating_sub(1));
    for (market, triggers) in waiting.triggers() {
        if old.iter().any(|(other, _)| *other == market) {
            continue;
        }
        let Some(pair) = pairs.get(market) else { continue };
        let may = may_place(&pair, accounts.is_fresh(ctx.block, market));
        open = open.saturating_add(u32::from(may));
        let traded =
            traded.binary_search_by_key(&market, |(market, _)| *market).ok().and_then(|at| traded.get(at));
        let mut oracle_price = None;
        let mut range = || {
            let oracle = accounts.oracle(market)?.price;
            let (low, high) = match triggers.reach(oracle) {
                Some(known) => known,
                None => {
                    let exact = oracle_subticks(ctx.state.as_read(), &pair)?;
                    let rounded = |round| u64::try_from(exact.to_integer(round)?).ok().map(Subticks::new);
                    let reach = (rounded(Round::Floor)?, rounded(Round::Ceil)?);
                    triggers.set_reach(oracle, reach);
                    oracle_price = Some(exact);
                    reach
                }
            };
            // Trade prices count up to some way from the oracle price only: no further than they are.
            Some(traded.map_or((low, high), |(_, traded)| (low.min(traded.min), high.max(traded.max))))
        };
        let over = pair.status == Status::FinalSettlement;
        if over || range().is_some_and(|range| triggers.reached(range)) {
            reached.push((market, oracle_price));
        }
    }
    (reached, open)
}

/// Whether orders of a market may be placed now, or removed because it is over.
fn may_place(pair: &Pair, fresh: bool) -> bool {
    pair.status == Status::FinalSettlement || (fresh && pair.status.is_active())
}

/// A market's turn, on top of what earlier blocks left.
fn turn(ctx: &Ctx<'_>, books: &Books, (market, oracle): Reached, backlog: Option<Backlog>) -> Option<Turn> {
    let pair = books.pairs.get(market)?;
    let fresh = books.accounts.is_fresh(ctx.block, market);
    let old = backlog.is_some();
    let fresh_backlog = Backlog { since: ctx.block.height, steps: Vec::new() };
    let Backlog { since, mut steps } = backlog.unwrap_or(fresh_backlog);
    for step in wake(ctx, books, (&pair, oracle), fresh).unwrap_or_default() {
        add(&mut steps, step);
    }
    let open = may_place(&pair, fresh);
    Some(Turn { pair, steps, since, old, open, near: Vec::new() })
}

/// What the prices of this block wake in a market.
fn wake(
    ctx: &Ctx<'_>,
    books: &Books,
    (pair, oracle): (&Pair, Option<Ratio>),
    fresh: bool,
) -> Option<Vec<Step>> {
    let state: &dyn Read = ctx.state.as_read();
    if pair.status == Status::FinalSettlement {
        // Everything that still waits has to go.
        let all = |direction, price| Step { direction, price: Subticks::new(price) };
        return Some(alloc::vec![all(Direction::AtOrBelow, 0), all(Direction::AtOrAbove, u64::MAX)]);
    }
    let oracle = oracle.or_else(|| oracle_subticks(state, pair))?;
    let traded = books.waiting.traded(pair.market);
    let traded = traded.filter(|traded| traded.height.saturating_add(1) == ctx.block.height);
    // Without a trade there is no price to be bounded.
    let least = if traded.is_some() { prices::params(state, pair.market)?.min_price_change.raw() } else { 0 };
    let band = Ratio::new(i128::from(least).checked_mul(5)?, 1_000_000_i128)?;
    steps(oracle, fresh, traded, band)
}

/// Place at most `most` of the orders that a market's steps wake. Returns how many more there could have been.
fn run(ctx: &mut Ctx<'_>, books: &mut Books, turn: &mut Turn, most: u32) -> u32 {
    let mut left = most;
    while let Some(step) = turn.steps.first().copied() {
        loop {
            // At least one, to learn whether the step is done.
            let some = usize::try_from(left).unwrap_or(TOGETHER).clamp(1, TOGETHER);
            let rows = next(ctx, books, turn, (step, some));
            if rows.is_empty() {
                break;
            }
            for woken in &rows {
                if left == 0 || books.budgets.fills_left() == 0 {
                    return left;
                }
                left = left.saturating_sub(1);
                wake_one(ctx, books, turn, (woken, step));
            }
        }
        turn.steps.remove(0);
    }
    left
}

/// Look at the next orders of some markets before they are placed, at most `most` of each: many together wait for
/// memory once. Returns how many markets that were, one at least.
fn look_ahead(ctx: &Ctx<'_>, books: &Books, turns: &mut [Turn], most: u32) -> usize {
    let most = usize::try_from(most).unwrap_or(TOGETHER);
    let (mut near, mut ends) = (Vec::with_capacity(TOGETHER), Vec::with_capacity(TOGETHER));
    for turn in turns.iter() {
        let left = TOGETHER.saturating_sub(near.len());
        if left == 0 {
            break;
        }
        if let Some(step) = turn.steps.first().filter(|_| turn.open) {
            let place = (step.price, most.min(left));
            near.extend(books.waiting.fired(turn.pair.market, step.direction, place));
        }
        ends.push(near.len());
    }
    let mut woken = rows(ctx, books, &near).into_iter();
    let mut begin = 0;
    for (turn, end) in turns.iter_mut().zip(&ends) {
        turn.near = woken.by_ref().take(end.saturating_sub(begin)).collect();
        begin = *end;
    }
    ends.len()
}

/// The next orders, at most `some`, that a step wakes, in their order. None of them changes what another waits
/// for, so that they may be read together.
fn next(ctx: &Ctx<'_>, books: &Books, turn: &mut Turn, (step, some): (Step, usize)) -> Vec<Woken> {
    let mut near = core::mem::take(&mut turn.near);
    let fired = books.waiting.fired(turn.pair.market, step.direction, (step.price, some));
    let fired: Vec<_> = fired.collect();
    near.truncate(fired.len());
    if near.iter().map(|woken| &woken.handle).eq(&fired) {
        return near;
    }
    rows(ctx, books, &fired)
}

/// The rows of orders, and a look at all that placing them needs.
fn rows(ctx: &Ctx<'_>, books: &Books, handles: &[Handle]) -> Vec<Woken> {
    if handles.is_empty() {
        return Vec::new();
    }
    black_box(books.waiting.glance(handles));
    let ids = books.waiting.ids(handles);
    CONDITIONALS.look_ahead(ctx.state.as_read(), &ids);
    let woken =
        |(id, handle): (&OrderId, &Handle)| Woken { handle: *handle, row: row(ctx.state.as_read(), id) };
    let rows: Vec<_> = ids.iter().zip(handles).map(woken).collect();
    warm_arrivals(books, rows.iter().map(|Woken { row, .. }| (row.order.id, Some(Rest::of(&row.order)))));
    rows
}

fn wake_one(ctx: &mut Ctx<'_>, books: &mut Books, turn: &Turn, (woken, step): (&Woken, Step)) {
    if turn.pair.status == Status::FinalSettlement {
        remove(ctx, books, &woken.row, Reason::FinalSettlement);
    } else {
        fire(ctx, books, woken, step);
    }
}
