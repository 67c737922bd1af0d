//! Transactions from bytes to admission: golden vectors, hostile bytes, signatures, sequences, gas and fees.
//!
//! The golden files were made by a program of its own (hand-made protobuf, bech32 and RFC 6979), not by this
//! crate.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "tests count, flip and take numbers apart; an overflow fails the test"
)]

mod admission;
mod bytes;
mod golden;
mod queries;
mod signing;
mod world;
