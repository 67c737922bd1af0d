//! Accounts and markets as a block needs them: decoded, dense, undone and kept like the rows they stand for.
//!
//! During a block the accounts here are the truth and their rows may be behind; [`Accounts::flush`] brings the
//! rows up to date before anything reads them. Outside blocks both say the same.

mod health;
mod index;
mod journal;
mod market;
mod positions;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use num::{BaseQuantums, Ppm, QuoteQuantums};
use perpetuals::Collateral;
use sha2::{Digest, Sha256};
use store::{Batch, Journal, Read, State};
use types::{Block, MarketId, SubaccountId};

pub(crate) use market::Markets;
pub(crate) use positions::{Held, Hot};

use crate::ledger::Ledger;
use crate::settle::PPM;
use crate::state::{self, Position, Side, Subaccount, FUNDING_DUST, LEVERAGE, POOL};
use index::Index;
use journal::Undo;
use positions::{Positions, Span};

/// Accounts for which room is made at least.
const SMALLEST: usize = 64;

/// Accounts whose positions are looked at together when rows are written.
const TOGETHER: usize = 32;

/// Accounts read at a time while they are loaded.
const PAGE: usize = 1_000;

/// An account in its place: one cache line, with all that finding and judging it needs besides its positions.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Slot {
    id: SubaccountId,
    quote: QuoteQuantums,
    span: Span,
    /// Whether it has set initial margin shares of its own.
    has_leverage: bool,
    /// Whether its row may be behind.
    behind: bool,
    /// Whether its row may be right all the same, because the account is new here or a change was undone.
    doubtful: bool,
}

/// An account to read. Of one that is not there: empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) quote: QuoteQuantums,
    pub(crate) held: Held<'a>,
    /// Initial margin shares that it has set for itself, in order of market.
    pub(crate) leverage: &'a [(MarketId, Ppm)],
}

impl View<'_> {
    fn is_empty(&self) -> bool {
        self.quote.is_zero() && self.held.is_empty()
    }
}

/// What a block knows of margin accounts and of the markets they hold. It answers what the rows would, and what
/// has changed since they were written. Everything that changes accounts goes through it.
#[derive(Debug)]
pub struct Accounts {
    index: Index,
    slots: Vec<Slot>,
    positions: Positions,
    /// What closed positions have brought in, by slot.
    closed: Vec<Ledger>,
    /// Initial margin shares that accounts have set for themselves, by slot.
    leverage: BTreeMap<u32, Vec<(MarketId, Ppm)>>,
    free: Vec<u32>,
    /// Slots whose rows may be behind, each once.
    behind: Vec<u32>,
    pub(crate) markets: Markets,
    journal: Journal<Undo>,
    /// Room to put an account together for its row.
    row: Subaccount,
}

impl Default for Accounts {
    fn default() -> Self {
        Self::with_seed(0)
    }
}

impl Accounts {
    /// No accounts. Ids are hashed under `seed`; no answer depends on it.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            index: Index::new(seed),
            slots: Vec::new(),
            positions: Positions::default(),
            closed: Vec::new(),
            leverage: BTreeMap::new(),
            free: Vec::new(),
            behind: Vec::new(),
            markets: Markets::default(),
            journal: Journal::default(),
            row: Subaccount::default(),
        }
    }

    /// The accounts of `state`. Reads all of them.
    pub fn rebuild(state: &dyn Read) -> Self {
        let mut accounts = Self { markets: Markets::load(state), ..Self::default() };
        let mut from: Option<SubaccountId> = None;
        loop {
            let rows = state::page(state, from.as_ref(), PAGE);
            let full = rows.len() >= PAGE;
            from = rows.last().map(|(id, _)| *id);
            // The last account of a page is the first one of the next page too.
            for (id, account) in rows {
                accounts.adopt(id, account);
            }
            if !full {
                break;
            }
        }
        for (id, leverage) in LEVERAGE.scan(state, &(), usize::MAX) {
            let at = accounts.open(&id);
            accounts.put_leverage(at, leverage);
        }
        accounts.forget_changes();
        accounts
    }

    /// Of the accounts of `state` only these, with all markets: for questions about a few. Nobody else holds
    /// anything here.
    pub fn some(state: &dyn Read, ids: &[SubaccountId]) -> Self {
        let mut accounts = Self { markets: Markets::load(state), ..Self::default() };
        for id in ids {
            accounts.adopt(*id, state::get(state, id));
            let at = accounts.open(id);
            accounts.put_leverage(at, state::leverage(state, id));
        }
        accounts.forget_changes();
        accounts
    }

    fn adopt(&mut self, id: SubaccountId, account: Subaccount) {
        let at = self.open(&id);
        self.change(at, |slot| slot.quote = account.quote);
        self.put_closed(at, account.closed);
        for (market, position) in account.positions {
            self.put(at, market, &position);
        }
    }

    fn forget_changes(&mut self) {
        for at in core::mem::take(&mut self.behind) {
            if let Some(slot) = self.slot_mut(at) {
                (slot.behind, slot.doubtful) = (false, false);
            }
        }
    }

    /// Take over prices, funding indexes and terms, once a block has recorded its prices and funding.
    pub fn begin_block(&mut self, state: &dyn Read, _block: &Block) {
        self.refresh(state);
    }

    /// Take over terms, prices, indexes and new markets that changed in the middle of a block.
    pub fn refresh(&mut self, state: &dyn Read) {
        self.markets.add_new(state);
        let old = core::mem::replace(&mut self.markets.ages, prices::module_params(state));
        self.journal.note(|| Undo::Ages(old));
        for market in self.markets.iter_mut() {
            let old = market.reload(state);
            self.journal.note(|| Undo::Market(market.id, alloc::boxed::Box::new(old)));
        }
    }

    /// Write what the rows do not say yet.
    pub fn flush(&mut self, state: &mut dyn State) {
        let nested = self.journal.is_open();
        let mut behind = core::mem::take(&mut self.behind);
        let mut batch = Batch::new(state);
        for some in behind.chunks(TOGETHER) {
            let mut spans = [Span::default(); TOGETHER];
            for (span, at) in spans.iter_mut().zip(some) {
                *span = self.slot(*at).map(|slot| slot.span).unwrap_or_default();
            }
            spans.iter().for_each(|span| self.positions.touch_all(*span));
            some.iter().for_each(|at| self.write(&mut batch, *at, nested));
        }
        drop(batch);
        if !nested {
            behind.clear();
        }
        self.behind = behind;
        for market in self.markets.iter_mut().filter(|market| market.behind) {
            let open = market.core.as_ref().map(|core| core.terms.open_interest);
            // A market that is gone has no open interest to write.
            let _gone = open.map(|open| perpetuals::set_open_interest(state, market.id, open));
            market.behind = nested;
        }
        for (of, dust) in &self.markets.dust {
            if state::dust_of(state.as_read(), *of) != *dust {
                FUNDING_DUST.set(state, &of.address(POOL), dust);
            }
        }
    }

    fn write(&mut self, batch: &mut Batch<'_>, at: u32, nested: bool) {
        let mut row = core::mem::take(&mut self.row);
        self.copy(at, &mut row);
        let Some(slot) = self.slot_mut(at) else { return };
        slot.behind = nested;
        let id = slot.id;
        let has_leverage = slot.has_leverage;
        let doubtful = core::mem::replace(&mut slot.doubtful, nested);
        if !doubtful || state::get(batch.written(), &id) != row {
            state::write(batch, &id, &row);
        }
        if row.is_empty() && !nested {
            // No row says what its closed positions brought in: a node that starts again does not know it either.
            self.put_closed(at, Ledger::default());
            if !has_leverage {
                let slots = &self.slots;
                self.index.remove(&id, at, |at| id_of(slots, at));
                self.free.push(at);
            }
        }
        self.row = row;
    }

    /// Put the account together in `to`, whose room is used again.
    fn copy(&self, at: u32, to: &mut Subaccount) {
        let view = self.view(Some(at));
        (to.quote, to.closed) = (view.quote, self.closed_of(at));
        to.positions.clear();
        to.positions.extend(view.held.iter());
    }

    #[inline]
    fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(at).ok()?)
    }

    #[inline]
    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(at).ok()?)
    }

    /// The account in this slot.
    #[inline]
    pub(crate) fn view(&self, at: Option<u32>) -> View<'_> {
        let Some((at, slot)) = at.and_then(|at| Some((at, self.slot(at)?))) else {
            let held = Held::nothing(&self.positions);
            return View { quote: QuoteQuantums::ZERO, held, leverage: &[] };
        };
        let leverage = if slot.has_leverage { self.leverage.get(&at) } else { None };
        let leverage = leverage.map(Vec::as_slice).unwrap_or_default();
        View { quote: slot.quote, held: self.positions.of(at, slot.span), leverage }
    }

    /// What closed positions of the account in this slot have brought in.
    pub(crate) fn closed_of(&self, at: u32) -> Ledger {
        usize::try_from(at).ok().and_then(|at| self.closed.get(at)).copied().unwrap_or_default()
    }

    /// The slot of an account that holds something or has just held something.
    #[inline]
    pub(crate) fn find(&self, id: &SubaccountId) -> Option<u32> {
        self.index.find(id, |at| self.slot(at).is_some_and(|slot| slot.id == *id))
    }

    /// Read what a trade of these accounts in `market` will need, all of them step by step: what memory is slow to
    /// bring for one comes together with that for the others. Nothing depends on what was read.
    #[inline]
    pub fn warm<const N: usize>(&self, ids: [&SubaccountId; N], market: Option<MarketId>) {
        let slots = ids.map(|id| self.index.guess(id));
        let spans = slots.map(|at| self.slot(at).map(|slot| slot.span).unwrap_or_default());
        spans.iter().for_each(|span| self.positions.touch(*span));
        if let Some(market) = market {
            slots.into_iter().zip(spans).for_each(|(at, span)| self.positions.touch_ledger(at, span, market));
        }
    }

    /// The slot of `id`, a new one when it has none.
    pub(crate) fn open(&mut self, id: &SubaccountId) -> u32 {
        if let Some(at) = self.find(id) {
            return at;
        }
        let fresh = Slot { id: *id, doubtful: true, ..Slot::default() };
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(slot) = self.slot_mut(at) {
                    *slot = fresh;
                }
                at
            }
            None => {
                let at = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                if self.slots.len() == self.slots.capacity() {
                    // An eighth more, so that no more than that stands empty.
                    let more = (self.slots.len() >> 3).max(SMALLEST);
                    self.slots.reserve_exact(more);
                    self.closed.reserve_exact(more);
                }
                self.slots.push(fresh);
                self.closed.push(Ledger::default());
                at
            }
        };
        let slots = &self.slots;
        self.index.insert(id, at, |at| id_of(slots, at));
        // An account that stays empty gives its slot back when rows are written.
        self.change(at, |_| ());
        at
    }

    /// Change an account; its row is behind from here on.
    #[inline]
    fn change(&mut self, at: u32, f: impl FnOnce(&mut Slot)) {
        let Some(slot) = self.slot_mut(at) else { return };
        f(slot);
        if !slot.behind {
            slot.behind = true;
            self.behind.push(at);
        }
    }

    fn put_closed(&mut self, at: u32, closed: Ledger) {
        if let Some(row) = usize::try_from(at).ok().and_then(|at| self.closed.get_mut(at)) {
            *row = closed;
        }
    }

    /// Returns what there was before.
    fn put_leverage(&mut self, at: u32, leverage: Vec<(MarketId, Ppm)>) -> Vec<(MarketId, Ppm)> {
        self.change(at, |slot| slot.has_leverage = !leverage.is_empty());
        let old =
            if leverage.is_empty() { self.leverage.remove(&at) } else { self.leverage.insert(at, leverage) };
        old.unwrap_or_default()
    }

    pub(crate) fn set_quote(&mut self, at: u32, quote: QuoteQuantums) {
        if let Some(old) = self.slot(at).map(|slot| slot.quote) {
            self.journal.note(|| Undo::Quote(at, old));
            self.change(at, |slot| slot.quote = quote);
        }
    }

    pub(crate) fn set_closed(&mut self, at: u32, closed: Ledger) {
        let old = self.closed_of(at);
        self.journal.note(|| Undo::Closed(at, old));
        self.put_closed(at, closed);
        self.change(at, |_| ());
    }

    pub(crate) fn set_position(&mut self, at: u32, market: MarketId, new: &Position) {
        let old = self.view(Some(at)).held.position(market).unwrap_or_default();
        self.journal.note(|| Undo::Position(at, market, old));
        self.put(at, market, new);
    }

    pub(crate) fn set_leverage(&mut self, at: u32, leverage: Vec<(MarketId, Ppm)>) {
        let old = self.put_leverage(at, leverage);
        self.journal.note(|| Undo::Leverage(at, old));
    }

    pub(crate) fn set_open_interest(&mut self, id: MarketId, open: BaseQuantums) -> bool {
        let Some(market) = self.markets.get_mut(id) else { return false };
        let Some(old) = market.core.as_ref().map(|core| core.terms.open_interest) else { return false };
        let told = market.set_open_interest(open);
        self.journal.note(|| Undo::Open(id, old));
        told
    }

    /// Leave `more` millionths of a quote quantum in a pool. 128 bits outlast any chain.
    pub(crate) fn add_dust(&mut self, of: Collateral, more: i128) {
        let old = self.markets.dust(of);
        self.journal.note(|| Undo::Dust(of, old));
        self.markets.set_dust(of, old.saturating_add(more));
    }

    /// Whole quote quantums of the funding that rounding left in pools, in order of pool; none of zero.
    pub fn whole_dust(&self) -> Vec<(Collateral, QuoteQuantums)> {
        let whole = |dust: i128| QuoteQuantums::new(dust.checked_div_euclid(PPM).unwrap_or_default());
        let pools = self.markets.dust.iter().map(|(of, dust)| (*of, whole(*dust)));
        pools.filter(|(_, whole)| whole.is_positive()).collect()
    }

    /// Book off a pool what was paid out of its dust.
    pub fn take_dust(&mut self, of: Collateral, whole: QuoteQuantums) {
        self.add_dust(of, whole.raw().saturating_mul(PPM).saturating_neg());
    }

    pub(crate) fn merge_dust(&mut self, from: Collateral, to: Collateral) {
        let dust = self.markets.dust(from);
        self.add_dust(from, dust.saturating_neg());
        self.add_dust(to, dust);
    }

    /// Give an account this position; a size of zero removes it. Holders of the market follow.
    fn put(&mut self, at: u32, market: MarketId, new: &Position) {
        let Some(span) = self.slot(at).map(|slot| slot.span) else { return };
        let held = self.positions.of(at, span);
        let found = held.find(market);
        let old = found.ok().and_then(|found| held.hot().get(found));
        let was = old.and_then(|old| Side::of(held.size_of(old).0));
        let mut standing = old.map(|old| old.standing).unwrap_or_default();
        let is = Side::of(new.base);
        if was != is {
            if let Some(side) = was {
                self.strike(market, side, standing);
            }
            if let (Some(side), Some(market)) = (is, self.markets.get_mut(market)) {
                standing = market.enlist(side, at);
            }
        }
        let mut span = span;
        match (found, is) {
            (Ok(found), None) => span = self.positions.remove((at, span), found),
            (Ok(found), Some(_)) => self.positions.set((at, span), found, (market, standing), new),
            (Err(_), None) => {}
            (Err(found), Some(_)) => {
                span = self.positions.insert(span, found);
                self.positions.set((at, span), found, (market, standing), new);
            }
        }
        self.change(at, |slot| slot.span = span);
    }

    /// Take the holder that stands there off the list; the last one takes its place.
    fn strike(&mut self, id: MarketId, side: Side, standing: u32) {
        let Some(market) = self.markets.get_mut(id) else { return };
        let holders = market.holders_mut(side);
        let Ok(place) = usize::try_from(standing) else { return };
        if place >= holders.len() {
            return;
        }
        holders.swap_remove(place);
        let Some(moved) = holders.get(place).copied() else { return };
        let Some(span) = self.slot(moved).map(|slot| slot.span) else { return };
        if let Some(kept) = self.positions.standing_mut(span, id) {
            *kept = standing;
        }
    }

    /// Accounts with a position on this side of `market`, in order of id.
    pub fn holders(&self, market: MarketId, side: Side) -> Vec<SubaccountId> {
        let holders = self.markets.get(market).map(|market| market.holders(side)).unwrap_or_default();
        let mut ids: Vec<_> = holders.iter().filter_map(|at| self.slot(*at)).map(|slot| slot.id).collect();
        ids.sort_unstable();
        ids
    }

    /// A digest of all accounts, holders, open interest and dust. Two with the same digest behave the same.
    pub fn hash(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut add = |bytes: Result<Vec<u8>, borsh::io::Error>| digest.update(bytes.unwrap_or_default());
        let mut kept: Vec<(SubaccountId, u32)> =
            (0_u32..).zip(&self.slots).map(|(at, slot)| (slot.id, at)).collect();
        kept.sort_unstable();
        for (id, at) in kept {
            let view = self.view(Some(at));
            if !view.is_empty() || !view.leverage.is_empty() {
                let mut account = Subaccount::default();
                self.copy(at, &mut account);
                add(borsh::to_vec(&(id, account, view.leverage)));
            }
        }
        for market in self.markets.iter() {
            let open = market.core.as_ref().map(|core| core.terms.open_interest);
            add(borsh::to_vec(&(market.id, open)));
            for side in [Side::Long, Side::Short] {
                add(borsh::to_vec(&self.holders(market.id, side)));
            }
        }
        for (_, dust) in self.markets.dust.iter().filter(|(_, dust)| *dust != 0) {
            add(borsh::to_vec(dust));
        }
        digest.finalize().into()
    }
}

fn id_of(slots: &[Slot], at: u32) -> SubaccountId {
    let slot = usize::try_from(at).ok().and_then(|at| slots.get(at));
    slot.map(|slot| slot.id).unwrap_or_default()
}
