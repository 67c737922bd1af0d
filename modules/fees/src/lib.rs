//! Trading fees: the table of tiers, what a fill costs, volumes of 30 days, and where fees go.
//!
//! Reading order: [`state`] (what is kept), [`volumes`] (a rolling window in hours), [`mod@params`] (what can be
//! chosen, discounts), [`rates`](rates()) (who pays which rate), [`charge`](charge()) (a rate on an amount, and
//! the fees of both sides of a match), [`Desk`] (all of it for the block that runs, in memory), `pay` (the way
//! of the money at the end of the block), [`genesis`], [`query`].
//!
//! It never asks about accounts or orders, and it never pays a net rebate: the fees of one match are zero or
//! more together.
#![no_std]

extern crate alloc;

pub mod error;
pub mod genesis;
pub mod params;
pub mod query;
pub mod state;
pub mod volumes;

mod charge;
mod desk;
mod event;
mod pay;
mod rates;

pub use charge::{builder_charge, charge, collector, match_fees, MatchFees};
pub use desk::{Desk, Fill};
pub use error::Error;
pub use genesis::Genesis;
pub use params::{check_builder, remove_discount, set_discount, set_params, set_tiers, Discount, Params};
pub use pay::move_debts;
pub use rates::{rates, tier_index, Rates};
pub use state::{discounts, layout, params, tiers, unpaid, unpaid_growth, FeeTier};
pub use volumes::{builder, global, volume, Builder, Volume};
