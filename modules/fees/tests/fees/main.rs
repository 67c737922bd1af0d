//! Trading fees: the table, volumes of a window, the desk of a block, and the way of the money.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "tests count with small numbers"
)]

mod desk;
mod table;
mod volumes;
mod world;
