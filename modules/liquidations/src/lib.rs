//! Liquidation: who is closed, at which limit, who pays what is missing. The one place where accounts, books
//! and the insurance fund meet.
//!
//! Reading order: [`run`](run()) (a block, top to bottom), [`watch`] (who is below its margin, without looking
//! at everybody), [`queue`] (whose turn it is), `liquidate` (one position against the book), [`deleverage`]
//! (what the book does not take and nobody pays for), `wind` (markets that are over),
//! [`formulas`] and [`allocate`] (all the arithmetic),
//! [`mod@params`], [`genesis`].
//!
//! It never liquidates on a stale price, never lets a proposer choose who is liquidated, never pays an account
//! before the fund has paid, and never closes more than the deficit's position.
#![no_std]

extern crate alloc;

pub mod allocate;
pub mod deleverage;
pub mod error;
pub mod event;
pub mod formulas;
pub mod genesis;
pub mod params;
pub mod queue;
pub mod state;
pub mod watch;

mod liquidate;
mod run;
mod shelf;
mod view;
mod wind;

pub use error::Error;
pub use genesis::Genesis;
pub use params::Params;
pub use run::{run, Report};
pub use state::{layout, params, set_params};
pub use watch::Watch;
