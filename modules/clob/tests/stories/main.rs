//! Stories: messages against the module with everything below it, money checked to the unit.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "a test stops at what it does not expect"
)]

mod batch;
mod bounding;
mod closing;
mod conditional;
mod decoding;
mod failing;
mod growing;
mod impact;
mod life;
mod limits;
mod meeting;
mod pumping;
mod random;
mod reducing;
mod refusing;
mod replacing;
mod trading;
mod trigger_model;
mod twap;
mod waiting_events;
mod world;
