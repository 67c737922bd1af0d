//! Market stories: people with names, real signed transactions, a virtual clock, and the conservation laws
//! after every block. What a story shows happened in the very state machine that validators run.
//!
//! Reading order: [`story`] (the language of stories), [`World`] (a chain to play on), [`Wallet`] (a person with
//! a key), [`sign`] (transactions), [`Dice`] (chance that follows from a seed),
//! [`compared`] (a chain beside the naive model). No disk and no network: it
//! never talks to anybody.

pub mod compared;
pub mod story;

mod dice;
mod wallet;
mod world;

pub use dice::Dice;
pub use story::{play, tell};
pub use wallet::{any, sign, sign_with, Envelope, Wallet};
pub use world::World;
