//! Margin accounts over the lower modules.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "tests count with small numbers"
)]

mod genesis;
mod isolated;
mod messages;
mod properties;
mod queries;
mod updates;
mod vectors;
mod world;
