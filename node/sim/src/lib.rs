//! A seeded simulator: people who trade, err and cheat at random, on the real machine with signed
//! transactions.
//!
//! Reading order: [`simulate`] (one seed), [`Counts`] (what happened), `agents` (what people do and want),
//! `market` (what prices and clocks do), [`laws`] (what holds after every block); chance comes from
//! [`scenario::Dice`]. The same seed and number of blocks always tell the same story, so a failure names all that is needed to see it
//! again.
//!
//! After each block: every law of [`laws::table`] that has something to say, and twins that must answer and write
//! the same.
//! After the last block: the root of the tree that took every block's changes against one built from all rows.
//! It never touches disk, network or clock.

mod agents;
mod crowd;
mod engine;
mod faults;
mod frozen;
mod genesis;
pub mod laws;
mod market;
mod network;
mod run;
mod special;
mod twins;

pub use agents::{Outcomes, Role, Tally};
pub use engine::Rounds;
pub use frozen::{frozen, Frozen};
pub use genesis::comes_back;
pub use run::{simulate, watch, Counts, Failure, Mode, Story};
