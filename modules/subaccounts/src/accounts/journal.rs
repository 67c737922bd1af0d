//! Undoing: savepoints nest, steps are undone in the reverse order.

use alloc::boxed::Box;
use alloc::vec::Vec;

use num::{BaseQuantums, Ppm, QuoteQuantums};
use perpetuals::Collateral;
use store::{fault, Journaled};
use types::MarketId;

use super::market::Core;
use super::Accounts;
use crate::ledger::Ledger;
use crate::state::Position;

/// What undoes a step. Accounts are named by their slots.
#[derive(Debug)]
pub(super) enum Undo {
    Quote(u32, QuoteQuantums),
    Closed(u32, Ledger),
    Position(u32, MarketId, Position),
    Leverage(u32, Vec<(MarketId, Ppm)>),
    Open(MarketId, BaseQuantums),
    Dust(Collateral, i128),
    Market(MarketId, Box<Option<Core>>),
    MaxAge(u32),
}

impl Accounts {
    #[inline]
    pub(super) fn log(&mut self, undo: Undo) {
        if !self.marks.is_empty() {
            self.undo.push(undo);
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Quote(at, quote) => {
                self.change(at, |slot| (slot.account.quote, slot.doubtful) = (quote, true));
            }
            Undo::Closed(at, closed) => {
                self.change(at, |slot| (slot.account.closed, slot.doubtful) = (closed, true));
            }
            Undo::Position(at, market, position) => {
                self.put(at, market, position);
                self.change(at, |slot| slot.doubtful = true);
            }
            Undo::Leverage(at, leverage) => self.change(at, |slot| slot.leverage = leverage),
            Undo::Open(market, open) => {
                if let Some(market) = self.markets.get_mut(market) {
                    market.set_open_interest(open);
                }
            }
            Undo::Dust(of, dust) => self.markets.set_dust(of, dust),
            Undo::Market(market, core) => {
                if let Some(market) = self.markets.get_mut(market) {
                    market.core = *core;
                }
            }
            Undo::MaxAge(seconds) => self.markets.max_age = seconds,
        }
    }
}

impl Journaled for Accounts {
    #[inline]
    fn savepoint(&mut self) {
        self.marks.push(self.undo.len());
    }

    fn rollback(&mut self) {
        let Some(mark) = self.marks.pop() else { fault("a rollback without a savepoint") };
        while self.undo.len() > mark {
            if let Some(undo) = self.undo.pop() {
                self.undo(undo);
            }
        }
    }

    #[inline]
    fn release(&mut self) {
        if self.marks.pop().is_none() {
            fault("a release without a savepoint");
        }
        if self.marks.is_empty() {
            self.undo.clear();
        }
    }
}
