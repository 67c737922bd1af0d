//! Units and status of all markets, in memory: a cache of their rows.

use alloc::vec::Vec;

use store::{Ctx, Journal, Read};
use types::MarketId;

use crate::books::Books;
use crate::state::{pairs, Pair, PAIRS, REFINED};

/// Markets by number.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    by_market: Vec<(MarketId, Pair)>,
    /// Heights at which markets got finer grids, of those that did, by number.
    refined: Vec<(MarketId, u64)>,
    /// What was there before each change since the first open savepoint.
    journal: Journal<(MarketId, Option<Pair>)>,
}

impl Pairs {
    /// Take over what the rows say.
    pub(crate) fn refresh(&mut self, state: &dyn Read) {
        self.by_market.clear();
        self.by_market.extend(pairs(state).into_iter().map(|pair| (pair.market, pair)));
        self.refined = REFINED.scan(state, &(), usize::MAX);
    }

    /// Height of the block that gave a market its grid; nothing for the one that it began with.
    pub(crate) fn refined(&self, market: MarketId) -> Option<u64> {
        let at = self.refined.binary_search_by_key(&market, |(market, _)| *market).ok()?;
        self.refined.get(at).map(|(_, height)| *height)
    }

    /// Units and status of a market.
    #[inline]
    pub(crate) fn get(&self, market: MarketId) -> Option<Pair> {
        // Markets are most often numbered without a gap.
        let guess = usize::try_from(market.0).ok().and_then(|at| self.by_market.get(at));
        if let Some((_, pair)) = guess.filter(|(id, _)| *id == market) {
            return Some(*pair);
        }
        let at = self.by_market.binary_search_by_key(&market, |(market, _)| *market).ok()?;
        self.by_market.get(at).map(|(_, pair)| *pair)
    }

    /// The same with the height of the block that gave it its grid.
    pub(crate) fn at(&self, market: MarketId) -> Option<(Pair, Option<u64>)> {
        Some((self.get(market)?, self.refined(market)))
    }

    fn put(&mut self, market: MarketId, pair: Option<Pair>) {
        match (self.by_market.binary_search_by_key(&market, |(market, _)| *market), pair) {
            (Ok(at), Some(pair)) => {
                if let Some(place) = self.by_market.get_mut(at) {
                    place.1 = pair;
                }
            }
            (Err(at), Some(pair)) => self.by_market.insert(at, (market, pair)),
            (Ok(at), None) => {
                self.by_market.remove(at);
            }
            (Err(_), None) => {}
        }
    }

    fn undo(&mut self, (market, pair): (MarketId, Option<Pair>)) {
        self.put(market, pair);
    }
}

impl Books {
    /// Take over units and status of markets from their rows. Every block does so when it begins.
    pub fn refresh(&mut self, state: &dyn Read) {
        self.pairs.refresh(state);
    }
}

/// Write the row of a market and remember it.
pub(crate) fn set(ctx: &mut Ctx<'_>, books: &mut Books, pair: &Pair) {
    PAIRS.set(ctx.state, &pair.market, pair);
    let old = books.pairs.get(pair.market);
    books.pairs.journal.note(|| (pair.market, old));
    books.pairs.put(pair.market, Some(*pair));
}

/// Note that a market has got a finer grid in this block. As grids themselves, it is never taken back.
pub(crate) fn note_refined(ctx: &mut Ctx<'_>, books: &mut Books, market: MarketId) {
    REFINED.set(ctx.state, &market, &ctx.block.height);
    books.pairs.refined = REFINED.scan(ctx.state.as_read(), &(), usize::MAX);
}

store::journaled!(Pairs);
