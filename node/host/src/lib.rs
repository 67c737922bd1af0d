//! The ABCI application: the state machine of `app` on the store of `tree`, behind the application trait of
//! `tendermint-abci`. Both engines, CometBFT and the embedded one, drive this very object.
//!
//! Reading order: [`Host`] (what it is made of), `consensus` (a block's life), `mempool` (checking), `query`
//! (reading), `render` (events as text), [`PriceSource`] (where our oracle vote comes from).
//!
//! Blocks run on the state in memory. Everything else reads committed views and never waits for a block.

mod application;
mod config;
mod consensus;
mod engine;
mod follow;
mod halt;
mod host;
mod mempool;
mod query;
mod render;
mod shelf;
mod snapshots;
mod vote;

pub use config::Config;
pub use follow::{Committed, Follower};
pub use host::{
    stop_by_unwinding, Error, Host, LastBlock, PriceSource, Stopped, EXIT_FAULT, EXIT_STORE, EXIT_UPGRADE,
};
pub use query::{Answer, QueryError};
pub use render::render;
pub use shelf::{write, Shelf};
