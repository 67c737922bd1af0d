//! A seeded simulator: people who trade, err and cheat at random, on the real machine with signed
//! transactions.
//!
//! Reading order: [`Story`] (what is told), [`simulate`] (one of them), [`Counts`] (what happened), `swarm` (what
//! kind of chain), `agents` (what people do and want), `market` (what prices and clocks do), `engine` and `network`
//! (rounds, byzantine proposers, lying and late votes), `twins` (nodes that are kept in different ways) and
//! `faults` (what breaks), [`laws`] (what holds after every block), `healing` (what must work again after the
//! chaos), `second` (the naive model beside the chain), `script` and [`shrink()`] (from a story that fails to a
//! small one), [`Canary`] (bugs that must be found).
//! Chance comes from [`scenario::Dice`], for each part of each block its own: the same story is always told in the
//! same way, with any of its parts left out too, so a failure names all that is needed to see it again.
//!
//! After each block: every law of [`laws::table`] that has something to say, and nodes that must answer, emit and
//! hash the same as a machine that none of them shares anything with. Besides, the model of `node/model`, which shares
//! no code with the engine, is told what was accepted, and must come to the same events, books, accounts, pools, funds
//! and funding by itself.
//! After the last block: the root of the tree that took every block's changes against one built from all rows.
//! It never touches disk, network or clock.

mod agents;
mod canary;
mod counts;
mod crowd;
mod engine;
mod faults;
mod frozen;
mod genesis;
mod healing;
pub mod laws;
mod market;
mod network;
mod run;
mod script;
mod second;
mod shrink;
mod special;
mod story;
mod swarm;
mod twins;

pub use agents::{Outcomes, Role, Tally};
pub use canary::Canary;
pub use counts::{Counts, Failure};
pub use engine::Rounds;
pub use frozen::{frozen, Frozen};
pub use genesis::comes_back;
pub use run::{many, simulate, watch};
pub use script::{Item, What};
pub use second::Seconded;
pub use shrink::{shrink, Small};
pub use story::{canary, Mode, Story};
