//! Accounts and markets as a block needs them: decoded, dense, undone and kept like the rows they stand for.
//!
//! During a block the accounts here are the truth and their rows may be behind; [`Accounts::flush`] brings the
//! rows up to date before anything reads them. Outside blocks both say the same.

mod health;
mod index;
mod journal;
mod market;

use alloc::vec::Vec;

use num::{BaseQuantums, Ppm, QuoteQuantums};
use perpetuals::Collateral;
use sha2::{Digest, Sha256};
use store::{Journal, Read, State};
use types::{Block, MarketId, SubaccountId};

pub(crate) use market::Markets;

use crate::ledger::Ledger;
use crate::settle::PPM;
use crate::state::{self, Position, Side, Subaccount, FUNDING_DUST, LEVERAGE, POOL};
use index::Index;
use journal::Undo;

/// Accounts for which room is made at least.
const SMALLEST: usize = 64;

/// Accounts read at a time while they are loaded.
const PAGE: usize = 1_000;

/// An account in its place.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) id: SubaccountId,
    pub(crate) account: Subaccount,
    pub(crate) leverage: Vec<(MarketId, Ppm)>,
    /// Where each position stands among the holders of its market.
    places: Vec<u32>,
    /// Whether its row may be behind.
    behind: bool,
    /// Whether its row may be right all the same, because the account is new here or a change was undone.
    doubtful: bool,
}

/// What a block knows of margin accounts and of the markets they hold. It answers what the rows would, and what
/// has changed since they were written. Everything that changes accounts goes through it.
#[derive(Debug)]
pub struct Accounts {
    index: Index,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Slots whose rows may be behind, each once.
    behind: Vec<u32>,
    pub(crate) markets: Markets,
    journal: Journal<Undo>,
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
            free: Vec::new(),
            behind: Vec::new(),
            markets: Markets::default(),
            journal: Journal::default(),
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
            for (id, account) in rows {
                accounts.adopt(id, account);
            }
            if !full {
                break;
            }
        }
        for (id, leverage) in LEVERAGE.scan(state, &(), usize::MAX) {
            let at = accounts.open(&id);
            accounts.change(at, |slot| slot.leverage = leverage);
        }
        accounts.forget_changes();
        accounts
    }

    fn adopt(&mut self, id: SubaccountId, mut account: Subaccount) {
        let at = self.open(&id);
        let positions = core::mem::take(&mut account.positions);
        self.change(at, |slot| slot.account = account);
        for (market, position) in positions {
            self.put(at, market, position);
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
        let max_age = prices::module_params(state).max_age_seconds;
        let old = core::mem::replace(&mut self.markets.max_age, max_age);
        self.journal.note(|| Undo::MaxAge(old));
        for market in self.markets.iter_mut() {
            let old = market.reload(state);
            self.journal.note(|| Undo::Market(market.id, alloc::boxed::Box::new(old)));
        }
    }

    /// Write what the rows do not say yet.
    pub fn flush(&mut self, state: &mut dyn State) {
        let nested = self.journal.is_open();
        let mut behind = core::mem::take(&mut self.behind);
        for at in &behind {
            self.write(state, *at, nested);
        }
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

    fn write(&mut self, state: &mut dyn State, at: u32, nested: bool) {
        let Some(slot) = self.slot_mut(at) else { return };
        slot.behind = nested;
        let id = slot.id;
        let doubtful = core::mem::replace(&mut slot.doubtful, nested);
        if !doubtful || state::get(state.as_read(), &id) != slot.account {
            state::write(state, &id, &slot.account);
        }
        if slot.account.is_empty() && !nested {
            // No row says what its closed positions brought in: a node that starts again does not know it either.
            slot.account.closed = Ledger::default();
        }
        if slot.account.is_empty() && slot.leverage.is_empty() && !nested {
            let slots = &self.slots;
            self.index.remove(&id, at, |at| id_of(slots, at));
            self.free.push(at);
        }
    }

    #[inline]
    pub(crate) fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(at).ok()?)
    }

    #[inline]
    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(at).ok()?)
    }

    /// The slot of an account that holds something or has just held something.
    #[inline]
    pub(crate) fn find(&self, id: &SubaccountId) -> Option<u32> {
        self.index.find(id, |at| self.slot(at).is_some_and(|slot| slot.id == *id))
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
                    self.slots.reserve_exact((self.slots.len() >> 3).max(SMALLEST));
                }
                self.slots.push(fresh);
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
    pub(super) fn change(&mut self, at: u32, f: impl FnOnce(&mut Slot)) {
        let Some(slot) = self.slot_mut(at) else { return };
        f(slot);
        if !slot.behind {
            slot.behind = true;
            self.behind.push(at);
        }
    }

    pub(crate) fn set_quote(&mut self, at: u32, quote: QuoteQuantums) {
        if let Some(old) = self.slot(at).map(|slot| slot.account.quote) {
            self.journal.note(|| Undo::Quote(at, old));
            self.change(at, |slot| slot.account.quote = quote);
        }
    }

    pub(crate) fn set_closed(&mut self, at: u32, closed: Ledger) {
        if let Some(old) = self.slot(at).map(|slot| slot.account.closed) {
            self.journal.note(|| Undo::Closed(at, old));
            self.change(at, |slot| slot.account.closed = closed);
        }
    }

    pub(crate) fn set_position(&mut self, at: u32, market: MarketId, new: Position) {
        if let Some(slot) = self.slot(at) {
            let old = slot.account.position(market).unwrap_or_default();
            self.journal.note(|| Undo::Position(at, market, old));
            self.put(at, market, new);
        }
    }

    pub(crate) fn set_leverage(&mut self, at: u32, leverage: Vec<(MarketId, Ppm)>) {
        let mut old = Vec::new();
        self.change(at, |slot| old = core::mem::replace(&mut slot.leverage, leverage));
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
    fn put(&mut self, at: u32, market: MarketId, new: Position) {
        let Some(slot) = self.slot(at) else { return };
        let found = slot.account.positions.binary_search_by_key(&market, |(market, _)| *market);
        let old = found.ok().and_then(|place| slot.account.positions.get(place));
        let (was, is) = (old.and_then(|(_, old)| Side::of(old.base)), Side::of(new.base));
        let mut standing = found.ok().and_then(|place| slot.places.get(place)).copied().unwrap_or_default();
        if was != is {
            if let Some(side) = was {
                self.strike(market, side, standing);
            }
            if let (Some(side), Some(market)) = (is, self.markets.get_mut(market)) {
                let holders = market.holders_mut(side);
                standing = u32::try_from(holders.len()).unwrap_or(u32::MAX);
                holders.push(at);
            }
        }
        self.change(at, |slot| match (found, is) {
            (Ok(place), None) => {
                slot.account.positions.remove(place);
                slot.places.remove(place);
            }
            (Ok(place), Some(_)) => {
                if let (Some(row), Some(kept)) =
                    (slot.account.positions.get_mut(place), slot.places.get_mut(place))
                {
                    row.1 = new;
                    *kept = standing;
                }
            }
            (Err(_), None) => {}
            (Err(place), Some(_)) => {
                slot.account.positions.reserve_exact(1);
                slot.places.reserve_exact(1);
                slot.account.positions.insert(place, (market, new));
                slot.places.insert(place, standing);
            }
        });
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
        if let Some(slot) = self.slot_mut(moved) {
            let found = slot.account.positions.binary_search_by_key(&id, |(market, _)| *market);
            if let Some(kept) = found.ok().and_then(|place| slot.places.get_mut(place)) {
                *kept = standing;
            }
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
        let kept = |slot: &&Slot| !slot.account.is_empty() || !slot.leverage.is_empty();
        let mut slots: Vec<&Slot> = self.slots.iter().filter(kept).collect();
        slots.sort_unstable_by_key(|slot| slot.id);
        for slot in slots {
            add(borsh::to_vec(&(slot.id, &slot.account, &slot.leverage)));
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
