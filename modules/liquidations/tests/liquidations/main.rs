//! Liquidations: formulas, the watch, turns, positions against the book, the fund and the other side, isolated
//! markets, final settlement, and whole markets in a fall. [`world`] is the chain that they play on.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "tests count with small numbers"
)]

mod allocation;
mod book;
mod cases;
mod deleveraging;
mod dice;
mod formulas;
mod isolated;
mod queue;
mod room;
mod settlement;
mod storm;
mod watch;
mod world;
