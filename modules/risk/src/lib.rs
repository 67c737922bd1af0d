//! What a trader asks of an account: what it is worth, what it must be worth, at which price it is liquidated, and
//! what all that would be after a trade, a price or a transfer that has not happened.
//!
//! Reading order: [`view`](view()) (the numbers of an account), `threshold` (the price at which it is liquidated),
//! [`suppose`](suppose()) (the same after something that has not happened), [`query`].
//!
//! It has no state and changes none, and no block calls it. What has not happened is done by the rules that would do
//! it, on a paper that is thrown away: it knows no rule of its own.
#![no_std]

extern crate alloc;

pub mod error;
pub mod query;

mod paper;
mod suppose;
mod threshold;
mod view;

pub use error::Error;
pub use suppose::{suppose, Outcome, Supposed, Trade, MAX_SUPPOSED};
pub use threshold::liquidation_price;
pub use view::{view, AccountView, PositionView};
