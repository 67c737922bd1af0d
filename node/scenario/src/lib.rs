//! Market stories: people with names, real signed transactions, a virtual clock, and the conservation laws
//! after every block. What a story shows happened in the very state machine that validators run.
//!
//! Reading order: [`Wallet`] (a person with a key), [`World`] (a chain to play on), [`sign`] (transactions).

mod wallet;
mod world;

pub use wallet::{any, sign, sign_with, Envelope, Wallet};
pub use world::World;
