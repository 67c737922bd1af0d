//! Amounts, prices and rates: the only place that multiplies or divides money.
//!
//! Read `amounts` for the units, `round` and `product` for what every formula stands on, `convert` for the
//! conversions between base, quote and prices, `wide` and `ratio` for formulas that outgrow 128 bits,
//! `median` for samples. The formulas are numbered in the README.
//!
//! Integers only. Every division names its [`Round`]; products are exact at any width; what does not fit is
//! `None`. Never a float, never a wrapped or saturated number, never a hidden rounding.
#![no_std]

mod amounts;
mod convert;
mod median;
mod product;
mod ratio;
mod round;
mod wide;

pub use amounts::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, SignedPpm, Subticks};
pub use convert::{fill_quote, oracle_value, ppm_mul, quote_to_base};
pub use median::{mean_i64_trunc, median_i32};
pub use product::{mul_div, mul_pow10, round_to_multiple};
pub use ratio::Ratio;
pub use round::Round;
pub use wide::Wide;
