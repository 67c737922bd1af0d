//! The insurance fund: what liquidations pay in, what it pays when an account ends below zero, and when it is
//! dry.
//!
//! Reading order: [`state`] (what is kept, and the fund's balance), [`settle`](settle()) (the one way in and
//! out), [`genesis`], [`query`].
//!
//! It never goes below zero and never decides who is paid: `liquidations` does, and turns to deleveraging when
//! the fund refuses.
#![no_std]

extern crate alloc;

pub mod error;
pub mod genesis;
pub mod query;
pub mod state;

mod event;
mod settle;

pub use error::Error;
pub use genesis::Genesis;
pub use settle::{absorb, can_pay, merge, settle};
pub use state::{balance, balance_of, flows, fund, funds, layout, totals, totals_of, unsound, Totals, FUND};
