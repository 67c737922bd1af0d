//! All that multiplies or divides, against rationals of unbounded size: 10,000 random cases a property.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "the models are unbounded, their operators cannot overflow"
)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a generator that breaks its word fails the test"
)]

mod amounts;
mod convert;
mod median;
mod model;
mod product;
mod ratio;
mod wide;
