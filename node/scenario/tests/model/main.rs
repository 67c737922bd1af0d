//! A second opinion on all trading rules: a model that was written from the documents, with lists for books and
//! unbounded fractions for money, beside the engine.
//!
//! Reading order: [`terms`] (words), [`money`] (numbers), [`ledger`] (accounts and margin), [`orders`] (books),
//! [`funding`], [`liquidate`], [`chain`] (a block); then [`engine`] (the other side), [`crowd`] (what is asked)
//! and the tests: [`differential`], [`orderings`], [`metamorphic`], [`stream`], [`rebuilt`].

mod admit;
mod chain;
mod crowd;
mod differential;
mod engine;
mod fee;
mod funding;
mod ledger;
mod liquidate;
mod messages;
mod metamorphic;
mod money;
mod orderings;
mod orders;
mod parked;
mod pots;
mod rebuilt;
mod resting;
mod setting;
mod status;
mod stream;
mod terms;
mod waiting;
