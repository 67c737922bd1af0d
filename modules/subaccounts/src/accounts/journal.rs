//! Undoing: savepoints nest, steps are undone in the reverse order.

use alloc::boxed::Box;
use alloc::vec::Vec;

use num::{BaseQuantums, Ppm, QuoteQuantums};
use perpetuals::Collateral;
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
    Ages(prices::Params),
}

impl Accounts {
    fn undo(&mut self, step: Undo) {
        match step {
            Undo::Quote(at, quote) => {
                self.change(at, |slot| (slot.quote, slot.doubtful) = (quote, true));
            }
            Undo::Closed(at, closed) => {
                self.put_closed(at, closed);
                self.change(at, |slot| slot.doubtful = true);
            }
            Undo::Position(at, market, position) => {
                self.put(at, market, &position);
                self.change(at, |slot| slot.doubtful = true);
            }
            Undo::Leverage(at, leverage) => drop(self.put_leverage(at, leverage)),
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
            Undo::Ages(ages) => self.markets.ages = ages,
        }
    }
}

store::journaled!(Accounts);
