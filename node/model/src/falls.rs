//! What fails on purpose: simulators let some of what a block does by itself fail, and tell the model which.

use std::cell::RefCell;
use std::rc::Rc;

use crate::orders::Exchange;
use crate::terms::{Code, Id};

/// What a block does by itself, one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Trigger,
    Slice,
    Continue,
    Measure,
    Sample,
    Tick,
    Liquidate,
    Deleverage,
    Settle,
}

/// What fails in a block. Copies share it: what was undone was still done once.
#[derive(Clone, Debug, Default)]
pub struct Falls {
    /// Each deed that was done, in the order of its kind, and whether it failed.
    pub deeds: Rc<RefCell<Vec<(Deed, bool)>>>,
    /// Orders that do not go, and the reason why they should.
    pub stay: Vec<(Id, String)>,
}

impl Exchange {
    /// Asked after each deed: whether it fails.
    pub fn falls(&self, deed: Deed) -> bool {
        let mut deeds = self.falls.deeds.borrow_mut();
        let at = deeds.iter().position(|(done, _)| *done == deed);
        at.is_some_and(|at| deeds.remove(at).1)
    }

    /// The same as a refusal.
    pub fn unless_fallen(&self, deed: Deed) -> Result<(), Code> {
        if self.falls(deed) {
            return Err(("simulator", 0));
        }
        Ok(())
    }

    /// Whether an order that should go for this reason stays for now.
    pub fn stays(&self, id: &Id, reason: &str) -> bool {
        self.falls.stay.iter().any(|(order, why)| order == id && why == reason)
    }
}
