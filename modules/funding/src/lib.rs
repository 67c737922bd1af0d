//! Funding: what longs and shorts pay each other so that the market stays near the oracle price.
//!
//! Reading order: [`formulas`] (premium, rate and index delta: all the arithmetic), [`clock`] (when a
//! measurement, a sample or a tick is due), `measure` (the premium of the replicated book), `sample` (the median
//! of a minute's premiums), `tick` (samples into a rate and the rate into the market's funding index, each
//! hour), [`sweep`](end_block()) (what rounding leaves), [`params`], [`genesis`], [`query`].
//!
//! It never touches an account: accounts settle against the index by themselves when they are next touched. It
//! never reads a vote on premiums (the book is the same on every node), never charges on a stale price, and one
//! market's trouble never stops another market.
#![no_std]

extern crate alloc;

pub mod clock;
pub mod error;
pub mod event;
pub mod formulas;
pub mod genesis;
pub mod params;
pub mod query;
pub mod state;

mod measure;
mod sample;
mod sweep;
mod tick;

use clob::Books;
use store::Ctx;

pub use error::Error;
pub use genesis::Genesis;
pub use params::Params;
pub use query::{predicted, Predicted};
pub use state::{layout, Clock, LastRate, Measured, Samples};
pub use sweep::end_block;

/// What a block's funding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Markets whose premium was sampled, zero premiums included.
    pub sampled: u32,
    /// Markets whose funding index moved.
    pub moved: u32,
    /// Markets that sat out: stale price, or a step that failed and was undone.
    pub skipped: u32,
}

/// Measure premiums when that is due, then sample them, then move funding indexes when a tick is due; at most one
/// of each in a block. The block's oracle prices are already in the state.
pub fn begin_block(ctx: &mut Ctx<'_>, books: &Books) -> Report {
    let params = state::params(ctx.state.as_read());
    let mut clock = state::clock(ctx.state.as_read());
    let mut report = Report::default();
    let now = ctx.block.time;
    if now >= clock.next_measure {
        measure::all(ctx, books, &params, &mut report);
        clock.next_measure = clock::next_measure(&params, now);
        state::CLOCK.set(ctx.state, &clock);
    }
    if now >= clock.next_sample {
        sample::all(ctx, &params, &mut report);
        clock.next_sample = clock::next_sample(&params, now);
        state::CLOCK.set(ctx.state, &clock);
    }
    if now >= clock.next_tick {
        tick::all(ctx, &params, &mut report);
        clock.next_tick = clock::next_tick(&params, now);
        state::CLOCK.set(ctx.state, &clock);
    }
    report
}
