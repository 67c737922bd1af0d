//! Oracle prices: what validators vote becomes one price per market, with an age.
//!
//! Reading order: [`state`] (what is kept), [`aggregate`](aggregate()) (votes into prices: the only rule
//! with an argument behind it), [`record`](record()) (prices into state),
//! [`note_silent`] (who says none), [`params`](mod@params) and [`genesis`],
//! [`query`].
//!
//! It never reads a vote extension's bytes or checks a signature (the composition did), never makes a price
//! up, and never lets an old price pass as a fresh one.
#![no_std]

extern crate alloc;

pub mod error;
pub mod genesis;
pub mod params;
pub mod query;
pub mod state;

mod aggregate;
mod event;
mod record;
mod silent;

pub use aggregate::{aggregate, Vote};
pub use error::Error;
pub use genesis::Genesis;
pub use params::{MarketParams, Params};
pub use record::{record, suppose};
pub use silent::{note_silent, TOLD_EVERY};
pub use state::{
    base, has_params, is_fresh, layout, markets, module_params, network, params, price, pulse, silent,
    standing, OraclePrice, Pulse, Standing,
};
