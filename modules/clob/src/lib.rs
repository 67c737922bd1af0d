//! Order books, matching, and the life of an order from message to fill, cancel or expiry.
//!
//! Reading order: [`order`](Order) (the words), [`state`] (what is kept), [`books`](Books) (the books in memory,
//! a cache over the rows), [`matching`](next()) (who trades with whom, without money), `settle` (the money of
//! one match), `place`, `cancel`, [`close`](close_position) (the three ways into a book), `spent` (how an order
//! is kept from coming twice), [`expire`](expire()) (around a block's messages), [`impact`](impact()),
//! [`genesis`], [`query`].
//!
//! It moves no money itself: accounts, fees and the insurance fund are asked, and a match that one of them
//! refuses has not happened. It never looks at a clock, and never asks who wants to be liquidated.
#![no_std]

extern crate alloc;

pub mod error;
pub mod event;
pub mod genesis;
pub mod msg;
pub mod params;
pub mod query;
pub mod state;

mod admin;
mod admit;
mod arena;
mod band;
mod batch;
mod books;
mod calendar;
mod cancel;
mod close;
pub mod compact;
mod conditional;
mod execute;
mod expire;
mod growth;
mod heights;
mod impact;
mod index;
mod ladder;
mod later_event;
pub mod leverage;
mod limits;
mod matching;
mod name;
mod oracle;
mod order;
mod pairs;
mod paper;
mod parked;
mod place;
mod reduce;
mod replace;
mod resume;
mod settle;
mod spent;
mod status;
mod trade;
mod trigger;
mod triggers;
mod twap;
mod used;
mod waiting;
mod warm;

pub use admin::{refine, refined, set_params};
pub use arena::Handle;
pub use batch::{Batch, Operation, OperationResult, Placing, MAX_OPERATIONS};
pub use books::{Books, Grid, LevelView};
pub use cancel::BatchCancelled;
pub use close::{close_position, Closed, Liquidation, Stop};
pub use conditional::Conditional;
pub use error::Error;
pub use event::{FILL_EVENT, PLACED_EVENT, REMOVED_EVENT, RESIZED_EVENT};
pub use execute::{check, execute, Outcome};
pub use expire::{end_block, expire};
pub use genesis::Genesis;
pub use impact::{impact, Impact};
pub use later_event::REMOVAL_FAILED_EVENT;
pub use leverage::{decode_leverage, Leverage};
pub use limits::{charge, room, Family, RateLimits, Usage, Window};
pub use matching::{next, sweep, Next, Taker};
pub use msg::{
    decode_batch, decode_batch_cancel, decode_cancel, decode_place, decode_place_more, BatchCancel, Cancel,
    Msg,
};
pub use name::hash as order_hash;
pub use order::{
    Builder, Condition, ConditionKind, GoodTil, Kind, Order, OrderId, Resting, SelfTrade, Side, Size,
    TimeInForce, Twap,
};
pub use paper::{on_paper, walk};
pub use params::{EquityTier, Params};
pub use place::{put, Origin, PlacedOrder, Status};
pub use reduce::position_changed;
pub use resume::{resume, MAX_PARKED};
pub use state::{layout, pair, pairs, params, rebuild, rebuild_seeded, Pair};
pub use status::{set_status, MAX_REMOVALS};
pub use trigger::{steps, trigger, Backlog, Step};
pub use triggers::{Direction, Trigger};
pub use twap::{slice_price, slice_size, slices, Parent};
pub use waiting::Traded;
pub use warm::warm;

/// Digest of all books: two with the same digest behave the same.
pub fn hash(books: &Books) -> [u8; 32] {
    books.hash()
}
