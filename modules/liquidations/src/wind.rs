//! Final settlement: the positions of a market that is over are closed against each other at the oracle price,
//! some in each block, until nobody holds any.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use clob::state::Status;
use clob::Books;
use num::{BaseQuantums, QuoteQuantums};
use store::{attempt, Ctx, Read, Scheduled};
use subaccounts::{Accounts, Side, Update};
use types::{MarketId, SubaccountId};

use crate::event::Settled;
use crate::params::Params;
use crate::view::{account, Market};
use crate::watch::Watch;
use crate::Error;

/// Markets whose positions are being closed for good, in order.
pub(crate) fn markets(state: &dyn Read) -> Vec<MarketId> {
    let over = perpetuals::all(state).into_iter().filter(|perpetual| perpetual.open_interest.is_positive());
    let pair = over.filter_map(|perpetual| clob::pair(state, perpetual.market));
    pair.filter(|pair| pair.status == Status::FinalSettlement).map(|pair| pair.market).collect()
}

/// Accounts worth less than nothing with a position in `market`, in order: those are closed at their bankruptcy
/// price, as in any market.
pub(crate) fn indebted(accounts: &Accounts, watch: &Watch, market: MarketId) -> Vec<SubaccountId> {
    let below = watch.below().iter().filter(|(_, risk)| risk.net_collateral.is_negative());
    below.map(|(id, _)| *id).filter(|id| !accounts.size(id, market).is_zero()).collect()
}

/// One side of a market while it is being wound up: holders that are worth something, and what they hold.
struct Queue {
    holders: Vec<(SubaccountId, BaseQuantums)>,
    at: usize,
}

impl Queue {
    /// The first holders of this side, at most `limit` of them.
    fn new(books: &Books, market: MarketId, side: Side, limit: usize) -> Self {
        let accounts = &books.accounts;
        let mut holders = Vec::new();
        for id in accounts.holders(market, side) {
            if holders.len() >= limit {
                break;
            }
            let solvent = account(accounts, &id).is_ok_and(|(_, risk)| !risk.net_collateral.is_negative());
            let held = accounts.size(&id, market);
            if solvent && Side::of(held) == Some(side) {
                holders.push((id, held.abs()));
            }
        }
        Self { holders, at: 0 }
    }

    fn first(&self) -> Option<(SubaccountId, BaseQuantums)> {
        self.holders.get(self.at).copied()
    }

    /// The first one gave `size`; when that is all, the next one is first.
    fn give(&mut self, size: BaseQuantums) {
        if let Some((_, held)) = self.holders.get_mut(self.at) {
            *held -= size;
            if !held.is_positive() {
                self.skip();
            }
        }
    }

    fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }
}

/// Close positions in `market`, longs against shorts in order of id, at the oracle price: at most
/// `params.max_settlements` times. Each time at least one position is gone. Accounts worth less than nothing are
/// left out. Answers how often, and the refusals.
pub(crate) fn settle(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    market: MarketId,
    params: &Params,
) -> (u32, BTreeMap<SubaccountId, Error>) {
    let most = usize::try_from(params.max_settlements).unwrap_or(usize::MAX);
    let mut longs = Queue::new(books, market, Side::Long, most);
    let mut shorts = Queue::new(books, market, Side::Short, most);
    let (mut done, mut refused) = (0_u32, BTreeMap::new());
    while let (Some((long, more)), Some((short, less))) = (longs.first(), shorts.first()) {
        if done >= params.max_settlements {
            break;
        }
        let size = more.min(less);
        // What rounding takes, the second one loses; one who has nothing to lose is the first one instead.
        let one = close(ctx, books, [&long, &short], market, size);
        match one.or_else(|_| close(ctx, books, [&short, &long], market, size)) {
            Ok(()) => {
                done = done.saturating_add(1);
                longs.give(size);
                shorts.give(size);
                clob::position_changed(ctx, books, &long, market);
                clob::position_changed(ctx, books, &short, market);
            }
            Err(reason) => {
                // Neither can lose a quantum: the smaller one may still meet somebody else who can.
                let (id, queue) = if more <= less { (short, &mut shorts) } else { (long, &mut longs) };
                refused.insert(id, reason);
                queue.skip();
            }
        }
    }
    (done, refused)
}

/// Close `size` of two positions against each other for F9: exactly what it changes the first one's notional by.
fn close(
    ctx: &mut Ctx<'_>,
    books: &mut Books,
    [first, second]: [&SubaccountId; 2],
    market: MarketId,
    size: BaseQuantums,
) -> Result<(), Error> {
    attempt(ctx, &mut books.accounts, |ctx, accounts| {
        let state = ctx.state.as_read();
        let terms = Market::load(state, market)?;
        let slice = terms.slice(&terms.holding(accounts.size(first, market))?, size)?;
        let quote = QuoteQuantums::ZERO - slice.notional;
        let updates = [
            Update { id: *first, quote, base: Some((market, slice.base)), fee: QuoteQuantums::ZERO },
            Update {
                id: *second,
                quote: -quote,
                base: Some((market, -slice.base)),
                fee: QuoteQuantums::ZERO,
            },
        ];
        crate::deleverage::change((ctx, accounts), &updates)?;
        ctx.emit(Settled { id: *first, counterparty: *second, market, size, quote });
        if ctx.stumbles(Scheduled::Settlement) {
            return Err(Error::Overflow(market));
        }
        Ok(())
    })
}
