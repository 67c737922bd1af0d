//! Terms of the perpetual markets: liquidity tiers, margin formulas, funding index, open interest.
//!
//! Reading order: [`state`] (what is kept), [`margin`] (the formulas, pure functions of numbers),
//! [`terms`](mod@terms) (all that margin needs of one market, loaded once), [`change`](advance_funding) (the two
//! things that move), [`params`] and [`genesis`], [`query`].
//!
//! It never looks at accounts or books: `subaccounts` asks it for terms and tells it about open interest,
//! `funding` moves the index.
#![no_std]

extern crate alloc;

pub mod error;
pub mod genesis;
pub mod margin;
pub mod params;
pub mod query;
pub mod state;
pub mod terms;

mod admin;
mod change;
mod ramp;
mod rates;

pub use admin::{set_open_interest_cap, set_params, set_terms, set_withdrawal_margin};
pub use change::{advance_funding, change_open_interest, make_cross, set_open_interest};
pub use error::Error;
pub use genesis::Genesis;
pub use params::{Collateral, MarketType, Params};
pub use ramp::{begin_block, set_tier};
pub use rates::Rates;
pub use state::{
    all, collateral, isolated, layout, module_params, open_interest_cap, perpetual, ramp, tier, tiers,
    Perpetual, Ramp, Tier,
};
pub use terms::{terms, Margin, Terms};
