//! Changes that wait for the next block.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use clob::Books;
use store::{attempt, fault, Ctx, Read, Scheduled};
use types::{Chain, Event};

use crate::admin::{apply, decode, rehearse, Change, Msg};
use crate::authority::require_authority;
use crate::state::{NEXT, QUEUE};
use crate::{upgrade, Error};

/// Changes that one block carries out; more wait for the block after.
pub const PER_BLOCK: usize = 10;

/// Changes that may wait at a time.
pub const MAX_WAITING: usize = 100;

/// A message of the authority that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Waiting {
    /// Height at which it was accepted.
    pub since: u64,
    /// Its type.
    pub type_url: String,
    /// Its encoding.
    pub bytes: Vec<u8>,
}

/// Accept a message: it is from the authority, and what it asks for would be accepted now. Refused with
/// `governance/4`, `governance/5` when too many wait, or the reason of the module whose parameters these are.
pub fn execute(ctx: &mut Ctx<'_>, books: &mut Books, msg: &Msg) -> Result<(), Error> {
    require_authority(ctx.state.as_read(), &msg.authority)?;
    if waiting(ctx.state.as_read()).len() >= MAX_WAITING {
        return Err(Error::Full(MAX_WAITING));
    }
    if let Change::Upgrade(plan) = &msg.change {
        upgrade::in_time(plan, ctx.block.height.saturating_add(1))?;
    }
    rehearse(ctx, books, &msg.change)?;
    let number = next_number(ctx.state.as_read());
    let row = Waiting { since: ctx.block.height, type_url: msg.type_url.into(), bytes: msg.bytes.clone() };
    QUEUE.set(ctx.state, &number, &row);
    NEXT.set(ctx.state, &number.saturating_add(1));
    ctx.emit(Event::new("change_accepted").with("number", number).with("type", msg.type_url));
    Ok(())
}

/// Changes that wait, in their order.
pub fn waiting(state: &dyn Read) -> Vec<(u64, Waiting)> {
    QUEUE.scan(state, &(), usize::MAX)
}

/// Number of the next change that is accepted.
pub fn next_number(state: &dyn Read) -> u64 {
    NEXT.get(state).unwrap_or_default()
}

/// A change that waits, and when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub number: u64,
    /// Height of the block that carries it out.
    pub height: u64,
    /// What it is.
    pub change: Waiting,
}

/// Changes that wait, in their order, when the block at `height` was the last one.
pub fn due(state: &dyn Read, height: u64) -> Vec<Due> {
    let blocks = (1_u64..).flat_map(|blocks| core::iter::repeat_n(blocks, PER_BLOCK));
    let due = |((number, change), blocks)| Due { number, height: height.saturating_add(blocks), change };
    waiting(state).into_iter().zip(blocks).map(due).collect()
}

/// Carry out what waits, at most [`PER_BLOCK`] changes, each by itself: one that is refused by now is dropped.
/// Called before everything else in a block. Answers how many were carried out.
pub fn begin_block(ctx: &mut Ctx<'_>, books: &mut Books) -> usize {
    let due = QUEUE.scan(ctx.state, &(), PER_BLOCK);
    let mut done: usize = 0;
    for (number, row) in due {
        QUEUE.remove(ctx.state, &number);
        let change = read(&row, ctx.chain);
        let event = Event::new("change").with("number", number).with("type", row.type_url);
        // A finer grid cannot be taken back by books: try first, then do what was seen to work.
        let result = rehearse(ctx, books, &change);
        let result = result.and_then(|()| {
            attempt(ctx, books, |ctx, books| {
                // Asked before it is done, for the same reason.
                if ctx.stumbles(Scheduled::Change) {
                    return Err(Error::Full(PER_BLOCK));
                }
                apply(ctx, books, &change, false)
            })
        });
        match result {
            Ok(()) => {
                done = done.saturating_add(1);
                ctx.emit(event);
            }
            Err(reason) => ctx.emit(event.with("refused", alloc::format!("{reason}"))),
        }
    }
    done
}

fn read(row: &Waiting, chain: &Chain) -> Change {
    match decode(&row.type_url, &row.bytes, chain) {
        Some(Ok(msg)) => msg.change,
        Some(Err(_)) | None => fault("a change waits that cannot be read"),
    }
}
