//! Engine and the naive model of `node/model`, side by side.
//!
//! Reading order: [`setting`] (what both begin with), [`engine`] (the other side), [`crowd`] (what is asked) and the
//! tests: [`differential`], [`orderings`], [`metamorphic`], [`stream`], [`rebuilt`].

mod crowd;
mod differential;
mod engine;
mod messages;
mod metamorphic;
mod orderings;
mod rebuilt;
mod setting;
mod stream;

use model::{chain, fee, funding, ledger, liquidate, money, orders, pots, terms};
