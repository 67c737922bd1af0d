//! Margin accounts: collateral, positions, health, and the one way to change them.
//!
//! Reading order: [`state`] (what is kept), [`settle`] (funding owed into collateral), [`margin`] (health of an
//! account), [`transition`] (which changes of health are allowed), [`update`](update()) (the pipeline that puts
//! the three together), [`gate`] (when money may leave), [`msg`] and [`execute`] (what a user can ask),
//! [`invariants`] (what must add up), [`query`].
//!
//! It has never heard of orders: `clob` builds [`Update`]s and asks. It never moves the insurance fund's money
//! and never leaves half of a change behind.
#![no_std]

extern crate alloc;

pub mod error;
pub mod gate;
pub mod genesis;
pub mod invariants;
pub mod isolated;
pub mod ledger;
pub mod margin;
pub mod msg;
pub mod query;
pub mod settle;
pub mod state;
pub mod transition;

mod accounts;
mod encoding;
mod event;
mod leverage;
mod market;
mod transfer;
mod update;

pub use accounts::Accounts;
pub use error::{Error, Refused, UpdateResult};
pub use gate::gate_withdrawals;
pub use genesis::Genesis;
pub use isolated::{make_cross, open_pool};
pub use ledger::Ledger;
pub use leverage::set_leverage;
pub use margin::{risk, risk_of, Risk};
pub use msg::{decode_deposit, decode_transfer, decode_withdraw, Msg};
pub use settle::settled;
pub use state::{
    before, changed, collateral, dust_of, funding_dust, get, layout, leverage, page, pool, pool_of, Position,
    Side, Subaccount, POOL,
};
pub use transfer::execute;
pub use update::{update, Kind, Update};
