//! A seeded simulator: people who trade, err and cheat at random, on the real machine with signed
//! transactions.
//!
//! Reading order: [`simulate`] (one seed), [`Counts`] (what happened), `crowd` (what people do), `market`
//! (what prices and clocks do), [`laws`] (what holds after every block), `ledger` (a second opinion on money),
//! chance comes from [`scenario::Dice`]. The
//! same seed and number of blocks always tell the same story, so a failure names all that is needed to see it
//! again.
//!
//! After each block: every conservation law over the whole state, the books rebuilt from the state, a twin that
//! was rebuilt from the state before the block and must answer and write the same, no fault inside a
//! transaction, nobody without positions who owes, and every account equal to books kept from events alone.
//! After the last block: the root of the tree that took every block's changes against one built from all rows.
//! It never touches disk, network or clock.

mod agents;
mod checks;
mod crowd;
mod engine;
mod faults;
mod genesis;
pub mod laws;
mod ledger;
mod market;
mod network;
mod run;
mod special;
mod twins;

pub use engine::Rounds;
pub use genesis::comes_back;
pub use run::{simulate, watch, Counts, Failure, Mode, Story};
