//! What a rule receives: the state, the block, the chain, and a place for events.

use types::{Block, Chain, Events, Tell};

use crate::scheduled::Scheduled;
use crate::state::{Journaled, State};

/// Everything a transition may see or touch.
pub struct Ctx<'a> {
    /// The state, with all earlier transitions of the block applied.
    pub state: &'a mut dyn State,
    /// What happened so far in this transaction or step.
    pub events: &'a mut Events,
    /// The block that is being executed.
    pub block: &'a Block,
    /// The chain's fixed configuration.
    pub chain: &'a Chain,
}

impl Ctx<'_> {
    /// Asked once by each thing that a block does by itself, after it is done: true when it is to fail, which
    /// happens in simulators only.
    pub fn stumbles(&mut self, what: Scheduled) -> bool {
        self.state.stumbles(what, self.block.height)
    }

    /// Tell the outside that something happened.
    pub fn emit(&mut self, event: impl Tell) {
        event.tell(self.events);
    }
}

/// An open attempt. It undoes itself when dropped, so that a fault that unwinds through it leaves no trace.
struct Open<'a, 'b, H: Journaled + ?Sized> {
    ctx: &'a mut Ctx<'b>,
    hot: &'a mut H,
    events: usize,
    keep: bool,
}

impl<H: Journaled + ?Sized> Drop for Open<'_, '_, H> {
    fn drop(&mut self) {
        if self.keep {
            self.ctx.state.release();
            self.hot.release();
        } else {
            self.ctx.state.rollback();
            self.hot.rollback();
            self.ctx.events.truncate(self.events);
        }
    }
}

/// Run `f`; on a refusal undo the state, the hot structures and the events. Nests freely.
pub fn attempt<H: Journaled + ?Sized, T, E>(
    ctx: &mut Ctx<'_>,
    hot: &mut H,
    f: impl FnOnce(&mut Ctx<'_>, &mut H) -> Result<T, E>,
) -> Result<T, E> {
    let events = ctx.events.len();
    ctx.state.savepoint();
    hot.savepoint();
    let mut open = Open { ctx, hot, events, keep: false };
    let result = f(open.ctx, open.hot);
    open.keep = result.is_ok();
    result
}
