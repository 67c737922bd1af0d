//! A block's liquidations: whose turn it is, which position, the book first, the fund beside it, the other side
//! of the market last.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cmp::Reverse;

use clob::Books;
use num::{BaseQuantums, QuoteQuantums};
use store::{attempt, Ctx, Read, Scheduled};
use subaccounts::{Accounts, Subaccount};
use types::{Block, MarketId, SubaccountId};

use crate::deleverage::deleverage;
use crate::liquidate::{liquidate, Sold, Tally};
use crate::params::Params;
use crate::queue::{remember, turns, Candidate};
use crate::state::{params, WAITING};
use crate::view::{account, Market};
use crate::watch::Watch;
use crate::wind::{indebted, markets, settle};
use crate::{event, Error};

/// What a block's liquidations did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Accounts below their maintenance margin when the block's turn came.
    pub below: u32,
    /// Accounts whose turn it was.
    pub attempted: u32,
    /// Positions of which the book took something.
    pub liquidations: u32,
    /// Positions that were offered to the other side of their market, whether anybody took them or not.
    pub offered: u32,
    /// Positions that were deleveraged, in whole or in part.
    pub deleveragings: u32,
    /// Counterparties that took a part of them.
    pub offsets: u32,
    /// What the insurance fund paid, above zero.
    pub insurance_paid: QuoteQuantums,
    /// What the insurance fund got, above zero.
    pub insurance_received: QuoteQuantums,
    /// Times that two positions in markets that are over were closed against each other.
    pub settlements: u32,
    /// Steps that failed and were undone.
    pub failed: u32,
    /// Accounts worth less than nothing at the end; withdrawals are gated while there are any.
    pub negative: u32,
}

fn count(sum: &mut u32, more: usize) {
    *sum = sum.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
}

/// Liquidate. Called once in a block, after its transactions; brings `watch` up to date before and after. What
/// changes accounts, prices or funding later in the block must be followed by [`Watch::refresh`].
pub fn run(ctx: &mut Ctx<'_>, books: &mut Books, watch: &mut Watch) -> Report {
    let mut report = Report::default();
    let (paid_in, paid_out) = insurance::flows(ctx.state.as_read());
    books.accounts.flush(ctx.state);
    watch.refresh(ctx.state);
    let params = params(ctx.state.as_read());
    let candidates = candidates(ctx.state.as_read(), &books.accounts, ctx.block, watch);
    count(&mut report.below, watch.below().len());
    let mut waiting: BTreeSet<SubaccountId> = candidates.iter().map(|candidate| candidate.id).collect();
    let turns = turns(candidates, usize::try_from(params.max_accounts).unwrap_or(usize::MAX));
    count(&mut report.attempted, turns.len());
    for id in &turns {
        if close(ctx, books, id, &params, &mut report) {
            waiting.remove(id);
        }
    }
    let wound = wind(ctx, books, watch, &params, &mut report);
    if wound || !turns.is_empty() {
        books.accounts.flush(ctx.state);
        watch.refresh(ctx.state);
        waiting.retain(|id| watch.below().contains_key(id));
    }
    remember(ctx, &waiting);
    let moved = insurance::flows(ctx.state.as_read());
    report.insurance_paid = moved.1 - paid_out;
    report.insurance_received = moved.0 - paid_in;
    let negative: Vec<_> =
        watch.below().iter().filter(|(_, risk)| risk.net_collateral.is_negative()).collect();
    count(&mut report.negative, negative.len());
    if !negative.is_empty() {
        let deficit = negative.iter().map(|(_, risk)| risk.net_collateral).sum();
        let pools: BTreeSet<_> = negative.iter().map(|(id, _)| books.accounts.collateral(id)).collect();
        ctx.emit(event::deficit(report.negative, deficit));
        for of in pools {
            subaccounts::gate_withdrawals(ctx, of);
        }
    }
    report
}

/// Close positions in markets that are over: at the bankruptcy price those of accounts that were worth less than
/// nothing when the block's turn came, all others at the oracle price, however old it is. Whether there was any.
fn wind(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    watch: &mut Watch,
    params: &Params,
    report: &mut Report,
) -> bool {
    let over = markets(ctx.state.as_read());
    if over.is_empty() {
        return false;
    }
    books.accounts.flush(ctx.state);
    watch.refresh(ctx.state);
    for market in &over {
        for id in indebted(&books.accounts, watch, *market) {
            let fills = books.liquidation_fills_left();
            if !cover(ctx, books, (&id, *market), (params, fills), report) {
                break;
            }
        }
        books.accounts.flush(ctx.state);
        let (done, refused) = settle(ctx, books, *market, params);
        report.settlements = report.settlements.saturating_add(done);
        books.accounts.flush(ctx.state);
        for (id, reason) in refused {
            failed(ctx, (&id, *market), &reason, report);
        }
    }
    true
}

/// Accounts below their margin all of whose positions have a price that may be relied on.
fn candidates(state: &dyn Read, accounts: &Accounts, block: &Block, watch: &Watch) -> Vec<Candidate> {
    let fresh: BTreeSet<MarketId> = perpetuals::all(state)
        .into_iter()
        .map(|perpetual| perpetual.market)
        .filter(|market| prices::is_fresh(state, block, *market))
        .collect();
    let judged = |id: &SubaccountId| {
        let account = accounts.get(id);
        account.positions.iter().all(|(market, _)| fresh.contains(market))
    };
    let below = watch.below().iter().filter(|(id, _)| judged(id));
    below.map(|(id, risk)| Candidate { id: *id, risk: *risk, since: WAITING.get(state, id) }).collect()
}

/// Close positions of one account until it has its margin again, has used its share of the block, or every
/// position was tried once. False when the block had no room left to offer a position to the book or to the other
/// side: then the account keeps its place among those that wait.
fn close(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    id: &SubaccountId,
    params: &Params,
    report: &mut Report,
) -> bool {
    let mut tally = Tally::new(params, books);
    let mut tried = BTreeSet::new();
    let mut had_room = true;
    loop {
        let Ok((settled, risk)) = account(&books.accounts, id) else { return had_room };
        if risk.maintenance <= risk.net_collateral || !tally.notional.is_positive() {
            return had_room;
        }
        let Some(market) = choose(ctx.state.as_read(), &settled, &tried) else { return had_room };
        tried.insert(market);
        let sold = if risk.is_liquidatable() {
            sell(ctx, books, (id, market), &mut tally, (params, report))
        } else {
            Sold::Part
        };
        had_room &= match sold {
            Sold::Whole => true,
            // The other side is not asked for what the book may still take.
            Sold::Cut => return false,
            Sold::Part => {
                let fills = tally.fills(books);
                cover(ctx, books, (id, market), (params, fills), report)
            }
        };
    }
}

/// The position to close next: of those in active markets that were not tried, the one that needs the most
/// maintenance margin; ties to the lower market.
fn choose(state: &dyn Read, settled: &Subaccount, tried: &BTreeSet<MarketId>) -> Option<MarketId> {
    let need = |market: MarketId, base: BaseQuantums| {
        Market::load(state, market).and_then(|terms| terms.holding(base)).map(|holding| holding.maintenance)
    };
    settled
        .positions
        .iter()
        .map(|(market, position)| (*market, position.base))
        .filter(|(market, _)| !tried.contains(market))
        .filter(|(market, _)| clob::pair(state, *market).is_some_and(|pair| pair.status.is_active()))
        .filter_map(|(market, base)| need(market, base).ok().map(|need| (need, Reverse(market))))
        .max()
        .map(|(_, Reverse(market))| market)
}

/// Offer a position to the book.
fn sell(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    (id, market): (&SubaccountId, MarketId),
    tally: &mut Tally,
    (params, report): (&Params, &mut Report),
) -> Sold {
    let mut after = *tally;
    let sold = attempt(ctx, books, |ctx, books| {
        let sold = liquidate(ctx, books, (id, market), &mut after, params)?;
        if ctx.stumbles(Scheduled::Liquidation) {
            return Err(Error::Overflow(market));
        }
        Ok(sold)
    });
    match sold {
        Ok((closed, sold)) => {
            *tally = after;
            count(&mut report.liquidations, usize::from(!closed.filled.is_zero()));
            sold
        }
        Err(reason) => {
            failed(ctx, (id, market), &reason, report);
            Sold::Part
        }
    }
}

/// When the account is worth less than nothing, close what is left of the position against the other side, of
/// which at most `fills` are asked. False when that was called for and the block had no room left for all of it.
fn cover(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    (id, market): (&SubaccountId, MarketId),
    (params, fills): (&Params, u32),
    report: &mut Report,
) -> bool {
    let state = ctx.state.as_read();
    let negative = account(&books.accounts, id).is_ok_and(|(_, risk)| risk.net_collateral.is_negative());
    let Some(pair) = clob::pair(state, market).filter(|_| negative) else { return true };
    if report.offered >= params.max_deleveragings || fills == 0 {
        return false;
    }
    count(&mut report.offered, 1);
    let covered = attempt(ctx, books, |ctx, books| {
        let most = params.max_counterparties.min(fills);
        let outcome = deleverage((ctx, books), id, market, pair.step.base(), most)?;
        if ctx.stumbles(Scheduled::Deleveraging) {
            return Err(Error::Overflow(market));
        }
        Ok(outcome)
    });
    match covered {
        Ok(outcome) => {
            count(&mut report.deleveragings, usize::from(outcome.offsets > 0));
            report.offsets = report.offsets.saturating_add(outcome.offsets);
            let asked = outcome.offsets.saturating_add(outcome.refused);
            !outcome.left.is_positive() || asked < fills
        }
        Err(reason) => {
            failed(ctx, (id, market), &reason, report);
            true
        }
    }
}

fn failed(ctx: &mut Ctx<'_>, (id, market): (&SubaccountId, MarketId), reason: &Error, report: &mut Report) {
    count(&mut report.failed, 1);
    ctx.emit(event::failed(id, market, reason));
}
