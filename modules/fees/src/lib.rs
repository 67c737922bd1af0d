//! Trading fees: the table of tiers, what a fill costs, and where fees go.
//!
//! Reading order: [`state`] (what is kept), [`rates`](rates()) (who pays which rate), [`charge`](charge())
//! (a rate on an amount, and the way to the collector), [`genesis`], [`query`].
//!
//! It never asks about accounts or orders, and it never pays a net rebate: the fees of one match are zero or
//! more together.
#![no_std]

extern crate alloc;

pub mod error;
pub mod genesis;
pub mod query;
pub mod state;

mod charge;
mod rates;

pub use charge::{charge, collect, collector};
pub use error::Error;
pub use genesis::Genesis;
pub use rates::{rates, Rates};
pub use state::{layout, tiers, FeeTier};
