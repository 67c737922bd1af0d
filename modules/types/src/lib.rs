//! Words that every module shares: identifiers, addresses, coins, block and time, events, and the two
//! kinds of refusal. No behaviour of the market lives here.
//!
//! Reading order: [`address`], [`id`], [`coin`], [`block`], [`event`], [`events`], [`packed`], [`refusal`].
#![no_std]

extern crate alloc;

mod address;
mod block;
mod coin;
mod event;
mod events;
mod id;
mod packed;
mod refusal;

pub use address::Address;
pub use block::{Block, Chain, Time};
pub use coin::{Coin, Denom};
pub use event::{Event, Value};
pub use events::{Events, Record, Tell, Told};
pub use id::{MarketId, SubaccountId, MAX_SUBACCOUNT_NUMBER};
pub use packed::Attributes;
pub use refusal::{Malformed, Rejection};
