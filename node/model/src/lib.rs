//! A second opinion on all trading rules: a model that was written from the documents, with lists for books and
//! unbounded fractions for money. It shares no code with the engine, and is slow on purpose.
//!
//! Reading order: [`terms`] (words), [`money`] (numbers), [`ledger`] (accounts and margin), [`orders`] (books),
//! [`funding`], [`liquidate`], [`chain`] (a block). Tests of `node/scenario` ask it and the engine the same;
//! `node/sim` tells it what its chains did.

pub mod admit;
pub mod chain;
pub mod falls;
pub mod fee;
pub mod funding;
pub mod growth;
pub mod ledger;
pub mod liquidate;
pub mod money;
pub mod orders;
pub mod parked;
pub mod pots;
pub mod resting;
pub mod status;
pub mod terms;
pub mod waiting;
