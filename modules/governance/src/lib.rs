//! Who decides: the validators whose votes count at each height, and the one authority that may change
//! parameters.
//!
//! Reading order: [`validator`] (a validator and a set of them), [`state`] (sets by the height from which they
//! count), [`mod@authority`] (what only the authority may do), [`admin`] (its messages and their changes),
//! [`queue`] (changes wait for the next block), [`upgrade`] (when another release goes on), [`query`].
//!
//! The set given at the start is the set for good until staking exists. Administrative messages that are not
//! carried out are refused by name, never half-accepted.
#![no_std]

extern crate alloc;

pub mod admin;
pub mod authority;
pub mod error;
pub mod genesis;
pub mod query;
pub mod queue;
pub mod state;
pub mod upgrade;
pub mod validator;

mod read;

pub use admin::{Change, Msg};
pub use authority::{is_administrative, refuse, require_authority};
pub use error::{Error, Unchangeable};
pub use genesis::{Genesis, NewValidator};
pub use queue::{begin_block, execute};
pub use state::{
    authority, layout, schedule, set_at, staking_denom, total_power, total_power_at, validators,
};
pub use upgrade::Plan;
pub use validator::{Validator, MAX_TOTAL_POWER, MAX_VALIDATORS};
